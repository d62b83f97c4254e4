import numpy as np
import pytest
from helpers import settings_in, without_seconds
from widget_helpers import set_all

from agnews_utils.data import NO_LABEL
from agnews_utils.study.runs import MODEL3, TEACHER
from agnews_utils.study.study import Study
from agnews_utils.widgets import DistilYourself


def test_trial_is_seeded_listed_and_leaves_nothing_on_disk(distiller, smoke_study):
    set_all(distiller, loss="DIST", seed=0)
    before = {path: path.stat().st_mtime_ns for path in smoke_study.settings.work.rglob("*")}
    first, second = distiller.train(), distiller.train()
    assert {path: path.stat().st_mtime_ns for path in smoke_study.settings.work.rglob("*")} == before
    assert distiller.error.value == ""
    assert [row["epoch"] for row in first.distilled] == [1, 2]
    assert without_seconds(first.distilled) == without_seconds(second.distilled)
    assert {"train_inter", "train_intra", "validation_accuracy"} <= set(first.distilled[0])
    assert not any(name.startswith("test") for name in first.distilled[0])  # the test set must choose nothing
    assert distiller.trials[-2:] == [first, second]
    assert f"{100 * first.gain:+.2f}".replace("-", "−") in distiller.status.value
    assert "the test set must choose nothing" in distiller.status.value
    other = (set_all(distiller, seed=1), distiller.train())[1]
    assert without_seconds(other.control) != without_seconds(first.control)
    assert distiller.progress.value == distiller.progress.max


def test_without_the_teachers_terms_the_distilled_student_is_the_control(distiller):
    set_all(distiller, seed=0, loss="DIST", beta=0.0, gamma=0.0, ce_weight=1.0)
    made = distiller.train()
    for plain, distilled in zip(made.control, made.distilled, strict=True):
        assert plain["validation_accuracy"] == distilled["validation_accuracy"]
        assert plain["validation_loss"] == distilled["validation_loss"]
    set_all(distiller, loss="KL", alpha=0.0)
    made = distiller.train()
    assert [r["validation_loss"] for r in made.control] == [r["validation_loss"] for r in made.distilled]
    set_all(distiller, loss="DIST", beta=2.0, gamma=2.0, alpha=0.9)


def test_of_unlabelled_articles_the_teacher_alone_speaks(distiller, smoke_study):
    set_all(distiller, unlabelled=64)
    control, distilled = distiller._data_sets(distiller.trial())
    set_all(distiller, unlabelled=0)
    train = smoke_study.inputs.articles("train")
    assert len(control) == len(distilled) == 160  # as many steps for both
    assert control.labels.tolist() == [*train.labels[:96], *train.labels[:64]]
    assert distilled.labels.tolist() == [*train.labels[:96], *[NO_LABEL] * 64]
    batch = distilled.__getitems__([95, 96])
    assert batch["labels"].tolist() == [train.labels[95], NO_LABEL]
    np.testing.assert_array_equal(batch["teacher_logits"], smoke_study.teacher_logits(TEACHER)[95:97])


def test_begins_with_few_labels_and_the_teachers_answers_on_more(smoke_study):
    made = DistilYourself(smoke_study)
    assert (made.articles.value, made.unlabelled.value) == (80, 240)  # of the 320 of smoke
    assert made.trial().loss_title == "DIST, beta 2, gamma 2, CE 1, tau 1"


def test_padding_can_be_left_out(distiller):
    read = distiller.train()
    distiller.student.value = "simpler_cnn_plain_masked"
    left_out = distiller.train()
    distiller.student.value = MODEL3
    assert read.control[-1]["validation_loss"] != left_out.control[-1]["validation_loss"]


def test_training_in_the_background_can_be_stopped(distiller, monkeypatch):
    count, said, show_error = len(distiller.trials), [], distiller.show_error
    monkeypatch.setattr(distiller, "show_error", lambda *words: (said.append(words[0]), show_error(*words)))
    set_all(distiller, epochs=50, seed=7)
    distiller.train_button.click()
    assert distiller.thread.is_alive()
    distiller.train_button.click()
    assert "A training runs already" in said[-1]
    distiller.stop_button.click()
    distiller.thread.join(30)
    assert not distiller.thread.is_alive()
    assert len(distiller.trials) == count
    assert "<strong>Stopped:</strong> 0 of 50 epochs" in distiller.error.value
    assert distiller.stop_button.disabled
    assert not distiller.train_button.disabled
    set_all(distiller, epochs=2, seed=0)
    distiller.train_button.click()
    distiller.thread.join(30)
    assert len(distiller.trials) == count + 1
    assert distiller.error.value == ""


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"tau": 0.0}, "tau is 0.0; a temperature should be above 0."),
        ({"beta": -1.0}, "beta is -1.0"),
        ({"articles": 3}, "3 labelled articles are too few: take 64 to 320."),
        ({"articles": 10_000}, "10,000 labelled articles are more than there are"),
        ({"unlabelled": 300}, "300 unlabelled articles are more than are left: take 0 to 224."),
        ({"unlabelled": -1}, "-1 unlabelled articles are fewer than none"),
        ({"epochs": 0}, "Epochs are 0: take 1 to 50."),
        ({"seed": -1}, "The seed is -1"),
    ],
)
def test_distiller_refuses_what_cannot_be_trained_with_one_sentence(distiller, values, sentence):
    usual = {name: getattr(distiller, name).value for name in values}
    set_all(distiller, **values)
    count = len(distiller.trials)
    assert distiller.train() is None
    assert sentence in distiller.error.value
    assert len(distiller.trials) == count
    set_all(distiller, **usual)


def test_distiller_without_a_teacher_says_what_to_do(tmp_path):
    distiller = DistilYourself(Study(settings_in(tmp_path)))
    assert "run notebook 02 first" in distiller.error.value
    assert distiller.train_button.disabled
    assert distiller.train() is None
    assert "run notebook 02 first" in distiller.error.value
