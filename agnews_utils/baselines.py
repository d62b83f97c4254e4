"""The n-gram baselines that every model must be read against: TF-IDF with a linear classifier, and fastText."""

from __future__ import annotations

import re
import tempfile
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import LinearSVC

from .settings import CLASS_NAMES

FAR_AWAY = -20.0  # the score of a class that a baseline does not know
REGULARISATION = (0.1, 0.3, 1.0)  # LinearSVC's C to choose from on validation
LEARNING_RATES = (0.05, 0.1, 0.25, 0.5)  # fastText's, as Joulin et al. 2017 chose from


@dataclass(frozen=True)
class Baseline:
    """A fitted baseline.

    Attributes:
        logits: texts to scores (articles, classes)
        parameters: how many numbers it learnt
        history: a dict for each setting tried: ``epoch`` (its number), ``train_seconds`` (the mean over all),
            ``validation_accuracy`` and the setting
        best_epoch: the number (from 1) of the one that validation chose
    """

    logits: Callable[[Sequence[str]], np.ndarray]
    parameters: int
    history: list[dict]
    best_epoch: int


def tfidf(train, validation, seed: int = 0, num_classes: int = len(CLASS_NAMES)) -> Baseline:
    """:func:`tfidf_linear` as a run of the study; it knows no chance, so ``seed`` changes nothing."""
    started = time.perf_counter()
    pipeline, tried = tfidf_linear(train, validation)
    parameters = pipeline[-1].coef_.size + pipeline[-1].intercept_.size
    return Baseline(partial(tfidf_scores, pipeline, num_classes), int(parameters), *_history(tried, started))


def small_tfidf(
    train, validation, seed: int = 0, num_classes: int = len(CLASS_NAMES), terms: int | None = None
) -> Baseline:
    """:func:`tfidf` made small: its strongest n-grams, trained anew, each number in one byte.

    It answers as its file does (:func:`ngram_file`), rounding included; rows of the history have the file's ``bytes``.

    Args:
        terms: how many n-grams are kept, those with the largest weight for any class; None for all
    """
    started = time.perf_counter()
    (features, svm), _ = tfidf_linear(train, validation)
    strongest = np.argsort(-np.abs(svm.coef_).max(axis=0), kind="stable")[:terms]
    kept = features.get_feature_names_out()[np.sort(strongest)]
    smaller = _counter(vocabulary=list(kept))
    pipeline, tried = _chosen(smaller, smaller.fit_transform(train["text"]), train, validation)
    file, parameters = ngram_file(pipeline), int(pipeline[-1].coef_.size + pipeline[-1].intercept_.size)
    history = _history([row | {"bytes": len(file)} for row in tried], started)
    return Baseline(partial(tfidf_scores, read_ngram_file(file), num_classes), parameters, *history)


def ngram_file(pipeline: Pipeline) -> bytes:
    """The content of a file that answers as the classifier does: a byte for each weight and idf, its n-grams zipped.

    Args:
        pipeline: as :func:`tfidf_linear` fits it
    """
    features, svm = pipeline
    terms = "\n".join(features.get_feature_names_out()).encode()
    largest = np.maximum(np.abs(svm.coef_).max(axis=1, keepdims=True), np.finfo(np.float32).tiny)  # a class of zeros
    scale, step = largest / 127, features.idf_.max() / 255
    return save({
        "terms": np.frombuffer(zlib.compress(terms, 9), np.uint8), "classes": np.asarray(svm.classes_, np.int64),
        "coef": np.rint(svm.coef_ / scale).astype(np.int8, order="C"), "scale": scale.astype(np.float32),
        "idf": np.rint(features.idf_ / step).astype(np.uint8), "step": np.array([step], np.float32),
        "intercept": svm.intercept_.astype(np.float32),
    })  # fmt: skip


def read_ngram_file(content: bytes) -> Pipeline:
    """The classifier of a file's content, as :func:`ngram_file` wrote it."""
    arrays = load(content)
    features = _counter(vocabulary=zlib.decompress(arrays["terms"].tobytes()).decode().split("\n"))
    features.idf_ = arrays["idf"] * arrays["step"].astype(np.float64)
    svm = LinearSVC()
    svm.coef_, svm.intercept_ = arrays["coef"] * arrays["scale"].astype(np.float64), arrays["intercept"]
    svm.classes_ = arrays["classes"]
    return make_pipeline(features, svm)


def tfidf_scores(pipeline: Pipeline, num_classes: int, texts: Sequence[str]) -> np.ndarray:
    """Distances (articles, classes) from each class's hyperplane; a class without a training article is far away."""
    found, present = pipeline.decision_function(texts), pipeline.classes_
    if found.ndim == 1:  # of two classes scikit-learn gives the second's distance alone
        found = np.stack([-found, found], axis=1)
    scores = np.full((len(found), num_classes), FAR_AWAY)
    scores[:, present] = found
    return scores


