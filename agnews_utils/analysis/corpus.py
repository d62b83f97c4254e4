"""What is in the articles: artefacts, lengths, duplicates and telling words, as counts (never as text)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer

# name -> what it looks like in the raw text
ARTEFACTS = {
    "HTML entity (&lt; &amp; &quot; …)": re.compile(r"&(?:[a-z]+|#\d+);"),
    "entity without its & ( #39; quot; …)": re.compile(r"(?<!&)(?:#\d+;|\b(?:quot|lt|gt|amp|nbsp);)"),
    "HTML tag, plain or as entities": re.compile(r"(?:<|&lt;)/?[A-Za-z][^<>&]*(?:>|&gt;)"),
    "stray backslash": re.compile(r"\\"),
    "web address": re.compile(r"(?:https?://|www\.)\S+"),
}
AGENCY = re.compile(r"\((?:Reuters|AP|AFP|[A-Z][A-Za-z]*wire)\)|\b(?:Reuters|AP|AFP) - ")
WORD = re.compile(r"\b\w\w+\b")
SHINGLE = 5  # words in a row; articles are compared by the set of their shingles
NEAR = 0.5  # Jaccard similarity of shingles from which two articles count as near duplicates
BOILERPLATE = 500  # a shingle in more articles than this is an agency's standing phrase and tells nothing


def artefact_counts(splits: dict[str, Sequence[str]]) -> pd.DataFrame:
    """Articles that hold each artefact, and their share: a row an artefact, two columns a split."""
    table = {}
    for name, texts in splits.items():
        counts = [sum(bool(pattern.search(text)) for text in texts) for pattern in ARTEFACTS.values()]
        table[f"{name}: articles"] = counts
        table[f"{name}: share"] = np.array(counts) / len(texts)
    return pd.DataFrame(table, index=list(ARTEFACTS))


def normalised(text: str) -> str:
    """Letters and digits only, lower-cased: what decides whether two texts are the same article."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


