"""Notebook 06: what seeds add, calibration and its repair, and what a comparison of two changed settings shows."""

from __future__ import annotations

import numpy as np
from scipy.stats import sem, t

from ...analysis import calibration, statistics
from ..exercise import Exercise

seeds = Exercise(
    "06.1",
    "The interval over seeds",
    minutes=8,
    difficulty=2,
    grades="standard error, sample standard deviation, Student's t",
    question="""
    Give the 95 % interval (low, high) of the mean accuracy over seeds: mean ± t · s / √n, with the sample standard
    deviation s and the 97.5 % quantile of Student's t at n - 1 degrees of freedom (`scipy.stats.t.ppf`).""",
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


ece = Exercise(
    "06.2",
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
    "06.3",
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


confounded = Exercise(
    "06.4",
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
