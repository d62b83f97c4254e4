"""Figures of notebook 04: the two relations as rows and columns, temperature, the loss with and without a teacher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from ..losses import inter_relation, intra_relation, pearson
from ..settings import CLASS_NAMES
from ..study.records import Record
from .pictures import DIM, INK, canvas, tint
from .style import BLUE, CLASS_COLOURS, GREEN, ORANGE

CELL = (0.8, 0.6)  # inches
TEACHER_AT, STUDENT_AT, ROWS_AT = 1.05, 4.6, 8.05  # inches from the left
RING = {"markersize": 9, "markerfacecolor": "none", "markeredgewidth": 2}
INTER, INTRA = {"color": ORANGE, "linestyle": "-"}, {"color": GREEN, "linestyle": (0, (3, 1.5))}


def relations(student: torch.Tensor, teacher: torch.Tensor, row: int = 0, column: int = 2) -> Figure:
    """Inter and intra in one picture: the probabilities of both, the correlation of each row and of each column.

    Args:
        student, teacher: (B, 4) probabilities of a few articles
        row, column: which article's row and which class's column are outlined, from 0

    Raises:
        ValueError: shapes differ or are others, or there is no such row or column.
    """
    articles, classes = len(teacher), len(CLASS_NAMES)
    if not student.shape == teacher.shape == (articles, classes):
        raise ValueError(
            f"Student and teacher have shapes {tuple(student.shape)} and {tuple(teacher.shape)}: give probabilities of "
            f"the same articles and of {classes} classes."
        )
    if not (0 <= row < articles and 0 <= column < classes):
        raise ValueError(f"There is no row {row} or no column {column}: there are {articles} rows, {classes} columns.")
    by_row, by_column = pearson(student, teacher).tolist(), pearson(student.T, teacher.T).tolist()
    inter, intra = float(inter_relation(student, teacher)), float(intra_relation(student, teacher))
    figure, axes = canvas(10.88, 2.3 + CELL[1] * articles, (
        f"Teacher's and student's probabilities of {articles} articles (rows) and {classes} classes (columns). "
        f"The row of article {row + 1} correlates at {by_row[row]:.3f}, the column {CLASS_NAMES[column]} at "
        f"{by_column[column]:.3f}. Inter is 1 less the mean over rows, {inter:.4f}; intra over columns, {intra:.4f}"
    ))  # fmt: skip
    top = 1.5 + CELL[1] * articles
    for left, name, values in ((TEACHER_AT, "teacher", teacher), (STUDENT_AT, "student", student)):
        _matrix(axes, left, top, name, values)
        _outline(axes, left, top - CELL[1] * (row + 1), classes * CELL[0], CELL[1], INTER)
        _outline(axes, left + column * CELL[0], top - CELL[1] * articles, CELL[0], CELL[1] * articles, INTRA)
    for i, value in enumerate(by_row):
        axes.text(0.12, top - CELL[1] * (i + 0.5), f"article {i + 1}", va="center", fontsize=11, color=INK)
        _number(axes, ROWS_AT + CELL[0] / 2, top - CELL[1] * (i + 0.5), f"{value:.3f}", ORANGE, i == row)
    below = top - CELL[1] * (articles + 0.7)
    for j, value in enumerate(by_column):
        _number(axes, STUDENT_AT + CELL[0] * (j + 0.5), below, f"{value:.3f}", GREEN, j == column)
    _outline(axes, ROWS_AT, top - CELL[1] * (row + 1), *CELL, INTER)
    _outline(axes, STUDENT_AT + column * CELL[0], below - CELL[1] / 2, *CELL, INTRA)
    _number(axes, ROWS_AT + 0.4, top + 0.35, "correlation\nof the rows", ORANGE, False)
    _number(axes, TEACHER_AT + 2.1, below, "correlation of the columns", GREEN, False)
    _number(axes, 9.95, (top + below + CELL[1] * 0.7) / 2, f"inter\n= 1 − their mean\n= {inter:.4f}", ORANGE, True)
    _number(axes, STUDENT_AT + 1.6, 0.4, f"intra = 1 − their mean = {intra:.4f}", GREEN, True)
    return figure


def _number(axes: Axes, x: float, y: float, text: str, colour: str, bold: bool) -> None:
    look = {"color": colour, "weight": "bold"} if bold else {"color": INK}
    axes.text(x, y, text, ha="center", va="center", fontsize=12, **look)


def _matrix(axes: Axes, left: float, top: float, name: str, values: torch.Tensor) -> None:
    """Probabilities as coloured cells with their numbers."""
    width, height = CELL
    axes.text(left + width * values.shape[1] / 2, top + 0.52, name, ha="center", fontsize=13, weight="bold", color=INK)
    for j in range(values.shape[1]):
        axes.text(left + width * (j + 0.5), top + 0.15, CLASS_NAMES[j], ha="center", fontsize=11, color=INK)
        for i, value in enumerate(values[:, j].tolist()):
            place = (left + width * j, top - height * (i + 1))
            axes.add_patch(
                Rectangle(place, width, height, facecolor=tint(BLUE, 0.6 * value), edgecolor="white", zorder=1)
            )
            axes.text(place[0] + width / 2, place[1] + height / 2, f"{value:.2f}", ha="center", va="center",
                      fontsize=12, color=INK, zorder=3)  # fmt: skip


def _outline(axes: Axes, x: float, y: float, width: float, height: float, look: Mapping) -> None:
    style = {"edgecolor": look["color"], "linestyle": look["linestyle"], "facecolor": "none", "linewidth": 3}
    axes.add_patch(Rectangle((x, y), width, height, zorder=4, **style))


def temperatures(logits: torch.Tensor, taus: Sequence[float] = (1, 2, 4, 8)) -> Figure:
    """The softmax of one article's logits (4,) at a few temperatures, at most four."""
    figure, axes = plt.subplots(figsize=(7.5, 3.2))
    looks = zip(taus, CLASS_COLOURS, ("", "//", "..", "xx"), strict=False)
    for number, (tau, colour, hatch) in enumerate(looks):
        places = [place + (number - (len(taus) - 1) / 2) * 0.2 for place in range(len(CLASS_NAMES))]
        values = (100 * (logits / tau).softmax(dim=0)).tolist()
        bars = axes.bar(places, values, 0.18, color=colour, hatch=hatch, edgecolor="white", label=f"tau = {tau:g}")
        axes.bar_label(bars, fmt="%.0f", fontsize=9)
    axes.set_xticks(range(len(CLASS_NAMES)), CLASS_NAMES)
    axes.set(ylabel="probability in percent", ylim=(0, 100), title="The teacher's answer at four temperatures")
    axes.grid(axis="x", visible=False)
    axes.legend(loc="upper left", fontsize="small")
    return figure


