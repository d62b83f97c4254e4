"""Where runs are kept: a folder a run, its record committed or made here, and a lock while it is being made."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..support.files import load_arrays, save_arrays, write_text
from ..support.locks import locked
from .records import Record, read_record
from .runs import Run

WEIGHTS, RECORD, LOGITS = "best.safetensors", "record.json", "train_logits.safetensors"


class Store:
    """The runs of one study on disk. A run's ``key`` names its folder.

    Args:
        own: folder of what was made here
        committed: folder of what came with the project; its records have no weights
    """

    def __init__(self, own: Path, committed: Path):
        self.own, self.committed = own, committed
        self._records: dict[str, Record] = {}

    def folder(self, key: str) -> Path:
        """Where the run is, or would be, made here."""
        return self.own / key

    def found(self, key: str) -> Path | None:
        """The folder that holds the run's record: made here, else committed."""
        return next((parent / key for parent in (self.own, self.committed) if (parent / key / RECORD).exists()), None)

    def has_weights(self, key: str) -> bool:
        """Whether the run was made here and its weights are there."""
        return all((self.own / key / name).exists() for name in (WEIGHTS, RECORD))

    def record(self, key: str, run: Run) -> Record:
        """The record of a run that was found; it is read once.

        Raises:
            ValueError: it cannot be read.
        """
        if key not in self._records:
            self._records[key] = read_record(self.found(key) or self.folder(key), run)
        return self._records[key]

    def train_logits(self, key: str, name: str = "logits") -> np.ndarray | None:
        """A teacher's logits (articles, classes) of these texts; None where none were kept.

        Raises:
            ValueError: they cannot be read.
        """
        folder = self.found(key)
        if folder is None or not (folder / LOGITS).exists():
            return None
        arrays = load_arrays(folder / LOGITS)
        if "logits" not in arrays:
            raise ValueError(f"{folder / LOGITS} holds no logits: delete its folder, and the run is made again.")
        return arrays[name].astype(np.float32) if name in arrays else None

    def save_train_logits(self, key: str, logits: Mapping[str, np.ndarray]) -> None:
        """Keeps a teacher's logits by name (``"logits"`` are those of the training articles), rounded to float16."""
        save_arrays({name: values.astype(np.float16) for name, values in logits.items()}, self.folder(key) / LOGITS)

    def save(self, key: str, metadata: Mapping[str, Any], arrays: dict[str, np.ndarray]) -> None:
        """Keeps a finished run. Its record is written last: the record's presence says that the run is done."""
        folder = self.folder(key)
        save_arrays(arrays, folder / "test_logits.safetensors")
        write_text(folder / RECORD, json.dumps(metadata, indent=1))
        # of a process that was killed while writing: our own ….tmp, and the .tmp… that safetensors writes first
        for leftover in (folder / "last.pt", *folder.glob("*.tmp*")):
            leftover.unlink(missing_ok=True)

    @contextmanager
    def making(self, key: str, title: str, wait: bool) -> Iterator[bool]:
        """Holds the run's lock; gives whether the run is still to be made.

        Raises:
            filelock.Timeout: another process makes this run, and ``wait`` is false.
            OSError: see :func:`agnews_utils.support.locks.locked`.
        """
        folder = self.folder(key)
        say = partial(print, f"{title}: another process is making this run; waiting for it.", flush=True)
        with locked(folder / "lock", wait, say):
            yield not (folder / RECORD).exists()
