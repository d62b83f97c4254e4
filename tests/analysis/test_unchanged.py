"""The tables and verdicts of the committed study, against what the code before the restructuring of version 0.2 gave.

``unchanged.json`` holds the older code's numbers, with its own names of columns: numbers are compared place by place.
"""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from agnews_utils.analysis import claims, pairs, tables
from agnews_utils.settings import ROOT
from agnews_utils.study.records import COMMITTED_RESULTS, published_records
from agnews_utils.study.runs import MODEL3, MODEL4, SEARCHED_DIST, TEACHER, TFIDF

SINCE = {SEARCHED_DIST}  # runs made since
BEFORE = json.loads(Path(__file__).with_name("unchanged.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def records():
    return {name: runs for name, runs in published_records()[0].items() if name not in SINCE}


def test_no_record_is_lost(records):
    assert {len(records), sum(map(len, records.values()))} == {35, 127}


def costs(records):
    return tables.costs(records, tables.encoding_seconds(pd.read_csv(ROOT / "tests" / "analysis" / "benchmark.csv")))


def paired(records):
    return pairs.paired_comparisons(records, BEFORE["pairs"], fixed={TEACHER, TFIDF})


def subgroups(records):
    statistics = pd.read_csv(next(COMMITTED_RESULTS.glob("*-full")) / "test_rows.csv")
    groups = pairs.subgroups(statistics, records[MODEL3][0].labels, 64)
    return pairs.gains_by_subgroup(records[MODEL3], records[MODEL4], groups)


TABLES = {
    "selection": tables.checkpoint_selection_bias,
    "accuracy_over_seeds": tables.accuracy_over_seeds,
    "calibration": tables.calibration_table,
    "costs": costs,
    "paired": paired,
    "subgroups": subgroups,
}


@pytest.mark.parametrize("name", TABLES)
def test_no_number_of_a_table_changed(records, name):
    before = pd.DataFrame(BEFORE[name]["data"], columns=BEFORE[name]["columns"])
    after = TABLES[name](records).reset_index()
    assert before.shape == after.shape
    numbers = [frame.select_dtypes("number").to_numpy(float) for frame in (before, after)]
    np.testing.assert_allclose(*numbers, rtol=0, atol=1e-9)


def test_no_accuracy_changed(records):
    """The results table has other columns since; a teacher stands for its seed 0."""
    before = pd.DataFrame(BEFORE["results_table"]["data"], columns=BEFORE["results_table"]["columns"]).set_index("run")
    after = tables.results_table(records).set_index("run")
    columns = ["parameters", "report", "test_accuracy", "low", "high"]
    older = ["parameters", "report", "ours, selected on validation", "95% low", "95% high"]
    same = [name for name in before.index if name != TEACHER]
    numbers = before.loc[same, older].to_numpy(float), after.loc[same, columns].to_numpy(float)
    np.testing.assert_allclose(*numbers, rtol=0, atol=1e-9)


def test_no_verdict_changed(records):
    before = pd.DataFrame(BEFORE["verdicts"]["data"], columns=BEFORE["verdicts"]["columns"]).set_index("claim")
    after = claims.verdicts(records).drop(index="5")  # it had no run then
    before = before.drop(index="5")
    assert before["verdict"].to_dict() == after["verdict"].to_dict()
    for claim in after.index:
        numbers = [re.findall(r"[-+]?\d[\d.,]*", frame.loc[claim, "evidence"]) for frame in (before, after)]
        assert numbers[0] == numbers[1]


def test_no_confusion_changed(records):
    assert {name: tables.most_confused(runs[0]) for name, runs in records.items()} == BEFORE["most_confused"]
