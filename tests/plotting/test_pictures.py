"""Pictures and the figures that teach: what they say is what the code does, and no text lies on another."""

import time
import warnings
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from helpers import collisions, refused, texts_of
from matplotlib.patches import FancyBboxPatch
from PIL import Image

from agnews_utils import plotting
from agnews_utils.analysis.answers import Answer
from agnews_utils.analysis.chance import toss
from agnews_utils.losses import inter_relation, intra_relation, pearson
from agnews_utils.models import VDCNN, SimpleCNN, SimplerCNN, WideCNN, count_parameters
from agnews_utils.plotting import networks, pictures
from agnews_utils.settings import CLASS_NAMES
from agnews_utils.study.records import Record
from agnews_utils.study.runs import MODEL3, MODEL4, RUNS, TFIDF
from agnews_utils.study.strong import ALL_RUNS, BEST

STUDENT = torch.tensor([[1.0, 0.5, 2.0, 0.0], [2.5, 0.0, 0.5, 0.0], [0.0, 3.0, 0.0, 0.5]]).softmax(dim=1)
TEACHER = torch.tensor([[0.0, -1.0, 4.0, 2.0], [5.0, 0.0, 1.0, 0.0], [0.0, 6.0, -1.0, 0.0]]).softmax(dim=1)


def made_record(name, seed=0, epochs=4):
    """A run with a history of both losses and of the accuracy."""
    steps = np.arange(1, epochs + 1)
    history = pd.DataFrame(
        {"epoch": steps, "train_ce": 0.7 / steps, "validation_loss": 0.4 + 0.01 * seed * steps,
         "validation_accuracy": 0.85 + 0.01 * steps}
    )  # fmt: skip
    empty = np.zeros((4, 4), np.float32), np.zeros(4, int)
    return Record(RUNS[name], seed, {"best_epoch": 2}, history, *empty, *empty)


CURVES = {"plain": [made_record(MODEL3, seed, 4 + seed) for seed in range(3)], "DIST": [made_record(MODEL4)]}
CONTRADICTED = pd.DataFrame(
    {"articles it trained on": [6.0, 1.5], "test articles": [9.2, 6.2]}, index=["BERT-VDCNN", "Fine-tuned teacher"]
)
GAINS = {
    "+ second": Answer("", "second", "first", 0.8, 0.2, 1.4, 2),
    "+ third": Answer("", "third", "second", 0.1, -0.3, 0.5, 1),
}
# as many rows and as long labels as notebooks 06 and 09 have
MANY = {
    f"Question {number}: does it help, with the fine-tuned teacher?": {
        f"seeds and articles drawn anew (way {row})": Answer("the report's", "b", "a", 0.3 * row - 0.5, *limits, 10)
        for row, limits in enumerate(((-0.9, -0.1), (-0.4, 0.1), (-0.1, 0.3), (0.1, 0.7), (0.3, 1.1)))
    }
    for number in range(4)
}
FIGURES = {
    "the course": plotting.pipeline,
    "the course, one part lit": lambda: plotting.pipeline(3),
    "small CNNs": plotting.small_cnns,
    "VDCNN": plotting.vdcnn,
    "VDCNN on a BERT": lambda: plotting.vdcnn(768, depth=17),
    "5 MB student": plotting.strong_student,
    "smallest 5 MB student": lambda: plotting.strong_student(ALL_RUNS["wide_100kb"]),
    "relations": lambda: plotting.relations(STUDENT, TEACHER),
    "loss curves": lambda: plotting.loss_curves(CURVES, "with and without a teacher"),
    "coin tosses": plotting.coin_tosses,
    "coin tosses 1, 2": lambda: plotting.coin_tosses(panels=(1, 2)),
    "coin tosses 3": lambda: plotting.coin_tosses(panels=(3,)),
    "coin tosses 4": lambda: plotting.coin_tosses(panels=(4,)),
    "redrawn": lambda: plotting.redrawn(np.random.default_rng(0).normal(0.005, 0.002, 1000), 0.005, "B against A"),
    "contradicted labels": lambda: plotting.contradicted_labels(CONTRADICTED),
    "out of fold": plotting.out_of_fold,
    "ladder": lambda: plotting.ladder(
        {"first": [90.0, 90.4], "+ second": [91.0], "+ third": [90.8, 91.2]}, GAINS, {"n-gram baseline": 91.5}
    ),
    "gains": lambda: plotting.forest_of_answers({"against labels alone": GAINS}, "Gains"),
    "gains in two columns": lambda: plotting.forest_of_answers(MANY, "What each change gains", {"the report's": 0.4}),
}


