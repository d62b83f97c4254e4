"""Figures of the articles and of the n-gram baseline (notebook 01)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..analysis.statistics import CONFIDENCE
from .style import BLUE, GREY, ORANGE


def length_distribution(lengths: np.ndarray, max_length: int) -> Figure:
    """WordPiece tokens per article, with the cut."""
    figure, axes = plt.subplots(figsize=(7, 3.2))
    shown = np.minimum(lengths, 160)
    axes.hist(shown[lengths <= max_length], bins=range(1, 163, 2), color=BLUE, label="whole")
    axes.hist(shown[lengths > max_length], bins=range(1, 163, 2), color=ORANGE, hatch="//", label="cut")
    axes.axvline(max_length, color="black", linestyle="--", linewidth=1)
    text = f" {np.mean(lengths > max_length):.1%} of articles\n are longer than {max_length}"
    axes.annotate(text, (max_length, axes.get_ylim()[1] * 0.75))
    axes.set(xlabel="WordPiece tokens, [CLS] and [SEP] included (160: 160 or more)", ylabel="articles")
    axes.set_title("How long articles are, and where the cut falls")
    axes.legend()
    return figure


def learning_curve(
    points: pd.DataFrame, draws: Mapping[int, Sequence[float]], published: Mapping[str, float] | None = None
) -> Figure:
    """Test accuracy in percent against training articles, with its interval.

    Args:
        points: columns ``articles``, ``accuracy``, ``low``, ``high`` (shares)
        draws: articles to the accuracies (shares) of several random draws of so many, shown as dots
        published: name to accuracy (a share) of published models, drawn at 120,000 rows
    """
    figure, axes = plt.subplots(figsize=(7.5, 3.6))
    accuracy = 100 * points["accuracy"]
    spread = np.abs(100 * points[["low", "high"]].to_numpy().T - accuracy.to_numpy())
    label = f"ours ({CONFIDENCE:.0%} interval over test articles)"
    axes.errorbar(points["articles"], accuracy, yerr=spread, color=BLUE, marker="o", capsize=3, label=label)
    for number, (articles, shares) in enumerate(draws.items()):
        look = {
            "color": GREY,
            "markersize": 4,
            "alpha": 0.7,
            "label": None if number else "one random draw of training articles",
        }
        beside = articles * (1 + 0.03 * (np.arange(len(shares)) - (len(shares) - 1) / 2))
        axes.plot(beside, 100 * np.asarray(shares), "o", zorder=3, **look)
    ticks = list(points["articles"])
    for (name, share), marker in zip((published or {}).items(), "^sD", strict=False):
        axes.plot(120_000, 100 * share, marker, color=ORANGE, label=f"published: {name}")
        ticks = [*points["articles"], 120_000] if ticks[-1] < 100_000 else ticks
    axes.set(xscale="log", xlabel="training articles (logarithmic)", ylabel="test accuracy in percent")
    axes.set_title("Accuracy of the n-gram baseline by training articles")
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    axes.legend(loc="lower right", fontsize="small")
    return figure
