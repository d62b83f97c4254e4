"""Figures of notebook 07's map, search and batch sizes."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from .style import CLASS_COLOURS, ORANGE, WORSE_TO_BETTER

MARKS = ("s", "^", "o")
TICKS = (0.2, 0.5, 1, 2, 5, 10, 20)  # of tau, beta and gamma


def gain_maps(gains: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """A heat map of gains for each loss: teachers down, sizes across; a star where the interval excludes zero.

    Args:
        gains: loss to what :func:`agnews_utils.analysis.capacity.gains_by_size` gives
    """
    figure, axes = plt.subplots(1, len(gains), figsize=(5.6 * len(gains), 3.8), sharey=True, squeeze=False)
    widest = max(table["gain"].abs().max() for table in gains.values())
    for place, (loss, table) in zip(axes.flat, gains.items(), strict=True):
        clear = np.where((table["low"] > 0) | (table["high"] < 0), " *", "")
        words = pd.Series([f"{gain:+.2f}{mark}" for gain, mark in zip(table["gain"], clear, strict=True)], table.index)
        order = {"columns": table.index.unique("size"), "index": table.index.unique("teacher")}
        sns.heatmap(
            table["gain"].unstack().reindex(**order), annot=words.unstack().reindex(**order).to_numpy(), fmt="",
            cmap=WORSE_TO_BETTER, center=0, vmin=-widest, vmax=widest, ax=place, linewidths=1,
            cbar_kws={"label": "percentage points"}, cbar=place is axes.flat[-1],
        )  # fmt: skip
        place.set(title=loss, xlabel="parameters of the student", ylabel="")
        place.set_xticklabels([size.replace(" ", "\n") for size in order["columns"]], rotation=0)
        place.tick_params(axis="y", rotation=0)
        place.grid(visible=False)  # where a run is missing, nothing is drawn
    axes.flat[0].set_ylabel("teacher,\nweakest at the top")
    figure.suptitle(f"{title} (*: the interval excludes zero)")
    return figure


def search_surface(
    trials: pd.DataFrame, values: np.ndarray, grid: Mapping[str, np.ndarray], marked: Mapping[str, Mapping[str, float]]
) -> Figure:
    """Expected validation accuracy over each pair of parameters, at the best of the third; each trial a dot.

    Args:
        trials: columns ``tau``, ``beta``, ``gamma``, ``validation_accuracy``
        values, grid: what :func:`agnews_utils.analysis.capacity.surface` gives
        marked: settings to mark, by what the legend calls them
    """
    names = list(grid)
    figure, axes = plt.subplots(1, 3, figsize=(13, 4.2))
    levels = np.linspace(100 * values.min(), 100 * values.max(), 12)
    for place, (x, y) in zip(axes, [(0, 1), (0, 2), (1, 2)], strict=True):
        shown = 100 * values.max(axis=3 - x - y)
        drawn = place.contourf(grid[names[x]], grid[names[y]], shown.T, levels=levels, cmap="cividis", extend="both")
        place.plot(trials[names[x]], trials[names[y]], ".", color="white", markersize=4, label="a trial")
        for (name, settings), style in zip(marked.items(), (("X", ORANGE), ("*", "#CC79A7")), strict=False):
            mark, colour = style
            place.plot(settings[names[x]], settings[names[y]], mark, color=colour, markersize=14,
                       markeredgecolor="white", label=name, linestyle="")  # fmt: skip
        place.set(xscale="log", yscale="log", xlabel=names[x], ylabel=names[y])
        place.set(xlim=grid[names[x]][[0, -1]], ylim=grid[names[y]][[0, -1]])
        for axis, name in ((place.xaxis, names[x]), (place.yaxis, names[y])):
            axis.set_major_locator(FixedLocator([t for t in TICKS if grid[name][0] <= t <= grid[name][-1]]))
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter(lambda value, _: f"{value:g}")
    figure.colorbar(drawn, ax=list(axes), label="expected validation accuracy, %", format="%.1f")
    axes[0].legend(fontsize="small", facecolor="#444444", labelcolor="white")
    figure.suptitle("Which tau, beta and gamma? (CE weight 1; brighter is better)")
    return figure


def gains_by_batch(gains: pd.DataFrame) -> Figure:
    """Gain over labels alone against articles per step, a line each for inter, intra and both, with intervals."""
    figure, axes = plt.subplots(figsize=(7, 4))
    relations = gains.index.unique("relation")
    for number, (relation, colour, mark) in enumerate(zip(relations, CLASS_COLOURS, MARKS, strict=False)):
        table = gains.loc[relation]
        beside = 1.04 ** (number - 1)  # else the intervals hide each other
        spread = np.abs(table[["low", "high"]].to_numpy().T - table["gain"].to_numpy())
        axes.errorbar(table.index * beside, table["gain"], yerr=spread, marker=mark, color=colour, capsize=3,
                      label=relation)  # fmt: skip
    axes.axhline(0, color="black", linewidth=1)
    sizes = gains.index.unique("batch")
    axes.set(xscale="log", xlabel="articles per step (logarithmic)", ylabel="gain in test accuracy, percentage points",
             title="Inter, intra and the batch size")  # fmt: skip
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.minorticks_off()
    axes.legend(fontsize="small")
    return figure
