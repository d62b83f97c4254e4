"""``python -m agnews_utils.commands.guide``: the tables of ``notebooks/INSTRUCTORS.md``, and the glossary's "In" lines.

All from committed files: notebooks, exercises, records, ``figures/answers.csv``, ``figures/expected.csv``. The last is
measured: ``make run`` in ``quick`` or ``smoke`` on the embedded sample, or in ``quick`` on AG News, then this command
with ``--measure`` in the same profile, which replaces the rows of that profile and those data. With ``--seeds N`` it
trains N seeds of each run first.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import nbformat
import pandas as pd

from ..analysis.answers import ANSWERS, QUESTIONS
from ..exercises.exercise import Exercise, notebooks, of_notebook
from ..settings import NOTEBOOKS, ROOT, read_settings
from ..study.records import Record, published_records
from ..study.runs import RUNS, TFIDF
from ..study.strong import ALL_RUNS, scarce_names
from ..study.study import Study
from ..support.command import run_command
from ..support.files import write_text
from .colab import TAG

GUIDE, GLOSSARY = "INSTRUCTORS.md", "GLOSSARY.md"
RESULTS, EXPECTED = (ROOT / "figures" / name for name in ("results_table.csv", "expected.csv"))
ON_AG_NEWS = "quick on AG News"
PROFILES = ("quick", ON_AG_NEWS, "smoke")  # that are measured, on the embedded sample where no data are named
MOST_SEEDS = 10
FEW_LABELS = 100
WORDS_A_MINUTE, CELL_MINUTES, FIGURE_MINUTES = 180, 0.5, 1  # the rule of the reading times
FOLDED = re.compile(r"(?<=</summary>).*?(?=</details>)", re.DOTALL)  # what the page opens on a click
GROUPS = ("report", "baseline")  # whose accuracies are expected; the other runs are of the full study alone
MISTAKES = (
    ("04.1", "not centred"), ("04.2", "rows for columns"), ("04.2", "sum for mean"), ("04.3", "tau² forgotten"),
    ("04.4", "mean for sum"), ("05.1", "unpaired test for paired"),
)  # fmt: skip
SPREADS, ARTICLES = 3, 10  # a tolerance: so many standard deviations between seeds, or so many test articles


def all_exercises() -> list[Exercise]:
    return [exercise for number in notebooks() for exercise in of_notebook(number)]


def numbered_notebooks() -> list[Path]:
    return sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))


def markdown_of(path: Path) -> str:
    """All Markdown cells of a notebook."""
    cells = nbformat.read(path, as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def reading_minutes(path: Path) -> float:
    """By the rule: words, code cells that are shown and figures of a notebook; exercises and folds are left out."""
    cells = [c for c in nbformat.read(path, as_version=4).cells if "exercise" not in c.metadata.get("tags", [])]
    code = [cell for cell in cells if cell.cell_type == "code"]
    written = [cell.source for cell in cells if cell.cell_type == "markdown"]
    written += [output.get("data", {}).get("text/markdown", "") for cell in code for output in cell.outputs]
    shown = sum("hide-input" not in cell.metadata.get("tags", []) for cell in code)
    figures = sum("image/png" in output.get("data", {}) for cell in code for output in cell.outputs)
    words = sum(len(FOLDED.sub("", text).split()) for text in written)
    return words / WORDS_A_MINUTE + CELL_MINUTES * shown + FIGURE_MINUTES * figures


def expected(profile: str, kind: str) -> pd.DataFrame:
    """The measured rows of a profile: ``accuracy`` or ``minutes``, by name."""
    table = pd.read_csv(EXPECTED)
    return table[(table["profile"] == profile) & (table["kind"] == kind)].set_index("name")


def lines_of(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; all columns but the first are numbers and stand to the right."""
    rule = ["---", *["--:"] * (len(head) - 1)]
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, rule, *rows))


def notebooks_table() -> str:
    """Minutes of each notebook: to read, for its exercises, and of one core."""
    minutes = {profile: expected(profile, "minutes")["value"] for profile in PROFILES}
    rows, total = [], 0
    for path in numbered_notebooks():
        title = markdown_of(path).splitlines()[0].removeprefix("# ")
        practice = sum(exercise.minutes for exercise in of_notebook(path.stem[:2]))
        minutes_to_read = 5 * round(reading_minutes(path) / 5)
        total += minutes_to_read
        machine = [f"{m[path.stem]:.1f}" if path.stem in m else "not measured" for m in minutes.values()]
        rows.append([f"[{title}]({path.name})", str(minutes_to_read), str(practice) if practice else "–", *machine])
    practice = sum(exercise.minutes for exercise in all_exercises())
    rows.append(["**all**", str(total), str(practice), *(f"{m.sum():.1f}" for m in minutes.values())])
    return lines_of(["notebook", "reading", "exercises", *(f"machine, {p}" for p in PROFILES)], rows)


