"""The recipe on own topics: its runs, how they train, and what it reads."""

from dataclasses import replace

import pytest
from helpers import refused, settings_in
from made_topics import write_rows, write_topics

from agnews_utils.losses import CrossEntropy, KLLoss
from agnews_utils.study.strong import ALL, SHIPPED, STRONG_RUNS
from agnews_utils.study.study import Study
from agnews_utils.study.topics import (
    BAG,
    PLAIN,
    SIZES,
    TAUGHT,
    TEACHERS,
    buckets,
    student_training,
    teacher_training,
    topic_runs,
    topic_study,
)


def test_teachers_come_before_the_student_they_teach():
    runs = topic_runs(texts=400, further=0, classes=5, size="100kb", seeds=3)
    names = [run.name for run in runs]
    assert names.index(TEACHERS) < names.index(TAUGHT)
    for number, run in enumerate(runs):
        assert {name for name, _ in run.needs} <= set(names[:number])
    assert {run.name: run.seeds for run in runs} == dict.fromkeys(names, 1) | {PLAIN: 3, TAUGHT: 3}


def test_the_plain_student_differs_from_the_taught_one_in_its_teacher_alone():
    runs = {run.name: run for run in topic_runs(texts=400, further=0, classes=5, size="1mb", seeds=2)}
    plain, taught = runs[PLAIN], runs[TAUGHT]
    assert (plain.teacher, plain.loss) == (None, CrossEntropy)
    assert (taught.teacher, taught.loss, taught.loss_args) == (TEACHERS, KLLoss, {"alpha": 0.3, "tau": 2.0})
    other = {"name": TAUGHT, "title": taught.title, "loss": taught.loss, "loss_args": taught.loss_args}
    assert replace(plain, **other, teacher=TEACHERS) == taught


def test_further_texts_are_for_the_taught_student():
    runs = {run.name: run for run in topic_runs(texts=400, further=100, classes=5, size="1mb", seeds=2)}
    assert {name: run.further for name, run in runs.items() if run.further} == {TAUGHT: ALL}


@pytest.mark.parametrize("size", SIZES)
def test_the_student_is_the_shipped_one(size):
    shipped = STRONG_RUNS[SHIPPED[f"student_{size}"]]
    taught = topic_runs(texts=65_000, further=0, classes=4, size=size, seeds=5)[-1]
    assert (taught.vocabulary, taught.loss_args) == (shipped.vocabulary, shipped.loss_args)
    assert {"buckets": 2**18} | taught.model_args == {"buckets": 2**18} | shipped.model_args
    assert taught.training == shipped.training | {"epochs": 8, "batch_size": 128}


@pytest.mark.parametrize(("classes", "rows"), [(2, 2**18), (4, 2**18), (5, 2**17), (8, 2**17), (77, 2**13)])
def test_more_classes_take_no_more_bytes(classes, rows):
    assert buckets(STRONG_RUNS[SHIPPED["student_5mb"]], classes) == rows
    assert rows * classes <= 2**20


def test_few_texts_are_read_more_often():
    counts = (100, 500, 2_000, 4_500, 20_000, 65_000)
    assert [student_training(n)["epochs"] for n in counts] == [30, 30, 30, 22, 8, 8]
    assert [teacher_training(n, thorough=False)["epochs"] for n in counts] == [6, 4, 3, 2, 2, 2]
    assert teacher_training(2_250, thorough=True) == {"epochs": 3, "batch_size": 16}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("topics") / "help desk"
    write_topics("helpdesk", folder, count=300, unlabelled=20)
    return folder


def test_the_classes_are_the_data_s_own(folder, tmp_path):
    study = topic_study(folder, tmp_path, size="100kb")
    names = ("account", "billing", "delivery", "repair", "returns")
    assert study.inputs.classes == names
    assert study.inputs.splits["train"].features["label"].names == list(names)
    assert {split: len(part) for split, part in study.inputs.splits.items()} == {
        "train": 192, "validation": 48, "test": 60
    }  # fmt: skip
    assert len(study.inputs.further["text"]) == 20
    assert study.title == "help desk, 192 training articles, encoder all-MiniLM-L6-v2"
    assert study.plan()[-3:] == [(TAUGHT, seed) for seed in range(3)]
    assert study.build(PLAIN).linear.out_features == 5
    assert study.run(BAG).seeds == 1


def test_test_texts_are_read_once(folder, tmp_path):
    assert not topic_study(folder, tmp_path).settings.profile.test_curves


def test_thorough_reads_more(folder, tmp_path):
    study = topic_study(folder, tmp_path, thorough=True)
    assert (study.settings.max_length, study.run(TAUGHT).seeds) == (128, 5)
    assert study.run(TAUGHT).teacher == TEACHERS


def test_a_folder_with_too_few_texts_is_refused(tmp_path):
    write_rows(
        tmp_path / "few" / "train.csv", ("class", "title", "description"), [(i % 2, "", f"text {i}") for i in range(60)]
    )
    with refused(ValueError, "The training file has 48 rows; at least 100"):
        topic_study(tmp_path / "few", tmp_path)


def test_the_notebooks_name_the_command_that_reads_other_topics(tmp_path):
    write_topics("helpdesk", tmp_path / "both", count=300)
    (tmp_path / "both" / "test.csv").write_bytes((tmp_path / "both" / "train.csv").read_bytes())
    with refused(ValueError, "texts of other topics are read by python -m agnews_utils.distil"):
        str(Study(settings_in(tmp_path, AGNEWS_DATA_DIR=str(tmp_path / "both"))))
