"""Figures: what a notebook's look cannot prove."""

from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from agnews_utils import plotting
from agnews_utils.study.runs import RUNS


def models(count, seed):
    """A results table of many models of the same few sizes and near accuracies, as students are."""
    generator = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "run": generator.choice(list(RUNS), count),
            "model": [f"model {i}" for i in range(count)],
            "parameters": generator.choice([1_540, 3_956_612, 6_026_372, 14_247_620], count),
            "train_seconds": generator.choice([10, 90, 100, 2_600, 4_300], count),
            "test_accuracy": 0.89 + 0.05 * generator.random(count) ** 3,
        }
    )


@pytest.mark.parametrize("seed", range(5))
def test_numbers_of_near_models_can_be_told_apart(seed):
    figure = plotting.trade_off(models(15, seed))
    figure.draw_without_rendering()
    for axes in figure.axes:
        boxes = {text.get_text(): Text.get_window_extent(text).shrunk(0.9, 0.7) for text in axes.texts}
        assert len(boxes) == 15  # of the number alone: an annotation's own extent has its line in it
        assert [pair for pair in combinations(boxes, 2) if boxes[pair[0]].overlaps(boxes[pair[1]])] == []


def test_figure_in_words_names_titles_axes_and_legend():
    figure = plotting.trade_off(models(3, 0))
    words = plotting.in_words(figure)
    assert words.startswith(
        "Figure. What accuracy costs. (test accuracy in percent against trained parameters (logarithmic))"
    )
    assert "3 model 2" in words


def test_figure_in_words_takes_its_label_too():
    figure, _ = plt.subplots()
    figure.set_label("A picture of a cat")
    assert plotting.in_words(figure) == "Figure. A picture of a cat."


def test_legend_of_accuracy_by_epoch_hides_no_curve(smoke_records):
    axes = plotting.training_figure(smoke_records["model3_simpler_cnn_plain"], "a title").axes[0]
    axes.figure.draw_without_rendering()
    legend = axes.get_legend().get_window_extent()
    for line in axes.lines:
        points = axes.transData.transform(line.get_xydata()) if len(line.get_xdata()) else []
        assert not [point for point in points if legend.contains(*point)]
