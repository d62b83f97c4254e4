"""Why the report's teacher helped little (notebook 06): what it was asked about, what the student started from."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import softmax
from scipy.stats import entropy

from ..batches import Articles
from ..study.records import Record, published_train_logits
from ..study.strong import SEEN, UNSEEN
from ..study.study import Study
from .pairs import accuracy_per_article

ASKED = {"articles it trained on": SEEN, "articles it has not seen": UNSEEN}
TIMES = {"never": (0, 0), "1 to 4": (1, 4), "5 to 19": (5, 19), "20 to 99": (20, 99), "100 or more": (100, np.inf)}
SHARES = {"none": (-1, 0), "up to 5 %": (0, 0.05), "more than 5 %": (0.05, 1)}


def answers_by_question(study: Study, records: Mapping[str, list[Record]]) -> pd.DataFrame:
    """What the same two fine-tuned teachers say of articles that they trained on, and of articles that they did not.

    Each of the two trained on one half of the training articles; both rows are about all of these.

    Returns:
        A row each way of asking: ``other``, the percentage of articles to which they give another class than the label,
        and ``entropy``, the mean entropy of their answer (nats)
    """
    rows = {}
    for words, name in ASKED.items():
        full = study.settings.profile.name == "full"
        logits = study.teacher_logits(name) if full else published_train_logits(name)
        other = 100 * (1 - records[name][0].history["train_accuracy"].iloc[0])
        rows[words] = {"other": other, "entropy": entropy(softmax(logits, axis=1), axis=1).mean()}
    return pd.DataFrame.from_dict(rows, orient="index")


def pieces_by_occurrence(articles: Articles, pieces: int) -> pd.Series:
    """How many of the vocabulary's ``pieces`` stand so often in these articles, by :data:`TIMES`."""
    counts = np.bincount(articles.input_ids[articles.attention_mask == 1], minlength=pieces)
    return pd.Series({words: int(((counts >= low) & (counts <= high)).sum()) for words, (low, high) in TIMES.items()})


def accuracy_by_unseen_words(records: Mapping[str, list[Record]], unseen: pd.Series) -> pd.DataFrame:
    """Test accuracy in percent of each run (the columns), by the share of an article's words that training lacks.

    Args:
        unseen: (test articles,), what ``unseen_words`` of the article statistics says

    Returns:
        Rows by :data:`SHARES`; the first column, ``articles``, counts them
    """
    groups = {words: ((unseen > low) & (unseen <= high)).to_numpy() for words, (low, high) in SHARES.items()}
    rows = {
        words: {"articles": int(mask.sum())}
        | {runs[0].run.title: 100 * accuracy_per_article(runs)[mask].mean() for runs in records.values()}
        for words, mask in groups.items()
        if mask.any()
    }
    return pd.DataFrame.from_dict(rows, orient="index")
