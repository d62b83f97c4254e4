"""The study: ask for any run by name, and it is loaded if it is there, else trained."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from ..baselines import Baseline
from ..batches import ArticleDataset, Articles, ArticleSubset, WithTeacher
from ..data import NO_LABEL, Source, fingerprint
from ..models import count_parameters
from ..settings import Settings, read_settings
from ..support.files import load_weights
from ..support.runtime import machine
from ..training import TrainingArgs, TrainingResult, fit, predict, seed_everything
from .ensembles import Ensemble, ensemble, shuffled_within_classes
from .inputs import FURTHER, SPLITS, Inputs
from .records import COMMITTED_RESULTS, Record, published_records
from .runs import RUNS, Group, Run, to_disk
from .store import WEIGHTS, Store

Answer = Callable[[str], np.ndarray]  # a split's name to a model's logits (articles, classes)
# what training gave, parameters, training articles, and what gives the logits of a split
Trained = tuple[TrainingResult | Baseline | Ensemble, int, int, Answer]
STUDY_VERSION = 2  # raise it when a change makes the same settings give other numbers: older runs are then made again


class Study:
    """The study at one setting of profile, data and encoder.

    Attributes:
        inputs: the articles and what models read of them (:class:`agnews_utils.study.inputs.Inputs`)
        store: finished runs on disk (:class:`agnews_utils.study.store.Store`)
        runs: the runs by name; :meth:`add` adds one of your own
        source: the articles; None reads those that the settings name
    """

    def __init__(self, settings: Settings | None = None, runs: Mapping[str, Run] = RUNS, source: Source | None = None):
        self.settings = settings or read_settings()
        self.inputs = Inputs(self.settings, source)
        self.runs = dict(runs)

    @cached_property
    def key(self) -> str:
        """Folder name of this data, encoder and profile."""
        files = self.inputs.encoder_files
        encoder = files.name.lower() + (f"-{files.key}" if files.variant else "")
        return f"{self.inputs.source.key}-{encoder}-{self.settings.profile.name}"

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
        for name, _ in run.needs:
            if name not in self.runs:
                raise ValueError(f"The teacher {name!r} of {run.name!r} is no run: add it first.")
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
            if run.further and not len(self.inputs.further["text"]):
                continue  # a run on texts that this data has not
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
        fixed = {"epochs": usual["epochs"]} if profile.name == "smoke" else {}  # a test needs no more
        return TrainingArgs(**usual | run.training | fixed)

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
        if run.members:
            spec["teachers"] = [self._spec(self.run(name), of) for name, of in run.needs]
        if run.inputs in ("features", "tokens") or run.teacher:
            spec["encoder"] = self.inputs.encoder_files.key
        if run.further:
            spec["further_texts"] = self.inputs.row_key(FURTHER)
        return _set(spec | run.part_of_the_data())

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

    def finished_records(self) -> tuple[dict[str, list[Record]], str]:
        """The records that are there, and what made them: of this study in ``full``, else the published ones.

        Nothing is trained: the runs of notebook 07 take hours, and ``make study`` makes them.

        Raises:
            FileNotFoundError: not in ``full``, and no full study is committed.
        """
        if self.settings.profile.name != "full":
            return published_records(self.runs)
        there = {name: [s for s in range(run.seeds) if self.found(name, s)] for name, run in self.runs.items()}
        return {name: [self.record(name, seed) for seed in seeds] for name, seeds in there.items() if seeds}, self.title

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
        shared one), ``channels_in`` (the width of the encoder's features), ``vocab_size``, ``length`` (in tokens),
        ``word_vectors`` (the encoder's, of the run's vocabulary) and ``num_classes``.
        """
        run = self.run(name)
        offers = {
            "encoder": lambda: self.inputs.encoder_files.load(self.settings.device),
            "channels_in": lambda: self.inputs.encoder_files.hidden_size,
            "vocab_size": lambda: len(self.inputs.pieces(run.vocabulary)),
            "length": lambda: self.settings.max_length,
            "word_vectors": lambda: self.inputs.word_vectors(run.vocabulary),
            "num_classes": lambda: len(self.inputs.classes),
        }
        arguments = {name: make() for name, make in offers.items() if name in _parameters(run.model)}
        seed_everything(seed)
        return run.model(**arguments | run.model_args)

    def teacher_logits(self, name: str, split: str = "train", seed: int = 0) -> np.ndarray:
        """A teacher's logits (articles, classes) for a split or the further texts, rounded to float16.

        They are part of its record. Where those of the training articles or further texts were not kept, the model is
        asked for them.

        Raises:
            ValueError: the logits cannot be read.
        """
        record = self.record(name, seed)
        if split in ("validation", "test"):
            return record.test_logits if split == "test" else record.validation_logits
        key = self.run_key(name, seed)
        kept = {one: self.store.train_logits(key, self._name_of_logits(one)) for one in ("train", split)}
        if (there := kept[split]) is not None:
            return there
        answer = self._trained_answer(self.run(name), seed)
        logits = {one: answer(one) if known is None else known for one, known in kept.items()}
        self.store.save_train_logits(key, {self._name_of_logits(one): values for one, values in logits.items()})
        return logits[split].astype(np.float16).astype(np.float32)

    def _name_of_logits(self, split: str) -> str:
        """What a split's logits are called on disk; further texts may be others another time."""
        return "logits" if split == "train" else f"{split}_{self.inputs.row_key(split)}"

    def _trained_answer(self, run: Run, seed: int) -> Answer:
        """The logits, by split, of a run that was made."""
        if run.members:
            return ensemble(self, run).logits
        if run.inputs == "text":
            return self._train_baseline(run, seed)[-1]
        return partial(self._predict, run, self.model(run.name, seed))

    def _predict(self, run: Run, model: nn.Module, split: str) -> np.ndarray:
        return predict(model, self.inputs.dataset(split, run.inputs, run.vocabulary), self.settings).numpy()

    def _make(self, run: Run, seed: int, wait: bool = True) -> None:
        """Makes the run under its lock, unless another process was first."""
        key, splits = self.run_key(run.name, seed), self.inputs.splits
        with self.store.making(key, f"{run.title}, seed {seed}", wait) as to_be_made:
            if not to_be_made:
                return
            result, parameters, rows, answer = self._trained(run, seed)
            arrays: dict[str, np.ndarray] = {
                "logits": answer("test").astype(np.float16),
                "validation_logits": answer("validation").astype(np.float16),
                "labels": self._numbers(splits["test"]["label"]),
                "validation_labels": self._numbers(splits["validation"]["label"]),
            }
            if any((run.name, seed) in other.needs for other in self.runs.values()):
                asked = [FURTHER] if run.group == "teacher" and len(self.inputs.further["text"]) else []
                self.store.save_train_logits(key, {self._name_of_logits(s): answer(s) for s in ("train", *asked)})
            metadata = self._metadata(run, seed) | {
                "rows": {split: len(splits[split]) for split in SPLITS} | {"train": rows},
                "parameters": parameters,
                "best_epoch": result.best_epoch,
                "train_seconds": sum(row["train_seconds"] for row in result.history),
                "history": result.history,
            }
            self.store.save(key, metadata, arrays)

    def _numbers(self, labels: Sequence[int]) -> np.ndarray:
        """Class numbers in as few bytes as the number of classes asks for: one for AG News."""
        return np.asarray(labels, np.min_scalar_type(len(self.inputs.classes)))

    def _trained(self, run: Run, seed: int) -> Trained:
        if run.inputs == "text":
            return self._train_baseline(run, seed)
        return self._average(run) if run.members else self._train_model(run, seed)

    def _train_model(self, run: Run, seed: int) -> Trained:
        model, train = self.build(run.name, seed), self._training_set(run)
        splits = SPLITS[1:] if self.settings.profile.test_curves else ("validation",)
        eval_sets = {split: self.inputs.dataset(split, run.inputs, run.vocabulary) for split in splits}
        result = fit(
            model, train, eval_sets, run.make_loss(), self.settings, self.training_args(run.name, seed), seed=seed,
            folder=self.store.folder(self.run_key(run.name, seed)), title=f"{run.title}, seed {seed}",
        )  # fmt: skip
        return result, count_parameters(model), len(train), partial(self._predict, run, model)

    def _train_baseline(self, run: Run, seed: int) -> Trained:
        rows = self.rows_of(run)
        train = {name: list(self.inputs.splits["train"][name]) for name in ("text", "label")}
        if run.further_labels:
            train = {name: [*train[name], *self.inputs.further[name]] for name in train}
        train = {name: [column[row] for row in rows] for name, column in train.items()}
        known = {"num_classes": len(self.inputs.classes)} if "num_classes" in _parameters(run.model) else {}
        fitted = run.model(train, self.inputs.splits["validation"], seed, **known, **run.model_args)
        return fitted, fitted.parameters, len(rows), lambda split: fitted.logits(self.inputs.texts(split)["text"])

    def _average(self, run: Run) -> Trained:
        mean = ensemble(self, run)
        parameters = sum(self.record(name, of).parameters for name, of in run.needs)
        return mean, parameters, len(self.inputs.splits["train"]), mean.logits

    def rows_of(self, run: Run) -> np.ndarray:
        """Numbers of the run's articles: those of the training split, and after them of the further texts."""
        count = len(self.inputs.splits["train"])
        rows = first_or_drawn(count, run.rows, run.draw)
        if run.fold:
            left_out, folds = run.fold
            rows = rows[rows % folds != left_out]
        further: np.ndarray = np.arange(min(run.further, len(self.inputs.further["text"])) if run.further else 0)
        if run.further and not len(further):
            raise ValueError(
                f"{run.title}: the data has no texts beside its training and test files; put further.csv, "
                "further_descriptions.csv or unlabelled.csv into the data folder (see agnews_utils/data/further.py)."
            )
        if run.inputs == "text":  # it reads labelled texts alone
            rows = np.intersect1d(rows, first_or_drawn(count, run.labels, run.draw))
            known = np.array([self.inputs.further["label"][row] != NO_LABEL for row in further], bool)
            further = further[known & run.further_labels]
        return np.concatenate([rows, count + further])

    def _training_set(self, run: Run) -> ArticleDataset:
        """What the run trains on, with the teacher's logits where its loss compares with them."""
        rows, train = self.rows_of(run), self.inputs.dataset("train", run.inputs, run.vocabulary)
        if run.further or run.labels is not None:
            train = self._with_further(run)
        rows = rows[rows < len(train)]
        if len(rows) < len(train):
            train = ArticleSubset(train, rows)
        if not run.teacher:
            return train
        splits = ["train", FURTHER] if run.further else ["train"]
        logits = np.concatenate([self.teacher_logits(run.teacher, split) for split in splits])[rows]
        return WithTeacher(train, shuffled_within_classes(logits) if run.shuffled else logits)

    def _with_further(self, run: Run) -> Articles:
        """The training articles and the further texts, with the labels that the run may see."""
        train = self.inputs.articles("train", run.vocabulary)
        if run.labels is not None:
            known = np.isin(np.arange(len(train)), first_or_drawn(len(train), run.labels, run.draw))
            train = train.with_labels(np.where(known, train.labels, NO_LABEL))
        if not run.further:
            return train
        further = self.inputs.articles(FURTHER, run.vocabulary)
        if not run.further_labels:
            further = further.with_labels(np.full(len(further), NO_LABEL))
        return train.followed_by(further)

    def _metadata(self, run: Run, seed: int) -> dict[str, Any]:
        """What a record says of how it was made."""
        source, files = self.inputs.source, self.inputs.encoder_files
        return {
            "run": run.on_disk(),
            "seed": seed,
            "profile": asdict(self.settings.profile),
            "recipe": to_disk(asdict(self.training_args(run.name, seed))),
            "data": {"title": source.title, "notes": source.notes, "is_sample": source.is_sample},
            "encoder": {"name": files.name, "weights": files.weights} | _set({"variant": files.variant or None}),
            "machine": machine(self.settings.device),
        }


def first_or_drawn(count: int, part: int | None, draw: int) -> np.ndarray:
    """Which ``part`` of ``count`` articles: the first ones, or with a ``draw`` random ones; in order, (part,)."""
    rows = np.random.default_rng(draw).permutation(count) if draw else np.arange(count)
    return np.sort(rows[:part])


def _parameters(model: Callable) -> Mapping[str, inspect.Parameter]:
    """What a model's class or a baseline's function can be given."""
    return inspect.signature(model).parameters


def _set(options: dict[str, Any]) -> dict[str, Any]:
    """The options that are not at their default."""
    return {name: value for name, value in options.items() if value not in (None, {}, False, 0)}
