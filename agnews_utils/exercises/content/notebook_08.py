"""Notebook 08: undominated models, the bytes of an int8 table, and when a student had better say "I do not know"."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...analysis.frontier import undominated
from ..exercise import Exercise

frontier = Exercise(
    "08.1",
    "Which models are worth considering?",
    minutes=10,
    difficulty=2,
    grades="dominance in two numbers at once, equals kept",
    question="""
    For each model, say whether it is undominated. A model is dominated if another one costs at most as much and is at
    least as accurate, and is better in one of the two.""",
    predict="Can a model that is neither the cheapest nor the most accurate be undominated?",
    outcome="""Yes: every model on the line between the cheapest and the most accurate one is a trade that nothing else
    offers. Two models that are equal in both numbers do not dominate each other.""",
    hints=(
        "Compare each model with all models: `cost <= cost[i]` is True for those that cost at most as much.",
        "Two conditions hold for a model that dominates model i: `no_worse` in both numbers, and `better` in one.",
        "`no_worse = (cost <= cost[i]) & (accuracy >= accuracy[i])`, and dominated is `(no_worse & better).any()`.",
    ),
    module=lambda cost, accuracy: undominated(pd.Series(cost), pd.Series(accuracy)).to_numpy(),
)


@frontier.solution
def my_frontier(cost: np.ndarray, accuracy: np.ndarray) -> np.ndarray:
    """Whether each model is undominated (models,), from costs and accuracies (models,)."""
    kept = np.empty(len(cost), dtype=bool)
    for i in range(len(cost)):
        no_worse = (cost <= cost[i]) & (accuracy >= accuracy[i])
        better = (cost < cost[i]) | (accuracy > accuracy[i])
        kept[i] = not (no_worse & better).any()
    return kept


@frontier.mistake(
    "better in both wanted",
    "You call a model dominated only if another is cheaper and more accurate. At equal cost, more accurate is enough.",
)
def _(cost, accuracy):
    return np.array([not ((cost < c) & (accuracy > a)).any() for c, a in zip(cost, accuracy, strict=True)])


@frontier.mistake(
    "equals knock each other out",
    "A model is at most as costly and at least as accurate as itself. Without the second condition nobody is left.",
)
def _(cost, accuracy):
    return np.array([not ((cost <= c) & (accuracy >= a)).any() for c, a in zip(cost, accuracy, strict=True)])


@frontier.mistake(
    "accuracy taken for a cost", "You keep models with the lowest accuracy. Of cost less is better, of accuracy more."
)
def _(cost, accuracy):
    return my_frontier(cost, -accuracy)


@frontier.mistake(
    "accuracy per cost", "You keep the best ratio of accuracy to cost. The most accurate model is undominated too."
)
def _(cost, accuracy):
    return accuracy / cost == (accuracy / cost).max()


@frontier.inputs
def _():
    return [
        (np.array([1.0, 2.0, 3.0, 4.0, 4.0, 2.0]), np.array([80.0, 90.0, 85.0, 95.0, 94.0, 90.0])),
        (np.array([5.0, 1.0, 3.0, 3.0]), np.array([91.0, 92.0, 92.0, 93.0])),
        (np.array([0.1, 1.0, 4.6, 9.0, 90.0]), np.array([90.5, 92.5, 92.8, 92.3, 93.8])),
    ]


table = Exercise(
    "08.2",
    "How large is an embedding in int8?",
    minutes=4,
    difficulty=1,
    grades="one byte per weight, and the scales that go with them",
    question="""
    A student has a table of 7,400 word pieces with 48 weights each. In the file each weight is a signed byte, and each
    row has a scale of two bytes (float16). How many bytes is the table? Give a whole number.""",
    predict="How many times smaller than with weights of four bytes is it: four times, more, or less?",
    outcome="""Less than four times, because each row brings its scale: 1,420,800 bytes become 370,000, a factor of
    3.84. The shorter the rows, the more the scales weigh.""",
    hints=(
        "How many weights are there? Each takes one byte.",
        "There is one scale per row, not one per weight or one for all.",
        "Rows times (weights of a row times one byte, plus two bytes).",
    ),
    tolerance=0.5,
    relative=0.0,
)


@table.solution
def my_bytes() -> float:
    """Bytes of the table in the file."""
    rows, columns = 7_400, 48
    return rows * (columns * 1 + 2)


@table.mistake("scales forgotten", "You counted the weights alone. Without its row's scale a byte means nothing.")
def _():
    return 7_400 * 48


@table.mistake("one scale for all rows", "You counted one scale. Each row has its own.")
def _():
    return 7_400 * 48 + 2


@table.mistake("scales per column", "You counted one scale per column. Here a scale belongs to a row.")
def _():
    return 7_400 * 48 + 48 * 2


@table.mistake("four bytes per weight", "That is the table before rounding: four bytes per weight.")
def _():
    return 7_400 * 48 * 4


@table.mistake("bits for bytes", "You counted bits. A byte has eight of them.")
def _():
    return 7_400 * (48 + 2) * 8


unsure = Exercise(
    "08.3",
    '"I do not know"',
    minutes=12,
    difficulty=3,
    grades="a threshold chosen on validation articles, and judged on test articles",
    question="""
    A student answers only where its confidence reaches a threshold. Choose the smallest of `thresholds` from which its
    answers are right in at least the share `wanted` of the answered **validation** articles. Return it, with the share
    of the **test** articles that are then answered, and the share of those that are right. `thresholds` are sorted,
    and at least one reaches `wanted`.""",
    predict="Will the answered test articles be right in exactly the wanted share?",
    outcome="""Not exactly: the threshold was the best for the validation articles, and test articles differ by
    chance. That difference is what choosing on the test set would hide.""",
    hints=(
        "For one threshold: which validation articles are answered, and which share of those is right?",
        "`sure = v_confidence >= t`, and `v_right[sure].mean()`. Stop at the first threshold that is good enough.",
        "With that threshold, compute `sure` for the test articles: its mean, and the mean of `right[sure]`.",
    ),
)


@unsure.solution
def my_threshold(v_confidence, v_right, confidence, right, wanted: float, thresholds: np.ndarray) -> tuple:
    """(threshold, share answered, share of those right); v_ are the validation articles', arrays (articles,)."""
    for t in thresholds:
        answered = v_confidence >= t
        if answered.any() and v_right[answered].mean() >= wanted:
            break
    sure = confidence >= t
    return t, sure.mean(), right[sure].mean()


