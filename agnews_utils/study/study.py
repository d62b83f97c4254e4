"""The study: ask for any run by name, and it is loaded if it is there, else trained."""

from __future__ import annotations

import inspect
import json
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from ..baselines import Baseline
from ..batches import ArticleDataset, ArticleSubset, WithTeacher
from ..data import fingerprint
from ..models import count_parameters
from ..settings import Settings, read_settings
from ..support.files import load_weights
from ..support.runtime import machine
from ..training import TrainingArgs, TrainingResult, fit, predict, seed_everything
from .inputs import SPLITS, Inputs
from .records import COMMITTED_RESULTS, Record, published_records
from .runs import RUNS, Group, Run, to_disk
from .store import WEIGHTS, Store

STUDY_VERSION = 2  # raise it when a change makes the same settings give other numbers: older runs are then made again


class Study:
    """The study at one setting of profile, data and encoder.

    Attributes:
        inputs: the articles and what models read of them (:class:`agnews_utils.study.inputs.Inputs`)
        store: finished runs on disk (:class:`agnews_utils.study.store.Store`)
        runs: the runs by name; :meth:`add` adds one of your own
    """

    def __init__(self, settings: Settings | None = None):
        self.settings = settings or read_settings()
        self.inputs = Inputs(self.settings)
        self.runs = dict(RUNS)

    @cached_property
    def key(self) -> str:
        """Folder name of this data, encoder and profile."""
        return f"{self.inputs.source.key}-{self.inputs.encoder_files.name.lower()}-{self.settings.profile.name}"

    @cached_property
    def store(self) -> Store:
        return Store(self.settings.work / "runs" / self.key, COMMITTED_RESULTS / self.key)

    @property
    def data_title(self) -> str:
        """Which articles made the numbers, in words, for what no encoder had a part in."""
        return f"{self.inputs.source.title}, {len(self.inputs.splits['train']):,} training articles"

    @property
    def title(self) -> str:
        """What made the numbers, in words, for figures and tables."""
        return f"{self.data_title}, encoder {self.inputs.encoder_files.name}"

    @property
    def output(self) -> Path:
        """Folder of the notebooks, figures and tables of this study; ignored by git."""
        return self.settings.output / self.key

    @property
    def figures(self) -> Path:
        return self.output / "figures"

    def __str__(self) -> str:
        files = self.inputs.encoder_files
        return f"{self.settings}\n{self.inputs.source}\nencoder: {files.name} (weights {files.weights}), frozen"

    def add(self, run: Run) -> None:
        """Adds a run of your own, which is then made, kept and found as any other.

        Raises:
            ValueError: the name is another run's, or the teacher is no run.
        """
        if self.runs.get(run.name, run) != run:
            raise ValueError(f"There is another run {run.name!r}: give yours a name of its own.")
        if run.teacher is not None and run.teacher not in self.runs:
            raise ValueError(f"The teacher {run.teacher!r} of {run.name!r} is no run: add it first.")
        self.runs[run.name] = run

    def run(self, name: str) -> Run:
        """The run of that name.

        Raises:
            KeyError: there is none.
        """
        if name not in self.runs:
            raise KeyError(f"There is no run {name!r} in the study; there are {', '.join(self.runs)}.")
        return self.runs[name]

    def plan(self) -> list[tuple[str, int]]:
        """Every (run, seed) of the study at this profile that can be made here, teachers before their students.

        ``quick`` leaves out what only the full study asks; ``smoke`` tries everything, most of it with one seed.
        """
        profile, plan = self.settings.profile, []
        for run in self.runs.values():
            if not run.can_be_made or (profile.name == "quick" and not run.in_course):
                continue
            several = run.in_course and run.epochs == "small_student_epochs"  # cheap enough for several in any profile
            count = run.seeds if profile.name == "full" else profile.seeds if several else 1
            plan += [(run.name, seed) for seed in range(count)]
        return plan

    def seeds(self, name: str) -> list[int]:
        """The seeds of a run that a notebook asks for.

        In ``full``, a notebook makes seed 0 of the course's runs only, and shows the others, and the runs beyond the
        course, once ``make study`` has made them.
        """
        run = self.run(name)
        if self.settings.profile.name != "full":
            return [seed for planned, seed in self.plan() if planned == name]
        made_here = [0] if run.in_course else []
        return sorted({*made_here, *(seed for seed in range(run.seeds) if self.found(name, seed))})

    def training_args(self, name: str, seed: int = 0) -> TrainingArgs:
        """How the run trains at this profile: seed 0 of the report's models trains all epochs, for whole curves."""
        run, profile = self.run(name), self.settings.profile
        usual = {
            "epochs": getattr(profile, run.epochs),
            "lr": self.settings.lr,
            "batch_size": self.settings.batch_size,
            "patience": profile.patience,
            "keep_training": seed == 0 and run.group == "report" and run.inputs != "characters",
        }
        return TrainingArgs(**usual | run.training)

    def run_key(self, name: str, seed: int = 0) -> str:
        """Name of the run's folder; it ends in a digest of all that its numbers depend on."""
        spec = self._spec(self.run(name), seed)
        return f"{name}-seed{seed}-{fingerprint([json.dumps(spec, sort_keys=True)])[:8]}"

    def _spec(self, run: Run, seed: int) -> dict[str, Any]:
        """All that the run's numbers depend on, under the names that record files use.

        Options at their default are omitted, so that adding an option does not change the key of existing runs.
        """
        described, profile = run.on_disk(), self.settings.profile
        args = to_disk(asdict(self.training_args(run.name, seed)))
        spec = {name: described[name] for name in ("model", "inputs", "loss", "loss_args", "model_args")} | {
            "version": STUDY_VERSION,
            "recipe": _set(args),
            "seed": seed,
            "rows": [self.inputs.row_key(split) for split in SPLITS],
            "first_rows": run.rows,
            "max_length": self.settings.max_length,
        }
        if run.inputs == "characters":
            spec |= {"first_rows": profile.char_train_rows, "max_length": profile.char_length}
        if run.teacher:
            spec["teacher"] = self._spec(self.run(run.teacher), 0)
        if run.inputs in ("features", "tokens") or run.teacher:
            spec["encoder"] = self.inputs.encoder_files.weights
        return _set(spec)

    def found(self, name: str, seed: int = 0) -> Path | None:
        """The folder that holds the run's record: this study's own, else one committed under ``data/results``."""
        return self.store.found(self.run_key(name, seed))

    def record(self, name: str, seed: int = 0, wait: bool = True) -> Record:
        """The run's record; trains the run, and the teacher it needs, if there is none yet.

        Args:
            wait: wait while another process makes this very run, or not

        Raises:
            KeyError: no run of that name.
            filelock.Timeout: another process makes this run, and ``wait`` is false.
        """
        run, key = self.run(name), self.run_key(name, seed)
        if self.store.found(key) is None:
            self._make(run, seed, wait)
        return self.store.record(key, run)

    def records(self, *groups: Group) -> dict[str, list[Record]]:
        """The study's runs by name, a record a seed: read where there is one, else made (see :meth:`seeds`).

        Args:
            groups: of which groups; all if none is named
        """
        names = [name for name, run in self.runs.items() if not groups or run.group in groups]
        records = {name: [self.record(name, seed) for seed in self.seeds(name)] for name in names}
        return {name: runs for name, runs in records.items() if runs}

    def widest_records(self) -> tuple[dict[str, list[Record]], str]:
        """All records of the widest study at hand and what made them: this one's, or in ``quick`` the published ones.

        Raises:
            FileNotFoundError: ``quick``, and no full study is committed.
        """
        return published_records() if self.settings.profile.name == "quick" else (self.records(), self.title)

    def has_weights(self, name: str, seed: int = 0) -> bool:
        """Whether :meth:`model` would load the run and not train it."""
        return self.store.has_weights(self.run_key(name, seed))

    def model(self, name: str, seed: int = 0) -> nn.Module:
        """The run's model in eval mode, with the weights of its best validation epoch; trains it if they are not here.

        Committed records carry no weights: where only such a one is found, the model is trained again.
        """
        if not self.has_weights(name, seed):
            self._make(self.run(name), seed)
        path = self.store.folder(self.run_key(name, seed)) / WEIGHTS
        return load_weights(self.build(name, seed), path).eval()

    def build(self, name: str, seed: int = 0) -> nn.Module:
        """The run's model with its initial weights; runs of one architecture and seed start from the same ones.

        The model's class is given what its ``__init__`` names: an ``encoder`` of its own (training must not change the
        shared one), ``channels_in`` (the width of the encoder's features), ``vocab_size`` and ``length`` (in tokens).
        """
        run = self.run(name)
        wanted = inspect.signature(run.model).parameters
        offers = {
            "encoder": lambda: self.inputs.encoder_files.load(self.settings.device),
            "channels_in": lambda: self.inputs.encoder_files.hidden_size,
            "vocab_size": lambda: len(self.inputs.tokenizer),
            "length": lambda: self.settings.max_length,
        }
        arguments = {name: make() for name, make in offers.items() if name in wanted}
        seed_everything(seed)
        return run.model(**arguments | run.model_args)

    def teacher_logits(self, name: str, split: str = "train") -> np.ndarray:
        """A teacher's logits (articles, classes) for a split; they are part of its record, rounded to float16.

        Where those of the training articles were not kept, the model is asked for them.

        Raises:
            ValueError: the logits cannot be read.
        """
        record = self.record(name)
        if split != "train":
            return record.test_logits if split == "test" else record.validation_logits
        kept = self.store.train_logits(self.run_key(name))
        return self._keep_train_logits(self.run(name), self.model(name)) if kept is None else kept

    def _keep_train_logits(self, run: Run, model: nn.Module) -> np.ndarray:
        logits = predict(model, self.inputs.dataset("train", run.inputs), self.settings).numpy()
        return self.store.save_train_logits(self.run_key(run.name), logits)

    def _make(self, run: Run, seed: int, wait: bool = True) -> None:
        """Makes the run under its lock, unless another process was first."""
        key, splits = self.run_key(run.name, seed), self.inputs.splits
        with self.store.making(key, f"{run.title}, seed {seed}", wait) as to_be_made:
            if not to_be_made:
                return
            trained = self._train_baseline if run.inputs == "text" else self._train_model
            result, parameters, rows, logits = trained(run, seed)
            arrays: dict[str, np.ndarray] = {
                "logits": logits["test"].astype(np.float16),
                "validation_logits": logits["validation"].astype(np.float16),
                "labels": np.asarray(splits["test"]["label"], np.uint8),
                "validation_labels": np.asarray(splits["validation"]["label"], np.uint8),
            }
            metadata = self._metadata(run, seed) | {
                "rows": {split: len(splits[split]) for split in SPLITS} | {"train": rows},
                "parameters": parameters,
                "best_epoch": result.best_epoch,
                "train_seconds": sum(row["train_seconds"] for row in result.history),
                "history": result.history,
            }
            self.store.save(key, metadata, arrays)

    def _train_model(self, run: Run, seed: int) -> tuple[TrainingResult, int, int, dict[str, np.ndarray]]:
        """What training gave, parameters, training articles, and logits by split."""
        model, train = self.build(run.name, seed), self._training_set(run)
        eval_sets = {split: self.inputs.dataset(split, run.inputs) for split in ("validation", "test")}
        result = fit(
            model, train, eval_sets, run.make_loss(), self.settings, self.training_args(run.name, seed), seed=seed,
            folder=self.store.folder(self.run_key(run.name, seed)), title=f"{run.title}, seed {seed}",
        )  # fmt: skip
        logits = {split: predict(model, dataset, self.settings).numpy() for split, dataset in eval_sets.items()}
        if seed == 0 and any(run.name == other.teacher for other in self.runs.values()):
            self._keep_train_logits(run, model)
        return result, count_parameters(model), len(train), logits

    def _train_baseline(self, run: Run, seed: int) -> tuple[Baseline, int, int, dict[str, np.ndarray]]:
        splits = self.inputs.splits
        fitted = run.model(splits["train"], splits["validation"], seed)
        logits = {split: fitted.logits(splits[split]["text"]) for split in ("validation", "test")}
        return fitted, fitted.parameters, len(splits["train"]), logits

    def _training_set(self, run: Run) -> ArticleDataset:
        """What the run trains on, with the teacher's logits where its loss compares with them."""
        train = self.inputs.dataset("train", run.inputs)
        rows = min(run.rows or len(train), len(train))
        if rows < len(train):
            train = ArticleSubset(train, range(rows))
        return WithTeacher(train, self.teacher_logits(run.teacher)[:rows]) if run.teacher else train

    def _metadata(self, run: Run, seed: int) -> dict[str, Any]:
        """What a record says of how it was made."""
        source, files = self.inputs.source, self.inputs.encoder_files
        return {
            "run": run.on_disk(),
            "seed": seed,
            "profile": asdict(self.settings.profile),
            "recipe": to_disk(asdict(self.training_args(run.name, seed))),
            "data": {"title": source.title, "notes": source.notes, "is_sample": source.is_sample},
            "encoder": {"name": files.name, "weights": files.weights},
            "machine": machine(self.settings.device),
        }


def _set(options: dict[str, Any]) -> dict[str, Any]:
    """The options that are not at their default."""
    return {name: value for name, value in options.items() if value not in (None, {}, False, 0)}
