"""Every figure, in one style: colour-blind safe, axes with units, and what made the numbers written underneath."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
import torch
from IPython import get_ipython
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from .calibration import calibration_error, reliability
from .evaluation import confusion, mean_right, report_curves
from .losses import DISTLoss
from .records import Record
from .settings import CLASS_NAMES
from .statistics import CONFIDENCE, accuracy_interval
from .study import Study

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#7F7F7F"  # Okabe and Ito's palette
FEW = 20  # articles: a share of fewer says little
CLASS_COLOURS = (BLUE, ORANGE, GREEN, "#CC79A7")


def use_style() -> None:
    """The course's look, for all figures made afterwards."""
    sns.set_theme(context="notebook", style="whitegrid", palette=list(CLASS_COLOURS))
    plt.rcParams.update(
        {"figure.dpi": 100, "savefig.dpi": 130, "axes.titlesize": "medium", "figure.constrained_layout.use": True}
    )


def save(figure: Figure, study: Study, name: str, source: str | None = None) -> Figure:
    """Writes ``name``.png into the study's figures, with a line saying what made it, and returns the figure.

    Everything made from the embedded sample carries a warning across it that it is not AG News. A figure of numbers that are
    not this study's (the report's own) says with ``source`` where they are from, and carries no warning.
    """
    figure.supxlabel(source or study.title, fontsize="x-small", color=GREY)
    if study.source.is_sample and source is None:
        figure.text(
            0.5,
            0.5,
            "embedded sample,\nnot AG News",
            fontsize=30,
            color=ORANGE,
            alpha=0.22,
            rotation=20,
            ha="center",
            va="center",
        )
    _show_with_alternative_text()
    study.figures.mkdir(parents=True, exist_ok=True)
    figure.savefig(study.figures / f"{name}.png", metadata={"Software": None})
    return figure


def in_words(figure: Figure) -> str:
    """A sentence for those who cannot see the figure: its titles, axes and what the legends name."""
    parts = [figure.get_suptitle()] if figure.get_suptitle() else []
    for axes in figure.axes:
        legend = [label for label in axes.get_legend_handles_labels()[1] if label]
        sentence = axes.get_title()
        if axes.get_xlabel() or axes.get_ylabel():
            sentence += f" ({axes.get_ylabel() or 'one row each'} against {axes.get_xlabel() or 'one column each'})"
        if legend:
            sentence += f": {', '.join(legend)}"
        if sentence.strip():
            parts.append(" ".join(sentence.split()))
    return "Figure. " + ". ".join(parts) + "."


def _show_with_alternative_text() -> None:
    """Lets the notebook store :func:`in_words` beside every figure that it shows from now on; elsewhere does nothing."""
    shell = get_ipython()
    if shell is None or not hasattr(shell, "display_formatter"):
        return
    formatter = shell.display_formatter.formatters["image/png"]
    try:
        draw = formatter.lookup_by_type(Figure)
    except KeyError:  # the notebook shows no figures inline
        return
    if not getattr(draw, "with_words", False):

        def draw_with_words(figure: Figure):
            png = draw(figure)
            return png and (png, {"alt": in_words(figure)})

        draw_with_words.with_words = True
        formatter.for_type(Figure, draw_with_words)


def class_balance(splits: Mapping[str, Sequence[int]]) -> Figure:
    """Articles of each class in each split, as shares of the split."""
    figure, axes = plt.subplots(figsize=(7, 3))
    width = 0.8 / len(splits)
    for number, ((name, labels), hatch) in enumerate(zip(splits.items(), ("", "//", ".."), strict=False)):
        shares = np.bincount(labels, minlength=len(CLASS_NAMES)) / len(labels)
        places = np.arange(len(CLASS_NAMES)) + (number - (len(splits) - 1) / 2) * width
        label = f"{name} ({len(labels):,})"
        axes.bar(places, shares, width * 0.92, label=label, color=CLASS_COLOURS[number], hatch=hatch)
    axes.set(
        xticks=range(len(CLASS_NAMES)),
        xticklabels=CLASS_NAMES,
        ylabel="share of the split",
        title="Classes in each split",
    )
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
    axes.annotate(
        f" {np.mean(lengths > max_length):.1%} of articles\n are longer than {max_length}",
        (max_length, axes.get_ylim()[1] * 0.75),
    )
    axes.set(
        xlabel="WordPiece tokens, [CLS] and [SEP] included (160: 160 or more)",
        ylabel="articles",
        title="How long articles are, and where the cut falls",
    )
    axes.legend()
    return figure


