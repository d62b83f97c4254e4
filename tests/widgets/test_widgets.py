import base64
import json
from dataclasses import replace

import ipywidgets
import numpy as np
import pytest
import torch
from helpers import settings_in, without_seconds
from scipy.special import softmax

from agnews_utils.losses import DISTLoss
from agnews_utils.settings import CLASS_NAMES
from agnews_utils.study.runs import RUNS, SEEDED, TEACHER
from agnews_utils.study.study import Study
from agnews_utils.widgets.ask_models import HEADLINE, Answering, ask_the_models
from agnews_utils.widgets.browse_errors import SETS, browse_articles
from agnews_utils.widgets.dist_explorer import EDITED, SITUATIONS, dist_explorer
from agnews_utils.widgets.distil_yourself import distil_yourself
from agnews_utils.widgets.panel import size_of

PLAIN, DIST = "model3_simpler_cnn_plain", "model4_simpler_cnn_distilled"


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


@pytest.fixture
def explorer():
    return dist_explorer()


@pytest.fixture(scope="module")
def tryout(smoke_study):
    made = distil_yourself(smoke_study)
    set_all(made, rows=96, epochs=2, teacher=TEACHER)
    return made


@pytest.fixture(scope="module")
def asking(smoke_study):
    return ask_the_models(smoke_study)


@pytest.fixture
def browser(smoke_study, smoke_records):
    return browse_articles(smoke_study, smoke_records)


@pytest.fixture
def panels(explorer, tryout, asking, browser):
    return {"agnews-explorer": explorer, "agnews-tryout": tryout, "agnews-ask": asking, "agnews-browse": browser}


# what all widgets share


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
        live_width, live_height = size_of(panel.picture.png)
        assert width >= 400
        assert height > 100
        assert (width, height) != (live_width, live_height)  # the sentence is beneath it
        assert "A still picture: run this notebook" in data["text/plain"]
        assert metadata["image/png"]["alt"] == data["text/plain"] == repr(panel)


def test_pictures_have_words_and_changes_are_announced(panels):
    for panel in panels.values():
        assert f'alt="{panel.picture.alt[:15]}' in panel.picture.value
        assert len(panel.picture.alt) > 40
        assert 'aria-live="polite"' in panel.facts.value


# the explorer


@pytest.mark.parametrize("scaled", [False, True])
def test_explorer_shows_what_the_loss_gives(explorer, scaled):
    set_all(explorer, tau=2.5, beta=1.5, gamma=3.0, ce_weight=0.5, scale_tau2=scaled)
    student = explorer.student.clone().requires_grad_(True)
    loss = DISTLoss(1.5, 3.0, 2.5, 0.5, scaled)
    parts = loss.parts(student, explorer.teacher, explorer.labels)
    loss.total(parts).backward()
    measured = explorer.measured
    for name, part in parts.items():
        assert measured.parts[name] == pytest.approx(part.item(), abs=1e-6)
        assert f"{part.item():.4f}" in explorer.facts.value
    assert measured.total == pytest.approx(loss.total(parts).item(), abs=1e-6)
    assert f"total {measured.total:.4f}" in explorer.picture.alt
    np.testing.assert_allclose(measured.gradients["total"], student.grad.numpy(), atol=1e-7)
    np.testing.assert_allclose(explorer.drawn.arrows.V, student.grad[0].numpy(), atol=1e-7)
    np.testing.assert_allclose(sum(measured.gradients[name] for name in parts), measured.gradients["total"], atol=1e-6)


def test_tau_squared_multiplies_inter_and_intra_in_the_total_and_in_their_curves(explorer):
    explorer.tau.value = 3.0
    before = explorer.measured
    explorer.scale_tau2.value = True
    after = explorer.measured
    for name in ("inter", "intra"):
        assert after.parts[name] == pytest.approx(9 * before.parts[name], rel=1e-5)
        assert after.plain[name] == pytest.approx(before.parts[name], rel=1e-6)
    assert after.parts["ce"] == before.parts["ce"]
    plain, scaled = explorer._curves[-1]
    line = explorer.drawn.lines[0]
    np.testing.assert_allclose(scaled["inter"], line.get_xdata() ** 2 * plain["inter"], rtol=1e-4)
    np.testing.assert_allclose(line.get_ydata(), plain["inter"])


