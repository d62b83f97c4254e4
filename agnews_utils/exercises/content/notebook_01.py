"""Notebook 01: a baseline without reading, near duplicates, and TF-IDF."""

from __future__ import annotations

from collections import Counter

import numpy as np
from sklearn.feature_extraction.text import TfidfTransformer

from ...analysis.articles import nearest_similarity
from ..exercise import Exercise

majority = Exercise(
    "01.1",
    "The classifier that never reads",
    minutes=5,
    difficulty=1,
    grades="a baseline is fitted on training labels and scored on test labels",
    question="""
    A classifier reads no article. It always answers the class that is most frequent among the *training* labels. Write
    a function that gives its accuracy on the test labels.""",
    predict="What accuracy has it with four equally frequent classes, and what if 90 % of all rows are of one class?",
    outcome="""With four equal classes it has 25 %, and with 90 % of one class it has 90 %, without reading a word.
    An accuracy says something only beside such a baseline.""",
    hints=(
        "`np.bincount` counts how often each class stands in an array of labels.",
        "`np.bincount(train_labels).argmax()` is the class that it always answers.",
        "Compare each test label with that class. The mean of the comparison is the accuracy.",
    ),
)


@majority.solution
def my_majority(train_labels: np.ndarray, test_labels: np.ndarray) -> float:
    """Test accuracy (0 to 1) of always answering the most frequent training class; both are (N,) integers from 0."""
    answer = np.bincount(train_labels).argmax()
    return (test_labels == answer).mean()


@majority.mistake(
    "test set used to choose",
    "You chose the answer by the test labels. The test set may only report: what is chosen comes from training rows.",
)
def _(train_labels, test_labels):
    return np.bincount(test_labels).max() / len(test_labels)


@majority.mistake(
    "scored on its own training rows",
    "This is the share of the class among the training labels. How the classifier does on new rows is asked.",
)
def _(train_labels, test_labels):
    return np.bincount(train_labels).max() / len(train_labels)


@majority.mistake(
    "guessing for answering one class",
    "One divided by the number of classes is what blind guessing gets. This classifier always gives the same answer.",
)
def _(train_labels, test_labels):
    return 1 / len(np.unique(train_labels))


@majority.inputs
def _():
    return [
        (np.array([0, 0, 0, 1, 2, 3, 0, 1]), np.array([1, 1, 1, 0, 2])),
        (np.array([2, 2, 1, 2, 0]), np.array([2, 0, 1, 1, 1, 2, 0, 1])),
        (np.array([3, 1, 0, 2, 3]), np.array([0, 0, 3, 0])),
    ]


similarity = Exercise(
    "01.2",
    "Near duplicates by runs of five words",
    minutes=10,
    difficulty=2,
    grades="Jaccard similarity of sets of shingles",
    question="""
    Cut each text into its runs of five words: words 1 to 5, words 2 to 6, and so on. The Jaccard similarity of two
    texts is the number of different runs that both hold, divided by the number of different runs that at least one
    holds. Words are split at spaces, and every text has five words or more.""",
    predict="Two texts of 20 words differ in one word in the middle: is their similarity above one half?",
    outcome="""Each of the two has 16 runs, and the changed word stands in five of them. So they share 11 of 21
    different runs: 0.52, just enough for a near duplicate.""",
    hints=(
        "A Python `set` of tuples forgets repeats, and `&` and `|` give what two sets share and hold together.",
        "The runs of a text with n words begin at its words 0 to n - 5: `tuple(words[i : i + 5])`.",
        "With the two sets `p` and `q` the answer is `len(p & q) / len(p | q)`.",
    ),
    module=lambda a, b: nearest_similarity([a], [b])[0],
)


@similarity.solution
def my_similarity(a: str, b: str) -> float:
    """Jaccard similarity (0 to 1) of two texts by their runs of five words."""
    runs = []
    for text in (a, b):
        words = text.split()
        runs.append({tuple(words[i : i + 5]) for i in range(len(words) - 4)})
    return len(runs[0] & runs[1]) / len(runs[0] | runs[1])


@similarity.mistake(
    "single words for runs",
    "You compared single words. Two articles on one topic share many of them; runs keep the order of the words.",
)
def _(a, b):
    p, q = set(a.split()), set(b.split())
    return len(p & q) / len(p | q)


@similarity.mistake(
    "share of the first text for Jaccard",
    "You divided by the runs of the first text alone. Then a short text within a long one would count as equal to it.",
)
def _(a, b):
    p, q = _runs(a), _runs(b)
    return len(p & q) / len(p)


