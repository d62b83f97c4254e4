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
from agnews_utils.study.answers import Answering
from agnews_utils.study.runs import MODEL3, MODEL4, RUNS, SIMPLER_KL, TEACHER
from agnews_utils.study.study import Study
from agnews_utils.widgets.ask_models import HEADLINE, AskTheModels
from agnews_utils.widgets.browse_errors import SETS, BrowseErrors
from agnews_utils.widgets.dist_explorer import EDITED, SITUATIONS, DISTExplorer
from agnews_utils.widgets.distil_yourself import DistilYourself
from agnews_utils.widgets.raster import size_of

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


@pytest.fixture
def explorer():
    return DISTExplorer()


@pytest.fixture(scope="module")
def tryout(smoke_study):
    made = DistilYourself(smoke_study)
    set_all(made, rows=96, epochs=2, teacher=TEACHER)
    return made


@pytest.fixture(scope="module")
def asking(smoke_study):
    return AskTheModels(smoke_study)


@pytest.fixture
def browser(smoke_study, smoke_records):
    return BrowseErrors(smoke_study, smoke_records)


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
        assert 'aria-live="polite"' in panel.details.value


# the explorer


@pytest.mark.parametrize("scaled", [False, True])
def test_explorer_shows_what_the_loss_gives(explorer, scaled):
    set_all(explorer, tau=2.5, beta=1.5, gamma=3.0, ce_weight=0.5, scale_tau2=scaled)
    student = explorer.student.clone().requires_grad_(True)
    loss = DISTLoss(1.5, 3.0, 2.5, 0.5, scaled)
    parts = loss.terms(student, explorer.teacher, explorer.labels)
    loss.total(parts).backward()
    measured = explorer.measured
    for name, part in parts.items():
        assert measured.terms[name] == pytest.approx(part.item(), abs=1e-6)
        assert f"{part.item():.4f}" in explorer.details.value
    assert measured.total == pytest.approx(loss.total(parts).item(), abs=1e-6)
    assert f"total {measured.total:.4f}" in explorer.picture.alt
    np.testing.assert_allclose(measured.gradients["total"], student.grad.numpy(), atol=1e-7)
    (arrows,) = explorer.figure.axes[1].collections
    np.testing.assert_allclose(arrows.V, student.grad[0].numpy(), atol=1e-7)
    np.testing.assert_allclose(sum(measured.gradients[name] for name in parts), measured.gradients["total"], atol=1e-6)


def test_tau_squared_multiplies_inter_and_intra_in_the_total_and_in_their_curves(explorer):
    explorer.tau.value = 3.0
    before = explorer.measured
    explorer.scale_tau2.value = True
    after = explorer.measured
    for name in ("inter", "intra"):
        assert after.terms[name] == pytest.approx(9 * before.terms[name], rel=1e-5)
        assert after.plain[name] == pytest.approx(before.terms[name], rel=1e-6)
    assert after.terms["ce"] == before.terms["ce"]
    curves = explorer._curves[-1]
    plain, scaled = curves[False], curves[True]
    line = explorer.figure.axes[2].lines[0]
    np.testing.assert_allclose(scaled["inter"], line.get_xdata() ** 2 * plain["inter"], rtol=1e-4)
    np.testing.assert_allclose(line.get_ydata(), plain["inter"])


@pytest.mark.parametrize("name", SITUATIONS)
def test_situation_fills_in_all_logits(explorer, name):
    explorer.situation.value = name
    assert explorer.error.value == ""
    student, teacher = SITUATIONS[name]
    np.testing.assert_allclose([field.value for field in explorer.student_logits], student[0], atol=1e-3)
    explorer.article.value = 2
    np.testing.assert_allclose([field.value for field in explorer.teacher_logits], teacher[2], atol=1e-3)
    assert explorer.true_class.value == 1
    assert explorer.situation.value == name  # looking at another article edits nothing


