"""One answer a question: the number is the difference of two accuracies, the sentence says what the interval says."""

import pandas as pd
import pytest
from helpers import refused

from agnews_utils.analysis import answers, claims
from agnews_utils.analysis.answers import QUESTIONS, Answer, accuracy, answer, answers_table, in_a_table_of
from agnews_utils.analysis.claims import gains_apart
from agnews_utils.study.records import published_records
from agnews_utils.study.runs import ONE_MODEL
from agnews_utils.study.strong import ALL_RUNS


@pytest.fixture(scope="module")
def records():
    return published_records(ALL_RUNS)[0]


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_gain_is_what_the_two_accuracies_differ_by(records, question):
    """Where both models have the same seeds, a reader who subtracts gets the gain, but for rounding."""
    found, (before, after) = answer(records, question), QUESTIONS[question]
    assert found.low <= found.gain <= found.high
    seeds = [len(records[name]) for name in (before, after) if name not in ONE_MODEL]
    if len(set(seeds)) < 2:
        numbers = [float(accuracy(records, name).removesuffix(" %")) for name in (before, after)]
        assert found.gain == pytest.approx(numbers[1] - numbers[0], abs=0.011)


def test_the_sentence_says_what_the_interval_says(records):
    clear = answer(records, "Does DIST help CNN-4?")
    assert clear.is_clear
    assert str(clear) == f"CNN-4 DIST is better than CNN-4 plain: {clear.number}."
    open_ = answer(records, "Does DIST help CNN-1?")
    assert not open_.is_clear
    assert "CNN-1 DIST is not clearly different from CNN-1 plain: +0.26" in str(open_)
    worse = answer(records, "Does BERT-VDCNN beat the n-gram baseline?")
    assert "is worse than the n-gram baseline" in str(worse)
    assert "1 seed, over articles only" in worse.number


def test_the_committed_table_is_that_of_the_committed_records(records):
    made = answers_table(records).round(4)
    pd.testing.assert_frame_equal(pd.read_csv(answers.ANSWERS), made)
    assert made["question"].is_unique


def test_students_and_teachers_have_an_article_in_a_sentence():
    student = Answer("", "5 MB student", "n-gram baseline", 0.5, 0.1, 0.9, 5)
    assert str(student).startswith("The 5 MB student is better than the n-gram baseline: +0.50")
    other = Answer("", "CNN-1 KL, fine-tuned teacher", "Fine-tuned teacher", -3.0, -3.2, -2.8, 5)
    assert str(other).startswith("CNN-1 KL, fine-tuned teacher is worse than the fine-tuned teacher: -3.00")


def test_a_table_of_ones_own_words():
    numbers = (0.5, 0.1, 0.9), (-0.5, -0.9, -0.1), (0.1, -0.3, 0.5)
    better, worse, open_ = (Answer("", "A", "B", *ends, 3) for ends in numbers)
    table = in_a_table_of(("student", "against"), [("one", "two", better), ("two", "one", worse), ("x", "y", open_)])
    rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table.strip().splitlines()]
    assert rows[0] == ["student", "against", "gain, points", "seeds", "verdict"]
    assert rows[2] == ["one", "two", "+0.50 (+0.10 to +0.90)", "3", "**better**"]
    assert [row[-1] for row in rows[2:]] == ["**better**", "**worse**", "not clear"]
    with refused(ValueError, "zip"):
        in_a_table_of(("student",), [("one", "two", better)])


def test_how_far_two_gains_are_apart(records):
    four, one = "Does DIST help CNN-4?", "Does DIST help CNN-1?"
    apart, low, high = gains_apart(records, four, one)
    assert low < apart < high
    other = gains_apart(records, one, four)
    assert (apart, low, high) == pytest.approx((-other[0], -other[2], -other[1]), abs=0.1)  # the draws are others
    assert f"{apart:+.1f}" in claims.numbers(records)["4"]