@similarity.mistake(
    "shared runs counted twice",
    "You divided by the runs of both texts added up. A run that both hold should count once, or no two texts reach 1.",
)
def _(a, b):
    p, q = _runs(a), _runs(b)
    return len(p & q) / (len(p) + len(q))


@similarity.mistake(
    "repeats counted",
    "You counted a run each time that it comes. The question is which different runs a text holds, so use sets.",
)
def _(a, b):
    p, q = _counted_runs(a), _counted_runs(b)
    return sum((p & q).values()) / sum((p | q).values())


def _counted_runs(text):
    words = text.split()
    return Counter(tuple(words[i : i + 5]) for i in range(len(words) - 4))


def _runs(text):
    return set(_counted_runs(text))


@similarity.inputs
def _():
    long = "the council of quillmoor met again on monday to vote on the ferry that has been late for most of the winter"
    chant = "home side wins the cup again home side wins the cup again home side wins the cup"
    return [
        (long, long.replace("monday", "friday")),
        ("the council of quillmoor met again", long),
        (chant, "home side wins the cup again and the crowd sings"),
    ]


tfidf = Exercise(
    "01.3",
    "TF-IDF of a few articles",
    minutes=12,
    difficulty=2,
    grades="weights of an n-gram baseline: term frequency, document frequency, length of a row",
    question="""
    Row $i$ of `counts` says how often article $i$ holds each word. Compute the weights $(1 + \\log \\text{tf})\\,(1 +
    \\log\\frac{1 + N}{1 + \\text{df}})$, and divide each row by its length. The logarithm is natural. A word that an
    article does not hold has weight 0.""",
    predict="A word stands in every article: is its weight zero?",
    outcome="""No. For a word that stands in every article the second factor is 1 + log 1 = 1, so its weight is lower
    than a rare word's, and not zero.""",
    hints=(
        "`df` is the number of articles that hold the word: `(counts > 0).sum(axis=0)`.",
        "Take `np.log(np.maximum(counts, 1))` to keep the logarithm of 0 away, and set the absent words to 0.",
        "Divide the weights by `np.linalg.norm(weights, axis=1, keepdims=True)`: one length a row.",
    ),
    module=lambda counts: TfidfTransformer(sublinear_tf=True).fit_transform(counts).toarray(),
)


@tfidf.solution
def my_tfidf(counts: np.ndarray) -> np.ndarray:
    """Rows of TF-IDF weights, each of length 1: (articles, words) counts to (articles, words)."""
    present = counts > 0
    tf = np.where(present, 1 + np.log(np.maximum(counts, 1)), 0)
    idf = 1 + np.log((1 + len(counts)) / (1 + present.sum(axis=0)))
    weights = tf * idf
    return weights / np.linalg.norm(weights, axis=1, keepdims=True)


@tfidf.mistake(
    "log2 for the natural logarithm",
    "This is to base 2. With the 1 added to it, the base changes the weights; `np.log` is natural.",
)
def _(counts):
    return _rows_of_length_1(_weights(counts, (counts > 0).sum(axis=0), np.log2))


@tfidf.mistake(
    "words counted for articles",
    "You counted how often a word comes in all. df is the number of articles that hold it, however often.",
)
def _(counts):
    return _rows_of_length_1(_weights(counts, counts.sum(axis=0), np.log))


@tfidf.mistake(
    "rows not brought to length 1",
    "The weights are right, but not divided by their row's length: a long article would weigh more.",
)
def _(counts):
    return _weights(counts, (counts > 0).sum(axis=0), np.log)


@tfidf.mistake(
    "columns for rows", "You brought the columns (words) to length 1. Each row, an article, should have length 1."
)
def _(counts):
    return _rows_of_length_1(_weights(counts, (counts > 0).sum(axis=0), np.log).T).T


def _weights(counts, df, log):
    return np.where(counts > 0, 1 + log(np.maximum(counts, 1)), 0) * (1 + log((1 + len(counts)) / (1 + df)))


def _rows_of_length_1(weights):
    return weights / np.linalg.norm(weights, axis=1, keepdims=True)


@tfidf.inputs
def _():
    return [
        (np.array([[2, 1, 0, 3], [1, 0, 4, 0], [1, 0, 0, 2]]),),
        (np.array([[1, 5, 1, 0, 0], [0, 3, 0, 2, 0], [7, 1, 0, 0, 1], [0, 2, 0, 0, 0]]),),
    ]
