"""One number a question: what the notebooks' generated sentences say of models is in ``figures/answers.csv``.

Notebook 09 is left out: it shows the other ways to compute the same quantities. Quantities of another kind have one
decimal or are counts.
"""

import re

import nbformat
import pandas as pd
import pytest

from agnews_utils.analysis.answers import ANSWERS
from agnews_utils.settings import NOTEBOOKS

APPENDIX = "09"
PATHS = [path for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb")) if not path.stem.startswith(APPENDIX)]
GAIN = re.compile(r"(?<![\d.])[+−-]\d\.\d\d(?!\d)")
ACCURACY = re.compile(r"(?<![\d.,+−-])\d\d\.\d\d(?= ?%)")


def sentences(path):
    """The generated Markdown of a notebook, tables included."""
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            text = output.get("data", {}).get("text/markdown", "")
            yield text


@pytest.fixture(scope="module")
def known():
    table = pd.read_csv(ANSWERS)[["number", "low", "high"]].to_numpy().ravel()
    numbers = table[~pd.isna(table)]
    return {f"{number:+.2f}" for number in numbers}, {f"{number:.2f}" for number in numbers}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_number_of_a_sentence_is_the_one_answer(path, known):
    gains, accuracies = known
    text = "\n".join(sentences(path)).replace("−", "-")
    assert sorted({gain for gain in GAIN.findall(text) if gain not in gains}) == []
    assert sorted({accuracy for accuracy in ACCURACY.findall(text) if accuracy not in accuracies}) == []


def test_the_patterns_find_numbers():
    assert GAIN.findall("gains +0.26 (-0.08 to +0.59), 10.25 and 1-0.333") == ["+0.26", "-0.08", "+0.59"]
    assert ACCURACY.findall("92.30 % and 92.81%, but 192.30 %, 5.25 % and 92.3 %") == ["92.30", "92.81"]
