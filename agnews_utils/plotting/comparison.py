"""Figures that hold models against each other: gains, seeds, calibration, cost (notebooks 05 and 06, the benchmark)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..analysis.calibration import expected_calibration_error, reliability
from ..analysis.pairs import accuracy_per_article
from ..analysis.statistics import CONFIDENCE, accuracy_interval
from ..analysis.wording import plural
from ..losses import DISTLoss, KLLoss
from ..study.records import Record
from ..study.runs import RUNS, TEACHERS
from .style import BLUE, CLASS_COLOURS, GREEN, GREY, ORANGE

CROSS = {"color": ORANGE, "markersize": 8, "markeredgewidth": 2}
FEWEST_ARTICLES = 20  # of a bin that is drawn: a share of fewer says little


def forest(gains: pd.DataFrame, title: str) -> Figure:
    """Gains in percentage points with their intervals, one row each.

    Args:
        gains: index of names; columns ``gain``, ``low``, ``high`` (shares) and ``articles``
    """
    figure, axes = plt.subplots(figsize=(8, 0.42 * len(gains) + 1.4))
    places = np.arange(len(gains))[::-1]
    centre = 100 * gains["gain"].to_numpy()
    spread = np.abs(100 * gains[["low", "high"]].to_numpy().T - centre)
    axes.errorbar(centre, places, xerr=spread, fmt="o", color=BLUE, capsize=3)
    axes.axvline(0, color="black", linewidth=1)
    axes.set_yticks(places, [f"{name} ({count:,})" for name, count in gains["articles"].items()])
    label = f"gain in test accuracy, percentage points\n({CONFIDENCE:.0%} interval over articles, seeds as they are)"
    axes.set(xlabel=label, title=title)
    return figure


def forest_of_pairs(pairs: pd.DataFrame, title: str, reported: Mapping[tuple[str, str], float] | None = None) -> Figure:
    """Gains of pairs of models, with the interval over seeds and test articles, and that over seeds alone.

    Args:
        pairs: what :func:`agnews_utils.analysis.pairs.paired_comparisons` gives
        reported: gain in percentage points that the report names for a pair, by the titles of its two models
    """
    figure, axes = plt.subplots(figsize=(9.5, 0.55 * len(pairs) + 1.6))
    places = np.arange(len(pairs))[::-1]
    several = (pairs["seeds"] > 1).to_numpy()
    for chosen, style, label in (
        (several, "-", "95 % over seeds and articles"),
        (~several, ":", "95 % over articles, one seed"),
    ):
        if chosen.any():
            low, high = pairs["low"][chosen], pairs["high"][chosen]
            axes.hlines(places[chosen], low, high, color=BLUE, linewidth=1.5, linestyle=style, label=label)
    band = {"color": BLUE, "linewidth": 5, "alpha": 0.5, "label": "95 % over seeds"}
    axes.hlines(places, pairs["seeds_low"], pairs["seeds_high"], **band)
    axes.plot(pairs["gain"], places, "o", color=BLUE)
    columns = 2 if reported and several.any() and not several.all() else 3
    if reported:
        names = pairs[["baseline", "treatment"]].itertuples(index=False, name=None)
        theirs = [reported.get(pair, np.nan) for pair in names]
        axes.plot(theirs, places, "x", **CROSS, label="the report's gain, one run each")
    axes.axvline(0, color="black", linewidth=1)
    labels = [f"{row.treatment}\nagainst {row.baseline} ({plural(row.seeds, 'seed')})" for row in pairs.itertuples()]
    axes.set(
        yticks=places, xlabel="gain in test accuracy, percentage points", title=title, ylim=(-0.6, len(pairs) - 0.4)
    )
    axes.set_yticklabels(labels, fontsize="small")
    figure.legend(loc="outside upper right", fontsize="small", ncols=columns)
    return figure


def accuracy_bars(records: Mapping[str, list[Record]], reported: Mapping[str, float]) -> Figure:
    """Test accuracy of each run (mean over seeds) with its interval, the report's number as a cross."""
    accuracy = {name: accuracy_per_article(runs) for name, runs in records.items()}
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
            axes.plot(100 * reported[name], place, "x", **CROSS)
    axes.plot([], [], "o-", color=BLUE, label="ours, selected on validation")
    axes.plot([], [], "|", color="black", markersize=11, markeredgewidth=1.5, label="its single seeds")
    if reported.keys() & records.keys():
        axes.plot([], [], "x", **CROSS, label="published (the report; Character VDCNN: Conneau et al. 2017)")
    axes.set(
        yticks=range(len(names)), yticklabels=[records[name][0].run.title for name in names],
        xlabel=f"test accuracy in percent\n({CONFIDENCE:.0%} interval over test articles)",
        title="Test accuracy of every model",
    )  # fmt: skip
    figure.legend(loc="outside upper right", fontsize="small", ncols=3)
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
        label = None if place else "mean over seeds"
        axes.plot([place - 0.15, place + 0.15], [mean, mean], color=ORANGE, linewidth=3, label=label)
    axes.set(
        xticks=range(len(names)), xticklabels=[records[name][0].run.title.replace(": ", ":\n") for name in names],
        xlim=(-0.5, len(names) - 0.5), ylabel="test accuracy in percent",
        title="Several seeds: a line joins the runs of one seed, whose number is at the right",
    )  # fmt: skip
    axes.legend(fontsize="small")
    return figure


