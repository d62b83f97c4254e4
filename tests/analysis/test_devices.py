"""Claim 6, on benchmarks that are made up."""

import numpy as np
import pandas as pd
import pytest

from agnews_utils.analysis import answers, devices
from agnews_utils.analysis.claims import DOES_NOT_HOLD, HOLDS, INCONCLUSIVE
from agnews_utils.analysis.tables import making_seconds
from agnews_utils.study.records import published_records
from agnews_utils.study.runs import FINE_TUNED_TEACHER, MODEL4, TEACHER, TFIDF
from agnews_utils.study.strong import (
    ALL_RUNS,
    ALONE,
    BEST,
    MINILM_FOLDS,
    PLAIN_FEW,
    SMALL_TFIDF,
    TFIDF_1MB,
    TFIDF_100KB,
    TFIDF_FOLDS,
    TFIDF_INT8,
)


def benchmark(*, bytes=4_500_000, times=150.0, accuracy=0.93, threads=1, names=("student_5mb_numpy", TFIDF)):
    """One row a model; TF-IDF reaches 0.92."""
    rows = [
        {"name": name, "threads": threads, "batch": 1, "bytes": bytes, "times_teacher": times,
         "accuracy": 0.92 if name == TFIDF else accuracy}
        for name in names
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({}, HOLDS),
        ({"bytes": 5_000_001}, DOES_NOT_HOLD),
        ({"times": 99.0}, DOES_NOT_HOLD),
        ({"accuracy": 0.919}, DOES_NOT_HOLD),
        ({"threads": 2}, INCONCLUSIVE),
        ({"names": ("student_5mb_numpy",)}, INCONCLUSIVE),
    ],
)
def test_all_three_conditions_must_be_met(changed, verdict):
    table = devices.verdicts(benchmark(**changed))
    assert table.loc["6, 5 MB", "verdict"] == verdict
    assert table.loc["6, report", "verdict"] == INCONCLUSIVE  # it is not there


def test_the_faster_form_counts():
    slow, fast = benchmark(times=50.0), benchmark(times=200.0, names=("student_5mb_onnx_int8",))
    table = devices.verdicts(pd.concat([slow, fast]))
    assert "200 times the fine-tuned teacher's rate" in table.loc["6, 5 MB", "evidence"]
    assert table.loc["6, 5 MB", "verdict"] == HOLDS


def test_a_student_costs_its_teachers_training_too():
    records = published_records(ALL_RUNS)[0]
    assert devices.teacher_seconds(records, TFIDF, 1.0) == 0
    assert devices.teacher_seconds(records, MODEL4, 1.0) == making_seconds(records[TEACHER][0], 1.0)
    # a mean of models takes no time itself, and its members are trained once each
    expected = sum(making_seconds(records[name][0], 1.0) for name in (*MINILM_FOLDS, *TFIDF_FOLDS))
    assert devices.teacher_seconds(records, BEST, 1.0) == pytest.approx(expected)


def test_epochs_after_the_choice_cost_nothing_and_encoding_counts_once():
    teacher = published_records(ALL_RUNS)[0][TEACHER][0]  # went on to the last epoch, to show the whole curve
    assert len(teacher.history) > teacher.best_epoch + teacher.args.patience
    expected = 3600 * teacher.core_hours * (teacher.best_epoch + teacher.args.patience) / len(teacher.history)
    assert making_seconds(teacher, 0.0) == pytest.approx(expected)
    assert making_seconds(teacher, 0.5) == pytest.approx(expected + teacher.train_rows / 2)


def test_the_table_to_choose_by_is_of_the_committed_files():
    records = published_records(ALL_RUNS)[0]
    table = devices.choices(devices.published_benchmark(), records).set_index("model")
    assert len(table) == len(devices.CHOICES) == 10
    best = table.loc["5 MB student"]
    assert best["accuracy"] == answers.accuracy(records, BEST)
    assert best["MB with vocabulary"] == "4.6"  # int8; the floats are 17 MB
    assert best["training took"].endswith(" min")
    untaught = table.loc["5 MB student, labels alone"]
    assert untaught["accuracy"] == answers.accuracy(records, PLAIN_FEW)
    assert "teachers" not in untaught["training took"]
    assert untaught["MB with vocabulary"] == best["MB with vocabulary"]
    assert table.loc["n-gram baseline of 100 kB", ["MB with vocabulary", "ms per article"]].tolist() == ["0.09", "–"]
    alone = table.loc[ALL_RUNS[FINE_TUNED_TEACHER].title, "training took"]
    assert "teachers" not in alone


def test_an_n_gram_baseline_is_no_larger_than_the_student_it_is_held_against():
    lines = devices.accuracy_by_bytes(devices.published_benchmark(), published_records(ALL_RUNS)[0])
    students, alone, words = lines.values()
    assert students["bytes"].tolist() == alone["bytes"].tolist()
    of_words = dict(zip([TFIDF, *SMALL_TFIDF], words["bytes"], strict=True))
    assert of_words[TFIDF_1MB] <= students["bytes"].sort_values().iloc[1]
    assert of_words[TFIDF_100KB] <= 1.01 * students["bytes"].min()  # 90 kB both
    assert of_words[TFIDF_INT8] < of_words[TFIDF] / 3


def test_the_students_without_a_teacher_train_as_long_as_validation_liked_best():
    records = published_records(ALL_RUNS)[0]
    for chosen in ALONE.values():
        long = chosen.removesuffix("_few_epochs")
        right = {
            name: np.mean(
                [(run.validation_logits.argmax(axis=1) == run.validation_labels).mean() for run in records[name]]
            )
            for name in (long, f"{long}_few_epochs")
        }
        assert max(right, key=right.get) == chosen
