"""The runs that make up the study, as data, and "load it if it is there, else train it".

``python -m agnews_utils.study`` computes every missing run without a notebook.
"""

from __future__ import annotations

import json
import platform
import time
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from datasets import DatasetDict
from filelock import FileLock
from safetensors.numpy import load_file, save_file
from torch import nn

from . import losses, models
from .baseline import tfidf_linear
from .corpus import row_facts, token_lengths
from .data import Articles, Source, fingerprint, load_ag_news, read_source
from .encoder import (
    CachedFeatures,
    EncoderFiles,
    FeatureArticles,
    FrozenEncoder,
    cached_features,
    find_encoder,
)
from .files import replace_whole, sha256_of, write_text
from .settings import ROOT, Settings, read_settings
from .training import Fit, WithTeacher, fit, load_weights, predict, seed_everything

STUDY_VERSION = 1  # raise it when a change makes the same settings give other numbers: older runs are then made again
COMMITTED_RESULTS = ROOT / "data" / "results"
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Run:
    """One row of the study.

    Attributes:
        name: file name and what notebooks ask for
        title: for people
        model: class in :mod:`agnews_utils.models`, or "tfidf"
        inputs: what the model reads: "tokens", "features", "characters" or "text"
        epochs: which of the profile's epoch counts it takes: "teacher", "student", "small_student" or "char"
        loss: class in :mod:`agnews_utils.losses`
        loss_args, model_args: their arguments
        teacher: the run whose logits the loss compares with
        lr: Adam's step size, None for the settings' own
    """

    name: str
    title: str
    model: str
    inputs: str
    epochs: str = "student"
    loss: str = "CrossEntropy"
    loss_args: dict = field(default_factory=dict)
    model_args: dict = field(default_factory=dict)
    teacher: str | None = None
    lr: float | None = None


_TEACHER = "model6_bert_vdcnn_teacher"
_DIST = {"loss": "DISTLoss", "loss_args": {"beta": 2.0, "gamma": 2.0, "tau": 1.0}, "teacher": _TEACHER}
_KL = {"loss": "KLLoss", "loss_args": {"alpha": 0.9, "tau": 4.0}, "teacher": _TEACHER}

# runs that the report made have the names that data/report_curves.csv gives them
RUNS = {
    run.name: run
    for run in (
        Run("tfidf_linear", "TF-IDF + linear", "tfidf", "text"),
        Run("linear_probe", "Frozen encoder + linear", "LinearProbe", "features", "teacher", lr=1e-2),
        Run(_TEACHER, "Model 6: BERT-VDCNN", "VDCNN", "features", "teacher"),
        Run("model5_char_vdcnn", "Model 5: character VDCNN", "CharVDCNN", "characters", "char"),
        Run("model1_simple_cnn_plain", "Model 1: Simple CNN, plain", "SimpleCNN", "tokens"),
        Run("model2_simple_cnn_distilled", "Model 2: Simple CNN, DIST", "SimpleCNN", "tokens", **_DIST),
        Run("simple_cnn_kl", "Simple CNN, KL", "SimpleCNN", "tokens", **_KL),
        Run("model3_simpler_cnn_plain", "Model 3: Simpler CNN, plain", "SimplerCNN", "tokens", "small_student"),
        Run(
            "model4_simpler_cnn_distilled",
            "Model 4: Simpler CNN, DIST",
            "SimplerCNN",
            "tokens",
            "small_student",
            **_DIST,
        ),
        Run("simpler_cnn_kl", "Simpler CNN, KL", "SimplerCNN", "tokens", "small_student", **_KL),
    )
}
SEEDED = ("model3_simpler_cnn_plain", "model4_simpler_cnn_distilled", "simpler_cnn_kl")  # cheap: several seeds


def planned(settings: Settings) -> list[tuple[str, int]]:
    """Every (run, seed) of the study at this profile, teachers before their students."""
    return [
        (run.name, seed) for run in RUNS.values() for seed in range(settings.profile.seeds if run.name in SEEDED else 1)
    ]


@dataclass(frozen=True)
class Record:
    """What is kept of a finished run: enough to redo the analysis without training.

    Attributes:
        run, seed: which run
        facts: the record file's content: settings, data, encoder, machine, parameters, seconds
        history: one row an epoch (see :class:`agnews_utils.training.Fit`)
        test_logits: (test rows, classes), of the epoch selected on validation
        labels: (test rows,)
    """

    run: Run
    seed: int
    facts: dict
    history: pd.DataFrame
    test_logits: np.ndarray
    labels: np.ndarray

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


