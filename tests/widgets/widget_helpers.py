"""Small things that several tests of widgets use."""

import io
import json

from PIL import Image


def parts_of(widget):
    """The widget and all in it."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from parts_of(child)


def shown(panel):
    """Everything that a browser gets to see of a panel, as one text."""
    data, metadata = panel._repr_mimebundle_()
    states = [widget.get_state() for widget in parts_of(panel)]
    return json.dumps([states, data, metadata], default=str, ensure_ascii=False)


def set_all(panel, **values):
    for name, value in values.items():
        getattr(panel, name).value = value


def size_of(png):
    """Width and height in pixels."""
    return Image.open(io.BytesIO(png)).size