def training_figure(records: list[Record], title: str) -> Figure:
    """A figure as the report's 1 to 4, and beside it the loss and the confusion matrix.

    Test accuracy by epoch, thin grey: the report's own run; ours a line with a band over seeds. The ring marks the epoch
    that validation selected.
    """
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4), width_ratios=(1.2, 1, 1))
    accuracy_panel(left, records)
    loss_panel(middle, records)
    confusion_panel(right, records[0])
    if len(records) > 1:
        right.set_title(f"Test articles, seed {records[0].seed}: {records[0].test_accuracy:.2%} right")
    figure.suptitle(title)
    return figure


def accuracy_panel(axes: Axes, records: list[Record]) -> None:
    """Test accuracy by epoch on the report's axis (0.85 to 1.00), widened downwards where ours is lower."""
    curves = report_curves()
    theirs = curves[curves["run"] == records[0].run.name]
    if len(theirs):
        axes.plot(
            theirs["epoch"], theirs["test_accuracy"], color=GREY, linewidth=1, linestyle="--", label="the report's run"
        )
    lowest = min([1.0, *theirs["test_accuracy"], *(r.history["test_accuracy"].min() for r in records)])
    history, best = records[0].history, records[0].facts["best_epoch"]
    label = "ours" if len(records) == 1 else "ours, first seed"
    if len(records) > 1:  # a run may have stopped early: an epoch's band is of the seeds that reached it
        by_epoch = pd.concat([r.history.set_index("epoch")["test_accuracy"] for r in records], axis=1)
        reached = by_epoch.notna().sum(axis=1) > 1
        low, high = by_epoch.min(axis=1)[reached], by_epoch.max(axis=1)[reached]
        axes.fill_between(low.index, low, high, color=BLUE, alpha=0.25, label=f"range over {len(records)} seeds")
        for r in records[1:]:
            chosen = r.facts["best_epoch"]
            axes.plot(chosen, r.history["test_accuracy"][chosen - 1], ".", color=ORANGE, markersize=6)
    axes.plot(history["epoch"], history["test_accuracy"], color=BLUE, marker="o", markersize=3, label=label)
    axes.plot(
        best, history["test_accuracy"][best - 1], "o", markersize=10, markerfacecolor="none", color=ORANGE,
        label="selected on validation" + (" (dots: other seeds)" if len(records) > 1 else ""),
    )  # fmt: skip
    axes.set(
        xlabel="epoch",
        ylabel="test accuracy",
        ylim=(min(0.85, np.floor(lowest * 20 - 0.2) / 20), 1.0),
        title="Test accuracy by epoch",
    )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="lower right", fontsize="small")


