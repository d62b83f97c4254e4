"""A trained student that answers about any text: NumPy and a tokenizer, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from .student_file import StudentFile, read_student

HASH_PRIME, HASH_BEFORE, HASH_AFTER = 2**31 - 1, 1_540_483_477, 1_000_003  # as in agnews_utils.models


class Student:
    """The forward pass of :class:`agnews_utils.models.WideCNN`, written once more for one text at a time.

    Args:
        file: its weights, vocabulary and card
    """

    def __init__(self, file: StudentFile):
        self.file, self.weights, self.card = file, file.weights, file.card
        self.convolutions = [
            (weight.shape[2], weight.transpose(2, 1, 0).reshape(-1, weight.shape[0]), self.weights[f"{name}.bias"])
            for name, weight in sorted((key.removesuffix(".weight"), value) for key, value in self.weights.items()
                                       if key.startswith("convs.") and key.endswith(".weight"))
        ]  # fmt: skip

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """BERT's uncased WordPiece with the student's vocabulary."""
        pieces = {piece: number for number, piece in enumerate(self.file.pieces)}
        tokenizer = Tokenizer(WordPiece(pieces, unk_token="[UNK]"))
        tokenizer.normalizer, tokenizer.pre_tokenizer = BertNormalizer(lowercase=True), BertPreTokenizer()
        return tokenizer

    def tokens(self, text: str) -> np.ndarray:
        """The numbers of the text's pieces, cut at the length that the student was trained with."""
        begin, end = self.file.pieces.index("[CLS]"), self.file.pieces.index("[SEP]")
        ids = self.tokenizer.encode(text, add_special_tokens=False).ids[: self.card["max_length"] - 2]
        return np.array([begin, *ids, end], np.int64)

    def logits(self, text: str) -> np.ndarray:
        """Logits (classes,) of one text."""
        ids = self.tokens(text)
        x = self.weights["embedding.weight"][ids]
        parts = [self._strongest(x, *convolution) for convolution in self.convolutions]
        if self.card["mean"]:
            parts.append(x.mean(axis=0))
        logits = self.weights["linear.weight"] @ np.concatenate(parts) + self.weights["linear.bias"]
        if "wide.weight" in self.weights:
            table = self.weights["wide.weight"]
            logits = logits + table[hashed_pairs(ids, len(table))].sum(axis=0)
        return logits

    @staticmethod
    def _strongest(x: np.ndarray, width: int, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
        """The maximum over positions of a convolution with ReLU: (positions, dim) to (channels,)."""
        padded = np.pad(x, ((width // 2, width // 2), (0, 0)))
        windows = np.concatenate([padded[offset : offset + len(x)] for offset in range(width)], axis=1)
        return np.maximum((windows @ weight).max(axis=0) + bias, 0)

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """Probabilities (texts, classes)."""
        logits = np.array([self.logits(text) for text in texts]).reshape(len(texts), len(self.card["classes"]))
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)


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
