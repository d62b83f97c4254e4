"""Articles as data sets, and batches of them by name: tokens, characters, cached features, the teacher's logits beside.

An item is a tuple, the label last; a batch is a dict of tensors by name (``"input_ids"``, ..., ``"labels"``). Data sets
give
whole batches too: slices of arrays, where stacking a batch's items one by one takes ten times as long.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from .data import fingerprint

if TYPE_CHECKING:
    import datasets

    from .features import CachedFeatures

Batch = dict[str, torch.Tensor]
# Conneau et al. 2017, section 3: 66 characters, plus padding, space and unknown: 69 tokens
CHARACTERS = string.ascii_lowercase + string.digits + "-,;.!?:'\"/|_#$%^&*~`+=<>()[]{}"
PAD, SPACE, UNKNOWN = 0, 1, 2
ALPHABET_SIZE = len(CHARACTERS) + 3
STRETCH = 50  # batches whose articles are sorted together by length


class ArticleDataset(Dataset):
    """What the data sets of articles have in common.

    Attributes:
        columns: names of an item's fields, ``"labels"`` last
        labels: int64 array (articles,)
        lengths: positions of each article, padding left out: (articles,); None where all have the same
    """

    columns: tuple[str, ...]
    labels: np.ndarray
    lengths: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple:
        raise NotImplementedError

    def __getitems__(self, rows: Sequence[int]) -> Batch:
        """The batch of these articles; PyTorch's loader asks for it before it asks for items."""
        return dict(zip(self.columns, collate([self[row] for row in rows]), strict=True))


class Articles(ArticleDataset):
    """Tokenised articles: an item is ``(input_ids, attention_mask, token_type_ids, label)``, arrays of (max_length,).

    Attributes:
        input_ids, attention_mask, token_type_ids: int32 arrays (articles, max_length)
        key: fingerprint of the texts, which names caches made from them
    """

    columns = ("input_ids", "attention_mask", "token_type_ids", "labels")
    lengths: np.ndarray

    def __init__(self, split: datasets.Dataset | Mapping[str, Sequence], tokenizer, max_length: int = 64):
        texts = list(split["text"])
        tokens = tokenizer(texts, padding="max_length", truncation=True, max_length=max_length, return_tensors="np")
        self.input_ids = tokens["input_ids"].astype(np.int32)
        self.attention_mask = tokens["attention_mask"].astype(np.int32)
        self.token_type_ids = np.zeros_like(self.input_ids)  # one segment an article
        self.labels = np.asarray(split["label"], dtype=np.int64)
        self.lengths = self.attention_mask.sum(axis=1)
        self.key = fingerprint(texts)

    def with_labels(self, labels: np.ndarray) -> Articles:
        """The same articles with other labels; :data:`agnews_utils.data.NO_LABEL` hides one."""
        other = copy(self)
        other.labels = np.asarray(labels, dtype=np.int64)
        return other

    def followed_by(self, more: Articles) -> Articles:
        """These articles and then those of ``more``, tokenised alike."""
        joined = copy(self)
        for name in (*self.columns, "lengths"):
            setattr(joined, name, np.concatenate([getattr(self, name), getattr(more, name)]))
        joined.key = fingerprint([self.key, more.key])
        return joined

    def __getitem__(self, index: int) -> tuple:
        return self.input_ids[index], self.attention_mask[index], self.token_type_ids[index], self.labels[index]

    def __getitems__(self, rows: Sequence[int]) -> Batch:
        return {name: torch.from_numpy(getattr(self, name)[rows]) for name in self.columns}


class CharArticles(ArticleDataset):
    """Articles as characters: item ``i`` is ``(characters, label)``, ``characters`` a uint8 array of its own length.

    Texts are lower-cased and cut at ``length``; a character outside the 69-symbol alphabet becomes "unknown".
    """

    columns = ("characters", "labels")

    def __init__(self, texts: Sequence[str], labels: Sequence[int], length: int = 1014):
        table = {character: number for number, character in enumerate(CHARACTERS, UNKNOWN + 1)}
        table |= dict.fromkeys(string.whitespace, SPACE)
        self.characters = [
            np.fromiter((table.get(c, UNKNOWN) for c in text.lower()[:length]), np.uint8) for text in texts
        ]
        self.labels = np.asarray(labels, dtype=np.int64)
        self.lengths = np.array([len(article) for article in self.characters])

    def __getitem__(self, index: int) -> tuple:
        return self.characters[index], self.labels[index]


class FeatureArticles(ArticleDataset):
    """Articles as cached features: item ``i`` is ``(features, attention_mask, label)``.

    ``features`` is float16 (max_length, hidden), zero at padding positions; ``attention_mask`` is int32 (max_length,).
    """

    columns = ("features", "attention_mask", "labels")

    def __init__(self, features: CachedFeatures, articles: Articles):
        self.features, self.labels, self.attention_mask = features, articles.labels, articles.attention_mask

    def __getitem__(self, index: int) -> tuple:
        batch = self.__getitems__([index])
        return batch["features"][0].numpy(), self.attention_mask[index], self.labels[index]

    def __getitems__(self, rows: Sequence[int]) -> Batch:
        mask = self.attention_mask[rows]
        padded = np.zeros((*mask.shape, self.features.hidden_size), np.float16)
        for place, row in enumerate(rows):
            article = self.features[row]
            padded[place, : len(article)] = article
        columns = (padded, mask, self.labels[rows])
        return {name: torch.from_numpy(column) for name, column in zip(self.columns, columns, strict=True)}