def test_situations_are_what_their_names_say():
    m = {name: DISTExplorer(name).measured for name in SITUATIONS}
    labels = DISTExplorer().labels.numpy()

    def answers(name):
        return [y.argmax(axis=1) for y in m[name].probabilities]

    assert m["confident and correct"].total < 0.05
    student, teacher = answers("confident and wrong")
    assert (student != labels).all()
    assert (teacher == labels).all()
    assert m["confident and wrong"].terms["inter"] == pytest.approx(4 / 3, abs=0.02)
    inter, ce = (np.abs(m["confident and wrong"].gradients[part]).max() for part in ("inter", "ce"))
    assert inter < ce / 10  # where both are sure, only the label still pushes
    student, teacher = answers("two classes confused")
    assert {*student[student != teacher], *teacher[student != teacher]} == {2, 3}
    assert m["student flat"].probabilities[0].max() < 0.27
    flat, usual = (
        np.abs(m[name].gradients["inter"]).max() for name in ("student flat", "the notebook's four articles")
    )
    assert flat > 10 * usual  # a correlation divides by the spread of what it compares
    even, uneven = m["student = teacher, less confident"], m["student = teacher, unevenly less confident"]
    assert even.terms["inter"] == pytest.approx(0, abs=1e-5)
    assert even.terms["intra"] == pytest.approx(0, abs=1e-5)
    assert uneven.terms["inter"] == pytest.approx(0, abs=1e-5)
    assert uneven.terms["intra"] > 0.03
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
    explorer.situation.value = "confident and correct"
    assert explorer.labels.tolist() == [2, 0, 1, 3]


@pytest.mark.parametrize(
    ("control", "value", "sentence"),
    [
        ("tau", 0.0, "tau is 0.0; a temperature should be above 0."),
        ("tau", -3.0, "tau is -3.0; a temperature should be above 0."),
        ("beta", -1.0, "beta is -1.0; the weight of a loss term should be 0 or more."),
    ],
)
def test_explorer_refuses_what_is_no_setting_with_one_sentence(explorer, control, value, sentence):
    picture = explorer.picture.value
    getattr(explorer, control).value = value
    assert sentence in explorer.error.value
    assert explorer.picture.value == picture
    getattr(explorer, control).value = 1.0
    assert explorer.error.value == ""


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
    assert "student logits hold NaN or infinite values" in explorer.error.value
    explorer.student_logits[0].value = 1.0
    assert explorer.error.value == ""


def test_explorer_says_why_a_gradient_is_huge(explorer):
    for field in explorer.student_logits:
        field.value = 0.0
    assert "a correlation divides by its spread" in explorer.details.value


def test_unknown_situation_is_refused():
    with pytest.raises(ValueError, match="There is no situation"):
        DISTExplorer("sleepy")


# the try-out


def test_try_is_seeded_listed_and_leaves_nothing_on_disk(tryout, smoke_study):
    set_all(tryout, loss="DIST", seed=0)
    before = {path: path.stat().st_mtime_ns for path in smoke_study.settings.work.rglob("*")}
    first, second = tryout.train(), tryout.train()
    assert {path: path.stat().st_mtime_ns for path in smoke_study.settings.work.rglob("*")} == before
    assert tryout.error.value == ""
    assert [row["epoch"] for row in first.distilled] == [1, 2]
    assert without_seconds(first.distilled) == without_seconds(second.distilled)
    assert {"train_inter", "train_intra", "validation_accuracy"} <= set(first.distilled[0])
    assert not any(name.startswith("test") for name in first.distilled[0])  # the test set must choose nothing
    assert tryout.trials[-2:] == [first, second]
    assert f"{100 * first.gain:+.2f}".replace("-", "−") in tryout.details.value
    assert "the test set must choose nothing" in tryout.details.value
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
    count, said, complain = len(tryout.trials), [], tryout.show_error
    monkeypatch.setattr(tryout, "show_error", lambda *words: (said.append(words[0]), complain(*words)))
    set_all(tryout, epochs=50, seed=7)
    tryout.train_button.click()
    assert tryout.running
    tryout.train_button.click()
    assert "A training runs already" in said[-1]
    tryout.stop_button.click()
    tryout.wait(30)
    assert not tryout.running
    assert len(tryout.trials) == count
    assert "<strong>Stopped:</strong> 0 of 50 epochs" in tryout.error.value
    assert tryout.stop_button.disabled
    assert not tryout.train_button.disabled
    set_all(tryout, epochs=2, seed=0)
    tryout.train_button.click()
    tryout.wait(30)
    assert len(tryout.trials) == count + 1
    assert tryout.error.value == ""


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"tau": 0.0}, "tau is 0.0; a temperature should be above 0."),
        ({"beta": -1.0}, "beta is -1.0"),
        ({"rows": 3}, "3 labelled articles are too few: take 64 to 320."),
        ({"rows": 10_000}, "10,000 labelled articles are more than there are"),
        ({"epochs": 0}, "Epochs are 0: take 1 to 50."),
        ({"seed": -1}, "The seed is -1"),
    ],
)
def test_tryout_refuses_what_cannot_be_trained_with_one_sentence(tryout, values, sentence):
    usual = {name: getattr(tryout, name).value for name in values}
    set_all(tryout, **values)
    count = len(tryout.trials)
    assert tryout.train() is None
    assert sentence in tryout.error.value
    assert len(tryout.trials) == count
    set_all(tryout, **usual)