def reliability_panels(records: Mapping[str, list[Record]]) -> Figure:
    """Accuracy against confidence in bins, for each run (all its seeds together); the diagonal is a calibrated model.

    Bins of fewer than ``FEWEST_ARTICLES`` (a seed, on average) are left out of the picture, not of the error.
    """
    columns = min(4 if len(records) <= 8 else 5, len(records))
    rows = -(-len(records) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(2.9 * columns, 3.1 * rows), squeeze=False, sharex=True, sharey=True
    )
    for place, runs in zip(axes.flat, records.values(), strict=False):
        logits, labels = np.concatenate([r.test_logits for r in runs]), np.concatenate([r.labels for r in runs])
        table = reliability(logits, labels)
        table = table[table["articles"] >= FEWEST_ARTICLES * len(runs)]
        place.plot([0.25, 1], [0.25, 1], color=GREY, linestyle="--", linewidth=1)
        place.plot(table["confidence"], table["accuracy"], color=BLUE, marker="o", markersize=4)
        error = np.mean([expected_calibration_error(r.test_logits, r.labels) for r in runs])
        text = f"expected calibration\nerror {100 * error:.1f} %"
        place.text(0.97, 0.05, text, transform=place.transAxes, ha="right", fontsize="small")
        place.set_title(runs[0].run.title.replace(", fine", ",\nfine"), fontsize="small")
    for number, place in enumerate(axes.flat):
        if number >= len(records):
            place.axis("off")
        elif number + columns >= len(records):  # the lowest of its column
            place.set_xlabel("confidence")
            place.tick_params(labelbottom=True)
    figure.supylabel("accuracy", fontsize="medium")
    return figure


