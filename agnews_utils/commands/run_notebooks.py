"""``make run``: executes every notebook in order, into a folder that git ignores."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from ..analysis.wording import format_duration
from ..settings import NOTEBOOKS, read_settings
from ..study.study import Study
from ..support.files import write_text
from ..support.runtime import core_seconds_of_children, peak_memory_gib


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
        if "image/png" in data:  # a widget with its still picture, which is all that can be shown without this kernel
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


def main() -> int:
    """Every notebook in order; stops at the first that fails."""
    study = Study(read_settings())
    print(f"{study}\n", flush=True)
    if study.inputs.source.is_sample:
        print("The embedded sample is not AG News: its numbers say nothing about AG News.\n", flush=True)
    os.environ["AGNEWS_PROGRESS"] = "text"  # kernels inherit it
    paths = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
    seconds: dict[str, float] = {}
    core_seconds: dict[str, float] = {}
    for number, path in enumerate(paths, 1):
        print(f"[{number}/{len(paths)}] {path.stem}", flush=True)
        target = study.output / "notebooks" / path.name
        before = core_seconds_of_children()
        try:
            seconds[path.stem] = round(execute(path, target), 1)
        except CellExecutionError as reason:
            print(f"{reason}\n{path.name} failed; as far as it came it is in {target}", file=sys.stderr)
            return 1
        core_seconds[path.stem] = round(core_seconds_of_children() - before, 1)
        memory = round(peak_memory_gib(children=True), 2)
        facts = {"seconds": seconds, "core_seconds": core_seconds, "peak_memory_gib": memory}
        write_text(study.output / "run.json", json.dumps(facts, indent=1))
        print(f"      done in {format_duration(seconds[path.stem])}", flush=True)
    print(f"\nAll notebooks in {format_duration(sum(seconds.values()))}, at most {memory} GiB a kernel.")
    for what, where in (
        ("notebooks", study.output / "notebooks"), ("figures", study.figures),
        ("table", study.figures / "results_table.md"),
    ):  # fmt: skip
        print(f"{what:>10}: {where}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
