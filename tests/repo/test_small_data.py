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


def test_a_student_copies_only_where_it_does_so_both_ways():
    names, said = ("CNN-1 plain again", "CNN-1 DIST", "CNN-1 KL"), []
    columns = [f"{name}, % right" for name in names]
    for rows in ([["50.0", "60.0", "70.0"], ["70.0", "60.0", "50.0"]], [["0.0", "100.0", "0.0"], ["–", "–", "–"]]):
        copied = pd.DataFrame(rows, columns=columns)
        exec(cell("05_analysis", "86265612"), {"copied": copied, "again": names, "Markdown": said.append})
    both, one = said
    assert "is right on 60.0 % and the control on 50.0 %" in both
    assert "copies its teacher, for better and for worse" in both
    assert "KL gives the teacher more weight" in both
    assert "does not copy its teacher both ways" in one
    assert "nan" not in one