def _sides(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Side of each label: 1 right, -1 left. Left is used where neighbours crowd the right side only."""
    across, up = 0.2 * np.ptp(x), 0.25 * np.ptp(y)
    beside = (np.abs(y[:, None] - y) < up) & (np.abs(x[:, None] - x) < across)
    right, left = (beside & (x[:, None] * sign < x * sign - 0.01 * across) for sign in (1, -1))
    return np.where(right.any(axis=1) & ~left.any(axis=1), -1, 1)


def _moved_apart(x: np.ndarray, y: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """Heights for labels at the right of points, at y or above it, such that no label lies on another or on a point.

    Args:
        labelled: (points,), which of them have their label there
    """
    width, height = 0.07 * np.ptp(x), 0.05 * np.ptp(y)
    label_from, label_to = 0.05 * np.ptp(x), 0.15 * np.ptp(x)  # where a label stands, from its point
    placed: list[int] = []
    heights = y.copy()
    for i in np.flatnonzero(labelled)[np.argsort(y[labelled], kind="stable")]:
        near = [heights[other] for other in placed if abs(x[other] - x[i]) < width]
        near += y[(x - x[i] > label_from) & (x - x[i] < label_to)].tolist()
        for taken in sorted(near):
            if abs(heights[i] - taken) < height:
                heights[i] = taken + height
        placed.append(i)
    return heights


def accuracy_by_rows(curves: Mapping[str, pd.DataFrame]) -> Figure:
    """Test accuracy against training articles, one line a kind of training.

    Args:
        curves: name to rows of :func:`agnews_utils.analysis.tables.accuracy_over_seeds`
    """
    figure, axes = plt.subplots(figsize=(8, 4))
    for number, ((name, points), colour) in enumerate(zip(curves.items(), CLASS_COLOURS, strict=False)):
        spread = np.abs(points[["low", "high"]].to_numpy().T - points["mean"].to_numpy())
        beside, marker = 1.015 ** (2 * number - len(curves) + 1), "os^D"[number]  # else the bars hide each other
        axes.errorbar(
            points["train_articles"] * beside, points["mean"], yerr=spread,
            color=colour, marker=marker, capsize=3, label=name,
        )  # fmt: skip
    ticks = sorted({rows for points in curves.values() for rows in points["train_articles"]})
    axes.set(xscale="log", xlabel="labelled training articles (logarithmic)", ylabel="test accuracy in percent")
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    axes.set_title("The one-layer student by training articles (bars: 95 % over seeds)")
    axes.legend(fontsize="small")
    return figure


def _taught_by(name: str) -> tuple[str, str, str]:
    """Marker, colour and words for what a run learns from."""
    if name in TEACHERS:
        return "D", CLASS_COLOURS[3], "labels alone, a teacher"
    taught = {DISTLoss: ("s", ORANGE, "labels and teacher, DIST"), KLLoss: ("^", GREEN, "labels and teacher, KL")}
    return taught.get(RUNS[name].loss, ("o", BLUE, "labels alone"))


def trade_off(table: pd.DataFrame) -> Figure:
    """Test accuracy against parameters and against training seconds, a point a model, numbered as in the legend.

    Numbers stand beside their points, to the left where the right is crowded, and are moved up where two would lie on
    each other. Colour and shape say what the model learnt from.

    Args:
        table: what :func:`agnews_utils.analysis.tables.results_table` gives
    """
    figure, axes = plt.subplots(1, 2, figsize=(12, 4.8), sharey=True)
    columns = (
        ("parameters", "trained parameters (logarithmic)"),
        ("train_seconds", "training seconds of one run (logarithmic)"),
    )
    for place, (column, label) in zip(axes, columns, strict=True):
        x, y = table[column].to_numpy(float), 100 * table["test_accuracy"].to_numpy()
        sides = _sides(np.log10(x), y)
        right, left = (_moved_apart(side * np.log10(x), y, sides == side) for side in (1, -1))
        named = zip(table["run"], table["model"], x, y, sides, np.where(sides == 1, right, left), strict=True)
        for number, (run, model, seen, accuracy, side, height) in enumerate(named, 1):
            marker, colour, _ = _taught_by(run)
            place.plot(seen, accuracy, marker, color=colour, markersize=6, label=f"{number}  {model}")
            place.annotate(
                f"{number}", (seen, accuracy), (16 * side, height), textcoords=("offset points", "data"), va="center",
                ha="left" if side == 1 else "right", fontsize="small",
                arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.7, "shrinkA": 0},
            )  # fmt: skip
        place.set(xscale="log", xlabel=label)
        place.margins(x=0.15)
    axes[0].set_ylabel("test accuracy in percent")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", fontsize="small", handlelength=1)
    kinds = dict.fromkeys(map(_taught_by, table["run"]))
    figure.legend(
        [Line2D([], [], marker=marker, color=colour, linestyle="") for marker, colour, _ in kinds],
        [words for *_, words in kinds],
        loc="outside right lower", fontsize="small", title="learns from", title_fontsize="small", handlelength=1,
    )  # fmt: skip
    figure.suptitle("What accuracy costs")
    return figure


def speed_bars(ratios: pd.DataFrame) -> Figure:
    """Measured ratios of the benchmark against their budgets."""
    figure, axes = plt.subplots(figsize=(8, 0.6 * len(ratios) + 1.4))
    places = np.arange(len(ratios))[::-1]
    axes.barh(places, ratios["ratio"], color=BLUE, label="measured")
    axes.plot(ratios["budget"], places, "|", color=ORANGE, markersize=22, markeredgewidth=3, label="budget")
    axes.set(yticks=places, yticklabels=ratios["what"], xlabel="ratio (times)", title="What was measured side by side")
    axes.legend()
    return figure
