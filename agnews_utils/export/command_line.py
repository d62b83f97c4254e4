"""The command ``python -m agnews_utils.classify``: texts or lines in, classes and probabilities out."""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO, cast

import numpy as np

from ..support.checkout import assert_checkout
from ..support.files import atomic_write
from .lines import Line, lines_of, text_of
from .student import BATCH, Student, load_student
from .student_file import MODELS

NAMES = ("5mb", "1mb", "100kb")
UNSURE = "unsure"
OF_THE_CARD = "card"  # the threshold that --abstain takes without a number
LONGEST = 60  # characters of a text that people see
EXAMPLES = """\
examples:
  python -m agnews_utils.classify "Stocks rally as oil falls"
  python -m agnews_utils.classify --format csv --output topics.csv --file headlines.txt
  cat headlines.txt | python -m agnews_utils.classify --format jsonl --abstain

exit status: 0; 1 if a line was left out (stderr says which and why); 2 if nothing could be done
"""


class CannotRun(Exception):
    """Why nothing can be done, in one sentence."""


def _line_for_people(classes: list[str], number: int, name: str, shares: np.ndarray, text: str) -> str:
    width = max(map(len, [*classes, UNSURE]))
    percents = "  ".join(f"{one} {100 * share:5.1f} %" for one, share in zip(classes, shares, strict=True))
    shown = " ".join("".join(c if c.isprintable() else " " for c in text).split())  # no control code for a terminal
    return f"{name:<{width}}  {percents}  {shown if len(shown) <= LONGEST else shown[: LONGEST - 3] + '...'}\n"


