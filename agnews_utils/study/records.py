"""Run records: what is kept of a finished run, enough to redo the whole analysis without training."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import load_file, save_file

from ..settings import ROOT
from ..support.files import replace_whole
from .runs import RUNS, Run

COMMITTED_RESULTS = ROOT / "data" / "results"
# all of a record that is committed; weights are not
RECORD_FILES = ("record.json", "test_logits.safetensors", "train_logits.safetensors")


@dataclass(frozen=True)
class Record:
    """What is kept of a finished run: enough to redo the analysis without training.

    Attributes:
        run, seed: which run
        facts: the record file's content: settings, data, encoder, machine, parameters, seconds
        history: one row an epoch (see :class:`agnews_utils.training.Fit`)
        test_logits: (test rows, classes), of the epoch selected on validation
        labels: (test rows,)
        validation_logits: (validation rows, classes), of the same epoch
        validation_labels: (validation rows,)
    """

    run: Run
    seed: int
    facts: dict
    history: pd.DataFrame
    test_logits: np.ndarray
    labels: np.ndarray
    validation_logits: np.ndarray
    validation_labels: np.ndarray

    @property
    def predictions(self) -> np.ndarray:
        """Predicted class of each test row, by the validation-selected weights."""
        return self.test_logits.argmax(axis=1)

    @property
    def right(self) -> np.ndarray:
        """Whether each test row was predicted right."""
        return self.predictions == self.labels

    @property
    def test_accuracy(self) -> float:
        """Test accuracy of the epoch selected on validation: the honest number."""
        return float(self.right.mean())

    @property
    def best_test_accuracy(self) -> float:
        """The report's own protocol: the highest test accuracy of any epoch, so the test set selects."""
        return float(self.history["test_accuracy"].max()) if "test_accuracy" in self.history else self.test_accuracy

    @property
    def train_seconds(self) -> float:
        """Seconds of training, evaluation left out."""
        return float(self.facts["train_seconds"])

    @property
    def core_hours(self) -> float:
        """Hours of training and evaluation times the threads (on a processor) that worked."""
        seconds = self.train_seconds + self.history.get("eval_seconds", pd.Series([0.0])).sum()
        return float(seconds * self.facts["machine"]["threads"] / 3600)


def read_record(folder: Path) -> Record:
    """A record from its folder.

    Raises:
        ValueError: the record is damaged.
    """
    try:
        facts = json.loads((folder / "record.json").read_text(encoding="utf-8"))
        arrays = load_file(folder / "test_logits.safetensors")
        run = Run(**{field.name: facts["run"][field.name] for field in fields(Run) if field.name in facts["run"]})
        history = pd.DataFrame(facts["history"])
        logits, validation = (arrays[name].astype(np.float32) for name in ("logits", "validation_logits"))
        labels, validation_labels = (arrays[name].astype(np.int64) for name in ("labels", "validation_labels"))
        seed = facts["seed"]
    except Exception as reason:
        raise ValueError(
            f"The run record in {folder} is damaged: delete the folder, and the run is made again."
        ) from reason
    return Record(run, seed, facts, history, logits, labels, validation, validation_labels)


def read_records(folder: Path) -> dict[str, list[Record]]:
    """All finished runs in ``folder``: name to records by seed, in the study's order."""
    found = [read_record(path.parent) for path in folder.glob("*/record.json")]
    order = list(RUNS)
    found.sort(key=lambda r: (order.index(r.run.name) if r.run.name in order else len(order), r.seed))
    records: dict[str, list[Record]] = {}
    for record in found:
        records.setdefault(record.run.name, []).append(record)
    return records


def save_arrays(arrays: dict[str, np.ndarray], path: Path) -> None:
    """Arrays in safetensors, written whole or not at all."""
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    replace_whole(path, lambda aside: save_file(whole, aside))
