import matplotlib
import numpy as np
import pytest
import torch
from helpers import collisions, texts_of
from widget_helpers import set_all

from agnews_utils.losses import DISTLoss
from agnews_utils.widgets import DISTExplorer
from agnews_utils.widgets.dist_explorer import EDITED, SITUATIONS


@pytest.mark.parametrize("scaled", [False, True])
def test_explorer_shows_what_the_loss_gives(explorer, scaled):
    set_all(explorer, tau=2.5, beta=1.5, gamma=3.0, ce_weight=0.5, scale_tau2=scaled)
    student = explorer.student.clone().requires_grad_(True)
    loss = DISTLoss(1.5, 3.0, 2.5, 0.5, scaled)
    terms = loss.terms(student, explorer.teacher, explorer.labels)
    loss.total(terms).backward()
    measured = explorer.measured
    for name, term in terms.items():
        assert measured.terms[name] == pytest.approx(term.item(), abs=1e-6)
        assert f"{term.item():.4f}" in explorer.status.value
    assert measured.total == pytest.approx(loss.total(terms).item(), abs=1e-6)
    assert f"total {measured.total:.4f}" in explorer.alt
    np.testing.assert_allclose(measured.gradients["total"], student.grad.numpy(), atol=1e-7)
    np.testing.assert_allclose(explorer.figure.arrows.V, -student.grad[0].numpy(), atol=1e-7)
    np.testing.assert_allclose(sum(measured.gradients[name] for name in terms), measured.gradients["total"], atol=1e-6)


def test_arrow_up_raises_the_logit_and_a_step_lowers_the_loss(explorer):
    up = explorer.figure.arrows.V > 0
    words = [text.get_text() for text in explorer.figure.arrow_texts]
    assert [text.endswith("raises") for text in words] == up.tolist()
    assert [text.startswith("+") for text in words] == up.tolist()
    assert "step" in explorer.figure.arrow_axes.get_title()
    assert "the step that each weighted term asks for" in explorer.status.value
    moved = explorer.student + 0.01 * torch.from_numpy(explorer.measured.steps["total"])
    assert explorer.measured.loss(moved, explorer.teacher, explorer.labels) < explorer.measured.total


def test_tau_squared_multiplies_inter_and_intra_in_the_total_and_in_their_curves(explorer):
    explorer.tau.value = 3.0
    before = explorer.measured
    explorer.scale_tau2.value = True
    after = explorer.measured
    for name in ("inter", "intra"):
        assert after.terms[name] == pytest.approx(9 * before.terms[name], rel=1e-5)
        assert after.unscaled[name] == pytest.approx(before.terms[name], rel=1e-6)
    assert after.terms["ce"] == before.terms["ce"]
    plain, scaled = explorer.curves
    line = explorer.figure.lines[False, "inter"]
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


def steps_at(situation, **values):
    """The steps of article 1, and all of one situation's measurements."""
    explorer = DISTExplorer(situation)
    set_all(explorer, **values)
    return {name: step[0] for name, step in explorer.measured.steps.items()}, explorer.measured


def test_what_notebook_04_answers_to_its_questions():
    world, sports, business, sci_tech = range(4)
    # 1: less sure alike: only cross-entropy pushes; unevenly: intra too
    steps, _ = steps_at("student = teacher, less confident")
    assert np.abs([steps["inter"], steps["intra"]]).max() < 0.001 < np.abs(steps["ce"]).max()
    steps, uneven = steps_at("student = teacher, unevenly less confident")
    assert np.abs(steps["inter"]).max() < 0.001
    assert uneven.terms["intra"] == pytest.approx(0.0467, abs=5e-5)
    assert steps["intra"][business] > 0.1
    # 2: both sure, of different classes: hardly a step at tau 1, thirty times as large a one at tau 4
    at_1, wrong = steps_at("confident and wrong")
    assert wrong.terms["inter"] == pytest.approx(1.3283, abs=5e-5)
    at_4, _ = steps_at("confident and wrong", tau=4.0)
    assert at_1["inter"][business] < 0.0015
    assert 25 < at_4["inter"][business] / at_1["inter"][business] < 35
    # 3: flat: forty times the step of the usual articles, where cross-entropy takes less than twice its own
    flat, usual = (steps_at(name)[1].steps for name in ("student flat", "the notebook's four articles"))
    assert 40 < np.abs(flat["inter"]).max() / np.abs(usual["inter"]).max() < 60
    assert np.abs(flat["ce"]).max() < 2 * np.abs(usual["ce"]).max()
    # its text: tau² multiplies inter and intra by 16, not cross-entropy, so the total by 7; at tau 1 it changes nothing
    (_, without), (_, with_factor) = (
        steps_at("the notebook's four articles", tau=4.0, scale_tau2=scaled) for scaled in (False, True)
    )
    ratios = {name: with_factor.terms[name] / without.terms[name] for name in ("ce", "inter", "intra")}
    assert ratios == pytest.approx({"ce": 1, "inter": 16, "intra": 16})
    assert with_factor.total / without.total == pytest.approx(6.9, abs=0.05)
    assert steps_at("the notebook's four articles", scale_tau2=True)[1].total == pytest.approx(0.5011, abs=5e-5)
    # 4: a wrong teacher does not outvote the label at the report's weights; at 8, 8 and tau 4 it does
    steps, _ = steps_at("teacher confident and wrong")
    assert steps["total"][business] > steps["total"][sci_tech] > 0
    steps, _ = steps_at("teacher confident and wrong", beta=8.0, gamma=8.0, tau=4.0)
    assert steps["total"][sci_tech] > 4 * steps["total"][business]
    assert min(steps["total"][[world, sports]]) < 0


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
    assert "a correlation divides by its spread" in explorer.status.value


@pytest.mark.parametrize(
    ("situation", "settings"),
    [
        ("the notebook's four articles", {}),
        ("student flat", {"tau": 8.0, "scale_tau2": True}),
        ("teacher confident and wrong", {"tau": 0.1, "beta": 8.0}),
    ],
)
def test_no_text_of_the_picture_lies_on_another_and_a_last_row_can_read_it(situation, settings):
    explorer = DISTExplorer(situation)
    set_all(explorer, article=3, **settings)
    drawn = explorer.figure.figure
    assert collisions(drawn) == []
    assert min(text.get_fontsize() for text in texts_of(drawn)) / drawn.get_figwidth() > 1.1


def test_unknown_situation_is_refused():
    with pytest.raises(ValueError, match="There is no situation"):
        DISTExplorer("sleepy")


def test_drawing_needs_no_style_and_changes_none(explorer):
    before = dict(matplotlib.rcParams)
    explorer.situation.value = "student flat"
    DISTExplorer()
    assert dict(matplotlib.rcParams) == before


def test_explorer_leaves_no_gradients_behind(explorer):
    assert not explorer.student.requires_grad
    assert torch.is_grad_enabled()
