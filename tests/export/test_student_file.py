"""A student's file: int8 and back, its digest, and what is refused when it is read."""

import json

import numpy as np
import pytest
from helpers import refused
from safetensors.numpy import save_file

from agnews_utils.export.student import load_student
from agnews_utils.export.student_file import (
    FORMAT,
    StudentFile,
    as_floats,
    as_int8,
    digest,
    quantise,
    read_student,
    rewrite_card,
    write_student,
)

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefgh"]
CARD = {"classes": ["x", "y", "z"], "mean": True, "max_length": 16}
SHAPES = {
    "embedding.weight": (12, 8), "convs.0.weight": (5, 8, 3), "convs.0.bias": (5,), "linear.weight": (3, 13),
    "linear.bias": (3,), "wide.weight": (50, 3),
}  # fmt: skip


def made_weights():
    generator = np.random.default_rng(0)
    return {name: generator.standard_normal(shape).astype(np.float32) for name, shape in SHAPES.items()}


@pytest.fixture
def path(tmp_path):
    write_student(tmp_path / "student.safetensors", StudentFile(as_int8(made_weights()), PIECES, CARD))
    return tmp_path / "student.safetensors"


def save(path, arrays, pieces=PIECES, card=CARD, **metadata):
    """A file with a digest of its own, whatever its parts are."""
    pieces, card = "\n".join(pieces), json.dumps(card)
    known = {"format": FORMAT, "pieces": pieces, "card": card, "sha256": digest(arrays, pieces, card)}
    save_file(arrays, path, known | metadata)


@pytest.mark.parametrize("by_column", [False, True])
def test_int8_is_within_half_a_step(by_column):
    weights = np.random.default_rng(0).standard_normal((30, 4)).astype(np.float32) * np.array([1, 10, 100, 0])
    whole, scales = quantise(weights, by_column)
    assert scales.shape == ((1, 4) if by_column else (30, 1))
    assert np.abs(whole * scales - weights).max() <= scales.max() * 0.51 + 1e-6
    assert whole.dtype == np.int8


def test_what_is_written_is_read(path):
    student, arrays = read_student(path), as_int8(made_weights())
    assert (student.pieces, student.card) == (PIECES, CARD)
    assert student.arrays.keys() == arrays.keys()
    assert all(np.array_equal(student.arrays[name], arrays[name]) for name in arrays)


@pytest.mark.parametrize("name", SHAPES)
def test_some_rows_are_those_of_all(path, name):
    student, rows = read_student(path), np.array([2, 0, 2])
    assert np.array_equal(student.floats(name, rows), as_floats(student.arrays)[name][rows])


def test_the_matrices_are_a_quarter_of_the_floats():
    weights = {"embedding.weight": np.ones((1000, 128), np.float32)}
    assert sum(array.nbytes for array in as_int8(weights).values()) < weights["embedding.weight"].nbytes * 0.26


def test_another_card_leaves_the_rest(path):
    before = read_student(path)
    assert rewrite_card(path, CARD | {"temperature": 1.5})
    after = read_student(path)
    assert (after.card, after.pieces) == (CARD | {"temperature": 1.5}, before.pieces)
    assert all(np.array_equal(after.arrays[name], before.arrays[name]) for name in before.arrays)
    content = path.read_bytes()
    assert not rewrite_card(path, after.card)  # a file that says so already is not touched
    assert path.read_bytes() == content


def test_parts_that_do_not_fit_are_not_written(path):
    content = path.read_bytes()
    with refused(ValueError, "is not written: its vocabulary has 11 pieces, its embedding 12 rows"):
        write_student(path, StudentFile(as_int8(made_weights()), PIECES[:-1], CARD))
    assert path.read_bytes() == content


def test_files_that_are_none(path, tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no student at"):
        load_student(tmp_path / "none")
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    with refused(ValueError, "it is damaged; get it again"):
        load_student(path)
    path.write_text("a text")
    with refused(ValueError, "it is damaged; get it again"):
        load_student(path)
    for metadata in (None, {"format": "another", "pieces": "", "card": "{}", "sha256": ""}, {"format": FORMAT}):
        save_file({"a": np.zeros(3)}, path, metadata)
        with refused(ValueError, "is not a student's file"):
            load_student(path)


def test_no_byte_changes_unnoticed(path):
    whole, generator = path.read_bytes(), np.random.default_rng(0)
    before = read_student(path)
    for place in generator.permutation(len(whole))[:200]:
        changed = bytearray(whole)
        changed[place] ^= 1 << generator.integers(8)
        path.write_bytes(changed)
        try:
            after = read_student(path)
        except ValueError:
            continue
        # what JSON may be written with in two ways says the same
        assert (after.pieces, after.card) == (before.pieces, before.card), place
        assert all(np.array_equal(after.arrays[name], before.arrays[name]) for name in before.arrays), place


def test_other_weights_have_another_digest(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with refused(ValueError, "its SHA-256 differs"):
        load_student(path)


def arrays_with(**changed):
    """The arrays of the file, some of them others; None takes one out."""
    changed = {name.replace("_", "."): value for name, value in changed.items()}
    return {name: array for name, array in (as_int8(made_weights()) | changed).items() if array is not None}


MISFITS = {
    "vocabulary": ({"pieces": PIECES[:-1]}, "its vocabulary has 11 pieces, its embedding 12 rows"),
    "no [CLS]": ({"pieces": [*"ABCD", *PIECES[4:]]}, "it lacks the piece [UNK], the piece [CLS], the piece [SEP]"),
    "classes": ({"card": CARD | {"classes": ["x", "y"]}}, "its card names 2 classes, its linear layer has 3"),
    "card": ({"card": {"classes": ["x"]}}, "it lacks the card's max_length, the card's mean"),
    "mean": ({"card": CARD | {"mean": False}}, "linear.weight have other shapes"),
    "embedding": ({"arrays": arrays_with(embedding_weight=None)}, "it lacks embedding.weight"),
    "linear": ({"arrays": arrays_with(linear_bias=None)}, "it lacks linear.bias"),
    "bias": ({"arrays": arrays_with(convs_0_bias=None)}, "it lacks convs.0.bias"),
    "scale": ({"arrays": arrays_with(embedding_weight_scale=None)}, "it lacks embedding.weight.scale"),
    "scales": ({"arrays": arrays_with(wide_weight_scale=np.ones((1, 2), np.float16))}, "wide.weight.scale have other"),
    "convolution": ({"arrays": arrays_with(convs_0_weight=np.zeros((5, 7, 3), np.int8))}, "convs.0.weight have other"),
    "unknown": ({"arrays": arrays_with(lstm_weight=np.zeros(3))}, "it holds lstm.weight, of another model"),
}


@pytest.mark.parametrize("kind", MISFITS)
def test_parts_that_do_not_fit_are_refused(path, kind):
    parts, said = MISFITS[kind]
    save(path, **{"arrays": as_int8(made_weights())} | parts)
    with refused(ValueError, said):
        load_student(path)
