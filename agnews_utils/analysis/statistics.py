"""Intervals and paired tests: what a difference in accuracy allows one to say.

Gains are in shares, not in percentage points, unless a name says otherwise.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import binomtest, norm, sem, t

CONFIDENCE = 0.95
RESAMPLES = 10_000  # bootstrap draws


def accuracy_interval(correct: np.ndarray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's interval of an accuracy: it speaks of the test articles drawn, not of seeds.

    Its formula stands here because SciPy's (``binomtest(...).proportion_ci``) takes whole counts only, and a mean over
    seeds is none; a test compares the two.

    Args:
        correct: (N,), whether each article was predicted correctly, or the share of seeds that did

    Raises:
        ValueError: no articles.

    Source: Wilson 1927.
    """
    n = len(correct)
    if n == 0:
        raise ValueError("An accuracy needs at least one article.")
    accuracy, z = float(np.mean(correct)), norm.ppf(0.5 + confidence / 2)
    centre = (accuracy + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(accuracy * (1 - accuracy) / n + z**2 / (4 * n**2))
    return max(float(centre - half), 0.0), min(float(centre + half), 1.0)


def mcnemar(correct_a: np.ndarray, correct_b: np.ndarray) -> dict:
    """Exact McNemar test of two models on the same articles.

    Args:
        correct_a, correct_b: (N,), whether each article was predicted correctly

    Returns:
        ``only_a_correct`` and ``only_b_correct`` (how many articles), ``gain`` (accuracy of b minus a) and the
        two-sided ``p``: if both models were equally good, how often would the disagreements split at least this
        unevenly?

    Raises:
        ValueError: the two are not of the same articles.

    Source: McNemar 1947, with the binomial distribution in place of the chi-squared one.
    """
    if len(correct_a) != len(correct_b):
        raise ValueError(
            f"{len(correct_a)} and {len(correct_b)} articles: a paired test needs the same test articles of both "
            "models."
        )
    only_a, only_b = int(np.sum(correct_a & ~correct_b)), int(np.sum(~correct_a & correct_b))
    p = binomtest(only_b, only_a + only_b).pvalue if only_a + only_b else 1.0
    return {
        "only_a_correct": only_a, "only_b_correct": only_b, "gain": (only_b - only_a) / len(correct_a), "p": float(p)
    }  # fmt: skip


def paired_bootstrap_interval(gains: np.ndarray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Bootstrap percentile interval of the mean gain per article (+1: only b correct, -1: only a correct, 0: same).

    Articles are resampled. Only how many articles have each gain matters, and those counts are multinomial.
    """
    values, counts = np.unique(gains, return_counts=True)
    drawn = np.random.default_rng(0).multinomial(len(gains), counts / len(gains), size=RESAMPLES) @ values / len(gains)
    low, high = np.quantile(drawn, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return float(low), float(high)


def two_way_bootstrap_interval(gains: pd.DataFrame | np.ndarray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Two-way (pigeonhole) bootstrap interval of the mean gain: seeds and test articles are both resampled.

    It answers "with other seeds and other articles of this kind, what gain?". A bootstrap of two or three seeds knows
    too little of how far seeds spread, so the interval is never narrower than Student's t over seeds
    (:func:`seed_interval`). With one seed it is the bootstrap over articles, and says nothing of other seeds.

    Resampling both factors counts the seed × article variance three times, so the interval is conservative;
    :func:`variance_components_interval` counts it once.

    Args:
        gains: (seeds, articles)

    Source: Owen 2007, "The pigeonhole bootstrap".
    """
    low, high = np.quantile(two_way_bootstrap_means(gains), [0.5 - confidence / 2, 0.5 + confidence / 2])
    if len(gains) > 1:
        seeds_low, seeds_high = seed_interval(np.asarray(gains, float).mean(axis=1), confidence)
        low, high = min(low, seeds_low), max(high, seeds_high)
    return float(low), float(high)


def two_way_bootstrap_means(gains: pd.DataFrame | np.ndarray) -> np.ndarray:
    """The mean gain of each draw of seeds and test articles, both with replacement: (draws,).

    Args:
        gains: (seeds, articles)
    """
    gains = np.asarray(gains, float)
    seeds, articles = gains.shape
    columns, counts = np.unique(gains, axis=1, return_counts=True)  # most articles are alike: few kinds of column
    generator = np.random.default_rng(0)
    by_seed = (
        generator.multinomial(articles, counts / articles, size=RESAMPLES) @ columns.T / articles
    )  # (draws, seeds)
    weights = generator.multinomial(seeds, np.full(seeds, 1 / seeds), size=RESAMPLES) / seeds
    return (by_seed * weights).sum(axis=1)


def variance_components_interval(
    gains: pd.DataFrame | np.ndarray, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Random-effects interval of the mean gain: what seeds, articles and the rest add, each counted once.

    The gain of seed i on article j is taken as a sum of a seed effect, an article effect and a rest, all random. The
    variance of the mean follows from the mean squares of the two-way table, its degrees of freedom from Satterthwaite's
    approximation (1946). NaN with fewer than two seeds.

    Args:
        gains: (seeds, articles)
    """
    gains = np.asarray(gains, float)
    seeds, articles = gains.shape
    if seeds < 2:
        return float("nan"), float("nan")
    mean, by_seed, by_article = gains.mean(), gains.mean(axis=1), gains.mean(axis=0)
    degrees = np.array([seeds - 1, articles - 1, (seeds - 1) * (articles - 1)])
    squares = [
        articles * np.sum((by_seed - mean) ** 2),
        seeds * np.sum((by_article - mean) ** 2),
        np.sum((gains - by_seed[:, None] - by_article + mean) ** 2),
    ]
    of_seeds, of_articles, of_rest = mean_squares = np.array(squares) / degrees
    total = of_seeds + of_articles - of_rest
    free = total**2 / max(np.sum(mean_squares**2 / degrees), np.finfo(float).tiny)
    larger = int(of_articles > of_seeds)
    if total < mean_squares[larger]:  # a component came out below zero: it is taken as none
        total, free = mean_squares[larger], degrees[larger]
    half = t.ppf(0.5 + confidence / 2, max(free, 1)) * np.sqrt(total / (seeds * articles))
    return float(mean - half), float(mean + half)


def seed_interval(values: np.ndarray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Student's t interval of the mean over seeds, for these very test articles; NaN with fewer than two seeds."""
    if len(values) < 2:
        return float("nan"), float("nan")
    half = t.ppf(0.5 + confidence / 2, len(values) - 1) * sem(values)
    return float(np.mean(values) - half), float(np.mean(values) + half)
