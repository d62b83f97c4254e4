"""A student's file: int8 and back, and NumPy's answers against PyTorch's."""

import numpy as np
import pytest
import torch
from helpers import refused

from agnews_utils.batches import Articles
from agnews_utils.export.student import Student, hashed_pairs, load_student
from agnews_utils.export.student_file import StudentFile, quantise, read_student, write_student
from agnews_utils.models import WideCNN
from agnews_utils.models import hashed_pairs as hashed_pairs_of_torch
from agnews_utils.study.inputs import Inputs
from agnews_utils.study.vocabulary import cut_tokenizer

TEXTS = ["Rovers win the cup after extra time", "Ünïcode, naïve café & 3.5% $ gains!", "a", "word " * 200, "日本 #39;s"]
VOCABULARY = 400


@pytest.fixture
def inputs(settings):
    return Inputs(settings)


@pytest.fixture
def model(inputs):
    torch.manual_seed(0)
    model = WideCNN(VOCABULARY, embedding_dim=8, channels=6, buckets=1000).eval()
    torch.nn.init.normal_(model.wide.weight)
    return model


@pytest.fixture
def path(model, inputs, tmp_path):
    pieces = inputs.tokenizer.convert_ids_to_tokens(inputs.pieces(VOCABULARY).tolist())
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    card = {"classes": ["a", "b", "c", "d"], "mean": True, "max_length": 64}
    write_student(tmp_path / "student.safetensors", weights, pieces, card)
    return tmp_path / "student.safetensors"


def torch_logits(model, inputs):
    tokenizer = cut_tokenizer(inputs.tokenizer, inputs.pieces(VOCABULARY))
    articles = Articles({"text": TEXTS, "label": [0] * len(TEXTS)}, tokenizer, 64)
    with torch.no_grad():
        return model(torch.from_numpy(articles.input_ids), torch.from_numpy(articles.attention_mask)).numpy()


def test_numpy_answers_as_pytorch_does(model, inputs, path):
    # the same float weights on both sides: what is tested is the forward pass and the tokens, not int8
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    student = Student(StudentFile(weights, read_student(path).pieces, read_student(path).card))
    logits = np.stack([student.logits(text) for text in TEXTS])
    np.testing.assert_allclose(logits, torch_logits(model, inputs), atol=1e-4)


def test_int8_answers_almost_the_same(model, inputs, path):
    shares = load_student(path).predict_proba(TEXTS)
    expected = torch.from_numpy(torch_logits(model, inputs)).softmax(dim=1).numpy()
    np.testing.assert_allclose(shares, expected, atol=0.02)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
    assert load_student(path).predict_proba([]).shape == (0, 4)


def test_the_file_is_a_quarter_of_the_floats(model, path):
    floats = sum(value.numel() for value in model.state_dict().values()) * 4
    vocabulary = len("\n".join(read_student(path).pieces))
    assert path.stat().st_size - vocabulary < floats * 0.45  # tiny matrices: their scales and names count here


@pytest.mark.parametrize("by_column", [False, True])
def test_int8_is_within_half_a_step(by_column):
    weights = np.random.default_rng(0).standard_normal((30, 4)).astype(np.float32) * np.array([1, 10, 100, 0])
    whole, scales = quantise(weights, by_column)
    assert scales.shape == ((1, 4) if by_column else (30, 1))
    assert np.abs(whole * scales - weights).max() <= scales.max() * 0.51 + 1e-6
    assert whole.dtype == np.int8


def test_pairs_are_hashed_as_in_the_model():
    ids = np.random.default_rng(0).integers(1, 30_000, 40)
    expected = hashed_pairs_of_torch(torch.from_numpy(ids)[None], 2**17)[0].numpy()
    assert np.array_equal(hashed_pairs(ids, 2**17), expected)


def test_bad_files(path, tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no student at"):
        load_student(tmp_path / "none")
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    with refused(ValueError, "it is damaged; get it again"):
        load_student(path)
    import safetensors.numpy

    safetensors.numpy.save_file({"a": np.zeros(3)}, path)
    with refused(ValueError, "is not a student's file"):
        load_student(path)
