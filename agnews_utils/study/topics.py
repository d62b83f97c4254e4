"""The study of one's own topics: the recipe of notebook 07 on a folder of any classes and any size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ..data import Source, read_folder
from ..losses import CrossEntropy
from ..settings import CLASS_NAMES, PROFILES, Settings, read_settings
from .runs import FINE_TUNE, RUNS, TFIDF, Run
from .strong import ALL, MINILM_FOLDS, MIXED, SHIPPED, STRONG_RUNS, TFIDF_FOLDS
from .study import Study

BAG, TEACHERS, PLAIN, TAUGHT = TFIDF, MIXED, "plain", "taught"
SIZES = tuple(name.removeprefix("student_") for name in SHIPPED)
SEEDS, SEEDS_THOROUGH = 3, 5  # of both students; an interval over two seeds would say nothing
LENGTH_THOROUGH = 128  # tokens
VALIDATION_SHARE, LEAST_VALIDATION = 10, 200  # a tenth of the training texts, and a fifth of very few
PASSES = 100_000  # texts that a student reads in training, about: few texts are read more often


def topic_study(
    folder: Path, work: Path, size: str = SIZES[0], seeds: int | None = None, thorough: bool = False, **display: Any
) -> Study:
    """The runs of the recipe on the texts of ``folder``: bag of words, teachers, and a student without and with them.

    Args:
        work: where finished runs are kept and found again
        size: of the student: one of :data:`SIZES`
        seeds: of both students; None takes as many as ``thorough`` asks for
        thorough: longer texts, longer fine-tuning and more seeds
        display: fields of :class:`agnews_utils.settings.Settings` that say how bars are shown

    Raises:
        FileNotFoundError, ValueError: see :func:`agnews_utils.data.read_folder`.
    """
    source = read_folder(folder, classes="any")
    source = replace(source, title=folder.resolve().name)
    settings = topic_settings(source, work, thorough, **display)
    study = Study(settings, {}, source)
    further = len(study.inputs.further["text"])
    seeds = seeds or (SEEDS_THOROUGH if thorough else SEEDS)
    for run in topic_runs(len(study.inputs.splits["train"]), further, len(source.classes), size, seeds, thorough):
        study.add(run)
    return study


def topic_settings(source: Source, work: Path, thorough: bool = False, **display: Any) -> Settings:
    """The environment's settings with a profile of the data's own: every run and seed, and test texts read once."""
    texts = len(source.train)
    validation = max(texts // VALIDATION_SHARE, min(texts // 5, LEAST_VALIDATION), len(source.classes))
    profile = replace(PROFILES["full"], validation_rows=validation, patience=None, test_curves=False)
    settings = read_settings()
    return replace(
        settings, profile=profile, work=work, output=work / "output", encoder=settings.encoder or "minilm",
        max_length=LENGTH_THOROUGH if thorough else settings.max_length, **display,
    )  # fmt: skip


def topic_runs(texts: int, further: int, classes: int, size: str, seeds: int, thorough: bool = False) -> list[Run]:
    """The recipe's runs, teachers before their students.

    Args:
        texts, further: how many texts have a label, and how many further ones have none
    """
    fold = FINE_TUNE | teacher_training(texts // len(MINILM_FOLDS), thorough)
    teachers = [
        *(replace(STRONG_RUNS[name], training=fold, seeds=1) for name in MINILM_FOLDS),
        *(STRONG_RUNS[name] for name in TFIDF_FOLDS),
        STRONG_RUNS[MIXED],
    ]
    shipped = STRONG_RUNS[SHIPPED[f"student_{size}"]]
    student = replace(
        shipped, name=TAUGHT, title="Student, taught", further=ALL if further else 0, seeds=seeds,
        training=shipped.training | student_training(texts + further),
        model_args=shipped.model_args | {"buckets": buckets(shipped, classes)},
    )  # fmt: skip
    plain = replace(
        student, name=PLAIN, title="Student, labels alone", loss=CrossEntropy, loss_args={}, teacher=None, further=0,
        training=shipped.training | student_training(texts),
    )  # fmt: skip
    return [RUNS[BAG], *teachers, plain, student]


def buckets(run: Run, classes: int) -> int:
    """Rows of the student's wide part, a power of two: with more classes than AG News fewer, of the same bytes."""
    usual = run.model_args.get("buckets", 2**18)
    while usual * classes > run.model_args.get("buckets", 2**18) * len(CLASS_NAMES):
        usual //= 2
    return usual


def student_training(texts: int) -> dict[str, int]:
    """Epochs and texts a step of a student that reads so many."""
    batch = 32 if texts < 1_500 else 64 if texts < 6_000 else 128
    return {"epochs": min(max(PASSES // texts, 8), 30), "batch_size": batch}


def teacher_training(texts: int, thorough: bool) -> dict[str, int]:
    """Epochs and texts a step of a teacher that is fine-tuned on so many, as :data:`agnews_utils.study.strong.SCARCE`.

    Many texts get two epochs, which is what fits into minutes.
    """
    kinds = ((200, 6, 4), (1_000, 4, 8), (2_000, 3, 16), (4_000, 2, 16))
    epochs, batch = next(((epochs, batch) for most, epochs, batch in kinds if texts <= most), (2, 32))
    return {"epochs": epochs + thorough, "batch_size": batch}
