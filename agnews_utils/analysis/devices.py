"""What the benchmark of the students says of the report's claim 6: do they suit small devices?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..settings import ROOT
from ..study.runs import FINE_TUNED_TEACHER, MODEL4, TFIDF
from ..study.strong import ALL_RUNS, ALONE, SHIPPED, SHIPPED_TITLES, SMALL_TFIDF, TFIDF_1MB, TFIDF_100KB, TFIDF_INT8
from .answers import Records, accuracy
from .claims import DOES_NOT_HOLD, HOLDS, INCONCLUSIVE
from .frontier import single_calls, smallest_forms
from .tables import encoding_seconds, making_seconds
from .wording import format_duration

BENCHMARK, INT8 = "students_benchmark.csv", "students_int8.csv"  # what commands.bench_students saves
LARGEST, FASTER = 5_000_000, 100  # bytes on disk with all that reading needs; times the teacher's rate
# whom the claim is asked of: words for them, and the benchmark's names
ASKED = {
    "6, report": ("The report's distilled one-layer CNN suits small devices", ("model4",)),
    "6, 5 MB": ("The 5 MB student of notebook 07 suits small devices", ("student_5mb_numpy", "student_5mb_onnx_int8")),
    "6, 1 MB": ("The 1 MB student of notebook 07 suits small devices", ("student_1mb_numpy", "student_1mb_onnx_int8")),
}

# the run of each model that somebody would choose, and what for; the report's student stands there to be compared
CHOICES = {
    FINE_TUNED_TEACHER: "accuracy is all, and there is a server",
    SHIPPED["student_5mb"]: "a few megabytes are there, and accuracy counts",
    ALONE["student_5mb"]: "the same, and you cannot train a teacher (not shipped)",
    TFIDF: "you want a model in ten seconds",
    TFIDF_INT8: "the same, on a phone (not shipped)",
    SHIPPED["student_1mb"]: "an app, or a web page; the next row does as well",
    TFIDF_1MB: "the same, and you want no network (not shipped)",
    SHIPPED["student_100kb"]: "you compare: the next row is better",
    TFIDF_100KB: "bytes count above all (not shipped)",
    MODEL4: "you compare: the report's choice",
}

# the same networks, so the same bytes and times, which were measured once
UNTAUGHT = {run: SHIPPED[file] for file, run in ALONE.items()}
# made on another processor than the rest, so their training times do not compare
NOT_COMPARED = SMALL_TFIDF


def published_benchmark() -> pd.DataFrame:
    """The committed benchmark: a row for each model, number of threads and articles a call.

    Raises:
        FileNotFoundError: there is none.
    """
    return _published(BENCHMARK)


def published_int8_cost() -> pd.DataFrame:
    """What int8 costs each shipped student, in percentage points (``analysis.frontier.int8_cost``), as committed.

    Raises:
        FileNotFoundError: there is none.
    """
    return _published(INT8)


def _published(name: str) -> pd.DataFrame:
    path = ROOT / "figures" / name
    if not path.exists():
        raise FileNotFoundError(f"There is no {path}: make it (make bench, then make publish), or get it with git.")
    return pd.read_csv(path)


def verdicts(benchmark: pd.DataFrame) -> pd.DataFrame:
    """Claim 6 by the rule of the verdicts (``rule.md``), columns as those of ``claims.verdicts``.

    Args:
        benchmark: what :func:`published_benchmark` gives; rows of one thread and one article a call count
    """
    single = single_calls(benchmark).set_index("name")
    rows = {}
    for number, (text, names) in ASKED.items():
        there = [name for name in names if name in single.index]
        if not there or TFIDF not in single.index:
            rows[number] = {"text": text, "evidence": "no benchmark of it", "verdict": INCONCLUSIVE}
            continue
        best = single.loc[max(there, key=lambda name: single.loc[name, "times_teacher"])]
        bag = single.loc[TFIDF, "accuracy"]
        met = (best["bytes"] <= LARGEST, best["times_teacher"] >= FASTER, best["accuracy"] >= bag)
        evidence = (
            f"{best['bytes'] / 1e6:.2f} MB (at most {LARGEST / 1e6:.0f}); {best['times_teacher']:.0f} times the "
            f"fine-tuned teacher's rate (at least {FASTER}); {100 * best['accuracy']:.1f} % "
            f"(n-gram baseline: {100 * bag:.1f})"
        )
        rows[number] = {"text": text, "evidence": evidence, "verdict": HOLDS if all(met) else DOES_NOT_HOLD}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("claim")


def choices(benchmark: pd.DataFrame, records: Records) -> pd.DataFrame:
    """What each of :data:`CHOICES` reaches and costs, in texts: the table to choose by.

    Args:
        benchmark: what :func:`published_benchmark` gives; the smallest form of each model counts
        records: the accuracy is the answer's (:func:`agnews_utils.analysis.answers.accuracy`)
    """
    measured, rows = smallest_forms(benchmark).set_index("model"), []
    seconds_per_article = encoding_seconds(_published("benchmark.csv"))
    titles = {SHIPPED[file]: title for file, title in SHIPPED_TITLES.items()}
    for run, purpose in CHOICES.items():
        title = titles.get(UNTAUGHT.get(run, run), ALL_RUNS[run].title)
        if run in SMALL_TFIDF:
            size, milliseconds = bytes_of_baseline(records, run), "–"
        else:
            size, milliseconds = measured.loc[title, "bytes"], f"{measured.loc[title, 'p50_ms']:.2g}"
        own = [making_seconds(record, seconds_per_article) for record in records[run]]
        teachers = teacher_seconds(records, run, seconds_per_article)
        rows.append(
            {"model": f"{title}, labels alone" if run in UNTAUGHT else title, "accuracy": accuracy(records, run),
             "MB with vocabulary": f"{size / 1e6:.2g}", "ms per article": milliseconds,
             "training took": "–" if run in NOT_COMPARED else format_duration(sum(own) / len(own))
             + (f", its teachers {format_duration(teachers)}" if teachers else ""),
             "take it when": purpose}
        )  # fmt: skip
    return pd.DataFrame(rows)


def bytes_of_baseline(records: Records, run: str) -> int:
    """Bytes of the file of one of the small n-gram baselines (:data:`agnews_utils.study.strong.SMALL_TFIDF`)."""
    return int(records[run][0].history["bytes"].iloc[0])


def accuracy_by_bytes(benchmark: pd.DataFrame, records: Records) -> dict[str, pd.DataFrame]:
    """Mean test accuracy in percent over bytes on disk, of three kinds of models that differ in size.

    Args:
        benchmark: what :func:`published_benchmark` gives

    Returns:
        By kind a table with the columns ``bytes`` and ``accuracy``.
    """
    measured = smallest_forms(benchmark).set_index("model")["bytes"]
    of_files = {file: measured[title] for file, title in SHIPPED_TITLES.items()}
    kinds = {
        "students with teachers": {SHIPPED[file]: size for file, size in of_files.items()},
        "the same networks, labels alone": {ALONE[file]: size for file, size in of_files.items()},
        "n-gram baseline: as it is, in int8, and pruned": {
            TFIDF: measured[ALL_RUNS[TFIDF].title],
            **{run: bytes_of_baseline(records, run) for run in SMALL_TFIDF},
        },
    }
    return {
        kind: pd.DataFrame(
            [(size, 100 * np.mean([r.test_accuracy for r in records[run]])) for run, size in runs.items()],
            columns=["bytes", "accuracy"],
        )
        for kind, runs in kinds.items()
    }  # fmt: skip


def teacher_seconds(records: Records, run: str, seconds_per_article: float) -> float:
    """Core seconds that making all models took that a run learns from, directly or through others.

    Args:
        seconds_per_article: see :func:`agnews_utils.analysis.tables.making_seconds`
    """
    needed = {(name, seed) for name, seed in ALL_RUNS[run].needs}
    there = [record for name, seed in needed for record in records[name] if record.seed == seed]
    made = sum(making_seconds(record, seconds_per_article) for record in there)
    return made + sum(teacher_seconds(records, name, seconds_per_article) for name, _ in needed)
