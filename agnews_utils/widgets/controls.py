"""Factories of controls that are named and explained, and of tables that a screen reader can walk."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import escape

import ipywidgets

NUMBER = re.compile(r"[+−-]?[\d.,%e+−-]+")
WHOLE_DESCRIPTION = {"description_width": "initial"}  # ipywidgets would cut a long description off


def table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> str:
    """An HTML table with a caption and scoped heads, of which pandas writes neither."""
    head_cells = "".join(f'<th scope="col" style="padding: 2px 8px">{escape(cell)}</th>' for cell in head)
    body = ""
    for first, *others in rows:
        sides = ("right" if NUMBER.fullmatch(cell) else "left" for cell in others)
        cells = "".join(
            f'<td style="padding: 2px 8px; text-align: {side}">{escape(cell)}</td>'
            for cell, side in zip(others, sides, strict=True)
        )
        body += f'<tr><th scope="row" style="padding: 2px 8px; text-align: left">{escape(first)}</th>{cells}</tr>'
    return (
        f'<table style="line-height: 1.3"><caption style="text-align: left; color: inherit">{escape(caption)}</caption>'
        f"<thead><tr>{head_cells}</tr></thead><tbody>{body}</tbody></table>"
    )


def side_by_side(*widgets: ipywidgets.Widget) -> ipywidgets.HBox:
    """Controls in a row that wraps on a narrow screen."""
    return ipywidgets.HBox(list(widgets), layout=ipywidgets.Layout(flex_flow="row wrap"))


def _described(description: str, tooltip: str, width: str) -> dict:
    """What every control is made with."""
    return {
        "description": description, "tooltip": tooltip, "style": WHOLE_DESCRIPTION,
        "layout": ipywidgets.Layout(width=width),
    }  # fmt: skip


def slider_for(field: ipywidgets.FloatText, description: str, low: float, high: float) -> ipywidgets.FloatSlider:
    """A slider that moves ``field`` and follows it as far as it reaches.

    A number can so be typed as well, out of the slider's range too; and a screen reader meets it in a field that has a
    name, which the handles of ipywidgets' sliders have not.
    """
    options = _described(description, field.tooltip, "275px")
    made = ipywidgets.FloatSlider(value=field.value, min=low, max=high, step=field.step, readout=False, **options)

    def follow(change) -> None:
        # differences that are only rounding are skipped: echoing a value back would overwrite what the user is typing
        if low <= change.new <= high and round(made.value, 10) != change.new:
            made.value = change.new

    made.observe(lambda change: setattr(field, "value", round(change.new, 10)), "value")
    field.observe(follow, "value")
    return made


def number(description: str, value: float, tooltip: str, whole: bool = False, step: float = 1, width: str = "200px"):
    """A field for a number of any size: what is out of range gets a sentence, not a silent correction."""
    kind = ipywidgets.IntText if whole else ipywidgets.FloatText
    return kind(value=value, step=step, **_described(description, tooltip, width))


def choice(description: str, options: Sequence, tooltip: str, width: str = "380px", value=None) -> ipywidgets.Dropdown:
    """A drop-down list; ``options`` are names or (name, value) pairs, the first is chosen unless ``value`` is given."""
    chosen = {} if value is None else {"value": value}
    return ipywidgets.Dropdown(options=options, **_described(description, tooltip, width), **chosen)


def checkbox(description: str, tooltip: str) -> ipywidgets.Checkbox:
    """A box that is not ticked."""
    return ipywidgets.Checkbox(value=False, indent=False, **_described(description, tooltip, "auto"))


def button(description: str, tooltip: str, press: Callable[[], object], style: str = "") -> ipywidgets.Button:
    """A button that calls ``press()``."""
    layout = ipywidgets.Layout(width="auto")
    made = ipywidgets.Button(description=description, tooltip=tooltip, button_style=style, layout=layout)
    made.on_click(lambda _: press())
    return made
