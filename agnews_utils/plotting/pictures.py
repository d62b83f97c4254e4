"""Pictures without axes: boxes and arrows, and the course as a whole with the part of one notebook lit."""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.layout_engine import PlaceHolderLayoutEngine
from matplotlib.patches import FancyBboxPatch

from .style import BLUE, GREEN, ORANGE

INK, DIM, PALE = "#222222", "#707070", "#C4C4C4"  # text; text and lines of what is not lit
PURPLE = "#9A4F7E"  # Okabe and Ito's, darker, so that white letters stand out on it


def canvas(width: float, height: float, words: str) -> tuple[Figure, Axes]:
    """An empty figure (inches) whose one axes counts in inches too, and ``words`` for those who cannot see it."""
    # with layout="none", saving would leave the figure with the layout of the style
    figure = plt.figure(figsize=(width, height), layout=PlaceHolderLayoutEngine(True, True))
    figure.set_label(words)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.axis("off")
    return figure, axes


def tint(colour: str, share: float = 0.18) -> tuple[float, ...]:
    """The colour thinned with white, to write on."""
    return tuple(1 - share * (1 - part) for part in to_rgb(colour))


def box(
    axes: Axes, corner: tuple[float, float], size: tuple[float, float], colour: str, title: str, detail: str = "",
    lit: bool = True,
) -> None:  # fmt: skip
    """A rounded box (lower left corner and size in inches) with a bold title and lines of detail under it."""
    (x, y), (width, height), ink = corner, size, INK if lit else DIM
    look = {"facecolor": tint(colour), "edgecolor": colour, "linewidth": 2.5}
    look = look if lit else {"facecolor": "white", "edgecolor": PALE, "linewidth": 1.2}
    axes.add_patch(FancyBboxPatch(corner, width, height, "round,pad=0,rounding_size=0.08", zorder=2, **look))
    lines = detail.count("\n") + 1 if detail else 0
    middle, centred = y + height / 2, {"ha": "center", "color": ink, "zorder": 3}
    top = middle + 0.1 * lines
    axes.text(x + width / 2, top, title, va="center", fontsize=12, weight="bold", **centred)
    axes.text(x + width / 2, top - 0.12, detail, va="top", fontsize=11.5, linespacing=1.15, **centred)


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str = INK, wide: float = 2) -> None:
    """A straight arrow between two points (inches)."""
    look = {"arrowstyle": "-|>,head_length=0.5,head_width=0.28", "color": colour, "linewidth": wide}
    axes.annotate("", end, start, arrowprops=look | {"shrinkA": 0, "shrinkB": 0, "mutation_scale": 14}, zorder=1)


@dataclass(frozen=True)
class Part:
    """A box of the course's picture: what stands in it, which notebooks build it, its place (inches) and colour."""

    title: str
    detail: str
    notebooks: tuple[int, ...]
    corner: tuple[float, float]
    size: tuple[float, float] = (1.9, 0.95)
    colour: str = BLUE


COLUMNS, ROWS = (0.15, 2.32, 4.49, 6.66, 8.83), (0.12, 1.42, 2.92, 4.4)
PARTS = {
    "articles": Part("Articles", "short news texts of four classes: World, Sports, Business, Sci/Tech", (1,),
                     (COLUMNS[0], ROWS[3]), (10.58, 0.7), INK),
    "baseline": Part("N-gram baseline", "counts of words\nand of word pairs", (1,), (COLUMNS[0], ROWS[2]),
                     colour=GREEN),
    "plain": Part("Students, plain", "CNN-4 and CNN-1", (3,), (COLUMNS[1], ROWS[2])),
    "teacher": Part("Teacher", "VDCNN on a\nfrozen BERT", (2,), (COLUMNS[2], ROWS[2]), colour=ORANGE),
    "better": Part("Better teachers", "fine-tuned; asked\nabout unseen articles", (6, 7), (COLUMNS[3], ROWS[2]),
                   colour=ORANGE),
    "distilled": Part("Students, distilled", "CNN-4 and CNN-1,\nDIST or KL", (4,), (COLUMNS[2], ROWS[1])),
    "strong": Part("Strong student", "CNN of two widths,\nhashed word pairs", (7,), (COLUMNS[3], ROWS[1])),
    "phone": Part("On a phone", "the student as\nan int8 file", (8,), (COLUMNS[4], ROWS[1])),
    "analysis": Part("Analysis", "Which claims hold? Intervals, paired tests, several seeds", (5, 6, 9),
                     (COLUMNS[0], ROWS[0]), (10.58, 0.7), PURPLE),
}  # fmt: skip
STEPS = (
    ("articles", "baseline", "labels"), ("articles", "plain", "labels"), ("articles", "teacher", "labels"),
    ("articles", "better", "labels"), ("teacher", "distilled", "labels, logits"),
    ("better", "strong", "labels, logits"), ("strong", "phone", ""), ("baseline", "analysis", ""),
    ("plain", "analysis", ""), ("distilled", "analysis", ""),
    ("strong", "analysis", ""), ("phone", "analysis", ""),
)  # fmt: skip


