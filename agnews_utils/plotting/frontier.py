"""The figure of notebook 08: accuracy against bytes and latency, with the undominated models joined."""

from __future__ import annotations

from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter

from .style import BLUE, GREY

PANELS = {
    "bytes": ("best_by_bytes", 1e6, "megabytes on disk, vocabulary included (logarithmic)"),
    "p50_ms": ("best_by_latency", 1, "median milliseconds of one article, one thread (logarithmic)"),
}
ANGLES = np.radians([0, 180, 45, -45, 135, -135, 90, -90, 22, -22, 158, -158, 68, -68, 112, -112])
# where a name is tried, from its point: to all sides, then to all sides farther away
SHIFTS = np.array([d * np.array([np.cos(a), np.sin(a)]) for d, a in product(range(8, 300, 6), ANGLES)])  # in points

FEW = 12  # models whose names have room to be larger


def frontier_figure(table: pd.DataFrame) -> Figure:
    """Test accuracy against bytes and against latency, a point a model with its name.

    Filled points are the models that no other one dominates; a line joins them.

    Args:
        table: what :func:`agnews_utils.analysis.frontier.frontier` gives
    """
    figure, axes = plt.subplots(1, 2, figsize=(14, 7), sharey=True)
    for place, (column, (mark, unit, label)) in zip(axes, PANELS.items(), strict=True):
        best = table[table[mark]].sort_values(column)
        place.plot(best[column] / unit, best["accuracy"], "o-", color=BLUE, label="no other model dominates it")
        rest = table[~table[mark]]
        place.plot(rest[column] / unit, rest["accuracy"], "o", color=GREY, fillstyle="none", label="dominated")
        place.set(xscale="log", xlabel=label)
        place.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        place.margins(x=0.2, y=0.12)
    axes[0].set_ylabel("test accuracy in percent")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=2, fontsize="small")
    figure.suptitle("Accuracy against bytes and against latency")
    figure.supxlabel(" ", fontsize="x-small")  # keeps room for the line that plotting.save writes: names stay in place
    figure.draw_without_rendering()  # only now is it known where points are
    for place, (column, (_, unit, _)) in zip(axes, PANELS.items(), strict=True):
        _name_points(place, table[column] / unit, table["accuracy"])
    return figure


def _name_points(axes: Axes, x: pd.Series, y: pd.Series) -> None:
    """Writes names beside points, each as near as it finds room: on no point, on no other name, inside the axes.

    A name that finds no room stands at its point all the same.
    """
    scale = axes.figure.dpi / 72
    points = axes.transData.transform(np.column_stack([x, y]))
    taken = [np.concatenate([point - 6 * scale, point + 6 * scale]) for point in points]
    inside = axes.get_window_extent().extents
    size = 9 if len(x) > FEW else "medium"
    for number in np.argsort(-points[:, 1], kind="stable"):
        text = axes.annotate(
            str(x.index[number]), (x.iloc[number], y.iloc[number]), (0, 0), textcoords="offset points",
            fontsize=size, ha="center", va="center", in_layout=False,
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkA": 0},
        )  # fmt: skip
        half = np.array([*Text.get_window_extent(text).size]) / 2 + 2 * scale
        # beside its point a name starts or ends there; above and below, it is centred
        shifts = SHIFTS * scale + np.sign(np.round(SHIFTS, 3)) * half
        boxes = np.hstack([points[number] + shifts - half, points[number] + shifts + half])
        free = ~np.any([_overlap(boxes, other) for other in taken], axis=0)
        free &= (boxes[:, :2] >= inside[:2]).all(axis=1) & (boxes[:, 2:] <= inside[2:]).all(axis=1)
        first = int(np.argmax(free))
        text.set_position(shifts[first] / scale)
        text.set_path_effects([withStroke(linewidth=3, foreground="white")])  # a line may pass behind a name
        taken.append(boxes[first])


def _overlap(boxes: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Which of the boxes (count, 4: left, low, right, high) lie on the other one."""
    return np.all((boxes[:, :2] < other[2:]) & (boxes[:, 2:] > other[:2]), axis=1)
