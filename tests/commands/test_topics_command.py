"""From a folder of labelled texts to a student's file that knows their classes, and what stands in its way."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from helpers import make_tiny_encoder
from made_topics import helpdesk, write_rows, write_topics

from agnews_utils.classify import main as classify
from agnews_utils.commands import topics
from agnews_utils.commands.make_study import work
from agnews_utils.distil import main as distil
from agnews_utils.export.student import load_student
from agnews_utils.settings import ROOT
from agnews_utils.study import topics as recipe

CLASSES = ["billing", "delivery", "repair"]


@pytest.fixture(scope="module")
def encoder(tokenizer, tmp_path_factory):
    """A tiny BERT in a folder."""
    folder = tmp_path_factory.mktemp("encoder")
    make_tiny_encoder(tokenizer).bert.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def here(encoder, monkeypatch, tmp_path):
    """The command in this process, with a tiny encoder and little training; a folder of 180 texts."""

    def in_this_process(study, build, workers, total, command):
        work(study)
        return 0

    monkeypatch.setenv("AGNEWS_ENCODER", str(encoder))
    monkeypatch.setattr(topics, "work_together", in_this_process)
    monkeypatch.setattr(recipe, "teacher_training", lambda texts, thorough: {"epochs": 1, "batch_size": 16})
    monkeypatch.setattr(recipe, "student_training", lambda texts: {"epochs": 8, "batch_size": 16})
    rows = [row for row in helpdesk(320) if row[0] in CLASSES][:180]
    write_rows(tmp_path / "desk" / "train.csv", ("class", "title", "description"), [(c, "", text) for c, text in rows])
    return tmp_path


def options(folder, *more, seeds=1):
    return [
        str(folder / "desk"),
        "--out",
        str(folder / "desk.safetensors"),
        "--student",
        "100kb",
        "--seeds",
        str(seeds),
        *more,
    ]


def test_a_student_of_own_classes_is_made_and_answers(here, capsys):
    assert distil(options(here)) == 0
    printed = capsys.readouterr().out
    assert "3 classes: billing (" in printed
    assert "8 runs to do, about" in printed  # 2 + 2 teachers, their mean, the bag, two students
    student = load_student(here / "desk.safetensors")
    assert student.card["classes"] == CLASSES
    text = "my card was refused yesterday, I was charged twice, the invoice shows a wrong sum"
    assert classify(["--model", str(here / "desk.safetensors"), text]) == 0
    answer = capsys.readouterr().out
    assert answer.startswith("billing ")
    assert all(name in answer for name in CLASSES)
    report = (here / "desk.report.md").read_text(encoding="utf-8")
    assert f"{student.card['int8_test_accuracy']:.2%}".rstrip("%") in report
    assert "One seed says nothing of how far others would be." in report
    assert "the student with its teachers" in report
    # what is finished is found again
    made = {path: path.stat().st_mtime_ns for path in here.glob("desk-work/runs/*/*/record.json")}
    assert len(made) == 8
    (here / "desk.safetensors").unlink()
    assert distil(options(here)) == 0
    assert "nothing to do: every run is there" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in made} == made
    assert (here / "desk.safetensors").is_file()


@pytest.mark.slow
def test_test_texts_choose_nothing(here, monkeypatch):
    """Other classes of the test texts change no weight, no seed, no threshold: measured numbers alone."""
    monkeypatch.setattr(topics, "make_plan", lambda study: [])  # which measures for seconds
    rows = [(name, "", text) for name, text in helpdesk(500, seed=1) if name in CLASSES][:100]
    students = []
    for shift in (0, 1):
        wrong = [(CLASSES[(CLASSES.index(name) + shift) % 3], title, text) for name, title, text in rows]
        write_rows(here / "desk" / "test.csv", ("class", "title", "description"), wrong)
        assert distil(options(here, "--work", str(here / f"work {shift}"), seeds=2)) == 0
        students.append(load_student(here / "desk.safetensors"))
    right, wrong = students
    assert all(np.array_equal(right.file.arrays[name], wrong.file.arrays[name]) for name in right.file.arrays)
    chosen = ("seed", "temperature", "threshold")
    assert [right.card.get(name) for name in chosen] == [wrong.card.get(name) for name in chosen]
    assert right.card["test_accuracy"] != wrong.card["test_accuracy"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere", "--out", "{}/m"], "does not exist"),
        (["{}/desk", "--out", "{}"], "is a folder: give --out the name of a file"),
        (["{}/desk", "--out", "{}/desk/train.csv"], "exists and is no student's file: give --out another name"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(here, capsys, arguments, sentence):
    before = (here / "desk" / "train.csv").read_bytes()
    assert distil([argument.format(here) for argument in arguments]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
    assert (here / "desk" / "train.csv").read_bytes() == before


@pytest.mark.parametrize("wrong", [["--seeds", "0"], ["--seeds", "many"], ["--student", "2mb"], ["--thorogh"]])
def test_wrong_options_end_with_a_usage_line(tmp_path, capsys, wrong):
    with pytest.raises(SystemExit) as ended:
        distil([str(tmp_path), "--out", str(tmp_path / "m"), *wrong])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: python -m agnews_utils.distil")


# --- as a user starts it: with MiniLM, in processes of its own


def start(folder, out):
    command = [sys.executable, "-m", "agnews_utils.distil", str(folder), "--out", str(out), "--student", "100kb"]
    environment = os.environ | {"AGNEWS_ENCODER": "minilm"}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=-1, stderr=-1, start_new_session=True, text=True)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_ctrl_c_is_a_sentence_and_the_rest_is_made_the_next_time(tmp_path):
    write_topics("helpdesk", tmp_path / "desk", count=300, unlabelled=100)
    out = tmp_path / "desk.safetensors"
    process = start(tmp_path / "desk", out)
    finished = lambda: {p: p.stat().st_mtime_ns for p in tmp_path.glob("desk-work/runs/*/*/record.json")}  # noqa: E731
    while len(finished()) < 3 and process.poll() is None:
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process of the command
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error.strip() == "Stopped; the same command goes on from the last finished epoch of each part."
    before = finished()
    assert not out.exists()
    process = start(tmp_path / "desk", out)
    printed, error = process.communicate(timeout=600)
    assert process.returncode == 0, error
    assert before.items() <= finished().items()
    student = load_student(out)
    assert student.card["classes"] == ["account", "billing", "delivery", "repair", "returns"]
    assert student.card["test_accuracy"] > 0.5  # chance is 0.2
    assert "Against the student from labels alone: " in printed
    assert (tmp_path / "desk.report.md").is_file()
