"""Figures of one run or a few: accuracy by epoch, the loss and its terms, confusion, confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from ..analysis.report import report_curves
from ..analysis.tables import confusion
from ..losses import DISTLoss
from ..study.records import Record
from .style import BLUE, CLASS_COLOURS, GREEN, GREY, ORANGE


def training_figure(records: list[Record], title: str) -> Figure:
    """A figure as the report's 1 to 4, and beside it the loss and the confusion matrix.

    Test accuracy by epoch, thin grey: the report's own run; ours a line with a band over seeds. The ring marks the
    epoch that validation selected.
    """
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4.6), width_ratios=(1.2, 1, 1))
    accuracy_panel(left, records)
    loss_panel(middle, records)
    confusion_panel(right, records[0])
    right.tick_params(labelsize="x-small")
    if len(records) > 1:
        right.set_title(f"Test articles, seed {records[0].seed}: {records[0].test_accuracy:.2%} correct")
    figure.suptitle(title)
    return figure


def accuracy_panel(axes: Axes, records: list[Record]) -> None:
    """Test accuracy by epoch, on one axis for all runs of a full study so that figures can be laid side by side.

    The first epoch of a long run may lie below the axis, which would else be mostly empty; a lower later one widens it.
    """
    curves, first = report_curves(), records[0]
    theirs = curves[curves["run"] == first.run.name]
    if len(theirs):
        style = {"color": GREY, "linewidth": 1, "linestyle": "--"}
        axes.plot(theirs["epoch"], theirs["test_accuracy"], **style, label="the report's run")
    if len(records) > 1:
        _other_seeds(axes, records)
    history, several = first.history, len(records) > 1
    label = "ours, seed 0" if several else "ours"
    axes.plot(history["epoch"], history["test_accuracy"], color=BLUE, marker="o", markersize=3, label=label)
    label = "selected on validation" + (" (dots: other seeds)" if several else "")
    ring = {"markersize": 10, "markerfacecolor": "none", "color": ORANGE}
    axes.plot(first.best_epoch, history["test_accuracy"][first.best_epoch - 1], "o", **ring, label=label)
    axes.set_ylim(_accuracy_limits([theirs, *(r.history for r in records)]))
    axes.set(xlabel="epoch", ylabel="test accuracy", title="Test accuracy by epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, fontsize="x-small", frameon=False)


def _accuracy_limits(curves: list[pd.DataFrame]) -> tuple[float, float]:
    drawn = [curve["test_accuracy"].to_numpy() for curve in curves if len(curve)]
    lowest = min(curve[1 if len(curve) > 5 else 0 :].min() for curve in drawn)
    highest = max(curve.max() for curve in drawn)
    return min(0.84, np.floor(lowest * 20 - 0.2) / 20), min(1.005, max(0.94, np.ceil(highest * 20 + 0.2) / 20))


def _other_seeds(axes: Axes, records: list[Record]) -> None:
    """The range of all seeds by epoch, and a dot for the selected epoch of each but the first."""
    by_epoch = pd.concat([r.history.set_index("epoch")["test_accuracy"] for r in records], axis=1)
    reached = by_epoch.notna().sum(axis=1) > 1  # a run may have stopped early
    low, high = by_epoch.min(axis=1)[reached], by_epoch.max(axis=1)[reached]
    label = f"range over {len(records)} seeds, while they train"
    axes.fill_between(low.index, low, high, color=BLUE, alpha=0.25, label=label)
    for r in records[1:]:
        axes.plot(r.best_epoch, r.history["test_accuracy"][r.best_epoch - 1], ".", color=ORANGE, markersize=8)


def loss_panel(axes: Axes, records: list[Record]) -> None:
    """Cross-entropy by epoch: training against validation (nats)."""
    for number, record in enumerate(records):
        history, faint = record.history, 0.5 if number else 1
        for column, name, colour, marker in (
            ("train_ce", "train", GREEN, "s"), ("validation_loss", "validation", ORANGE, "^")
        ):  # fmt: skip
            style = {"color": colour, "marker": marker, "markersize": 3, "alpha": faint}
            axes.plot(history["epoch"], history[column], **style, label=None if number else name)
    axes.set(xlabel="epoch", ylabel="cross-entropy (nats)", title="Cross-entropy by epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(bottom=0)
    axes.legend(fontsize="small")


def confusion_panel(axes: Axes, record: Record) -> None:
    """Test articles by true and predicted class, coloured by the share of the true class."""
    counts = confusion(record)
    shares = counts.div(counts.sum(axis=1), axis=0)
    style = {"cmap": "Blues", "vmin": 0, "vmax": 1, "cbar": False, "square": True, "linewidths": 0.5}
    sns.heatmap(shares, annot=counts, fmt="d", ax=axes, **style)
    axes.set(xlabel="predicted class", ylabel="true class", title=f"Test articles: {record.test_accuracy:.2%} correct")
    axes.tick_params(labelsize="small")


def loss_terms(records: Sequence[Record]) -> Figure:
    """The terms of the DIST loss by epoch, unweighted, for each run."""
    figure, axes = plt.subplots(1, len(records), figsize=(5.5 * len(records), 3.6), sharey=True, squeeze=False)
    for place, record in zip(axes.flat, records, strict=True):
        for part, unit, colour, marker in (
            ("ce", "nats", BLUE, "o"), ("inter", "1 − ρ", ORANGE, "s"), ("intra", "1 − ρ", GREEN, "^")
        ):  # fmt: skip
            values = record.history[f"train_{part}"]
            place.plot(record.history["epoch"], values, color=colour, marker=marker, label=f"{part} ({unit})")
        place.set(xlabel="epoch", title=record.run.title, yscale="log")
        place.xaxis.set_major_locator(MaxNLocator(integer=True))
        place.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        place.yaxis.set_major_formatter("{x:g}")
        place.yaxis.set_minor_formatter(NullFormatter())
    axes.flat[0].set_ylabel("mean over training batches")
    axes.flat[-1].legend(title="loss term")
    return figure


def temperature_figure(student: torch.Tensor, teacher: torch.Tensor, class_names: Sequence[str]) -> Figure:
    """What tau does: the teacher's answer to the first article, and inter and intra over tau without and with tau
    squared.

    Args:
        student, teacher: (B, K) logits
    """
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 3.6))
    for number, (tau, hatch) in enumerate(((1, ""), (2, "//"), (4, ".."), (8, "xx"))):
        probabilities = (teacher[0] / tau).softmax(dim=0).numpy()
        places = np.arange(len(class_names)) + (number - 1.5) * 0.2
        left.bar(places, probabilities, 0.18, color=CLASS_COLOURS[number], hatch=hatch, label=f"tau = {tau}")
    left.set_xticks(range(len(class_names)), class_names)
    left.set(ylabel="probability", title="The teacher's answer at four temperatures")
    left.legend(fontsize="small")
    taus = np.linspace(0.5, 8, 61)
    labels = teacher.argmax(dim=1)
    for axes, scaled, title in ((middle, False, "Without tau²"), (right, True, "With tau², as in the official code")):
        terms = [DISTLoss(tau=tau, scale_tau2=scaled).terms(student, teacher, labels) for tau in taus]
        for term, colour, style in (("inter", ORANGE, "-"), ("intra", GREEN, "--")):
            axes.plot(taus, [float(values[term]) for values in terms], color=colour, linestyle=style, label=term)
        axes.axvline(1, color=GREY, linewidth=1, linestyle=":", label="the report's tau")
        axes.set(xlabel="temperature tau", ylabel="loss term", title=title)
        axes.set_ylim(bottom=0)
        axes.legend(fontsize="small")
    return figure


def confidence_histogram(confidence: Mapping[str, np.ndarray], title: str) -> Figure:
    """Distribution of the largest class probability, a step line for each named group of articles."""
    figure, axes = plt.subplots(figsize=(7, 3.2))
    for (name, values), colour, style in zip(confidence.items(), CLASS_COLOURS, ("-", "--", ":", "-."), strict=False):
        weights = np.full(len(values), 1 / len(values))
        look = {"histtype": "step", "linewidth": 2, "color": colour, "linestyle": style, "label": name}
        axes.hist(values, bins=np.linspace(0.25, 1, 31), weights=weights, **look)
    axes.set(xlabel="probability of the predicted class", title=title, yscale="log")
    axes.set_ylabel("share of each group's articles, logarithmic\n(each bin 0.025 wide)")
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g}%")
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
