"""What notebook 07 reads from the records."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import relabelled
from made_records import PAIR, match_seeds, record_of

from agnews_utils import plotting
from agnews_utils.analysis.strong import SCARCE_KINDS, accuracy_against_labels, gain_in_words, there
from agnews_utils.study.runs import MODEL3
from agnews_utils.study.strong import ALL_RUNS, scarce_names


def scarce(labels, *shares):
    """Records of the four kinds of model with so many labels; None: not made."""
    names = zip(scarce_names(labels), shares, strict=True)
    made = {name: record_of(MODEL3, relabelled(100, share)) for name, share in names if share is not None}
    return {name: [replace(record, run=ALL_RUNS[name])] for name, record in made.items()}


def test_accuracy_against_labels():
    table = accuracy_against_labels(scarce(100, 0.5, 0.8, 0.3, 0.7) | scarce(2_000, 0.7, None, None, 0.9))
    assert list(table.index) == [100, 2_000]
    assert table.loc[100].tolist() == pytest.approx([50, 80, 30, 70])
    assert table.loc[2_000, SCARCE_KINDS[0]] == pytest.approx(70)
    assert np.isnan(table.loc[2_000, SCARCE_KINDS[1]])
    assert accuracy_against_labels({}).empty
    figure = plotting.accuracy_against_labels(table)
    assert len(figure.axes[0].lines) == 4
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == list(SCARCE_KINDS)


def test_a_gain_says_whether_it_excludes_zero():
    clear = gain_in_words(match_seeds({0: (10, 90), 1: (10, 90), 2: (12, 90)}), *PAIR)
    assert clear.startswith("+7.93 percentage points (95 % +")
    assert clear.endswith("3 seeds; the interval excludes zero)")
    assert "the interval includes zero" in gain_in_words(match_seeds({0: (30, 31), 1: (31, 30), 2: (30, 30)}), *PAIR)


def test_pairs_without_records_are_left_out():
    records = match_seeds({0: (1, 2)})
    assert there(records, [PAIR, (PAIR[0], "another"), ("another", PAIR[1])]) == [PAIR]


def test_bytes_are_drawn_with_their_levels():
    import pandas as pd

    table = pd.DataFrame({"bytes": [5e6, 1e5], "accuracy": [92.7, 90.0]}, index=["5mb", "100kb"])
    axes = plotting.accuracy_against_bytes(table, {"TF-IDF": 92.3}).axes[0]
    assert axes.lines[0].get_xdata().tolist() == [0.1, 5.0]  # smallest first, in megabytes
    assert {text.get_text() for text in axes.texts} == {"5mb", "100kb", "TF-IDF"}
