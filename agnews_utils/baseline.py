"""The bag of words that every model must be read against: TF-IDF and a linear classifier."""

from __future__ import annotations

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import LinearSVC

REGULARISATION = (0.1, 0.3, 1.0)  # LinearSVC's C to choose from on validation


def tfidf_linear(train, validation) -> tuple[Pipeline, list[dict]]:
    """Words and word pairs, TF-IDF weights, linear SVM; its C is the one with the highest validation accuracy.

    Args:
        train, validation: splits with ``text`` and ``label``

    Returns:
        The fitted pipeline and a row for each C tried: ``C``, ``validation_accuracy``.
    """
    features = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2)
    matrix = features.fit_transform(train["text"])
    held_out = features.transform(validation["text"])
    tried, fitted = [], []
    for c in REGULARISATION:
        fitted.append(LinearSVC(C=c, random_state=0).fit(matrix, train["label"]))
        tried.append({"C": c, "validation_accuracy": float(fitted[-1].score(held_out, validation["label"]))})
    best = max(range(len(tried)), key=lambda i: tried[i]["validation_accuracy"])
    return make_pipeline(features, fitted[best]), tried
