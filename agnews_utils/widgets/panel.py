"""What the course's widgets share: a panel that says in words what it shows, its controls, and figures as PNG."""

from __future__ import annotations

import base64
import io
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape

import ipywidgets
import matplotlib.style
import numpy as np
import pandas as pd
import seaborn as sns
import traitlets
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont, ImageOps

from ..plotting.style import BLUE, CLASS_COLOURS, ORANGE
from ..settings import CLASS_NAMES

LOOK = sns.axes_style("whitegrid") | {"figure.dpi": 100, "axes.titlesize": "medium", "grid.linewidth": 0.8}
TEXT = 10  # points
HATCHES = ("", "///", "...", "xxx")
STYLE = """<style>.agnews-panel [role=status], .agnews-panel [role=status] table { font-size: 15px }
.agnews-panel td, .agnews-panel th { padding: 2px 8px; line-height: 1.3; text-align: right }
.agnews-panel tbody th, .agnews-panel caption { text-align: left; color: inherit }</style>"""


class Panel(ipywidgets.VBox):
    """A widget that says in words what it draws, and leaves a still picture where no kernel runs.

    A subclass names its stable CSS class (for style sheets and browser tests) and what the reader of a still misses.

    Attributes:
        picture: what is drawn now
        status: the same in words and tables, read out when it changes
        error: one sentence when something cannot be done, else empty
        png, alt: the picture that stays as the still, and its text
    """

    css_class: str
    static_hint: str

    def __init__(self):
        super().__init__()
        self.add_class("agnews-panel")
        self.add_class(self.css_class)
        self.picture, self.status, self.error = (ipywidgets.HTML() for _ in range(3))
        self.png, self.alt = b"", ""

    def show_picture(self, png: bytes, alt: str, keep: bool = True) -> None:
        """Shows a picture; with ``keep`` it is the still, too. (``ipywidgets.Image`` has no alternative text.)"""
        if keep:
            self.png, self.alt = png, alt
        width, height = Image.open(io.BytesIO(png)).size  # written down so that the page does not jump meanwhile
        self.picture.value = (
            f'<img src="data:image/png;base64,{base64.b64encode(png).decode()}" alt="{escape(alt)}" width="{width}" '
            f'height="{height}" decoding="sync" style="max-width: 100%; height: auto">'
        )

    def set_status(self, sentence: str, html: str = "") -> None:
        """Shows what the present state is, and takes back an earlier error."""
        self.status.value = f'{STYLE}<div role="status" aria-live="polite"><p>{escape(sentence)}</p>{html}</div>'
        self.error.value = ""

    def show_error(self, sentence: str, lead: str = "Not possible:") -> None:
        """Shows one sentence about what cannot be done; the last good picture stays."""
        self.error.value = f'<p role="alert"><strong>{escape(lead)}</strong> {escape(sentence, quote=False)}</p>'

    @contextmanager
    def showing_errors(self) -> Iterator[None]:
        """Turns any error inside into one sentence: a reader who typed something odd should not see a traceback."""
        try:
            yield
        except (ValueError, OSError) as reason:  # the course's own errors, which are sentences
            self.show_error(str(reason))
        except Exception as reason:  # whatever went wrong must be shown to the person who pressed a button
            first_line = str(reason.args[0] if reason.args else "no more is known").partition("\n")[0]
            self.show_error(first_line if isinstance(reason, KeyError) else f"{type(reason).__name__}: {first_line}")

    def static_png(self) -> bytes:
        """The still, with the sentence that it is one."""
        return captioned(self.png, self.static_hint)

    def __repr__(self) -> str:
        """The still in words; ipywidgets' own would list every control's content."""
        return f"{self.alt} {self.static_hint}"

    def _repr_mimebundle_(self, **kwargs) -> tuple[dict, dict]:
        """The usual view for a live notebook, and a PNG with a text for GitHub, nbviewer and printed pages."""
        data = super()._repr_mimebundle_(**kwargs) or {}
        data |= {"text/plain": repr(self), "image/png": base64.b64encode(self.static_png()).decode()}
        return data, {"image/png": {"alt": repr(self)}}


def html_table(rows: Mapping[str, Sequence] | Sequence[Mapping], caption: str, digits: int = 3) -> str:
    """Rows, or columns by name, as a table for screen readers, too: with a caption, and first cells that head rows."""
    frame = pd.DataFrame(rows)
    frame = frame.set_index(frame.columns[0]).rename_axis(index=None, columns=frame.columns[0])
    with pd.option_context("display.max_colwidth", None):  # pandas would cut long titles off
        html = frame.to_html(border=0, float_format=f"{{:.{digits}f}}".format)
    head, body = html.replace("<thead>", f"<caption>{escape(caption)}</caption><thead>").split("<tbody>")
    return head.replace("<th>", '<th scope="col">') + "<tbody>" + body.replace("<th>", '<th scope="row">')


def control(kind: type[ipywidgets.DOMWidget], description: str, tooltip: str, width: str = "auto", **options):
    """A control of this ipywidgets class."""
    whole = {"description_width": "initial"}  # ipywidgets would cut a long description off
    return kind(description=description, tooltip=tooltip, style=whole, layout={"width": width}, **options)


