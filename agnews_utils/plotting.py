"""Every figure, in one style: colour-blind safe, axes with units, and what made the numbers written underneath."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from .evaluation import CONFIDENCE, accuracy_interval, confusion, report_curves
from .settings import CLASS_NAMES
from .study import Record, Study

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#7F7F7F"  # Okabe and Ito's palette
CLASS_COLOURS = (BLUE, ORANGE, GREEN, "#CC79A7")


def use_style() -> None:
    """The course's look, for all figures made afterwards."""
    sns.set_theme(context="notebook", style="whitegrid", palette=list(CLASS_COLOURS))
    plt.rcParams.update({"figure.dpi": 100, "savefig.dpi": 130, "axes.titlesize": "medium", "figure.constrained_layout.use": True})


def save(figure: Figure, study: Study, name: str) -> Figure:
    """Writes ``name``.png into the study's figures, with a line saying what made it, and returns the figure.

    Everything made from the embedded sample carries a warning across it that it is not AG News.
    """
    figure.supxlabel(study.title, fontsize="x-small", color=GREY)
    if study.source.is_sample:
        figure.text(
            0.5, 0.5, "embedded sample,\nnot AG News", fontsize=30, color=ORANGE, alpha=0.22, rotation=20, ha="center", va="center"
        )
    study.figures.mkdir(parents=True, exist_ok=True)
    figure.savefig(study.figures / f"{name}.png", metadata={"Software": None})
    return figure


def class_balance(splits: Mapping[str, Sequence[int]]) -> Figure:
    """Articles of each class in each split, as shares of the split."""
    figure, axes = plt.subplots(figsize=(7, 3))
    width = 0.8 / len(splits)
    for number, (name, labels) in enumerate(splits.items()):
        shares = np.bincount(labels, minlength=len(CLASS_NAMES)) / len(labels)
        places = np.arange(len(CLASS_NAMES)) + (number - (len(splits) - 1) / 2) * width
        bars = axes.bar(places, shares, width * 0.92, label=f"{name} ({len(labels):,})", color=CLASS_COLOURS[number])
        axes.bar_label(bars, [f"{share:.0%}" for share in shares], fontsize="x-small")
    axes.set(xticks=range(len(CLASS_NAMES)), xticklabels=CLASS_NAMES, ylabel="share of the split", title="Classes are balanced in every split")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.legend(title="split (articles)", loc="lower right", fontsize="small")
    return figure


def length_distribution(lengths: np.ndarray, max_length: int) -> Figure:
    """WordPiece tokens an article, with the cut."""
    figure, axes = plt.subplots(figsize=(7, 3.2))
    shown = np.minimum(lengths, 160)
    axes.hist(shown[lengths <= max_length], bins=range(0, 162, 2), color=BLUE, label="whole")
    axes.hist(shown[lengths > max_length], bins=range(0, 162, 2), color=ORANGE, hatch="//", label="cut")
    axes.axvline(max_length, color="black", linestyle="--", linewidth=1)
    axes.annotate(f" {np.mean(lengths > max_length):.1%} of articles\n are longer than {max_length}", (max_length, axes.get_ylim()[1] * 0.75))
    axes.set(xlabel="WordPiece tokens, [CLS] and [SEP] included (160: 160 or more)", ylabel="articles", title="How long articles are, and where the cut falls")
    axes.legend()
    return figure


def training_figure(records: list[Record], title: str) -> Figure:
    """A figure as the report's 1 to 4, and beside it the loss and the confusion matrix.

    Test accuracy by epoch, thin grey: the report's own run; every seed of ours a line. The ring marks the epoch that
    validation selected.
    """
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4), width_ratios=(1.2, 1, 1))
    accuracy_panel(left, records)
    loss_panel(middle, records)
    confusion_panel(right, records[0])
    figure.suptitle(title)
    return figure