def test_tryout_without_a_teacher_says_what_to_do(tmp_path):
    tryout = DistilYourself(Study(settings_in(tmp_path)))
    assert "run notebook 02 first" in tryout.error.value
    assert tryout.train_button.disabled
    assert tryout.train() is None
    assert "run notebook 02 first" in tryout.error.value


# asking the models


def test_every_model_with_weights_answers(asking):
    names = {run.name for run in RUNS.values() if run.inputs != "text" and asking.models.study.has_weights(run.name)}
    assert set(asking.models.names()) == names
    assert {a.name for a in asking.answers} == {name for name in names if RUNS[name].group != "ablation"}
    for answer in asking.answers:
        assert answer.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert answer.milliseconds > 0
        assert f"{answer.probabilities[0]:.3f}" in asking.details.value
    assert {RUNS[a.name].inputs for a in asking.answers} == {"tokens", "features", "characters"}


def test_a_model_of_another_seed_answers_where_the_first_has_no_weights(smoke_study, monkeypatch):
    has_weights = Study.has_weights
    monkeypatch.setattr(Study, "has_weights", lambda study, name, seed=0: seed > 0 and has_weights(study, name, seed))
    models = Answering(smoke_study)
    assert set(models.names()) == set(REPEATED)  # all others have one seed in smoke
    answer = models.ask(DIST, "robots win")
    assert answer.title == f"{RUNS[DIST].title} (seed 1)"
    other = smoke_study.model(DIST, 1)
    assert all(torch.equal(a, b) for a, b in zip(models.model(DIST).parameters(), other.parameters(), strict=True))


def test_answers_are_those_of_the_records(asking, smoke_study, smoke_records):
    texts = smoke_study.inputs.splits["test"][:12]["text"]
    for name in asking.models.names():
        expected = softmax(smoke_records[name][0].test_logits[:12].astype(float), axis=1)
        # a cached feature was encoded in another batch, in bfloat16 where the processor has it
        tolerance = 0.03 if RUNS[name].inputs == "features" else 0.005
        np.testing.assert_allclose(asking.models.probabilities(name, texts), expected, atol=tolerance, err_msg=name)


def test_words_are_left_out_one_at_a_time(asking):
    text = "robots win a <b>final</b> & shares fall"
    predicted, words = asking.models.leave_one_out(DIST, text)
    assert [word for word, _ in words] == text.split()
    whole, shorter = asking.models.probabilities(DIST, [text, "robots a <b>final</b> & shares fall"])[:, predicted]
    assert words[1][1] == pytest.approx(whole - shorter, abs=1e-5)
    asking.text.value = text
    asking.ask_button.click()
    assert "<b>final" not in asking.word_view.value + asking.details.value  # shown as typed, not as a tag
    assert CLASS_NAMES[predicted] in asking.word_view.value
    assert len(asking.words) == 7
    for model in asking.models.names():
        assert len(asking.models.leave_one_out(model, "alone")[1]) == 1  # nothing is left without its only word


@pytest.mark.parametrize("text", ["", "  \n\t "])
def test_empty_text_gets_one_sentence(asking, text):
    asking.text.value = text
    asking.ask_button.click()
    assert "There is no text to read" in asking.error.value
    asking.text.value = HEADLINE
    asking.ask_button.click()
    assert asking.error.value == ""


def test_far_too_long_text_and_no_model_get_one_sentence(asking):
    asking.text.value = "word " * 500
    asking.ask_button.click()
    assert "The text has 500 words" in asking.error.value
    asking.text.value = HEADLINE
    chosen, asking.asked.value = asking.asked.value, ()
    asking.ask_button.click()
    assert "No model is chosen" in asking.error.value
    asking.asked.value = chosen


