"""The bags of words: what they read, and that a seed gives the same model again."""

import numpy as np
import pytest

from agnews_utils.baselines import LEARNING_RATES, fasttext_classifier, fasttext_logits, fasttext_words, tfidf_linear


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
