"""What lets a notebook run in Colab: a badge and a first cell; the repository's address stands here and nowhere else.

``python -m agnews_utils.commands.colab`` writes both into every notebook again, after a change of :data:`REPOSITORY`.
"""

from __future__ import annotations

import sys

import nbformat

from ..settings import NOTEBOOKS
from ..support.command import run_command
from ..support.files import write_text

REPOSITORY = "https://github.com/agnews-distillation/agnews-distillation"  # where the project is published
BRANCH = "main"
TAG = "colab"  # of the first cell

SETUP = """\
# Colab: fetches the project and installs what is missing; Colab keeps its own torch. Elsewhere: is the package there?
import sys
from importlib.util import find_spec

if "google.colab" in sys.modules:
    import os
    import subprocess
    from importlib.metadata import version

    repository = "{repository}"
    os.environ.setdefault("AGNEWS_PROFILE", "quick")  # a first run, with a GPU too
    project = os.environ.get("AGNEWS_COLAB_FOLDER", "/content/agnews-distillation")
    if not os.path.isdir(project):
        subprocess.run(["git", "clone", "--quiet", "--depth", "1", repository, project], check=True)
    keep = f"torch=={version('torch')}"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", keep, "--editable", project], check=True)
    if project not in sys.path:  # an editable install shows in new kernels only
        sys.path.insert(0, project)
    os.chdir(os.path.join(project, "notebooks"))
elif find_spec("agnews_utils") is None:
    raise SystemExit(
        "This kernel lacks the course's package: run `make lab` in the project's folder, "
        "or `pip install -e .` there, and start the kernel again."
    )
"""


def setup_cell() -> str:
    """Source of every notebook's first code cell."""
    return SETUP.replace("{repository}", REPOSITORY).strip()


def badge(name: str) -> str:
    """The line of Markdown that opens notebook ``name`` (a file name) in Colab."""
    path = REPOSITORY.removeprefix("https://github.com/")
    target = f"https://colab.research.google.com/github/{path}/blob/{BRANCH}/notebooks/{name}"
    return f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({target})"


def prepare(notebook: nbformat.NotebookNode, name: str) -> None:
    """Gives a notebook its badge, as the title cell's last line, and its first code cell; replaces older ones."""
    title = notebook.cells[0]
    lines = [line for line in title.source.rstrip().splitlines() if not line.startswith("[![Open in Colab]")]
    title.source = "\n".join(lines).rstrip() + f"\n\n{badge(name)}"
    old = [cell for cell in notebook.cells if TAG in cell.metadata.get("tags", [])]
    if old:
        old[0].source = setup_cell()
        return
    hidden = {"tags": [TAG, "hide-input"], "jupyter": {"source_hidden": True}}
    cell = nbformat.v4.new_code_cell(setup_cell(), metadata=hidden, id=f"{name[:2]}-colab")
    notebook.cells.insert(1, cell)


def main() -> int:
    for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        prepare(notebook, path.name)
        write_text(path, nbformat.writes(notebook) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main, without_options=__doc__))
