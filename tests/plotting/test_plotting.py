"""Figures: what a notebook's look cannot prove."""

from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.text import Text

from agnews_utils import plotting
from agnews_utils.analysis.report import report_curves
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


def test_beside_the_report_draws_both_in_percent(smoke_records):
    names = "model1_simple_cnn_plain", "model3_simpler_cnn_plain"
    axes = plotting.beside_the_report([smoke_records[name] for name in names]).axes
    assert [place.get_title() for place in axes] == ["CNN-4 plain", "CNN-1 plain"]
    for place, name in zip(axes, names, strict=True):
        theirs = report_curves().query("run == @name")["test_accuracy"]
        np.testing.assert_allclose(place.lines[0].get_ydata(), 100 * theirs)
        ours = next(line for line in place.lines if line.get_label().startswith("ours"))
        np.testing.assert_allclose(ours.get_ydata(), 100 * smoke_records[name][0].history["test_accuracy"])


def test_temperatures_are_the_softmax():
    logits = torch.tensor([0.0, -1.0, 4.0, 2.0])
    axes = plotting.temperatures(logits, (1, 4)).axes[0]
    for bars, tau in zip(axes.containers, (1, 4), strict=True):
        expected = 100 * (logits / tau).softmax(dim=0)
        np.testing.assert_allclose([bar.get_height() for bar in bars], expected, rtol=1e-5)


def test_confidence_is_drawn_as_shares_of_each_group():
    groups = {"right": np.array([0.99, 0.98, 0.97, 0.5]), "wrong": np.array([0.52, 0.9])}
    axes = plotting.confidence_histogram(groups, "a title").axes[0]
    heights = [patch.get_xy()[:, 1].max() for patch in axes.patches]
    assert heights == [75, 50]
