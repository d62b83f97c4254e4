"""The course's look, and how a figure is saved: with what made it, in a picture and in words."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import seaborn as sns
from IPython import get_ipython
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from ..support.files import atomic_write

if TYPE_CHECKING:
    from ..analysis.answers import Answer
    from ..study.study import Study

WHITE_BOX = {"facecolor": "white", "edgecolor": "none", "pad": 1}  # behind words that stand on a grid
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#7F7F7F"  # Okabe and Ito's palette
CLASS_COLOURS = (BLUE, ORANGE, GREEN, "#CC79A7")
CROSS = {"color": "black", "markersize": 8, "markeredgewidth": 2}  # the report's own number
WORSE_TO_BETTER = LinearSegmentedColormap.from_list("worse to better", (ORANGE, "white", BLUE))


def look_of(answer: Answer) -> tuple[str, str]:
    """Colour and mark of a gain: a clear gain blue, a clear loss orange, a grey square where zero is possible."""
    return (BLUE if answer.gain > 0 else ORANGE, "o") if answer.is_clear else (GREY, "s")


def use_style() -> None:
    """The course's look for all figures made afterwards; a notebook stores :func:`in_words` beside each."""
    sns.set_theme(context="notebook", style="whitegrid", palette=list(CLASS_COLOURS))
    plt.rcParams.update(
        {"figure.dpi": 100, "savefig.dpi": 130, "axes.titlesize": "medium", "figure.constrained_layout.use": True}
    )
    _show_with_alternative_text()


def save(figure: Figure, study: Study, name: str, source: str | None = None, encoder: bool = True) -> Figure:
    """Writes ``name``.png into the study's figures, with a line saying what made it, and returns the figure.

    Everything made from the embedded sample carries a warning across it that it is not AG News.

    Args:
        source: where numbers that are not this study's are from (the report's own); such a figure carries no warning
        encoder: name the encoder, which had a part in the numbers
    """
    figure.supxlabel(source or (study.title if encoder else study.data_title), fontsize="x-small", color=GREY)
    if study.inputs.source.is_sample and source is None:
        across = {"fontsize": 30, "color": ORANGE, "alpha": 0.22, "rotation": 20, "ha": "center", "va": "center"}
        figure.text(0.5, 0.5, "embedded sample,\nnot AG News", **across)
    return save_picture(figure, study, name)


def save_picture(figure: Figure, study: Study, name: str) -> Figure:
    """Writes ``name``.png into the study's figures as it is, and returns the figure: for one that shows no result."""
    write = partial(figure.savefig, format="png", metadata={"Software": None})
    atomic_write(study.figures / f"{name}.png", write)
    return figure


def in_words(figure: Figure) -> str:
    """What a figure shows, for those who cannot see it: its titles, axes and what the legends name.

    A figure that has a label (``figure.set_label``) is described by it too: a picture without axes has nothing else.
    """
    sentences = [figure.get_suptitle(), figure.get_label(), *(_panel_in_words(axes) for axes in figure.axes)]
    return "Figure. " + ". ".join(filter(None, sentences)) + "."


def _panel_in_words(axes: Axes) -> str:
    legend = ", ".join(filter(None, axes.get_legend_handles_labels()[1]))
    x, y = _label(axes, "x"), _label(axes, "y") or axes.figure.get_supylabel()
    between = f"({y or 'one row each'} against {x or 'one column each'})" if x or y else ""
    sentence = f"{axes.get_title()} {between}".strip()
    return " ".join((f"{sentence}: {legend}" if legend else sentence).split())


def _label(axes: Axes, which: str) -> str:
    """The label of the "x" or "y" axis, which may stand at another panel that shares the axis."""
    panels = getattr(axes, f"get_shared_{which}_axes")().get_siblings(axes)
    return next(filter(None, (getattr(panel, f"get_{which}label")() for panel in (axes, *panels))), "")


def _show_with_alternative_text() -> None:
    shell = get_ipython()
    if shell is None or not hasattr(shell, "display_formatter"):
        return
    # the inline backend registers its printer of figures when it is first asked for
    shell.run_line_magic("matplotlib", "inline")
    formatter = shell.display_formatter.formatters["image/png"]
    draw = formatter.lookup_by_type(Figure)
    if getattr(draw, "with_words", False):
        return

    def draw_with_words(figure: Figure):
        png = draw(figure)
        return png and (png, {"alt": in_words(figure)})

    draw_with_words.with_words = True  # type: ignore[attr-defined]
    formatter.for_type(Figure, draw_with_words)
