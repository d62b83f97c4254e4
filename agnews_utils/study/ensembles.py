"""The mean of several teachers, each asked about articles that it did not train on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from .inputs import SPLITS
from .runs import Member, Run

if TYPE_CHECKING:
    from .study import Study


@dataclass(frozen=True)
class Ensemble:
    """The weighted sum of its members' logits, made into one teacher.

    Attributes:
        study, run: whose members
        weights: of each member's logits. One member alone: the inverse of its temperature
        history: one row, as a training leaves it: the accuracy on training articles (unseen by whoever was asked)
            and on the splits, and the weights
    """

    study: Study
    run: Run
    weights: np.ndarray
    history: list[dict]
    best_epoch: int = 1

    def logits(self, split: str) -> np.ndarray:
        """Logits (articles, classes) of a split or of the further texts."""
        return np.tensordot(self.weights, members_logits(self.study, self.run, split), axes=1)


def ensemble(study: Study, run: Run) -> Ensemble:
    """The run's members, weighted by what they say of the training articles that each did not train on.

    The labels of those articles choose the weights, so that neither validation nor test articles do.
    """
    labels = {split: np.asarray(study.inputs.splits[split]["label"]) for split in SPLITS}
    unseen = members_logits(study, run, "train", seen=False)
    weights = fit_weights(unseen, labels["train"])
    row: dict = {"epoch": 1, "train_seconds": 0.0, "eval_seconds": 0.0, "weights": weights.round(4).tolist()}
    for split in SPLITS:
        logits = np.tensordot(weights, members_logits(study, run, split), axes=1)
        row[f"{split}_accuracy"] = float((logits.argmax(axis=1) == labels[split]).mean())
        row[f"{split}_loss"] = float(-log_softmax(logits, axis=1)[np.arange(len(logits)), labels[split]].mean())
    return Ensemble(study, run, weights, [row])


def members_logits(study: Study, run: Run, split: str, seen: bool | None = None) -> np.ndarray:
    """Logits (members, articles, classes); of training articles from the folds that did not see them (or did)."""
    return np.stack([_member(study, m, split, m.seen if seen is None else seen) for m in run.members])


def _member(study: Study, member: Member, split: str, seen: bool) -> np.ndarray:
    logits = np.stack([study.teacher_logits(name, split, member.seed) for name in member.folds])
    if split != "train":
        return logits.mean(axis=0)
    numbers = np.arange(logits.shape[1])
    asked = np.stack([_left_out(study.run(name), numbers) != seen for name in member.folds])
    return np.average(logits, axis=0, weights=np.broadcast_to(asked[..., None], logits.shape))


def _left_out(run: Run, rows: np.ndarray) -> np.ndarray:
    """Whether the run left out these rows of the training split."""
    if run.fold is None:
        raise ValueError(f"{run.name!r} trained on every training article: only folds can be asked about unseen ones.")
    return rows % run.fold[1] == run.fold[0]


def fit_weights(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Weights (members,) of 0 or more under which the weighted sum of logits has the lowest cross-entropy.

    Args:
        logits: (members, articles, classes)
        labels: (articles,)
    """
    onehot = np.eye(logits.shape[2])[labels]

    def cross_entropy(weights: np.ndarray) -> tuple[float, np.ndarray]:
        total = np.tensordot(weights, logits, axes=1)
        slope = softmax(total, axis=1) - onehot
        loss = -(log_softmax(total, axis=1) * onehot).sum(axis=1).mean()
        return float(loss), (logits * slope).sum(axis=(1, 2)) / len(labels)

    start = np.full(len(logits), 1 / len(logits))
    return minimize(cross_entropy, start, jac=True, bounds=[(0, None)] * len(logits), method="L-BFGS-B").x


def shuffled_within_classes(logits: np.ndarray, seed: int = 0) -> np.ndarray:
    """The rows of ``logits`` exchanged at random among those with the same highest class.

    What a teacher says of a class stays; what it says of an article is lost.
    """
    generator, shuffled = np.random.default_rng(seed), logits.copy()
    classes = logits.argmax(axis=1)
    for number in np.unique(classes):
        rows = np.flatnonzero(classes == number)
        shuffled[rows] = logits[generator.permutation(rows)]
    return shuffled
