"""What a card says, against the same from the definitions; validation articles choose, test articles measure."""

import json
from dataclasses import replace

import numpy as np
import pytest
from made_records import record_of

from agnews_utils.analysis.student_cards import models_readme, student_card

NAME = "model3_simpler_cnn_plain"


def drawn(articles, seed, sharpness):
    """Logits whose softmax, divided by ``sharpness``, is how the labels were drawn."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 4, (articles, 4))
    shares = np.exp(logits)
    shares /= shares.sum(axis=1, keepdims=True)
    return logits * sharpness, (shares.cumsum(axis=1) < generator.random((articles, 1))).sum(axis=1).clip(0, 3)


@pytest.fixture
def record():
    (validation, validation_labels), (test, labels) = drawn(4_000, 0, 2.0), drawn(5_000, 1, 2.0)
    return replace(
        record_of(NAME, np.ones(8, bool)), test_logits=test, labels=labels, validation_logits=validation,
        validation_labels=validation_labels,
    )  # fmt: skip


def test_card_of_an_overconfident_student(record):
    card = student_card(record, "A teacher")
    assert card["teacher"] == "A teacher"
    assert card["temperature"] == pytest.approx(2, rel=0.05)
    assert card["calibration_error_at_temperature"] < card["calibration_error"] / 3
    assert card["test_accuracy"] == pytest.approx((record.test_logits.argmax(axis=1) == record.labels).mean(), abs=1e-6)
    low, high = card["test_interval"]
    assert low < card["test_accuracy"] < high
    answered = card["answered"]
    assert 0.97 <= answered["validation"]["accuracy"] < 0.975
    assert answered["test"]["accuracy"] == pytest.approx(0.97, abs=0.015)
    assert answered["test"]["share"] == pytest.approx(answered["validation"]["share"], abs=0.05)
    assert json.loads(json.dumps(card)) == card


def test_precision_and_recall_by_hand(record):
    card = student_card(record, None)
    predicted = record.test_logits.argmax(axis=1)
    sports = (predicted == 1) & (record.labels == 1)
    assert card["precision"]["Sports"] == pytest.approx(sports.sum() / (predicted == 1).sum(), abs=1e-4)
    assert card["recall"]["Sports"] == pytest.approx(sports.sum() / (record.labels == 1).sum(), abs=1e-4)
    assert card["teacher"] == "none: labels alone"


def test_test_articles_choose_nothing(record):
    card = student_card(record, None)
    other = student_card(replace(record, test_logits=np.roll(record.test_logits, 1, axis=1)), None)
    assert {name: card[name] for name in ("temperature", "threshold")} == {
        name: other[name] for name in ("temperature", "threshold")
    }
    assert other["answered"]["validation"] == card["answered"]["validation"]
    assert other["test_accuracy"] < card["test_accuracy"]


def test_cards_for_people(record):
    card = student_card(record, "A teacher") | {
        "run": NAME, "seed": 3, "made_with": "some data", "int8_test_accuracy": 0.1234,
        "classes": ["World", "Sports", "Business", "Sci/Tech"],
    }  # fmt: skip
    page = models_readme({"a.safetensors": card, "b.safetensors": card}, {"a.safetensors": 4_321, "b.safetensors": 1})
    assert page.count("| `a.safetensors` |") == page.count("| `b.safetensors` |") == 4
    assert "4,321 |" in page
    assert "12.34 |" in page
    assert f"{100 * card['precision']['World']:.2f} / {100 * card['recall']['World']:.2f}" in page
    assert (
        "seed 3 (the best of its seeds on validation). Data: some data. It read 120 texts. Teacher: A teacher." in page
    )
