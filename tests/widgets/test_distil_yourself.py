"""Distilling oneself."""

import pytest
from helpers import settings_in, without_seconds
from walking import PLAIN, set_all

from agnews_utils.study.study import Study
from agnews_utils.widgets.distil_yourself import DistilYourself


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
