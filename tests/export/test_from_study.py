"""From a run of the study to a student's file that answers as the run's model does."""

import numpy as np
import pytest
from helpers import refused, settings_in

from agnews_utils.export.from_study import export_run
from agnews_utils.export.student import load_student
from agnews_utils.models import SimplerCNN, WideCNN
from agnews_utils.study.runs import Run
from agnews_utils.study.study import Study
from agnews_utils.training import predict

SMALL = {"embedding_dim": 8, "channels": 6, "buckets": 1000}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    study = Study(settings_in(tmp_path_factory.mktemp("study")), {})
    study.add(Run("small", "Small student", WideCNN, vocabulary=500, epochs="wide_epochs", model_args=SMALL))
    study.add(Run("other", "Other student", SimplerCNN, epochs="small_student_epochs"))
    return study


def describe(record, teacher):
    return {"validation": record.validation_accuracy, "teacher": teacher}


def test_the_file_answers_as_the_model(study, tmp_path):
    export_run(study, "small", 0, tmp_path / "small.safetensors", describe)
    student, test = load_student(tmp_path / "small.safetensors"), study.inputs.splits["test"]
    expected = predict(study.model("small"), study.inputs.dataset("test", "tokens", 500), study.settings).numpy()
    logits = student.logits(test["text"])
    np.testing.assert_allclose(logits, expected, atol=0.1 * np.abs(expected).max())  # int8 beside floats
    assert (logits.argmax(axis=1) == expected.argmax(axis=1)).mean() > 0.9
    accuracy = (logits.argmax(axis=1) == np.array(test["label"])).mean()
    assert student.card["int8_test_accuracy"] == pytest.approx(accuracy, abs=1e-6)
    assert student.card["validation"] == study.record("small").validation_accuracy
    assert (student.card["run"], student.card["seed"], student.card["teacher"]) == ("small", 0, None)


def test_another_model_is_not_exported(study, tmp_path):
    with refused(TypeError, "'other' is a SimplerCNN; only a WideCNN can be exported."):
        export_run(study, "other", 0, tmp_path / "other.safetensors", describe)
    assert not list(tmp_path.iterdir())
