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
def test_what_is_copied_from_a_teacher():
    right, wrong = SimpleNamespace(correct=np.array([True, True])), SimpleNamespace(correct=np.array([False, True]))
    names = dict(zip(("MODEL3", "TEACHER", "MODEL4", "SIMPLER_KL"), "abcd", strict=True))
    records = {"a": [wrong], "b": [right], "c": [right], "d": [wrong]}
    table = result_of(cell("05_analysis", "05-045"), records=records, pairs=pairs, pd=pd, **names)
    assert table["articles"].tolist() == [1, 0]
    assert table["CNN-1 DIST, % right"].tolist() == ["100.0", "–"]
    assert table["CNN-1 KL, % right"].tolist() == ["0.0", "–"]


def test_a_student_copies_only_where_the_interval_says_so():
    there, nobody = np.arange(40) < 20, np.zeros(40, bool)
    control = np.where(there, 0.2, 0.8)
    right = {"CNN-1 plain again": control, "CNN-1 DIST": np.where(there, 0.6, 0.4)}
    said = []
    for wrong in (~there, nobody):
        situations = {"student wrong, teacher right": there, "student right, teacher wrong": wrong}
        names = {"right": right, "situations": situations, "Markdown": said.append}
        exec(cell("05_analysis", "86265612"), names)
    exec(cell("05_analysis", "86265612"), names | {"right": right | {"CNN-1 DIST": control}})
    assert "+40 points" in said[0]
    assert "-40 points" in said[0]
    assert "copies its mistakes" in said[0]
    assert "no article" in said[1]
    assert all("is not clear" in sentence for sentence in said[1:])
