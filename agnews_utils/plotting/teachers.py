"""How often teachers contradict the label: on articles that they trained on, and on others (notebook 02)."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from .style import BLUE, GREY, ORANGE


def contradicted_labels(table: pd.DataFrame) -> Figure:
    """One row a teacher, a mark for each kind of article, and a line between them.

    Args:
        table: a row a teacher; two columns, named after the kind of article: percent of these to which it gives
            another class than the label
    """
    figure, axes = plt.subplots(figsize=(10, 0.6 * len(table) + 1.5))
    places = range(len(table) - 1, -1, -1)
    axes.hlines(places, table.min(axis=1), table.max(axis=1), color=GREY, linewidth=2, zorder=1)
    for column, colour, mark in zip(table, (ORANGE, BLUE), "so", strict=True):
        axes.plot(table[column], places, mark, color=colour, markersize=10, label=column)
        for share, place in zip(table[column], places, strict=True):
            axes.annotate(f"{share:.1f}", (share, place), (0, 9), textcoords="offset points", ha="center")
    axes.set_yticks(places, table.index)
    axes.set(xlabel="percent of the articles", title="How often a teacher gives another class than the label")
    axes.set(xlim=(0, 1.08 * table.to_numpy().max()), ylim=(-0.5, len(table) - 0.3))
    axes.grid(axis="y", visible=False)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return figure
