"""What the benchmark of the students says of the report's claim 6: do they suit small devices?"""

from __future__ import annotations

import pandas as pd

from ..settings import ROOT
from ..study.runs import TFIDF
from .claims import DOES_NOT_HOLD, HOLDS, INCONCLUSIVE
from .frontier import single_calls

BENCHMARK, INT8 = "students_benchmark.csv", "students_int8.csv"  # what commands.bench_students saves
LARGEST, FASTER = 5_000_000, 100  # bytes on disk with all that reading needs; times the teacher's rate
# whom the claim is asked of: words for them, and the benchmark's names
ASKED = {
    "6, report": ("The report's distilled one-layer CNN suits small devices", ("model4",)),
    "6, 5 MB": ("The 5 MB student of notebook 07 suits small devices", ("student_5mb_numpy", "student_5mb_onnx_int8")),
    "6, 1 MB": ("The 1 MB student of notebook 07 suits small devices", ("student_1mb_numpy", "student_1mb_onnx_int8")),
}


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
            f"fine-tuned teacher's rate (at least {FASTER}); {100 * best['accuracy']:.2f} % "
            f"(TF-IDF + linear: {100 * bag:.2f})"
        )
        rows[number] = {"text": text, "evidence": evidence, "verdict": HOLDS if all(met) else DOES_NOT_HOLD}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("claim")