def loss_panel(axes: Axes, records: list[Record]) -> None:
    """Cross-entropy by epoch: training against validation (nats)."""
    for number, record in enumerate(records):
        history, faint = record.history, 0.5 if number else 1
        for column, name, colour, marker in (
            ("train_ce", "train", GREEN, "s"),
            ("validation_loss", "validation", ORANGE, "^"),
        ):
            label = None if number else name
            axes.plot(
                history["epoch"], history[column], color=colour, marker=marker, markersize=3, alpha=faint, label=label
            )
    axes.set(xlabel="epoch", ylabel="cross-entropy (nats)", title="Cross-entropy by epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(bottom=0)
    axes.legend(fontsize="small")


def confusion_panel(axes: Axes, record: Record) -> None:
    """Test rows by true and predicted class, coloured by the share of the true class."""
    counts = confusion(record)
    shares = counts.div(counts.sum(axis=1), axis=0)
    sns.heatmap(
        shares, annot=counts, fmt="d", cmap="Blues", vmin=0, vmax=1, cbar=False, square=True, ax=axes, linewidths=0.5
    )
    axes.set(xlabel="predicted class", ylabel="true class", title=f"Test articles: {record.test_accuracy:.2%} right")
    axes.tick_params(labelsize="small")


def confusion_grid(records: Sequence[Record]) -> Figure:
    """The confusion matrices of several runs side by side."""
    columns = min(3, len(records))
    rows = -(-len(records) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(3.9 * columns, 3.6 * rows), squeeze=False)
    for number, (place, record) in enumerate(zip(axes.flat, records, strict=False)):
        confusion_panel(place, record)
        place.set_title(f"{record.run.title}\n{record.test_accuracy:.2%} right", fontsize="small")
        place.tick_params(labelsize="x-small")
        if number % columns:
            place.set_ylabel("")
    for place in axes.flat[len(records) :]:
        place.axis("off")
    return figure


def loss_parts(records: Sequence[Record]) -> Figure:
    """The parts of the DIST loss by epoch, unweighted, for each run."""
    figure, axes = plt.subplots(1, len(records), figsize=(5.5 * len(records), 3.6), sharey=True, squeeze=False)
    for place, record in zip(axes.flat, records, strict=True):
        for part, unit, colour, marker in (
            ("ce", "nats", BLUE, "o"), ("inter", "1 − ρ", ORANGE, "s"), ("intra", "1 − ρ", GREEN, "^")
        ):  # fmt: skip
            values = record.history[f"train_{part}"]
            place.plot(record.history["epoch"], values, color=colour, marker=marker, label=f"{part} ({unit})")
        place.set(xlabel="epoch", title=record.run.title, yscale="log")
        place.xaxis.set_major_locator(MaxNLocator(integer=True))
        place.yaxis.set_major_formatter("{x:g}")
    axes.flat[0].set_ylabel("mean over training batches")
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
    axes.set(
        yticks=places,
        yticklabels=labels,
        xlabel=f"gain in points of test accuracy ({CONFIDENCE:.0%} bootstrap interval)",
        title=title,
    )
    return figure


def forest_of_pairs(pairs: pd.DataFrame, title: str, reported: Mapping[tuple[str, str], float] | None = None) -> Figure:
    """Gains of pairs of models in points, with the interval over seeds and test articles, and that over seeds alone.

    Args:
        pairs: what :func:`agnews_utils.evaluation.paired` gives
        reported: gain in points that the report names for a pair, by the titles of its two models
    """
    figure, axes = plt.subplots(figsize=(9.5, 0.55 * len(pairs) + 1.6))
    places = np.arange(len(pairs))[::-1]
    axes.hlines(places, pairs["low"], pairs["high"], color=BLUE, linewidth=1.5, label="95 % over seeds and articles")
    axes.hlines(
        places, pairs["seeds low"], pairs["seeds high"], color=BLUE, linewidth=5, alpha=0.5, label="95 % over seeds"
    )
    axes.plot(pairs["gain"], places, "o", color=BLUE)
    for place, names in zip(places, pairs[["a", "b"]].itertuples(index=False), strict=True):
        if reported and tuple(names) in reported:
            axes.plot(reported[tuple(names)], place, "x", color=ORANGE, markersize=8, markeredgewidth=2)
    if reported:
        axes.plot([], [], "x", color=ORANGE, markersize=8, markeredgewidth=2, label="the report's gain, one run each")
    axes.axvline(0, color="black", linewidth=1)
    labels = [f"{row.b}\nagainst {row.a} ({row.seeds} seed{'s' * (row.seeds > 1)})" for row in pairs.itertuples()]
    axes.set(yticks=places, xlabel="gain in points of test accuracy", title=title, ylim=(-0.6, len(pairs) - 0.4))
    axes.set_yticklabels(labels, fontsize="small")
    figure.legend(loc="outside upper right", fontsize="small", ncols=3)
    return figure


def reliability_panels(records: Mapping[str, list[Record]]) -> Figure:
    """Accuracy against confidence in bins, for each run (all its seeds together); the diagonal is a calibrated model.

    Bins of fewer than ``FEW`` articles are left out of the picture, not of the error.
    """
    columns = min(4, len(records))
    rows = -(-len(records) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(3.2 * columns, 3.3 * rows), squeeze=False, sharex=True, sharey=True
    )
    for place, runs in zip(axes.flat, records.values(), strict=False):
        logits, labels = np.concatenate([r.test_logits for r in runs]), np.concatenate([r.labels for r in runs])
        table = reliability(logits, labels).query("rows >= @FEW")
        place.plot([0.25, 1], [0.25, 1], color=GREY, linestyle="--", linewidth=1)
        place.plot(table["confidence"], table["accuracy"], color=BLUE, marker="o", markersize=4)
        error = np.mean([calibration_error(r.test_logits, r.labels) for r in runs])
        place.text(
            0.97,
            0.05,
            f"calibration error\n{100 * error:.1f} points",
            transform=place.transAxes,
            ha="right",
            fontsize="small",
        )
        place.set_title(runs[0].run.title.replace(", strong", ",\nstrong"), fontsize="small")
    for number, place in enumerate(axes.flat):
        if number >= len(records):
            place.axis("off")
        elif number + columns >= len(records):  # the lowest of its column
            place.set_xlabel("confidence")
            place.tick_params(labelbottom=True)
    figure.supylabel("share right", fontsize="medium")
    return figure


def trade_off(table: pd.DataFrame) -> Figure:
    """Test accuracy against parameters and against training seconds, a point a model, numbered as in the legend.

    Args:
        table: what :func:`agnews_utils.evaluation.results_table` gives
    """
    figure, axes = plt.subplots(1, 2, figsize=(12, 4.4), sharey=True)
    columns = (
        ("parameters", "parameters (logarithmic)"),
        ("training seconds", "training seconds of one run (logarithmic)"),
    )
    for place, (column, label) in zip(axes, columns, strict=True):
        for number, row in enumerate(table.itertuples(index=False), 1):
            x, y = table[column].iloc[number - 1], 100 * table["ours, selected on validation"].iloc[number - 1]
            place.plot(x, y, "o", color=BLUE, markersize=15, label=f"{number}  {row.model}")
            place.annotate(f"{number}", (x, y), ha="center", va="center", color="white", fontsize="small")
        place.set(xscale="log", xlabel=label)
    axes[0].set_ylabel("test accuracy in percent")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", fontsize="small", handlelength=0, markerscale=0)
    figure.suptitle("What accuracy costs")
    return figure


def accuracy_by_rows(curves: Mapping[str, pd.DataFrame]) -> Figure:
    """Test accuracy against training rows, one line a kind of training.

    Args:
        curves: name to a frame with ``rows``, ``mean``, ``low``, ``high`` (percent; low and high over seeds)
    """
    figure, axes = plt.subplots(figsize=(8, 4))
    for (name, points), colour, marker in zip(curves.items(), CLASS_COLOURS, "os^D", strict=False):
        spread = np.abs(points[["low", "high"]].to_numpy().T - points["mean"].to_numpy())
        axes.errorbar(points["rows"], points["mean"], yerr=spread, color=colour, marker=marker, capsize=3, label=name)
    ticks = sorted({rows for points in curves.values() for rows in points["rows"]})
    axes.set(xscale="log", xlabel="labelled training rows (logarithmic)", ylabel="test accuracy in percent")
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    axes.set_title("The one-layer student by training rows (bars: 95 % over seeds)")
    axes.legend(fontsize="small")
    return figure


def accuracy_bars(records: Mapping[str, list[Record]], reported: Mapping[str, float]) -> Figure:
    """Validation-selected test accuracy of each run (mean over seeds) with its interval, the report's number as a cross."""
    accuracy = {name: mean_right(runs) for name, runs in records.items()}
    names = sorted(records, key=lambda name: accuracy[name].mean())
    figure, axes = plt.subplots(figsize=(9, 0.45 * len(names) + 1.6))
    for place, name in enumerate(names):
        low, high = accuracy_interval(accuracy[name])
        axes.plot([100 * low, 100 * high], [place, place], color=BLUE, linewidth=2)
        axes.plot(100 * accuracy[name].mean(), place, "o", color=BLUE)
        if len(records[name]) > 1:
            seeds = [100 * record.test_accuracy for record in records[name]]
            axes.plot(seeds, [place] * len(seeds), "|", color="black", markersize=11, markeredgewidth=1.5)
        if name in reported:
            axes.plot(100 * reported[name], place, "x", color=ORANGE, markersize=8, markeredgewidth=2)
    axes.plot([], [], "o-", color=BLUE, label="ours, selected on validation")
    axes.plot([], [], "|", color="black", markersize=11, markeredgewidth=1.5, label="its single seeds")
    axes.plot(
        [],
        [],
        "x",
        color=ORANGE,
        markersize=8,
        markeredgewidth=2,
        label="published (the report; Model 5: Conneau et al. 2017)",
    )
    axes.set(
        yticks=range(len(names)), yticklabels=[records[name][0].run.title for name in names],
        xlabel=f"test accuracy in percent ({CONFIDENCE:.0%} interval over test rows)",
        title="Test accuracy of every model",
    )  # fmt: skip
    figure.legend(loc="outside upper right", fontsize="small", ncols=3)
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


def confidence_histogram(confidence: Mapping[str, np.ndarray], title: str) -> Figure:
    """Distribution of the largest class probability, a step line for each named group of articles."""
    figure, axes = plt.subplots(figsize=(7, 3.2))
    for (name, values), colour, style in zip(confidence.items(), CLASS_COLOURS, ("-", "--", ":", "-."), strict=False):
        weights = np.full(len(values), 1 / len(values))
        axes.hist(
            values,
            bins=np.linspace(0.25, 1, 31),
            weights=weights,
            histtype="step",
            linewidth=2,
            color=colour,
            linestyle=style,
            label=name,
        )
    axes.set(
        xlabel="probability of the predicted class",
        ylabel="share of articles\n(each bin 0.025 wide)",
        title=title,
        yscale="log",
    )
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=1))
    axes.legend(loc="upper left")
    return figure


