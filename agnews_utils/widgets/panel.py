"""What the course's widgets share: a picture, its content in words, and a still for where no kernel runs."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape

import ipywidgets

from .raster import captioned, size_of


class Panel(ipywidgets.VBox):
    """A widget that says in words what it draws, and leaves a still picture where no kernel runs.

    A subclass names its stable CSS class (for style sheets and browser tests) and what the reader of a still misses.

    Attributes:
        picture: what is drawn now
        details: the same in words and tables, read out when it changes
        error: one sentence when something cannot be done, else empty
    """

    css_class = "agnews-panel"
    static_hint = "A still picture: run this notebook to move the controls."

    def __init__(self):
        super().__init__()
        self.add_class("agnews-panel")
        self.add_class(self.css_class)
        self.picture, self.details, self.error = Picture(), ipywidgets.HTML(), ipywidgets.HTML()
        self.lock = threading.RLock()  # a still may be asked for while a thread draws

    def show_details(self, html: str) -> None:
        """Shows ``html`` beneath the picture, and takes back an earlier error."""
        self.details.value = f'<div role="status" aria-live="polite">{html}</div>'
        self.error.value = ""

    def show_error(self, sentence: str, lead: str = "Not possible:") -> None:
        """Shows one sentence about what cannot be done; the last good picture stays."""
        self.error.value = f'<p role="alert"><strong>{escape(lead)}</strong> {escape(sentence, quote=False)}</p>'

    @contextmanager
    def errors_shown(self) -> Iterator[None]:
        """Turns any error inside into one sentence: a reader who typed something odd should not see a traceback."""
        try:
            yield
        except (ValueError, OSError, KeyError) as reason:  # the course's own errors, which are sentences
            self.show_error(str(reason.args[0] if isinstance(reason, KeyError) and reason.args else reason))
        except Exception as reason:
            first_line = str(reason).partition("\n")[0]
            self.show_error(f"{type(reason).__name__}: {first_line or 'no more is known'}")

    def static_png(self) -> bytes:
        """PNG of the present state, with the sentence that it is a still."""
        with self.lock:
            return captioned(self.picture.png, self.static_hint)

    def alt_text(self) -> str:
        """The still in words."""
        return f"{self.picture.alt} {self.static_hint}"

    def __repr__(self) -> str:
        return self.alt_text()  # ipywidgets' own would list every control's content

    def _repr_mimebundle_(self, **kwargs) -> tuple[dict, dict]:
        """The usual view for a live notebook, and a PNG with a text for GitHub, nbviewer and printed pages."""
        data = super()._repr_mimebundle_(**kwargs) or {}
        data |= {"text/plain": self.alt_text(), "image/png": base64.b64encode(self.static_png()).decode("ascii")}
        return data, {"image/png": {"alt": self.alt_text()}}


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
