"""Every widget as a reader meets it: JupyterLab in Chromium, controls moved by keyboard and mouse, the page read again.

What the page must show is computed here by the course's own functions, not by the widget.
"""

import re

import pytest
import torch

pytest.importorskip(
    "playwright.sync_api", reason="Playwright is missing: make test-browser installs it", exc_type=ImportError
)
from playwright.sync_api import expect

from agnews_utils.losses import DISTLoss
from agnews_utils.settings import CLASS_NAMES
from agnews_utils.study.runs import MODEL4, RUNS, TEACHER
from agnews_utils.study.strong import SHIPPED_TITLES
from agnews_utils.widgets.ask_models import AnsweringWithShipped
from agnews_utils.widgets.browse_errors import SETS, rows_of
from agnews_utils.widgets.dist_explorer import EDITED, LABELS, SITUATIONS

EXPLORER, DISTIL, ASK, BROWSE = "agnews-explorer", "agnews-distil", "agnews-ask", "agnews-browse"
NOTEBOOKS = {"04_students_distilled": (EXPLORER, DISTIL), "05_analysis": (ASK, BROWSE)}
FIRST = next(iter(SITUATIONS))
LOGIT = "{}, {}"  # the label of a field: whose, and of which class
SLOW = 60_000  # milliseconds for what trains, or asks every model
expect.set_options(timeout=15_000)


@pytest.fixture(scope="module")
def distilled(open_notebook):
    return open_notebook("04_students_distilled")


@pytest.fixture(scope="module")
def analysis(open_notebook):
    return open_notebook("05_analysis")


def status(panel):
    return panel.locator('[role="status"]').last  # the browser's article is one too, before the facts


def alert(panel):
    return panel.locator('[role="alert"]')


def fill(panel, label, value):
    """Types into the field with this label and leaves it, as a reader would: the widget hears of it then."""
    field = panel.get_by_label(label, exact=True)
    field.fill(str(value))
    field.press("Tab")


def press(panel, name):
    panel.get_by_role("button", name=name, exact=True).click()


def choose(panel, label, option):
    panel.get_by_label(label, exact=True).select_option(label=option)


def handle(panel, description):
    """The handle of the slider with this description; it has no name of its own (see ``slider_with_field``)."""
    return panel.locator(".widget-slider").filter(has_text=description).locator('[role="slider"]')


# the explorer of the DIST loss


@pytest.fixture
def explorer(distilled):
    """The explorer, set back by its own controls."""
    panel = distilled.panel(EXPLORER)
    for label, value in (("tau =", 1), ("beta =", 2), ("gamma =", 2), ("CE =", 1)):
        if panel.get_by_label(label, exact=True).input_value() != str(value):
            fill(panel, label, value)
    panel.get_by_label("Multiply inter and intra by tau²").uncheck()
    choose(panel, "Situation", EDITED)  # so that the next choice changes something
    choose(panel, "Situation", FIRST)
    choose(panel, "Article shown", "article 1")
    expect(status(panel)).to_contain_text(sentence())
    return panel


def sentence(
    situation=FIRST, logits=None, labels=LABELS, article=1, tau=1.0, beta=2.0, gamma=2.0, ce_weight=1.0, scaled=False
):
    """What the explorer says of a setting."""
    student, teacher = (torch.tensor(values, dtype=torch.float) for values in logits or SITUATIONS[situation])
    loss = DISTLoss(beta, gamma, tau, ce_weight, scaled)
    terms = loss.terms(student, teacher, torch.tensor(labels))
    return (
        f"DIST loss at tau {tau:.2f}, {'with' if scaled else 'without'} tau²: cross-entropy {terms['ce']:.4f}, "
        f"inter {terms['inter']:.4f}, intra {terms['intra']:.4f}, total {loss.total(terms):.4f}. "
        f"Article {article}, truly {CLASS_NAMES[labels[article - 1]]}:"
    )


