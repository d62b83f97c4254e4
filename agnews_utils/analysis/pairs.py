"""Two runs compared article by article: over shared seeds, and on subgroups of the test articles."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ..settings import CLASS_NAMES
from ..study.records import Record
from ..study.runs import ONE_MODEL
from .articles import NEAR
from .statistics import (
    mcnemar,
    paired_bootstrap_interval,
    seed_interval,
    two_way_bootstrap_interval,
    variance_components_interval,
)


def accuracy_per_article(records: list[Record]) -> np.ndarray:
    """Share of seeds that predicted each test article correctly: (articles,)."""
    return np.mean([record.correct for record in records], axis=0)


def gains_by_seed(before: list[Record], after: list[Record]) -> pd.DataFrame:
    """Gain of each test article (-1, 0 or +1; a column) at each seed that both runs have (a row).

    Raises:
        ValueError: the two share no seed.
    """
    a, b = ({run.seed: run.correct.astype(int) for run in runs} for runs in (before, after))
    seeds = [seed for seed in a if seed in b]
    if not seeds:
        raise ValueError(
            f"{before[0].run.title} and {after[0].run.title} share no seed: make both with the same seeds (make study)."
        )
    return pd.DataFrame([b[seed] - a[seed] for seed in seeds], index=seeds)


def seed_gains(before: list[Record], after: list[Record]) -> pd.Series:
    """Gain in test accuracy for each seed that both runs have, by seed."""
    return gains_by_seed(before, after).mean(axis=1)


def match_seeds(
    records: Mapping[str, list[Record]], baseline: str, treatment: str, fixed: Collection[str] = ONE_MODEL
) -> tuple[list[Record], list[Record]]:
    """The records of two runs, to be compared seed by seed.

    Args:
        fixed: runs represented by their seed-0 model in every pair. Seed numbers of different kinds of model do not
            correspond
    """
    before, after = (records[name][:1] if name in fixed else records[name] for name in (baseline, treatment))
    if baseline in fixed:
        before = [replace(before[0], seed=run.seed) for run in after]
    if treatment in fixed:
        after = [replace(after[0], seed=run.seed) for run in before]
    return before, after


def paired_comparisons(
    records: Mapping[str, list[Record]], pairs: Sequence[tuple[str, str]], fixed: Collection[str] = ONE_MODEL
) -> pd.DataFrame:
    """Each pair (baseline, treatment) over the seeds that both have; gains and intervals in percentage points.

    ``low`` to ``high`` is the two-way bootstrap over seeds and articles, ``seeds_low`` to ``seeds_high`` Student's t
    over seeds for these very articles, ``components_low`` to ``components_high`` the interval from variance components.
    Then the exact McNemar test of the first shared seed, and the number of seeds at which it gives p < 0.05 for each
    side.

    Args:
        fixed: see :func:`match_seeds`
    """
    rows = []
    for baseline, treatment in pairs:
        gains = gains_by_seed(*match_seeds(records, baseline, treatment, fixed))
        intervals = {
            "": two_way_bootstrap_interval(gains),
            "seeds_": seed_interval(gains.mean(axis=1)),
            "components_": variance_components_interval(gains),
        }
        tests = [mcnemar(gain < 0, gain > 0) for gain in gains.to_numpy()]
        clear = [np.sign(test["gain"]) for test in tests if test["p"] < 0.05]
        rows.append(
            {"baseline": records[baseline][0].run.title, "treatment": records[treatment][0].run.title,
             "seeds": len(gains), "gain": 100 * gains.to_numpy().mean()}
            | {f"{name}{end}": 100 * value for name, interval in intervals.items()
               for end, value in zip(("low", "high"), interval, strict=True)}
            | {"only_baseline_correct": tests[0]["only_a_correct"], "only_treatment_correct":
            tests[0]["only_b_correct"],
               "p": tests[0]["p"], "treatment_wins": clear.count(1), "baseline_wins": clear.count(-1)}
        )  # fmt: skip
    return pd.DataFrame(rows)


def subgroups(
    statistics: pd.DataFrame, labels: np.ndarray, max_length: int, classes: Sequence[str] = CLASS_NAMES
) -> dict[str, np.ndarray]:
    """Named subgroups of the test articles as boolean masks (articles,).

    Args:
        statistics: what :func:`agnews_utils.analysis.articles.statistics_of_test_articles` gives
        labels: (articles,)
        max_length: tokens that models read
        classes: the classes' names, in the order of their numbers
    """
    tokens, unseen = statistics["tokens"], statistics["unseen_words"]
    short, long = tokens.quantile([1 / 3, 2 / 3])
    masks = {f"class {name}": labels == number for number, name in enumerate(classes)} | {
        "short (lowest third)": tokens <= short,
        "long (highest third)": tokens > long,
        f"cut at {max_length} tokens": tokens > max_length,
        "holds markup noise": statistics["artefact"] == 1,
        "names an agency": statistics["agency"] == 1,
        "no word unseen in training": unseen == 0,
        "over 5 % of words unseen": unseen > 0.05,
        "near duplicate in training": statistics["nearest_train"] >= NEAR,
    }
    return {name: np.asarray(mask) for name, mask in masks.items() if np.sum(mask)}


def gains_by_subgroup(before: list[Record], after: list[Record], groups: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Accuracy before and after on each subgroup, the gain with its paired bootstrap interval (all as shares)."""
    a, b = accuracy_per_article(before), accuracy_per_article(after)
    rows = []
    for name, mask in {"all": np.ones(len(a), bool), **groups}.items():
        low, high = paired_bootstrap_interval((b - a)[mask])
        rows.append(
            {"subgroup": name, "articles": int(mask.sum()), "before": a[mask].mean(), "after": b[mask].mean(),
             "gain": (b - a)[mask].mean(), "low": low, "high": high}
        )  # fmt: skip
    return pd.DataFrame(rows).set_index("subgroup")