def report_choices(curves: pd.DataFrame, titles: Mapping[str, str]) -> Figure:
    """Test accuracy by epoch of the report's own runs: the epoch it published ringed, the last one squared."""
    figure, axes = plt.subplots(figsize=(9, 4))
    looks = zip((BLUE, ORANGE, GREEN, "#CC79A7", GREY), ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1))), strict=True)
    for (name, curve), (colour, style) in zip(curves.groupby("run"), looks, strict=False):
        accuracy, best = 100 * curve["test_accuracy"], curve["test_accuracy"].idxmax()
        axes.plot(curve["epoch"], accuracy, color=colour, linestyle=style, linewidth=1.6, label=titles[name])
        axes.plot(
            curve["epoch"][best],
            accuracy[best],
            "o",
            color=colour,
            markersize=11,
            markerfacecolor="none",
            markeredgewidth=2,
        )
        axes.plot(curve["epoch"].iloc[-1], accuracy.iloc[-1], "s", color=colour, markersize=7)
    axes.plot([], [], "o", color="black", markersize=11, markerfacecolor="none", label="published: best test epoch")
    axes.plot([], [], "s", color="black", markersize=7, label="last epoch")
    title = "The report's own runs: what was published and what came last"
    last = curves["epoch"].max()
    axes.set(xlabel="epoch", ylabel="test accuracy in percent", title=title, ylim=(86, 94), xlim=(1, last + 0.7))
    axes.set_xticks([1, *range(5, last + 1, 5)])
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize="small", handlelength=3.5)
    return figure