def loss_curves(records: Mapping[str, Sequence[Record]], title: str) -> Figure:
    """One student trained in several ways: cross-entropy on training and validation articles, and accuracy, by epoch.

    A line is the first seed, a band the range over seeds; a ring marks the epoch that validation selected.

    Args:
        records: the runs (seeds) of each way, by the name that the legend gives it

    Raises:
        ValueError: a run has no cross-entropy by epoch.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.88, 4.4))
    for (name, runs), colour, marker in zip(records.items(), CLASS_COLOURS, "os^D", strict=False):
        if any(not {"train_ce", "validation_loss"} <= set(run.history) for run in runs):
            raise ValueError(f"{runs[0].run.title} has no cross-entropy by epoch: take a network's runs.")
        look = {"color": colour, "marker": marker, "at": runs[0].best_epoch}
        _seeds(left, [run.history["train_ce"] for run in runs], "--", look | {"marker": ""})
        _seeds(left, [run.history["validation_loss"] for run in runs], "-", look)
        _seeds(right, [100 * run.history["validation_accuracy"] for run in runs], "-", look)
        right.plot([], [], color=colour, linewidth=2, label=name)
    for style, words in (("-", "validation articles"), ("--", "training articles")):
        right.plot([], [], style, color=DIM, linewidth=2, label=words)
    right.plot([], [], "o", **RING, color=DIM, label="selected on validation")
    if any(len(runs) > 1 for runs in records.values()):
        right.fill_between([], [], [], color=DIM, alpha=0.3, label="range over seeds")
    left.set(xlabel="epoch", ylabel="cross-entropy with the labels (nats)", title="Cross-entropy", ylim=(0, None))
    right.set(xlabel="epoch", ylabel="accuracy in percent", title="Validation accuracy")
    for axes in (left, right):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.suptitle(title)
    figure.legend(*right.get_legend_handles_labels(), loc="outside right upper", fontsize="small")
    return figure


def _seeds(axes: Axes, curves: Sequence[pd.Series], style: str, look: Mapping) -> None:
    """The first seed's line, a ring at its selected epoch, and a band over all seeds while at least two train."""
    first, colour = curves[0], look["color"]
    axes.plot(first.index + 1, first, style, color=colour, linewidth=2)
    if look["marker"]:
        axes.plot(look["at"], first[look["at"] - 1], look["marker"], **RING, color=colour)
    every = pd.concat(curves, axis=1)
    every = every[every.notna().sum(axis=1) > 1]
    axes.fill_between(every.index + 1, every.min(axis=1), every.max(axis=1), color=colour, alpha=0.2, linewidth=0)