def _csv_line(fields: Sequence[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(fields)
    return line.getvalue()


def _csv_row(classes: list[str], number: int, name: str, shares: np.ndarray, text: str) -> str:
    return _csv_line([number, name, *(f"{share:.6f}" for share in shares)])


def _jsonl_row(classes: list[str], number: int, name: str, shares: np.ndarray, text: str) -> str:
    probabilities = {one: round(float(share), 6) for one, share in zip(classes, shares, strict=True)}
    return json.dumps({"number": number, "class": name, "probabilities": probabilities}) + "\n"


Row = Callable[[list[str], int, str, np.ndarray, str], str]  # classes, number, class, probabilities, text
# what stands before the rows, given the classes, and a row
FORMATS: dict[str, tuple[Callable[[list[str]], str], Row]] = {
    "text": (lambda classes: "", _line_for_people),
    "csv": (lambda classes: _csv_line(["number", "class", *classes]), _csv_row),
    "jsonl": (lambda classes: "", _jsonl_row),
}


def main(arguments: Sequence[str]) -> int:
    """The exit status: 0, 1 if a line was left out, 2 if nothing could be done."""
    options = read_options(arguments)
    try:
        return _run(options)
    except BrokenPipeError:  # an OSError too, but of whoever reads the output
        raise
    except OSError as reason:
        where = reason.filename or "The output"
        print(f"{where} cannot be read or written ({reason.strerror or reason}): give another path.", file=sys.stderr)
    except CannotRun as reason:
        print(reason, file=sys.stderr)
    return 2


def read_options(arguments: Sequence[str]) -> argparse.Namespace:
    """The options; ends the process with a usage line and status 2 where they make no sense."""
    parser = argparse.ArgumentParser(
        prog="python -m agnews_utils.classify", description="Says of which class a news text is, and how sure that is.",
        epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="a text; without any, lines are read from a pipe")
    parser.add_argument("--file", type=Path, metavar="PATH", help="read this file, a text a line")
    parser.add_argument("--format", choices=FORMATS, default="text", help="text for people (default), csv, jsonl")
    parser.add_argument("--output", type=Path, metavar="PATH", help="write to this file, whole or not at all")
    parser.add_argument("--model", default=NAMES[0], metavar="NAME|PATH",
                        help=f"{', '.join(NAMES)} or a student's file (default: {NAMES[0]})")  # fmt: skip
    parser.add_argument("--abstain", type=_share, metavar="SHARE", nargs="?", const=OF_THE_CARD,
                        help=f'say "{UNSURE}" where the highest probability is below SHARE (default: the threshold '
                             "on the student's card)")  # fmt: skip
    end = [*arguments, "--"].index("--")
    options = parser.parse_intermixed_args(_explicit(arguments[:end]))
    options.texts += arguments[end + 1 :]  # argparse itself forgets what stood behind the "--"
    if options.texts and options.file:
        parser.error("give texts or --file, not both")
    if not options.texts and not options.file and (sys.stdin is None or sys.stdin.isatty()):
        parser.error("give a text, --file PATH, or lines by a pipe")
    return options


def _explicit(arguments: Sequence[str]) -> list[str]:
    """``--abstain TEXT`` as ``--abstain=card TEXT``: its number may be left out, and a text may follow."""
    return [
        f"--abstain={OF_THE_CARD}" if one == "--abstain" and not _is_number(after) else one
        for one, after in zip(arguments, [*arguments[1:], ""], strict=True)
    ]


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _share(value: str) -> float | str:
    if value == OF_THE_CARD:
        return value
    if not _is_number(value) or not 0 <= float(value) <= 1:
        raise argparse.ArgumentTypeError(f"{value!r} is no probability: give a number from 0 to 1")
    return float(value)


def _run(options: argparse.Namespace) -> int:
    target = _output(options.output) if options.output else None
    student = _student(options.model)
    header, row = FORMATS[options.format]
    threshold = _threshold(student, options.abstain)
    batches = _batches(options)
    first = next(batches, [])  # opens the file: before anything is written
    left_out = 0

    def write_to(out: IO[str]) -> None:
        nonlocal left_out
        out.write(header(student.card["classes"]))
        noun = "Text" if options.texts else "Line"
        left_out = classify(student, chain([first], batches), out, noun=noun, row=row, threshold=threshold)

    if target:
        atomic_write(target, partial(_write_file, write_to))
    elif isinstance(sys.stdout, io.TextIOWrapper):
        machine = options.format != "text"  # programs read UTF-8; a terminal says itself what it can show
        sys.stdout.reconfigure(encoding="utf-8" if machine else None, errors="replace", newline="\n")
        write_to(sys.stdout)
    else:
        raise CannotRun("There is nothing to print to: give --output PATH.")
    return int(left_out > 0)


def classify(
    student: Student, batches: Iterable[list[Line]], out: IO[str], *, noun: str, row: Row, threshold: float
) -> int:
    """Writes a row for every line that can be read, a batch at a time; returns how many lines were left out.

    Args:
        noun: what a line is called where stderr says what is wrong with it
        row: see :data:`FORMATS`
        threshold: below this probability a text's class is :data:`UNSURE`
    """
    classes, left_out = student.card["classes"], 0
    for batch in batches:
        texts: list[tuple[int, str]] = []
        for number, line in batch:
            try:
                texts.append((number, text_of(line)))
            except ValueError as reason:
                print(f"{noun} {number} {reason}", file=sys.stderr)
                left_out += 1
        for part in (texts[begin : begin + BATCH] for begin in range(0, len(texts), BATCH)):
            answers = student.predict_proba([text for _, text in part])
            for (number, text), shares in zip(part, answers, strict=True):
                name = classes[shares.argmax()] if shares.max() >= threshold else UNSURE
                out.write(row(classes, number, name, shares, text))
            out.flush()  # whoever reads a pipe gets it now
    return left_out


def _batches(options: argparse.Namespace) -> Iterator[list[Line]]:
    if options.texts:
        yield list(enumerate(map(os.fsencode, options.texts), 1))
    elif options.file:
        with open(options.file, "rb") as file:
            yield from lines_of(file)
    else:
        yield from lines_of(cast(io.BufferedIOBase, sys.stdin.buffer))


def _student(model: str) -> Student:
    try:
        if model in NAMES:
            assert_checkout(MODELS.parents[1])
        return load_student(MODELS / f"student_{model}.safetensors" if model in NAMES else model)
    except FileNotFoundError as reason:
        raise CannotRun(f"{reason} --model takes {', '.join(NAMES)} or a file.") from reason
    except ValueError as reason:
        raise CannotRun(reason) from reason


def _threshold(student: Student, abstain: float | str | None) -> float:
    if abstain != OF_THE_CARD:
        return float(abstain or 0)
    if "threshold" not in student.card:
        raise CannotRun("This student's card has no threshold: give one, as in --abstain 0.9.")
    return student.card["threshold"]


def _output(path: Path) -> Path:
    """Where the output goes: the file that a link leads to, and nothing but a file, because it will be replaced."""
    path = path.resolve()
    if path.exists() and not path.is_file():
        raise CannotRun(f"{path} is no file that could be replaced: give --output another path.")
    if not path.parent.is_dir():
        raise CannotRun(f"There is no folder {path.parent}: make it, or give --output another path.")
    return path


def _write_file(write_to: Callable[[IO[str]], None], path: Path) -> None:
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        write_to(out)