def seed_dots(records: Mapping[str, list[Record]], names: Sequence[str]) -> Figure:
    """Test accuracy of every seed of a few runs; a thin line joins the runs of one seed, a bar marks each mean."""
    figure, axes = plt.subplots(figsize=(8, 4))
    table = pd.DataFrame({name: {r.seed: 100 * r.test_accuracy for r in records[name]} for name in names})
    for _, row in table.iterrows():
        axes.plot(
            range(len(names)), row, color=GREY, linewidth=0.8, marker="o", markerfacecolor=BLUE, markeredgecolor=BLUE
        )
    ends, apart = table.iloc[:, -1].sort_values(), 0.05 * np.ptp(axes.get_ylim())
    heights = ends.to_numpy().copy()
    for i in range(1, len(heights)):  # labels of seeds that end close together are moved apart
        heights[i] = max(heights[i], heights[i - 1] + apart)
    heights -= np.mean(heights - ends.to_numpy())
    for seed, end, height in zip(ends.index, ends, heights, strict=True):
        axes.annotate(
            f"{seed}", (len(names) - 1, end), xytext=(len(names) - 0.8, height), fontsize="x-small", va="center",
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.5, "shrinkA": 1, "shrinkB": 3},
        )  # fmt: skip
    for place, mean in enumerate(table.mean()):
        axes.plot(
            [place - 0.15, place + 0.15],
            [mean, mean],
            color=ORANGE,
            linewidth=3,
            label=None if place else "mean over seeds",
        )
    axes.set(
        xticks=range(len(names)), xticklabels=[records[name][0].run.title.replace(": ", ":\n") for name in names],
        xlim=(-0.5, len(names) - 0.5), ylabel="test accuracy in percent",
        title="Several seeds: a line joins the runs of one seed, whose number is at the right",
    )  # fmt: skip
    axes.legend(fontsize="small")
    return figure


