"""``python -m agnews_utils.commands.bench_students``: every classifier of the course, measured side by side.

All read the same test articles in one run and take turns, with one thread and with two, one article a call and 256.
Saves ``students_benchmark.csv`` and ``.md`` among the study's figures (see :data:`COLUMNS`); and, where the test
articles are those of the committed records, ``students_int8.csv``: what int8 costs the shipped students.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from ..analysis.devices import BENCHMARK, INT8
from ..analysis.frontier import int8_cost
from ..analysis.wording import format_p, format_percent, markdown_table, plural
from ..export.from_study import MODELS
from ..export.student import load_student
from ..settings import ROOT, read_settings
from ..study.records import published_records
from ..study.runs import TFIDF
from ..study.strong import ALL_RUNS, SHIPPED, SHIPPED_TITLES
from ..study.study import Study
from ..support.command import run_command
from ..support.files import write_text
from ..support.runtime import machine
from .measure_models import Entry, save_entries
from .models_to_measure import TEACHER, ModelsToMeasure

ARTICLES, BATCHES, THREADS = 1024, (1, 256), (1, 2)
BEFORE = 8192  # training articles that a model has read before it is measured, as one that is in use has
Articles = tuple[list[str], list[str]]  # read before, and measured
WORKER = "agnews_utils.commands.measure_models"
# what libraries read their number of threads from
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
COLUMNS = {
    "name": "which model and form", "model": "for people", "computed_by": "library and form",
    "threads": "", "batch": "articles a call", "articles": "how many were read",
    "articles_per_s": "from raw text", "tokenising_us": "of an article; empty where the library does it inside",
    "model_us": "of an article, without tokenising", "p50_ms": "of a call from raw text", "p95_ms": "", "p99_ms": "",
    "accuracy": "a share, of the committed records and cards", "bytes": "on disk, vocabulary included",
    "resident_mib": "of a process with this model alone", "multiply_adds": "of an article",
    "times_teacher": "articles_per_s over the fine-tuned teacher's", "times_tfidf": "and over TF-IDF's",
    "random": "whether the weights were drawn at random",
}  # fmt: skip
NOTE = """
Accuracy is that of the committed records (mean over seeds; of a shipped student, its own seed's, by its card), not
measured here. A dash: no record. {random}Latency is of one article a call, from raw text. Bytes count weights and
vocabulary. Memory is that of a fresh process that holds this model alone and has answered the articles one by one with
one thread; Python with NumPy alone takes {empty:.0f} MiB. Multiply-adds are those of one article. TF-IDF and fastText
were fitted on this run's training articles. The students in PyTorch read by the tokenizer itself; in NumPy and ONNX
Runtime they remember the pieces of words. Before it is measured, each model has read {before:,} training articles. The
ratios are of articles a second from raw text, over the fine-tuned teacher in PyTorch and over the n-gram baseline.
"""


def run_worker(folder: Path, articles: Articles, threads: int, *arguments: str) -> Any:
    """What the worker prints, run with so many threads.

    Args:
        arguments: the worker's (see :func:`agnews_utils.commands.measure_models.main`), without the folder

    Raises:
        RuntimeError: it failed; what it said stands on stderr.
    """
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
    environment |= {"TOKENIZERS_PARALLELISM": "true" if threads > 1 else "false"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    task, *rest = arguments
    command = [sys.executable, "-m", WORKER, task, str(folder), *rest]
    done = subprocess.run(
        command, input=json.dumps(articles), stdout=subprocess.PIPE, text=True, env=environment,
        start_new_session=True,  # so that Ctrl-C reaches this process alone, which then ends the worker
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"Measuring ({' '.join(arguments)}) failed: see above for the reason.")
    return json.loads(done.stdout)


def measure(folder: Path, entries: Sequence[Entry], articles: Articles, threads: Sequence[int]) -> pd.DataFrame:
    """A row for each model, number of threads and batch: :data:`COLUMNS` without the ratios."""
    save_entries(folder, entries)
    memory = {}
    for entry in entries:
        print(f"memory: {entry.title}, {entry.computed_by} ...", flush=True)
        memory[entry.name] = run_worker(folder, articles, 1, "memory", entry.name) / 2**20
    rows = []
    for count in threads:
        print(f"timing with {plural(count, 'thread')} ...", flush=True)
        timed = run_worker(folder, articles, count, "time", str(count), *map(str, BATCHES))
        for batch in BATCHES:
            for entry in entries:
                seconds = np.array(timed[str(batch)][entry.name])
                what = {"name": entry.name, "model": entry.title, "computed_by": entry.computed_by, "threads": count}
                known = {key: getattr(entry, key) for key in ("accuracy", "bytes", "multiply_adds", "random")}
                times = summary(seconds, batch, len(articles[1]), entry.name in timed["whole"])
                rows.append({**what, **times, **known, "resident_mib": memory[entry.name]})
    return pd.DataFrame(rows)


def summary(seconds: np.ndarray, batch: int, articles: int, whole: bool) -> dict[str, float]:
    """Rate, parts and latencies from the seconds (calls, 2) of reading and of answering.

    Args:
        batch: articles a call
        whole: reading is a part of answering, and cannot be told from it
    """
    both = seconds.sum(axis=1)
    read, answer = 1e6 * seconds.sum(axis=0) / articles
    latency = np.percentile(1e3 * both, (50, 95, 99)) if batch == 1 else [np.nan] * 3
    return {
        "batch": batch, "articles": articles, "articles_per_s": articles / both.sum(),
        "tokenising_us": np.nan if whole else read, "model_us": np.nan if whole else answer,
        **dict(zip(("p50_ms", "p95_ms", "p99_ms"), latency, strict=True)),
    }  # fmt: skip


def with_ratios(table: pd.DataFrame) -> pd.DataFrame:
    """Adds ``times_teacher`` and ``times_tfidf``: the rate over theirs at the same threads and batch."""
    for column, name in (("times_teacher", TEACHER), ("times_tfidf", TFIDF)):
        of = table[table["name"] == name].set_index(["threads", "batch"])["articles_per_s"]
        rates = [of.get((row.threads, row.batch), np.nan) for row in table.itertuples()]
        table = table.assign(**{column: table["articles_per_s"] / rates})
    return table[list(COLUMNS)]


def in_markdown(table: pd.DataFrame) -> str:
    """A table for people for each number of threads: a row a model, one article a call beside the larger batch."""
    parts = []
    for threads, some in table.groupby("threads"):
        one, many = (some[some["batch"] == batch].set_index("name") for batch in BATCHES)
        rows = [_in_words(row, many.loc[str(row.Index)]) for row in one.itertuples()]
        parts += [
            f"### {threads} thread{'s' if threads > 1 else ''}\n",
            markdown_table(pd.DataFrame(rows), "ll" + "r" * 12),
        ]
    return "\n".join(parts)


def _in_words(one: Any, many: pd.Series) -> dict[str, str]:
    def number(value: float, form: str = ",.0f") -> str:
        return "–" if pd.isna(value) else format(value, form)

    accuracy = "–" if pd.isna(one.accuracy) else format_percent(one.accuracy)
    return {
        "model": one.model + (" *" if one.random else ""), "computed by": one.computed_by, "accuracy, %": accuracy,
        "MB on disk": number(one.bytes / 1e6, ".2f"), "memory, MiB": number(one.resident_mib),
        "multiply-adds, M": number(one.multiply_adds / 1e6, ",.3f"),
        "ms p50 / p95 / p99": " / ".join(number(ms, ".2f") for ms in (one.p50_ms, one.p95_ms, one.p99_ms)),
        "articles/s, one a call": number(one.articles_per_s),
        f"articles/s, {many.batch} a call": number(many.articles_per_s),
        "tokenising, µs": number(many.tokenising_us), "model, µs": number(many.model_us),
        f"× teacher, {many.batch} a call": number(many.times_teacher, ",.1f"),
        "× TF-IDF, one a call": number(one.times_tfidf, ",.2f"),
        f"× TF-IDF, {many.batch} a call": number(many.times_tfidf, ",.2f"),
    }  # fmt: skip


def int8_costs(study: Study) -> pd.DataFrame:
    """What int8 costs each shipped student (see :func:`agnews_utils.analysis.frontier.int8_cost`).

    Empty where the test articles are not those of the committed records.
    """
    test, records, rows = study.inputs.splits["test"], published_records(ALL_RUNS)[0], {}
    for file in SHIPPED:
        student = load_student(MODELS / f"{file}.safetensors")
        run, seed = student.card["run"], student.card["seed"]
        record = next((one for one in records.get(run, []) if one.seed == seed), None)
        if record is not None and np.array_equal(record.labels, test["label"]):
            rows[SHIPPED_TITLES[file]] = int8_cost(record, student.predict_proba(test["text"]).argmax(axis=1))
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")


def main(arguments: list[str] | None = None) -> int:
    """Measures and writes; the exit status is 2 where an option makes no sense, 1 where a model cannot be measured."""
    parser = argparse.ArgumentParser(prog="python -m agnews_utils.commands.bench_students", description=__doc__)
    parser.add_argument("--models", nargs="+", metavar="NAME", help="which alone (default: all that can be made here)")
    parser.add_argument("--articles", type=int, default=ARTICLES, help=f"how many (default: {ARTICLES})")
    parser.add_argument("--threads", type=int, nargs="+", default=THREADS, help="default: 1 2")
    options = parser.parse_args(arguments)
    if options.articles < 1 or min(options.threads) < 1:
        parser.error("give at least one article and one thread")
    study = Study(replace(read_settings(), progress="off"), ALL_RUNS)
    print(study, flush=True)
    texts = list(study.inputs.splits["test"]["text"][: options.articles])
    articles = (list(study.inputs.splits["train"]["text"][:BEFORE]), texts)
    with TemporaryDirectory() as name:
        folder = Path(name)
        makers = ModelsToMeasure(study, folder, texts).makers()
        unknown = sorted(set(options.models or ()) - set(makers))
        if unknown:
            parser.error(f"no model is called {', '.join(unknown)}; there are {', '.join(makers)}")
        entries = []
        for model in options.models or makers:
            print(f"making: {model} ...", flush=True)
            entries.append(makers[model](model))
        try:
            table = with_ratios(measure(folder, entries, articles, options.threads))
            empty = run_worker(folder, articles, 1, "memory") / 2**20
        except RuntimeError as reason:
            print(reason, file=sys.stderr)
            return 1
    write(study, table, empty, int8_costs(study))
    return 0


def write(study: Study, table: pd.DataFrame, empty: float, costs: pd.DataFrame) -> None:
    """Prints the tables for people, and writes them and the CSV files."""
    drawn = "Weights of the models with * are random, because none are at hand. " if table["random"].any() else ""
    note = " ".join(NOTE.split()).format(random=drawn, empty=empty, before=BEFORE)
    text = (
        f"Measured on {table['articles'].iloc[0]:,} test articles of {study.data_title}, models in turn; "
        f"{machine('cpu')['device']}.\n\n{in_markdown(table)}\n{note}\n"
    )
    if len(costs):
        shown = pd.DataFrame(
            {"model": costs.index, "floats, %": costs["floats"].map("{:.2f}".format),
             "int8, %": costs["int8"].map("{:.2f}".format),
             "gain (95 %, paired)": [f"{r.gain:+.2f} ({r.low:+.2f} to {r.high:+.2f})" for r in costs.itertuples()],
             "p, McNemar": costs["p"].map(format_p)}
        )  # fmt: skip
        text += f"\nWhat int8 costs, in percentage points of test accuracy:\n\n{markdown_table(shown, 'lrrrr')}"
        write_text(study.figures / INT8, costs.round(6).to_csv())
    print(f"\n{text}")
    write_text(study.figures / "students_benchmark.md", text)
    write_text(study.figures / BENCHMARK, table.round(6).to_csv(index=False))
    print(f"saved as students_benchmark.md and .csv in {study.figures}")


if __name__ == "__main__":
    sys.exit(run_command(main))
