"""Cells whose sentences compare two groups of test articles, where a small file leaves one of them empty."""

from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import pytest

from agnews_utils.analysis import pairs
from agnews_utils.settings import ROOT


def cell(notebook, identity):
    cells = nbformat.read(ROOT / "notebooks" / f"{notebook}.ipynb", as_version=4).cells
    return next(cell.source for cell in cells if cell.id == identity)


def result_of(source, **names):
    """What a cell shows: the value of its last line."""
    *before, last = source.splitlines()
    exec("\n".join(before), names)
    return eval(last, names)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("rare", "said"),
    [
        (
            [True, True],
            "100 % of the test articles hold a word piece that occurs fewer than five times in training. So",
        ),
        (
            [False, False],
            "0 % of the test articles hold a word piece that occurs fewer than five times in training. So",
        ),
        ([True, False], "There the baseline is ahead of CNN-1 (seed 0) by 100.0 points, elsewhere by 0.0. Yes."),
        ([False, True], "ahead of CNN-1 (seed 0) by 0.0 points, elsewhere by 100.0. No: its lead is no larger there."),
    ],
)
def test_rare_word_pieces(rare, said):
    trained = SimpleNamespace(input_ids=np.full((5, 1), 1), attention_mask=np.ones((5, 1)))
    test = SimpleNamespace(input_ids=np.where(rare, 2, 1)[:, None], attention_mask=np.ones((2, 1)))
    baseline, student = (SimpleNamespace(correct=np.array(correct)) for correct in ([True, True], [False, True]))
    shown = result_of(
        cell("03_students_plain", "03-040"), articles=trained, records={"a": [baseline], "b": [student]}, TFIDF="a",
        MODEL3="b", study=SimpleNamespace(inputs=SimpleNamespace(articles=lambda split: test)), Markdown=str, np=np,
    )  # fmt: skip
    assert said in shown
    assert "nan" not in shown


@pytest.mark.filterwarnings("error")
def test_what_is_copied_from_a_teacher():
    right, wrong = SimpleNamespace(correct=np.array([True, True])), SimpleNamespace(correct=np.array([False, True]))
    names = dict(zip(("MODEL3", "TEACHER", "MODEL4", "SIMPLER_KL"), "abcd", strict=True))
    records = {"a": [wrong], "b": [right], "c": [right], "d": [wrong]}
    table = result_of(cell("05_analysis", "05-045"), records=records, pairs=pairs, pd=pd, **names)
    assert table["articles"].tolist() == [1, 0]
    assert table["CNN-1 DIST, % right"].tolist() == ["100.0", "–"]
    assert table["CNN-1 KL, % right"].tolist() == ["0.0", "–"]
