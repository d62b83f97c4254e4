"""The command's options, rows and refusals, in this process; tests/test_classify.py starts it as a user does."""

import csv
import io
import json
import sys

import numpy as np
import pytest

from agnews_utils.export.command_line import LONGEST, UNSURE, main
from agnews_utils.export.student import load_student
from agnews_utils.export.student_file import MODELS, StudentFile, read_student, write_student

SMALL = MODELS / "student_100kb.safetensors"
TEXTS = ["Striker scores twice in the cup final", "Bank reports a lower profit"]


@pytest.fixture
def run(capsys):
    """Runs the command with the smallest student: exit status, rows, and what stderr says."""

    def run(*arguments, model="100kb"):
        try:
            status = main(["--model", model, *map(str, arguments)])
        except SystemExit as end:  # argparse
            status = end.code
        out, err = capsys.readouterr()
        return status, out, err

    return run


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "headlines.txt"
    path.write_bytes(f"\ufeff{TEXTS[0]}\r\n\r\ncaf\u00e9\n{TEXTS[1]}".encode().replace("é".encode(), b"\xe9"))
    return path


@pytest.fixture
def expected():
    return load_student(SMALL).predict_proba(TEXTS)


def test_csv(run, expected):
    status, out, err = run("--format", "csv", *TEXTS)
    rows = list(csv.reader(io.StringIO(out)))
    assert (status, err) == (0, "")
    assert rows[0] == ["number", "class", "World", "Sports", "Business", "Sci/Tech"]
    assert [row[:2] for row in rows[1:]] == [["1", "Sports"], ["2", "Business"]]
    np.testing.assert_allclose(np.array([row[2:] for row in rows[1:]], float), expected, atol=1e-6)


def test_jsonl(run, expected):
    status, out, err = run("--format", "jsonl", *TEXTS)
    rows = [json.loads(line) for line in out.splitlines()]
    assert (status, err) == (0, "")
    assert [(row["number"], row["class"]) for row in rows] == [(1, "Sports"), (2, "Business")]
    assert list(rows[0]["probabilities"]) == ["World", "Sports", "Business", "Sci/Tech"]
    np.testing.assert_allclose([list(row["probabilities"].values()) for row in rows], expected, atol=1e-6)


def test_text_is_for_people(run, expected):
    status, out, _ = run(TEXTS[0], "two\nlines \x1b[31m" + "x" * 200)
    first, second = out.splitlines()
    assert status == 0
    assert first.startswith("Sports ")
    assert first.endswith("  " + TEXTS[0])
    assert f"Sports {100 * expected[0, 1]:5.1f} %" in first
    assert second.endswith("...")
    assert "\x1b" not in second
    assert len(second) - second.index("two lines") == LONGEST


def test_a_bad_line_leaves_the_others_and_their_numbers(run, file):
    status, out, err = run("--format", "csv", "--file", file)
    assert [row[:2] for row in csv.reader(io.StringIO(out))][1:] == [["1", "Sports"], ["4", "Business"]]
    assert err.splitlines() == [
        "Line 2 is empty: put a text on every line.",
        "Line 3 is not UTF-8 (byte 4): save the texts as UTF-8.",
    ]
    assert status == 1
    status, out, err = run("--format", "csv", "", TEXTS[0])
    assert (status, err) == (1, "Text 1 is empty: put a text on every line.\n")
    assert out.splitlines()[1].startswith("2,Sports,")


def test_output_is_a_file(run, file, tmp_path):
    printed = run("--format", "csv", "--file", file)
    path = tmp_path / "topics.csv"
    path.write_text("as it was")
    assert run("--format", "csv", "--file", file, "--output", path) == (1, "", printed[2])
    assert path.read_text(encoding="utf-8") == printed[1]
    assert sorted(tmp_path.iterdir()) == sorted([file, path])


def test_output_is_whole_or_as_it_was(run, file, tmp_path, monkeypatch):
    path = tmp_path / "topics.csv"
    path.write_text("as it was")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("agnews_utils.export.student.Student.predict_proba", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run("--file", file, "--output", path)
    assert path.read_text() == "as it was"
    assert sorted(tmp_path.iterdir()) == sorted([file, path])


def test_abstain(run, expected):
    between = float(expected.max(axis=1).mean())  # sure of one of them
    names = [TEXTS[i] for i in expected.max(axis=1).argsort()]
    classes = [line.split(",")[1] for line in run("--format", "csv", "--abstain", between, *names)[1].splitlines()[1:]]
    assert classes[0] == UNSURE
    assert classes[1] != UNSURE
    assert run("--abstain", "1", TEXTS[0])[1].startswith(UNSURE)


def test_abstain_takes_the_threshold_of_the_card(run, tmp_path):
    student, path = read_student(SMALL), tmp_path / "student.safetensors"
    for threshold, unsure in ((0.0, False), (1.0, True)):
        write_student(path, StudentFile(student.arrays, student.pieces, student.card | {"threshold": threshold}))
        # a text may follow the option, before it and after it too
        for arguments in (["--abstain", TEXTS[0]], [TEXTS[0], "--abstain"], ["--abstain", "--", TEXTS[0]]):
            assert run(*arguments, model=str(path))[1].startswith(UNSURE) is unsure
    card = {key: value for key, value in student.card.items() if key != "threshold"}
    write_student(path, StudentFile(student.arrays, student.pieces, card))
    status, out, err = run("--abstain", TEXTS[0], model=str(path))
    assert (status, out) == (2, "")
    assert "has no threshold: give one, as in --abstain 0.9" in err


def test_texts_and_options_in_any_order(run):
    expected = run("--format", "csv", "--", *TEXTS, "-5 % for stocks", "--abstain")
    assert run(TEXTS[0], "--format", "csv", TEXTS[1], "-5 % for stocks", "--", "--abstain") == expected
    assert len(expected[1].splitlines()) == 5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--abstain", "2", "x"], "'2' is no probability: give a number from 0 to 1"),
        (["--abstain", "nan", "x"], "'nan' is no probability"),
        (["--file", "headlines.txt", "x"], "give texts or --file, not both"),
        (["--format", "xml", "x"], "invalid choice: 'xml'"),
        (["--modell", "1mb", "x"], "unrecognized arguments: --modell"),
        (["--file", "."], ". cannot be read or written (Is a directory): give another path."),
        (["--file", "missing.txt"], "missing.txt cannot be read or written (No such file or directory)"),
        (["x", "--output", "."], "is no file that could be replaced: give --output another path."),
        (["x", "--output", "missing/topics.csv"], "make it, or give --output another path."),
        (["x", "--model", "missing"], "There is no student at missing. --model takes 5mb, 1mb, 100kb or a file."),
        (["x", "--model", __file__], "it is damaged; get it again."),
    ],
)
def test_what_makes_no_sense_has_one_sentence(run, arguments, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, err = run("--format", "csv", *arguments)
    assert (status, out) == (2, "")
    assert said in err.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_a_terminal_is_not_read(run, monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)  # closed; a terminal is the same case
    status, out, err = run()
    assert (status, out) == (2, "")
    assert "give a text, --file PATH, or lines by a pipe" in err
