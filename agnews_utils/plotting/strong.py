"""Figures of notebook 07: out-of-fold teachers, gains, and accuracy by step, by number of labels and by bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from ..analysis.answers import Answer
from .answers import draw_gains, name_looks
from .pictures import INK, arrow, box, canvas
from .style import BLUE, CLASS_COLOURS, GREEN, GREY, ORANGE, WHITE_BOX

MARKS = ("s", "^", "o", "D")
HALVES = {"A": BLUE, "B": GREEN}


def out_of_fold() -> Figure:
    """Two teachers, each trained on half of the articles: asked about their own half, and about the other half."""
    words = "Two teachers are each trained on one half of the articles. On the left each answers "
    words += "about the half that it was trained on, on the right about the other half"
    figure, axes = canvas(10.88, 3.7, words)
    panels = ((0.1, "asked about seen articles", False), (5.8, "asked about unseen articles", True))
    for left, title, crossed in panels:
        axes.text(left + 2.49, 3.5, title, ha="center", va="center", fontsize=13, weight="bold", color=INK)
        for (name, colour), y in zip(HALVES.items(), (1.95, 0.35), strict=True):
            box(axes, (left, y), (1.3, 0.95), colour, f"Half {name}", "articles\nand labels")
            box(axes, (left + 1.75, y), (1.2, 0.95), ORANGE, f"Teacher {name}", "trained\non this half")
            box(axes, (left + 3.7, y), (1.28, 0.95), colour, "Answers", f"about half {name}")
            arrow(axes, (left + 1.3, y + 0.47), (left + 1.7, y + 0.47))
            other = 2.3 - y if crossed else y
            arrow(axes, (left + 2.98, y + 0.47), (left + 3.64, other + 0.47), ORANGE)
    return figure


def ladder(
    accuracies: Mapping[str, Sequence[float]], steps: Mapping[str, Answer], levels: Mapping[str, float]
) -> Figure:
    """Accuracy of each model on the left; on the right, what each gains over the row above it.

    Args:
        accuracies: test accuracy of each seed in percent, by the row's label, the first row at the top
        steps: the gain of a row over the one above, by the same label; a row without one shows none
        levels: accuracy in percent of other models, drawn as dashed lines
    """
    names = list(accuracies)
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.9, 0.46 * len(names) + 1.7), width_ratios=(1, 0.8))
    for place, name in enumerate(names):
        seeds = accuracies[name]
        left.plot(seeds, [place] * len(seeds), "|", color=GREY, markersize=11, zorder=1)
        left.plot(np.mean(seeds), place, "o", color=BLUE)
    left.plot([], [], "o", color=BLUE, label="mean over seeds")
    left.plot([], [], "|", color=GREY, markersize=11, label="a seed")
    for (name, level), style in zip(levels.items(), ("--", ":"), strict=False):
        left.axvline(level, color="black", linewidth=1.2, linestyle=style, label=name)
    left.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.4, -0.6), title="accuracy",
             xlabel="test accuracy in percent")  # fmt: skip
    found = [steps.get(name) for name in names]
    draw_gains(right, found)
    for place, step in enumerate(found):
        if step:
            right.annotate(
                f"{step.gain:+.2f}", (step.high, place), (8, 0), textcoords="offset points", va="center",
                bbox=WHITE_BOX,
            )  # fmt: skip
    low, high = right.get_xlim()
    right.set_xlim(low, high + 0.25 * (high - low))  # room for the last number
    name_looks(right, found)
    right.set(yticks=range(len(names)), yticklabels=[""] * len(names), ylim=left.get_ylim(),
              title="gain over the row above", xlabel="percentage points, with 95 % interval")  # fmt: skip
    handles, labels = (
        a + b for a, b in zip(left.get_legend_handles_labels(), right.get_legend_handles_labels(), strict=True)
    )
    figure.legend(
        handles, labels, loc="outside upper center", ncols=6, fontsize="small", handlelength=1.2, columnspacing=1.2
    )
    return figure


def accuracy_against_labels(table: pd.DataFrame, draws: pd.DataFrame | None = None) -> Figure:
    """A line a kind of model over the number of labels (all as :mod:`agnews_utils.analysis.strong` gives them).

    To the right the same without the fewest labels, on a scale of its own: there the lines lie close together.

    Args:
        table: accuracy in percent of each kind (the columns) by the number of labels (the index)
        draws: accuracy of each kind (the columns) in each draw of the fewest labels: a bar from lowest to highest
    """
    figure, panels = plt.subplots(1, 2, figsize=(10, 4.6), width_ratios=(1.15, 1))
    for axes, shown in zip(panels, (table, table.iloc[1:]), strict=True):
        for column, colour, mark in zip(table.columns, CLASS_COLOURS, MARKS, strict=False):
            known = shown[column].dropna()
            axes.plot(known.index, known, marker=mark, color=colour, label=column)
        axes.set(xscale="log", xlabel="articles with a label (logarithmic)")
        axes.xaxis.set_major_locator(FixedLocator(list(shown.index)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    if draws is not None and len(draws):
        for column, colour in zip(table.columns, CLASS_COLOURS, strict=False):
            panels[0].vlines(table.index[0], draws[column].min(), draws[column].max(), colors=colour, linewidth=5,
                             alpha=0.4)  # fmt: skip
    panels[0].set(title="Accuracy against labels", ylabel="test accuracy in percent")
    panels[1].set_title("The same, from the second point on")
    panels[0].legend(fontsize="small")
    return figure


def accuracy_against_bytes(lines: Mapping[str, pd.DataFrame], levels: Mapping[str, float]) -> Figure:
    """A line a kind of model over its bytes on disk; dashed lines for models to hold them against.

    Args:
        lines: by kind, what :func:`agnews_utils.analysis.devices.accuracy_by_bytes` gives
        levels: accuracy in percent of other models, by name
    """
    figure, axes = plt.subplots(figsize=(9, 4.8))
    places = (((0, 8), "center"), ((0, -16), "center"), ((0, 8), "center"))
    for (kind, table), colour, mark, ((x, y), side) in zip(lines.items(), CLASS_COLOURS, MARKS, places, strict=False):
        ordered = table.sort_values("bytes")
        axes.plot(ordered["bytes"] / 1e6, ordered["accuracy"], marker=mark, color=colour, label=kind)
        for size, accuracy in ordered[["bytes", "accuracy"]].itertuples(index=False):
            axes.annotate(f"{accuracy:.2f}", (size / 1e6, accuracy), (x, y), textcoords="offset points", ha=side,
                          color=colour)  # fmt: skip
    for name, level in levels.items():
        axes.axhline(level, color=INK, linestyle="--", linewidth=1)
        axes.annotate(f"{name}: {level:.1f} %", (0, level), (6, 4), ("axes fraction", "data"), "offset points")
    axes.set(
        xscale="log", xlabel="megabytes on disk, vocabulary included (logarithmic)", ylabel="test accuracy in percent",
        title="Accuracy against bytes",
    )  # fmt: skip
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.margins(x=0.12, y=0.15)
    axes.legend(loc="lower right")
    return figure
