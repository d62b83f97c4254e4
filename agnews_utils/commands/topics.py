"""The command ``python -m agnews_utils.distil``: from a folder of labelled texts to a student's file and its report."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ..analysis.topics import comparisons, topic_card, topic_report
from ..export.from_study import export_run
from ..export.student_file import read_student
from ..study.study import Study
from ..study.topics import BAG, PLAIN, SEEDS, SEEDS_THOROUGH, SIZES, TAUGHT, TEACHERS, topic_study
from ..support.files import write_text
from .make_study import make_plan, missing, plan_in_words, share_the_machine, work_together

COMMAND = "python -m agnews_utils.distil"
EPILOG = """\
FOLDER holds train.csv: a class and a text a row. With a test.csv beside it, that measures; without one, a fifth of
the rows is held out for it. Texts without a class (unlabelled.csv) are read too.

written: MODEL, the student in one file, which python -m agnews_utils.classify --model MODEL asks; and beside it
MODEL's report.md. An interrupted command goes on where it ended when it is called again.

exit status: 0; 1 if a part could not be made; 2 if nothing could be done; 130 after Ctrl-C
"""


class CannotRun(Exception):
    """Why nothing can be done, in one sentence."""


def main(arguments: Sequence[str]) -> int:
    """The exit status: see ``--help``."""
    options = read_options(arguments)
    try:
        return _run(options)
    except OSError as reason:
        system = reason.strerror and reason.filename  # else it is the course's own, which is a sentence
        print(f"{reason.filename}: {reason.strerror}." if system else reason, file=sys.stderr)
    except (CannotRun, ValueError) as reason:
        print(reason, file=sys.stderr)
    return 2


def read_options(arguments: Sequence[str]) -> argparse.Namespace:
    """The options; ends the process with a usage line and status 2 where they make no sense."""
    parser = argparse.ArgumentParser(
        prog=COMMAND, description="Distils a small student from fine-tuned teachers, on your own texts and topics.",
        epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the labelled texts")
    parser.add_argument("--out", type=Path, metavar="MODEL", required=True, help="the file to write")
    parser.add_argument("--student", choices=SIZES, default=SIZES[0], help=f"its size at most (default: {SIZES[0]})")
    parser.add_argument("--seeds", type=_count, metavar="N",
                        help=f"students of each kind (default: {SEEDS}; thorough: {SEEDS_THOROUGH})")  # fmt: skip
    parser.add_argument("--work", type=Path, metavar="FOLDER",
                        help="where finished parts are kept (default: beside MODEL); yours to delete")  # fmt: skip
    parser.add_argument("--thorough", action="store_true",
                        help="longer texts, longer fine-tuning, more seeds: about four times as long")  # fmt: skip
    options = parser.parse_args(arguments)
    options.work = options.work or options.out.with_name(f"{options.out.stem}-work")
    return options


def _count(value: str) -> int:
    if not value.isdecimal() or int(value) < 1:
        raise argparse.ArgumentTypeError(f"{value!r} is no number of students: give 1 or more")
    return int(value)


def _run(options: argparse.Namespace) -> int:
    check_target(options.out)
    what = (options.folder, options.work.resolve(), options.student, options.seeds, options.thorough)
    study = topic_study(*what)
    workers = share_the_machine(study.settings)
    print(f"{texts_in_words(study)}\nmeasuring a few batches of each kind of run …", flush=True)
    steps = make_plan(study)
    print(plan_in_words(study, steps, workers), flush=True)
    if missing(study):
        status = work_together(study, partial(topic_study, *what), workers, len(steps), "the same command")
        if status:
            return status
    write_results(study, options.out)
    print(f'\nAsk it: python -m agnews_utils.classify --model {shlex.quote(str(options.out))} "a text"')
    return 0


def check_target(path: Path) -> None:
    """Makes the folder of the model's file.

    Raises:
        CannotRun: the file would take the place of something else.
        OSError: the folder cannot be made.
    """
    if path.is_dir():
        raise CannotRun(f"{path} is a folder: give --out the name of a file, as in {path / 'student.safetensors'}.")
    if path.exists():
        try:
            read_student(path)
        except ValueError as reason:
            raise CannotRun(f"{path} exists and is no student's file: give --out another name.") from reason
    path.parent.mkdir(parents=True, exist_ok=True)


def texts_in_words(study: Study) -> str:
    """What was read: texts of each class, the parts, further texts."""
    inputs, classes = study.inputs, study.inputs.classes
    counts = Counter(label for part in inputs.splits.values() for label in part["label"])
    parts = ", ".join(f"{len(part):,} {name}" for name, part in inputs.splits.items())
    further = len(inputs.further["text"])
    listed = ", ".join(f"{name} ({counts[number]:,})" for number, name in enumerate(classes))
    return (
        f"{inputs.source}\n{len(classes)} classes: {listed}\ntexts: {parts}"
        f"{f', {further:,} without a class' if further else ''}; encoder {inputs.encoder_files.name}"
    )


def write_results(study: Study, path: Path) -> None:
    """Writes the student of the seed that is best on validation, and the report beside it; prints the comparisons."""
    records = {
        name: [study.record(name, seed) for seed in study.seeds(name)] for name in (BAG, TEACHERS, PLAIN, TAUGHT)
    }
    best = max(records[TAUGHT], key=lambda record: record.validation_accuracy)
    export_run(study, TAUGHT, best.seed, path, partial(topic_card, study))
    report = path.with_name(f"{path.stem}.report.md")
    write_text(report, topic_report(study, records, path))
    print("\n".join(["", *comparisons(records), f"{path}: {path.stat().st_size:,} bytes; {report} says more"]))
