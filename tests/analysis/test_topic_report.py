"""What the report of own topics says of a gain, and the card of other classes than AG News'."""

from dataclasses import replace

import numpy as np
import pytest
from made_records import VALIDATION, record_of

from agnews_utils.analysis.student_cards import student_card
from agnews_utils.analysis.topics import comparisons, gain_in_words, verdict
from agnews_utils.study.runs import MODEL3, TFIDF
from agnews_utils.study.topics import BAG, PLAIN, TAUGHT


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(0.1, 1, "clearly better"), (-1, -0.1, "clearly worse"), (-0.1, 2, "not clearly better"),
     (0, 1, "not clearly better"), (-1, 0, "not clearly better")],
)  # fmt: skip
def test_only_an_interval_on_one_side_of_zero_is_clear(low, high, words):
    assert verdict(low, high) == words


def made(bag, plain, taught, texts=1_000, seeds=3):
    """Records with so many of the texts correct, the first ones; each seed the same."""
    correct = {BAG: bag, PLAIN: plain, TAUGHT: taught}
    names = {BAG: TFIDF, PLAIN: MODEL3, TAUGHT: MODEL3}
    return {
        name: [record_of(names[name], np.arange(texts) < count, seed) for seed in range(1 if name == BAG else seeds)]
        for name, count in correct.items()
    }


def test_gains_are_in_percentage_points_and_in_pairs():
    records = made(bag=850, plain=895, taught=900)
    assert gain_in_words(records, BAG).startswith("+5.00 percentage points (95 % +3.")
    assert gain_in_words(records, BAG).endswith("), clearly better")
    assert gain_in_words(records, PLAIN).startswith("+0.50 percentage points (95 % +0.")
    assert gain_in_words(made(bag=910, plain=900, taught=900), BAG).startswith("-1.00 percentage points (95 % -1.")
    assert gain_in_words(made(bag=910, plain=900, taught=900), PLAIN).endswith("not clearly better")


def test_three_sentences_say_what_the_student_reaches():
    accuracy, bag, plain = comparisons(made(bag=850, plain=900, taught=900))
    assert accuracy == "The student with its teachers: 90.00 % (95 % 87.98 to 91.71; 3 seeds)."
    assert bag.startswith("Against a bag of words (TF-IDF and a linear classifier): +5.00 percentage points")
    assert plain.startswith("Against the student from labels alone: +0.00 percentage points (95 % +0.00 to +0.00)")


def test_the_card_names_the_classes_it_was_given():
    labels = np.arange(60) % 6
    logits = np.eye(6, dtype=np.float32)[np.where(np.arange(60) < 54, labels, 0)]
    record = replace(record_of(MODEL3, np.ones(60, bool)), test_logits=logits, labels=labels)
    card = student_card(record, None, ["a", "b", "c", "d", "e", "f"])
    assert list(card["recall"]) == list(card["precision"]) == ["a", "b", "c", "d", "e", "f"]
    assert card["recall"] == {"a": 1.0} | dict.fromkeys("bcdef", 0.9) | {"f": 0.9}


def test_a_student_that_is_never_sure_enough_has_no_threshold():
    record = record_of(MODEL3, np.arange(100) < 90)
    wrong = replace(record, validation_logits=np.eye(4, dtype=np.float32)[[1] * 10])
    assert np.array_equal(wrong.validation_labels, VALIDATION[1])
    card = student_card(wrong, None)
    assert "threshold" not in card
    assert "answered" not in card


def test_all_validation_texts_correct_leave_the_temperature_alone():
    record = record_of(MODEL3, np.arange(100) < 90)
    assert record.validation_accuracy == 1
    assert student_card(record, None)["temperature"] == 1