def fasttext(train, validation, seed: int, num_classes: int = len(CLASS_NAMES)) -> Baseline:
    """:func:`fasttext_classifier` as a run of the study."""
    started = time.perf_counter()
    model, tried = fasttext_classifier(train, validation, seed, num_classes)
    parameters = sum(matrix.size for matrix in (model.get_input_matrix(), model.get_output_matrix()))
    logits = partial(fasttext_logits, model, num_classes=num_classes)
    return Baseline(logits, int(parameters), *_history(tried, started))


def _history(tried: list[dict], started: float) -> tuple[list[dict], int]:
    seconds = (time.perf_counter() - started) / len(tried)
    history = [{"epoch": i, "train_seconds": seconds, **row} for i, row in enumerate(tried, 1)]
    return history, _best(tried) + 1


def tfidf_linear(train, validation) -> tuple[Pipeline, list[dict]]:
    """Words and word pairs, TF-IDF weights, linear SVM; its C is the one with the highest validation accuracy.

    Args:
        train, validation: splits with ``text`` and ``label``

    Returns:
        The fitted pipeline and a row for each C tried: ``C``, ``validation_accuracy``.

    Raises:
        ValueError: no word stands in two training texts.
    """
    features = _counter(min_df=2)
    try:
        matrix = features.fit_transform(train["text"])
    except ValueError as reason:
        raise ValueError(
            "No word stands in two of the training texts, so that a bag of words finds nothing to count: give more or "
            "longer texts."
        ) from reason
    return _chosen(features, matrix, train, validation)


def _counter(**options: Any) -> TfidfVectorizer:
    return TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), **options)


def _chosen(features: TfidfVectorizer, matrix: Any, train, validation) -> tuple[Pipeline, list[dict]]:
    """The classifier whose C validation liked best, and a row for each C tried; ``matrix``: the training features."""
    held_out = features.transform(validation["text"])
    tried, fitted = [], []
    for c in REGULARISATION:
        fitted.append(LinearSVC(C=c, random_state=0).fit(matrix, train["label"]))
        tried.append({"C": c, "validation_accuracy": float(fitted[-1].score(held_out, validation["label"]))})
    return make_pipeline(features, fitted[_best(tried)]), tried


def fasttext_classifier(train, validation, seed: int, num_classes: int = len(CLASS_NAMES)):
    """fastText as Joulin et al. 2017 ran it on AG News: 10 dimensions, bigrams, 5 epochs, learning rate by validation.

    Uses the package ``fasttext`` with one thread, so that a seed gives the same model again.

    Returns:
        The fitted model and a row for each learning rate tried: ``lr``, ``validation_accuracy``.
    """
    import fasttext

    tried, fitted = [], []
    with tempfile.TemporaryDirectory() as folder:  # fastText reads files only
        path = Path(folder) / "train.txt"
        rows = zip(train["label"], train["text"], strict=True)
        path.write_text("".join(f"__label__{label} {fasttext_words(text)}\n" for label, text in rows), encoding="utf-8")
        for lr in LEARNING_RATES:
            model = fasttext.train_supervised(
                str(path), dim=10, wordNgrams=2, epoch=5, lr=lr, seed=seed, thread=1, verbose=0
            )
            logits = fasttext_logits(model, validation["text"], num_classes)
            correct = logits.argmax(axis=1) == np.asarray(validation["label"])
            fitted.append(model)
            tried.append({"lr": lr, "validation_accuracy": float(correct.mean())})
    return fitted[_best(tried)], tried


def _best(tried: list[dict]) -> int:
    """Number of the first row with the highest validation accuracy."""
    return max(range(len(tried)), key=lambda i: tried[i]["validation_accuracy"])


def fasttext_words(text: str) -> str:
    """Lower case, punctuation apart from words, one line: what fastText's own script does to AG News."""
    return " ".join(re.findall(r"\w+|[^\w\s]", text.lower()))


def fasttext_logits(model, texts: Sequence[str], num_classes: int = len(CLASS_NAMES)) -> np.ndarray:
    """Logarithms of the model's probabilities (articles, classes)."""
    labels, probabilities = model.predict([fasttext_words(text) for text in texts], k=num_classes)
    logits = np.full((len(labels), num_classes), FAR_AWAY, np.float32)
    for row, names, shares in zip(logits, labels, probabilities, strict=True):
        for name, share in zip(names, shares, strict=True):
            row[int(name.removeprefix("__label__"))] = np.log(max(share, 1e-8))
    return logits