def pipeline(lit: int | None = None) -> Figure:
    """The whole course in one picture.

    Args:
        lit: the number of a notebook, whose part stands out; None lights all

    Raises:
        ValueError: no part belongs to a notebook of that number.
    """
    known = sorted({number for part in PARTS.values() for number in part.notebooks})
    if lit is not None and lit not in known:
        raise ValueError(f"No part of the course belongs to notebook {lit}: take one of {known}.")
    on = {name for name, part in PARTS.items() if lit is None or lit in part.notebooks}
    figure, axes = canvas(10.88, 5.25, _course_in_words(on if lit else set()))
    for start, end, says in STEPS:
        _step(axes, PARTS[start], PARTS[end], says, bool({start, end} & on))
    for name, part in PARTS.items():
        box(axes, part.corner, part.size, part.colour, part.title, part.detail, name in on)
        _badge(axes, part, name in on)
    note = "a number is\nthe notebook that\nbuilds the part"
    axes.text(COLUMNS[4] + 0.95, ROWS[2] + 0.5, note, fontsize=11.5, color=DIM, ha="center", va="center")
    return figure


def _step(axes: Axes, start: Part, end: Part, says: str, lit: bool) -> None:
    """The arrow from one box to another, down or to the right, with a word beside it."""
    (x, y), (width, height) = start.corner, start.size
    colour = INK if lit else PALE
    if end.corner[1] == y:
        arrow(axes, (x + width, y + height / 2), (end.corner[0], y + height / 2), colour)
        return
    narrow = min(start, end, key=lambda part: part.size[0])
    middle, top = narrow.corner[0] + narrow.size[0] / 2, end.corner[1] + end.size[1]
    arrow(axes, (middle, y), (middle, top), colour)
    axes.text(middle + 0.1, (y + top) / 2, says, va="center", fontsize=11.5, color=INK if lit else DIM)


def _badge(axes: Axes, part: Part, lit: bool) -> None:
    """The numbers of the part's notebooks on its upper left corner."""
    (x, y), height = part.corner, part.size[1]
    look = {"boxstyle": "round,pad=0.25", "facecolor": part.colour if lit else DIM, "edgecolor": "white"}
    numbers = " · ".join(f"{number:02}" for number in part.notebooks)
    axes.text(x + 0.12, y + height, numbers, fontsize=11, color="white", weight="bold", va="center", bbox=look,
              zorder=4)  # fmt: skip


def _course_in_words(lit: set[str]) -> str:
    steps = [f"{PARTS[start].title} to {PARTS[end].title}" + f" ({says})" * bool(says) for start, end, says in STEPS]
    parts = [
        f"{part.title} (notebook{'s' * (len(part.notebooks) > 1)} {' and '.join(map(str, part.notebooks))})"
        for part in PARTS.values()
    ]
    shown = f". Lit here: {', '.join(PARTS[name].title for name in PARTS if name in lit)}" if lit else ""
    return f"The course as boxes and arrows: {', '.join(parts)}. Arrows go from {'; from '.join(steps)}{shown}"
