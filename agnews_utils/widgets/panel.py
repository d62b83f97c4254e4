"""What the course's widgets share: a panel with a picture, its facts in words, and a still for where no kernel runs.

The widgets themselves are in :mod:`agnews_utils.widgets.dist_explorer`, :mod:`agnews_utils.widgets.distil_yourself`, :mod:`agnews_utils.widgets.ask_models` and
:mod:`agnews_utils.widgets.browse_errors`.
"""

from __future__ import annotations

import base64
import io
import re
import textwrap
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape

import ipywidgets
import matplotlib
import numpy as np
import seaborn as sns
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

DPI = 100
NUMBER = re.compile(r"[+−-]?[\d.,%e+−-]+")
WHOLE_DESCRIPTION = {"description_width": "initial"}  # ipywidgets would cut a long description off
_LOOK = {"figure.constrained_layout.use": False, "figure.dpi": DPI, "savefig.dpi": DPI, "font.size": 10}


class Panel(ipywidgets.VBox):
    """A widget that says in words what it draws, and leaves a still picture where no kernel runs.

    Attributes:
        picture: what is drawn now
        facts: the same in words and tables, read out when it changes
        trouble: one sentence when something cannot be done, else empty

    A subclass names its stable CSS class (for style sheets and browser tests) and what the reader of a still misses.
    """

    css_class = "agnews-panel"
    invitation = "A still picture: run this notebook to move the controls."

    def __init__(self):
        super().__init__()
        self.add_class("agnews-panel")
        self.add_class(self.css_class)
        self.picture, self.facts, self.trouble = Picture(), ipywidgets.HTML(), ipywidgets.HTML()
        self.drawing = threading.RLock()  # a still may be asked for while a thread draws

    def tell(self, html: str) -> None:
        """Shows ``html`` as the facts of the present state, and takes back an earlier complaint."""
        self.facts.value = f'<div role="status" aria-live="polite">{html}</div>'
        self.trouble.value = ""

    def complain(self, sentence: str, lead: str = "Not possible:") -> None:
        """Shows one sentence about what cannot be done; the last good picture stays."""
        self.trouble.value = f'<p role="alert"><strong>{escape(lead)}</strong> {escape(sentence, quote=False)}</p>'

    @contextmanager
    def complaining(self) -> Iterator[None]:
        """Turns any error inside into one sentence: a reader who typed something odd should not see a traceback."""
        try:
            yield
        except (ValueError, OSError, KeyError) as reason:  # the course's own errors, which are sentences
            self.complain(str(reason.args[0] if isinstance(reason, KeyError) and reason.args else reason))
        except Exception as reason:
            first_line = str(reason).partition("\n")[0]
            self.complain(f"{type(reason).__name__}: {first_line or 'no more is known'}")

    def still(self) -> bytes:
        """PNG of the present state, with the sentence that it is a still."""
        with self.drawing:
            return captioned(self.picture.png, self.invitation)

    def alternative(self) -> str:
        """The still in words."""
        return f"{self.picture.alt} {self.invitation}"

    def __repr__(self) -> str:
        return self.alternative()  # ipywidgets' own would list every control's content

    def _repr_mimebundle_(self, **kwargs) -> tuple[dict, dict]:
        """The usual view for a live notebook, and a PNG with a text for GitHub, nbviewer and printed pages."""
        data = super()._repr_mimebundle_(**kwargs) or {}
        data |= {"text/plain": self.alternative(), "image/png": base64.b64encode(self.still()).decode("ascii")}
        return data, {"image/png": {"alt": self.alternative()}}


class Picture(ipywidgets.HTML):
    """A PNG with its alternative text. (``ipywidgets.Image`` has no place for one.)"""

    def __init__(self):
        super().__init__()
        self.png, self.alt = b"", ""

    def show(self, png: bytes, alt: str) -> None:
        """Replaces picture and text; width and height are written down so that the page does not jump meanwhile."""
        self.png, self.alt = png, alt
        width, height = size_of(png)
        data = base64.b64encode(png).decode("ascii")
        self.value = (
            f'<img src="data:image/png;base64,{data}" alt="{escape(alt)}" width="{width}" height="{height}" '
            'decoding="sync" style="max-width: 100%; height: auto">'
        )


def new_figure(width: float, height: float) -> Figure:
    """A figure (inches) that belongs to no notebook cell and is drawn into memory only."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="none")
    FigureCanvasAgg(figure)
    return figure


@contextmanager
def look() -> Iterator[None]:
    """The course's look for axes made inside, whether or not the notebook has called ``plotting.use_style``."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(sns.axes_style("whitegrid") | _LOOK)
        yield


def keep_look(axes) -> None:
    """Ticks that are made later, when limits change, look like those made inside :func:`look`."""
    rc = matplotlib.rcParams
    axes.tick_params(
        labelsize=rc["font.size"], labelcolor=rc["text.color"], grid_color=rc["grid.color"],
        grid_linewidth=rc["grid.linewidth"], grid_linestyle=rc["grid.linestyle"],
    )  # fmt: skip


