"""Gains with their 95 % intervals, one row each: clear gains, clear losses, and those that leave the question open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from textwrap import fill

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..analysis.answers import Answer
from ..analysis.wording import plural
from .style import BLUE, CROSS, GREY, ORANGE, WHITE_BOX, look_of

LETTERS = 31  # in a line of a row's label
Groups = Mapping[str, Mapping[str, Answer]]


def forest_of_answers(groups: Groups, title: str, reported: Mapping[str, float] | None = None) -> Figure:
    """Gains with their intervals, a row an answer, under the heading of their group.

    Several groups stand in two columns, so that the figure is wider than high: a projector shows it whole.

    Args:
        groups: heading (the question for people, say) to rows: a short label and its answer
        reported: gain in percentage points that the report names, by the answer's question
    """
    columns = _columns(groups)
    height = max(len(rows) for rows in columns)
    figure, panels = plt.subplots(
        1, len(columns), figsize=(12 if len(columns) > 1 else 9.5, 0.43 * height + 1.55), sharex=True, squeeze=False
    )
    for axes, rows in zip(panels.flat, columns, strict=True):
        found = [answer for _, answer in rows]
        draw_gains(axes, found)
        for place, answer in enumerate(found):
            if answer and answer.question in (reported or {}):
                axes.plot(reported[answer.question], place, "x", **CROSS)
        axes.grid(axis="y", visible=False)
        axes.spines[["left", "right", "top"]].set_visible(False)
        axes.set(ylim=(height - 0.4, -0.6))
        axes.set_xlabel("gain in test accuracy\n(percentage points, 95 % interval)")
        _name_rows(axes, rows)
    last = panels.flat[-1]
    name_looks(last, [answer for rows in columns for _, answer in rows])
    if reported:
        last.plot([], [], "x", **CROSS, label="the report's gain, one run each")
    figure.suptitle(title, x=0.01, y=0.98, ha="left")  # beside the legend
    figure.legend(loc="outside upper right", ncols=4)
    return figure


def draw_gains(axes: Axes, rows: Sequence[Answer | None]) -> None:
    """A dot and its interval for each row, the first at the top of an axis that grows downwards."""
    for place, found in enumerate(rows):
        if found:
            colour, mark = look_of(found)
            arms = [[found.gain - found.low], [found.high - found.gain]]
            axes.errorbar(found.gain, place, xerr=arms, color=colour, fmt=mark, capsize=4, linewidth=2)
    axes.axvline(0, color="black", linewidth=1)


def name_looks(axes: Axes, rows: Sequence[Answer | None]) -> None:
    """Entries for a legend of what :func:`draw_gains` draws; a clear loss is named where there is one."""
    loss = any(found and found.is_clear and found.gain < 0 for found in rows)
    for label, colour, mark in (("clear gain", BLUE, "o"), ("clear loss", ORANGE, "o"), ("not clear", GREY, "s")):
        if loss or label != "clear loss":
            axes.errorbar([], [], xerr=[], color=colour, fmt=mark, capsize=4, linewidth=2, label=label)


def _columns(groups: Groups) -> list[list[tuple[str, Answer | None]]]:
    """The rows of one or two columns, as equally long as whole groups allow; a heading is a row without an answer."""
    blocks = [[(heading, None), *answers.items()] for heading, answers in groups.items()]
    cuts = range(1, len(blocks)) or (1,)
    parts = [[part for part in (blocks[:cut], blocks[cut:]) if part] for cut in cuts]
    both = [[list(chain.from_iterable(part)) for part in two] for two in parts]
    return min(both, key=lambda columns: max(map(len, columns)))


def _name_rows(axes: Axes, rows: Sequence[tuple[str, Answer | None]]) -> None:
    """Labels to the left of the rows; a heading begins where the longest of them does, and may go on over the axis."""
    labels = [
        fill(f"{name} ({plural(found.seeds, 'seed').replace(' ', '_')})", LETTERS).replace("_", " ") if found else ""
        for name, found in rows
    ]
    axes.set_yticks(range(len(rows)), labels, fontsize="medium", linespacing=1.0)
    widest = max(label.get_window_extent().width for label in axes.get_yticklabels())
    left = -widest * 72 / axes.figure.dpi - plt.rcParams["ytick.major.size"] - plt.rcParams["ytick.major.pad"]
    for place, (name, found) in enumerate(rows):
        if not found:
            axes.annotate(
                name, (0, place), (left, 0), axes.get_yaxis_transform(), "offset points", weight="bold", va="center",
                bbox=WHITE_BOX,
            )  # fmt: skip
