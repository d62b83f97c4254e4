"""``make publish``: copies a finished run on AG News to the committed folders, and makes the committed tables anew.

With the argument ``records`` it copies the run records alone, with ``outcomes`` it writes those of notebook 07's map
and search, with ``models`` the students that are shipped (to ``data/models``), with ``cards`` only their cards, with
``table`` only the tables, both from the committed records.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from ..analysis.answers import ANSWERS, answers_table
from ..analysis.articles import statistics_of_test_articles
from ..analysis.pairs import accuracy_per_article
from ..analysis.statistics import accuracy_interval
from ..analysis.strong import draws_of_labels
from ..analysis.student_cards import models_readme, student_card
from ..analysis.tables import results_table, save_table
from ..analysis.wording import format_percent, plural
from ..export.from_study import export_students
from ..export.student_file import MODELS, read_student, rewrite_card
from ..settings import NOTEBOOKS, ROOT, read_settings
from ..study.capacity import CAPACITY_RUNS, SEARCH, save_outcomes
from ..study.capacity import TABLE as OUTCOMES
from ..study.records import RECORD_FILES, TEST_ROWS, Record, in_groups, published_records
from ..study.runs import FINE_TUNED_TEACHER, MODEL3, ONE_MODEL, SIMPLER_FINE_TUNED_KL, TEACHER, TFIDF
from ..study.strong import ALL_RUNS, BEST, DRAWN_LABELS, PLAIN_FEW, SMALL_START
from ..study.study import Study
from ..support.command import run_command
from ..support.files import copy_whole, write_text

TABLE_NOTE = """
Both accuracies are means over the same seeds. A run may stop early: its best test epoch is of those it trained. The
interval counts the draw of test articles alone; sd is between seeds. A teacher stands for the seed that taught. Two
models are compared in pairs (notebook 05), not by these intervals. Models on frozen features need the encoder too,
whose weights are not counted. Other runs shared the machine, so compare speeds by `make bench` only.
"""
RESULTS_MARKS = ("<!-- results: written by make publish -->", "<!-- end of results -->")
HEADLINES = {
    TFIDF: "the n-gram baseline: TF-IDF and a linear classifier",
    TEACHER: "the report's teacher: frozen encoder and VDCNN",
    FINE_TUNED_TEACHER: "a fine-tuned teacher",
    MODEL3: "a one-layer CNN, from labels alone",
    SMALL_START: "the same CNN from labels alone, its random start ten times smaller",
    SIMPLER_FINE_TUNED_KL: "the one-layer CNN, distilled from the fine-tuned teacher",
    PLAIN_FEW: "the 5 MB student of notebook 07, from labels alone (4 epochs, the better of two on validation)",
    BEST: "the 5 MB student, distilled; with its vocabulary it has at most 5 MB",
}  # the README's lines


def publish() -> int:
    """Copies a finished run's notebooks, figures and records to the committed folders; refuses the embedded sample."""
    study = Study(read_settings())
    made = sorted((study.output / "notebooks").glob("*.ipynb"))
    if refused := refusal(study, made):
        print(refused, file=sys.stderr)
        return 1
    for path in made:
        copy_whole(path, NOTEBOOKS / path.name)
    for path in study.figures.iterdir():
        if path.stem != "results_table":  # that is made from the committed records
            copy_whole(path, ROOT / "figures" / path.name)
    if study.settings.profile.name == "full":
        publish_records(Study(study.settings, ALL_RUNS))
    publish_table()
    print(f"Published {study.title}.")
    return 0


def refusal(study: Study, made: list[Path]) -> str | None:
    """Why a run with these executed notebooks is not published; None where it can be."""
    if study.inputs.source.is_sample:
        return "Only a run on AG News is published: set AGNEWS_DATA_DIR, make run, then make publish."
    if {path.name for path in made} != {path.name for path in NOTEBOOKS.glob("[0-9]*.ipynb")}:
        return f"{study.output} holds no finished run of all notebooks: make run first."
    failed = [path.name for path in made if '"output_type": "error"' in path.read_text(encoding="utf-8")]
    return f"{', '.join(failed)} failed in the last run: make run again, then make publish." if failed else None


def publish_records(study: Study) -> int:
    """Copies the records of finished runs, teachers' logits with them, to ``data/results``; returns how many are there.

    Records of runs that the study no longer plans are left where they are.
    """
    for name, seed in study.plan():
        own = study.store.folder(study.run_key(name, seed))
        if (own / "record.json").exists():
            for file in RECORD_FILES:
                if (own / file).exists():
                    copy_whole(own / file, study.store.committed / own.name / file)
    write_text(study.store.committed / TEST_ROWS, statistics_of_test_articles(study).to_csv(index=False))
    return len(list(study.store.committed.glob("*/record.json")))


def publish_outcomes(study: Study) -> int:
    """Writes what is committed of notebook 07's map and search (see ``study.capacity``); returns of how many runs.

    Raises:
        ValueError: a committed outcome would be lost, because its run is not here.
    """
    there = [(n, seed) for n, run in CAPACITY_RUNS.items() for seed in range(run.seeds) if study.found(n, seed)]
    table = study.store.committed / OUTCOMES
    known = pd.read_csv(table)[["run", "seed"]].itertuples(index=False, name=None) if table.exists() else ()
    if lost := len(set(known) - set(there)):
        raise ValueError(
            f"{lost} of the committed outcomes are of runs that are not here: make study --runs map first."
        )
    save_outcomes((study.record(name, seed) for name, seed in there), study.store.committed)
    if (study.store.own / SEARCH).exists():
        copy_whole(study.store.own / SEARCH, study.store.committed / SEARCH)
    return len(there)