@pytest.mark.parametrize("name", SITUATIONS)
def test_situation_fills_in_all_logits(explorer, name):
    explorer.situation.value = name
    assert explorer.trouble.value == ""
    student, teacher = SITUATIONS[name]
    np.testing.assert_allclose([field.value for field in explorer.student_logits], student[0], atol=1e-3)
    explorer.article.value = 2
    np.testing.assert_allclose([field.value for field in explorer.teacher_logits], teacher[2], atol=1e-3)
    assert explorer.true_class.value == 1
    assert explorer.situation.value == name  # looking at another article edits nothing


def test_situations_are_what_their_names_say():
    m = {name: dist_explorer(name).measured for name in SITUATIONS}
    labels = dist_explorer().labels.numpy()

    def answers(name):
        return [y.argmax(axis=1) for y in m[name].softened]

    assert m["confident and right"].total < 0.05
    student, teacher = answers("confident and wrong")
    assert (student != labels).all()
    assert (teacher == labels).all()
    assert m["confident and wrong"].parts["inter"] == pytest.approx(4 / 3, abs=0.02)
    inter, ce = (np.abs(m["confident and wrong"].gradients[part]).max() for part in ("inter", "ce"))
    assert inter < ce / 10  # where both are sure, only the label still pushes
    student, teacher = answers("two classes confused")
    assert {*student[student != teacher], *teacher[student != teacher]} == {2, 3}
    assert m["student flat"].softened[0].max() < 0.27
    flat, usual = (
        np.abs(m[name].gradients["inter"]).max() for name in ("student flat", "the notebook's four articles")
    )
    assert flat > 10 * usual  # a correlation divides by the spread of what it compares
    even, uneven = m["student = teacher, less sure"], m["student = teacher, unevenly less sure"]
    assert even.parts["inter"] == pytest.approx(0, abs=1e-5)
    assert even.parts["intra"] == pytest.approx(0, abs=1e-5)
    assert uneven.parts["inter"] == pytest.approx(0, abs=1e-5)
    assert uneven.parts["intra"] > 0.03
    assert (answers("teacher confident and wrong")[1] != labels).all()


def test_logits_and_label_can_be_edited(explorer):
    explorer.article.value = 1
    explorer.student_logits[3].value = -4.5
    explorer.true_class.value = 3
    assert explorer.student[1, 3] == -4.5
    assert explorer.labels.tolist() == [2, 3, 1, 3]
    assert explorer.situation.value == EDITED
    expected = DISTLoss(scale_tau2=False)(explorer.student, explorer.teacher, explorer.labels)
    assert explorer.measured.total == pytest.approx(float(expected), abs=1e-6)
    explorer.situation.value = "confident and right"
    assert explorer.labels.tolist() == [2, 0, 1, 3]


@pytest.mark.parametrize(
    ("control", "value", "sentence"),
    [
        ("tau", 0.0, "tau is 0.0; a temperature should be above 0."),
        ("tau", -3.0, "tau is -3.0; a temperature should be above 0."),
        ("beta", -1.0, "beta is -1.0; the weight of a part of the loss should be 0 or more."),
    ],
)
def test_explorer_refuses_what_is_no_setting_with_one_sentence(explorer, control, value, sentence):
    picture = explorer.picture.value
    getattr(explorer, control).value = value
    assert sentence in explorer.trouble.value
    assert explorer.picture.value == picture
    getattr(explorer, control).value = 1.0
    assert explorer.trouble.value == ""


def test_sliders_and_their_fields_move_together(explorer):
    for place, field in enumerate((explorer.tau, explorer.beta, explorer.gamma, explorer.ce_weight)):
        explorer.sliders[place].value = 1.5
        assert field.value == 1.5
        field.value = 0.7
        assert explorer.sliders[place].value == 0.7
        field.value = 20.0  # further than the slider goes
        assert explorer.sliders[place].value == 0.7
    assert explorer.measured.loss.tau == 20.0
    assert explorer.measured.loss.weights == {"ce": 20.0, "inter": 20.0, "intra": 20.0}


