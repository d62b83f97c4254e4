"""Figures that hold models against each other: gains, seeds, calibration, speed (notebooks 05, 06, 09)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from ..analysis.calibration import expected_calibration_error, reliability
from ..analysis.pairs import accuracy_per_article, match_seeds
from ..analysis.statistics import CONFIDENCE, accuracy_interval
from ..analysis.tables import confusion
from ..analysis.wording import plural
from ..settings import CLASS_NAMES
from ..study.records import Record
from ..study.runs import (
    FINE_TUNED_TEACHER,
    MODEL3,
    MODEL4,
    ONE_MODEL,
    SIMPLER_FINE_TUNED_DIST,
    SIMPLER_FINE_TUNED_KL,
    SIMPLER_KL,
    TEACHER,
    TFIDF,
)
from .style import BLUE, CLASS_COLOURS, CROSS, GREY, ORANGE, WHITE_BOX, WORSE_TO_BETTER

LEVELS = {TFIDF: "n-gram baseline", TEACHER: "frozen teacher", FINE_TUNED_TEACHER: "fine-tuned teacher"}
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


def accuracy_bars(records: Mapping[str, list[Record]], reported: Mapping[str, float]) -> Figure:
    """Test accuracy of each run with its interval, the report's number as a cross.

    The dot is the mean over seeds; of a run in ``ONE_MODEL``, a teacher say, the one model that stands for it.
    """
    accuracy = {name: accuracy_per_article(runs[:1] if name in ONE_MODEL else runs) for name, runs in records.items()}
    names = sorted(records, key=lambda name: accuracy[name].mean())
    figure, axes = plt.subplots(figsize=(9, 0.45 * len(names) + 1.6))
    for place, name in enumerate(names):
        low, high = accuracy_interval(accuracy[name])
        axes.plot([100 * low, 100 * high], [place, place], color=BLUE, linewidth=2)
        axes.plot(100 * accuracy[name].mean(), place, "o", color=BLUE)
        if len(records[name]) > 1 and name not in ONE_MODEL:
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


def seed_slopes(records: Mapping[str, list[Record]], pairs: Sequence[tuple[str, str]]) -> Figure:
    """Test accuracy of each seed before and after, a line a seed, coloured by the sign of its gain; a panel a pair."""
    figure, panels = plt.subplots(1, len(pairs), figsize=(4.6 * len(pairs), 4), sharey=True, squeeze=False)
    for axes, (before, after) in zip(panels.flat, pairs, strict=True):
        both = pd.DataFrame({name: {r.seed: 100 * r.test_accuracy for r in records[name]} for name in (before, after)})
        both = both.dropna()
        up = both[after] > both[before]
        for kind, colour, style, label in ((up, BLUE, "-", "gains"), (~up, ORANGE, "--", "gains nothing or loses")):
            look = {"color": colour, "linestyle": style, "marker": "o", "markersize": 5}
            for number, values in enumerate(both[kind].to_numpy()):
                axes.plot([0, 1], values, **look, label=None if number else f"a seed that {label}")
        for place, mean in enumerate(both.mean()):
            bar = {"color": "black", "linewidth": 3, "label": None if place else "mean over seeds"}
            axes.plot([place - 0.12, place + 0.12], [mean, mean], **bar)
        axes.set(
            xlim=(-0.35, 1.35), title=f"{records[after][0].run.title}: {up.sum()} of {plural(len(up), 'seed')} gain"
        )
        axes.set_xticks((0, 1), [records[name][0].run.title for name in (before, after)])
        axes.grid(axis="x", visible=False)
    panels.flat[0].set_ylabel("test accuracy in percent")
    handles = {label: h for axes in panels.flat for h, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=3, fontsize="small")
    return figure


def confusion_change(records: Mapping[str, list[Record]], pairs: Sequence[tuple[str, str]]) -> Figure:
    """How the confusion matrix changes from one model to another, in test articles (mean over shared seeds).

    Blue is better (more on the diagonal, fewer elsewhere), orange is worse.
    """
    figure, panels = plt.subplots(1, len(pairs), figsize=(5.4 * len(pairs), 4.6), squeeze=False)
    changes = [_mean_confusion_change(*match_seeds(records, *pair)) for pair in pairs]
    sign = 2 * np.eye(len(CLASS_NAMES)) - 1
    widest = max(change.abs().to_numpy().max() for change in changes) or 1
    look = {
        "cmap": WORSE_TO_BETTER,
        "vmin": -1.4 * widest,
        "vmax": 1.4 * widest,
        "cbar": False,
        "square": True,
        "linewidths": 1,
    }
    for axes, (before, after), change in zip(panels.flat, pairs, changes, strict=True):
        sns.heatmap(change * sign, annot=change, fmt="+.0f", ax=axes, **look)
        axes.set(xlabel="predicted class", ylabel="true class")
        axes.set_title(f"{records[before][0].run.title} to {records[after][0].run.title}, test articles")
        axes.tick_params(labelsize="small", rotation=0)
    return figure


def _mean_confusion_change(before: list[Record], after: list[Record]) -> pd.DataFrame:
    seeds = {r.seed for r in before} & {r.seed for r in after}
    tables = [sum(confusion(r) for r in runs if r.seed in seeds) for runs in (before, after)]
    return ((tables[1] - tables[0]) / len(seeds)).round() + 0.0  # no -0


def gains_where(gains: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """Gains on kinds of test articles, a colour a student.

    Args:
        gains: student to what :func:`agnews_utils.analysis.pairs.gains_by_subgroup` gives, of the same kinds
    """
    first = next(iter(gains.values()))
    figure, axes = plt.subplots(figsize=(8.5, 0.5 * len(first) + 1.6))
    for number, ((name, table), colour) in enumerate(zip(gains.items(), CLASS_COLOURS, strict=False)):
        places = np.arange(len(table)) + 0.28 * (number - (len(gains) - 1) / 2)
        centre = 100 * table["gain"].to_numpy()
        arms = np.abs(100 * table[["low", "high"]].to_numpy().T - centre)
        axes.errorbar(centre, places, xerr=arms, fmt="os^"[number], color=colour, capsize=3, linewidth=2, label=name)
    axes.axvline(0, color="black", linewidth=1)
    axes.set_yticks(range(len(first)), [f"{name} ({count:,})" for name, count in first["articles"].items()])
    axes.invert_yaxis()
    axes.set(title=title, xlabel=f"gain in percentage points ({CONFIDENCE:.0%} interval over articles)")
    figure.legend(loc="outside upper right", fontsize="small", ncols=len(gains))
    return figure


def teachers_and_losses(records: Mapping[str, list[Record]]) -> Figure:
    """CNN-1 plain, with DIST and with KL, under both teachers, with the n-gram baseline and the teachers as lines."""
    figure, axes = plt.subplots(figsize=(9, 5))
    for name, colour, style in ((TFIDF, "black", "-"), (TEACHER, GREY, "--"), (FINE_TUNED_TEACHER, "black", ":")):
        level = 100 * records[name][0].test_accuracy
        axes.axhline(level, color=colour, linestyle=style, linewidth=2)
        label = f"{LEVELS[name]}: {level:.2f}"
        axes.annotate(label, (-0.47, level), (0, 5), textcoords="offset points", color=colour, weight="bold",
                      bbox=WHITE_BOX)  # fmt: skip
    dots = (
        (0, MODEL3, "black", "D", "labels alone"), (0.9, MODEL4, GREY, "o", "frozen teacher (BERT-VDCNN)"),
        (1.1, SIMPLER_FINE_TUNED_DIST, "black", "s", "fine-tuned teacher"), (1.9, SIMPLER_KL, GREY, "o", None),
        (2.1, SIMPLER_FINE_TUNED_KL, "black", "s", None),
    )  # fmt: skip
    for place, name, colour, mark, label in dots:
        correct = accuracy_per_article(records[name])
        mean, (low, high) = 100 * correct.mean(), np.multiply(100, accuracy_interval(correct))
        look = {
            "fmt": mark,
            "color": colour,
            "markersize": 10,
            "capsize": 4,
            "linewidth": 2,
            "label": label,
            "markerfacecolor": "white" if name == MODEL3 else colour,
        }
        axes.errorbar(place, mean, yerr=[[mean - low], [high - mean]], **look)
        side = {"ha": "right" if place in (0.9, 1.9) else "left", "va": "center"}
        beside = place + (-0.08 if side["ha"] == "right" else 0.08)
        axes.text(beside, mean, f"{mean:.2f}", color=colour, bbox=WHITE_BOX, **side)
    axes.set_xticks((0, 1, 2), ["CNN-1 plain", "CNN-1 DIST", "CNN-1 KL"])
    axes.set(ylabel=f"test accuracy in percent\n({CONFIDENCE:.0%} interval over test articles)", xlim=(-0.5, 2.65))
    axes.set_title("CNN-1: two losses, two teachers")
    axes.margins(y=0.1)
    axes.grid(axis="x", visible=False)
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def accuracy_by_rows(curves: Mapping[str, Sequence[list[Record]]]) -> Figure:
    """Test accuracy against training articles: a dot a seed, a line through the means.

    Args:
        curves: name to runs, the records of one number of training articles each
    """
    figure, axes = plt.subplots(figsize=(8, 4.2))
    seeds: dict[int, set[int]] = {}
    for number, ((name, points), colour) in enumerate(zip(curves.items(), CLASS_COLOURS, strict=False)):
        beside, mark = 1.02 ** (2 * number - len(curves) + 1), "os^D"[number]  # else the dots hide each other
        rows = [beside * runs[0].train_rows for runs in points]
        for place, runs in zip(rows, points, strict=True):
            axes.plot([place] * len(runs), [100 * r.test_accuracy for r in runs], mark, color=colour, alpha=0.35)
            seeds.setdefault(runs[0].train_rows, set()).add(len(runs))
        means = [100 * np.mean([r.test_accuracy for r in runs]) for runs in points]
        axes.plot(rows, means, marker=mark, markersize=8, color=colour, label=f"{name}, mean (pale: its seeds)")
    axes.set(xscale="log", xlabel="labelled training articles (logarithmic)", ylabel="test accuracy in percent")
    axes.set_xticks(list(seeds), [f"{rows:,}\n{plural(max(count), 'seed')}" for rows, count in seeds.items()])
    axes.minorticks_off()
    axes.set_title("CNN-1 by training articles")
    axes.legend(fontsize="small")
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