@pytest.mark.parametrize(
    ("slider", "field", "name", "start", "step"),
    [
        ("Temperature tau", "tau =", "tau", 1.0, 0.1),
        ("Weight beta (inter)", "beta =", "beta", 2.0, 0.1),
        ("Weight gamma (intra)", "gamma =", "gamma", 2.0, 0.1),
        ("Weight of cross-entropy", "CE =", "ce_weight", 1.0, 0.1),
    ],
)
def test_arrow_keys_move_each_slider_its_field_and_the_numbers(distilled, explorer, slider, field, name, start, step):
    grip = handle(explorer, slider)
    centres = [
        box["y"] + box["height"] / 2
        for box in (control.bounding_box() for control in (grip, explorer.get_by_label(field, exact=True)))
    ]
    assert centres[0] == pytest.approx(centres[1], abs=8)  # on one line: a wrapped row must not part them
    picture = explorer.locator("img").get_attribute("src")
    for _ in range(3):
        grip.press("ArrowRight")
    value = start + 3 * step
    expect(explorer.get_by_label(field, exact=True)).to_have_value(f"{value:.1f}")
    expect(status(explorer)).to_contain_text(sentence(**{name: value}))
    expect(explorer.locator("img")).not_to_have_attribute("src", picture)
    distilled.shoot(EXPLORER, f"slider {name} three to the right")
    grip.press("ArrowLeft")
    expect(status(explorer)).to_contain_text(sentence(**{name: value - step}))
    expect(alert(explorer)).to_have_count(0)


def test_slider_follows_the_field_and_the_mouse_drags_it(distilled, explorer):
    fill(explorer, "tau =", 6)
    grip = handle(explorer, "Temperature tau")
    expect(grip).to_have_attribute("aria-valuenow", "6.0")
    box = grip.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    mouse = distilled.page.mouse
    mouse.move(x, y)
    mouse.down()
    mouse.move(x - 40, y, steps=8)
    mouse.up()
    tau = float(grip.get_attribute("aria-valuenow"))  # the field follows through the kernel, in steps on a busy machine
    assert 3 < tau < 6
    expect(explorer.get_by_label("tau =", exact=True)).to_have_value(f"{tau:g}")
    expect(status(explorer)).to_contain_text(sentence(tau=tau))


@pytest.mark.parametrize("situation", SITUATIONS)
def test_each_situation_shows_its_numbers(distilled, explorer, situation):
    choose(explorer, "Situation", situation)
    expect(status(explorer)).to_contain_text(sentence(situation))
    choose(explorer, "Article shown", "article 3")
    expect(status(explorer)).to_contain_text(sentence(situation, article=3))
    for who, logits in zip(("Student", "Teacher"), SITUATIONS[situation], strict=True):
        for name, logit in zip(CLASS_NAMES, logits[2], strict=True):
            shown = explorer.get_by_label(LOGIT.format(who, name), exact=True).input_value()
            assert float(shown) == pytest.approx(logit, abs=1e-3)
    cut_off = "fields => fields.filter(f => f.scrollWidth > f.clientWidth).map(f => f.value)"
    assert explorer.locator("input[type=number]").evaluate_all(cut_off) == []
    distilled.shoot(EXPLORER, f"situation {situation}")


def test_edited_logit_true_class_and_tau_squared_count(distilled, explorer):
    student, teacher = ([list(row) for row in logits] for logits in SITUATIONS[FIRST])
    fill(explorer, LOGIT.format("Student", "World"), -1.5)
    student[0][0] = -1.5
    expect(status(explorer)).to_contain_text(sentence(logits=(student, teacher)))
    expect(explorer.get_by_label("Situation", exact=True).locator("option:checked")).to_have_text(EDITED)
    fill(explorer, LOGIT.format("Teacher", "Sci/Tech"), 5)
    teacher[0][3] = 5.0
    choose(explorer, "True class", "Sci/Tech")
    labels = (3, *LABELS[1:])
    expect(status(explorer)).to_contain_text(sentence(logits=(student, teacher), labels=labels))
    fill(explorer, "tau =", 3)
    explorer.get_by_label("Multiply inter and intra by tau²").check()
    expect(status(explorer)).to_contain_text(sentence(logits=(student, teacher), labels=labels, tau=3.0, scaled=True))
    distilled.shoot(EXPLORER, "edited logits and tau squared")


