"""How to read a number: what chance alone does, in up to four panels."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..analysis.chance import CoinTosses, toss
from ..analysis.statistics import CONFIDENCE
from ..analysis.wording import plural
from .style import BLUE, GREEN, ORANGE

INTERVALS_SHOWN, DOTS = 40, 100
BIN = 0.1  # percentage points, about
SEEDS = (1, 3, 10)
BESIDE = 0.3  # of the axis' width, for the words beside the dots
LOOKS = ({"color": ORANGE, "linestyle": "--"}, {"color": BLUE})


def coin_tosses(tossed: CoinTosses | None = None, panels: Sequence[int] = (1, 2, 3, 4)) -> Figure:
    """Accuracies of equally good models, their intervals, differences on other and on the same articles, several seeds.

    Args:
        tossed: what :func:`agnews_utils.analysis.chance.toss` gives; None: with its defaults
        panels: which of the four are drawn, in this order (ValueError if there is no such panel); one alone bears no
            number
    """
    if not panels or not set(panels) <= set(PANELS):
        raise ValueError(f"There are no panels {panels!r}: name some of {', '.join(map(str, PANELS))}.")
    tossed = tossed or toss()
    rows, columns = -(-len(panels) // 2), min(2, len(panels))
    size = (6.4, 3.8) if len(panels) == 1 else (10.9, 3.6) if rows == 1 else (10.88, 3.4 * rows)
    figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False)
    for place, (axes, panel) in enumerate(zip(grid.flat, panels, strict=False)):
        if place % 2 and {panel, panels[place - 1]} in ({1, 2}, {3, 4}):  # both measure the same
            axes.sharex(grid.flat[place - 1])
        PANELS[panel](axes, tossed)
        if len(panels) > 1:
            axes.set_title(f"{panel} · {axes.get_title()}")
    for axes in grid.flat[len(panels) :]:
        axes.axis("off")
    if len(panels) == len(PANELS):
        figure.suptitle("Coins in place of models: what chance alone does")
    return figure


def redrawn(means: np.ndarray, measured: float, what: str) -> Figure:
    """The mean gains of a bootstrap, the middle 95 % of them shaded: the interval of a difference.

    Args:
        means: (draws,), shares, from :func:`agnews_utils.analysis.statistics.two_way_bootstrap_means`
        measured: the gain itself, a share
        what: the pair of models, for the title
    """
    low, high = _middle(100 * means)
    figure, axes = plt.subplots(figsize=(6.4, 3.4))
    axes.hist(100 * means, bins=40, color=BLUE, edgecolor="white", linewidth=0.5)
    axes.axvspan(low, high, color=BLUE, alpha=0.15, label=f"the middle {CONFIDENCE:.0%}: the interval")
    axes.axvline(0, color="black", linewidth=2, label="no difference")
    axes.axvline(100 * measured, color=GREEN, linestyle="--", linewidth=2, label="measured")
    title = f"{what}, drawn anew {len(means):,} times:\n{CONFIDENCE:.0%} between {low:+.2f} and {high:+.2f}"
    axes.set(xlabel="mean gain of a draw in percentage points", ylabel="draws", title=title)
    axes.set_ylim(top=1.45 * axes.get_ylim()[1])
    axes.legend(fontsize="small", loc="upper left", ncols=2)
    return figure


def _middle(values: np.ndarray) -> np.ndarray:
    """Between which two numbers the middle 95 % lie."""
    return np.quantile(values, [0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2])


def _accuracies(axes: Axes, tossed: CoinTosses) -> None:
    seen = 100 * tossed.accuracies
    low, high = _middle(seen)
    axes.hist(seen, bins=np.arange(seen.min(), seen.max() + 0.1, 0.1), color=BLUE, edgecolor="white", linewidth=0.5)
    axes.axvspan(low, high, color=BLUE, alpha=0.15, label=f"{CONFIDENCE:.0%} of the models")
    axes.axvline(100 * tossed.accuracy, color="black", linewidth=2, label=f"true accuracy {tossed.accuracy:.0%}")
    title = f"{len(seen):,} equally good models:\n{CONFIDENCE:.0%} are measured between {low:.1f}% and {high:.1f}%"
    axes.set(xlabel=f"measured accuracy in percent, {tossed.articles:,} articles", ylabel="models", title=title)
    axes.set_ylim(top=1.35 * axes.get_ylim()[1])
    axes.legend(fontsize="small", loc="upper left", ncols=2)


def _intervals(axes: Axes, tossed: CoinTosses) -> None:
    shown = 100 * tossed.intervals[:INTERVALS_SHOWN]
    caught = tossed.caught[:INTERVALS_SHOWN]
    places = np.arange(len(shown))
    for kind, colour, width, label in ((caught, BLUE, 1.5, "holds it"), (~caught, ORANGE, 3, "misses it")):
        axes.hlines(places[kind], *shown[kind].T, color=colour, linewidth=width, label=f"interval {label}")
    axes.axvline(100 * tossed.accuracy, color="black", linewidth=2)
    title = f"The {CONFIDENCE:.0%} intervals of {len(shown)} of them:\n{caught.sum()} hold the true accuracy"
    axes.set(xlabel=f"measured accuracy in percent, {tossed.articles:,} articles", ylabel="models", title=title,
             yticks=[], ylim=(-1, 1.35 * len(shown)))  # fmt: skip
    axes.legend(fontsize="small", loc="upper left", ncols=2)


def _differences(axes: Axes, tossed: CoinTosses) -> None:
    kinds, half = {"on other articles": tossed.unpaired, "on the same articles": tossed.paired}, []
    step, widest = 200 / tossed.articles, 100 * np.abs(tossed.unpaired).max()
    width = step * max(1, round(BIN / step))  # the same number of possible differences in each bin
    bins = step / 4 + width * np.arange(-np.ceil(widest / width) - 1, np.ceil(widest / width) + 1)
    for (name, values), look in zip(kinds.items(), LOOKS, strict=True):
        low, high = 100 * _middle(values)
        half.append((high - low) / 2)
        axes.hist(
            100 * values,
            bins,
            histtype="step",
            linewidth=2.2,
            **look,
            label=f"{name}: {CONFIDENCE:.0%} within ±{half[-1]:.2f}",
        )
    axes.axvline(0, color="black", linewidth=2)
    title = f"Two equally good models: chance makes\n{half[0] / half[1]:.1f} times less difference on the same articles"
    axes.set(xlabel="measured difference in percentage points", ylabel="pairs of models", title=title)
    axes.set(xlim=(bins[0], bins[-1]), ylim=(0, 1.35 * axes.get_ylim()[1]))
    axes.legend(fontsize="small", loc="upper left")


def _seeds(axes: Axes, tossed: CoinTosses) -> None:
    jitter = np.random.default_rng(0).uniform(-0.18, 0.18, DOTS)
    for row, seeds in enumerate(SEEDS):
        gains = 100 * tossed.mean_gains(seeds)
        dots = {"color": BLUE, "alpha": 0.45, "markersize": 4}
        axes.plot(gains[:DOTS], row + jitter, ".", **dots, label=None if row else f"{DOTS} trials")
        bar = {"color": ORANGE, "linewidth": 4, "label": None if row else f"{CONFIDENCE:.0%} of the trials"}
        axes.hlines(row - 0.32, *_middle(gains), **bar)
        place = axes.get_yaxis_transform()
        axes.text(0.02, row, f"{np.mean(gains < 0):.1%} show a loss", transform=place, va="center", fontsize="small")
    low, high = axes.get_xlim()
    furthest = 100 * tossed.seed_gains[:DOTS].min()
    axes.set_xlim(min(low, (furthest - BESIDE * high) / (1 - BESIDE)), high)
    axes.axvline(0, color="black", linewidth=2)
    axes.axvline(100 * tossed.gain, color=GREEN, linestyle="--", linewidth=2, label="true gain")
    title = f"A model that is truly better by {100 * tossed.gain:.2f}:\nseveral seeds show it, one may not"
    axes.set(xlabel="measured difference in percentage points", title=title, ylim=(len(SEEDS) - 0.1, -0.75))
    axes.set_yticks(range(len(SEEDS)), [f"mean of\n{plural(seeds, 'seed')}" for seeds in SEEDS])
    axes.grid(axis="y", visible=False)
    axes.legend(fontsize="small", loc="lower left", ncols=3)


PANELS = {1: _accuracies, 2: _intervals, 3: _differences, 4: _seeds}