def test_explorer_refuses_logits_that_are_no_numbers(explorer):
    explorer.student_logits[0].value = float("nan")
    assert "student logits hold NaN or infinite values" in explorer.trouble.value
    explorer.student_logits[0].value = 1.0
    assert explorer.trouble.value == ""


def test_explorer_says_why_a_gradient_is_huge(explorer):
    for field in explorer.student_logits:
        field.value = 0.0
    assert "a correlation divides by its spread" in explorer.facts.value


def test_unknown_situation_is_refused():
    with pytest.raises(ValueError, match="There is no situation"):
        dist_explorer("sleepy")


# the try-out


def test_try_is_seeded_listed_and_leaves_nothing_on_disk(tryout, smoke_study):
    set_all(tryout, loss="DIST", seed=0)
    before = {path: path.stat().st_mtime_ns for path in smoke_study.settings.work.rglob("*")}
    first, second = tryout.train(), tryout.train()
    assert {path: path.stat().st_mtime_ns for path in smoke_study.settings.work.rglob("*")} == before
    assert tryout.trouble.value == ""
    assert [row["epoch"] for row in first.distilled] == [1, 2]
    assert without_seconds(first.distilled) == without_seconds(second.distilled)
    assert {"train_inter", "train_intra", "validation_accuracy"} <= set(first.distilled[0])
    assert not any(name.startswith("test") for name in first.distilled[0])  # the test set must choose nothing
    assert tryout.tries[-2:] == [first, second]
    assert f"{100 * first.gain:+.2f}".replace("-", "−") in tryout.facts.value
    assert "the test set must choose nothing" in tryout.facts.value
    other = (set_all(tryout, seed=1), tryout.train())[1]
    assert without_seconds(other.plain) != without_seconds(first.plain)
    assert tryout.progress.value == tryout.progress.max


def test_without_the_teachers_parts_the_distilled_student_is_the_plain_one(tryout):
    set_all(tryout, seed=0, loss="DIST", beta=0.0, gamma=0.0, ce_weight=1.0)
    made = tryout.train()
    for plain, distilled in zip(made.plain, made.distilled, strict=True):
        assert plain["validation_accuracy"] == distilled["validation_accuracy"]
        assert plain["validation_loss"] == distilled["validation_loss"]
    set_all(tryout, loss="KL", alpha=0.0)
    made = tryout.train()
    assert [r["validation_loss"] for r in made.plain] == [r["validation_loss"] for r in made.distilled]
    set_all(tryout, loss="DIST", beta=2.0, gamma=2.0, alpha=0.9)


def test_padding_can_be_left_out(tryout):
    read = tryout.train()
    tryout.student.value = "simpler_cnn_plain_masked"
    left_out = tryout.train()
    tryout.student.value = PLAIN
    assert read.plain[-1]["validation_loss"] != left_out.plain[-1]["validation_loss"]


def test_training_in_the_background_can_be_stopped(tryout, monkeypatch):
    count, said, complain = len(tryout.tries), [], tryout.complain
    monkeypatch.setattr(tryout, "complain", lambda *words: (said.append(words[0]), complain(*words)))
    set_all(tryout, epochs=50, seed=7)
    tryout.train_button.click()
    assert tryout.running
    tryout.train_button.click()
    assert "A training runs already" in said[-1]
    tryout.stop_button.click()
    tryout.wait(30)
    assert not tryout.running
    assert len(tryout.tries) == count
    assert "<strong>Stopped:</strong> 0 of 50 epochs" in tryout.trouble.value
    assert tryout.stop_button.disabled
    assert not tryout.train_button.disabled
    set_all(tryout, epochs=2, seed=0)
    tryout.train_button.click()
    tryout.wait(30)
    assert len(tryout.tries) == count + 1
    assert tryout.trouble.value == ""


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"tau": 0.0}, "tau is 0.0; a temperature should be above 0."),
        ({"beta": -1.0}, "beta is -1.0"),
        ({"rows": 3}, "3 labelled rows are too few: take 64 to 320."),
        ({"rows": 10_000}, "10,000 labelled rows are more than there are"),
        ({"epochs": 0}, "Epochs are 0: take 1 to 50."),
        ({"seed": -1}, "The seed is -1"),
    ],
)
def test_tryout_refuses_what_cannot_be_trained_with_one_sentence(tryout, values, sentence):
    usual = {name: getattr(tryout, name).value for name in values}
    set_all(tryout, **values)
    count = len(tryout.tries)
    assert tryout.train() is None
    assert sentence in tryout.trouble.value
    assert len(tryout.tries) == count
    set_all(tryout, **usual)