def accuracy_panel(axes: Axes, records: list[Record]) -> None:
    """Test accuracy by epoch on the report's axis (0.85 to 1.00), widened downwards where ours is lower."""
    curves = report_curves()
    theirs = curves[curves["run"] == records[0].run.name]
    if len(theirs):
        axes.plot(theirs["epoch"], theirs["test_accuracy"], color=GREY, linewidth=1, linestyle="--", label="the report's run")
    lowest = theirs["test_accuracy"].min() if len(theirs) else 1.0
    for number, record in enumerate(records):
        history, best = record.history, record.facts["best_epoch"]
        label = "ours" if number == 0 else None
        label = f"ours ({len(records)} seeds)" if label and len(records) > 1 else label
        axes.plot(history["epoch"], history["test_accuracy"], color=BLUE, marker="o", markersize=3, alpha=1 - 0.5 * (number > 0), label=label)
        axes.plot(
            best, history["test_accuracy"][best - 1], "o", markersize=10, markerfacecolor="none", color=ORANGE,
            label=None if number else "selected on validation",
        )  # fmt: skip
        lowest = min(lowest, history["test_accuracy"].min())
    axes.set(xlabel="epoch", ylabel="test accuracy", ylim=(min(0.85, np.floor(lowest * 20) / 20), 1.0), title="Test accuracy by epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="upper right", fontsize="small")


def loss_panel(axes: Axes, records: list[Record]) -> None:
    """Cross-entropy by epoch: training against validation (nats)."""
    for number, record in enumerate(records):
        history, faint = record.history, 1 - 0.5 * (number > 0)
        name = "" if number else None
        axes.plot(history["epoch"], history["train_ce"], color=GREEN, marker="s", markersize=3, alpha=faint, label="train" if name == "" else None)
        axes.plot(history["epoch"], history["validation_loss"], color=ORANGE, marker="^", markersize=3, alpha=faint, label="validation" if name == "" else None)
    axes.set(xlabel="epoch", ylabel="cross-entropy (nats)", title="Loss by epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(bottom=0)
    axes.legend(fontsize="small")


def confusion_panel(axes: Axes, record: Record) -> None:
    """Test rows by true and predicted class, coloured by the share of the true class."""
    counts = confusion(record)
    shares = counts.div(counts.sum(axis=1), axis=0)
    sns.heatmap(shares, annot=counts, fmt="d", cmap="Blues", vmin=0, vmax=1, cbar=False, square=True, ax=axes, linewidths=0.5)
    axes.set(xlabel="predicted class", ylabel="true class", title=f"Test articles: {record.test_accuracy:.2%} right")
    axes.tick_params(labelsize="small")


def confusion_grid(records: Sequence[Record]) -> Figure:
    """The confusion matrices of several runs side by side."""
    columns = min(3, len(records))
    rows = -(-len(records) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(4.4 * columns, 4.2 * rows), squeeze=False)
    for place, record in zip(axes.flat, records, strict=False):
        confusion_panel(place, record)
        place.set_title(f"{record.run.title}\n{record.test_accuracy:.2%} right")
    for place in axes.flat[len(records) :]:
        place.axis("off")
    return figure


def loss_parts(records: Sequence[Record]) -> Figure:
    """The parts of the DIST loss by epoch, unweighted, for each run."""
    figure, axes = plt.subplots(1, len(records), figsize=(5.5 * len(records), 3.6), sharey=True, squeeze=False)
    for place, record in zip(axes.flat, records, strict=True):
        for part, colour, marker in (("ce", BLUE, "o"), ("inter", ORANGE, "s"), ("intra", GREEN, "^")):
            place.plot(record.history["epoch"], record.history[f"train_{part}"], color=colour, marker=marker, label=part)
        place.set(xlabel="epoch", title=record.run.title, yscale="log")
        place.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.flat[0].set_ylabel("mean over training batches\n(ce in nats; inter, intra: 1 − correlation)")
    axes.flat[-1].legend(title="part of the loss")
    return figure


def forest(gains: pd.DataFrame, title: str) -> Figure:
    """Gains in points with their intervals, one row each.

    Args:
        gains: index of names; columns ``gain``, ``low``, ``high`` (shares) and ``rows``
    """
    figure, axes = plt.subplots(figsize=(8, 0.42 * len(gains) + 1.4))
    places = np.arange(len(gains))[::-1]
    centre = 100 * gains["gain"].to_numpy()
    spread = np.abs(100 * gains[["low", "high"]].to_numpy().T - centre)
    axes.errorbar(centre, places, xerr=spread, fmt="o", color=BLUE, capsize=3)
    axes.axvline(0, color="black", linewidth=1)
    labels = [f"{name} ({rows:,})" for name, rows in zip(gains.index, gains["rows"], strict=True)]
    axes.set(yticks=places, yticklabels=labels, xlabel=f"gain in points of test accuracy ({CONFIDENCE:.0%} bootstrap interval)", title=title)
    return figure


def accuracy_bars(records: Mapping[str, list[Record]], reported: Mapping[str, float]) -> Figure:
    """Validation-selected test accuracy of each run with its interval, the report's number as a cross."""
    names = sorted(records, key=lambda name: records[name][0].test_accuracy)
    figure, axes = plt.subplots(figsize=(9, 0.45 * len(names) + 1.6))
    for place, name in enumerate(names):
        record = records[name][0]
        low, high = accuracy_interval(record.right)
        axes.plot([100 * low, 100 * high], [place, place], color=BLUE, linewidth=2)
        axes.plot(100 * record.test_accuracy, place, "o", color=BLUE, label="ours, selected on validation" if place == 0 else None)
        if name in reported:
            axes.plot(100 * reported[name], place, "x", color=ORANGE, markersize=8)
    axes.plot([], [], "x", color=ORANGE, markersize=8, label="the report (all 120,000 rows, best test epoch)")
    axes.set(
        yticks=range(len(names)), yticklabels=[records[name][0].run.title for name in names],
        xlabel=f"test accuracy in percent ({CONFIDENCE:.0%} interval over test rows)", title="Every model on the same test articles",
    )  # fmt: skip
    axes.legend(loc="lower right", fontsize="small")
    return figure


def speed_bars(ratios: pd.DataFrame) -> Figure:
    """Measured ratios of the benchmark against their budgets."""
    figure, axes = plt.subplots(figsize=(8, 0.6 * len(ratios) + 1.4))
    places = np.arange(len(ratios))[::-1]
    axes.barh(places, ratios["ratio"], color=BLUE, label="measured")
    axes.plot(ratios["budget"], places, "|", color=ORANGE, markersize=22, markeredgewidth=3, label="budget")
    axes.set(yticks=places, yticklabels=ratios.index, xlabel="ratio (times)", title="What was measured side by side")
    axes.legend()
    return figure
