"""The runs of notebook 07's map and search, and what is committed of them."""

import numpy as np
import pytest
from helpers import settings_in

from agnews_utils.commands import search
from agnews_utils.models import count_parameters
from agnews_utils.study.capacity import (
    BATCH_RUNS,
    CAPACITY_RUNS,
    LOSSES,
    SIZES,
    TAUGHT_BY,
    map_name,
    read_outcomes,
    save_outcomes,
    with_teachers,
)  # fmt: skip
from agnews_utils.study.runs import MODEL4
from agnews_utils.study.strong import ALL_RUNS, MINILM_FOLDS, TFIDF_FOLDS
from agnews_utils.study.study import Study


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return Study(settings_in(tmp_path_factory.mktemp("map")), ALL_RUNS | CAPACITY_RUNS)


def test_every_size_meets_every_teacher_and_loss():
    assert len(CAPACITY_RUNS) == len(SIZES) * (1 + len(TAUGHT_BY) * len(LOSSES)) + len(BATCH_RUNS)
    assert {run.rows for run in CAPACITY_RUNS.values()} == {21_600}


def test_teachers_come_before_whom_they_teach():
    names = list(with_teachers({"one": CAPACITY_RUNS[map_name("1 million", "fine-tuned and n-grams", "KL")]}))
    assert names == [*MINILM_FOLDS, *TFIDF_FOLDS, "mixed_unseen", map_name("1 million", "fine-tuned and n-grams", "KL")]


@pytest.mark.parametrize(("size", "count"), zip(SIZES, (1e4, 1e5, 1e6, 1e7), strict=True))
def test_sizes_are_what_their_names_say(study, size, count):
    run = study.run(map_name(size))  # the sample has fewer pieces than the vocabulary, so the model is built with all
    assert count_parameters(run.model(vocab_size=run.vocabulary, **run.model_args)) == pytest.approx(count, rel=0.15)


def test_outcomes_are_read_as_they_were_saved(study, tmp_path):
    records = [study.record(map_name(size), seed) for size in list(SIZES)[:2] for seed in range(2)]
    save_outcomes(records, tmp_path)
    table, correct = read_outcomes(tmp_path)
    for record in records:
        assert np.array_equal(correct[record.run.name].loc[record.seed], record.correct)
        row = table[(table["run"] == record.run.name) & (table["seed"] == record.seed)].iloc[0]
        assert row["test_accuracy"] == pytest.approx(record.test_accuracy, abs=1e-6)
        assert row["parameters"] == record.parameters


@pytest.mark.slow
def test_search_starts_with_the_report_and_goes_on_where_it_was(tmp_path):
    study = Study(settings_in(tmp_path), ALL_RUNS)
    first = search.search(study, 2, seed=0)
    report = study.run(MODEL4).loss_args
    assert first.iloc[0][list(search.SPACE)].to_dict() == {name: report[name] for name in search.SPACE}
    assert first.iloc[0]["validation_accuracy"] == study.record(search.trial_run(report).name).validation_accuracy
    again = search.search(Study(settings_in(tmp_path), ALL_RUNS), 3, seed=0)
    assert again.iloc[:2].equals(first)
    assert len(again.drop_duplicates()) == 3
