"""Intervals and paired tests: what a difference in accuracy allows one to say.

Gains are in shares, not in percentage points, unless a name says otherwise.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import binomtest, norm, t

from ..study.records import Record

CONFIDENCE = 0.95
RESAMPLES = 10_000  # bootstrap draws


def accuracy_interval(right: np.ndarray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's interval of an accuracy: it speaks of the test rows drawn, not of seeds.

    Args:
        right: (N,), whether each row was right, or the share of seeds that got it right

    Raises:
        ValueError: no rows.
    """
    n = len(right)
    if n == 0:
        raise ValueError("An accuracy needs at least one row.")
    accuracy, z = float(np.mean(right)), norm.ppf(0.5 + confidence / 2)
    centre = (accuracy + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(accuracy * (1 - accuracy) / n + z**2 / (4 * n**2))
    return max(float(centre - half), 0.0), min(float(centre + half), 1.0)


def mcnemar(right_a: np.ndarray, right_b: np.ndarray) -> dict:
    """Exact McNemar test of two models on the same rows.

    Args:
        right_a, right_b: (N,), whether each row was right

    Returns:
        ``only_a`` and ``only_b`` (rows that one alone got right), ``gain`` (accuracy of b minus a) and the two-sided
        ``p``: if both models were equally good, how often a split of the disagreements at least this uneven would come up.

    Raises:
        ValueError: the two are not of the same rows.
    """
    if len(right_a) != len(right_b):
        raise ValueError(
            f"{len(right_a)} and {len(right_b)} rows: a paired test needs the same test rows of both models."
        )
    only_a, only_b = int(np.sum(right_a & ~right_b)), int(np.sum(~right_a & right_b))
    p = binomtest(only_b, only_a + only_b).pvalue if only_a + only_b else 1.0
    return {"only_a": only_a, "only_b": only_b, "gain": (only_b - only_a) / len(right_a), "p": float(p)}


def gain_interval(gains: np.ndarray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Bootstrap percentile interval of the mean of per-row gains (+1: only b right, -1: only a right, 0: same).

    Rows are drawn anew with replacement. Only how many rows have each gain matters, and those counts are multinomial.
    """
    values, counts = np.unique(gains, return_counts=True)
    drawn = np.random.default_rng(0).multinomial(len(gains), counts / len(gains), size=RESAMPLES) @ values / len(gains)
    low, high = np.quantile(drawn, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return float(low), float(high)


def right_by_seed(runs: list[Record]) -> pd.DataFrame:
    """Whether each test row was predicted right: one row a seed (the index), one column a test row."""
    return pd.DataFrame([run.right for run in runs], index=[run.seed for run in runs])


def gains_by_seed(before: list[Record], after: list[Record]) -> pd.DataFrame:
    """Gain of each test row (-1, 0 or +1), seed by seed, for the seeds that both runs have.

    Raises:
        ValueError: the two share no seed.
    """
    a, b = right_by_seed(before), right_by_seed(after)
    seeds = a.index.intersection(b.index)
    if seeds.empty:
        raise ValueError(
            f"{before[0].run.title} and {after[0].run.title} share no seed: make both with the same seeds (make study)."
        )
    return b.loc[seeds].astype(int) - a.loc[seeds].astype(int)


def two_way_interval(gains: pd.DataFrame | np.ndarray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Bootstrap percentile interval of the mean gain over seeds and test rows, both drawn anew.

    It answers "with other seeds and other articles of this kind, what gain?". A bootstrap of two or three seeds knows too
    little of how far seeds spread, so the interval is never narrower than Student's t over seeds (:func:`seed_interval`).
    With one seed it is the bootstrap over test rows, and says nothing of other seeds.

    Drawing both counts the noise that belongs to one seed on one article three times (Owen 2007, "The pigeonhole bootstrap"),
    so the interval errs on the wide side; :func:`components_interval` counts it once.

    Args:
        gains: (seeds, rows)
    """
    gains = np.asarray(gains, float)
    seeds, rows = gains.shape
    columns, counts = np.unique(gains, axis=1, return_counts=True)  # most rows are alike: few kinds of column
    generator = np.random.default_rng(0)
    by_seed = generator.multinomial(rows, counts / rows, size=RESAMPLES) @ columns.T / rows  # (draws, seeds)
    weights = generator.multinomial(seeds, np.full(seeds, 1 / seeds), size=RESAMPLES) / seeds
    low, high = np.quantile((by_seed * weights).sum(axis=1), [0.5 - confidence / 2, 0.5 + confidence / 2])
    if seeds > 1:
        seeds_low, seeds_high = seed_interval(gains.mean(axis=1), confidence)
        low, high = min(low, seeds_low), max(high, seeds_high)
    return float(low), float(high)


def components_interval(gains: pd.DataFrame | np.ndarray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Interval of the mean gain from variance components: what seeds, articles and the rest add, each counted once.

    The gain of seed i on article j is taken as a sum of a seed's part, an article's part and a rest, all random. The variance of
    the mean follows from the mean squares of the two-way table, its degrees of freedom from Satterthwaite's approximation. It
    is a check on :func:`two_way_interval`, which is wider; not a number with fewer than two seeds.

    Args:
        gains: (seeds, rows)
    """
    gains = np.asarray(gains, float)
    seeds, rows = gains.shape
    if seeds < 2:
        return float("nan"), float("nan")
    mean, by_seed, by_row = gains.mean(), gains.mean(axis=1), gains.mean(axis=0)
    degrees = np.array([seeds - 1, rows - 1, (seeds - 1) * (rows - 1)])
    squares = np.array(
        [
            rows * np.sum((by_seed - mean) ** 2),
            seeds * np.sum((by_row - mean) ** 2),
            np.sum((gains - by_seed[:, None] - by_row + mean) ** 2),
        ]
    )
    of_seeds, of_rows, of_rest = mean_squares = squares / degrees
    total = of_seeds + of_rows - of_rest
    free = total**2 / max(np.sum(mean_squares**2 / degrees), np.finfo(float).tiny)
    larger = int(of_rows > of_seeds)
    if total < mean_squares[larger]:  # a component came out below zero: it is taken as none
        total, free = mean_squares[larger], degrees[larger]
    half = t.ppf(0.5 + confidence / 2, max(free, 1)) * np.sqrt(total / (seeds * rows))
    return float(mean - half), float(mean + half)


def seed_interval(values: np.ndarray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Student's t interval of the mean over seeds, for these very test rows; not a number with fewer than two seeds."""
    n = len(values)
    if n < 2:
        return float("nan"), float("nan")
    half = t.ppf(0.5 + confidence / 2, n - 1) * np.std(values, ddof=1) / np.sqrt(n)
    return float(np.mean(values) - half), float(np.mean(values) + half)


def seeds_in_words(count: int) -> str:
    """How many seeds, in words: "1 seed", "3 seeds"."""
    return "1 seed" if count == 1 else f"{count} seeds"


def p_in_words(p: float) -> str:
    """A p value with as many digits as it deserves, below one in ten thousand as "< 0.0001"."""
    return "< 0.0001" if p < 1e-4 else f"{p:.4f}" if p < 0.01 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
