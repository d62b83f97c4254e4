"""What notebook 08 asks of the measured models: which of them no other one dominates, and what int8 costs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..study.records import Record
from .statistics import mcnemar, paired_bootstrap_interval

BATCH, THREADS = 1, 1  # of the benchmark's rows: one article a call, one thread
COSTS = {"bytes": "best_by_bytes", "p50_ms": "best_by_latency"}


def single_calls(benchmark: pd.DataFrame) -> pd.DataFrame:
    """The benchmark's rows of one article a call with one thread."""
    return benchmark[(benchmark["batch"] == BATCH) & (benchmark["threads"] == THREADS)]


def smallest_forms(benchmark: pd.DataFrame) -> pd.DataFrame:
    """Of each model whose accuracy is known, the form with the fewest bytes, smallest first; a call an article."""
    rows = single_calls(benchmark)
    return rows[rows["accuracy"].notna()].sort_values("bytes").drop_duplicates("model")


def undominated(cost: pd.Series, accuracy: pd.Series) -> pd.Series:
    """Whether no other model costs at most as much and is at least as accurate, better in one of the two.

    Of models that are equal in both, all are kept. A model whose cost or accuracy is not known is never marked.
    """
    costs, rights = cost.to_numpy(float), accuracy.to_numpy(float)
    no_worse = (costs <= costs[:, None]) & (rights >= rights[:, None])
    better = (costs < costs[:, None]) | (rights > rights[:, None])
    known = ~np.isnan(costs + rights)
    return pd.Series(known & ~(no_worse & better).any(axis=1), cost.index)


def frontier(benchmark: pd.DataFrame) -> pd.DataFrame:
    """A row for each model of which an accuracy is known, cheapest first, and whether it is undominated.

    Args:
        benchmark: ``students_benchmark.csv`` (see :data:`agnews_utils.commands.bench_students.COLUMNS`)

    Returns:
        Index of titles, with the form where a model was measured in several; columns ``accuracy`` (percent), ``bytes``,
        ``p50_ms`` (one article a call, one thread), ``multiply_adds``, ``resident_mib``, and ``best_by_bytes`` and
        ``best_by_latency``.

    Raises:
        ValueError: the benchmark has no row of one article a call with one thread.
    """
    rows = single_calls(benchmark)
    if rows.empty:
        raise ValueError("The benchmark has no rows of one article a call with one thread: make it again (make bench).")
    rows = rows[rows["accuracy"].notna()]
    several = rows["model"].duplicated(keep=False)
    names = rows["model"].where(~several, rows["model"] + ", " + rows["computed_by"])
    table = rows[["accuracy", "bytes", "p50_ms", "multiply_adds", "resident_mib"]].set_axis(names, axis=0)
    table = table.assign(accuracy=100 * table["accuracy"]).rename_axis("model")
    marks = {mark: undominated(table[cost], table["accuracy"]) for cost, mark in COSTS.items()}
    return table.assign(**marks).sort_values("bytes")


def int8_cost(record: Record, predictions: np.ndarray) -> dict[str, float]:
    """What rounding a student's weights to int8 changes, on the same test articles, in percentage points.

    Args:
        record: of the run whose weights were rounded; its predictions are those of the floats
        predictions: (articles,), the classes that the int8 student gives the record's test articles

    Returns:
        ``floats`` and ``int8`` (accuracies), ``gain`` (int8 minus floats) with its paired bootstrap interval ``low`` to
        ``high``, and ``p`` of the exact McNemar test.

    Raises:
        ValueError: the predictions are of another number of articles.
    """
    if len(predictions) != len(record.labels):
        raise ValueError(
            f"There are predictions of {len(predictions):,} articles, and the record is of {len(record.labels):,}: "
            "give those of its test articles."
        )
    correct = predictions == record.labels
    test = mcnemar(record.correct, correct)
    low, high = paired_bootstrap_interval(correct.astype(int) - record.correct.astype(int))
    percent = {"floats": record.test_accuracy, "int8": correct.mean(), "gain": test["gain"], "low": low, "high": high}
    return {**{name: 100 * float(value) for name, value in percent.items()}, "p": test["p"]}
