"""Other ways to compute a gain and its interval, side by side (notebook 09); all else takes ``analysis.answers``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..study.records import Record
from .answers import FIXED, QUESTIONS, Answer, answer
from .pairs import gains_by_seed, match_seeds
from .statistics import paired_bootstrap_interval, seed_interval, variance_components_interval

OURS = "seeds and articles drawn anew (the course's)"


def ways(records: Mapping[str, list[Record]], question: str) -> dict[str, Answer]:
    """The answers to a question by each way that its runs allow; the course's is the first.

    Args:
        question: one of :data:`agnews_utils.analysis.answers.QUESTIONS`

    Raises:
        KeyError: no such question, or no record of one of its models.
    """
    ours = answer(records, question)
    before, after = match_seeds(records, *QUESTIONS[question], FIXED)
    gains = gains_by_seed(before, after)
    first = gains.iloc[0].to_numpy()
    mean = float(gains.to_numpy().mean())
    found = {
        "each source of chance counted once": (mean, variance_components_interval(gains), ours.seeds),
        "seeds alone, these articles": (mean, seed_interval(gains.mean(axis=1)), ours.seeds),
        "articles alone, the first seed": (float(first.mean()), paired_bootstrap_interval(first), 1),
    }
    best = best_epoch_gains(before, after)
    if best is not None:
        found["seeds alone, best test epochs"] = (float(best.mean()), seed_interval(best), len(best))
    others = {
        way: replace(ours, gain=100 * gain, low=100 * interval[0], high=100 * interval[1], seeds=seeds)
        for way, (gain, interval, seeds) in found.items()
        if np.isfinite(interval).all()
    }
    return {OURS: ours} | others


def best_epoch_gains(before: list[Record], after: list[Record]) -> np.ndarray | None:
    """Gain of each shared seed (a share) when the test set chooses both epochs; None where a model has no epochs."""
    if any("test_accuracy" not in run.history for run in (*before, *after)):
        return None
    a, b = ({run.seed: run.best_test_accuracy for run in runs} for runs in (before, after))
    return np.array([b[seed] - a[seed] for seed in a if seed in b])
