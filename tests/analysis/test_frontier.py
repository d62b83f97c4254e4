"""The frontier of the measured models: which one no other dominates."""

import numpy as np
import pandas as pd
import pytest
from helpers import refused
from made_records import record_of

from agnews_utils.analysis.frontier import frontier, int8_cost, smallest_forms, undominated

COSTS = [1.0, 2.0, 3.0, 4.0, 4.0, 2.0]
ACCURACY = [0.80, 0.90, 0.85, 0.95, 0.94, 0.90]


def test_undominated_models():
    # the third costs more than the second and is worse; the last is the second's equal
    marked = undominated(pd.Series(COSTS), pd.Series(ACCURACY))
    assert marked.tolist() == [True, True, False, True, False, True]


def test_unknown_numbers_mark_nothing_and_dominate_nothing():
    marked = undominated(pd.Series([1.0, np.nan, 2.0]), pd.Series([np.nan, 0.99, 0.5]))
    assert marked.tolist() == [False, False, True]


def test_marks_agree_with_the_definition():
    generator = np.random.default_rng(0)
    cost, accuracy = generator.integers(0, 9, 60).astype(float), generator.integers(0, 9, 60).astype(float)
    marked = undominated(pd.Series(cost), pd.Series(accuracy))
    for i in range(60):
        dominated = any(
            cost[j] <= cost[i] and accuracy[j] >= accuracy[i] and (cost[j], accuracy[j]) != (cost[i], accuracy[i])
            for j in range(60)
        )
        assert marked[i] == (not dominated)


@pytest.fixture
def benchmark():
    rows = [
        {"model": "large", "computed_by": "PyTorch", "bytes": 9e7, "p50_ms": 20.0, "accuracy": 0.94},
        {"model": "small", "computed_by": "PyTorch", "bytes": 4e6, "p50_ms": 0.5, "accuracy": 0.92},
        {"model": "small", "computed_by": "ONNX", "bytes": 1e6, "p50_ms": 0.1, "accuracy": 0.92},
        {"model": "slow", "computed_by": "C", "bytes": 2e5, "p50_ms": 90.0, "accuracy": 0.90},
        {"model": "unknown", "computed_by": "C", "bytes": 1.0, "p50_ms": 0.001, "accuracy": np.nan},
    ]
    table = pd.DataFrame(rows).assign(multiply_adds=1e6, resident_mib=50.0)
    return pd.concat([table.assign(threads=t, batch=b) for t in (1, 2) for b in (1, 256)], ignore_index=True)


def test_frontier_of_a_benchmark(benchmark):
    table = frontier(benchmark)
    assert table.index.tolist() == ["slow", "small, ONNX", "small, PyTorch", "large"]
    assert table["best_by_bytes"].tolist() == [True, True, False, True]
    assert table["best_by_latency"].tolist() == [False, True, False, True]
    assert table.loc["large", "accuracy"] == pytest.approx(94)


def test_the_smallest_form_of_each_known_model(benchmark):
    rows = smallest_forms(benchmark)
    assert rows["model"].tolist() == ["slow", "small", "large"]
    assert rows["computed_by"].tolist() == ["C", "ONNX", "PyTorch"]


def test_benchmark_without_the_rows_is_refused(benchmark):
    with refused(ValueError, "make it again (make bench)"):
        frontier(benchmark[benchmark["batch"] == 256])


def test_what_int8_costs():
    floats, int8 = (np.arange(1000) >= wrong for wrong in (100, 104))
    record = record_of("model3_simpler_cnn_plain", floats)
    predictions = np.where(int8, record.labels, (record.labels + 1) % 4)
    cost = int8_cost(record, predictions)
    assert cost["floats"] == pytest.approx(90)
    assert cost["int8"] == pytest.approx(89.6)
    assert cost["gain"] == pytest.approx(-0.4)
    assert cost["low"] < -0.4 < cost["high"] <= 0
    assert cost["p"] == pytest.approx(2 * 0.5**4)
    with refused(ValueError, "There are predictions of 999 articles"):
        int8_cost(record, predictions[:999])