def _first(confidence, right, wanted, thresholds, score=lambda sure, right: right[sure].mean()):
    return next(t for t in thresholds if (s := confidence >= t).any() and score(s, right) >= wanted)


def _judged(confidence, right, threshold):
    sure = confidence >= threshold
    return threshold, sure.mean(), right[sure].mean()


@unsure.mistake(
    "test set used to choose",
    "You chose the threshold on the test articles. It then suits their luck, and the share right is no honest number.",
)
def _(v_confidence, v_right, confidence, right, wanted, thresholds):
    return _judged(confidence, right, _first(confidence, right, wanted, thresholds))


@unsure.mistake(
    "judged on validation",
    "The threshold is right. But you judged it on the articles that it was chosen on: use the test articles.",
)
def _(v_confidence, v_right, confidence, right, wanted, thresholds):
    return _judged(v_confidence, v_right, _first(v_confidence, v_right, wanted, thresholds))


@unsure.mistake(
    "right among all articles",
    "The share right counts among the answered articles. You divided by all of them, the unanswered ones included.",
)
def _(v_confidence, v_right, confidence, right, wanted, thresholds):
    threshold, answered, share = _judged(confidence, right, _first(v_confidence, v_right, wanted, thresholds))
    return threshold, answered, share * answered


@unsure.mistake(
    "wanted share as the threshold",
    "A confidence of so much is no guarantee of so many right answers. Find the threshold on validation articles.",
)
def _(v_confidence, v_right, confidence, right, wanted, thresholds):
    return _judged(confidence, right, wanted)


@unsure.mistake(
    "largest threshold for the smallest", "Your threshold is good enough, but a smaller one is too: more gets answered."
)
def _(v_confidence, v_right, confidence, right, wanted, thresholds):
    return _judged(confidence, right, _first(v_confidence, v_right, wanted, thresholds[::-1]))


@unsure.inputs
def _():
    generator = np.random.default_rng(0)
    cases = []
    for wanted in (0.9, 0.95):
        parts = []
        for offset in (0.0, 0.04):  # the student is a little surer on test articles than it should be
            confidence = 0.25 + 0.75 * generator.beta(3, 1, 900)
            parts += [confidence, generator.random(900) < confidence - offset]
        parts[1] |= parts[0] > 0.97  # so that a threshold is always found
        parts[3] |= parts[2] > 0.97
        cases.append((*parts, wanted, np.linspace(0.3, 0.99, 70)))
    return cases