def test_tryout_without_a_teacher_says_what_to_do(tmp_path):
    tryout = distil_yourself(Study(settings_in(tmp_path)))
    assert "run notebook 02 first" in tryout.trouble.value
    assert tryout.train_button.disabled
    assert tryout.train() is None
    assert "run notebook 02 first" in tryout.trouble.value


# asking the models


def test_every_model_with_weights_answers(asking):
    names = {run.name for run in RUNS.values() if run.inputs != "text" and asking.models.study.has_weights(run.name)}
    assert set(asking.models.names()) == names
    assert {a.name for a in asking.answers} == {name for name in names if RUNS[name].part != "ablation"}
    for answer in asking.answers:
        assert answer.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert answer.milliseconds > 0
        assert f"{answer.probabilities[0]:.3f}" in asking.facts.value
    assert {RUNS[a.name].inputs for a in asking.answers} == {"tokens", "features", "characters"}


def test_a_model_of_another_seed_answers_where_the_first_has_no_weights(smoke_study, monkeypatch):
    has_weights = Study.has_weights
    monkeypatch.setattr(Study, "has_weights", lambda study, name, seed=0: seed > 0 and has_weights(study, name, seed))
    models = Answering(smoke_study)
    assert set(models.names()) == set(SEEDED)  # all others have one seed in smoke
    answer = models.ask(DIST, "robots win")
    assert answer.title == f"{RUNS[DIST].title} (seed 1)"
    other = smoke_study.model(DIST, 1)
    assert all(torch.equal(a, b) for a, b in zip(models.model(DIST).parameters(), other.parameters(), strict=True))


def test_answers_are_those_of_the_records(asking, smoke_study, smoke_records):
    texts = smoke_study.splits["test"][:12]["text"]
    for name in asking.models.names():
        expected = softmax(smoke_records[name][0].test_logits[:12].astype(float), axis=1)
        # a cached feature was encoded in another batch, in bfloat16 where the processor has it
        tolerance = 0.03 if RUNS[name].inputs == "features" else 0.005
        np.testing.assert_allclose(asking.models.probabilities(name, texts), expected, atol=tolerance, err_msg=name)


def test_words_are_left_out_one_at_a_time(asking):
    text = "robots win a <b>final</b> & shares fall"
    predicted, words = asking.models.words_that_matter(DIST, text)
    assert [word for word, _ in words] == text.split()
    whole, shorter = asking.models.probabilities(DIST, [text, "robots a <b>final</b> & shares fall"])[:, predicted]
    assert words[1][1] == pytest.approx(whole - shorter, abs=1e-5)
    asking.text.value = text
    asking.ask_button.click()
    assert "<b>final" not in asking.word_view.value + asking.facts.value  # shown as typed, not as a tag
    assert CLASS_NAMES[predicted] in asking.word_view.value
    assert len(asking.words) == 7
    for model in asking.models.names():
        assert len(asking.models.words_that_matter(model, "alone")[1]) == 1  # nothing is left without its only word


@pytest.mark.parametrize("text", ["", "  \n\t "])
def test_empty_text_gets_one_sentence(asking, text):
    asking.text.value = text
    asking.ask_button.click()
    assert "There is no text to read" in asking.trouble.value
    asking.text.value = HEADLINE
    asking.ask_button.click()
    assert asking.trouble.value == ""


def test_far_too_long_text_and_no_model_get_one_sentence(asking):
    asking.text.value = "word " * 500
    asking.ask_button.click()
    assert "The text has 500 words" in asking.trouble.value
    asking.text.value = HEADLINE
    chosen, asking.asked.value = asking.asked.value, ()
    asking.ask_button.click()
    assert "No model is chosen" in asking.trouble.value
    asking.asked.value = chosen