def test_asking_without_weights_says_what_to_do(tmp_path):
    asking = AskTheModels(Study(settings_in(tmp_path)))
    assert "No trained model's weights are here" in asking.error.value
    assert asking._repr_mimebundle_()[0]["image/png"]


# browsing articles


def test_no_article_shows_before_a_press_nor_in_the_still_after_one(panels, browser, smoke_study):
    beginnings = [text[:25] for text in smoke_study.inputs.splits["test"]["text"]]
    for panel in panels.values():
        text = shown(panel)
        assert not any(beginning in text for beginning in beginnings)
    browser.kind.value = "both wrong"
    assert not any(beginning in shown(browser) for beginning in beginnings)
    still = browser.static_png()
    browser.next_button.click()
    assert any(beginning in browser.article.value for beginning in beginnings)
    assert browser.static_png() == still
    bundle = json.dumps(browser._repr_mimebundle_())
    assert not any(beginning in bundle for beginning in beginnings)
    browser.kind.value = next(iter(SETS))
    assert browser.article.value == ""


def test_browser_walks_through_the_chosen_set(browser, smoke_study, smoke_records):
    set_all(browser, student=PLAIN, teacher=TEACHER)
    student, teacher = smoke_records[PLAIN][0], smoke_records[TEACHER][0]
    wanted = {
        "wrong by student, correct by teacher": ~student.correct & teacher.correct,
        "both wrong": ~student.correct & ~teacher.correct,
        "correct by student, wrong by teacher": student.correct & ~teacher.correct,
        "student's most confident mistakes": ~student.correct,
    }
    assert set(wanted) == set(SETS)
    confidence = softmax(student.test_logits, axis=1).max(axis=1)
    for kind, mask in wanted.items():
        browser.kind.value = kind
        assert set(browser.rows) <= set(np.flatnonzero(mask))
        assert len(browser.rows) == min(mask.sum(), 50 if kind == MISTAKES else len(mask))
        assert (np.diff(confidence[browser.rows]) <= 0).all()
    browser.next_button.click()
    row = int(browser.rows[0])
    assert confidence[row] == confidence[~student.correct].max()
    assert f"true class {CLASS_NAMES[student.labels[row]]}" in browser.article.value
    assert f"{confidence[row]:.3f}" in browser.details.value
    assert f"{softmax(teacher.test_logits[row].astype(float))[0]:.3f}" in browser.details.value
    browser.next_button.click()
    assert f"Article 2 of {len(browser.rows)}" in browser.article.value
    browser.previous_button.click()
    browser.previous_button.click()  # before the first comes the last
    assert f"Article {len(browser.rows)} of {len(browser.rows)}" in browser.article.value


def test_browser_says_when_there_is_nothing_to_show(browser, smoke_study, smoke_records):
    for records in ({}, {PLAIN: smoke_records[PLAIN]}):
        empty = BrowseErrors(smoke_study, records)
        empty.next_button.click()
        assert "There is no record of a student and a teacher" in empty.error.value
        assert empty._repr_mimebundle_()[0]["image/png"]
    teacher = smoke_records[TEACHER][0]
    perfect = replace(teacher, test_logits=10.0 * np.eye(4)[teacher.labels])
    never_wrong = BrowseErrors(smoke_study, {PLAIN: smoke_records[PLAIN], TEACHER: [perfect]})
    never_wrong.kind.value = "both wrong"
    never_wrong.next_button.click()
    assert "There is no article in the set" in never_wrong.error.value


def test_browser_refuses_records_of_other_articles(smoke_study, smoke_records):
    other = [replace(smoke_records[PLAIN][0], labels=np.roll(smoke_records[PLAIN][0].labels, 1))]
    browser = BrowseErrors(smoke_study, {PLAIN: other, TEACHER: smoke_records[TEACHER]})
    browser.next_button.click()
    assert "These records are of other test articles" in browser.error.value
    assert browser.article.value == ""


def test_drawing_needs_no_style_and_changes_none(explorer):
    import matplotlib

    before = dict(matplotlib.rcParams)
    explorer.situation.value = "student flat"
    DISTExplorer()
    assert dict(matplotlib.rcParams) == before


def test_explorer_leaves_no_gradients_behind(explorer):
    assert not explorer.student.requires_grad
    assert torch.is_grad_enabled()
