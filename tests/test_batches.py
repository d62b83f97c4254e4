"""Data sets, collate, batches by name and their order."""

from __future__ import annotations

import string
from itertools import chain

import numpy as np
import pytest
import torch
from helpers import made_articles

from agnews_utils import models
from agnews_utils.batches import (
    ALPHABET_SIZE,
    CHARACTERS,
    PAD,
    SPACE,
    UNKNOWN,
    ArticleDataset,
    ArticleSubset,
    CharArticles,
    ShuffledBatches,
    WithTeacher,
    collate,
    eval_loader,
    train_loader,
)
from agnews_utils.data import NO_LABEL


def test_tokenised_items(tokenizer):
    texts = ["Short one", "word " * 100]
    articles = made_articles(texts, tokenizer, labels=[3, 1])
    ids, mask, segments, label = articles[0]
    assert tokenizer.convert_ids_to_tokens(ids[:5]) == ["[CLS]", "short", "one", "[SEP]", "[PAD]"]
    assert mask.tolist() == [1] * 4 + [0] * 60
    assert segments.tolist() == [0] * 64
    assert label == 3
    assert len(articles) == 2
    assert articles.attention_mask[1].sum() == 64  # cut, with [SEP] kept
    assert tokenizer.convert_ids_to_tokens([articles.input_ids[1][-1]]) == ["[SEP]"]


def test_other_labels_are_of_the_same_articles(tokenizer):
    articles = made_articles(["one", "two words", "three small words"], tokenizer, labels=[0, 3, 1])
    hidden = articles.with_labels([0, NO_LABEL, 2])
    assert hidden.labels.tolist() == [0, -100, 2]
    assert hidden.labels.dtype == np.int64
    assert articles.labels.tolist() == [0, 3, 1]  # the original is as it was
    np.testing.assert_array_equal(hidden.input_ids, articles.input_ids)
    assert hidden.key == articles.key  # a cache of features, which is made from texts alone, serves both
    assert next(iter(eval_loader(hidden, 3)))["labels"].tolist() == [0, -100, 2]


def test_articles_followed_by_others(tokenizer):
    texts, labels = ["one", "two words", "three small words", "a", "of the rest"], [0, 3, 1, NO_LABEL, 2]
    first, more = (made_articles(texts[rows], tokenizer, labels=labels[rows]) for rows in (slice(2), slice(2, 5)))
    joined, whole = first.followed_by(more), made_articles(texts, tokenizer, labels=labels)
    assert len(joined) == 5
    for name in ("input_ids", "attention_mask", "token_type_ids", "labels", "lengths"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(whole, name), name)
    assert joined.lengths.tolist() == [3, 4, 5, 3, 5]
    # nothing is joined in place
    assert (len(first), len(more)) == (2, 3)
    assert first.lengths.tolist() == [3, 4]


def test_joined_articles_have_a_key_of_their_own(tokenizer):
    first, more = made_articles(["one", "two words"], tokenizer), made_articles(["three"], tokenizer)
    keys = [first.key, more.key, first.followed_by(more).key, more.followed_by(first).key]
    assert len(set(keys)) == 4
    assert first.followed_by(more).key == keys[2]


def test_collate_stacks(tokenizer):
    articles = made_articles(["one", "two words", "three small words"], tokenizer, labels=[0, 3, 1])
    ids, mask, segments, labels = collate([articles[i] for i in range(3)])
    assert ids.shape == mask.shape == segments.shape == (3, 64)
    assert labels.dtype == torch.long
    assert labels.tolist() == [0, 3, 1]
    assert ids.dtype == mask.dtype == torch.int32
    np.testing.assert_array_equal(ids, articles.input_ids)


def test_collate_fills_up_shorter_rows_with_zeros():
    items = [(np.array([5, 6, 7], np.uint8), np.int64(1)), (np.array([8], np.uint8), np.int64(0))]
    characters, labels = collate(items)
    assert characters.tolist() == [[5, 6, 7], [8, 0, 0]]
    assert characters.dtype == torch.uint8
    assert labels.dtype == torch.long


class Numbers(ArticleDataset):
    """Items ``(its own number, 0)``, so that a batch shows its order."""

    columns = ("number", "labels")

    def __init__(self, size):
        self.labels = np.zeros(size, int)

    def __getitem__(self, index):
        return np.array([index]), 0


def order_of(loader, epoch=1):
    loader.batch_sampler.epoch = epoch
    return [batch["number"].flatten().tolist() for batch in loader]


def test_train_loader_is_seeded():
    first, second, other = (order_of(train_loader(Numbers(50), 8, seed)) for seed in (3, 3, 4))
    assert first == second != other
    loader = train_loader(Numbers(50), 8, 3)
    assert order_of(loader, 1) == first != order_of(loader, 2)
    assert (
        order_of(loader, 1) == first
    )  # an epoch's order does not depend on those before it: a resumed run sees the same


def test_train_loader_shows_every_article_once_an_epoch():
    batches = order_of(train_loader(Numbers(50), 8, 0))
    assert sorted(chain.from_iterable(batches)) == list(range(50))
    assert [len(batch) for batch in batches] == [8] * 6 + [2]


