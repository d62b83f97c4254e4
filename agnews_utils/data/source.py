"""What a source of articles is, and the fingerprints by which its articles are known."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from ..settings import CLASS_NAMES

NO_LABEL = -100  # of a text whose class is not known; PyTorch's cross-entropy leaves such rows out


@dataclass(frozen=True)
class Source:
    """Where the articles came from, with the articles themselves.

    ``train`` and ``test`` are frames of ``text`` (title + " " + description, stripped) and ``label`` (0 to k - 1, a
    place in ``classes``).
    """

    key: str  # names the data in folder names: runs of different data never mix
    title: str  # names the data on figures and in tables
    notes: tuple[str, ...]  # one line a file: form, columns, rows, MD5 or fingerprint, classes
    train: pd.DataFrame
    test: pd.DataFrame
    folder: Path | None = None  # where further texts may lie beside the two files
    classes: tuple[str, ...] = CLASS_NAMES  # the k classes' names; a label is a place in them
    first_class: int = 1  # what class numbers in the folder's files count from, 0 or 1

    @property
    def is_sample(self) -> bool:
        return self.key == "sample"

    def within(self, folder: Path, first_class: int = 1) -> Source:
        """The same source of a folder, whose further files count classes as its training file does."""
        return replace(self, folder=folder, first_class=0 if first_class == 0 else 1)

    def __str__(self) -> str:
        return "\n".join([self.title, *("  " + note for note in self.notes)])


def fingerprint(*columns: Iterable) -> str:
    """Hex digest (16 digits) of rows in their order, the same on every machine."""
    digest = hashlib.sha256()
    for column in columns:
        digest.update("".join(f"{value}\x1f" for value in column).encode())
        digest.update(b"\x1e")
    return digest.hexdigest()[:16]
