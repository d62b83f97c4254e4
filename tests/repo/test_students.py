"""The students that come with the project: their sizes, their cards, and that they read a headline."""

import os

import numpy as np
import pytest

from agnews_utils.analysis.student_cards import models_readme, student_card
from agnews_utils.data import fingerprint, read_csv
from agnews_utils.export.student import load_student
from agnews_utils.export.student_file import MODELS
from agnews_utils.settings import from_root
from agnews_utils.study.records import published_records
from agnews_utils.study.strong import ALL_RUNS, SHIPPED

LIMITS = {"student_5mb": 5_000_000, "student_1mb": 1_000_000, "student_100kb": 100_000}


def student_of(file):
    return load_student(MODELS / f"{file}.safetensors")


@pytest.fixture(scope="module")
def records():
    return published_records(ALL_RUNS)[0]


def record_of(card, records):
    return next(record for record in records[card["run"]] if record.seed == card["seed"])


@pytest.mark.parametrize("file", SHIPPED)
def test_is_as_small_as_its_name_says(file):
    assert (MODELS / f"{file}.safetensors").stat().st_size <= LIMITS[file]


@pytest.mark.parametrize("file", SHIPPED)
def test_card_follows_from_the_record(file, records):
    card = student_of(file).card
    record = record_of(card, records)
    assert card["run"] == SHIPPED[file]
    assert agrees(card, student_card(record, ALL_RUNS[record.run.teacher].title))
    assert card["int8_test_accuracy"] == pytest.approx(card["test_accuracy"], abs=0.001)  # int8 costs 0.1 at most


def agrees(said, expected):
    """Whether a card says what is expected, numbers up to the last digit that it keeps."""
    if isinstance(expected, dict):
        return all(agrees(said[name], value) for name, value in expected.items())
    return said == pytest.approx(expected, abs=2e-4)


def test_the_cards_for_people_are_up_to_date():
    paths = [MODELS / f"{file}.safetensors" for file in SHIPPED]  # the largest first
    cards = {path.name: load_student(path).card for path in paths}
    written = (MODELS / "README.md").read_text(encoding="utf-8")
    assert written == models_readme(cards, {path.name: path.stat().st_size for path in paths})


@pytest.fixture(scope="module")
def test_articles(records):
    """The test articles that the records are of, where ``AGNEWS_DATA_DIR`` has them."""
    path = from_root(os.environ.get("AGNEWS_DATA_DIR", "sample")) / "test.csv"
    if not path.is_file():
        pytest.skip("AGNEWS_DATA_DIR names no folder with AG News")
    articles = read_csv(path)
    notes = next(iter(records.values()))[0].metadata["data"]["notes"]
    if f"fingerprint {fingerprint(articles['text'], articles['label'])}" not in "; ".join(notes):
        pytest.skip("AGNEWS_DATA_DIR has other test articles than the committed records")
    return articles


@pytest.mark.slow
@pytest.mark.parametrize("file", SHIPPED)
def test_reaches_what_its_card_says(file, test_articles):
    student, labels = student_of(file), test_articles["label"].to_numpy()
    probabilities = student.predict_proba(test_articles["text"].tolist())
    correct, sure = probabilities.argmax(axis=1) == labels, probabilities.max(axis=1) >= student.card["threshold"]
    # NumPy measured the card's accuracy, as here; on another processor a tie may break another way
    assert correct.mean() == pytest.approx(student.card["int8_test_accuracy"], abs=1.1 / len(labels))
    # temperature and threshold are those of the floats
    assert np.mean(sure) == pytest.approx(student.card["answered"]["test"]["share"], abs=0.005)
    assert correct[sure].mean() == pytest.approx(student.card["answered"]["test"]["accuracy"], abs=0.002)


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
    student = student_of(file)
    assert student.card["classes"][student.predict_proba([headline])[0].argmax()] == topic
