"""What notebook 07 reads from the records: gains of many pairs, gains by kind of article, accuracy against labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.special import softmax
from scipy.stats import entropy

from ..settings import CLASS_NAMES
from ..study.records import Record
from ..study.runs import FINE_TUNED_TEACHER, TFIDF
from ..study.strong import DRAWN_LABELS, DRAWS, PLAIN_FEW, SCARCE, scarce_names
from .answers import Answer, compare

SURE = 0.95  # a teacher's probability of another class, from which an article's label is likely wrong
Records = Mapping[str, list[Record]]
ALL_LABELLED = (TFIDF, FINE_TUNED_TEACHER, PLAIN_FEW, "wide_kl_unseen")
SCARCE_KINDS = ("n-gram baseline", "fine-tuned teacher", "student on the labels alone", "student with the teacher")


def accuracy_against_labels(records: Records) -> pd.DataFrame:
    """Mean test accuracy in percent of each kind of model (the columns), by the number of labels (the index).

    With all labels no article is left unlabelled: there, the taught student's teachers are asked about unseen articles.
    """
    by_labels = {labels: scarce_names(labels) for labels in SCARCE}
    if PLAIN_FEW in records:
        by_labels[records[PLAIN_FEW][0].train_rows] = ALL_LABELLED
    rows = {}
    for labels, names in by_labels.items():
        there = {kind: records[name] for kind, name in zip(SCARCE_KINDS, names, strict=True) if name in records}
        if there:
            rows[labels] = {kind: 100 * np.mean([r.test_accuracy for r in runs]) for kind, runs in there.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("labels")


def draws_of_labels(records: Records) -> pd.DataFrame:
    """Test accuracy in percent of each kind of model (the columns) in each draw of 100 labels (the index), seed 0."""
    rows = {}
    for draw in (0, *DRAWS):
        names = scarce_names(DRAWN_LABELS, draw)
        if all(name in records for name in names):
            rows[draw + 1] = [100 * records[name][0].test_accuracy for name in names]
    return pd.DataFrame.from_dict(rows, orient="index", columns=SCARCE_KINDS).rename_axis("draw")


def change_by_last_epoch(records: Records) -> float:
    """The largest change of a network's test accuracy, in points, if its last epoch counted and not the chosen one.

    Of all networks with 100 labels, in every draw of them, seed 0; NaN where no record has the test curve.
    """
    runs = [
        records[name][0] for draw in (0, *DRAWS) for name in scarce_names(DRAWN_LABELS, draw)[1:] if name in records
    ]
    changes = [
        100 * abs(run.history["test_accuracy"].iloc[-1] - run.test_accuracy)
        for run in runs
        if "test_accuracy" in run.history
    ]
    return max(changes, default=float("nan"))


def labels_needed(table: pd.DataFrame) -> pd.DataFrame:
    """How many labels the n-gram baseline and the student alone need to be as accurate as the taught student.

    Args:
        table: what :func:`accuracy_against_labels` gives; between two numbers of labels, accuracy is taken as linear in
            their logarithm

    Returns:
        Texts; index of the taught student's labels, columns of the two kinds.
    """
    taught, rows = SCARCE_KINDS[3], {}
    for labels, accuracy in table[taught].dropna().items():
        rows[f"{labels:,}"] = {
            kind: _reached(table[kind].dropna(), accuracy) for kind in (SCARCE_KINDS[0], SCARCE_KINDS[2])
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("labels")


def _reached(known: pd.Series, accuracy: float) -> str:
    """The number of labels at which this curve (index of labels) reaches the accuracy, two digits, in words."""
    if accuracy > known.max():
        return f"more than {known.index.max():,}"
    labels = np.exp(np.interp(accuracy, known.cummax(), np.log(known.index.to_numpy(float))))
    return f"about {float(f'{labels:.2g}'):,.0f}"


def gains(records: Records, pairs: Mapping[str, tuple[str, str]]) -> dict[str, Answer]:
    """The gain of each pair (baseline, treatment) whose runs both have records, by its name."""
    found = {}
    for name, (baseline, treatment) in pairs.items():
        if baseline in records and treatment in records:
            found[name] = compare(records, baseline, treatment)
    return found


def likely_mislabelled(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Whether a teacher that did not train on an article gives another class at least ``SURE``: (articles,).

    Args:
        logits: (articles, classes), calibrated
        labels: (articles,)

    Source: the idea of confident learning, Northcutt et al. 2021, with one threshold for all classes.
    """
    shares = softmax(logits, axis=1)
    return (shares.argmax(axis=1) != labels) & (shares.max(axis=1) >= SURE)


def groups_of_articles(
    statistics: pd.DataFrame, labels: np.ndarray, logits: np.ndarray, classes: Sequence[str] = CLASS_NAMES
) -> dict[str, np.ndarray]:
    """Named groups of the test articles as masks: by class, by length, by the teacher's entropy, likely mislabelled.

    Args:
        statistics: what :func:`agnews_utils.analysis.articles.statistics_of_test_articles` gives
        labels: (articles,)
        logits: (articles, classes), the teacher's
        classes: the classes' names, in the order of their numbers
    """
    tokens, doubt = statistics["tokens"], pd.Series(entropy(softmax(logits, axis=1), axis=1))
    masks = {f"class {name}": labels == number for number, name in enumerate(classes)}
    thirds = pd.qcut(tokens, 3, labels=["short third", "middle third", "long third"])
    quarters = pd.qcut(doubt, 4, labels=["teacher surest, 1st quarter", "2nd quarter", "3rd quarter",
                                         "teacher in doubt, 4th quarter"])  # fmt: skip
    for parts in (thirds, quarters):
        masks |= {str(name): (parts == name).to_numpy() for name in parts.cat.categories}
    return masks | {"label likely wrong": likely_mislabelled(logits, labels)}
