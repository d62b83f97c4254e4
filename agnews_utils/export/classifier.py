"""What every form of a student has in common: texts to tokens, tokens to logits, logits to probabilities."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from .words import WordPieces


class Classifier(ABC):
    """A student that answers.

    Attributes:
        card: what its file says of it: ``classes``, ``max_length``, ...
        tokens: texts to the numbers of their pieces, cut at the length that the student was trained with
    """

    card: dict[str, Any]
    tokens: WordPieces

    @abstractmethod
    def logits_of(self, tokens: Sequence[list[int]]) -> np.ndarray:
        """Logits (texts, classes) of tokenised texts."""

    def logits(self, texts: Sequence[str]) -> np.ndarray:
        """Logits (texts, classes).

        Raises:
            TypeError: one text, and not a sequence of texts.
        """
        if isinstance(texts, str):
            raise TypeError("Give a list of texts, also where it is one alone: [text].")
        return self.logits_of(self.tokens(texts))

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """Probabilities (texts, classes), calibrated by the card's temperature, where it has one.

        Raises:
            TypeError: one text, and not a sequence of texts.
        """
        logits = self.logits(texts) / self.card.get("temperature", 1)
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)