@pytest.mark.parametrize(("field", "value"), [("tau =", -3), ("tau =", 0), ("beta =", -1), ("CE =", -0.5)])
def test_impossible_settings_get_one_sentence_and_the_numbers_stay(distilled, explorer, field, value):
    good = explorer.get_by_label(field, exact=True).input_value()
    fill(explorer, field, value)
    expect(alert(explorer)).to_contain_text("Not possible:")
    assert re.fullmatch(r"Not possible: [^\n]{15,200}", alert(explorer).inner_text().strip())
    expect(status(explorer)).to_contain_text(sentence())
    distilled.shoot(EXPLORER, f"refused {field} {value}")
    fill(explorer, field, good)
    expect(alert(explorer)).to_have_count(0)


# distil a student yourself


@pytest.fixture
def distiller(distilled):
    """The widget with a small setting."""
    panel = distilled.panel(DISTIL)
    expect(panel.get_by_role("button", name="Train", exact=True)).to_be_enabled(timeout=SLOW)
    choose(panel, "Loss", "DIST")
    small = {"Temperature": 1, "Labelled articles": 96, "Unlabelled articles": 0, "Epochs": 2, "Seed": 0}
    for label, value in small.items():
        fill(panel, label, value)
    return panel


def table_rows(panel):
    """Rows of the panel's table."""
    return panel.get_by_role("table").locator("tbody tr")


def test_train_adds_a_row_that_agrees_with_itself(distilled, distiller):
    before = table_rows(distiller).count()
    fill(distiller, "Seed", 3)
    press(distiller, "Train")
    expect(table_rows(distiller)).to_have_count(before + 1, timeout=SLOW)
    cells = table_rows(distiller).last.locator("th, td").all_inner_texts()
    assert cells[0] == str(before + 1)
    assert cells[2:8] == [RUNS[TEACHER].title, "DIST, beta 2, gamma 2, CE 1, tau 1", "96", "0", "2", "3"]
    control, distilled_accuracy = (float(cell.removesuffix("%")) for cell in cells[8:10])
    assert float(cells[10].replace("−", "-")) == pytest.approx(distilled_accuracy - control, abs=0.011)
    expect(status(distiller)).to_contain_text("96 labelled, 0 unlabelled, seed 3. control:")
    expect(distiller.get_by_role("button", name="Train", exact=True)).to_be_enabled()
    expect(distiller.get_by_role("button", name="Stop", exact=True)).to_be_disabled()
    expect(alert(distiller)).to_have_count(0)
    distilled.shoot(DISTIL, "a row for the trial")


def test_choosing_kl_hands_over_the_fields_that_count(distilled, distiller):
    choose(distiller, "Loss", "KL")
    expect(distiller.get_by_label("Temperature", exact=True)).to_have_value("4")
    expect(distiller.get_by_label("alpha (KL share)", exact=True)).to_be_enabled()
    for label in ("beta (inter)", "gamma (intra)", "CE weight", "Inter and intra times tau²"):
        expect(distiller.get_by_label(label, exact=True)).to_be_disabled()
    before = table_rows(distiller).count()
    press(distiller, "Train")
    expect(table_rows(distiller)).to_have_count(before + 1, timeout=SLOW)
    expect(table_rows(distiller).last).to_contain_text("KL, alpha 0.9, tau 4")
    distilled.shoot(DISTIL, "KL")