def temperature_figure(student: torch.Tensor, teacher: torch.Tensor, class_names: Sequence[str]) -> Figure:
    """What tau does: the first article's softened teacher, and inter and intra over tau without and with tau squared.

    Args:
        student, teacher: (B, K) logits
    """
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 3.6))
    for number, (tau, hatch) in enumerate(((1, ""), (2, "//"), (4, ".."), (8, "xx"))):
        probabilities = (teacher[0] / tau).softmax(dim=0).numpy()
        places = np.arange(len(class_names)) + (number - 1.5) * 0.2
        left.bar(places, probabilities, 0.18, color=CLASS_COLOURS[number], hatch=hatch, label=f"tau = {tau}")
    left.set(
        xticks=range(len(class_names)),
        xticklabels=class_names,
        ylabel="probability",
        title="The teacher's answer, softened",
    )
    left.legend(fontsize="small")
    taus = np.linspace(0.5, 8, 61)
    labels = teacher.argmax(dim=1)
    for axes, scaled, title in ((middle, False, "Without tau²"), (right, True, "With tau², as in the official code")):
        parts = [DISTLoss(tau=tau, scale_tau2=scaled).parts(student, teacher, labels) for tau in taus]
        for part, colour, style in (("inter", ORANGE, "-"), ("intra", GREEN, "--")):
            axes.plot(taus, [float(values[part]) for values in parts], color=colour, linestyle=style, label=part)
        axes.axvline(1, color=GREY, linewidth=1, linestyle=":", label="the report's tau")
        axes.set(xlabel="temperature tau", ylabel="part of the loss", title=title)
        axes.set_ylim(bottom=0)
        axes.legend(fontsize="small")
    return figure


def artefact_bars(counts: pd.DataFrame) -> Figure:
    """Share of articles that hold each artefact, a bar for each split.

    Args:
        counts: what :func:`agnews_utils.corpus.artefact_counts` gives
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
    axes.set(xlabel="share of the split's articles", title="Traces of the web in the text")
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
    """Test accuracy in percent against training rows, with its interval.

    Args:
        points: columns ``rows``, ``accuracy``, ``low``, ``high`` (shares)
        published: name to accuracy (a share) of published models, drawn at 120,000 rows
    """
    figure, axes = plt.subplots(figsize=(7.5, 3.6))
    accuracy = 100 * points["accuracy"]
    spread = np.abs(100 * points[["low", "high"]].to_numpy().T - accuracy.to_numpy())
    label = f"ours ({CONFIDENCE:.0%} interval over test rows)"
    axes.errorbar(points["rows"], accuracy, yerr=spread, color=BLUE, marker="o", capsize=3, label=label)
    ticks = list(points["rows"])
    for (name, share), marker in zip((published or {}).items(), "^sD", strict=False):
        axes.plot(120_000, 100 * share, marker, color=ORANGE, label=f"published: {name}")
        ticks = [*points["rows"], 120_000] if ticks[-1] < 100_000 else ticks
    axes.set(xscale="log", xlabel="training rows (logarithmic)", ylabel="test accuracy in percent")
    axes.set_title("Accuracy of a bag of words by training rows")
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    axes.legend(loc="lower right", fontsize="small")
    return figure


def half_widths(accuracies: Sequence[float], marked: Mapping[str, int]) -> Figure:
    """Half-width of an accuracy's interval in points, against test rows, for a few accuracies."""
    figure, axes = plt.subplots(figsize=(7.5, 3.4))
    rows = np.unique(np.geomspace(100, 100_000, 25).astype(int))
    for accuracy, colour, style in zip(accuracies, CLASS_COLOURS, ("-", "--", ":", "-."), strict=False):
        intervals = [accuracy_interval(np.arange(n) < round(accuracy * n)) for n in rows]
        halves = [50 * (high - low) for low, high in intervals]
        axes.plot(rows, halves, color=colour, linestyle=style, label=f"accuracy {accuracy:.0%}")
    for name, count in marked.items():
        axes.axvline(count, color=GREY, linewidth=1)
        axes.annotate(f" {name}:\n {count:,}", (count, axes.get_ylim()[1] * 0.55), fontsize="small")
    axes.set(xscale="log", yscale="log", xlabel="test rows", ylabel="half-width in points")
    axes.set_title(f"How well an accuracy is known ({CONFIDENCE:.0%} interval)")
    axes.set_xticks([100, 1_000, 10_000, 100_000], ["100", "1,000", "10,000", "100,000"])
    axes.set_yticks([0.2, 0.5, 1, 2, 5], ["0.2", "0.5", "1", "2", "5"])
    axes.minorticks_off()
    axes.legend(fontsize="small")
    return figure
