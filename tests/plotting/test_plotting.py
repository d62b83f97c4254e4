"""Figures: what a notebook's look cannot prove."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from made_records import match_seeds, record_of

from agnews_utils import plotting
from agnews_utils.analysis.answers import Answer
from agnews_utils.analysis.report import report_curves
from agnews_utils.study.records import published_records
from agnews_utils.study.runs import MODEL3, MODEL4

PAIR = (MODEL3, MODEL4)


def answer(gain, low, high, question="a question"):
    return Answer(question, "b", "a", gain, low, high, 3)


def test_figure_in_words_names_titles_axes_and_legend():
    words = plotting.in_words(
        plotting.forest_of_answers({"Does it help?": {"b": answer(1, 0.5, 1.5)}}, "What it gains")
    )
    assert words.startswith("Figure. What it gains. (one row each against gain in test accuracy (percentage points")
    assert "clear gain" in words


def test_an_answer_is_drawn_at_its_gain_in_the_colour_of_its_interval():
    rows = {"up": answer(1, 0.5, 1.5), "down": answer(-1, -1.5, -0.5), "open": answer(1, -0.5, 2.5, "asked")}
    axes = plotting.forest_of_answers({"Does it help?": rows}, "a title", {"asked": 0.7}).axes[0]
    assert [t.get_text() for t in axes.texts] == ["Does it help?"]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["", *(f"{n} (3 seeds)" for n in rows)]
    dots = [
        (*line.get_xydata()[0], line.get_color())
        for line in axes.lines
        if line.get_marker() in ("o", "s") and len(line.get_xdata())
    ]
    assert dots == [(1, 1, plotting.BLUE), (-1, 2, plotting.ORANGE), (1, 3, plotting.GREY)]
    crosses = [tuple(line.get_xydata()[0]) for line in axes.lines if line.get_marker() == "x" and len(line.get_xdata())]
    assert [cross for cross in crosses if np.isfinite(cross[0])] == [(0.7, 3)]


def test_groups_of_answers_stand_in_two_columns_that_share_their_range():
    sizes = {"first": 3, "second": 2, "third": 4, "fourth": 1}
    groups = {name: {f"{name} {i}": answer(i + 1, i, i + 2) for i in range(size)} for name, size in sizes.items()}
    figure = plotting.forest_of_answers(groups, "a title")
    left, right = figure.axes
    headings = [[text.get_text() for text in axes.texts] for axes in (left, right)]
    assert headings == [["first", "second"], ["third", "fourth"]]
    assert left.get_xlim() == right.get_xlim()
    assert left.get_ylim() == right.get_ylim()
    width, height = figure.get_size_inches()
    assert width <= 12
    assert height < width / 2
    assert plotting.in_words(figure).count("clear gain") == 1


def test_seeds_are_coloured_by_the_sign_of_their_gain():
    records = match_seeds({0: (10, 60), 1: (60, 10), 2: (10, 20)})
    axes = plotting.seed_slopes(records, [PAIR]).axes[0]
    assert axes.get_title().endswith("2 of 3 seeds gain")
    slopes = [line for line in axes.lines if line.get_marker() == "o"]
    rises = {line.get_color(): [] for line in slopes}
    for line in slopes:
        rises[line.get_color()].append(np.diff(line.get_ydata())[0] > 0)
    assert rises == {plotting.BLUE: [True, True], plotting.ORANGE: [False]}


def test_the_change_of_confusion_is_the_mean_over_shared_seeds():
    records = match_seeds({0: (10, 60), 1: (10, 20)})
    axes = plotting.confusion_change(records, [PAIR]).axes[0]
    numbers = np.reshape([int(text.get_text()) for text in axes.texts], (4, 4))
    assert np.trace(numbers) == 30  # 50 and 10 articles more are right
    assert abs(numbers.sum(axis=1)).max() <= 1  # no class has other articles, but for rounding


def test_the_rows_figure_says_how_many_seeds_it_has():
    runs = [
        [record_of(MODEL3, np.arange(100) < 80, seed, rows=rows) for seed in range(n)]
        for rows, n in ((60, 2), (120, 3))
    ]
    axes = plotting.accuracy_by_rows({"plain": runs}).axes[0]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["60\n2 seeds", "120\n3 seeds"]


@pytest.fixture(scope="module")
def published():
    return published_records()[0]


def test_the_figure_of_teachers_and_losses_says_each_accuracy_once(published):
    axes = plotting.teachers_and_losses(published).axes[0]
    texts = [text.get_text() for text in axes.texts]
    assert "n-gram baseline: 92.30" in texts
    assert "90.69" in texts
    assert len(texts) == len(set(texts)) == 8


def test_two_students_stand_side_by_side_on_each_kind_of_article():
    table = pd.DataFrame(
        {"articles": [5, 3], "gain": [0.02, -0.01], "low": [0.01, -0.02], "high": [0.03, 0]}, ["a", "b"]
    )
    axes = plotting.gains_where({"one": table, "other": -table}, "a title").axes[0]
    heights = [line.get_ydata() for line in axes.lines if line.get_marker() in ("o", "s")]
    assert np.abs(heights[0] - heights[1]).min() > 0.2
    assert [text.get_text() for text in axes.get_yticklabels()] == ["a (5)", "b (3)"]


def test_the_causes_are_drawn_as_they_are_counted():
    table = pd.DataFrame({"other": [1.4, 6.7], "entropy": [0.16, 0.2]}, ["seen", "unseen"])
    left, right = plotting.teacher_asked(table).axes
    assert [bar.get_height() for bar in left.patches] == [1.4, 6.7]
    assert [bar.get_height() for bar in right.patches] == [0.16, 0.2]
    accuracy = pd.DataFrame({"articles": [9, 1], "CNN": [90, 80]}, ["none", "more"])
    left, right = plotting.student_start(pd.Series({"never": 3, "1 to 4": 7}), accuracy).axes
    assert [bar.get_height() for bar in left.patches] == [3, 7]
    assert right.lines[0].get_ydata().tolist() == [90, 80]


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
