"""The students that come with the project: their sizes, their cards, and that they read a headline."""

import pytest

from agnews_utils.export.from_study import MODELS
from agnews_utils.export.student import load_student
from agnews_utils.study.records import published_records
from agnews_utils.study.strong import ALL_RUNS, SHIPPED

LIMITS = {"student_5mb": 5_000_000, "student_1mb": 1_000_000, "student_100kb": 100_000}


@pytest.fixture(scope="module")
def records():
    return published_records(ALL_RUNS)[0]


@pytest.mark.parametrize("file", SHIPPED)
def test_is_as_small_as_its_name_says(file):
    assert (MODELS / f"{file}.safetensors").stat().st_size <= LIMITS[file]


@pytest.mark.parametrize("file", SHIPPED)
def test_card_agrees_with_the_record(file, records):
    card = load_student(MODELS / f"{file}.safetensors").card
    of = {record.seed: record for record in records[card["run"]]}
    assert card["run"] == SHIPPED[file]
    assert card["test_accuracy"] == pytest.approx(of[card["seed"]].test_accuracy, abs=1e-6)
    assert card["int8_test_accuracy"] == pytest.approx(card["test_accuracy"], abs=0.001)  # int8 costs 0.1 at most


@pytest.mark.parametrize("file", SHIPPED)
@pytest.mark.parametrize(
    ("headline", "topic"),
    [
        ("Striker scores twice as the home team wins the league title", "Sports"),
        ("Shares fall after the bank reports a lower quarterly profit", "Business"),
        ("Software maker releases a new version of its web browser", "Sci/Tech"),
        ("Prime minister meets rebels for peace talks after bomb kills soldiers", "World"),
    ],
)
def test_reads_a_headline(file, headline, topic):
    student = load_student(MODELS / f"{file}.safetensors")
    assert student.card["classes"][student.predict_proba([headline])[0].argmax()] == topic
