"""Notebook 05: McNemar's test and a paired bootstrap by hand, and how an interval reads."""

from __future__ import annotations

import numpy as np
from scipy.stats import binom, binomtest

from ...analysis import statistics
from ..exercise import Exercise


def _pairs(*shapes):
    """Two invented models on (articles, only a correct, only b correct, both wrong) articles."""
    for articles, only_a, only_b, both_wrong in shapes:
        counts = [articles - only_a - only_b - both_wrong, only_a, only_b, both_wrong]
        yield np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


mcnemar = Exercise(
    "05.1",
    "McNemar's test by hand",
    minutes=12,
    difficulty=2,
    grades="only disagreements count; a two-sided exact p",
    question="""
    Two models answered the same articles. Give how many only a has right, how many only b has right, and the two-sided
    exact p: toss one fair coin for each disagreement; how often do they fall at least this unevenly? A p above 1 is cut
    to 1.""",
    predict="Both models get 1,000 further articles right: what does that do to p?",
    outcome="""Nothing: articles on which both are right, or both wrong, are no tosses. That is why two accuracies
    alone cannot be tested in pairs.""",
    hints=(
        "`a & ~b` is true where only a is right. Count these, and those of the other side.",
        "Of n coins, k show heads with probability `comb(n, k) / 2**n` (`from math import comb`).",
        "Sum k from 0 to the smaller count, double it for two sides, and cut it at 1.",
    ),
    module=lambda a, b: tuple(statistics.mcnemar(a, b)[k] for k in ("only_a_correct", "only_b_correct", "p")),
)


@mcnemar.solution
def my_mcnemar(a: np.ndarray, b: np.ndarray) -> tuple:
    """(only a right, only b right, p) of two models; a and b are (articles,), True where the model is right."""
    from math import comb

    only_a, only_b = int((a & ~b).sum()), int((~a & b).sum())
    tosses = only_a + only_b
    tail = sum(comb(tosses, k) for k in range(min(only_a, only_b) + 1)) / 2**tosses
    return only_a, only_b, min(1.0, 2 * tail)


@mcnemar.mistake(
    "unpaired test for paired",
    "You counted all right answers of each model. What both get right says nothing of which is better.",
)
def _(a, b):
    return a.sum(), b.sum(), binomtest(int(a.sum()), int(a.sum() + b.sum())).pvalue


@mcnemar.mistake(
    "agreements counted as tosses", "The counts are right. But only disagreements are coins, not all articles."
)
def _(a, b):
    only_a, only_b = (a & ~b).sum(), (~a & b).sum()
    return only_a, only_b, min(1.0, 2 * binom.cdf(min(only_a, only_b), len(a), 0.5))


@mcnemar.mistake(
    "one side for two", "The counts are right. Your p is of one side: nobody said beforehand which is better."
)
def _(a, b):
    only_a, only_b = (a & ~b).sum(), (~a & b).sum()
    return only_a, only_b, binom.cdf(min(only_a, only_b), only_a + only_b, 0.5)


@mcnemar.mistake("a and b exchanged", "p is right. The first count should be of the articles that only a has right.")
def _(a, b):
    result = statistics.mcnemar(b, a)
    return result["only_a_correct"], result["only_b_correct"], result["p"]


@mcnemar.inputs
def _():
    return list(_pairs((100, 4, 11, 20), (60, 9, 3, 5), (300, 30, 47, 12)))


bootstrap = Exercise(
    "05.2",
    "A paired bootstrap by hand",
    minutes=12,
    difficulty=2,
    grades="articles are resampled in pairs; 2.5 % and 97.5 % of the means",
    question="""
    Give the 95 % interval of the gain, accuracy of b minus accuracy of a. Draw as many articles as there are, with
    replacement, 4,000 times. Take the gain of each draw. The interval goes from its 2.5 % to its 97.5 % quantile.""",
    predict="Two models nearly always agree: is this interval wider or narrower than if they often differed?",
    outcome="""Narrower: a draw brings both answers of an article along, so what the two have in common cancels. Two
    separate intervals cannot see that.""",
    hints=(
        "Start from the gain of each article: +1 only b right, -1 only a right, 0 otherwise.",
        "`generator.integers(0, n, n)` draws n places with replacement; use the same places for both models.",
        "Take `gains[places].mean()` 4,000 times, and `np.quantile` of these means at 0.025 and 0.975.",
    ),
    module=lambda a, b: statistics.paired_bootstrap_interval(b.astype(int) - a),
    tolerance=9e-4,  # two bootstraps of 4,000 draws differ by less, and 90 % from 95 % by more
)