def test_train_loader_does_not_touch_the_global_random_state():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    list(ShuffledBatches(100, 8, 5, np.arange(100)))
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(("size", "batches"), [(17, [8, 8]), (16, [8, 8]), (18, [8, 8, 2])])
def test_a_last_batch_of_one_article_is_dropped(size, batches):
    assert [len(batch) for batch in order_of(train_loader(Numbers(size), 8, 0))] == batches


class OfLengths(Numbers):
    """The same, each article of a length of its own."""

    def __init__(self, size):
        super().__init__(size)
        self.lengths = np.random.default_rng(1).integers(5, 60, size)


def test_grouped_batches_hold_articles_of_like_length():
    dataset = OfLengths(1000)
    plain, group_by_length = (
        order_of(train_loader(dataset, 10, 0, group_by_length=group_by_length)) for group_by_length in (False, True)
    )
    assert sorted(chain.from_iterable(group_by_length)) == list(range(1000))
    spread = [np.mean([np.ptp(dataset.lengths[batch]) for batch in batches]) for batches in (plain, group_by_length)]
    assert spread[1] < 0.1 * spread[0]
    # neither short articles first nor the same company every epoch
    means = [np.mean(dataset.lengths[batch]) for batch in group_by_length]
    assert abs(np.corrcoef(means, range(len(means)))[0, 1]) < 0.3
    other = order_of(train_loader(dataset, 10, 0, group_by_length=True), 2)
    assert {frozenset(batch) for batch in group_by_length} != {frozenset(batch) for batch in other}
    assert order_of(train_loader(dataset, 10, 0, group_by_length=True)) == group_by_length


@pytest.mark.parametrize(("size", "batches"), [(17, [8, 8]), (18, [2, 8, 8])])
def test_grouped_batches_drop_a_lonely_article_too(size, batches):
    assert (
        sorted(len(batch) for batch in order_of(train_loader(OfLengths(size), 8, 0, group_by_length=True))) == batches
    )


def test_first_rows_keep_labels_and_lengths():
    articles = CharArticles(["a" * (i + 1) for i in range(6)], [0, 1, 2, 3, 0, 1])
    part = ArticleSubset(articles, range(3))
    assert len(part) == 3
    assert part.labels.tolist() == [0, 1, 2]
    assert part.lengths.tolist() == [1, 2, 3]
    assert [item[1] for item in part] == [0, 1, 2]


def test_eval_loader_keeps_order_and_every_article():
    batches = [batch["number"].flatten().tolist() for batch in eval_loader(Numbers(17), 8)]
    assert list(chain.from_iterable(batches)) == list(range(17))


# --- batches by name


def datasets_of(tokenizer):
    texts = ["one", "two words", "three small words", "a"]
    tokens, characters = made_articles(texts, tokenizer), CharArticles(texts, [0, 1, 2, 3])
    logits = np.arange(16, dtype=np.float32).reshape(4, 4)
    yield from (tokens, characters, ArticleSubset(tokens, [3, 0, 2]), ArticleSubset(characters, range(2)))
    yield from (WithTeacher(tokens, logits), WithTeacher(ArticleSubset(characters, range(4)), logits))


def test_a_sliced_batch_equals_the_collated_items(tokenizer):
    for dataset in datasets_of(tokenizer):
        rows = [1, 0]
        batch, columns = dataset.__getitems__(rows), collate([dataset[row] for row in rows])
        assert list(batch) == list(dataset.columns) or set(batch) == set(dataset.columns)
        for name, column in zip(dataset.columns, columns, strict=True):
            assert batch[name].dtype == column.dtype
            assert torch.equal(batch[name], column), name


def test_the_teachers_logits_travel_by_name(tokenizer):
    *_, dataset = datasets_of(tokenizer)
    batch = next(iter(eval_loader(dataset, 2)))
    assert batch["teacher_logits"].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert batch["labels"].tolist() == [0, 1]


# --- characters


def test_alphabet_is_the_papers():
    assert ALPHABET_SIZE == 69
    assert len(CHARACTERS) == len(set(CHARACTERS)) == 66
    assert set(string.ascii_lowercase + string.digits) <= set(CHARACTERS)
    assert len({PAD, SPACE, UNKNOWN} | set(range(3, 69))) == 69
    assert models.CharVDCNN().embedding.weight.shape == (69, 16)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Az 09-", [3, 28, 1, 29, 38, 39]),  # lower-cased letters from 3, digits from 29, then punctuation
        ("aZ\tb\n", [3, 28, 1, 4, 1]),
        ("aé中@", [3, 2, 2, 2]),
        ("abcdefghijkl", [3, 4, 5, 6, 7, 8, 9, 10]),  # cut at 8
    ],
)
def test_characters_are_numbered(text, numbers):
    articles = CharArticles([text], [2], length=8)
    characters, label = articles[0]
    assert characters.tolist() == numbers
    assert characters.dtype == np.uint8
    assert label == 2
    assert articles.lengths.tolist() == [len(numbers)]
