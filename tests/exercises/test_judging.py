"""Handed-in notebooks: copies of the real ones, answered in many ways, each judged in a process of its own."""

import os
import time

import nbformat
import pandas as pd
import pytest

from agnews_utils.commands import exercises as command
from agnews_utils.exercises import judging
from agnews_utils.exercises.cells import is_ours
from agnews_utils.exercises.exercise import notebooks, of_notebook
from agnews_utils.settings import NOTEBOOKS

EXERCISES = [exercise for number in notebooks() for exercise in of_notebook(number)]
MEAN_FOR_SUM = next(mistake.code for mistake in of_notebook("04")[3].mistakes if mistake.name == "mean for sum")
# of notebook 04, by a cell's place; "{answer}" is the right one
ANNA = {
    1: '# My prediction: 1, because\n#   scale does not matter\n\n{answer}\nprint("x" * 10**6)\n1 / 0',
    2: "def check(number, answer):\n    print('04.2: right')\n\n\ncheck('04.2', lambda y_s, y_t: (intra_only(y_s), 0))",
    3: "# My prediction: =1+1\n%matplotlib inline\nno_such_name",
    4: "import torch.nn.functional\nfrom agnews_utils.exercises.content.notebook_04 import KL_WRONG as my_kl\n"
       'from agnews_utils.exercises import check as say\nsay("04.4", my_kl)',
}  # fmt: skip


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    """The real notebooks, with the students' cells and with the instructor's, all cells but those left out."""
    light, made = tmp_path_factory.mktemp("light"), tmp_path_factory.mktemp("made")
    for path in NOTEBOOKS.glob("[0-9]*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        notebook.cells = [cell for cell in notebook.cells if is_ours(cell) or cell.source.startswith("import pandas")]
        nbformat.write(notebook, light / path.name)
    command.write_notebooks(light, made / "solved", solutions=True)
    command.write_notebooks(light, made / "plain")
    return made


def cells_of(folder, number="0"):
    paths = sorted(folder.glob(f"{number}*.ipynb"))
    return [cell for path in paths for cell in nbformat.read(path, as_version=4).cells]


def hand_in(path, cells):
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


def answered(cells, **sources):
    """The cells with other sources, by the end of their id (``exercise_1_code``)."""
    for cell in cells:
        for name, source in sources.items():
            if cell.id.endswith(name.replace("_", "-")):
                cell.source = source
    return cells


def judged(folder, *more):
    """The command's exit status and the table it writes."""
    out = folder.parent / f"{folder.name}.csv"
    status = command.main(["--judge", str(folder), "--out", str(out), *more])
    return status, pd.read_csv(out, dtype={"exercise": str}, keep_default_na=False)
