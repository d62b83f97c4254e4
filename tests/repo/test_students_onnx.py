"""The students' ONNX files that come with the project: made from the safetensors files beside them, and as small."""

import onnx
import pytest

from agnews_utils.export.from_study import MODELS
from agnews_utils.export.onnx import export_student_file
from agnews_utils.study.strong import SHIPPED

LIMIT = 12_000_000  # bytes of all models together


@pytest.mark.parametrize("file", SHIPPED)
def test_is_what_the_command_makes(file, tmp_path):
    export_student_file(MODELS / f"{file}.safetensors", tmp_path / "made.onnx")
    same = (tmp_path / "made.onnx").read_bytes() == (MODELS / f"{file}.onnx").read_bytes()
    assert same, "make them again: python -m agnews_utils.commands.export_onnx"


@pytest.mark.parametrize("file", SHIPPED)
def test_is_as_small_as_the_other_file_and_whole(file):
    path = MODELS / f"{file}.onnx"
    assert path.stat().st_size < (MODELS / f"{file}.safetensors").stat().st_size * 1.02
    onnx.checker.check_model(path, full_check=True)


def test_all_models_together_are_small():
    assert sum(path.stat().st_size for path in MODELS.iterdir()) <= LIMIT
