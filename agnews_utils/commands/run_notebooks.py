"""Runs the notebooks in order, and publishes what a run made.

``python -m agnews_utils.commands.run_notebooks`` executes every notebook into a folder that git ignores; ``… publish`` copies a finished
run on AG News to the places that are committed, ``… publish-records`` the run records alone, and ``… publish-table`` makes the
committed results table and the README's anew from the committed records.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from ..analysis.tables import of_parts, published_records, results_table, save_table, seconds_in_words, table_markdown
from ..settings import NOTEBOOKS, ROOT, read_settings
from ..study.records import RECORD_FILES
from ..study.runs import RUNS, planned
from ..study.study import Study
from ..support.files import write_text
from .bench import peak_memory_gib

TABLE_NOTE = (
    "The best test epoch is the first seed's, so it can lie below the mean over seeds beside it; where that run stopped early, the "
    "table says of how many epochs it is the best. The interval is of the draw of test articles alone, for one run at the mean over "
    "seeds, and sd is between seeds: two models are compared in pairs (notebooks 05 and 06), not by these intervals. Models on frozen features need "
    "the encoder too, whose weights are not counted. Training is the time of one run as long as it went; other runs shared the "
    "machine, and runs stop at different epochs, so compare speeds by `make bench` only."
)
RESULTS_MARKS = ("<!-- results: written by make publish -->", "<!-- end of results -->")


class TerminalClient(NotebookClient):
    """Executes a notebook; what its cells write to stderr (progress bars, warnings) goes to this terminal instead.

    The executed notebook then holds results only, not the ruins of progress bars.
    """

    def output(self, outs, msg, display_id, cell_index):
        content = msg["content"]
        if msg["msg_type"] == "stream" and content["name"] == "stderr":
            sys.stderr.write(content["text"])
            sys.stderr.flush()
            return None
        data = content.get("data", {})
        if (
            "image/png" in data
        ):  # a widget that brings its still picture: without this kernel only the still can be shown
            data.pop("application/vnd.jupyter.widget-view+json", None)
        return super().output(outs, msg, display_id, cell_index)


def execute(path: Path, target: Path) -> float:
    """Executes one notebook into ``target`` and returns the seconds it took.

    Raises:
        CellExecutionError: a cell failed; the notebook as far as it came is in ``target``.
    """
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = TerminalClient(
        notebook, timeout=None, kernel_name="python3", record_timing=False, store_widget_state=False,
        resources={"metadata": {"path": str(NOTEBOOKS)}},
        extra_arguments=["--log-level=ERROR"],  # else every kernel warns that its loopback sockets are not encrypted
    )  # fmt: skip
    started = time.perf_counter()
    try:
        client.execute()
    finally:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_text(target, nbformat.writes(notebook) + "\n")
    return time.perf_counter() - started


def run_all() -> int:
    """Every notebook in order; stops at the first that fails."""
    study = Study(read_settings())
    print(f"{study}\n", flush=True)
    if study.source.is_sample:
        print(
            "This run uses the embedded sample, which is not AG News: its numbers say nothing about AG News.\n",
            flush=True,
        )
    os.environ["AGNEWS_PROGRESS"] = "text"  # kernels inherit it
    paths = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
    seconds: dict[str, float] = {}
    for number, path in enumerate(paths, 1):
        print(f"[{number}/{len(paths)}] {path.stem}", flush=True)
        target = study.output / "notebooks" / path.name
        try:
            seconds[path.stem] = execute(path, target)
        except CellExecutionError as reason:
            print(f"{reason}\n{path.name} failed; as far as it came it is in {target}", file=sys.stderr)
            return 1
        print(f"      done in {seconds_in_words(seconds[path.stem])}", flush=True)
    facts = {
        "seconds": {k: round(v, 1) for k, v in seconds.items()},
        "peak_memory_gib": round(peak_memory_gib(children=True), 2),
    }
    write_text(study.output / "run.json", json.dumps(facts, indent=1))
    print(
        f"\nAll {len(paths)} notebooks in {seconds_in_words(sum(seconds.values()))}, at most {facts['peak_memory_gib']} GiB a kernel."
    )
    for what in ("notebooks", "figures"):
        print(f"{what:>10}: {study.output / what}")
    print(f"{'table':>10}: {study.figures / 'results_table.md'}")
    return 0


def publish() -> int:
    """Copies a finished run's notebooks, figures and records to the committed folders; refuses the embedded sample."""
    study = Study(read_settings())
    if study.source.is_sample:
        print("Only a run on AG News is published: set AGNEWS_DATA_DIR, make run, then make publish.", file=sys.stderr)
        return 1
    made = sorted((study.output / "notebooks").glob("*.ipynb"))
    if {path.name for path in made} != {path.name for path in NOTEBOOKS.glob("[0-9]*.ipynb")}:
        print(f"{study.output} holds no finished run of all notebooks: make run first.", file=sys.stderr)
        return 1
    failed = [path.name for path in made if '"output_type": "error"' in path.read_text(encoding="utf-8")]
    if failed:
        print(f"{', '.join(failed)} failed in the last run: make run again, then make publish.", file=sys.stderr)
        return 1
    for path in made:
        shutil.copyfile(path, NOTEBOOKS / path.name)
    (ROOT / "figures").mkdir(exist_ok=True)
    for path in study.figures.iterdir():
        if path.stem != "results_table":  # that is made from the committed records
            shutil.copyfile(path, ROOT / "figures" / path.name)
    if study.settings.profile.name == "full":
        publish_records(study)
    publish_table()
    print(f"Published {study.title}.")
    return 0