def publish_table() -> None:
    """The results table among the committed figures and the README's lines, from the committed records alone."""
    records, source = published_records(ALL_RUNS)
    table = results_table(in_groups(records, "report", "baseline", "beyond", "teacher", "ladder"))
    left = {run.title: run.seeds - len(records.get(name, [])) for name, run in ALL_RUNS.items()}
    missing = [f"{title} ({count})" for title, count in left.items() if count > 0]
    note = TABLE_NOTE + (f"\nStill to be run (seeds): {'; '.join(missing)}.\n" if missing else "")
    save_table(table, ROOT / "figures", source, note)
    write_text(ROOT / "figures" / ANSWERS.name, answers_table(records).round(4).to_csv(index=False))
    write_into_readme(headlines(records, source))


def headlines(records: Mapping[str, list[Record]], source: str) -> str:
    """The README's results: a line for each of :data:`HEADLINES`."""
    lines = []
    for name, what in HEADLINES.items():
        if name in records:
            runs = records[name][:1] if name in ONE_MODEL else records[name]
            correct = accuracy_per_article(runs)
            low, high = (format_percent(end) for end in accuracy_interval(correct))
            seeds = plural(len(runs), "seed")
            lines.append(f"- **{format_percent(correct.mean())}** ({low} to {high}; {seeds}): {what}")
    text = f"Test accuracy in percent with its 95 % interval, on {source}:\n\n" + "\n".join(lines) + "\n"
    if len(draws := draws_of_labels(records)):
        kinds = "; ".join(f"{kind} {draws[kind].mean():.1f}" for kind in draws)
        text += (
            f"\nWith only {DRAWN_LABELS} labels, the other training articles unlabelled: {kinds} (means over "
            f"{plural(len(draws), 'draw')} of the labels, one seed each). For all four, labelled validation articles "
            "chose epoch or setting.\n"
        )
    return text


def write_into_readme(results: str) -> None:
    """Puts the results between the README's marks."""
    readme = ROOT / "README.md"
    start, end = (re.escape(mark) for mark in RESULTS_MARKS)
    block = f"{RESULTS_MARKS[0]}\n\n{results}\n{RESULTS_MARKS[1]}"
    text = readme.read_text(encoding="utf-8")
    write_text(readme, re.sub(f"{start}.*?{end}", lambda _: block, text, flags=re.DOTALL))


def publish_cards(folder: Path = MODELS) -> list[Path]:
    """Gives every student the card that its committed record asks for, and writes the cards for people.

    Weights and vocabulary stay as they are.

    Returns:
        the students whose card changed

    Raises:
        ValueError: a student's record is not committed.
    """
    records, _ = published_records(ALL_RUNS)
    changed = []
    for path in sorted(folder.glob("*.safetensors")):
        card = read_student(path).card
        record = next((one for one in records.get(card["run"], []) if one.seed == card["seed"]), None)
        if record is None:
            raise ValueError(f"The record of {path.name} ({card['run']}, seed {card['seed']}) is not in data/results.")
        teacher = record.run.teacher
        if rewrite_card(path, card | student_card(record, ALL_RUNS[teacher].title if teacher else None)):
            changed.append(path)
    write_models_readme(folder)
    return changed


def write_models_readme(folder: Path = MODELS) -> None:
    """The cards for people, from the files' own cards, the largest student first."""
    paths = sorted(folder.glob("*.safetensors"), key=lambda path: -path.stat().st_size)
    cards = {path.name: read_student(path).card for path in paths}
    write_text(folder / "README.md", models_readme(cards, {path.name: path.stat().st_size for path in paths}))


def _records() -> str:
    study = Study(read_settings(), ALL_RUNS)
    return f"{publish_records(study)} run records in {study.store.committed.relative_to(ROOT)}"


def _outcomes() -> str:
    study = Study(read_settings(), ALL_RUNS | CAPACITY_RUNS)
    return f"outcomes of {publish_outcomes(study)} runs in {study.store.committed.relative_to(ROOT)}"


def _models() -> str:
    paths = export_students(Study(read_settings(), ALL_RUNS), student_card)
    write_models_readme()
    return "\n".join(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes" for path in paths)


def _cards() -> str:
    return f"New cards: {', '.join(path.name for path in publish_cards()) or 'none, they are up to date'}."


def _table() -> str:
    publish_table()
    return f"the results table in {(ROOT / 'figures').relative_to(ROOT)}, and the README's lines"


PARTS = {"records": _records, "outcomes": _outcomes, "models": _models, "cards": _cards, "table": _table}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m agnews_utils.commands.publish", description=__doc__)
    parser.add_argument("part", choices=PARTS, nargs="?", help="this part alone (default: a whole run)")
    part = parser.parse_args(arguments).part
    if part is None:
        return publish()
    try:
        print(PARTS[part]())
    except (FileNotFoundError, ValueError) as reason:
        print(reason, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:]))