def test_stop_ends_a_training_and_says_so(distilled, distiller):
    before = table_rows(distiller).count()
    for label, value in (("Labelled articles", 320), ("Epochs", 50), ("Seed", 7)):
        fill(distiller, label, value)
    press(distiller, "Train")
    expect(status(distiller)).to_contain_text("320 labelled, 0 unlabelled, seed 7. control:", timeout=SLOW)
    distilled.shoot(DISTIL, "while it trains")
    press(distiller, "Stop")
    expect(alert(distiller)).to_contain_text("Stopped: ", timeout=SLOW)
    expect(alert(distiller)).to_contain_text("this trial is not in the table")
    expect(table_rows(distiller)).to_have_count(before)
    expect(distiller.get_by_role("button", name="Train", exact=True)).to_be_enabled()
    distilled.shoot(DISTIL, "stopped")


@pytest.mark.parametrize(
    ("label", "value", "words"),
    [
        ("Labelled articles", 10, "10 labelled articles are too few"),
        ("Unlabelled articles", 1_000, "1,000 unlabelled articles are more than are left"),
        ("Epochs", 0, "Epochs are 0: take 1 to"),
        ("Temperature", -1, "-1"),
        ("Seed", -1, "The seed is -1"),
    ],
)
def test_what_cannot_be_trained_gets_one_sentence(distilled, distiller, label, value, words):
    fill(distiller, label, value)
    press(distiller, "Train")
    expect(alert(distiller)).to_contain_text("Not possible: ")
    expect(alert(distiller)).to_contain_text(words)
    distilled.shoot(DISTIL, f"refused {label}")


# ask the models


@pytest.fixture
def asking(analysis):
    return analysis.panel(ASK)


def test_typed_headline_is_answered_by_every_model_as_its_weights_say(analysis, asking, lab_study):
    headline = "Goalkeeper saves late penalty as club reaches cup final"
    fill(asking, "Headline or article", headline)
    press(asking, "Ask the models")
    expect(asking.get_by_text("Goalkeeper", exact=False).last).to_be_visible(timeout=SLOW)
    chosen = asking.get_by_label("Models asked").locator("option:checked").all_inner_texts()
    rows = [row.locator("th, td").all_inner_texts() for row in table_rows(asking).all()]
    assert [row[0] for row in rows] == [title.replace("\xa0", " ") for title in chosen]  # a list is shown unbroken
    assert {RUNS[TEACHER].title, *SHIPPED_TITLES.values()} <= {row[0] for row in rows}
    models = AnsweringWithShipped(lab_study, CLASS_NAMES)
    exact = {RUNS[MODEL4].title: MODEL4} | {title: name for name, title in SHIPPED_TITLES.items()}
    alt = asking.locator("img").first.get_attribute("alt")
    assert headline in alt
    for row in rows:
        shares = [float(cell) for cell in row[1:5]]
        assert sum(shares) == pytest.approx(1, abs=0.003)
        assert shares[CLASS_NAMES.index(row[5])] == max(shares)
        assert float(row[6]) > 0  # milliseconds
        assert f"{row[0]}: {row[5]} " in alt
        if row[0] in exact:
            assert shares == pytest.approx(models.probabilities(exact[row[0]], [headline])[0], abs=0.006)
    said = asking.inner_text()
    assert f"{RUNS[MODEL4].title} says" in said
    assert all(word in said for word in headline.split())
    analysis.shoot(ASK, "a headline of ones own")


def test_chosen_models_only(analysis, asking):
    asked = asking.get_by_label("Models asked")
    everything = asked.locator("option:checked").all_inner_texts()
    two = [RUNS[MODEL4].title, RUNS[TEACHER].title]
    asked.select_option(label=two)
    choose(asking, "Words that mattered to", RUNS[TEACHER].title)
    press(asking, "Ask the models")
    expect(table_rows(asking)).to_have_count(2, timeout=SLOW)
    expect(asking.get_by_text(f"{RUNS[TEACHER].title} says")).to_be_visible()
    analysis.shoot(ASK, "two models")
    asked.select_option(label=everything)


