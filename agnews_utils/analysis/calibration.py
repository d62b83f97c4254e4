"""Calibration: does a model's confidence say how often it is correct?

Confidence is the largest softmax probability of an article. Source: Guo et al. 2017.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

BINS = 15  # of equal width, as Guo et al. 2017


def confidence(logits: np.ndarray) -> np.ndarray:
    """(articles, classes) logits to the largest probability of each article (articles,)."""
    return softmax(logits, axis=1).max(axis=1)


def reliability(logits: np.ndarray, labels: np.ndarray, bins: int = BINS) -> pd.DataFrame:
    """Articles in bins of confidence: mean ``confidence``, ``accuracy`` and ``articles`` of each bin that is not empty.

    Args:
        logits: (articles, classes)
        labels: (articles,)
    """
    confidences = confidence(logits)
    number = np.minimum((confidences * bins).astype(int), bins - 1)
    correct = logits.argmax(axis=1) == labels
    table = pd.DataFrame({"bin": number, "confidence": confidences, "accuracy": correct, "articles": 1})
    return table.groupby("bin").agg({"confidence": "mean", "accuracy": "mean", "articles": "sum"})


def expected_calibration_error(logits: np.ndarray, labels: np.ndarray, bins: int = BINS) -> float:
    """Mean gap of confidence and accuracy over bins, weighted by their articles (Guo et al. 2017, eq. 3)."""
    table = reliability(logits, labels, bins)
    gaps = (table["confidence"] - table["accuracy"]).abs()
    return float((gaps * table["articles"]).sum() / table["articles"].sum())


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Temperature scaling: the temperature with the lowest cross-entropy on these articles.

    Above 1 the model is too confident, below 1 not confident enough. Fit it on validation articles (Guo et al. 2017,
    section 4.2); it changes no prediction.
    """
    articles = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        return -float(log_softmax(logits / np.exp(log_temperature), axis=1)[articles, labels].mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def answered(logits: np.ndarray, labels: np.ndarray, threshold: float) -> tuple[float, float]:
    """What a model does that answers only from this confidence on: the share of articles answered, and its accuracy.

    The accuracy is NaN where it answers none.
    """
    sure = confidence(logits) >= threshold
    correct = (logits.argmax(axis=1) == labels)[sure]
    return float(sure.mean()), float(correct.mean()) if sure.any() else float("nan")


def confidence_threshold(logits: np.ndarray, labels: np.ndarray, accuracy: float) -> float:
    """The smallest confidence, in thousandths, from which on the answers to these articles reach the accuracy.

    Choose it on validation articles, with logits that were divided by their temperature.

    Raises:
        ValueError: even the most confident answers do not reach it.
    """
    for thousandths in range(1001):
        if answered(logits, labels, thousandths / 1000)[1] >= accuracy:
            return thousandths / 1000
    raise ValueError(f"No confidence gives an accuracy of {accuracy}: ask for less.")
