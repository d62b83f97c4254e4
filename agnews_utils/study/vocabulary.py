"""A smaller vocabulary for a smaller student: the pieces that the training texts use most."""

from __future__ import annotations

import json
import string
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")  # they keep these numbers in every cut vocabulary
CHARACTERS = string.ascii_lowercase + string.digits + string.punctuation


def most_frequent(tokenizer, input_ids: np.ndarray, count: int) -> np.ndarray:
    """Numbers of ``count`` pieces, or of all if there are fewer, in the order of their new numbers.

    They are the special ones, single ASCII characters, then the most frequent in ``input_ids``.
    With every character there, a word whose own piece was cut is still read, in shorter pieces.

    Args:
        tokenizer: a WordPiece tokenizer
        input_ids: tokens of the training texts, (articles, positions)

    Raises:
        ValueError: ``count`` is too small for special pieces and characters.
    """
    numbers = tokenizer.get_vocab()
    first = [*SPECIAL, *CHARACTERS, *(f"##{character}" for character in CHARACTERS)]
    always = [numbers[piece] for piece in first if piece in numbers]
    if count < len(always):
        raise ValueError(f"A vocabulary of {count} has no room for the characters: {len(always)} is the least.")
    counts = np.bincount(input_ids.reshape(-1), minlength=len(numbers)).astype(np.int64)
    counts[always] = -1
    rest = np.argsort(-counts, kind="stable")[: len(numbers) - len(always)]  # ties go to the lower number
    return np.array([*always, *rest[: count - len(always)]])


def cut_tokenizer(tokenizer, pieces: np.ndarray) -> PreTrainedTokenizerFast:
    """The tokenizer with these pieces alone, numbered in their order."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    settings = json.loads(tokenizer.backend_tokenizer.to_str())
    names = tokenizer.convert_ids_to_tokens(pieces.tolist())
    numbers = {name: number for number, name in enumerate(names)}
    settings["model"]["vocab"] = numbers
    settings["added_tokens"] = [token | {"id": numbers[token["content"]]} for token in settings["added_tokens"]]
    around = settings["post_processor"]  # puts [CLS] and [SEP] around a text: a template, or BERT's own
    for name, token in around.get("special_tokens", {}).items():
        token["ids"] = [numbers[name]]
    around |= {name: [around[name][0], numbers[around[name][0]]] for name in ("cls", "sep") if name in around}
    cut = Tokenizer.from_str(json.dumps(settings))
    pad, unknown, begin, end, mask = SPECIAL
    return PreTrainedTokenizerFast(
        tokenizer_object=cut, pad_token=pad, unk_token=unknown, cls_token=begin, sep_token=end, mask_token=mask
    )
