"""What a student of one's own topics reaches: its card, and a report with intervals for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..export.student_file import read_student
from ..study.inputs import SPLITS
from ..study.records import Record
from ..study.strong import FOLDS
from ..study.study import Study
from ..study.topics import BAG, PLAIN, TAUGHT, TEACHERS
from .articles import token_lengths
from .pairs import accuracy_per_article, gains_by_seed, match_seeds
from .statistics import accuracy_interval, two_way_bootstrap_interval
from .student_cards import student_card
from .wording import format_duration, format_percent, markdown_table, plural

Records = Mapping[str, list[Record]]
NAMES = {
    BAG: "a bag of words (TF-IDF and a linear classifier)",
    PLAIN: "the student from labels alone",
    TAUGHT: "the student with its teachers",
    TEACHERS: "its teachers, averaged",
}
LIMITS = (
    "It knows the classes of its training texts alone and puts every text into one of them. Its confidence and its "
    "threshold were set on such texts: of other texts they say little."
)
LICENCE = "That of the texts it was trained on. No text is in the file."
REPORT = """\
# {title}: a student of {classes} classes

`{file}` has {bytes} bytes and says of which class a text is: {names}.

## Is it better?

{comparisons}

{accuracy}
Percent of the {test} test texts. The interval of an accuracy is Wilson's and speaks of other test texts; that of a
gain, in percentage points, is a bootstrap over seeds and texts, in pairs. "Clearly" says that the interval lies on one
side of zero.{few}

The test texts chose nothing. The {validation} validation texts chose the epoch, the bag's
regularisation, the seed that is in the file, its temperature and its threshold. The training texts chose the weights of
the teachers.

## The file

Seed {seed}, the best of {seeds} on validation: {int8} % of the test texts ({record} % before int8).

{by_class}
{threshold}

## How it was made

{notes}

{train} texts with a class{further}. {folds} teachers were fine-tuned ({encoder}), each on half of them, and asked
about the other half; so was a bag of words. {cut} % of the texts are longer than the {length} word pieces that are
read. Training took {hours} of one core or GPU ({device}).

{limits}
"""


def topic_card(study: Study, record: Record, teacher: str | None) -> dict[str, Any]:
    """What the card says of a student of own topics (see :func:`agnews_utils.analysis.student_cards.student_card`)."""
    card = student_card(record, teacher, study.inputs.classes)
    return card | {"limits": LIMITS, "licence": LICENCE}


def comparisons(records: Records) -> list[str]:
    """The taught student against the bag of words and against the plain student, a sentence each."""
    right = accuracy_per_article(records[TAUGHT])
    low, high = map(format_percent, accuracy_interval(right))
    seeds = plural(len(records[TAUGHT]), "seed")
    first = f"The student with its teachers: {format_percent(right.mean())} % (95 % {low} to {high}; {seeds})."
    return [first, *(f"Against {NAMES[other]}: {gain_in_words(records, other)}." for other in (BAG, PLAIN))]


def gain_in_words(records: Records, baseline: str) -> str:
    """The taught student's gain over a baseline in percentage points, and whether it is clear."""
    gains = gains_by_seed(*match_seeds(records, baseline, TAUGHT, fixed=(BAG,)))
    low, high = (100 * end for end in two_way_bootstrap_interval(gains))
    return (
        f"{100 * gains.to_numpy().mean():+.2f} percentage points (95 % {low:+.2f} to {high:+.2f}), {verdict(low, high)}"
    )


def verdict(low: float, high: float) -> str:
    """What an interval of a gain allows one to say."""
    return "clearly better" if low > 0 else "clearly worse" if high < 0 else "not clearly better"


def topic_report(study: Study, records: Records, path: Path) -> str:
    """The report of a finished student in Markdown.

    Args:
        records: of the bag of words, the teachers and both students
        path: of the student's file
    """
    inputs, card, taught = study.inputs, read_student(path).card, records[TAUGHT]
    lengths = token_lengths(inputs.splits["train"]["text"], inputs.tokenizer)
    sizes = {split: f"{len(inputs.splits[split]):,}" for split in SPLITS}
    further = len(inputs.further["text"])
    hours = sum(study.record(name, seed).core_hours for name, seed in study.plan())
    facts = {
        "title": inputs.source.title, "notes": _listed(inputs.source.notes), "classes": len(inputs.classes),
        "names": ", ".join(inputs.classes), "file": path.name, "bytes": f"{path.stat().st_size:,}",
        "comparisons": _listed(comparisons(records)), "accuracy": markdown_table(_accuracies(records), "lrrr"),
        "few": _few(len(taught)), "seed": card["seed"], "seeds": len(taught),
        "int8": format_percent(card["int8_test_accuracy"]), "record": format_percent(card["test_accuracy"]),
        "by_class": markdown_table(_by_class(card), "lrr"), "threshold": _threshold(card), "folds": FOLDS,
        "further": f" and {further:,} without one" if further else "", "encoder": inputs.encoder_files.name,
        "cut": format_percent(float(np.mean(lengths > study.settings.max_length))),
        "length": study.settings.max_length, "hours": format_duration(3600 * hours),
        "device": taught[0].metadata["machine"]["device"], "limits": LIMITS,
    }  # fmt: skip
    return REPORT.format(**facts, **sizes)


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _few(seeds: int) -> str:
    return " One seed says nothing of how far others would be." if seeds == 1 else ""


def _accuracies(records: Records) -> pd.DataFrame:
    rows = []
    for name in (BAG, PLAIN, TAUGHT, TEACHERS):
        right = accuracy_per_article(records[name])
        low, high = map(format_percent, accuracy_interval(right))
        interval = {"95 % interval": f"{low} to {high}", "seeds": len(records[name])}
        rows.append({"model": NAMES[name], "accuracy": format_percent(right.mean()), **interval})
    return pd.DataFrame(rows)


def _by_class(card: Mapping[str, Any]) -> pd.DataFrame:
    names = card["classes"]
    return pd.DataFrame({"class": names} | {
        measure: [format_percent(card[measure][name]) for name in names] for measure in ("precision", "recall")
    })  # fmt: skip


def _threshold(card: Mapping[str, Any]) -> str:
    if "threshold" not in card:
        return "No confidence makes its answers to validation texts as often right as `--abstain` asks for."
    test = card["answered"]["test"]
    return (
        f"With `--abstain` it answers {format_percent(test['share'])} % of the test texts, and "
        f"{format_percent(test['accuracy'])} % of those answers are right (threshold {card['threshold']:.3f})."
    )
