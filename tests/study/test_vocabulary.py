"""A cut vocabulary: which pieces are kept, and how a text is read with them alone."""

import string

import numpy as np
import pytest
from helpers import made_articles, refused

from agnews_utils.study.vocabulary import cut_tokenizer, most_frequent

LEAST = 141  # 5 special pieces, 68 characters, and those that go on a word
TEXTS = [
    "River market river market river, market: the river rose!",
    "The market fell; a mountain of paper, 1987.",
    "Harbour, harbour and river.",
]


@pytest.fixture(scope="module")
def articles(tokenizer):
    return made_articles(TEXTS, tokenizer)


def names_of(tokenizer, pieces):
    return tokenizer.convert_ids_to_tokens(pieces.tolist())


def cut(tokenizer, articles, count):
    """The tokenizer with ``count`` pieces, and their numbers."""
    pieces = most_frequent(tokenizer, articles.input_ids, count)
    return cut_tokenizer(tokenizer, pieces), pieces


# --- which pieces


@pytest.mark.parametrize("count", [LEAST, LEAST + 3, 5000])
def test_special_pieces_and_characters_are_always_there(tokenizer, articles, count):
    names = names_of(tokenizer, most_frequent(tokenizer, articles.input_ids, count))
    assert len(names) == len(set(names)) == count
    assert names[:5] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    characters = [*string.ascii_lowercase, *string.digits, *string.punctuation]
    assert {*characters, *(f"##{character}" for character in characters)} == set(names[5:LEAST])


def test_the_most_frequent_pieces_come_first(tokenizer, articles):
    # river 5 times, market 4, the 3, harbour 2; of those that are there once, the one with the lowest number
    names = names_of(tokenizer, most_frequent(tokenizer, articles.input_ids, LEAST + 5))
    once = min(tokenizer.convert_tokens_to_ids(["rose", "fell", "of", "mountain", "paper", "1987", "and"]))
    assert names[LEAST:] == ["river", "market", "the", "harbour", tokenizer.convert_ids_to_tokens(once)]


def test_a_wider_vocabulary_begins_with_the_narrower_one(tokenizer, articles):
    narrow, wide = (most_frequent(tokenizer, articles.input_ids, count) for count in (LEAST + 2, 400))
    assert np.array_equal(wide[: len(narrow)], narrow)


@pytest.mark.parametrize("count", [0, 5, LEAST - 1])
def test_a_vocabulary_without_room_for_the_characters_is_refused(tokenizer, articles, count):
    with refused(ValueError, f"A vocabulary of {count} has no room for the characters: {LEAST} is the least"):
        most_frequent(tokenizer, articles.input_ids, count)


# --- the tokenizer with these pieces alone


def test_a_text_of_kept_pieces_is_read_as_before(tokenizer, articles):
    count = LEAST + len(np.unique(articles.input_ids))  # more than all pieces of the texts
    small, pieces = cut(tokenizer, articles, count)
    assert len(small) == count
    read = made_articles(TEXTS, small)
    assert read.input_ids.max() < count
    assert np.array_equal(pieces[read.input_ids], articles.input_ids)  # special pieces and padding too
    assert np.array_equal(read.attention_mask, articles.attention_mask)
    assert small.tokenize(TEXTS[0]) == tokenizer.tokenize(TEXTS[0])


def test_a_word_whose_piece_was_cut_is_read_in_shorter_ones(tokenizer, articles):
    small, _ = cut(tokenizer, articles, LEAST + 2)  # with river and market, without harbour
    assert tokenizer.tokenize("Harbour riverside") == ["harbour", "riverside"]
    assert small.tokenize("Harbour riverside") == [
        "h", "##a", "##r", "##b", "##o", "##u", "##r", "river", "##s", "##i", "##d", "##e",
    ]  # fmt: skip


@pytest.mark.parametrize("count", [LEAST, 1000])
def test_no_ascii_word_is_unknown(tokenizer, articles, sample, count):
    small, _ = cut(tokenizer, articles, count)
    # 100 letters are the longest word that any WordPiece tokenizer reads
    texts = [string.printable, string.ascii_letters, string.digits * 10, "x" * 100, *sample.test["text"][:100]]
    assert all(text.isascii() for text in texts)
    assert "[UNK]" not in {piece for text in texts for piece in small.tokenize(text)}
    assert small.tokenize("中") == ["[UNK]"]


def test_an_article_begins_and_ends_as_before(tokenizer, articles):
    small, _ = cut(tokenizer, articles, LEAST)
    assert (small.pad_token_id, small.unk_token_id, small.cls_token_id, small.sep_token_id) == (0, 1, 2, 3)
    assert small.mask_token_id == 4
    read = made_articles(["a b", "word " * 100], small, length=8)
    a, b = small.convert_tokens_to_ids(["a", "b"])
    assert read.input_ids[0].tolist() == [2, a, b, 3, 0, 0, 0, 0]
    assert read.attention_mask[0].tolist() == [1, 1, 1, 1, 0, 0, 0, 0]
    assert read.input_ids[1, [0, -1]].tolist() == [2, 3]  # cut off, with [SEP] kept


def test_the_whole_tokenizer_is_as_it_was(tokenizer, articles):
    cut(tokenizer, articles, LEAST)
    assert len(tokenizer) == 30_522
    assert np.array_equal(made_articles(TEXTS, tokenizer).input_ids, articles.input_ids)
