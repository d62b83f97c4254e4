"""Why the teacher helped little: what is counted of its answers and of the student's words."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from made_records import PAIR, record_of

from agnews_utils.analysis.causes import accuracy_by_unseen_words, answers_by_question, pieces_by_occurrence
from agnews_utils.study.records import published_records
from agnews_utils.study.strong import ALL_RUNS
from agnews_utils.study.study import Study


def test_a_teacher_repeats_the_labels_of_its_own_articles():
    """The numbers of the committed study, which the course quotes, from any profile."""
    table = answers_by_question(Study(), published_records(ALL_RUNS)[0])
    assert table["other"].round(1).tolist() == [1.4, 6.7]
    assert table["entropy"].tolist() == pytest.approx([0.16, 0.20], abs=0.005)


def test_pieces_are_counted_where_the_mask_says_so():
    ids = np.array([[0, 1, 1, 2], [1, 1, 1, 3]])
    mask = np.array([[1, 1, 1, 1], [1, 1, 1, 0]])  # piece 3 is padding here
    articles = SimpleNamespace(input_ids=ids, attention_mask=mask)
    counts = pieces_by_occurrence(articles, pieces=10)
    assert counts.tolist() == [7, 2, 1, 0, 0]  # piece 1 stands five times


def test_accuracy_by_the_share_of_unseen_words():
    name = PAIR[0]
    records = {name: [record_of(name, np.array([True, False, True, False]))]}
    table = accuracy_by_unseen_words(records, pd.Series([0.0, 0.0, 0.03, 0.2]))
    assert table["articles"].tolist() == [2, 1, 1]
    assert table["CNN-1 plain"].tolist() == pytest.approx([50, 100, 0])