class ArticleSubset(ArticleDataset):
    """Some articles of a data set, labels and lengths with them."""

    def __init__(self, dataset: ArticleDataset, rows: Sequence[int] | np.ndarray):
        self.dataset, self.rows, self.columns = dataset, np.asarray(rows, dtype=np.int64), dataset.columns
        self.labels = dataset.labels[self.rows]
        self.lengths = None if dataset.lengths is None else dataset.lengths[self.rows]

    def __getitem__(self, index: int) -> tuple:
        return self.dataset[self.rows[index]]

    def __getitems__(self, rows: Sequence[int]) -> Batch:
        return self.dataset.__getitems__(self.rows[rows].tolist())


class WithTeacher(ArticleDataset):
    """A data set with the teacher's logits: an item is ``(*columns, teacher_logits, label)``.

    Raises:
        ValueError: not one row of logits an article, or logits that are not finite.
    """

    def __init__(self, dataset: ArticleDataset, teacher_logits: np.ndarray):
        if len(teacher_logits) != len(dataset):
            raise ValueError(
                f"There are {len(teacher_logits)} rows of teacher logits for {len(dataset)} articles: they belong to "
                "other data; make the teacher's logits again."
            )
        if not np.isfinite(teacher_logits).all():
            raise ValueError("The teacher logits hold NaN or infinite values: make the teacher's logits again.")
        self.dataset, self.teacher_logits = dataset, np.asarray(teacher_logits, np.float32)
        self.columns = (*dataset.columns[:-1], "teacher_logits", "labels")
        self.labels, self.lengths = dataset.labels, dataset.lengths

    def __getitem__(self, index: int) -> tuple:
        *columns, label = self.dataset[index]
        return *columns, self.teacher_logits[index], label

    def __getitems__(self, rows: Sequence[int]) -> Batch:
        return self.dataset.__getitems__(rows) | {"teacher_logits": torch.from_numpy(self.teacher_logits[rows])}


def collate(items: Sequence[tuple]) -> tuple[torch.Tensor, ...]:
    """Stacks the items' arrays column by column; the last column, the labels, becomes a long tensor.

    Arrays of one column may differ in length (characters, say): they are padded with zeros to the longest.
    """
    *columns, labels = zip(*items, strict=True)
    return *(torch.from_numpy(_stack(column)) for column in columns), torch.tensor(labels, dtype=torch.long)


def _stack(arrays: Sequence[np.ndarray]) -> np.ndarray:
    lengths = {len(array) for array in arrays}
    if len(lengths) == 1:
        return np.stack(arrays)
    stacked = np.zeros((len(arrays), max(lengths), *arrays[0].shape[1:]), arrays[0].dtype)
    for out, array in zip(stacked, arrays, strict=True):
        out[: len(array)] = array
    return stacked


class ShuffledBatches(Sampler):
    """Batches of row numbers in a new order every epoch.

    The order depends on (seed, epoch) alone, so a resumed run sees the same.

    With ``lengths``, batches hold articles of similar length, so there is little padding; their composition still
    changes every epoch. (Shuffled rows are sorted within stretches of :data:`STRETCH` batches, and the batches shuffled
    again.)

    A last batch of a single article is left out: neither batch normalisation nor DIST's intra relation is defined on
    it.
    """

    def __init__(self, size: int, batch_size: int, seed: int, lengths: np.ndarray | None = None):
        self.size, self.batch_size, self.seed, self.lengths = size, batch_size, seed, lengths
        self.epoch = 0

    def __len__(self) -> int:
        return self.size // self.batch_size + (self.size % self.batch_size > 1)

    def __iter__(self) -> Iterator[list[int]]:
        generator = np.random.default_rng([self.seed, self.epoch])
        order = generator.permutation(self.size)
        numbers = np.arange(len(self))
        if self.lengths is not None:
            stretch = STRETCH * self.batch_size
            stretches = (order[first : first + stretch] for first in range(0, self.size, stretch))
            order = np.concatenate([rows[np.argsort(self.lengths[rows], kind="stable")] for rows in stretches])
            numbers = generator.permutation(numbers)
        for number in numbers:
            yield order[number * self.batch_size : (number + 1) * self.batch_size].tolist()


def train_loader(dataset: ArticleDataset, batch_size: int, seed: int, group_by_length: bool = False) -> DataLoader:
    """Shuffled batches by name; set ``loader.batch_sampler.epoch`` before each epoch."""
    batches = ShuffledBatches(len(dataset), batch_size, seed, dataset.lengths if group_by_length else None)
    return DataLoader(dataset, batch_sampler=batches, collate_fn=_unchanged)


def eval_loader(dataset: ArticleDataset, batch_size: int) -> DataLoader:
    """Batches by name, in the data set's order."""
    return DataLoader(dataset, batch_size, collate_fn=_unchanged)


def _unchanged(batch: Any) -> Any:
    """The data sets give whole batches, so there is nothing left to collate."""
    return batch