def exercises_table() -> str:
    """Every exercise with its points."""
    rows = [[f"{e.number} {e.title}", e.grades, str(e.minutes), str(e.points)] for e in all_exercises()]
    return lines_of(["exercise", "what a right answer shows", "minutes", "points"], rows)


def full_table() -> str:
    """Accuracies of the published full study, with the tolerance for whoever trains again."""
    records, _ = published_records({TFIDF: RUNS[TFIDF]})
    articles = len(records[TFIDF][0].labels)
    rows = []
    for _, row in pd.read_csv(RESULTS).iterrows():
        if row["run"] in RUNS and RUNS[row["run"]].group in GROUPS:
            sd = 0.0 if row["run"] == TFIDF else 100 * row["sd"]
            rows.append(
                [row["model"], f"{100 * row['test_accuracy']:.2f}", _tolerance(sd, articles), f"{row['seeds']}"]
            )
    return lines_of(["model", "test accuracy, %", "tolerance", "seeds"], rows)


def measured_table(profile: str) -> str:
    """Accuracies as measured in one of :data:`PROFILES`."""
    rows = [
        [name, f"{row['value']:.1f}", _tolerance(row["sd"], int(row["articles"])), f"{row['seeds']:.0f}"]
        for name, row in expected(profile, "accuracy").iterrows()
    ]
    return lines_of(["model", "test accuracy, %", "tolerance", "seeds"], rows)


def _tolerance(sd: float, articles: int) -> str:
    """In percentage points, by the guide's rule; ``sd`` is NaN where one seed was run."""
    if pd.isna(sd):
        return "one seed"
    return f"± {max(SPREADS * sd, 100 * ARTICLES / articles):.1f}"


def answers_lines() -> str:
    """The answer to each question, in the full study."""
    table = pd.read_csv(ANSWERS).set_index("question")
    rows = [
        [question, f"{row['number']:+.2f}", f"{row['low']:+.2f} to {row['high']:+.2f}", f"{row['seeds']:.0f}"]
        for question, row in table.iterrows()
        if question in QUESTIONS
    ]
    return lines_of(["question", "gain", "95 % interval", "seeds"], rows)


def mistakes_table() -> str:
    """What ``check`` says to a few wrong answers."""
    rows = []
    for number, name in MISTAKES:
        exercise = next(one for one in all_exercises() if one.number == number)
        words = next(mistake.words for mistake in exercise.mistakes if mistake.name == name)
        rows.append([f'[{number}](EXERCISES.md "{exercise.title}")', name, " ".join(words.split())])
    rule = "| exercise | wrong answer | `check` says |\n| --- | --- | --- |\n"
    return rule + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def guide(text: str) -> str:
    """The guide with its tables between the marks, and each exercise that it names under its present number.

    Raises:
        ValueError: a mark is missing, or an exercise of that title.
    """
    tables = {
        "notebooks": notebooks_table, "exercises": exercises_table, "mistakes": mistakes_table, "full": full_table,
        "answers": answers_lines, **{profile: partial(measured_table, profile) for profile in PROFILES},
    }  # fmt: skip
    for name, make in tables.items():
        start, end = f"<!-- {name}: written by a command -->", f"<!-- end of {name} -->"
        if start not in text or end not in text:
            raise ValueError(f"{GUIDE} has no place for the table {name!r}: put {start} and {end} into it.")
        block = f"{start}\n\n{make()}\n{end}"
        text = re.sub(f"{re.escape(start)}.*?{re.escape(end)}", lambda _, block=block: block, text, flags=re.DOTALL)
    numbers = {exercise.title: exercise.number for exercise in all_exercises()}

    def renumbered(match: re.Match) -> str:
        if match[1] not in numbers:
            raise ValueError(f"{GUIDE} names the exercise {match[1]!r}, which is not there: take another title.")
        return f'[{numbers[match[1]]}](EXERCISES.md "{match[1]}")'

    return re.sub(r'\[\d\d\.\d\]\(EXERCISES\.md "([^"]+)"\)', renumbered, text)


def glossary(text: str) -> str:
    """The glossary with the notebooks that use each term, or another name of it, below its entry."""
    prose = {path: everything_of(path) for path in numbered_notebooks()}
    top, *entries = re.split(r"(?m)^(?=## )", text)
    return top + "".join(f"{entry}{_used(entry, prose)}\n" for entry in map(_without_use, entries)).rstrip("\n") + "\n"


