"""The runs of notebook 07's map (students of four sizes, teachers of five strengths) and of its batch sizes.

They are many, so each takes a third of the training articles and three seeds, and what is committed of them is one
table and whether each test article was predicted correctly, a bit each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..losses import DISTLoss, KLLoss
from ..models import SimplerCNN, WideCNN
from ..support.files import load_arrays, save_arrays, write_text
from .records import Record, published_folder
from .runs import TEACHER, Run
from .strong import ALL_RUNS, CNN_UNSEEN, MIXED, TFIDF_UNSEEN, UNSEEN

ROWS = 21_600  # a third of the training articles
SEEDS = 3
TABLE, BITS, SEARCH = "map.csv", "map.safetensors", "search.csv"
PARAMETERS = ("tau", "beta", "gamma")  # of DIST, that the search varies


# name -> pieces of the vocabulary, the student's dimensions, epochs (large students overfit sooner). No hashed pairs
SIZES: dict[str, tuple[int, dict[str, Any], int]] = {
    "10 thousand": (1_000, {"embedding_dim": 8, "channels": 16}, 8),
    "100 thousand": (4_000, {"embedding_dim": 20, "channels": 64}, 8),
    "1 million": (12_000, {"embedding_dim": 72, "channels": 160}, 4),
    "10 million": (30_000, {"embedding_dim": 288, "channels": 192}, 4),
}
# weakest first; all but the report's teacher are asked about articles that they did not train on
TAUGHT_BY = {"CNN-1": CNN_UNSEEN, "frozen BERT-VDCNN": TEACHER, "n-grams": TFIDF_UNSEEN, "fine-tuned": UNSEEN,
             "fine-tuned and n-grams": MIXED}  # fmt: skip
LOSSES: dict[str, dict[str, Any]] = {
    "KL": {"loss": KLLoss, "loss_args": {"alpha": 0.3, "tau": 2.0}},
    "DIST": {"loss": DISTLoss, "loss_args": {"beta": 2.0, "gamma": 2.0, "tau": 1.0}},
}


def map_name(size: str, teacher: str = "", loss: str = "labels") -> str:
    """The name of the run of that size, teacher and loss, as the tables above name them."""
    return "_".join(part.replace(" ", "_").lower() for part in ("map", size, teacher, loss) if part)


def _map_run(size: str, teacher: str = "", loss: str = "labels") -> Run:
    vocabulary, dimensions, epochs = SIZES[size]
    title = f"{size} parameters, {loss}" + (f", {teacher}" if teacher else "")
    taught = LOSSES[loss] | {"teacher": TAUGHT_BY[teacher]} if teacher else {}
    return Run(
        map_name(size, teacher, loss), title, WideCNN, epochs="wide_epochs", vocabulary=vocabulary, rows=ROWS,
        model_args=dimensions | {"buckets": 0, "masked": 0.0},
        training={"lr": 2e-3, "warmup": 0.05, "group_by_length": True, "patience": None, "epochs": epochs},
        seeds=SEEDS, group="map", **taught,
    )  # fmt: skip


MAP_RUNS = tuple(
    run
    for size in SIZES
    for run in (_map_run(size), *(_map_run(size, teacher, loss) for teacher in TAUGHT_BY for loss in LOSSES))
)

# intra compares the columns of a batch, so its size may matter; inter compares rows
BATCH_SIZES = (32, 128, 512)
RELATIONS: dict[str, dict[str, float]] = {"plain": {}, "inter": {"gamma": 0.0}, "intra": {"beta": 0.0}, "both": {}}


def batch_name(relation: str, batch: int) -> str:
    """The name of the run with that part of DIST and so many articles a step."""
    return f"batch_{batch}_{relation}"


def _batch_run(relation: str, batch: int) -> Run:
    dist = LOSSES["DIST"]["loss_args"] | RELATIONS[relation]
    taught: dict[str, Any] = {"loss": DISTLoss, "loss_args": dist, "teacher": TEACHER} if relation != "plain" else {}
    title = f"CNN-1 {relation}, {batch} articles a step"
    return Run(batch_name(relation, batch), title, SimplerCNN, epochs="small_student_epochs", rows=ROWS, group="search",
               training={"batch_size": batch}, seeds=SEEDS, **taught)  # fmt: skip


BATCH_RUNS = tuple(_batch_run(relation, batch) for batch in BATCH_SIZES for relation in RELATIONS)
CAPACITY_RUNS = {run.name: run for run in (*MAP_RUNS, *BATCH_RUNS)}


def with_teachers(runs: Mapping[str, Run]) -> dict[str, Run]:
    """The runs, and before them all that they need of :data:`agnews_utils.study.strong.ALL_RUNS`."""
    needed: dict[str, Run] = {}
    for run in runs.values():
        teachers = {name: ALL_RUNS[name] for name, _ in run.needs if name not in runs}
        needed |= with_teachers(teachers) if teachers else {}
        needed[run.name] = run
    return needed


def save_outcomes(records: Iterable[Record], folder: Path) -> None:
    """Writes what is committed of these runs: a table, and whether each test article was predicted correctly."""
    rows: list[tuple] = []
    bits: dict[str, np.ndarray] = {}
    for record in records:
        name, seed = record.run.name, record.seed
        rows.append((name, seed, record.parameters, record.validation_accuracy, record.test_accuracy))
        bits |= {"articles": np.array([len(record.correct)]), f"{name}:{seed}": np.packbits(record.correct)}
    columns = ["run", "seed", "parameters", "validation_accuracy", "test_accuracy"]
    save_arrays(bits, folder / BITS)
    write_text(folder / TABLE, pd.DataFrame(rows, columns=columns).round(6).to_csv(index=False))


def read_outcomes(folder: Path) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """The table of :func:`save_outcomes`, and whether each test article was correct (seeds, articles), by run.

    Raises:
        FileNotFoundError, ValueError: they are not there, or cannot be read.
    """
    table, bits = pd.read_csv(folder / TABLE), load_arrays(folder / BITS)
    articles, correct = int(bits["articles"][0]), {}
    for name, rows in table.groupby("run"):
        seeds = rows["seed"].tolist()
        whole = [np.unpackbits(bits[f"{name}:{seed}"], count=articles).astype(int) for seed in seeds]
        correct[str(name)] = pd.DataFrame(whole, index=seeds)
    return table, correct


def published_outcomes() -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """:func:`read_outcomes` of the committed full study."""
    return read_outcomes(published_folder())


def published_trials() -> pd.DataFrame:
    """The trials of the search that is committed: ``tau``, ``beta``, ``gamma`` and ``validation_accuracy`` of each."""
    return pd.read_csv(published_folder() / SEARCH)
