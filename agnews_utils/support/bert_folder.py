"""The folder of a BERT: what must be there, said by file before anything is computed, and a digest of all of it."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .files import assert_readable, sha256_of

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
VOCABULARIES = ("tokenizer.json", "vocab.txt")  # either is enough for a tokenizer
# beside the weights, all that an encoder's numbers depend on
TOKENIZER_SETTINGS = "tokenizer_config.json"
SETTINGS = ("config.json", *VOCABULARIES, TOKENIZER_SETTINGS, "special_tokens_map.json", "added_tokens.json")
FILES = [*SETTINGS, WEIGHTS, INDEX, "model-*.safetensors"]  # all that is downloaded of a hub's encoder
# sizes, as transformers' BertConfig has them where a file names none
DEFAULTS = {
    "hidden_size": 768, "vocab_size": 30_522, "max_position_embeddings": 512, "num_hidden_layers": 12,
    "num_attention_heads": 12, "intermediate_size": 3072,
}  # fmt: skip


# what a BERT's tokenizer does to a text first, as transformers has it where no file says otherwise
NORMALIZER = {"lowercase": True, "strip_accents": None, "handle_chinese_chars": True}


def read_json(path: Path) -> dict[str, Any]:
    """A file that holds one JSON object, with or without a byte order mark.

    Raises:
        ValueError: it holds none; the message names the file.
        OSError: it cannot be read.
    """
    assert_readable(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as reason:  # of JSON and of UTF-8
        raise ValueError(f"{path} is no JSON ({reason}): it is cut off or damaged; get it anew.") from reason
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds no JSON object: it is not the file of that name that a model has; get it anew.")
    return content


def read_config(folder: Path) -> dict[str, Any]:
    """``config.json`` of a BERT, transformers' defaults of :data:`DEFAULTS` included.

    Raises:
        ValueError: it is damaged, of another kind of model, or a size in it is no positive whole number.
    """
    path = folder / "config.json"
    config = DEFAULTS | read_json(path)
    if (kind := config.get("model_type")) != "bert":
        raise ValueError(f"{path} is of a {kind!r} model; this project reads BERT models only.")
    for name in DEFAULTS:
        if not isinstance(config[name], int) or config[name] < 1:
            raise ValueError(f"{path}: {name} is {config[name]!r}, not a positive whole number; get the file anew.")
    return config


def weight_files(folder: Path) -> list[Path]:
    """The files of the weights: ``model.safetensors``, or the shards that its index names, in order of name.

    Raises:
        ValueError: there is neither, or the index is damaged.
    """
    if (folder / WEIGHTS).is_file() or not (folder / INDEX).is_file():
        return [folder / WEIGHTS]
    shards = read_json(folder / INDEX).get("weight_map")
    names = set(shards.values()) if isinstance(shards, dict) else set()
    if not names or not all(isinstance(name, str) and Path(name).name == name for name in names):
        raise ValueError(f"{folder / INDEX} names no files of weights (weight_map): it is damaged; get it anew.")
    return [folder / name for name in sorted(names)]


def missing_file(folder: Path) -> str | None:
    """The name of a file that the folder lacks; None if everything that is needed is there.

    Raises:
        ValueError: the index of the shards is damaged.
    """
    if not (folder / "config.json").is_file():
        return "config.json"
    for path in weight_files(folder):
        if not path.is_file():
            return path.name
    if not any((folder / name).is_file() for name in VOCABULARIES):
        return " or ".join(VOCABULARIES)
    if not (folder / TOKENIZER_SETTINGS).is_file() and not _reads_by_default(folder):
        return TOKENIZER_SETTINGS
    return None


def _reads_by_default(folder: Path) -> bool:
    """Whether the tokenizer writes texts small and without accents before it splits them.

    That is what transformers does where no ``tokenizer_config.json`` says otherwise, whatever ``tokenizer.json`` says.
    A vocabulary for texts as they are has pieces with capitals or accents.

    Raises:
        ValueError: ``tokenizer.json`` is damaged.
    """
    own, vocabulary = (folder / name for name in VOCABULARIES)
    if own.is_file():
        normalizer = read_json(own).get("normalizer")
        if isinstance(normalizer, dict) and normalizer.get("type") == "BertNormalizer":
            return all(normalizer.get(name, value) == value for name, value in NORMALIZER.items())
        return False
    pieces = vocabulary.read_text(encoding="utf-8", errors="replace").splitlines()
    return all(piece == _small(piece) for piece in pieces if not piece.startswith("["))


def _small(piece: str) -> str:
    """A piece in small letters without accents."""
    apart = unicodedata.normalize("NFD", piece.lower())
    return "".join(one for one in apart if unicodedata.category(one) != "Mn")


def digest_of(paths: Iterable[Path]) -> str:
    """Hex SHA-256 of files that are there: of the one file's bytes, or of the names and SHA-256 of several."""
    there = [path for path in paths if path.is_file()]
    if len(there) == 1:
        return sha256_of(there[0])
    return hashlib.sha256("\n".join(f"{path.name} {sha256_of(path)}" for path in there).encode()).hexdigest()


def digest_of_settings(folder: Path) -> str:
    """Hex SHA-256 of ``config.json`` and the tokenizer's files."""
    return digest_of(folder / name for name in SETTINGS)
