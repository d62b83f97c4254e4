"""What notebook 07 reads from the records: gains in a sentence and by kind of article, accuracy against labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.special import softmax
from scipy.stats import entropy

from ..settings import CLASS_NAMES
from ..study.records import Record
from ..study.runs import FINE_TUNED_TEACHER, TFIDF
from ..study.strong import BEST, PLAIN_FEW, SCARCE, scarce_names
from .pairs import gains_by_seed, match_seeds
from .statistics import two_way_bootstrap_interval

SURE = 0.95  # a teacher's probability of another class, from which an article's label is likely wrong
# the same student and teacher, with more and more unlabelled texts
UNLABELLED = ("wide_kl_mixed", "wide_kl_further_5k", "wide_kl_further_12k", BEST)
Records = Mapping[str, list[Record]]
ALL_LABELLED = (TFIDF, FINE_TUNED_TEACHER, PLAIN_FEW, "wide_kl_unseen")
SCARCE_KINDS = ("TF-IDF + linear", "fine-tuned teacher", "student on the labels alone", "student with the teacher")


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


def labels_saved(table: pd.DataFrame) -> list[str]:
    """For each number of labels, how many the baselines need to reach the taught student; a sentence each.

    Args:
        table: what :func:`accuracy_against_labels` gives; between two numbers of labels, accuracy is taken as linear in
            their logarithm
    """
    taught, sentences = SCARCE_KINDS[3], []
    for labels, accuracy in table[taught].dropna().items():
        needs = []
        for kind in (SCARCE_KINDS[0], SCARCE_KINDS[2]):
            known = table[kind].dropna()
            if accuracy > known.max():
                needs.append(f"{kind}: more than {known.index.max():,}")
            else:
                needed = np.exp(np.interp(accuracy, known.cummax(), np.log(known.index.to_numpy(float))))
                needs.append(f"{kind}: about {float(f'{needed:.2g}'):,.0f}")
        sentences.append(f"{taught}, {labels:,} labels, {accuracy:.1f} %. For as much, {'; '.join(needs)} labels.")
    return sentences


def accuracy_against_texts(records: Records) -> pd.DataFrame:
    """Test accuracy in percent by the number of unlabelled texts (the index): ``mean`` and ``seeds``, a list."""
    rows = {}
    for name in UNLABELLED:
        if name in records:
            texts = records[name][0].train_rows - records[UNLABELLED[0]][0].train_rows
            accuracy = [100 * record.test_accuracy for record in records[name]]
            rows[texts] = {"mean": np.mean(accuracy), "seeds": accuracy}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("texts").sort_index()


def what_would_reach(points: pd.DataFrame, goal: float) -> str:
    """How far the best mean is from ``goal`` (percent), and how many texts it would take if the curve went on.

    Args:
        points: what :func:`accuracy_against_texts` gives; the slope is fitted on the logarithm of the texts
    """
    some = points[points.index > 0]
    if len(some) < 2:
        return "Too few of these runs are made to say what more texts would add."
    slope = np.polyfit(np.log2(some.index.to_numpy(float)), some["mean"].to_numpy(float), 1)[0]
    last, texts = some["mean"].iloc[-1], some.index[-1]
    short = f"With all {texts:,} texts the student is {goal - last:.2f} percentage points short of {goal:.2f} %. "
    if slope <= 0:
        return short + "Over the numbers tried, more texts added nothing: the next limit is elsewhere."
    needed = texts * 2 ** ((goal - last) / slope)
    return short + (
        f"Each doubling of the texts added {slope:.2f}. If that went on, about {needed:,.0f} texts would reach it; so "
        "far beyond what was tried, this is a direction and not a forecast."
    )


def gain_in_words(records: Records, baseline: str, treatment: str, fixed: Sequence[str] = ()) -> str:
    """One gain in percentage points with its interval over seeds and articles, and whether that excludes zero."""
    gains = gains_by_seed(*match_seeds(records, baseline, treatment, fixed))
    low, high = two_way_bootstrap_interval(gains)
    clear = "excludes zero" if low > 0 or high < 0 else "includes zero"
    return (
        f"{100 * gains.to_numpy().mean():+.2f} percentage points (95 % {100 * low:+.2f} to {100 * high:+.2f}, "
        f"{len(gains)} seeds; the interval {clear})"
    )


def there(records: Records, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those of the pairs whose runs both have records."""
    return [pair for pair in pairs if all(name in records for name in pair)]


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
