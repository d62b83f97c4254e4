"""The course's look, and how a figure is saved: with what made it, in a picture and in words."""

from __future__ import annotations

import matplotlib.pyplot as plt
import seaborn as sns
from IPython import get_ipython
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..study.study import Study

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#7F7F7F"  # Okabe and Ito's palette
CLASS_COLOURS = (BLUE, ORANGE, GREEN, "#CC79A7")


def use_style() -> None:
    """The course's look, for all figures made afterwards."""
    sns.set_theme(context="notebook", style="whitegrid", palette=list(CLASS_COLOURS))
    plt.rcParams.update(
        {"figure.dpi": 100, "savefig.dpi": 130, "axes.titlesize": "medium", "figure.constrained_layout.use": True}
    )


def save(figure: Figure, study: Study, name: str, source: str | None = None, encoder: bool = True) -> Figure:
    """Writes ``name``.png into the study's figures, with a line saying what made it, and returns the figure.

    Everything made from the embedded sample carries a warning across it that it is not AG News. A figure of numbers that are
    not this study's (the report's own) says with ``source`` where they are from, and carries no warning. ``encoder=False``
    leaves out the encoder's name where it had no part.
    """
    figure.supxlabel(source or (study.title if encoder else study.data_title), fontsize="x-small", color=GREY)
    if study.source.is_sample and source is None:
        figure.text(
            0.5,
            0.5,
            "embedded sample,\nnot AG News",
            fontsize=30,
            color=ORANGE,
            alpha=0.22,
            rotation=20,
            ha="center",
            va="center",
        )
    _show_with_alternative_text()
    study.figures.mkdir(parents=True, exist_ok=True)
    figure.savefig(study.figures / f"{name}.png", metadata={"Software": None})
    return figure


def in_words(figure: Figure) -> str:
    """A sentence for those who cannot see the figure: its titles, axes and what the legends name."""
    parts = [figure.get_suptitle()] if figure.get_suptitle() else []
    for axes in figure.axes:
        legend = [label for label in axes.get_legend_handles_labels()[1] if label]
        sentence = axes.get_title()
        x, y = _label(axes, "x"), _label(axes, "y") or figure.get_supylabel()
        if x or y:
            sentence += f" ({y or 'one row each'} against {x or 'one column each'})"
        if legend:
            sentence += f": {', '.join(legend)}"
        if sentence.strip():
            parts.append(" ".join(sentence.split()))
    return "Figure. " + ". ".join(parts) + "."


def _label(axes: Axes, which: str) -> str:
    """The label of the "x" or "y" axis, which may stand at another panel that shares the axis."""
    panels = getattr(axes, f"get_shared_{which}_axes")().get_siblings(axes)
    return next(filter(None, (getattr(panel, f"get_{which}label")() for panel in (axes, *panels))), "")


def _show_with_alternative_text() -> None:
    """Lets the notebook store :func:`in_words` beside every figure that it shows from now on; elsewhere does nothing."""
    shell = get_ipython()
    if shell is None or not hasattr(shell, "display_formatter"):
        return
    formatter = shell.display_formatter.formatters["image/png"]
    try:
        draw = formatter.lookup_by_type(Figure)
    except KeyError:  # the notebook shows no figures inline
        return
    if not getattr(draw, "with_words", False):

        def draw_with_words(figure: Figure):
            png = draw(figure)
            return png and (png, {"alt": in_words(figure)})

        draw_with_words.with_words = True
        formatter.for_type(Figure, draw_with_words)
