"""The frontier's figure: every model named, no name on another, the undominated ones joined."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from agnews_utils import plotting
from agnews_utils.analysis.frontier import undominated


def made(count, seed):
    """Models that crowd, as students in several forms do."""
    generator = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "bytes": generator.choice([1e5, 1e6, 4.6e6, 5e6, 2.4e7, 9e7], count),
            "p50_ms": 10 ** generator.uniform(-1.3, 1.5, count),
            "accuracy": 88 + 6 * generator.random(count),
        },
        index=[f"Model {number}, ONNX Runtime, int8" for number in range(count)],
    )
    marks = {f"best_by_{name}": undominated(table[column], table["accuracy"])
             for name, column in (("bytes", "bytes"), ("latency", "p50_ms"))}  # fmt: skip
    return table.assign(**marks)


@pytest.mark.parametrize("seed", range(2))
def test_names_can_be_told_apart(seed):
    figure = plotting.frontier_figure(made(20, seed))
    figure.supxlabel("what made the numbers", fontsize="x-small")  # as plotting.save does
    figure.draw_without_rendering()
    for axes in figure.axes:
        boxes = {text.get_text(): Text.get_window_extent(text) for text in axes.texts}
        assert len(boxes) == 20
        assert [pair for pair in combinations(boxes, 2) if boxes[pair[0]].overlaps(boxes[pair[1]])] == []


def test_the_line_joins_the_undominated_models():
    table = made(12, 3)
    axes = plotting.frontier_figure(table).axes[1]
    line = axes.lines[0]
    best = table[table["best_by_latency"]].sort_values("p50_ms")
    assert line.get_linestyle() == "-"
    assert line.get_xdata().tolist() == best["p50_ms"].tolist()
    assert len(axes.lines[1].get_xdata()) == len(table) - len(best)
