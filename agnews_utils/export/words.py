"""BERT's WordPiece with a memory: the pieces of a word are looked up once.

The tokenizer takes longer over a text than the student of 1 MB does. News uses the same words again and again, so that
a regular expression and a look-up do the same in a quarter of the time, once some thousand texts have been read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

KEPT = 2**15  # words, a few megabytes
LONGEST = 100  # characters: the tokenizer itself knows no longer word
PLAIN = re.compile(r"[\t\n\r -~]*")  # no accent, no control character: nothing here for the normaliser but case
WORD = re.compile(r"[a-z0-9]+|[!-/:-@\[-`{-~]")


class WordPieces:
    """Texts to numbers of pieces, as the uncased BERT's tokenizer gives them.

    Args:
        pieces: the vocabulary, in the order of its numbers
        max_length: pieces of a text at most, [CLS] and [SEP] included
    """

    def __init__(self, pieces: Sequence[str], max_length: int):
        numbers = {piece: number for number, piece in enumerate(pieces)}
        self.begin, self.end, self.room = numbers["[CLS]"], numbers["[SEP]"], max_length - 2
        self.tokenizer = Tokenizer(WordPiece(numbers, unk_token="[UNK]"))
        self.tokenizer.normalizer, self.tokenizer.pre_tokenizer = BertNormalizer(lowercase=True), BertPreTokenizer()
        self.known: dict[str, list[int]] = {}

    def __call__(self, texts: Sequence[str]) -> list[list[int]]:
        """The numbers of each text's pieces, [CLS] and [SEP] around them, cut at ``max_length``."""
        return [[self.begin, *self._text(text)[: self.room], self.end] for text in texts]

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The same by the tokenizer alone, which remembers nothing."""
        encoded = self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [[self.begin, *encoding.ids[: self.room], self.end] for encoding in encoded]

    def _text(self, text: str) -> list[int]:
        if not PLAIN.fullmatch(text):
            return self._encode(text)
        ids: list[int] = []
        for word in WORD.findall(text.lower())[: self.room]:  # a word has at least one piece
            found = self.known.get(word)
            ids += self._new(word) if found is None else found
        return ids

    def _new(self, word: str) -> list[int]:
        ids = self._encode(word)
        if len(word) <= LONGEST:
            if len(self.known) >= KEPT:
                self.known.clear()
            self.known[word] = ids
        return ids

    def _encode(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False).ids
