"""Figures of the articles and of the n-gram baseline (notebook 01)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ..analysis.statistics import CONFIDENCE, accuracy_interval
from ..settings import CLASS_NAMES
from .style import BLUE, CLASS_COLOURS, GREY, ORANGE


def class_balance(splits: Mapping[str, Sequence[int]], classes: Sequence[str] = CLASS_NAMES) -> Figure:
    """Articles of each class in each split, as shares of the split."""
    figure, axes = plt.subplots(figsize=(7, 3))
    width = 0.8 / len(splits)
    for number, ((name, labels), hatch) in enumerate(zip(splits.items(), ("", "//", ".."), strict=False)):
        shares = np.bincount(labels, minlength=len(classes)) / len(labels)
        places = np.arange(len(classes)) + (number - (len(splits) - 1) / 2) * width
        label = f"{name} ({len(labels):,})"
        axes.bar(places, shares, width * 0.92, label=label, color=CLASS_COLOURS[number], hatch=hatch)
    axes.set_xticks(range(len(classes)), classes)
    axes.set(ylabel="share of the split", title="Classes in each split")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    figure.legend(title="split (articles)", loc="outside right upper", fontsize="small")
    return figure


def length_distribution(lengths: np.ndarray, max_length: int) -> Figure:
    """WordPiece tokens an article, with the cut."""
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


def markup_noise_bars(counts: pd.DataFrame) -> Figure:
    """Share of articles that hold each kind of markup noise, a bar for each split.

    Args:
        counts: what :func:`agnews_utils.analysis.articles.markup_noise_counts` gives
    """
    shares = counts.filter(like=": share").iloc[::-1]
    figure, axes = plt.subplots(figsize=(8, 3.6))
    height = 0.8 / shares.shape[1]
    for number, (column, hatch) in enumerate(zip(shares, ("", "//", ".."), strict=False)):
        places = np.arange(len(shares)) - (number - (shares.shape[1] - 1) / 2) * height
        name = column.removesuffix(": share")
        axes.barh(places, shares[column], height * 0.92, color=CLASS_COLOURS[number], hatch=hatch, label=name)
    names = [name.replace("(", "\n(", 1) for name in shares.index]
    axes.set(yticks=range(len(shares)), yticklabels=names)
    axes.set(xlabel="share of the split's articles", title="Markup noise in the text")
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.tick_params(axis="y", labelsize="small")
    axes.grid(axis="y", visible=False)
    axes.legend(title="split", fontsize="small")
    return figure


def nearest_curve(nearest: np.ndarray, threshold: float) -> Figure:
    """How many test articles have a training article at least so similar, for every similarity."""
    figure, axes = plt.subplots(figsize=(7, 3.2))
    levels = np.linspace(0.05, 1, 96)
    axes.step(levels, [np.mean(nearest >= level) for level in levels], where="post", color=BLUE)
    axes.axvline(threshold, color="black", linestyle="--", linewidth=1)
    axes.annotate(" near duplicate from here", (threshold, axes.get_ylim()[1] * 0.9), fontsize="small")
    axes.set(
        xlabel="Jaccard similarity s to the nearest training article", ylabel="share of test articles\nat s or above",
        title="Test articles that resemble a training article", xlim=(0, 1), ylim=(0, None),
    )  # fmt: skip
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=1))
    return figure


def learning_curve(points: pd.DataFrame, published: Mapping[str, float] | None = None) -> Figure:
    """Test accuracy in percent against training articles, with its interval.

    Args:
        points: columns ``articles``, ``accuracy``, ``low``, ``high`` (shares)
        published: name to accuracy (a share) of published models, drawn at 120,000 rows
    """
    figure, axes = plt.subplots(figsize=(7.5, 3.6))
    accuracy = 100 * points["accuracy"]
    spread = np.abs(100 * points[["low", "high"]].to_numpy().T - accuracy.to_numpy())
    label = f"ours ({CONFIDENCE:.0%} interval over test articles)"
    axes.errorbar(points["articles"], accuracy, yerr=spread, color=BLUE, marker="o", capsize=3, label=label)
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


def half_widths(accuracies: Sequence[float], marked: Mapping[str, int]) -> Figure:
    """Half-width of an accuracy's interval in percentage points, against test articles, for a few accuracies."""
    figure, axes = plt.subplots(figsize=(7.5, 3.4))
    rows = np.unique(np.geomspace(100, 100_000, 25).astype(int))
    for accuracy, colour, style in zip(accuracies, CLASS_COLOURS, ("-", "--", ":", "-."), strict=False):
        intervals = [accuracy_interval(np.arange(n) < round(accuracy * n)) for n in rows]
        halves = [50 * (high - low) for low, high in intervals]
        axes.plot(rows, halves, color=colour, linestyle=style, label=f"accuracy {accuracy:.0%}")
    for name, count in marked.items():
        axes.axvline(count, color=GREY, linewidth=1)
        axes.annotate(f" {name}:\n {count:,}", (count, axes.get_ylim()[1] * 0.55), fontsize="small")
    axes.set(xscale="log", yscale="log", xlabel="test articles (logarithmic)")
    axes.set_ylabel("half-width in percentage points\n(logarithmic)")
    axes.set_title(f"How well an accuracy is known ({CONFIDENCE:.0%} interval)")
    axes.set_xticks([100, 1_000, 10_000, 100_000], ["100", "1,000", "10,000", "100,000"])
    axes.set_yticks([0.2, 0.5, 1, 2, 5], ["0.2", "0.5", "1", "2", "5"])
    axes.minorticks_off()
    axes.legend(fontsize="small")
    return figure