def dropdown(description: str, tooltip: str, options: Iterable, width: str = "380px") -> ipywidgets.Dropdown:
    """A drop-down list of names or (name, value) pairs, the first of them chosen."""
    return control(ipywidgets.Dropdown, description, tooltip, width, options=list(options))


def number(description: str, tooltip: str, value: float, step: float = 1, width: str = "200px"):
    """A field for a number, an integer if ``value`` is one; without limits: a sentence refuses what is out of range."""
    kind = ipywidgets.IntText if isinstance(value, int) else ipywidgets.FloatText
    return control(kind, description, tooltip, width, value=value, step=step)


def button(description: str, tooltip: str, press: Callable[[], object], style: str = "") -> ipywidgets.Button:
    """A button that calls ``press()``."""
    made = ipywidgets.Button(description=description, tooltip=tooltip, button_style=style, layout={"width": "auto"})
    made.on_click(lambda _: press())
    return made


def side_by_side(*widgets: ipywidgets.Widget) -> ipywidgets.HBox:
    """Controls in a row that wraps on a narrow screen."""
    return ipywidgets.HBox(widgets, layout={"flex_flow": "row wrap"})


def slider_with_field(title: str, name: str, tooltip: str, value: float, low: float, high: float) -> ipywidgets.HBox:
    """A slider (``title``) and a field (``name``) that move each other as far as the slider reaches.

    A number can so be typed as well, out of the slider's range too, and a screen reader meets it in a field that has a
    name: the handles of ipywidgets' sliders have none.
    """
    limits = {"min": low, "max": high, "readout": False}
    slider = control(ipywidgets.FloatSlider, title, tooltip, "275px", value=value, **limits)
    field = number(name, tooltip, value, 0.1, "130px")
    within = (lambda moved: round(moved, 10), lambda typed: typed if low <= typed <= high else slider.value)
    traitlets.link((slider, "value"), (field, "value"), transform=within)
    return ipywidgets.HBox([slider, field])  # so that a narrow page does not part them


@contextmanager
def new_figure(
    width: float, height: float, rows: int = 1, columns: int = 1, text: float = TEXT, **margins: float
) -> Iterator[tuple]:
    """A figure (inches) in memory and its axes; what is drawn inside has the course's look, not the notebook's.

    Titles, labels and ticks have ``text`` points.
    """
    with matplotlib.style.context(LOOK | {"font.size": text}, after_reset=True):
        figure = Figure(figsize=(width, height))
        FigureCanvasAgg(figure)
        yield figure, figure.subplots(rows, columns, gridspec_kw=margins)


def keep_look(axes: Axes, text: float = TEXT) -> None:
    """Ticks that limits ask for later, outside :func:`new_figure`, look like those made inside."""
    colours = {"labelcolor": LOOK["text.color"], "grid_color": LOOK["grid.color"]}
    axes.tick_params(labelsize=text, grid_linewidth=LOOK["grid.linewidth"], **colours)


def png_of(drawn: Figure | Image.Image) -> bytes:
    """A figure or picture as PNG. A slider asks for many: packing them tighter would take longer than drawing them."""
    if isinstance(drawn, Figure):
        drawn.canvas.draw()
        drawn = Image.fromarray(np.asarray(drawn.canvas.buffer_rgba())).convert("RGB")
    file = io.BytesIO()
    drawn.save(file, "PNG", compress_level=1)
    return file.getvalue()


def captioned(png: bytes, sentence: str) -> bytes:
    """The picture with a sentence beneath it."""
    picture = Image.open(io.BytesIO(png))
    lines = textwrap.wrap(sentence, picture.width // 8)
    whole = ImageOps.expand(picture, (0, 0, 0, 12 + 20 * len(lines)), "white")
    place, font = (picture.width / 2, picture.height + 4), ImageFont.truetype(findfont("DejaVu Sans"), 14)
    ImageDraw.Draw(whole).multiline_text(place, "\n".join(lines), "black", font, anchor="ma", align="center")
    return png_of(whole)


def look_of_class(k: int) -> dict[str, str]:
    """Colour and hatch of class ``k``, as Matplotlib's bars take them."""
    return {"color": CLASS_COLOURS[k % len(CLASS_COLOURS)], "hatch": HATCHES[k % len(HATCHES)]}


def class_bars(axes: Axes, student: np.ndarray, teacher: np.ndarray) -> list[BarContainer]:
    """Student's and teacher's probabilities of each class (K,) as bars beside each other."""
    places = np.arange(len(student))
    axes.set(xticks=places, yticks=np.linspace(0, 1, 5), ylabel="probability")
    axes.grid(axis="x", visible=False)
    return [
        axes.bar(places - 0.2, student, 0.37, color=BLUE, edgecolor="white", label="student"),
        axes.bar(places + 0.2, teacher, 0.37, color=ORANGE, edgecolor="white", label="teacher", hatch="///"),
    ]


def class_labels(true_class: int, classes: Sequence[str] = CLASS_NAMES) -> list[str]:
    """The classes' names, the true one marked."""
    return [f"{name}\n(true class)" if k == true_class else name for k, name in enumerate(classes)]
