"""Run records: what is kept of a finished run, enough to redo the whole analysis without training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..settings import ROOT
from ..support.files import assert_readable, load_arrays
from ..training import TrainingArgs
from .runs import RUNS, Group, Run, from_disk

COMMITTED_RESULTS = ROOT / "data" / "results"
TEST_ROWS = "test_rows.csv"  # numbers about each test article of a study (analysis.articles)
# what a record must hold
METADATA = {"history", "seed", "best_epoch", "rows", "parameters", "recipe", "train_seconds", "machine"}
ARRAYS = {"logits", "labels", "validation_logits", "validation_labels"}
# all of a record that is committed; weights are not
RECORD_FILES = ("record.json", "test_logits.safetensors", "train_logits.safetensors")


@dataclass(frozen=True)
class Record:
    """What is kept of a finished run.

    Attributes:
        run, seed: which run
        metadata: the record file's content: settings, data, encoder, machine, parameters, seconds
        history: one row an epoch (see :class:`agnews_utils.training.TrainingResult`)
        test_logits: (test articles, classes), of the epoch selected on validation
        labels: (test articles,)
        validation_logits: (validation articles, classes), of the same epoch
        validation_labels: (validation articles,)
    """

    run: Run
    seed: int
    metadata: dict[str, Any]
    history: pd.DataFrame
    test_logits: np.ndarray
    labels: np.ndarray
    validation_logits: np.ndarray
    validation_labels: np.ndarray

    @property
    def predictions(self) -> np.ndarray:
        """Predicted class of each test article, by the validation-selected weights."""
        return self.test_logits.argmax(axis=1)

    @property
    def correct(self) -> np.ndarray:
        """Whether each test article was predicted correctly."""
        return self.predictions == self.labels

    @property
    def test_accuracy(self) -> float:
        """Test accuracy of the epoch selected on validation: the honest number."""
        return float(self.correct.mean())

    @property
    def validation_accuracy(self) -> float:
        """Validation accuracy of the selected epoch: what choices may be made by."""
        return float((self.validation_logits.argmax(axis=1) == self.validation_labels).mean())

    @property
    def best_test_accuracy(self) -> float:
        """The report's own protocol: the highest test accuracy of any epoch, so the test set selects."""
        return float(self.history["test_accuracy"].max()) if "test_accuracy" in self.history else self.test_accuracy

    @property
    def best_epoch(self) -> int:
        """The epoch (from 1) that validation selected."""
        return self.metadata["best_epoch"]

    @property
    def train_rows(self) -> int:
        """Articles that the run trained on."""
        return self.metadata["rows"]["train"]

    @property
    def parameters(self) -> int:
        """Parameters of the model, those of a frozen encoder before it left out."""
        return self.metadata["parameters"]

    @property
    def args(self) -> TrainingArgs:
        """How the run was trained."""
        return from_disk(self.metadata["recipe"])

    @property
    def train_seconds(self) -> float:
        """Seconds of training, evaluation left out."""
        return float(self.metadata["train_seconds"])

    @property
    def needed_share(self) -> float:
        """Share (0 to 1) of its epochs that choosing its weights took: some full runs go on, to show a whole curve."""
        epochs, patience = len(self.history), self.args.patience
        return min(self.best_epoch + patience, epochs) / epochs if epochs and patience is not None else 1.0

    @property
    def core_hours(self) -> float:
        """Hours of training and evaluation times the threads (on a processor) that worked."""
        seconds = self.train_seconds + self.history.get("eval_seconds", pd.Series([0.0])).sum()
        return float(seconds * self.metadata["machine"]["threads"] / 3600)


def read_record(folder: Path, run: Run) -> Record:
    """The record of ``run`` in its folder.

    Raises:
        ValueError: the record is cut off or lacks something; the message says what.
        OSError: it is there and cannot be read.
    """
    path = folder / "record.json"
    arrays = load_arrays(folder / "test_logits.safetensors")
    assert_readable(path)
    try:
        metadata = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as reason:
        raise ValueError(
            f"The run record {path} cannot be read ({reason}): delete its folder, and the run is made again."
        ) from reason
    there = metadata if isinstance(metadata, dict) else {}
    lacks = sorted((METADATA | ARRAYS) - set(there) - set(arrays))
    if lacks:
        raise ValueError(
            f"The run record in {folder} lacks {', '.join(lacks)}: another version of the course made it, or it is "
            "damaged; get it again with git, or move the folder away, and the run is made again."
        )
    logits = {name: arrays[name].astype(np.float32) for name in ("logits", "validation_logits")}
    labels = {name: arrays[name].astype(np.int64) for name in ("labels", "validation_labels")}
    history = pd.DataFrame(metadata["history"])
    return Record(run, metadata["seed"], metadata, history, test_logits=logits.pop("logits"), **logits, **labels)


def published_folder() -> Path:
    """The folder of the full study that is committed under ``data/results``; the one with the most records of several.

    Raises:
        FileNotFoundError: there is none.
    """
    folders = sorted({path.parent.parent for path in COMMITTED_RESULTS.glob("*-full/*/record.json")})
    if not folders:
        raise FileNotFoundError(
            f"There is no full study under {COMMITTED_RESULTS}: get it with git, or make one (make study, "
            "AGNEWS_PROFILE=full)."
        )
    return max(folders, key=lambda folder: len(list(folder.glob("*/record.json"))))


def published_records(runs: Mapping[str, Run] = RUNS) -> tuple[dict[str, list[Record]], str]:
    """All records of the full study that is committed under ``data/results``, by name, and what made them, in words.

    Args:
        runs: of which runs; a committed run that is none of them is left out

    Raises:
        FileNotFoundError: there is none.
        ValueError: a record cannot be read.
    """
    widest = published_folder()
    records: dict[str, list[Record]] = {}
    for name, run in runs.items():
        found = [read_record(path.parent, run) for path in widest.glob(f"{name}-seed*/record.json")]
        if found:
            records[name] = sorted(found, key=lambda record: record.seed)
    first = next(iter(records.values()))[0]
    data, encoder = first.metadata["data"]["title"], first.metadata["encoder"]["name"]
    return records, (f"{data}, {first.train_rows:,} training articles, encoder {encoder} (the published full study)")


def published_train_logits(name: str) -> np.ndarray:
    """A teacher's logits (training articles, classes) of the committed full study, its seed 0.

    Raises:
        FileNotFoundError: no full study, or none of this teacher, is committed.
    """
    path = next(published_folder().glob(f"{name}-seed0-*/{RECORD_FILES[2]}"), None)
    if path is None:
        raise FileNotFoundError(f"The committed full study holds no logits of {name} on the training articles.")
    return load_arrays(path)["logits"].astype(np.float32)


def in_groups(records: Mapping[str, list[Record]], *groups: Group) -> dict[str, list[Record]]:
    """The records of runs of these groups of the study (see :class:`agnews_utils.study.runs.Run`)."""
    return {name: runs for name, runs in records.items() if runs[0].run.group in groups}
