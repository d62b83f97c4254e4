"""Calibration: does a model's confidence say how often it is right?

Confidence is the largest softmax probability of an article.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from ..study.records import Record

BINS = 15  # of equal width, as Guo et al. 2017


def confidence(logits: np.ndarray) -> np.ndarray:
    """(rows, classes) logits to the largest probability of each row (rows,)."""
    return softmax(logits, axis=1).max(axis=1)


def reliability(logits: np.ndarray, labels: np.ndarray, bins: int = BINS) -> pd.DataFrame:
    """Articles in bins of confidence: mean ``confidence``, ``accuracy`` and ``rows`` of each bin that is not empty.

    Args:
        logits: (rows, classes)
        labels: (rows,)
    """
    sure = confidence(logits)
    right = logits.argmax(axis=1) == labels
    number = np.minimum((sure * bins).astype(int), bins - 1)
    table = pd.DataFrame({"bin": number, "confidence": sure, "accuracy": right, "rows": 1})
    return table.groupby("bin").agg({"confidence": "mean", "accuracy": "mean", "rows": "sum"})


def calibration_error(logits: np.ndarray, labels: np.ndarray, bins: int = BINS) -> float:
    """Expected calibration error: mean gap of confidence and accuracy over bins, weighted by their rows (Guo et al. 2017, eq. 3)."""
    table = reliability(logits, labels, bins)
    gaps = (table["confidence"] - table["accuracy"]).abs()
    return float((gaps * table["rows"]).sum() / table["rows"].sum())


def fitted_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature that makes the labels likeliest: above 1 the model is too sure, below 1 not sure enough.

    Fit it on validation rows (Guo et al. 2017, section 4.2); it changes no prediction.
    """
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        return -float(log_softmax(logits / np.exp(log_temperature), axis=1)[rows, labels].mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def calibration_table(records: Mapping[str, list[Record]]) -> pd.DataFrame:
    """One row a run, means over its seeds, in percent: accuracy, mean confidence, calibration error as it is and at the fitted
    temperature, which is fitted on validation rows; and the test cross-entropy (nats)."""
    rows = []
    for runs in records.values():
        values = []
        for run in runs:
            logits, labels = run.test_logits, run.labels
            temperature = fitted_temperature(run.validation_logits, run.validation_labels)
            values.append(
                {"accuracy": 100 * run.test_accuracy, "mean confidence": 100 * confidence(logits).mean(),
                 "calibration error": 100 * calibration_error(logits, labels), "fitted temperature": temperature,
                 "calibration error at it": 100 * calibration_error(logits / temperature, labels),
                 "cross-entropy": -log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean()}
            )  # fmt: skip
        rows.append({"model": runs[0].run.title, "seeds": len(runs), **pd.DataFrame(values).mean()})
    return pd.DataFrame(rows).set_index("model")