def everything_of(path: Path) -> str:
    """All that a reader of a notebook sees in words: text, code, generated sentences and tables."""
    cells = nbformat.read(path, as_version=4).cells
    made = (output.get("data", {}).get("text/markdown", "") for cell in cells for output in cell.get("outputs", []))
    return "\n\n".join([*(cell.source for cell in cells if TAG not in cell.metadata.get("tags", [])), *made])


def _without_use(entry: str) -> str:
    return re.sub(r"(?m)^\n?In .*\.ipynb\).*\n|^\n?In all notebooks\.\n", "", entry).rstrip("\n") + "\n"


def _used(entry: str, prose: dict[Path, str]) -> str:
    names = [entry.splitlines()[0].removeprefix("## ")]
    if also := re.search(r"(?m)^\*Also: (.*)\.\*$", entry):
        names += also[1].split(", ")
    term = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, names)) + r")(?!\w)", re.IGNORECASE)
    found = [path for path, words in prose.items() if term.search(words)]
    if len(found) == len(prose):
        return "\nIn all notebooks.\n"
    return f"\nIn {', '.join(f'[{path.stem[:2]}]({path.name})' for path in found)}.\n" if found else ""


def made_files() -> dict[str, str]:
    """Guide and glossary as they should be, by name."""
    return {
        name: make((NOTEBOOKS / name).read_text(encoding="utf-8"))
        for name, make in ((GUIDE, guide), (GLOSSARY, glossary))
    }


def measure(study: Study, seeds: int) -> pd.DataFrame:
    """What this profile gives on this machine: minutes of one core for each notebook, accuracies over the seeds.

    Args:
        seeds: of each run that are trained where they are missing; others that are there count too

    Raises:
        ValueError: none of :data:`PROFILES`, or no ``make run``.
    """
    source, run = study.inputs.source, study.output / "run.json"
    profile = study.settings.profile.name + ("" if source.is_sample else " on AG News")
    if profile not in PROFILES or not (source.is_sample or source.title.startswith("AG News")):
        raise ValueError(
            "Only quick and smoke on the embedded sample, and quick on AG News, are measured: set AGNEWS_PROFILE and "
            "AGNEWS_DATA_DIR."
        )
    if not run.exists():
        raise ValueError(f"{study.output} holds no run: make run first, in this profile.")
    seconds = json.loads(run.read_text(encoding="utf-8"))["core_seconds"]
    rows = [{"kind": "minutes", "name": stem, "value": round(used / 60, 2)} for stem, used in seconds.items()]
    rows += list(_accuracies(study, seeds))
    return pd.DataFrame(rows).assign(profile=profile, made_with=study.title)


def _accuracies(study: Study, seeds: int) -> Iterator[dict]:
    few_labels = [name for name in scarce_names(FEW_LABELS) if study.found(name)]  # notebook 07 makes them
    for name, run in study.runs.items():
        if (run.group in GROUPS and run.can_be_made) or name in few_labels:
            wanted = 0 if name in few_labels else seeds
            there = [seed for seed in range(MOST_SEEDS) if seed < wanted or study.found(name, seed)]
            records: list[Record] = [study.record(name, seed) for seed in (there if name != TFIDF else [0])]
            accuracies = pd.Series([100 * record.test_accuracy for record in records])
            spread = 0.0 if name == TFIDF else round(accuracies.std(), 3)
            yield {
                "kind": "accuracy", "name": run.title, "value": round(accuracies.mean(), 3), "sd": spread,
                "seeds": len(records), "articles": len(records[0].labels),
            }  # fmt: skip


def keep(measured: pd.DataFrame) -> None:
    """Replaces the profile's rows in :data:`EXPECTED`."""
    there = [pd.read_csv(EXPECTED)] if EXPECTED.exists() else []
    profile = measured["profile"].iloc[0]
    table = pd.concat([*(old[old["profile"] != profile] for old in there), measured])
    columns = ["profile", "kind", "name", "value", "sd", "seeds", "articles", "made_with"]
    whole = table[columns].astype({"seeds": "Int64", "articles": "Int64"})
    write_text(EXPECTED, whole.sort_values(["profile", "kind"], kind="stable").to_csv(index=False))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m agnews_utils.commands.guide", description=__doc__)
    parser.add_argument("--measure", action="store_true", help="first measure the profile in the environment")
    parser.add_argument("--seeds", metavar="N", type=int, default=1, help="with --measure: train so many of each run")
    options = parser.parse_args(arguments)
    try:
        if options.measure:
            keep(measure(Study(read_settings(), runs=ALL_RUNS), options.seeds))
        for name, text in made_files().items():
            write_text(NOTEBOOKS / name, text)
    except (FileNotFoundError, ValueError) as reason:
        print(reason, file=sys.stderr)
        return 1
    print(f"notebooks/{GUIDE} and notebooks/{GLOSSARY} are up to date.")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:]))