class Shingles:
    """The shingles of some texts, indexed once: finding the nearest text is then one sparse product.

    A shingle is kept as a 64-bit number computed from the numbers of its words, which is several times faster than a table
    of millions of strings; that two different ones of a corpus agree has a chance of about one in a million.
    """

    def __init__(self, texts: Sequence[str]):
        self.words: dict[str, int] = {}
        rows, codes = self._codes(texts)
        self.codes, columns = np.unique(codes, return_inverse=True)
        self.matrix = self._matrix(rows, columns, len(texts))
        self.sizes = np.bincount(rows, minlength=len(texts))
        self.frequency = np.bincount(columns, minlength=len(self.codes))

    def nearest(self, texts: Sequence[str] | None = None) -> np.ndarray:
        """For each text, the Jaccard similarity (0 to 1) of the nearest indexed one.

        Args:
            texts: (N,) texts to ask about; None asks about the indexed texts themselves, each without itself
        """
        within = texts is None
        asked, sizes = self.matrix, self.sizes
        if not within:
            rows, codes = self._codes(texts)
            sizes = np.bincount(rows, minlength=len(texts))  # shingles that no indexed text has count as well
            known = np.isin(codes, self.codes)
            asked = self._matrix(rows[known], np.searchsorted(self.codes, codes[known]), len(texts))
        # a shingle of one article alone can match nothing within the same texts: dropping it keeps the product small
        useful = (self.frequency >= (2 if within else 1)) & (self.frequency <= BOILERPLATE)
        shared = (asked[:, useful] @ self.matrix[:, useful].T).tocoo()
        keep = shared.row != shared.col if within else np.ones(shared.nnz, bool)
        rows, columns, common = shared.row[keep], shared.col[keep], shared.data[keep]
        nearest = np.zeros(asked.shape[0])
        np.maximum.at(nearest, rows, common / (sizes[rows] + self.sizes[columns] - common))
        return nearest

    def _codes(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Row and code of every different shingle of every text."""
        numbers = [
            [self.words.setdefault(word, len(self.words)) for word in WORD.findall(text.lower())] for text in texts
        ]
        row = np.repeat(np.arange(len(texts)), [len(part) for part in numbers])
        flat = np.fromiter(chain.from_iterable(numbers), np.uint64, len(row))
        codes = np.zeros(max(len(flat) - SHINGLE + 1, 0), np.uint64)
        for place in range(SHINGLE):
            codes = codes * np.uint64(0x9E3779B97F4A7C15) + flat[place : place + len(codes)]
        starts = row[: len(codes)]
        whole = starts == row[len(row) - len(codes) :]  # begins and ends in the same text
        starts, codes = starts[whole], codes[whole]
        order = np.lexsort((codes, starts))
        starts, codes = starts[order], codes[order]
        new = np.ones(len(codes), bool)
        new[1:] = (starts[1:] != starts[:-1]) | (codes[1:] != codes[:-1])
        return starts[new], codes[new]

    def _matrix(self, rows: np.ndarray, columns: np.ndarray, count: int) -> csr_matrix:
        return csr_matrix((np.ones(len(rows), np.int32), (rows, columns)), shape=(count, len(self.codes)))


def nearest_similarity(texts: Sequence[str], others: Sequence[str] | None = None) -> np.ndarray:
    """For each text, the Jaccard similarity (0 to 1) of its nearest other text, by shingles of five words.

    Args:
        texts: (N,) texts to ask about
        others: texts to search; None searches ``texts`` themselves, each without itself
    """
    return Shingles(texts).nearest() if others is None else Shingles(others).nearest(texts)


def duplicate_counts(train: Sequence[str], test: Sequence[str]) -> pd.DataFrame:
    """Exact and near duplicates, within train and of test rows in train: articles and their share.

    Exact: the same letters and digits. Near: a Jaccard similarity of at least one half, exact ones included.
    """
    known = pd.Series([normalised(text) for text in train])
    exact_within = known.duplicated(keep=False)
    exact_across = pd.Series([normalised(text) for text in test]).isin(set(known))
    shingles = Shingles(train)
    counts = {
        "train article, exact duplicate in train": exact_within.to_numpy(),
        "train article, near duplicate in train": exact_within.to_numpy() | (shingles.nearest() >= NEAR),
        "test article, exact duplicate in train": exact_across.to_numpy(),
        "test article, near duplicate in train": exact_across.to_numpy() | (shingles.nearest(test) >= NEAR),
    }
    return pd.DataFrame(
        {"articles": {k: int(v.sum()) for k, v in counts.items()}, "share": {k: v.mean() for k, v in counts.items()}}
    )


def telling_words(
    texts: Sequence[str], labels: Sequence[int], class_names: Sequence[str], count: int = 12
) -> pd.DataFrame:
    """For each class, the words that tell it most: a column a class, most telling first.

    A word's score is the logarithm of how much more often an article of the class holds it than one of the others,
    with one article added on both sides; only words in at least 0.1 % of all articles (and five) are ranked.
    """
    vectorizer = CountVectorizer(
        binary=True, stop_words="english", token_pattern=r"(?u)\b[a-zA-Z]{3,}\b", min_df=max(5, len(texts) // 1000)
    )
    present = vectorizer.fit_transform(texts)
    words, labels = vectorizer.get_feature_names_out(), np.asarray(labels)
    columns = {}
    for number, name in enumerate(class_names):
        inside = labels == number
        score = np.log(
            (np.asarray(present[inside].sum(axis=0)).ravel() + 1)
            / (inside.sum() + 2)
            / ((np.asarray(present[~inside].sum(axis=0)).ravel() + 1) / ((~inside).sum() + 2))
        )
        columns[name] = words[np.argsort(-score)[:count]]
    return pd.DataFrame(columns)


def token_lengths(texts: Sequence[str], tokenizer) -> np.ndarray:
    """WordPiece tokens of each text, [CLS] and [SEP] included, before any cut."""
    return np.array([len(ids) for ids in tokenizer(list(texts), verbose=False)["input_ids"]])


def row_facts(texts: Sequence[str], train: Sequence[str]) -> pd.DataFrame:
    """Numbers about each article that a later analysis can ask for without the text.

    Columns: ``characters``; ``artefact`` and ``agency`` (0 or 1); ``unseen_words``, the share of its words that no training
    article holds; ``nearest_train``, the Jaccard similarity of the nearest training article.
    """
    vectorizer = CountVectorizer(binary=True)
    vectorizer.fit(train)
    analyse, known = vectorizer.build_analyzer(), vectorizer.vocabulary_
    words = [analyse(text) for text in texts]
    return pd.DataFrame(
        {
            "characters": [len(text) for text in texts],
            "artefact": [int(any(pattern.search(text) for pattern in ARTEFACTS.values())) for text in texts],
            "agency": [int(bool(AGENCY.search(text))) for text in texts],
            "unseen_words": [round(sum(w not in known for w in ws) / max(len(ws), 1), 4) for ws in words],
            "nearest_train": np.round(nearest_similarity(texts, train), 4),
        }
    )