def a_study(folder):
    return SimpleNamespace(figures=folder, inputs=SimpleNamespace(source=SimpleNamespace(is_sample=False)))


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_lies_on_another_or_leaves_the_figure_and_none_is_small(name, tmp_path):
    plotting.use_style()
    started = time.monotonic()
    figure = FIGURES[name]()
    if name in ("relations", "loss curves", "contradicted labels", "gains in two columns") or "coin" in name:
        plotting.save(figure, a_study(tmp_path), "figure", source="a line that says what made the numbers")
    figure.draw_without_rendering()
    assert time.monotonic() - started < 20
    assert collisions(figure) == []
    # points an inch of width: at half of a slide of 1280 pixels, 0.9 are 8 pixels
    least = max(9, 0.9 * figure.get_figwidth())
    small = [text.get_text() for text in texts_of(figure) if text.get_fontsize() < least]
    assert small == ([figure.get_supxlabel()] if figure.get_supxlabel() else [])
    assert len(plotting.in_words(figure)) > 100


@pytest.mark.parametrize("notebook", range(10))
def test_every_notebook_has_its_part_of_the_course(notebook):
    words = plotting.in_words(plotting.pipeline(notebook))
    lit = [part.title for part in pictures.PARTS.values() if notebook in part.notebooks]
    assert lit
    assert f"Lit here: {', '.join(lit)}." in words


def test_only_the_lit_part_of_the_course_has_colour():
    axes = plotting.pipeline(3).axes[0]
    white = [patch.get_facecolor() == (1, 1, 1, 1) for patch in axes.patches if isinstance(patch, FancyBboxPatch)]
    assert white.count(False) == 1
    assert len(white) == len(pictures.PARTS)
    with refused(ValueError, "No part of the course belongs to notebook 99"):
        plotting.pipeline(99)


def test_text_of_the_course_stays_in_its_boxes():
    figure = plotting.pipeline()
    figure.draw_without_rendering()
    axes = figure.axes[0]
    boxes = [patch.get_window_extent() for patch in axes.patches]
    details = {part.detail for part in pictures.PARTS.values()} | {part.title for part in pictures.PARTS.values()}
    for text in (text for text in axes.texts if text.get_text() in details):
        extent = text.get_window_extent()
        assert any(box.contains(*extent.p0) and box.contains(*extent.p1) for box in boxes), text.get_text()


def shapes_by_hooks(model, modules, *inputs):
    """Shapes (channels, positions) of what these modules give for one article."""
    shapes = []
    for module in modules:
        module.register_forward_hook(lambda m, x, y: shapes.append(tuple(y.shape[1:])))
    with torch.no_grad():
        model.eval()(*inputs)
    return shapes


