"""The command that writes the students' ONNX files."""

import sys

import pytest

from agnews_utils.commands import export_onnx
from agnews_utils.export.onnx_student import load_onnx_student


def test_writes_the_student_that_is_named(tmp_path, capsys):
    assert export_onnx.main(["100kb", "--output", str(tmp_path / "made")]) == 0
    (path,) = (tmp_path / "made").iterdir()
    assert path.name == "student_100kb.onnx"
    assert len(load_onnx_student(path).card["classes"]) == 4
    assert f"{path.stat().st_size:,} bytes" in capsys.readouterr().out


def test_says_in_a_sentence_what_is_missing(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(export_onnx, "MODELS", tmp_path)
    assert export_onnx.main(["1mb"]) == 1
    assert capsys.readouterr().err == f"There is no student at {tmp_path / 'student_1mb.safetensors'}.\n"
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert export_onnx.main(["100kb", "--output", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "The package onnx is missing: pip install 'agnews-utils[onnx]'.\n"
    assert not list(tmp_path.iterdir())


def test_unknown_student_is_refused(capsys):
    with pytest.raises(SystemExit):
        export_onnx.main(["2mb"])
    assert "invalid choice: '2mb'" in capsys.readouterr().err
