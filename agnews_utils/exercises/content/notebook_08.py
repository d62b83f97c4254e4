"""Notebook 08: undominated models, the bytes of an int8 table, calibration and its repair, and when to be silent."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...analysis import calibration
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


ece = Exercise(
    "08.3",
    "The expected calibration error by hand",
    minutes=12,
    difficulty=2,
    grades="gaps of confidence and accuracy, bin by bin, weighted by articles",
    question="""
    Sort the articles into bins of equal width by their confidence. In each bin that is not empty, take the distance of
    mean confidence and accuracy. The error is the mean of these distances over all *articles*.""",
    predict="A model says 0.7 for every article and is right on 70 % of them: what is its error?",
    outcome="""Zero, although it cannot tell an easy article from a hard one: calibration says whether confidence
    fits accuracy, not whether it is of use.""",
    hints=(
        "`(confidence * bins).astype(int)` is an article's bin; a confidence of 1 belongs to the last one.",
        "For each bin: `abs(confidence[inside].mean() - correct[inside].mean())`.",
        "Weigh each distance with `inside.mean()`, the share of all articles that are in the bin, and add them up.",
    ),
    module=lambda confidence, correct, bins: _module_ece(confidence, correct, bins),
)


@ece.solution
def my_calibration_error(confidence: np.ndarray, correct: np.ndarray, bins: int) -> float:
    """Expected calibration error (0 to 1); confidence (articles,), correct (articles,) True or False."""
    number = np.minimum((confidence * bins).astype(int), bins - 1)
    error = 0.0
    for each in np.unique(number):
        inside = number == each
        error += inside.mean() * abs(confidence[inside].mean() - correct[inside].mean())
    return error


def _module_ece(confidence, correct, bins):
    """The module's takes logits and labels: class 0 gets the confidence, and is the label where that is correct."""
    rest = (1 - confidence) / 3
    logits = np.log(np.stack([confidence, rest, rest, rest], axis=1))
    return calibration.expected_calibration_error(logits, np.where(correct, 0, 1), bins)


def _gaps(confidence, correct, bins):
    number = np.minimum((confidence * bins).astype(int), bins - 1)
    inside = [number == each for each in np.unique(number)]
    return np.array([confidence[i].mean() - correct[i].mean() for i in inside]), np.array([i.mean() for i in inside])


@ece.mistake(
    "bins weighted alike", "A bin of three articles weighs as much as one of three hundred. Weigh by articles."
)
def _(confidence, correct, bins):
    return abs(_gaps(confidence, correct, bins)[0]).mean()


@ece.mistake(
    "gaps with their signs", "Too sure in one bin and too unsure in another cancel. Take distances, without a sign."
)
def _(confidence, correct, bins):
    gaps, weights = _gaps(confidence, correct, bins)
    return (gaps * weights).sum()


@ece.mistake(
    "the largest gap for the mean", "This is the gap of the worst bin. Expected means: averaged over articles."
)
def _(confidence, correct, bins):
    return abs(_gaps(confidence, correct, bins)[0]).max()


@ece.mistake(
    "no bins", "You compared each article's confidence with its 0 or 1. An accuracy needs a group of articles."
)
def _(confidence, correct, bins):
    return abs(confidence - correct).mean()


@ece.inputs
def _():
    generator = np.random.default_rng(0)
    inputs = []
    for articles, bins in ((200, 10), (150, 15), (80, 5)):
        confidence = 1 - 0.7 * generator.random(articles) ** 2
        inputs.append((confidence, generator.random(articles) < 0.15 + 0.7 * confidence, bins))
    return inputs


temperature = Exercise(
    "08.4",
    "Temperature scaling",
    minutes=12,
    difficulty=2,
    grades="a temperature is fitted by cross-entropy, on validation",
    question="""
    Divide all logits by one temperature, so that the cross-entropy is lowest. Try 0.25 to 4 in steps of 0.01, and give
    the temperature that you would use on the test articles. You are handed both splits, each as (logits, labels).""",
    predict="Can this temperature change which class an article gets?",
    outcome="""No: dividing by a positive number keeps the order of the logits. So accuracy cannot choose the
    temperature, and a repaired confidence costs no accuracy.""",
    hints=(
        "Which split may choose? The other one only reports.",
        "For each candidate: divide the logits, take the log-softmax of each row, pick the label's, negate the mean.",
        "`min(np.arange(0.25, 4, 0.01), key=loss)`, where `loss(t)` is the validation cross-entropy of `logits / t`.",
    ),
    module=lambda validation, test: calibration.fit_temperature(*validation),
    tolerance=0.03,
)


@temperature.solution
def my_temperature(validation: tuple, test: tuple) -> float:
    """The temperature to use; both arguments are (logits (articles, classes), labels (articles,))."""
    logits, labels = validation

    def loss(t):
        z = logits / t
        log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        return -log_p[np.arange(len(labels)), labels].mean()

    return min(np.arange(0.25, 4, 0.01), key=loss)


@temperature.mistake(
    "test set used to choose",
    "You fitted the temperature on the test labels. Then no labels are left that could say whether it helps.",
)
def _(validation, test):
    return calibration.fit_temperature(*test)


@temperature.mistake(
    "multiplied for divided", "You multiplied the logits. A temperature above 1 makes a model less sure."
)
def _(validation, test):
    return 1 / calibration.fit_temperature(*validation)


@temperature.mistake("accuracy cannot choose", "You looked for the best accuracy. It is the same at every temperature.")
def _(validation, test):
    logits, labels = validation
    return max(np.arange(0.25, 4, 0.01), key=lambda t: ((logits / t).argmax(axis=1) == labels).mean())


@temperature.inputs
def _():
    generator = np.random.default_rng(0)

    def split(true_temperature):
        logits = 4 * generator.normal(size=(500, 4))
        noisy = logits / true_temperature + generator.gumbel(size=logits.shape)  # labels drawn from the softmax
        return logits, noisy.argmax(axis=1)

    return [(split(2.2), split(1.2)), (split(0.6), split(1.5))]


unsure = Exercise(
    "08.5",
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
