"""``make run``: executes every notebook in order, into a folder that git ignores."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

from ..analysis.wording import format_duration
from ..exercises.cells import without_outputs
from ..settings import NOTEBOOKS, read_settings
from ..study.study import Study
from ..support.command import run_command
from ..support.files import write_text
from ..support.runtime import core_seconds_of_children, peak_memory_gib

STOPPED = "Stopped; make run starts with the first notebook again, and goes on from each run's last finished epoch."


class TerminalClient(NotebookClient):
    """Executes a notebook; what its cells write to stderr (progress bars, warnings) goes to this terminal instead.

    The executed notebook then holds results only, not the ruins of progress bars. Ctrl-C ends it by a
    ``KeyboardInterrupt``; the kernel is shut down when this process ends.
    """

    @asynccontextmanager
    async def async_setup_kernel(self, **options):
        # nbclient's own handler would shut down the kernel and then say that it died
        asyncio.get_running_loop().add_signal_handler = lambda *_: None
        async with super().async_setup_kernel(**options):
            yield

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
        DeadKernelError: the kernel died; likewise.
        KeyboardInterrupt: ``target`` is as it was.
    """
    notebook = nbformat.read(path, as_version=4)
    without_outputs(notebook)
    client = TerminalClient(
        notebook, timeout=None, kernel_name="python3", record_timing=False, store_widget_state=False,
        resources={"metadata": {"path": str(NOTEBOOKS)}},
        extra_arguments=["--log-level=ERROR"],  # else every kernel warns that its loopback sockets are not encrypted
    )  # fmt: skip
    started = time.perf_counter()
    try:
        client.execute()
    except KeyboardInterrupt:
        client.shutdown_kernel = "immediate"  # asked to end while it computes, a kernel prints a traceback
        raise
    except (CellExecutionError, DeadKernelError):
        write_text(target, nbformat.writes(notebook) + "\n")
        raise
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
        except DeadKernelError:
            print(
                f"{path.name} stopped, because its kernel died (most often for want of memory); make run again goes on "
                f"from the last finished epoch. As far as it came it is in {target}",
                file=sys.stderr,
            )
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
    sys.exit(run_command(main, stopped=STOPPED, without_options=__doc__))
