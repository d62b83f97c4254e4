"""A student's answers: NumPy's against PyTorch's, one text or many, int8 and floats."""

import numpy as np
import pytest
import torch
from helpers import refused, settings_in

from agnews_utils.batches import Articles
from agnews_utils.export import student
from agnews_utils.export.student import BATCH, Student, hashed_pairs, in_blocks, load_student
from agnews_utils.export.student_file import StudentFile, as_int8, write_student
from agnews_utils.models import WideCNN
from agnews_utils.models import hashed_pairs as hashed_pairs_of_torch
from agnews_utils.study.inputs import Inputs
from agnews_utils.study.vocabulary import cut_tokenizer

TEXTS = [
    "Rovers win the cup after extra time",
    "Ünïcode, naïve café & 3.5% $ gains!",
    "a",
    "word " * 200,
    "日本 #39;s",
    "",
]
MANY = [f"{text} {number}" for number in range(BATCH) for text in TEXTS] + ["", "a"]  # the last batch is not full
VOCABULARY = 400
KINDS = [{}, {"mean": False}, {"buckets": 0}, {"widths": (1, 7)}]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return Inputs(settings_in(tmp_path_factory.mktemp("inputs")))


def made_model(**options):
    torch.manual_seed(0)
    model = WideCNN(VOCABULARY, **{"embedding_dim": 8, "channels": 6, "buckets": 1000} | options).eval()
    if model.wide is not None:
        torch.nn.init.normal_(model.wide.weight)
    return model


def file_of(model, inputs, arrays=dict, **card):
    """The model's file, its weights made into ``arrays``: as they are, or int8."""
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    pieces = inputs.tokenizer.convert_ids_to_tokens(inputs.pieces(VOCABULARY).tolist())
    card = {"classes": ["a", "b", "c", "d"], "mean": model.mean, "max_length": 64} | card
    return StudentFile(arrays(weights), pieces, card)


def torch_logits(model, inputs, texts):
    tokenizer = cut_tokenizer(inputs.tokenizer, inputs.pieces(VOCABULARY))
    articles = Articles({"text": texts, "label": [0] * len(texts)}, tokenizer, 64)
    with torch.no_grad():
        return model(torch.from_numpy(articles.input_ids), torch.from_numpy(articles.attention_mask)).numpy()


@pytest.mark.parametrize("options", KINDS, ids=str)
@pytest.mark.parametrize("texts", [TEXTS, MANY], ids=["one batch", "several"])
def test_numpy_answers_as_pytorch_does(options, texts, inputs):
    # the same float weights on both sides: what is tested is the forward pass and the tokens, not int8
    model = made_model(**options)
    logits = Student(file_of(model, inputs)).logits(texts)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, torch_logits(model, inputs, texts), rtol=1e-6, atol=1e-5)


def test_a_text_answers_alone_as_among_others(inputs):
    student = Student(file_of(made_model(), inputs))
    alone = np.concatenate([student.logits([text]) for text in MANY])
    np.testing.assert_allclose(student.logits(MANY), alone, rtol=1e-6, atol=1e-5)


def test_int8_answers_almost_the_same(inputs, tmp_path):
    model, path = made_model(), tmp_path / "student.safetensors"
    write_student(path, file_of(model, inputs, as_int8))
    shares = load_student(path).predict_proba(TEXTS)
    expected = torch.from_numpy(torch_logits(model, inputs, TEXTS)).softmax(dim=1).numpy()
    np.testing.assert_allclose(shares, expected, atol=0.02)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
    assert load_student(path).predict_proba([]).shape == (0, 4)


def test_the_temperature_of_the_card_divides_the_logits(inputs):
    model = made_model()
    plain, cooled = (Student(file_of(model, inputs, **card)) for card in ({}, {"temperature": 2.0}))
    expected = torch.from_numpy(plain.logits(TEXTS) / 2).softmax(dim=1).numpy()
    np.testing.assert_allclose(cooled.predict_proba(TEXTS), expected, atol=1e-6)
    np.testing.assert_array_equal(cooled.logits(TEXTS), plain.logits(TEXTS))


def test_one_text_is_no_list_of_texts(inputs):
    with refused(TypeError, "Give a list of texts"):
        Student(file_of(made_model(), inputs)).predict_proba("shares fall")


def test_pairs_are_hashed_as_in_the_model():
    ids = np.random.default_rng(0).integers(1, 30_000, 40)
    expected = hashed_pairs_of_torch(torch.from_numpy(ids)[None], 2**17)[0].numpy()
    assert np.array_equal(hashed_pairs(ids, 2**17), expected)


@pytest.mark.parametrize("count", [0, 1, 8, 9, 64, 1000])
def test_a_product_in_blocks_is_the_whole_product(count, monkeypatch):
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(count, 144)).astype(np.float32)
    weight = generator.normal(size=(144, 192)).astype(np.float32)
    np.testing.assert_allclose(in_blocks(rows, weight), rows @ weight, atol=1e-3)
    monkeypatch.setattr(student, "ONE_THREAD", 1)  # less than one row: still one at a time
    np.testing.assert_allclose(in_blocks(rows, weight), rows @ weight, atol=1e-3)