def publish_records(study: Study) -> int:
    """Copies the records of finished runs, teachers' logits with them, to ``data/results``; returns how many are there.

    Records of runs that the study no longer plans are left where they are.
    """
    for name, seed in planned(study.settings):
        own = study.run_folder(name, seed)
        if (own / "record.json").exists():
            (study.committed / own.name).mkdir(parents=True, exist_ok=True)
            for file in RECORD_FILES:
                if (own / file).exists():
                    shutil.copyfile(own / file, study.committed / own.name / file)
    write_text(study.committed / "test_rows.csv", study.test_facts().to_csv(index=False))
    return len(list(study.committed.glob("*/record.json")))


def publish_table() -> None:
    """The results table among the committed figures and in the README, made again from the committed records alone."""
    records, source = published_records()
    table = results_table(of_parts(records, "report", "yardstick", "beyond"))
    save_table(table, ROOT / "figures", source)
    missing = {name: max(run.seeds - len(records.get(name, [])), 0) for name, run in RUNS.items()}
    waiting = [
        f"{RUNS[n].title} ({k} of {RUNS[n].seeds})" for n, k in missing.items() if k and RUNS[n].part != "ablation"
    ]
    ablations = sum(k for n, k in missing.items() if RUNS[n].part == "ablation")
    waiting += [f"{ablations} runs of notebook 06's ablations"] * bool(ablations)
    still = f"\nStill to be run (seeds): {'; '.join(waiting)}.\n" if waiting else ""
    write_into_readme(f"{table_markdown(table, source)}\n{TABLE_NOTE}\n{still}")


def write_into_readme(table: str) -> None:
    """Puts the results table between the README's marks."""
    readme = ROOT / "README.md"
    start, end = (re.escape(mark) for mark in RESULTS_MARKS)
    text = readme.read_text(encoding="utf-8")
    block = f"{RESULTS_MARKS[0]}\n\n{table}\n{RESULTS_MARKS[1]}"
    write_text(readme, re.sub(f"{start}.*?{end}", lambda _: block, text, flags=re.DOTALL))


def main(arguments: list[str]) -> int:
    if arguments == ["publish"]:
        return publish()
    if arguments == ["publish-records"]:
        study = Study(read_settings())
        print(f"{publish_records(study)} run records in {study.committed.relative_to(ROOT)}")
        return 0
    if arguments == ["publish-table"]:
        publish_table()
        return 0
    return run_all()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
