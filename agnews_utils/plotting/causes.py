"""Why the teacher helped so little: the two causes of notebook 06."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .style import BLUE, CLASS_COLOURS, ORANGE


def teacher_asked(table: pd.DataFrame) -> Figure:
    """What ``analysis.causes.answers_by_question`` found: how often teachers contradict a label, and their doubt."""
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.6))
    columns = {
        "other": ("Articles to which it gives\nanother class than the label", "percent of the articles", "{:.1f} %"),
        "entropy": ("How undecided its answer is", "mean entropy, nats", "{:.2f}"),
    }
    for axes, (column, (title, label, form)) in zip(panels, columns.items(), strict=True):
        bars = axes.bar(table.index, table[column], 0.6, color=(ORANGE, BLUE))
        axes.bar_label(bars, fmt=form, weight="bold", padding=2)
        axes.set(title=title, ylabel=label)
        axes.margins(y=0.15)
        axes.grid(axis="x", visible=False)
    figure.suptitle("The same fine-tuned teachers, asked about the same articles in two ways")
    return figure


def student_start(pieces: pd.Series, accuracy: pd.DataFrame) -> Figure:
    """How often training shows each WordPiece to the student, and the accuracy where words are new.

    Args:
        pieces, accuracy: what :mod:`agnews_utils.analysis.causes` gives
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2))
    bars = left.bar(pieces.index, pieces, color=BLUE)
    left.bar_label(bars, fmt="{:,.0f}", padding=2)
    left.set(xlabel="times in the training articles", ylabel="WordPieces", title="What a word vector learns from")
    left.tick_params(axis="x", labelsize="small")
    left.grid(axis="x", visible=False)
    left.margins(y=0.12)
    models = accuracy.drop(columns="articles").items()
    for place, ((name, values), colour, mark) in enumerate(
        zip(models, (*CLASS_COLOURS, "black"), "os^Dv", strict=False)
    ):
        half = 196 * np.sqrt(values / 100 * (1 - values / 100) / accuracy["articles"])  # 95 %, over articles
        beside = np.arange(len(values)) + 0.05 * (place - 1.5)  # so that intervals do not hide one another
        right.errorbar(beside, values, yerr=half, marker=mark, color=colour, label=name, capsize=3, elinewidth=1)
    right.set_xticks(
        range(len(accuracy)), [f"{name}\n{count:,} articles" for name, count in accuracy["articles"].items()]
    )
    right.set(xlabel="share of an article's words that no training article holds", ylabel="test accuracy in percent")
    right.set_title("Where words are new")
    right.legend(fontsize="small")
    return figure