@pytest.mark.parametrize(("text", "words"), [("", "There is no text to read"), ("word " * 201, "201 words")])
def test_no_text_and_too_much_get_one_sentence(analysis, asking, text, words):
    fill(asking, "Headline or article", text)
    press(asking, "Ask the models")
    expect(alert(asking)).to_contain_text("Not possible: ")
    expect(alert(asking)).to_contain_text(words)
    analysis.shoot(ASK, words)


# browse test articles


@pytest.fixture
def browsing(analysis):
    return analysis.panel(BROWSE)


def test_next_and_previous_show_articles_that_were_not_on_the_page(analysis, browsing, lab_study):
    student, teacher = (lab_study.record(name) for name in (MODEL4, TEACHER))
    texts = [lab_study.inputs.splits["test"][int(row)]["text"] for row in rows_of(SETS[0], student, teacher)]
    assert len(texts) > 2
    expect(browsing.locator("blockquote")).to_have_count(0)
    page = analysis.page.locator(".jp-Notebook").text_content()
    assert not any(text in page for text in texts)
    analysis.shoot(BROWSE, "before a press")
    for button, place in (("Next", 0), ("Next", 1), ("Next", 2), ("Previous", 1), ("Previous", 0), ("Previous", -1)):
        press(browsing, f"{button} article")
        number = place % len(texts) + 1
        expect(browsing.get_by_text(f"Article {number} of {len(texts)}, true class")).to_be_visible()
        expect(browsing.locator("blockquote")).to_have_text(texts[place])
        expect(status(browsing)).to_contain_text("The student says")
        analysis.shoot(BROWSE, f"{button} to {number}")


@pytest.mark.parametrize("kind", SETS)
def test_each_set_can_be_browsed(analysis, browsing, lab_study, kind):
    student, teacher = (lab_study.record(name) for name in (MODEL4, TEACHER))
    rows = rows_of(kind, student, teacher)
    choose(browsing, "Set of articles", next(other for other in SETS if other != kind))
    choose(browsing, "Set of articles", kind)
    expect(status(browsing)).to_contain_text(f"read the first of the {len(rows):,} in the set")
    expect(browsing.locator("blockquote")).to_have_count(0)
    press(browsing, "Next article")
    if len(rows):
        expect(browsing.locator("blockquote")).to_have_text(lab_study.inputs.splits["test"][int(rows[0])]["text"])
    else:
        expect(alert(browsing)).to_contain_text("There is no article in the set")
    analysis.shoot(BROWSE, f"set {kind}")


# what all widgets share


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_control_has_a_name_for_those_who_do_not_see_it(open_notebook, request, name):
    notebook = request.getfixturevalue({"04_students_distilled": "distilled", "05_analysis": "analysis"}[name])
    for css_class in NOTEBOOKS[name]:
        lines = [line.strip() for line in notebook.panel(css_class).aria_snapshot().splitlines()]
        controls = [
            line
            for line in lines
            if re.match(r"- '?(button|checkbox|combobox|listbox|slider|spinbutton|textbox)\b", line)
        ]
        assert len(controls) >= 4
        nameless = [line for line in controls if '"' not in line.partition(":")[0]]
        # ipywidgets gives the handle of a slider no name, so each has a field with one that does the same
        assert [line for line in nameless if not line.startswith("- slider")] == []
        if css_class == EXPLORER:
            assert len(nameless) == sum(
                any(label in line for line in controls) for label in ("tau =", "beta =", "gamma =", "CE =")
            )
        else:
            assert not nameless
        pictures = notebook.panel(css_class).locator("img")
        assert all(len(picture.get_attribute("alt") or "") > 40 for picture in pictures.all())


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_nothing_went_wrong_meanwhile(request, name):
    """Last: no cell, no thread behind a widget and nothing in the browser has complained."""
    notebook = request.getfixturevalue({"04_students_distilled": "distilled", "05_analysis": "analysis"}[name])
    assert not notebook.not_run()
    assert notebook.complaints == []
    page = notebook.page.locator(".jp-Notebook").text_content()
    assert "Error displaying widget" not in page
    assert "Exception in thread" not in page