def png_of(figure: Figure, draw: bool = True) -> bytes:
    """The figure as PNG; ``draw=False`` takes what its canvas already holds."""
    if draw:
        figure.canvas.draw()
    pixels = figure.canvas.buffer_rgba()
    picture = Image.frombuffer("RGBA", pixels.shape[1::-1], pixels, "raw", "RGBA", 0, 1).convert("RGB")
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)  # a slider asks for many; packing tighter takes longer than drawing
    return file.getvalue()


def size_of(png: bytes) -> tuple[int, int]:
    """Width and height in pixels."""
    return Image.open(io.BytesIO(png)).size


def captioned(png: bytes, sentence: str) -> bytes:
    """The picture with a sentence beneath it."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    lines = textwrap.wrap(sentence, max(pixels.shape[1] // 7, 20))
    strip = 14 + 16 * len(lines)
    figure = new_figure(pixels.shape[1] / DPI, (pixels.shape[0] + strip) / DPI)
    figure.figimage(pixels, 0, strip, origin="upper")
    figure.text(
        0.5, strip / 2 / (pixels.shape[0] + strip), "\n".join(lines), ha="center", va="center", fontsize=9, style="italic"
    )  # fmt: skip
    return png_of(figure)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> str:
    """An HTML table that a screen reader can walk: a caption, and every first cell the head of its row."""
    head_cells = "".join(f'<th scope="col" style="padding: 2px 8px">{escape(cell)}</th>' for cell in head)
    body = ""
    for first, *others in rows:
        cells = "".join(
            f'<td style="padding: 2px 8px; text-align: {"right" if NUMBER.fullmatch(cell) else "left"}">{escape(cell)}</td>'
            for cell in others
        )
        body += f'<tr><th scope="row" style="padding: 2px 8px; text-align: left">{escape(first)}</th>{cells}</tr>'
    return (
        f'<table style="line-height: 1.3"><caption style="text-align: left; color: inherit">{escape(caption)}</caption>'
        f"<thead><tr>{head_cells}</tr></thead><tbody>{body}</tbody></table>"
    )


def side_by_side(*widgets: ipywidgets.Widget) -> ipywidgets.HBox:
    """Controls in a row that wraps on a narrow screen."""
    return ipywidgets.HBox(list(widgets), layout=ipywidgets.Layout(flex_flow="row wrap"))


def slider_for(field: ipywidgets.FloatText, description: str, low: float, high: float) -> ipywidgets.FloatSlider:
    """A slider that moves ``field`` and follows it as far as it reaches.

    A number can so be typed as well, out of the slider's range too, and a screen reader meets it in a field that has a name:
    the handles of ipywidgets' sliders have none.
    """
    made = ipywidgets.FloatSlider(
        value=field.value, min=low, max=high, step=field.step, description=description, tooltip=field.tooltip, readout=False,
        style=WHOLE_DESCRIPTION, layout=ipywidgets.Layout(width="275px"),
    )  # fmt: skip

    def follow(change) -> None:
        # not where both agree but for rounding: an answer to the browser would undo a key pressed meanwhile
        if low <= change.new <= high and round(made.value, 10) != change.new:
            made.value = change.new

    made.observe(lambda change: setattr(field, "value", round(change.new, 10)), "value")
    field.observe(follow, "value")
    return made


def number(description: str, value: float, tooltip: str, whole: bool = False, step: float = 1, width: str = "200px"):
    """A field for a number, of any size: what is out of range gets a sentence, not a silent correction."""
    kind = ipywidgets.IntText if whole else ipywidgets.FloatText
    return kind(
        value=value, step=step, description=description, tooltip=tooltip, style=WHOLE_DESCRIPTION,
        layout=ipywidgets.Layout(width=width),
    )  # fmt: skip


def choice(description: str, options: Sequence, tooltip: str, width: str = "380px", value=None) -> ipywidgets.Dropdown:
    """A drop-down list; ``options`` are names or (name, value) pairs, the first is chosen unless ``value`` is given."""
    chosen = {} if value is None else {"value": value}
    return ipywidgets.Dropdown(
        options=options, description=description, tooltip=tooltip, style=WHOLE_DESCRIPTION,
        layout=ipywidgets.Layout(width=width), **chosen,
    )  # fmt: skip


def button(description: str, tooltip: str, press, style: str = "") -> ipywidgets.Button:
    """A button that calls ``press()``."""
    made = ipywidgets.Button(
        description=description, tooltip=tooltip, button_style=style, layout=ipywidgets.Layout(width="auto")
    )
    made.on_click(lambda _: press())
    return made


def class_bars(axes, groups: Sequence[tuple[str, np.ndarray, str, str]], class_names: Sequence[str]) -> list:
    """Probabilities of each class as bars beside each other, each with its number: returns the bar containers.

    Args:
        groups: (name, probabilities (K,), colour, hatch) of each
    """
    width, made = 0.8 / len(groups), []
    for place, (name, probabilities, colour, hatch) in enumerate(groups):
        centres = np.arange(len(class_names)) + (place - (len(groups) - 1) / 2) * width
        bars = axes.bar(centres, probabilities, width * 0.92, color=colour, hatch=hatch, edgecolor="white", label=name)
        made.append(bars)
    axes.set(xticks=range(len(class_names)), xticklabels=class_names, ylim=(0, 1.14), ylabel="probability")
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    axes.grid(axis="x", visible=False)
    return made