@bootstrap.solution
def my_interval(a: np.ndarray, b: np.ndarray) -> tuple:
    """95 % interval (low, high) of the gain, as a share; a and b are (articles,), True where the model is right."""
    generator = np.random.default_rng(1)
    gains = b.astype(int) - a.astype(int)
    means = [gains[generator.integers(0, len(gains), len(gains))].mean() for _ in range(4000)]
    return tuple(np.quantile(means, [0.025, 0.975]))


def _quantiles(gains, share=0.95):
    return statistics.paired_bootstrap_interval(gains, share)


@bootstrap.mistake(
    "unpaired test for paired",
    "You drew the articles of the two models apart. Both answered the same ones: draw once, and use it for both.",
)
def _(a, b):
    generator = np.random.default_rng(0)
    n = len(a)
    means = (generator.binomial(n, b.mean(), 20_000) - generator.binomial(n, a.mean(), 20_000)) / n
    return tuple(np.quantile(means, [0.025, 0.975]))


@bootstrap.mistake("90 % for 95 %", "You cut 5 % off each end. A 95 % interval leaves 5 % out at both ends together.")
def _(a, b):
    return _quantiles(b.astype(int) - a, 0.90)


@bootstrap.mistake(
    "drawn without replacement", "Every draw holds all articles once, so every mean is the same. Draw with replacement."
)
def _(a, b):
    return b.mean() - a.mean(), b.mean() - a.mean()


@bootstrap.mistake(
    "spread of articles for spread of the mean",
    "These are quantiles of the gains of single articles. The interval is of their mean.",
)
def _(a, b):
    return tuple(np.quantile(b.astype(int) - a, [0.025, 0.975]))


@bootstrap.mistake("a minus b", "The width is right, but this is the accuracy of a minus that of b.")
def _(a, b):
    return _quantiles(a.astype(int) - b)


@bootstrap.inputs
def _():
    return list(_pairs((4000, 112, 208, 240), (4000, 200, 120, 360)))


reading = Exercise(
    "05.3",
    "What an interval says",
    minutes=3,
    difficulty=1,
    grades="an interval that includes zero is no proof of no effect",
    question="""
    Suppose that distilling gained 0.3 percentage points on average over ten seeds, with a 95 % interval from -0.1 to
    0.7. Which sentence may stand in a report?""",
    options={
        "a": "Distilling does not help, because the interval includes zero.",
        "b": "Distilling helps, because the mean gain is positive and most of the interval is, too.",
        "c": "These runs leave open whether distilling helps; they speak against a loss above 0.1 or a gain above 0.7.",
        "d": "95 % of single runs gain between -0.1 and 0.7 percentage points.",
    },
    predict="Can more seeds turn this result into a clear one, in either direction?",
    outcome="""More seeds make the interval narrower around wherever the truth is, so either answer may come. Until
    then the result is open, which is not the same as no effect.""",
    hints=(
        "The interval is of a mean. It lists the true gains that these runs do not speak against.",
        "Zero is among them. So is half a percentage point.",
        "Look for the sentence that says what is still possible and what is not.",
    ),
)


@reading.solution
def my_sentence() -> str:
    return "c"


@reading.mistake(
    "no evidence taken for evidence of nothing", "The interval includes 0.5 as well as 0. Both remain possible."
)
def _():
    return "a"


@reading.mistake("the mean alone", "Runs without any effect also have means above zero, every second time.")
def _():
    return "b"


@reading.mistake("spread of runs for interval of the mean", "Single runs scatter far more widely than their mean does.")
def _():
    return "d"
