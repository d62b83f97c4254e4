"""Figures of notebook 07: accuracy against the number of labels, and against bytes."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from .style import CLASS_COLOURS, GREY

MARKS = ("s", "^", "o", "D")


def accuracy_against_labels(table: pd.DataFrame) -> Figure:
    """A line a kind of model over the number of labels (both as :func:`agnews_utils.analysis.strong` gives them)."""
    figure, axes = plt.subplots(figsize=(8, 4.6))
    for column, colour, mark in zip(table.columns, CLASS_COLOURS, MARKS, strict=False):
        known = table[column].dropna()
        axes.plot(known.index, known, marker=mark, color=colour, label=column)
    axes.set(
        xscale="log", xlabel="articles with a label (logarithmic)", ylabel="test accuracy in percent",
        title="Accuracy against labels",
    )  # fmt: skip
    axes.xaxis.set_major_locator(FixedLocator(list(table.index)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.legend(fontsize="small")
    return figure


def accuracy_against_bytes(table: pd.DataFrame, levels: Mapping[str, float]) -> Figure:
    """A point a student over its bytes on disk; dashed lines for models to hold them against.

    Args:
        table: index of names; columns ``bytes`` and ``accuracy`` (percent)
        levels: accuracy in percent of other models, by name
    """
    figure, axes = plt.subplots(figsize=(8, 4.6))
    ordered = table.sort_values("bytes")
    axes.plot(ordered["bytes"] / 1e6, ordered["accuracy"], "o-", color=CLASS_COLOURS[0])
    for name, row in ordered.iterrows():
        axes.annotate(str(name), (row["bytes"] / 1e6, row["accuracy"]), (6, -12), textcoords="offset points")
    for name, level in levels.items():
        axes.axhline(level, color=GREY, linestyle="--", linewidth=1)
        axes.annotate(name, (1, level), (-4, 3), ("axes fraction", "data"), "offset points", ha="right", color=GREY)
    axes.set(
        xscale="log", xlabel="megabytes on disk, vocabulary included (logarithmic)", ylabel="test accuracy in percent",
        title="Accuracy against bytes",
    )  # fmt: skip
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.margins(x=0.15, y=0.15)
    return figure