def test_asking_without_weights_says_what_to_do(tmp_path):
    asking = ask_the_models(Study(settings_in(tmp_path)))
    assert "No trained model's weights are here" in asking.trouble.value
    assert asking._repr_mimebundle_()[0]["image/png"]


# browsing articles


def test_no_article_shows_before_a_press_nor_in_the_still_after_one(panels, browser, smoke_study):
    beginnings = [text[:25] for text in smoke_study.splits["test"]["text"]]
    for panel in panels.values():
        text = shown(panel)
        assert not any(beginning in text for beginning in beginnings)
    browser.kind.value = "both wrong"
    assert not any(beginning in shown(browser) for beginning in beginnings)
    still = browser.still()
    browser.next_button.click()
    assert any(beginning in browser.article.value for beginning in beginnings)
    assert browser.still() == still
    bundle = json.dumps(browser._repr_mimebundle_())
    assert not any(beginning in bundle for beginning in beginnings)
    browser.kind.value = SETS[0]
    assert browser.article.value == ""


def test_browser_walks_through_the_chosen_set(browser, smoke_study, smoke_records):
    set_all(browser, student=PLAIN, teacher=TEACHER)
    student, teacher = smoke_records[PLAIN][0], smoke_records[TEACHER][0]
    wanted = {
        "wrong by student, right by teacher": ~student.right & teacher.right,
        "both wrong": ~student.right & ~teacher.right,
        "right by student, wrong by teacher": student.right & ~teacher.right,
        "student's most confident mistakes": ~student.right,
    }
    assert set(wanted) == set(SETS)
    confidence = softmax(student.test_logits, axis=1).max(axis=1)
    for kind, mask in wanted.items():
        browser.kind.value = kind
        assert set(browser.rows) <= set(np.flatnonzero(mask))
        assert len(browser.rows) == min(mask.sum(), 50 if kind == SETS[3] else len(mask))
        assert (np.diff(confidence[browser.rows]) <= 0).all()
    browser.next_button.click()
    row = int(browser.rows[0])
    assert confidence[row] == confidence[~student.right].max()
    assert f"true class {CLASS_NAMES[student.labels[row]]}" in browser.article.value
    assert f"{confidence[row]:.3f}" in browser.facts.value
    assert f"{softmax(teacher.test_logits[row].astype(float))[0]:.3f}" in browser.facts.value
    browser.next_button.click()
    assert f"Article 2 of {len(browser.rows)}" in browser.article.value
    browser.previous_button.click()
    browser.previous_button.click()  # before the first comes the last
    assert f"Article {len(browser.rows)} of {len(browser.rows)}" in browser.article.value


def test_browser_says_when_there_is_nothing_to_show(browser, smoke_study, smoke_records):
    for records in ({}, {PLAIN: smoke_records[PLAIN]}):
        empty = browse_articles(smoke_study, records)
        empty.next_button.click()
        assert "There is no record of a student and a teacher" in empty.trouble.value
        assert empty._repr_mimebundle_()[0]["image/png"]
    teacher = smoke_records[TEACHER][0]
    perfect = replace(teacher, test_logits=10.0 * np.eye(4)[teacher.labels])
    never_wrong = browse_articles(smoke_study, {PLAIN: smoke_records[PLAIN], TEACHER: [perfect]})
    never_wrong.kind.value = "both wrong"
    never_wrong.next_button.click()
    assert "There is no article in the set" in never_wrong.trouble.value


def test_browser_refuses_records_of_other_articles(smoke_study, smoke_records):
    other = [replace(smoke_records[PLAIN][0], labels=np.roll(smoke_records[PLAIN][0].labels, 1))]
    browser = browse_articles(smoke_study, {PLAIN: other, TEACHER: smoke_records[TEACHER]})
    browser.next_button.click()
    assert "These records are of other test articles" in browser.trouble.value
    assert browser.article.value == ""


def test_drawing_needs_no_style_and_changes_none(explorer):
    import matplotlib

    before = dict(matplotlib.rcParams)
    explorer.situation.value = "student flat"
    dist_explorer()
    assert dict(matplotlib.rcParams) == before


def test_explorer_leaves_no_gradients_behind(explorer):
    assert not explorer.student.requires_grad
    assert torch.is_grad_enabled()