def written_on(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_small_cnns_show_what_the_models_do():
    words = written_on(plotting.small_cnns())
    for model in (SimpleCNN(), SimplerCNN()):
        assert f"{count_parameters(model):,} weights" in words
        for channels in model.channels:
            assert f"64 × {channels:,}" in words
        assert f"{model.channels[-1]:,}" in words


def test_a_trace_follows_the_model():
    class Other(SimpleCNN):
        channels = (8, 6)

    steps = networks.trace_tokens(Other, positions=64)
    assert [step.shape for step in steps if step.operation == "conv2d"] == ["64 × 8", "64 × 6"]
    assert sum(step.weights for step in steps) == count_parameters(Other())


@pytest.mark.parametrize("depth", [9, 17])
def test_vdcnn_shows_what_the_model_does(depth):
    model = VDCNN(32, depth)
    stages = shapes_by_hooks(model, [stage[-1] for stage in model.stages], torch.zeros(1, 64, 32))
    words = written_on(plotting.vdcnn(32, depth))
    assert [word for word in words if " × " in word and "=" not in word][2:] == [f"{n} × {c}" for c, n in stages]
    assert f"{count_parameters(model):,} weights" in words
    assert f"8 × 512\n= {model.classifier[0].in_features:,}" in words
    blocks = len(model.stages[0])
    assert f"{blocks} block{'s' * (blocks > 1)}" in words


def test_pooling_is_shown_as_the_models_pool():
    signal = networks.SIGNAL
    kept = [signal[position] for position, _ in networks._windows(signal)]
    assert kept == VDCNN(1).pool(torch.tensor([[[signal]]]))[0, 0, 0].tolist()
    assert [signal[position] for position, _ in networks._largest(signal, 3)] == [5, 9, 7]


def test_strong_student_shows_what_the_model_does():
    run = ALL_RUNS[BEST]
    model = WideCNN(run.vocabulary, **run.model_args)
    words = written_on(plotting.strong_student())
    assert f"{count_parameters(model):,} weights" in words
    assert words.count(f"64 × {model.convs[0].out_channels}") == len(model.convs)
    assert f"{model.linear.in_features}" in words
    assert "127" in words  # 64 tokens and 63 pairs
    assert any(f"{model.wide.num_embeddings:,} × 4" in word for word in words)


def test_pictures_leave_random_numbers_as_they_are():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    plotting.small_cnns()
    assert torch.equal(torch.rand(3), expected)


def test_relations_shows_the_correlations_of_rows_and_columns():
    figure = plotting.relations(STUDENT, TEACHER, row=1, column=0)
    words = written_on(figure)
    shown = (*pearson(STUDENT, TEACHER), *pearson(STUDENT.T, TEACHER.T))
    assert [f"{value:.3f}" for value in shown if f"{value:.3f}" not in words] == []
    assert f"= {inter_relation(STUDENT, TEACHER):.4f}" in "".join(words)
    assert f"= {intra_relation(STUDENT, TEACHER):.4f}" in "".join(words)
    assert {text.get_text() for text in figure.axes[0].texts if text.get_weight() == "bold"} >= {
        f"{shown[1]:.3f}", f"{shown[3]:.3f}"
    }  # fmt: skip
    assert f"the column {CLASS_NAMES[0]}" in plotting.in_words(figure)


def test_relations_refuses_what_it_cannot_compare():
    with refused(ValueError, "give probabilities of the same articles"):
        plotting.relations(STUDENT[:2], TEACHER)
    with refused(ValueError, "of 4 classes"):
        plotting.relations(STUDENT[:, :3], TEACHER[:, :3])
    with refused(ValueError, "There is no row 3"):
        plotting.relations(STUDENT, TEACHER, row=3)


def test_loss_curves_shows_the_histories():
    left, right = plotting.loss_curves(CURVES, "a title").axes
    history = CURVES["plain"][0].history
    drawn = [line.get_ydata().tolist() for line in (*left.lines, *right.lines)]
    for values in (history["train_ce"], history["validation_loss"], 100 * history["validation_accuracy"]):
        assert values.tolist() in drawn
    assert [100 * history["validation_accuracy"][1]] in drawn  # the ring at the selected epoch
    with refused(ValueError, "n-gram baseline has no cross-entropy by epoch"):
        plotting.loss_curves(
            {"": [replace(made_record(MODEL3), run=RUNS[TFIDF], history=pd.DataFrame({"C": [1]}))]}, ""
        )


def test_coin_tosses_says_what_was_tossed():
    tossed = toss(articles=500, models=200, gain=0.01, seed=3)
    words = plotting.in_words(plotting.coin_tosses(tossed))
    assert "200 equally good models" in words
    assert f"{tossed.caught[:40].sum()} hold the true accuracy" in words
    assert "500 articles" in words
    assert "truly better by 1.00" in words


def test_coin_tosses_draws_the_panels_that_are_asked_for():
    tossed = toss(articles=500, models=200, gain=0.01, seed=3)
    whole = [axes.get_title() for axes in plotting.coin_tosses(tossed).axes]
    assert [title[:4] for title in whole] == ["1 · ", "2 · ", "3 · ", "4 · "]
    beside = plotting.coin_tosses(tossed, (1, 2))
    assert [axes.get_title() for axes in beside.axes] == whole[:2]
    assert beside.axes[0].get_xlim() == beside.axes[1].get_xlim()
    assert beside.get_suptitle() == ""
    alone = plotting.coin_tosses(tossed, panels=(3,))
    assert [axes.get_title() for axes in alone.axes] == [whole[2].removeprefix("3 · ")]
    assert np.greater(beside.get_size_inches(), 3).all()
    assert alone.get_figwidth() < beside.get_figwidth() <= 10.9
    for wrong in ((), (0,), (1, 5)):
        with refused(ValueError, "There are no panels"):
            plotting.coin_tosses(tossed, wrong)


def test_a_picture_is_saved_as_it_is(tmp_path):
    plotting.use_style()
    figure = plotting.pipeline(1)
    shown = plotting.save_picture(figure, a_study(tmp_path / "figures"), "course")
    assert shown is figure
    assert figure.get_supxlabel() == ""
    assert Image.open(tmp_path / "figures" / "course.png").width >= 1280
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.draw_without_rendering()  # a notebook shows it after it was saved


def test_contradicted_labels_are_where_they_should_be():
    axes = plotting.contradicted_labels(CONTRADICTED).axes[0]
    for line, column in zip(axes.lines, CONTRADICTED, strict=True):
        assert line.get_xdata().tolist() == CONTRADICTED[column].tolist()
        assert line.get_label() == column
    names = dict(zip(axes.get_yticks(), axes.get_yticklabels(), strict=True))
    assert [names[place].get_text() for place in axes.lines[0].get_ydata()] == list(CONTRADICTED.index)


def test_learning_curve_shows_every_draw():
    points = pd.DataFrame({"articles": [10, 20], "accuracy": [0.8, 0.9], "low": [0.7, 0.85], "high": [0.85, 0.95]})
    axes = plotting.learning_curve(points, {10: [0.79, 0.81], 20: [0.9]}).axes[0]
    dots = [line.get_ydata().tolist() for line in axes.lines if line.get_color() == plotting.GREY]
    assert dots == [[79.0, 81.0], [90.0]]


def test_a_clear_gain_is_blue_a_clear_loss_orange_and_another_a_grey_square():
    loss = {"worse": replace(GAINS["+ second"], gain=-0.8, low=-1.4, high=-0.2)}
    axes = plotting.forest_of_answers({"against labels alone": GAINS | loss}, "Gains").axes[0]
    drawn = [line for line in axes.lines if line.get_marker() in ("o", "s") and len(line.get_xdata())]
    dots = [(line.get_color(), line.get_marker()) for line in drawn]
    assert dots == [(plotting.BLUE, "o"), ("#7F7F7F", "s"), ("#D55E00", "o")]
    below, above = axes.get_ylim()
    assert below > above  # the first row is at the top


def test_the_ladder_shows_no_gain_where_there_is_none():
    left, right = FIGURES["ladder"]().axes
    assert [text.get_text() for text in left.get_yticklabels()] == ["first", "+ second", "+ third"]
    dots = [line for line in right.lines if line.get_marker() in ("o", "s") and len(line.get_xdata()) == 1]
    assert [dot.get_ydata()[0] for dot in dots] == [1, 2]
    assert [
        float(line.get_xdata()[0]) for line in left.lines if line.get_marker() == "o" and len(line.get_xdata())
    ] == [pytest.approx(mean) for mean in (90.2, 91.0, 91.0)]
