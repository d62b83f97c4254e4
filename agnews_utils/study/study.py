"""The study: asks for any run by name, and it is loaded if it is there, else trained."""

from __future__ import annotations

import json
import platform
import time
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from datasets import DatasetDict
from filelock import FileLock, Timeout
from safetensors.numpy import load_file
from torch import nn

from .. import losses, models
from ..analysis.corpus import row_facts, token_lengths
from ..baselines import fasttext_classifier, fasttext_logits, tfidf_linear
from ..data import Articles, FirstRows, Source, fingerprint, load_ag_news, read_source
from ..encoder import (
    CachedFeatures,
    EncoderFiles,
    FeatureArticles,
    FrozenEncoder,
    cached_features,
    features_path,
    find_encoder,
)
from ..settings import Settings, read_settings
from ..support.files import write_text
from ..training import Fit, Recipe, WithTeacher, fit, load_weights, predict, seed_everything
from .records import COMMITTED_RESULTS, Record, read_record, save_arrays
from .runs import TEACHERS, Run, in_course, known, planned

STUDY_VERSION = 2  # raise it when a change makes the same settings give other numbers: older runs are then made again
SPLITS = ("train", "validation", "test")


class Study:
    """The study at one setting of profile, data and encoder: asks for anything by name, and it is loaded or made."""

    def __init__(self, settings: Settings | None = None):
        self.settings = settings or read_settings()

    @cached_property
    def source(self) -> Source:
        return read_source(self.settings)

    @cached_property
    def splits(self) -> DatasetDict:
        return load_ag_news(self.settings, self.source)

    @cached_property
    def encoder_files(self) -> EncoderFiles:
        return find_encoder(self.settings)

    @cached_property
    def encoder(self) -> FrozenEncoder:
        return self.encoder_files.load(self.settings.device)

    @cached_property
    def tokenizer(self):
        return self.encoder_files.tokenizer()

    @cached_property
    def _made(self) -> dict:
        return {}

    @property
    def key(self) -> str:
        """Folder name of this data, encoder and profile."""
        return f"{self.source.key}-{self.encoder_files.name.lower()}-{self.settings.profile.name}"

    @property
    def data_title(self) -> str:
        """Which articles made the numbers, in words, for what no encoder had a part in."""
        return f"{self.source.title}, {len(self.splits['train']):,} training rows"

    @property
    def title(self) -> str:
        """What made the numbers, in words, for figures and tables."""
        return f"{self.data_title}, encoder {self.encoder_files.name}"

    @property
    def runs_folder(self) -> Path:
        return self.settings.work / "runs" / self.key

    @property
    def committed(self) -> Path:
        """Where records of exactly this data, encoder and profile are committed, if they are."""
        return COMMITTED_RESULTS / self.key

    @property
    def output(self) -> Path:
        """Folder of the notebooks, figures and tables of this study; ignored by git."""
        return self.settings.output / self.key

    @property
    def figures(self) -> Path:
        return self.output / "figures"

    def __str__(self) -> str:
        return f"{self.settings}\n{self.source}\nencoder: {self.encoder_files.name} (weights {self.encoder_files.weights}), frozen"

    def _once(self, key: tuple, make):
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def row_key(self, split: str) -> str:
        """Fingerprint of the split's texts in their order."""
        return self._once(("rows", split), lambda: fingerprint(self.splits[split]["text"]))

    def articles(self, split: str) -> Articles:
        """The split as WordPiece tokens."""
        length = self.settings.max_length
        return self._once(("tokens", split), lambda: Articles(self.splits[split], self.tokenizer, length))

    def features(self, split: str) -> CachedFeatures:
        """The split's frozen features, from the cache or encoded now."""
        return self._once(
            ("features", split), lambda: cached_features(self.encoder, self.articles(split), self.settings)
        )

    def has_features(self, split: str) -> bool:
        """Whether the split's frozen features are in the cache."""
        return features_path(self.encoder_files, self.articles(split), self.settings).exists()

    def dataset(self, split: str, inputs: str) -> torch.utils.data.Dataset:
        """The split as a model reads it: "tokens", "features" or "characters"."""
        if inputs == "tokens":
            return self.articles(split)
        if inputs == "features":
            return self._once(("dataset", split), lambda: FeatureArticles(self.features(split), self.articles(split)))
        return self._once(("characters", split), lambda: self._characters(split))

    def _characters(self, split: str) -> models.CharArticles:
        rows, part = self.settings.profile.char_train_rows, self.splits[split]
        if split == "train" and rows is not None and rows < len(part):
            part = part.select(range(rows))  # the split is shuffled, so its first rows are a fair part
        return models.CharArticles(part["text"], part["label"], self.settings.profile.char_length)

    def seeds(self, name: str) -> list[int]:
        """The seeds of a run that a notebook asks for.

        In ``full``, a notebook makes the first seed of the course's runs only, and shows the others, and the runs beyond the
        course, once ``make study`` has made them.
        """
        seeds = [seed for run, seed in planned(self.settings) if run == name]
        if self.settings.profile.name != "full":
            return seeds
        made_here = seeds[:1] if in_course(known(name)) else []
        return sorted({*made_here, *(seed for seed in range(known(name).seeds) if self.found(name, seed))})

    def recipe(self, name: str, seed: int = 0) -> Recipe:
        """How the run trains at this profile: the first seed of the report's models shows all epochs."""
        run, profile = known(name), self.settings.profile
        usual = {
            "epochs": getattr(profile, f"{run.epochs}_epochs"),
            "lr": self.settings.lr,
            "batch_size": self.settings.batch_size,
            "patience": profile.patience,
            "run_on": seed == 0 and run.part == "report" and run.inputs != "characters",
        }
        return Recipe(**usual | run.recipe)

    def run_folder(self, name: str, seed: int = 0) -> Path:
        """Where a run lives; the name ends in a digest of all that its numbers depend on."""
        spec = self._spec(known(name), seed)
        return self.runs_folder / f"{name}-seed{seed}-{fingerprint([json.dumps(spec, sort_keys=True)])[:8]}"

    def found(self, name: str, seed: int = 0) -> Path | None:
        """The folder that holds the run's record: this study's own, else one committed under ``data/results``."""
        own = self.run_folder(name, seed)
        return next((f for f in (own, self.committed / own.name) if (f / "record.json").exists()), None)

    def _spec(self, run: Run, seed: int) -> dict:
        """All that the run's numbers depend on; what is off is left out, so that a new option renames no older run."""
        spec = {
            "version": STUDY_VERSION,
            "model": run.model,
            "inputs": run.inputs,
            "loss": run.loss,
            "loss_args": run.loss_args,
            "model_args": run.model_args,
            "recipe": {k: v for k, v in asdict(self.recipe(run.name, seed)).items() if v},
            "seed": seed,
            "rows": [self.row_key(split) for split in SPLITS],
            "first_rows": run.rows,
            "encoder": self.encoder_files.weights if run.inputs in ("features", "tokens") or run.teacher else None,
            "teacher": self._spec(known(run.teacher), 0) if run.teacher else None,
            "max_length": self.settings.max_length,
        }
        if run.inputs == "characters":
            spec |= {
                "first_rows": self.settings.profile.char_train_rows,
                "max_length": self.settings.profile.char_length,
            }
        return {k: v for k, v in spec.items() if v not in (None, {}, False)}

    def build(self, name: str, seed: int = 0) -> nn.Module:
        """The run's model with its initial weights; runs of one architecture and seed start from the same ones."""
        run = known(name)
        arguments = dict(run.model_args)
        width = self.encoder_files.hidden_size
        if run.inputs == "features":
            arguments["channels_in"] = width
        if run.model in ("BertVDCNN", "BertClassifier"):
            # an encoder of its own: training must not change the shared one
            arguments["encoder"] = self.encoder_files.load(self.settings.device)
        seed_everything(seed)
        if run.model == "BertVDCNN":
            arguments["vdcnn"] = models.VDCNN(width)
        elif run.inputs == "tokens" and run.model != "BertClassifier":
            arguments |= {"vocab_size": len(self.tokenizer), "length": self.settings.max_length}
        return getattr(models, run.model)(**arguments)

    def record(self, name: str, seed: int = 0, wait: bool = True) -> Record:
        """The run's record; trains the run, and the teacher it needs, if there is none yet.

        Args:
            wait: wait while another process makes this very run, or not

        Raises:
            KeyError: no run of that name.
            filelock.Timeout: another process makes this run, and ``wait`` is false.
        """
        folder = self.found(name, seed)
        if folder is None:
            folder = self._make_here(name, seed, wait)
        return self._once(("record", name, seed), lambda: read_record(folder))

    def model(self, name: str, seed: int = 0) -> nn.Module:
        """The run's model in eval mode, with the weights of its best validation epoch; trains it if they are not here.

        A committed record comes without weights: where only that is found, the model is trained again.
        """
        folder = self.run_folder(name, seed) if self.has_weights(name, seed) else self._make_here(name, seed)
        return load_weights(self.build(name, seed), folder / "best.safetensors").eval()

    def has_weights(self, name: str, seed: int = 0) -> bool:
        """Whether :meth:`model` would load the run and not train it."""
        folder = self.run_folder(name, seed)
        return (folder / "best.safetensors").exists() and (folder / "record.json").exists()

    def teacher_logits(self, name: str, split: str = "train") -> np.ndarray:
        """A teacher's logits (articles, classes) for a split; they are part of its record, rounded to float16.

        Raises:
            ValueError: the logits of the training rows are damaged or missing.
        """
        record = self.record(name)
        if split != "train":
            return record.test_logits if split == "test" else record.validation_logits
        path = self.found(name) / "train_logits.safetensors"
        try:
            return load_file(path)["logits"].astype(np.float32)
        except Exception as reason:
            raise ValueError(
                f"The teacher's logits at {path} are damaged: delete their folder, and the run is made again."
            ) from reason

    def _make_here(self, name: str, seed: int, wait: bool = True) -> Path:
        """The run's own folder, with its record; made under a lock unless another process was first."""
        folder = self.run_folder(name, seed)
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if not wait:
                raise
            print(f"{known(name).title}, seed {seed}: another process is making this run; waiting for it.", flush=True)
            lock.acquire()
        try:
            if not (folder / "record.json").exists():
                self._make(known(name), seed, folder)
        finally:
            lock.release()
        return folder

    def _make(self, run: Run, seed: int, folder: Path) -> None:
        if run.inputs == "text":
            result, logits, parameters = self._fit_bag_of_words(run, seed)
        else:
            model = self.build(run.name, seed)
            train = self._training_rows(run)
            result = self._fit_model(run, seed, folder, model, train)
            parts = {"logits": "test", "validation_logits": "validation"}
            logits = {
                key: predict(model, self.dataset(split, run.inputs), self.settings).numpy()
                for key, split in parts.items()
            }
            parameters = models.count_parameters(model)
            if run.name in TEACHERS:
                own = predict(model, self.dataset("train", run.inputs), self.settings).numpy()
                save_arrays({"logits": own.astype(np.float16)}, folder / "train_logits.safetensors")
        seen = {split: len(self.splits[split]) for split in SPLITS}
        if run.inputs != "text":
            seen["train"] = len(train)
        facts = {
            "run": asdict(run),
            "seed": seed,
            "profile": asdict(self.settings.profile),
            "recipe": asdict(self.recipe(run.name, seed)),
            "data": {"title": self.source.title, "notes": self.source.notes, "is_sample": self.source.is_sample},
            "rows": seen,
            "encoder": {"name": self.encoder_files.name, "weights": self.encoder_files.weights},
            "parameters": parameters,
            "best_epoch": result.best_epoch,
            "train_seconds": sum(row["train_seconds"] for row in result.history),
            "machine": machine(self.settings),
            "history": result.history,
        }
        arrays = {name: array.astype(np.float16) for name, array in logits.items()}
        for name, split in (("labels", "test"), ("validation_labels", "validation")):
            arrays[name] = np.asarray(self.splits[split]["label"], np.uint8)
        save_arrays(arrays, folder / "test_logits.safetensors")
        write_text(folder / "record.json", json.dumps(facts, indent=1))  # last: its presence says that the run is done
        # of a process that was killed while writing: our own ….tmp, and the .tmp… that safetensors writes first
        for leftover in (folder / "last.pt", *folder.glob("*.tmp*")):
            leftover.unlink(missing_ok=True)

    def _training_rows(self, run: Run) -> torch.utils.data.Dataset:
        """What the run trains on, with the teacher's logits where its loss compares with them."""
        train = self.dataset("train", run.inputs)
        rows = min(run.rows or len(train), len(train))
        if rows < len(train):
            train = FirstRows(train, rows)
        return WithTeacher(train, self.teacher_logits(run.teacher)[:rows]) if run.teacher else train

    def _fit_model(self, run: Run, seed: int, folder: Path, model: nn.Module, train: torch.utils.data.Dataset) -> Fit:
        return fit(
            model,
            train,
            {split: self.dataset(split, run.inputs) for split in ("validation", "test")},
            getattr(losses, run.loss)(**run.loss_args),
            self.settings,
            self.recipe(run.name, seed),
            seed=seed,
            folder=folder,
            title=f"{run.title}, seed {seed}",
        )

    def _fit_bag_of_words(self, run: Run, seed: int) -> tuple[Fit, dict[str, np.ndarray], int]:
        started = time.perf_counter()
        train, validation = self.splits["train"], self.splits["validation"]
        if run.model == "fasttext":
            model, tried = fasttext_classifier(train, validation, seed)
            parameters = sum(matrix.size for matrix in (model.get_input_matrix(), model.get_output_matrix()))
        else:
            model, tried = tfidf_linear(train, validation)
            parameters = model[-1].coef_.size + model[-1].intercept_.size
        seconds = (time.perf_counter() - started) / len(tried)
        history = [{"epoch": i, "train_seconds": seconds, **row} for i, row in enumerate(tried, 1)]
        best = max(history, key=lambda row: row["validation_accuracy"])["epoch"]
        ask = (lambda texts: fasttext_logits(model, texts)) if run.model == "fasttext" else model.decision_function
        logits = {"logits": ask(self.splits["test"]["text"]), "validation_logits": ask(validation["text"])}
        return Fit(history, best), logits, int(parameters)

    def test_facts(self) -> pd.DataFrame:
        """Numbers about each test row (no text), for asking which kinds of article a model gets right."""
        path = self.runs_folder / "test_rows.csv"
        if (self.committed / path.name).exists():
            path = self.committed / path.name
        if not path.exists():
            lengths = token_lengths(self.splits["test"]["text"], self.tokenizer)
            frame = row_facts(self.splits["test"]["text"], self.splits["train"]["text"]).assign(tokens=lengths)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, frame.to_csv(index=False))
        return pd.read_csv(path)


def machine(settings: Settings) -> dict:
    """What ran: processor or GPU, threads, precision and versions (no host name, no path)."""
    gpu = torch.cuda.get_device_name() if settings.device == "cuda" else None
    processor = getattr(torch.cpu, "get_capabilities", dict)().get("cpu_name")
    return {
        "device": gpu or processor or platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "precision": settings.precision,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
