"""Figures of one run or a few: accuracy by epoch, the loss, confusion, confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..analysis.report import report_curves
from ..analysis.tables import confusion
from ..study.records import Record
from .style import BLUE, CLASS_COLOURS, GREEN, GREY, ORANGE

RING = {"markersize": 10, "markerfacecolor": "none", "color": ORANGE}  # around the selected epoch


def training_figure(records: list[Record], title: str) -> Figure:
    """A figure as the report's 1 to 4, and beside it the loss and the confusion matrix.

    Test accuracy by epoch, thin grey: the report's own run; ours a line with a band over seeds. The ring marks the
    epoch that validation selected. :func:`beside_the_report` draws the first panel alone.
    """
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4.6), width_ratios=(1.2, 1, 1))
    accuracy_panel(left, records)
    _draw_validation(left, records[0])
    loss_panel(middle, records)
    confusion_panel(right, records[0])
    right.tick_params(labelsize=9)  # as large as names beside each other have room
    if len(records) > 1:
        right.set_title(f"Test articles, seed {records[0].seed}: {records[0].test_accuracy:.2%} correct")
    figure.suptitle(title)
    return figure


def _legend_below(axes: Axes) -> None:
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, fontsize="small", frameon=False)


def _draw_validation(axes: Axes, record: Record) -> None:
    """The validation accuracy, which chose the epoch, into a panel of the test accuracy."""
    history = record.history
    line = {"color": GREEN, "linestyle": ":", "linewidth": 2, "label": "ours, validation articles"}
    axes.plot(history["epoch"], 100 * history["validation_accuracy"], **line)
    chosen = 100 * history["validation_accuracy"][record.best_epoch - 1]
    axes.plot(record.best_epoch, chosen, "o", **RING)
    axes.set(ylabel="accuracy in percent", title="Accuracy by epoch, test articles and validation")
    _legend_below(axes)


def beside_the_report(runs: Sequence[list[Record]], untaught: Sequence[list[Record]] = ()) -> Figure:
    """Test accuracy by epoch of a few models (all seeds of each), each beside the report's own run of it.

    Args:
        untaught: for each model the same one without a teacher, whose seed 0 is drawn too
    """
    figure, axes = plt.subplots(1, len(runs), figsize=(5.44 * len(runs), 4.4), squeeze=False, sharey=True)
    for place, records in zip(axes.flat, runs, strict=True):
        accuracy_panel(place, records)
        place.set_title(records[0].run.title)
        place.get_legend().remove()
    for place, records in zip(axes.flat, untaught, strict=False):
        history = records[0].history
        style = {"color": GREEN, "linestyle": ":", "linewidth": 2.2}
        place.plot(history["epoch"], 100 * history["test_accuracy"], **style, label="without the teacher, seed 0")
    for place in axes.flat[1:]:
        place.set_ylabel("")
    entries = {
        label: handle for place in axes.flat for handle, label in zip(*place.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        entries.values(), entries.keys(), loc="outside upper center", ncols=3, fontsize="small", frameon=False
    )
    return figure


def accuracy_panel(axes: Axes, records: list[Record]) -> None:
    """Test accuracy by epoch, on one axis for all runs of a full study so that figures can be laid side by side.

    The first epoch of a long run may lie below the axis, which would else be mostly empty; a lower later one widens it.
    """
    curves, first = report_curves(), records[0]
    theirs = curves[curves["run"] == first.run.name]
    if len(theirs):
        style = {"color": GREY, "linewidth": 1, "linestyle": "--"}
        axes.plot(theirs["epoch"], 100 * theirs["test_accuracy"], **style, label="the report's run")
    if len(records) > 1:
        _other_seeds(axes, records)
    history, several = first.history, len(records) > 1
    label = "ours, seed 0" if several else "ours"
    axes.plot(history["epoch"], 100 * history["test_accuracy"], color=BLUE, marker="o", markersize=3, label=label)
    label = "selected on validation" + (" (dots: other seeds)" if several else "")
    axes.plot(first.best_epoch, 100 * history["test_accuracy"][first.best_epoch - 1], "o", **RING, label=label)
    axes.set_ylim(_accuracy_limits([theirs, *(r.history for r in records)]))
    axes.set(xlabel="epoch", ylabel="test accuracy in percent", title="Test accuracy by epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _legend_below(axes)


def _accuracy_limits(curves: list[pd.DataFrame]) -> tuple[float, float]:
    drawn = [curve["test_accuracy"].to_numpy() for curve in curves if len(curve)]
    lowest = min(curve[1 if len(curve) > 5 else 0 :].min() for curve in drawn)
    highest = max(curve.max() for curve in drawn)
    low, high = np.floor(lowest * 20 - 0.2) / 20, np.ceil(highest * 20 + 0.2) / 20
    return 100 * min(0.84, low), 100 * min(1.005, max(0.94, high))


def _other_seeds(axes: Axes, records: list[Record]) -> None:
    """The range of all seeds by epoch, and a dot for the selected epoch of each but the first."""
    by_epoch = 100 * pd.concat([r.history.set_index("epoch")["test_accuracy"] for r in records], axis=1)
    reached = by_epoch.notna().sum(axis=1) > 1  # a run may have stopped early
    low, high = by_epoch.min(axis=1)[reached], by_epoch.max(axis=1)[reached]
    label = "range over seeds, while they train"
    axes.fill_between(low.index, low, high, color=BLUE, alpha=0.25, label=label)
    for r in records[1:]:
        at_best = 100 * r.history["test_accuracy"][r.best_epoch - 1]
        axes.plot(r.best_epoch, at_best, ".", color=ORANGE, markersize=8)


def loss_panel(axes: Axes, records: list[Record]) -> None:
    """Cross-entropy by epoch: training against validation (nats)."""
    for number, record in enumerate(records):
        history, faint = record.history, 0.5 if number else 1
        for column, name, colour, marker in (
            ("train_ce", "train", GREEN, "s"), ("validation_loss", "validation", ORANGE, "^")
        ):  # fmt: skip
            style = {"color": colour, "marker": marker, "markersize": 3, "alpha": faint}
            label = (name, f"{name}, other seeds")[number] if number < 2 else None
            axes.plot(history["epoch"], history[column], **style, label=label)
    axes.set(xlabel="epoch", ylabel="cross-entropy (nats)", title="Cross-entropy by epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(bottom=0)
    _legend_below(axes)


def confusion_panel(axes: Axes, record: Record) -> None:
    """Test articles by true and predicted class, coloured by the share of the true class."""
    counts = confusion(record)
    shares = counts.div(counts.sum(axis=1), axis=0)
    style = {"cmap": "Blues", "vmin": 0, "vmax": 1, "cbar": False, "square": True, "linewidths": 0.5}
    sns.heatmap(shares, annot=counts, fmt="d", ax=axes, **style)
    axes.set(xlabel="predicted class", ylabel="true class", title=f"Test articles: {record.test_accuracy:.2%} correct")
    axes.tick_params(labelsize="small")


def confidence_histogram(confidence: Mapping[str, np.ndarray], title: str) -> Figure:
    """Distribution of the largest class probability, a step line for each named group of articles."""
    figure, axes = plt.subplots(figsize=(7, 3.4))
    for (name, values), colour, style in zip(confidence.items(), CLASS_COLOURS, ("-", "--", ":", "-."), strict=False):
        weights = np.full(len(values), 100 / max(len(values), 1))
        look = {"histtype": "step", "linewidth": 2, "color": colour, "linestyle": style, "label": name}
        axes.hist(100 * values, bins=np.linspace(25, 100, 16), weights=weights, **look)
    axes.set(xlabel="probability of the predicted class in percent, in steps of 5", title=title)
    axes.set_ylabel("share in percent")
    axes.legend(loc="upper left")
    return figure


def report_choices(curves: pd.DataFrame, titles: Mapping[str, str]) -> Figure:
    """Test accuracy by epoch of the report's own runs: the epoch it published ringed, the last one squared."""
    figure, axes = plt.subplots(figsize=(9, 4))
    looks = zip((BLUE, ORANGE, GREEN, "#CC79A7", GREY), ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1))), strict=True)
    for (name, curve), (colour, style) in zip(curves.groupby("run"), looks, strict=False):
        accuracy, best = 100 * curve["test_accuracy"], curve["test_accuracy"].idxmax()
        axes.plot(curve["epoch"], accuracy, color=colour, linestyle=style, linewidth=1.6, label=titles[name])
        ring = {"color": colour, "markersize": 11, "markerfacecolor": "none", "markeredgewidth": 2}
        axes.plot(curve["epoch"][best], accuracy[best], "o", **ring)
        axes.plot(curve["epoch"].iloc[-1], accuracy.iloc[-1], "s", color=colour, markersize=7)
    axes.plot([], [], "o", color="black", markersize=11, markerfacecolor="none", label="published: best test epoch")
    axes.plot([], [], "s", color="black", markersize=7, label="last epoch")
    title = "The report's own runs: what was published and what came last"
    last = curves["epoch"].max()
    axes.set(xlabel="epoch", ylabel="test accuracy in percent", title=title, ylim=(86, 94), xlim=(1, last + 0.7))
    axes.set_xticks([1, *range(5, last + 1, 5)])
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize="small", handlelength=3.5)
    return figure
