"""Claim 6, on benchmarks that are made up."""

import pandas as pd
import pytest

from agnews_utils.analysis import devices
from agnews_utils.analysis.claims import DOES_NOT_HOLD, HOLDS, INCONCLUSIVE
from agnews_utils.study.runs import TFIDF


def benchmark(*, bytes=4_500_000, times=150.0, accuracy=0.93, threads=1, names=("student_5mb_numpy", TFIDF)):
    """One row a model; TF-IDF reaches 0.92."""
    rows = [
        {"name": name, "threads": threads, "batch": 1, "bytes": bytes, "times_teacher": times,
         "accuracy": 0.92 if name == TFIDF else accuracy}
        for name in names
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({}, HOLDS),
        ({"bytes": 5_000_001}, DOES_NOT_HOLD),
        ({"times": 99.0}, DOES_NOT_HOLD),
        ({"accuracy": 0.919}, DOES_NOT_HOLD),
        ({"threads": 2}, INCONCLUSIVE),
        ({"names": ("student_5mb_numpy",)}, INCONCLUSIVE),
    ],
)
def test_all_three_conditions_must_be_met(changed, verdict):
    table = devices.verdicts(benchmark(**changed))
    assert table.loc["6, 5 MB", "verdict"] == verdict
    assert table.loc["6, report", "verdict"] == INCONCLUSIVE  # it is not there


def test_the_faster_form_counts():
    slow, fast = benchmark(times=50.0), benchmark(times=200.0, names=("student_5mb_onnx_int8",))
    table = devices.verdicts(pd.concat([slow, fast]))
    assert "200 times the fine-tuned teacher's rate" in table.loc["6, 5 MB", "evidence"]
    assert table.loc["6, 5 MB", "verdict"] == HOLDS
