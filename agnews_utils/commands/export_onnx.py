"""``python -m agnews_utils.commands.export_onnx``: the committed students as ONNX files of int8.

Each ``student_*.onnx`` is made from the safetensors file beside it, and is as small: it holds the vocabulary too.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..export.from_study import MODELS
from ..export.onnx import export_student_file
from ..study.strong import SHIPPED
from ..support.command import run_command

NAMES = {file.removeprefix("student_"): file for file in SHIPPED}


def main(arguments: list[str] | None = None) -> int:
    """Writes the files; the exit status is 1, and stderr has one sentence, where one cannot be made."""
    parser = argparse.ArgumentParser(prog="python -m agnews_utils.commands.export_onnx", description=__doc__)
    parser.add_argument("student", choices=[*NAMES, "all"], default="all", nargs="?", help="which one (default: all)")
    parser.add_argument("--output", type=Path, default=MODELS, metavar="FOLDER", help="default: data/models")
    options = parser.parse_args(arguments)
    for file in NAMES.values() if options.student == "all" else [NAMES[options.student]]:
        source, path = MODELS / f"{file}.safetensors", options.output / f"{file}.onnx"
        try:
            export_student_file(source, path)
        except (OSError, ValueError, ModuleNotFoundError) as reason:
            print(reason, file=sys.stderr)
            return 1
        print(f"{path}: {path.stat().st_size:,} bytes ({source.name}: {source.stat().st_size:,})")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
