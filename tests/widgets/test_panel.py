import base64

import ipywidgets
from widget_helpers import parts_of, size_of


def test_every_control_says_what_it_is(panels):
    for css_class, panel in panels.items():
        assert css_class in panel._dom_classes
        controls = [w for w in parts_of(panel) if hasattr(w, "description") and not isinstance(w, ipywidgets.HTML)]
        descriptions = [control.description for control in controls]
        assert len(descriptions) > 3
        assert all(descriptions)
        assert len(set(descriptions)) == len(descriptions)
        assert all(control.tooltip for control in controls)


def test_still_picture_and_its_words_stand_beside_the_live_view(panels):
    for panel in panels.values():
        data, metadata = panel._repr_mimebundle_()
        assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == panel.model_id
        width, height = size_of(base64.b64decode(data["image/png"]))
        live_width, live_height = size_of(panel.png)
        assert width >= 400
        assert height > 100
        assert (width, height) != (live_width, live_height)  # the sentence is beneath it
        assert "A still picture: run this notebook" in data["text/plain"]
        assert metadata["image/png"]["alt"] == data["text/plain"] == repr(panel)


def test_pictures_have_words_and_changes_are_announced(panels):
    for panel in panels.values():
        assert f'alt="{panel.alt[:15]}' in panel.picture.value
        assert len(panel.alt) > 40
        assert 'aria-live="polite"' in panel.status.value
