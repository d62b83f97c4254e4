"""Tokens by a memory of words: what the tokenizer itself gives."""

import string

import numpy as np
import pytest

from agnews_utils.export import words
from agnews_utils.export.from_study import MODELS
from agnews_utils.export.student import load_student
from agnews_utils.export.student_file import read_student
from agnews_utils.export.words import WordPieces

AWKWARD = [
    "", " ", "a", "don't_stop--now... (U.S.) $3.5bn & 7%", "Ünïcode, naïve café 日本", "tab\tnew\nline\rhere",
    "zero\x00wi\x1fdth\x7f", "vertical\x0btab form\x0cfeed", "[CLS] [SEP] [PAD] [UNK] [MASK]", "word " * 200,
    "w" * 100, "w" * 101, "\u200bhidden", "İstanbul K\u212a ﬁne", "a\u00a0b", "#39;s &lt;b&gt; \\$ \\n",
]  # fmt: skip


@pytest.fixture(scope="module")
def student():
    return read_student(MODELS / "student_100kb.safetensors")


@pytest.fixture
def tokens(student):
    return WordPieces(student.pieces, 64)


def test_awkward_texts(tokens):
    for _ in range(2):  # the second time by heart
        assert tokens(AWKWARD) == tokens.encode(AWKWARD)


def test_any_plain_text(tokens):
    generator = np.random.default_rng(0)
    alphabet = list(string.printable[:-2] + "eeeaaatttooo     ")  # without the two that are no plain white space
    texts = ["".join(generator.choice(alphabet, generator.integers(1, 120))) for _ in range(500)]
    assert tokens(texts) == tokens.encode(texts)


def test_articles(tokens, sample):
    texts = sample.test["text"][:300].tolist()
    assert tokens(texts) == tokens.encode(texts)
    assert 100 < len(tokens.known) < words.KEPT


def test_the_memory_is_bounded(tokens, monkeypatch):
    monkeypatch.setattr(words, "KEPT", 5)
    texts = [" ".join(f"w{number}" for number in range(first, first + 8)) for first in range(0, 40, 8)]
    assert tokens(texts) == tokens.encode(texts)
    assert len(tokens.known) <= 5
    tokens(["x" * 5000])
    assert all(len(word) <= words.LONGEST for word in tokens.known)


def test_the_tokenizer_is_that_of_the_numpy_student(tokens):
    tokenizer = load_student(MODELS / "student_100kb.safetensors").tokenizer
    ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in AWKWARD]
    assert tokens.encode(AWKWARD) == [[tokens.begin, *some[:62], tokens.end] for some in ids]


def test_a_student_cuts_at_its_own_length(student):
    assert len(WordPieces(student.pieces, 8)(["word " * 100])[0]) == 8
