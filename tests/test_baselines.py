"""The bags of words: what they read, and that a seed gives the same model again."""

import numpy as np
import pytest
from helpers import refused

from agnews_utils.baselines import (
    FAR_AWAY,
    LEARNING_RATES,
    fasttext,
    fasttext_classifier,
    fasttext_logits,
    fasttext_words,
    ngram_file,
    read_ngram_file,
    small_tfidf,
    tfidf,
    tfidf_linear,
    tfidf_scores,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Oil Prices Rise, Again", "oil prices rise , again"),
        ("It's 3.5% up\nin two lines", "it ' s 3 . 5 % up in two lines"),
        ("Zürich  (Reuters) - Ünder", "zürich ( reuters ) - ünder"),
        ("", ""),
    ],
)
def test_words_for_fasttext(text, words):
    assert fasttext_words(text) == words


def test_tfidf_takes_the_best_regularisation_on_validation(sample):
    train, validation = sample.train.iloc[:400], sample.train.iloc[400:600]
    pipeline, tried = tfidf_linear(train, validation)
    accuracies = [row["validation_accuracy"] for row in tried]
    assert tried[int(np.argmax(accuracies))]["C"] == pipeline[-1].C
    assert np.mean(pipeline.predict(validation["text"]) == validation["label"]) == pytest.approx(max(accuracies))


def test_a_small_baseline_answers_as_its_file_does(sample):
    train, validation = sample.train.iloc[:400], sample.train.iloc[400:600]
    texts = list(validation["text"])
    pipeline, _ = tfidf_linear(train, validation)
    again = read_ngram_file(ngram_file(pipeline))
    scores, rounded = pipeline.decision_function(texts), again.decision_function(texts)
    np.testing.assert_allclose(rounded, scores, atol=0.02 * np.abs(scores).max())  # steps of 1/127 of the largest
    assert not np.array_equal(rounded, scores)

    whole, small = small_tfidf(train, validation), small_tfidf(train, validation, terms=50)
    classes = len(pipeline.classes_)
    assert small.parameters == 51 * classes
    assert whole.parameters == (len(pipeline[0].vocabulary_) + 1) * classes
    assert small.history[0]["bytes"] < whole.history[0]["bytes"]
    accuracies = [row["validation_accuracy"] for row in small.history]
    assert small.best_epoch == int(np.argmax(accuracies)) + 1
    assert small.logits(texts).shape == (200, 4)


def test_a_small_baseline_keeps_the_n_grams_of_the_largest_weights(sample):
    train, validation = sample.train.iloc[:400], sample.train.iloc[400:600]
    (features, svm), _ = tfidf_linear(train, validation)
    strength = dict(zip(features.get_feature_names_out(), np.abs(svm.coef_).max(axis=0), strict=True))
    kept = set(small_tfidf(train, validation, terms=50).logits.args[0][0].vocabulary_)
    assert len(kept) == 50
    assert min(strength[term] for term in kept) >= max(strength[term] for term in strength.keys() - kept)


def test_fasttext_is_seeded_and_chosen_on_validation(sample):
    pytest.importorskip("fasttext", reason="fastText is an extra: pip install -e .[fasttext]")
    train, validation = sample.train.iloc[:400], sample.train.iloc[400:600]
    first, tried = fasttext_classifier(train, validation, seed=0)
    again, _ = fasttext_classifier(train, validation, seed=0)
    logits = fasttext_logits(first, validation["text"])
    assert [row["lr"] for row in tried] == list(LEARNING_RATES)
    assert np.array_equal(logits, fasttext_logits(again, validation["text"]))
    assert logits.shape == (200, 4)
    np.testing.assert_allclose(np.exp(logits).sum(axis=1), 1, atol=1e-3)  # logarithms of probabilities
    right = np.mean(logits.argmax(axis=1) == validation["label"])
    assert right == pytest.approx(max(row["validation_accuracy"] for row in tried))


def made(labels):
    """A split of texts that tell their class."""
    return {"text": [f"word{label} and word{label} again" for label in labels], "label": labels}


@pytest.mark.parametrize("classes", [2, 3, 6])
def test_tfidf_gives_a_score_to_every_class(classes):
    train, texts = made([i % classes for i in range(12 * classes)]), made(list(range(classes)))
    logits = tfidf(train, train, num_classes=classes).logits(texts["text"])
    assert logits.shape == (classes, classes)
    assert logits.argmax(axis=1).tolist() == list(range(classes))


def test_tfidf_of_two_classes_is_the_margin_of_either():
    train = made([0, 1] * 12)
    pipeline, _ = tfidf_linear(train, train)
    margin = pipeline.decision_function(train["text"])
    np.testing.assert_array_equal(tfidf_scores(pipeline, 2, train["text"]), np.stack([-margin, margin], axis=1))


def test_a_class_without_a_training_text_is_never_the_answer():
    train = made([0, 2, 3] * 8)
    logits = tfidf(train, train, num_classes=5).logits(train["text"])
    assert logits.argmax(axis=1).tolist() == train["label"]
    assert (logits[:, [1, 4]] == FAR_AWAY).all()


def test_fasttext_knows_as_many_classes_as_it_is_told():
    pytest.importorskip("fasttext", reason="fastText is an extra: pip install -e .[fasttext]")
    train = made([0, 1] * 30)
    assert fasttext(train, train, 0, num_classes=3).logits(["word0 word0"]).shape == (1, 3)


def test_texts_that_share_no_word_are_refused():
    texts = {"text": [f"alone{i}" for i in range(10)], "label": [0, 1] * 5}
    with refused(ValueError, "No word stands in two of the training texts"):
        tfidf_linear(texts, texts)
