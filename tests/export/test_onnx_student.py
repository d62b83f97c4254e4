"""A student's ONNX file as a classifier: the answers of the NumPy student, and what is refused."""

import numpy as np
import pytest
from helpers import refused

from agnews_utils.export.from_study import MODELS
from agnews_utils.export.onnx import export_model, export_student_file
from agnews_utils.export.onnx_student import load_onnx_student
from agnews_utils.export.student import load_student
from agnews_utils.models import SimplerCNN
from agnews_utils.study.strong import SHIPPED

AWKWARD = ["", "a", "Ünïcode, naïve café & 3.5% $ gains!", "word " * 200, "日本 #39;s"]


@pytest.fixture
def texts(sample):
    return [*AWKWARD, *sample.test["text"][:20]]


@pytest.fixture(params=[True, False], ids=["int8", "floats"])
def path(request, tmp_path):
    export_student_file(MODELS / "student_100kb.safetensors", tmp_path / "student.onnx", request.param)
    return tmp_path / "student.onnx"


def test_answers_as_numpy_does(path, texts):
    expected = load_student(MODELS / "student_100kb.safetensors").predict_proba(texts)
    student = load_onnx_student(path)
    # logarithms of probabilities: the logits, up to a number a text
    np.testing.assert_allclose(np.log(student.predict_proba(texts)), np.log(expected), atol=1e-4)
    assert student.logits([]).shape == (0, 4)


@pytest.mark.parametrize("file", SHIPPED)
def test_committed_file_answers_as_numpy_does(file, texts):
    expected = load_student(MODELS / f"{file}.safetensors").predict_proba(texts)
    found = load_onnx_student(MODELS / f"{file}.onnx", threads=2).predict_proba(texts)
    np.testing.assert_allclose(np.log(found), np.log(expected), atol=1e-4)


def test_an_article_is_answered_alone_as_among_others(path, texts):
    student = load_onnx_student(path)
    one_by_one = np.concatenate([student.logits([text]) for text in texts])
    np.testing.assert_allclose(student.logits(texts * 3)[: len(texts)], one_by_one, atol=1e-5)


def test_one_text_is_refused(path):
    with refused(TypeError, "Give a list of texts"):
        load_onnx_student(path).logits("a headline")


def test_bad_files(path, tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no student at"):
        load_onnx_student(tmp_path / "none")
    export_model(SimplerCNN(100, 8), tmp_path / "other.onnx")
    with refused(ValueError, "is not a student's ONNX file"):
        load_onnx_student(tmp_path / "other.onnx")
    path.write_bytes(path.read_bytes()[:-200])
    with refused(ValueError, "it is damaged; get it again"):
        load_onnx_student(path)