def read_record(folder: Path) -> Record:
    """A record from its folder.

    Raises:
        ValueError: the record is damaged.
    """
    try:
        facts = json.loads((folder / "record.json").read_text(encoding="utf-8"))
        arrays = load_file(folder / "test_logits.safetensors")
        run = Run(**facts["run"])
        history = pd.DataFrame(facts["history"])
        logits, labels = arrays["logits"].astype(np.float32), arrays["labels"].astype(np.int64)
        seed = facts["seed"]
    except Exception as reason:
        raise ValueError(
            f"The run record in {folder} is damaged: delete the folder, and the run is made again."
        ) from reason
    return Record(run, seed, facts, history, logits, labels)


def read_records(folder: Path) -> dict[str, list[Record]]:
    """All finished runs in ``folder``: name to records by seed, in the study's order."""
    found = [read_record(path.parent) for path in folder.glob("*/record.json")]
    order = list(RUNS)
    found.sort(key=lambda r: (order.index(r.run.name) if r.run.name in order else len(order), r.seed))
    records: dict[str, list[Record]] = {}
    for record in found:
        records.setdefault(record.run.name, []).append(record)
    return records


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
    def title(self) -> str:
        """What made the numbers, in words, for figures and tables."""
        return f"{self.source.title}, {len(self.splits['train']):,} training rows, encoder {self.encoder_files.name}"

    @property
    def runs_folder(self) -> Path:
        return self.settings.work / "runs" / self.key

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

        In ``full``, a notebook makes the first seed only and shows the others once ``make study`` has made them.
        """
        seeds = [seed for run, seed in planned(self.settings) if run == name]
        if self.settings.profile.name != "full":
            return seeds
        places = (self.runs_folder, COMMITTED_RESULTS / self.key)
        found = [
            s for s in seeds[1:] if any((p / self.run_folder(name, s).name / "record.json").exists() for p in places)
        ]
        return [seeds[0], *found]

    def run_folder(self, name: str, seed: int = 0) -> Path:
        """Where a run lives; the name ends in a digest of all that its numbers depend on."""
        run = _known(name)
        spec = self._spec(run, seed)
        return self.runs_folder / f"{name}-seed{seed}-{fingerprint([json.dumps(spec, sort_keys=True)])[:8]}"

    def _spec(self, run: Run, seed: int) -> dict:
        profile = self.settings.profile
        return {
            "version": STUDY_VERSION,
            "run": asdict(run),
            "seed": seed,
            "profile": asdict(profile) | {"seeds": None},  # how many seeds there are changes no single run
            "rows": [self.row_key(split) for split in SPLITS],
            "encoder": self.encoder_files.weights if run.inputs == "features" or run.teacher else None,
            "teacher": self._spec(RUNS[run.teacher], 0) if run.teacher else None,
            "batch_size": self.settings.batch_size,
            "lr": run.lr or self.settings.lr,
            "max_length": self.settings.max_length,
        }

    def build(self, name: str, seed: int = 0) -> nn.Module:
        """The run's model with its initial weights; runs of one architecture and seed start from the same ones."""
        run = _known(name)
        seed_everything(seed)
        arguments = dict(run.model_args)
        if run.inputs == "features":
            arguments["channels_in"] = self.encoder.hidden_size
        if run.inputs == "tokens":
            arguments |= {"vocab_size": len(self.tokenizer), "length": self.settings.max_length}
        return getattr(models, run.model)(**arguments)

    def record(self, name: str, seed: int = 0) -> Record:
        """The run's record; trains the run, and the teacher it needs, if there is none yet.

        Raises:
            KeyError: no run of that name.
        """
        folder = self.run_folder(name, seed)
        if not (folder / "record.json").exists():
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / "lock"):  # a second notebook that wants the same run waits and then loads it
                if not (folder / "record.json").exists():
                    self._make(RUNS[name], seed, folder)
        return self._once(("record", name, seed), lambda: read_record(folder))

    def model(self, name: str, seed: int = 0) -> nn.Module:
        """The run's model in eval mode, with the weights of its best validation epoch; trains it if need be."""
        self.record(name, seed)
        return load_weights(self.build(name, seed), self.run_folder(name, seed) / "best.safetensors").eval()

    def teacher_logits(self, name: str, split: str = "train") -> np.ndarray:
        """A teacher's logits (articles, classes) for a split, computed once and cached by the teacher's weights."""
        run = _known(name)
        self.record(name)
        weights = sha256_of(self.run_folder(name) / "best.safetensors")[:12]
        path = self.settings.cache / f"logits-{self.row_key(split)}-{weights}.safetensors"
        if not path.exists():
            logits = predict(self.model(name), self.dataset(split, run.inputs), self.settings).numpy()
            _save_arrays({"logits": logits}, path)
        try:
            return load_file(path)["logits"]
        except Exception as reason:
            raise ValueError(
                f"The teacher's logits at {path} are damaged: delete the file, and they are made again."
            ) from reason

    def _make(self, run: Run, seed: int, folder: Path) -> None:
        if run.inputs == "text":
            result, logits, parameters = self._fit_bag_of_words()
        else:
            model = self.build(run.name, seed)
            result, logits = self._fit_model(run, seed, folder, model)
            parameters = models.count_parameters(model)
        seen = {split: len(self.splits[split]) for split in SPLITS}
        if run.inputs == "characters":
            seen["train"] = len(self.dataset("train", run.inputs))
        facts = {
            "run": asdict(run),
            "seed": seed,
            "profile": asdict(self.settings.profile),
            "data": {"title": self.source.title, "notes": self.source.notes, "is_sample": self.source.is_sample},
            "rows": seen,
            "encoder": {"name": self.encoder_files.name, "weights": self.encoder_files.weights},
            "parameters": parameters,
            "batch_size": self.settings.batch_size,
            "lr": run.lr or self.settings.lr,
            "best_epoch": result.best_epoch,
            "train_seconds": sum(row["train_seconds"] for row in result.history),
            "machine": machine(self.settings),
            "history": result.history,
        }
        labels = np.asarray(self.splits["test"]["label"], np.uint8)
        _save_arrays({"logits": logits.astype(np.float16), "labels": labels}, folder / "test_logits.safetensors")
        write_text(folder / "record.json", json.dumps(facts, indent=1))  # last: its presence says that the run is done
        (folder / "last.pt").unlink(missing_ok=True)

    def _fit_model(self, run: Run, seed: int, folder: Path, model: nn.Module) -> tuple[Fit, np.ndarray]:
        train, validation, test = (self.dataset(split, run.inputs) for split in SPLITS)
        if run.teacher:
            train = WithTeacher(train, self.teacher_logits(run.teacher))
        result = fit(
            model,
            train,
            {"validation": validation, "test": test},
            getattr(losses, run.loss)(**run.loss_args),
            self.settings,
            epochs=getattr(self.settings.profile, f"{run.epochs}_epochs"),
            seed=seed,
            folder=folder,
            lr=run.lr,
            title=f"{run.title}, seed {seed}",
        )
        return result, predict(model, test, self.settings).numpy()

    def _fit_bag_of_words(self) -> tuple[Fit, np.ndarray, int]:
        started = time.perf_counter()
        pipeline, tried = tfidf_linear(self.splits["train"], self.splits["validation"])
        seconds = (time.perf_counter() - started) / len(tried)
        history = [{"epoch": i, "train_seconds": seconds, **row} for i, row in enumerate(tried, 1)]
        best = max(history, key=lambda row: row["validation_accuracy"])["epoch"]
        parameters = pipeline[-1].coef_.size + pipeline[-1].intercept_.size
        return Fit(history, best), pipeline.decision_function(self.splits["test"]["text"]), int(parameters)

    def test_facts(self) -> pd.DataFrame:
        """Numbers about each test row (no text), for asking which kinds of article a model gets right."""
        path = self.runs_folder / "test_rows.csv"
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


def _known(name: str) -> Run:
    if name not in RUNS:
        raise KeyError(f"There is no run {name!r} in the study; there are {', '.join(RUNS)}.")
    return RUNS[name]


def _save_arrays(arrays: dict[str, np.ndarray], path: Path) -> None:
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    replace_whole(path, lambda aside: save_file(whole, aside))


def main() -> None:
    """Computes every missing run of the settings' study."""
    settings = read_settings()
    study = Study(replace(settings, progress="text") if settings.progress == "auto" else settings)
    print(study, flush=True)
    for name, seed in planned(settings):
        record = study.record(name, seed)
        print(
            f"{record.run.title}, seed {seed}: test {record.test_accuracy:.2%}, {record.train_seconds:.0f} s",
            flush=True,
        )
    study.test_facts()


if __name__ == "__main__":
    main()
