"""Figures drawn into memory as PNG, in the course's look."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import matplotlib
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

DPI = 100
LOOK = {"figure.constrained_layout.use": False, "figure.dpi": DPI, "savefig.dpi": DPI, "font.size": 10}


def new_figure(width: float, height: float) -> Figure:
    """A figure (inches) that belongs to no notebook cell."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="none")
    FigureCanvasAgg(figure)
    return figure


@contextmanager
def look() -> Iterator[None]:
    """The course's look for axes made inside, whether or not the notebook has called ``plotting.use_style``."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(sns.axes_style("whitegrid") | LOOK)
        yield


def png_of(figure: Figure) -> bytes:
    """The figure as PNG."""
    file = io.BytesIO()
    with look():  # of ticks, which are made when they are drawn; packing tighter would take longer than drawing
        figure.savefig(file, format="png", pil_kwargs={"compress_level": 1}, metadata={"Software": None})
    return file.getvalue()


def size_of(png: bytes) -> tuple[int, int]:
    """Width and height in pixels."""
    return Image.open(io.BytesIO(png)).size


def captioned(png: bytes, sentence: str) -> bytes:
    """The picture with a sentence beneath it."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    height, width = pixels.shape[:2]
    lines = textwrap.wrap(sentence, max(width // 7, 20))
    strip = 14 + 16 * len(lines)
    figure = new_figure(width / DPI, (height + strip) / DPI)
    figure.figimage(pixels, 0, strip, origin="upper")
    style = {"ha": "center", "va": "center", "fontsize": 9, "style": "italic"}
    figure.text(0.5, strip / 2 / (height + strip), "\n".join(lines), **style)
    return png_of(figure)


def class_bars(axes: Axes, groups: Sequence[tuple[str, np.ndarray, str, str]], class_names: Sequence[str]) -> None:
    """Probabilities of each class as bars beside each other, each with its number.

    Args:
        groups: (name, probabilities (K,), colour, hatch) of each
    """
    width = 0.8 / len(groups)
    for place, (name, probabilities, colour, hatch) in enumerate(groups):
        centres = np.arange(len(class_names)) + (place - (len(groups) - 1) / 2) * width
        bars = axes.bar(centres, probabilities, width * 0.92, color=colour, hatch=hatch, edgecolor="white", label=name)
        axes.bar_label(bars, [f"{value:.2f}" for value in probabilities], fontsize=8.5)
    axes.set_xticks(range(len(class_names)), class_names)
    axes.set(ylim=(0, 1.14), yticks=(0, 0.25, 0.5, 0.75, 1), ylabel="probability")
    axes.grid(axis="x", visible=False)
