"""Notebook 06: what seeds add, two changed settings in one comparison, and what a teacher says of seen articles."""

from __future__ import annotations

import numpy as np
from scipy.stats import sem, t

from ...analysis import statistics
from ..exercise import Exercise

seeds = Exercise(
    "06.1",
    "The interval over seeds",
    minutes=8,
    difficulty=2,
    grades="standard error, sample standard deviation, Student's t",
    question="""
    Give the 95 % interval (low, high) of the mean accuracy over seeds: mean ± t · s / √n. Here s is the sample
    standard deviation, which divides by n - 1. A few seeds hardly know their own spread. So in place of notebook 00's
    1.96 stands a larger number t, the 97.5 % quantile of Student's t at n - 1 degrees of freedom: it is
    `scipy.stats.t.ppf(0.975, n - 1)`.""",
    predict="With three seeds, by how much is the interval wider than the normal distribution's 1.96 would make it?",
    outcome="""With three seeds t is 4.30, so the interval is more than twice as wide: three seeds hardly know their
    own spread. With ten it is 2.26.""",
    hints=(
        "`values.std(ddof=1)` is the sample standard deviation: it divides by n - 1.",
        "The mean scatters less than one seed: divide the standard deviation by the root of n.",
        "`half = t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n)`, with `from scipy.stats import t`.",
    ),
    module=statistics.seed_interval,
)


@seeds.solution
def my_seed_interval(values: np.ndarray) -> tuple:
    """95 % interval (low, high) of the mean of values (seeds,)."""
    from scipy.stats import t

    n = len(values)
    half = t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n)
    return values.mean() - half, values.mean() + half


def _around(values, half):
    return values.mean() - half, values.mean() + half


@seeds.mistake(
    "sample standard deviation for interval",
    "You did not divide by the root of n. That is how single seeds scatter, not how sure their mean is.",
)
def _(values):
    return _around(values, t.ppf(0.975, len(values) - 1) * values.std(ddof=1))


@seeds.mistake(
    "mean ± one standard deviation", "This band holds about two thirds of single seeds. It is no interval of a mean."
)
def _(values):
    return _around(values, values.std(ddof=1))


@seeds.mistake(
    "normal distribution for Student's t", "1.96 would be right if the spread were known. A few seeds only guess it."
)
def _(values):
    return _around(values, 1.96 * sem(values))


@seeds.mistake(
    "divided by n for n - 1", "Your standard deviation has `ddof=0`, NumPy's default. It is too small for a sample."
)
def _(values):
    return _around(values, t.ppf(0.975, len(values) - 1) * values.std() / np.sqrt(len(values)))


@seeds.inputs
def _():
    generator = np.random.default_rng(0)
    return [(generator.normal(90, 2, n),) for n in (3, 5, 10)]


confounded = Exercise(
    "06.2",
    "Two losses, or two settings?",
    minutes=3,
    difficulty=1,
    grades="one change at a time",
    question="""
    Suppose that a student with KL (tau 4, labels at a tenth of the weight) beats one with DIST (tau 1, labels at full
    weight) by 0.4 percentage points, with an interval that excludes zero. Same teacher, seeds and articles. What is
    shown?""",
    options={
        "a": "Matching probabilities (KL) is a better idea than matching correlations (DIST).",
        "b": "This KL recipe beats this DIST recipe here; loss, tau or the labels' weight may be the reason.",
        "c": "A temperature of 4 is better than one of 1.",
        "d": "Nothing: recipes with different settings must not be compared.",
    },
    predict="How many things differ between the two students?",
    outcome="""Three: the loss, the temperature, and the weight of the labels. The recipes may be compared as
    recipes; a cause needs runs that change one thing at a time.""",
    hints=(
        "List all that differs between the two students.",
        "A clear difference says that the recipes differ. Does it say by which ingredient?",
        "Look for the sentence that keeps the finding and leaves the cause open.",
    ),
)


@confounded.solution
def my_finding() -> str:
    return "b"


@confounded.mistake("three changes taken for one", "Temperature and the labels' weight changed along with the loss.")
def _():
    return "a"


@confounded.mistake("one of three causes picked", "It may be tau. The loss and the labels' weight changed as well.")
def _():
    return "c"


@confounded.mistake(
    "no cause taken for no finding", "The gain is there for whoever uses these recipes. Only its reason is open."
)
def _():
    return "d"


departs = Exercise(
    "06.3",
    "Where the teacher departs from the label",
    minutes=6,
    difficulty=1,
    grades="a teacher is judged apart on articles that it trained on and on others",
    question="""
    A teacher gives logits for labelled articles, of which it trained on some (`seen`). Return two shares between 0 and
    1: on how many of the seen articles its answer differs from the label, and on how many of the unseen ones.""",
    predict="Which share is larger, and about how many times?",
    outcome="""The unseen one. Only there does the teacher say what the label does not; on seen articles it repeats what
    it was told.""",
    hints=(
        "The answer is the class with the largest logit: `logits.argmax(axis=1)`.",
        "`answer != labels` is True where it departs; the mean of True and False is a share.",
        "Take the mean twice: over `[seen]`, then over `[~seen]`.",
    ),
)


@departs.solution
def my_departures(logits: np.ndarray, labels: np.ndarray, seen: np.ndarray) -> tuple:
    """Shares (seen, unseen) on which logits (N, K) name another class than labels (N,); seen (N,) True or False."""
    other = logits.argmax(axis=1) != labels
    return other[seen].mean(), other[~seen].mean()


@departs.mistake("agrees for departs", "These are the shares on which teacher and label agree. Ask where they differ.")
def _(logits, labels, seen):
    agree = logits.argmax(axis=1) == labels
    return agree[seen].mean(), agree[~seen].mean()


@departs.mistake("seen and unseen exchanged", "The two are exchanged: the seen articles come first.")
def _(logits, labels, seen):
    other = logits.argmax(axis=1) != labels
    return other[~seen].mean(), other[seen].mean()


@departs.mistake(
    "shares of all articles", "You divided by all articles. Each share is of its own group: divide by its size."
)
def _(logits, labels, seen):
    other = logits.argmax(axis=1) != labels
    return (other & seen).mean(), (other & ~seen).mean()


@departs.inputs
def _():
    generator, inputs = np.random.default_rng(0), []
    for articles, known in ((60, 0.5), (45, 0.3), (80, 0.8)):
        labels, seen = generator.integers(0, 4, articles), generator.random(articles) < known
        right = generator.random(articles) < np.where(seen, 0.95, 0.7)
        logits = generator.normal(size=(articles, 4))
        logits[np.arange(articles), np.where(right, labels, (labels + 1) % 4)] += 6
        inputs.append((logits, labels, seen))
    return inputs
