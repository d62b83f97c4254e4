"""A trained student that answers about any text: NumPy and a tokenizer, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .classifier import Classifier
from .student_file import StudentFile, convolutions, read_student
from .words import WordPieces

HASH_PRIME, HASH_BEFORE, HASH_AFTER = 2**31 - 1, 1_540_483_477, 1_000_003  # as in agnews_utils.models
# multiplications of one matrix product: OpenBLAS shares out larger ones, and on a busy machine waiting for its other
# threads can take a hundred times as long as the product itself
ONE_THREAD = 4 * 2**16
BATCH = 32  # texts that are computed together: with more, the windows of a convolution leave the processor's cache


class Student(Classifier):
    """The forward pass of :class:`agnews_utils.models.WideCNN`, written once more, without padding.

    The tokens of all texts of a batch stand in one row, one text after the other.

    Args:
        file: its weights, vocabulary and card
    """

    def __init__(self, file: StudentFile):
        self.file, self.card = file, file.card
        self.tokens = WordPieces(file.pieces, self.card["max_length"])
        self.convolutions = []  # width, weights (width * dim, channels), bias
        for name in convolutions(file.arrays):
            weight, bias = file.floats(f"{name}.weight"), file.floats(f"{name}.bias")
            width, channels = weight.shape[2], weight.shape[0]
            self.convolutions.append((width, weight.transpose(2, 1, 0).reshape(-1, channels), bias))
        self.linear = file.floats("linear.weight"), file.floats("linear.bias")

    def logits_of(self, tokens: Sequence[list[int]]) -> np.ndarray:
        """Logits (texts, classes) of tokenised texts."""
        parts = [self._batch(tokens[first : first + BATCH]) for first in range(0, len(tokens), BATCH)]
        return np.concatenate([np.empty((0, len(self.card["classes"])), np.float32), *parts])

    def _batch(self, tokens: Sequence[list[int]]) -> np.ndarray:
        lengths = np.array([len(text) for text in tokens])
        starts, ids = np.cumsum(lengths) - lengths, np.concatenate(tokens)
        x = self.file.floats("embedding.weight", ids)
        parts = [self._strongest(x, starts, *convolution) for convolution in self.convolutions]
        if self.card["mean"]:
            parts.append(np.add.reduceat(x, starts) / lengths[:, None].astype(np.float32))
        weight, bias = self.linear
        logits = np.concatenate(parts, axis=1) @ weight.T + bias
        return logits + self._wide(ids, starts) if "wide.weight" in self.file.arrays else logits

    @staticmethod
    def _strongest(x: np.ndarray, starts: np.ndarray, width: int, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
        """The maximum over a text's positions of a convolution with ReLU: (positions, dim) to (texts, channels)."""
        around = width // 2  # zeros before the first text, between two, and after the last
        texts = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(x)))
        places = np.arange(len(x)) + around * (texts + 1)
        padded = np.zeros((len(x) + around * (len(starts) + 1), x.shape[1]), np.float32)
        padded[places] = x
        windows = np.concatenate([padded[places + offset - around] for offset in range(width)], axis=1)
        return np.maximum(np.maximum.reduceat(in_blocks(windows, weight), starts) + bias, 0)

    def _wide(self, ids: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """What every token and every pair of neighbours of a text says by itself: (texts, classes)."""
        hashed = hashed_pairs(ids, len(self.file.arrays["wide.weight"]))
        found = self.file.floats("wide.weight", hashed)
        alone, with_the_one_before = found[: len(ids)], np.zeros((len(ids), found.shape[1]), np.float32)
        with_the_one_before[1:] = found[len(ids) :]
        with_the_one_before[starts] = 0  # that one is another text's
        return np.add.reduceat(alone + with_the_one_before, starts)


def in_blocks(rows: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """``rows @ weight``, a few rows at a time: (rows, n) and (n, columns) to (rows, columns)."""
    count = max(1, ONE_THREAD // weight.size)
    return np.concatenate([rows[first : first + count] @ weight for first in range(0, max(len(rows), 1), count)])


def hashed_pairs(ids: np.ndarray, buckets: int) -> np.ndarray:
    """The bucket of each token and of each pair of neighbours (see :func:`agnews_utils.models.hashed_pairs`)."""
    pairs = np.concatenate([ids * HASH_AFTER, ids[:-1] * HASH_BEFORE + ids[1:] * HASH_AFTER])
    return 1 + pairs % HASH_PRIME % (buckets - 1)


def load_student(path: str | Path) -> Student:
    """The student of a file.

    Raises:
        FileNotFoundError, ValueError: see :func:`agnews_utils.export.student_file.read_student`.
    """
    return Student(read_student(Path(path)))
