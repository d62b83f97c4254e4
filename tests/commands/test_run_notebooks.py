"""How ``make run`` ends: a kernel that dies, Ctrl-C, and a notebook that fails; each on a notebook of one cell."""

import os
import signal
import subprocess
import sys

import nbformat
import pytest

from agnews_utils.commands.run_notebooks import STOPPED
from agnews_utils.settings import ROOT

# the command as make run starts it, on the notebooks of a folder
COMMAND = """
import sys
from pathlib import Path
from agnews_utils.commands import run_notebooks
from agnews_utils.support.command import run_command
run_notebooks.NOTEBOOKS = Path(sys.argv[1])
sys.exit(run_command(run_notebooks.main, stopped=run_notebooks.STOPPED))
"""


@pytest.fixture
def start(tmp_path):
    """Starts the command on one cell in a process group of its own, as a terminal does."""

    def make(cell):
        folder = tmp_path / "notebooks"
        folder.mkdir()
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
        nbformat.write(notebook, folder / "01_one.ipynb")
        environ = os.environ | {"AGNEWS_WORK_DIR": str(tmp_path / "work"), "PYTHONPATH": str(ROOT)}
        environ["AGNEWS_DATA_DIR"] = "sample"
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, folder], cwd=ROOT, env=environ, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    return make


def ended(process):
    """Status and stderr of a process that ends within a minute."""
    _, said = process.communicate(timeout=60)
    return process.returncode, said.decode()


@pytest.mark.slow
def test_a_kernel_that_dies(start, tmp_path):
    status, said = ended(start("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"))
    assert status == 1
    assert "01_one.ipynb stopped, because its kernel died (most often for want of memory); make run again" in said
    assert "Traceback" not in said
    assert list((tmp_path / "work").rglob("01_one.ipynb"))


@pytest.mark.slow
def test_a_cell_that_fails(start, tmp_path):
    status, said = ended(start("1 / 0"))
    assert status == 1
    assert "ZeroDivisionError" in said
    assert "01_one.ipynb failed; as far as it came it is in" in said
    assert list((tmp_path / "work").rglob("01_one.ipynb"))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_ctrl_c(start, tmp_path):
    process = start("import sys, time\nprint('at work', file=sys.stderr, flush=True)\ntime.sleep(60)")
    seen = b""
    while b"at work" not in seen:
        seen += process.stderr.read1(2**16)
    os.killpg(process.pid, signal.SIGINT)  # a terminal's Ctrl-C reaches every process of the group
    status, said = ended(process)
    assert (status, said.strip()) == (130, STOPPED)
    assert not list((tmp_path / "work").rglob("01_one.ipynb"))
