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
    top = middle + 0.1 * lines - (0 if detail or width > WIDTH else 0.05)  # a title alone stands clear of its badge
    axes.text(x + width / 2, top, title, va="center", fontsize=12, weight="bold", **centred)
    axes.text(x + width / 2, top - 0.12, detail, va="top", fontsize=11.5, linespacing=1.15, **centred)


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str = INK, wide: float = 2) -> None:
    """A straight arrow between two points (inches)."""
    look = {"arrowstyle": "-|>,head_length=0.5,head_width=0.28", "color": colour, "linewidth": wide}
    axes.annotate("", end, start, arrowprops=look | {"shrinkA": 0, "shrinkB": 0, "mutation_scale": 14}, zorder=1)


@dataclass(frozen=True)
class Part:
    """A box of the course's picture: what stands in it, which notebooks build it, its place and colour.

    Attributes:
        column, row: from the left and from the top; a wide part goes over all columns
    """

    title: str
    detail: str
    notebooks: tuple[int, ...]
    column: int
    row: int
    colour: str = BLUE
    wide: bool = False


PARTS = {
    "articles": Part("Articles", "short news texts of four classes: World, Sports, Business, Sci/Tech", (1,), 0, 0, INK,
                     wide=True),
    "baseline": Part("N-gram baseline", "counts of words\nand of word pairs", (1,), 0, 1, GREEN),
    "plain": Part("Students, plain", "CNN-4 and CNN-1", (3,), 1, 1),
    "teacher": Part("Teacher", "VDCNN on a\nfrozen BERT", (2,), 2, 1, ORANGE),
    "better": Part("Better teachers", "fine-tuned; asked\nabout unseen articles", (6, 7), 3, 1, ORANGE),
    "chance": Part("Chance", "which difference\nis more than luck?", (0,), 4, 1, PURPLE),
    "distilled": Part("Students, distilled", "CNN-4 and CNN-1,\nDIST or KL", (4,), 2, 2),
    "strong": Part("5 MB student", "CNN of two widths,\nhashed word pairs", (7,), 3, 2),
    "phone": Part("On a phone", "the student as\nan int8 file", (8,), 4, 2),
    "analysis": Part("Analysis", "Which claims hold? Intervals, paired tests, several seeds", (5, 6, 9), 0, 3, PURPLE,
                     wide=True),
}  # fmt: skip
STEPS = (
    ("articles", "baseline", "labels"), ("articles", "plain", "labels"), ("articles", "teacher", "labels"),
    ("articles", "better", "labels"), ("teacher", "distilled", "labels, logits"),
    ("better", "strong", "labels, logits"), ("strong", "phone", ""), ("baseline", "analysis", ""),
    ("plain", "analysis", ""), ("distilled", "analysis", ""),
    ("strong", "analysis", ""), ("phone", "analysis", ""),
)  # fmt: skip
COLUMNS, WIDTH, WHOLE = (0.15, 2.32, 4.49, 6.66, 8.83), 1.9, 10.58  # inches: left edges, a box, a wide box


@dataclass(frozen=True)
class Grid:
    """Where the parts stand, in inches: lower edges of the four rows, heights of a box and of a wide box."""

    rows: tuple[float, ...]
    height: float
    wide_height: float
    top: float

    def corner(self, part: Part) -> tuple[float, float]:
        """Lower left corner of a part."""
        return COLUMNS[part.column], self.rows[part.row]

    def size(self, part: Part) -> tuple[float, float]:
        """Width and height of a part."""
        return (WHOLE, self.wide_height) if part.wide else (WIDTH, self.height)


WITH_DETAILS, TITLES = Grid((4.4, 2.92, 1.42, 0.12), 0.95, 0.7, 5.25), Grid((2.56, 1.69, 0.87, 0.1), 0.52, 0.36, 3.0)


def pipeline(lit: int | None = None) -> Figure:
    """The whole course in one picture.

    Args:
        lit: the number of a notebook, whose part stands out in a flat picture of titles; None shows all details

    Raises:
        ValueError: no part belongs to a notebook of that number.
    """
    known = sorted({number for part in PARTS.values() for number in part.notebooks})
    if lit is not None and lit not in known:
        raise ValueError(f"No part of the course belongs to notebook {lit}: take one of {known}.")
    on = {name for name, part in PARTS.items() if lit is None or lit in part.notebooks}
    grid = WITH_DETAILS if lit is None else TITLES
    figure, axes = canvas(10.88, grid.top, _course_in_words(on if lit is not None else set()))
    for start, end, says in STEPS:
        _step(axes, grid, PARTS[start], PARTS[end], says if lit is None else "", bool({start, end} & on))
    for name, part in PARTS.items():
        detail = part.detail if lit is None else ""
        box(axes, grid.corner(part), grid.size(part), part.colour, part.title, detail, name in on)
        _badge(axes, grid, part, name in on)
    if lit is None:
        note = "a number is\nthe notebook that\nbuilds the part"
        axes.text((COLUMNS[0] + COLUMNS[1] + WIDTH) / 2, 1.9, note, fontsize=11.5, color=DIM, ha="center", va="center")
    return figure


def _step(axes: Axes, grid: Grid, start: Part, end: Part, says: str, lit: bool) -> None:
    """The arrow from one box to another, down or to the right, with a word beside it."""
    (x, y), (width, height) = grid.corner(start), grid.size(start)
    colour = INK if lit else PALE
    if end.row == start.row:
        arrow(axes, (x + width, y + height / 2), (grid.corner(end)[0], y + height / 2), colour)
        return
    narrow = end if start.wide else start
    middle, top = COLUMNS[narrow.column] + WIDTH / 2, grid.corner(end)[1] + grid.size(end)[1]
    arrow(axes, (middle, y), (middle, top), colour)
    axes.text(middle + 0.1, (y + top) / 2, says, va="center", fontsize=11.5, color=INK if lit else DIM)


def _badge(axes: Axes, grid: Grid, part: Part, lit: bool) -> None:
    """The numbers of the part's notebooks: on its upper left corner, in a wide part inside, clear of the arrows."""
    (x, y), height = grid.corner(part), grid.size(part)[1]
    look = {"boxstyle": "round,pad=0.25", "facecolor": part.colour if lit else DIM, "edgecolor": "white"}
    numbers = " · ".join(f"{number:02}" for number in part.notebooks)
    axes.text(x + 0.12, y + (height / 2 if part.wide else height), numbers, fontsize=11, color="white", weight="bold",
              va="center", bbox=look, zorder=4)  # fmt: skip


def _course_in_words(lit: set[str]) -> str:
    steps = [f"{PARTS[start].title} to {PARTS[end].title}" + f" ({says})" * bool(says) for start, end, says in STEPS]
    parts = [
        f"{part.title} (notebook{'s' * (len(part.notebooks) > 1)} {' and '.join(map(str, part.notebooks))})"
        for part in PARTS.values()
    ]
    shown = f". Lit here: {', '.join(PARTS[name].title for name in PARTS if name in lit)}" if lit else ""
    return f"The course as boxes and arrows: {', '.join(parts)}. Arrows go from {'; from '.join(steps)}{shown}"
