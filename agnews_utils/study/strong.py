"""The runs of notebook 07: teachers fit to teach, and what makes a small student strong, one factor at a time."""

from __future__ import annotations

from typing import Any

from ..baselines import tfidf
from ..models import BertClassifier
from .ensembles import Ensemble
from .runs import FINE_TUNE, Member, Run

FOLDS = 2


def folds_of(name: str) -> tuple[str, ...]:
    """The names of the runs that each leave out one fold of the training articles."""
    return tuple(f"{name}_without_{fold}_of_{FOLDS}" for fold in range(FOLDS))


MINILM_FOLDS, TFIDF_FOLDS = folds_of("fine_tuned"), folds_of("tfidf_linear")
UNSEEN, SEEN, ENSEMBLE = "fine_tuned_unseen", "fine_tuned_seen", "ensemble_unseen"


def _folds(names: tuple[str, ...], title: str, **what: Any) -> list[Run]:
    return [
        Run(name, f"{title}, without fold {fold + 1} of {FOLDS}", **what, fold=(fold, FOLDS), group="teacher")
        for fold, name in enumerate(names)
    ]


def _mean(name: str, title: str, *members: Member) -> Run:
    return Run(name, title, Ensemble, "logits", members=members, group="teacher")


TEACHER_RUNS = (
    *_folds(MINILM_FOLDS, "Fine-tuned teacher", model=BertClassifier, epochs="fine_tune_epochs", training=FINE_TUNE,
            seeds=2),
    *_folds(TFIDF_FOLDS, "TF-IDF + linear", model=tfidf, inputs="text"),
    _mean(UNSEEN, "Fine-tuned teachers, asked about unseen articles", Member(MINILM_FOLDS)),
    _mean(SEEN, "Fine-tuned teachers, asked about their own articles", Member(MINILM_FOLDS, seen=True)),
    _mean(ENSEMBLE, "Ensemble of fine-tuned teachers and TF-IDF, unseen articles",
          Member(MINILM_FOLDS), Member(MINILM_FOLDS, seed=1), Member(TFIDF_FOLDS)),
)  # fmt: skip

STRONG_RUNS = {run.name: run for run in TEACHER_RUNS}
