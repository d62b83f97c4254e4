"""Ways through a widget's parts."""

import json

from agnews_utils.study.runs import MODEL3, MODEL4, SIMPLER_KL
from agnews_utils.widgets.browse_errors import SETS

MISTAKES = list(SETS)[3]

PLAIN, DIST = "model3_simpler_cnn_plain", "model4_simpler_cnn_distilled"

REPEATED = (MODEL3, MODEL4, SIMPLER_KL)  # runs with several seeds in every profile


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
