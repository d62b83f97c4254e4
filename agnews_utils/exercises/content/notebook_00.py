"""Notebook 00: how many articles an interval takes, intervals that overlap, and the luck of the best epoch."""

from __future__ import annotations

import numpy as np
from scipy.stats import binom

from ..exercise import Exercise

rows = Exercise(
    "00.1",
    "How many test articles for half the interval?",
    minutes=5,
    difficulty=1,
    grades="an interval shrinks with the square root of the rows",
    question="""
    An accuracy of 91 % on 7,600 test articles has a 95 % interval of about ±0.64 percentage points. How many test
    articles would make it ±0.32? Compute it from $1.96\\,\\sqrt{p(1-p)/N}$.""",
    predict="Is it twice as many articles, or more?",
    outcome="""Four times as many: the interval shrinks with the square root of the rows. So small gains need far
    more test articles than AG News has, or a comparison on the same articles (00.2).""",
    hints=(
        "Set the formula equal to 0.0032, which is 0.32 percentage points as a share.",
        "Solve for N: it stands under the root, so square both sides.",
        "N is `p * (1 - p) * (1.96 / half_width) ** 2`.",
    ),
    relative=0.02,
)


@rows.solution
def my_rows() -> float:
    """Test articles for ±0.32 percentage points at an accuracy of 91 %."""
    accuracy, half_width = 0.91, 0.0032
    return accuracy * (1 - accuracy) * (1.96 / half_width) ** 2


@rows.mistake("twice the rows", "Twice as many rows make the interval narrower by the square root of 2 only.")
def _():
    return 2 * 7600


@rows.mistake("the root taken where a square belongs", "The root of 2 times as many rows gives 0.54 points, not 0.32.")
def _():
    return 2**0.5 * 7600


@rows.mistake("percentage points for shares", "You put 0.32 into the formula. Percentage points are hundredths there.")
def _():
    return 0.91 * 0.09 * (1.96 / 0.32) ** 2


overlap = Exercise(
    "00.2",
    "Two intervals that overlap",
    minutes=3,
    difficulty=1,
    grades="models that answered the same articles are compared by their disagreements",
    question="""
    Model A has 92.3 % (91.7 to 92.9), and model B has 92.8 % (92.2 to 93.4). Both answered the same 7,600 test
    articles. What do these numbers say of which is better?""",
    options={
        "a": "They are equally good, because the intervals overlap.",
        "b": "B is better, because its accuracy is higher.",
        "c": "Too little: look at the articles that only one of the two gets right.",
        "d": "A is better on some seeds, because its interval holds accuracies of B's.",
    },
    predict="Can two models be clearly different although their intervals overlap?",
    outcome="""A fair coin falls at least that unevenly about once in 40 trials of 246 tosses (p = 0.025). So these two
    networks clearly differ, although their intervals overlap: what both get right cancels.""",
    hints=(
        "Each interval says how its own accuracy would move with other test articles.",
        "An article that is hard for A is mostly hard for B too. Both accuracies then move together.",
        "Section 2, the figure: what may chance do to a difference on the same articles?",
    ),
)


@overlap.solution
def my_reading() -> str:
    return "c"


@overlap.mistake(
    "overlap taken for no difference",
    "Overlapping intervals leave the question open. On the same articles chance makes less difference than they show.",
)
def _():
    return "a"


@overlap.mistake("the number alone", "Of two equally good models, one nearly always has the higher number.")
def _():
    return "b"


@overlap.mistake("articles taken for seeds", "These intervals are over test articles. No seed has changed here.")
def _():
    return "d"


luck = Exercise(
    "00.3",
    "The luck of the best epoch",
    minutes=10,
    difficulty=2,
    grades="bias of the best test epoch, as the expectation of a maximum",
    question="""
    All epochs of a run have the same true accuracy, and each is measured on so many fresh test articles. By how much
    does the best measured accuracy exceed the true one, on average? Simulate 5,000 runs. Give a share, not points.""",
    predict="A teacher trains 30 epochs and a student 20: are both flattered by the same amount?",
    outcome="""No, more epochs offer more luck. In a real run the epochs share their test articles, so the luck is
    smaller, but it stays above zero.""",
    hints=(
        "`np.random.default_rng(0).binomial(articles, accuracy, size=(5000, epochs))` counts right answers.",
        "Divide by the number of articles, and take the maximum of each run: `max(axis=1)`.",
        "The answer is the mean of these maxima, less the true accuracy.",
    ),
    module=lambda accuracy, articles, epochs: _exactly(accuracy, articles, epochs),
    tolerance=2.5e-4,
)


@luck.solution
def my_luck(accuracy: float, articles: int, epochs: int) -> float:
    """Mean of the best of so many measured accuracies, less the true accuracy."""
    right = np.random.default_rng(0).binomial(articles, accuracy, size=(5000, epochs))
    return (right / articles).max(axis=1).mean() - accuracy


def _exactly(accuracy, articles, epochs):
    at_most = binom.cdf(np.arange(articles), articles, accuracy)  # P(one epoch has at most k right)
    return (1 - at_most**epochs).sum() / articles - accuracy


@luck.mistake("mean for maximum", "The mean epoch has no luck on average. The best one is what the report prints.")
def _(accuracy, articles, epochs):
    return 0.0


@luck.mistake(
    "one standard error", "This is how far one epoch scatters. The best of many lies further out, by their number."
)
def _(accuracy, articles, epochs):
    return np.sqrt(accuracy * (1 - accuracy) / articles)


@luck.mistake(
    "true accuracy not subtracted", "This is the best accuracy itself. How far it lies above the true one is asked."
)
def _(accuracy, articles, epochs):
    return _exactly(accuracy, articles, epochs) + accuracy


@luck.inputs
def _():
    return [(0.91, 7600, 20), (0.91, 7600, 30), (0.85, 1000, 5)]
