"""Notebook 03: cross-entropy and its gradient, padding under a maximum, and which epoch may be reported."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ...losses import cross_entropy
from ..exercise import Exercise


def _batches():
    generator = torch.Generator().manual_seed(0)
    return [
        (2 * torch.randn(rows, classes, generator=generator), torch.arange(rows) * 7 % classes)
        for rows, classes in ((4, 4), (6, 4), (3, 5))
    ]


ce = Exercise(
    "03.1",
    "Cross-entropy by hand",
    minutes=8,
    difficulty=1,
    grades="softmax over classes, natural logarithm, mean over articles",
    question="Write the cross-entropy of a batch: the mean over articles of $-\\log p_{\\text{label}}$ in nats.",
    predict="What is it for a network that gives four classes the same probability?",
    outcome="With four equal probabilities it is ln 4 = 1.386 nats: a loss above that is worse than not looking.",
    hints=(
        "`logits.log_softmax(dim=1)` gives the logarithm of each probability, a row an article.",
        "Pick one entry a row: index with `torch.arange(len(labels))` and `labels`.",
        "The loss is minus the mean of the picked logarithms.",
    ),
    module=cross_entropy,
)


@ce.solution
def my_cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy in nats, a scalar: logits (articles, classes), labels (articles,)."""
    log_p = logits.log_softmax(dim=1)
    return -log_p[torch.arange(len(labels)), labels].mean()


@ce.mistake("sum for mean", "You added the articles up. Then a larger batch has a larger loss, and a larger step.")
def _(logits, labels):
    return len(labels) * cross_entropy(logits, labels)


@ce.mistake(
    "softmax over the wrong axis",
    "Your softmax makes the articles of a class sum to 1. The classes of an article should: rows, not columns.",
)
def _(logits, labels):
    return -logits.log_softmax(dim=0)[torch.arange(len(labels)), labels].mean()


@ce.mistake("log2 for the natural logarithm", "This is in bits. Nats use the natural logarithm.")
def _(logits, labels):
    return -logits.softmax(dim=1)[torch.arange(len(labels)), labels].log2().mean()


@ce.mistake(
    "softmax taken twice",
    "You gave probabilities to a function that takes the softmax itself. Such a loss cannot come near 0.",
)
def _(logits, labels):
    return F.cross_entropy(logits.softmax(dim=1), labels)


@ce.mistake("mean over the classes as well", "You divided by the number of classes, too. An article has one label.")
def _(logits, labels):
    return cross_entropy(logits, labels) / logits.shape[1]


ce.inputs(_batches)


gradient = Exercise(
    "03.2",
    "Which way the loss pushes",
    minutes=10,
    difficulty=2,
    grades="the gradient of cross-entropy is probability minus target",
    question="""
    Give the gradient of the batch's cross-entropy with respect to the logits, without `backward`. It is made of the
    probabilities and the labels.""",
    predict="A network is sure and right about an article: how large is its gradient there?",
    outcome="""Probability minus target: near 0 where the network is sure and right. A label pushes all other classes
    down alike; a teacher's probabilities in its place can tell them apart (notebook 04).""",
    hints=(
        "For one article the gradient is the probabilities, less 1 at the label.",
        "`F.one_hot(labels, classes)` of `torch.nn.functional` has a 1 at each label and 0 elsewhere.",
        "The loss is a mean over articles, so divide the whole by the number of articles.",
    ),
    module=lambda logits, labels: _by_autograd(logits, labels),
)


@gradient.solution
def my_gradient(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Gradient of the mean cross-entropy: logits (articles, classes) and labels to (articles, classes)."""
    target = torch.nn.functional.one_hot(labels, logits.shape[1])
    return (logits.softmax(dim=1) - target) / len(labels)


def _by_autograd(logits, labels):
    logits.requires_grad_(True)
    cross_entropy(logits, labels).backward()
    return logits.grad


@gradient.mistake("mean forgotten", "This is the gradient of the sum over articles. The loss is their mean.")
def _(logits, labels):
    return len(labels) * _by_autograd(logits, labels)


@gradient.mistake("the step for the gradient", "This is the way that training goes: against the gradient.")
def _(logits, labels):
    return -_by_autograd(logits, labels)


@gradient.mistake(
    "only the label pushes",
    "You left the other classes at 0. Their logits are pushed down, because probabilities sum to 1.",
)
def _(logits, labels):
    return _by_autograd(logits, labels) * F.one_hot(labels, logits.shape[1])


@gradient.mistake("softmax over the wrong axis", "The classes of an article should sum to 1: rows, not columns.")
def _(logits, labels):
    return (logits.softmax(dim=0) - F.one_hot(labels, logits.shape[1])) / len(labels)


gradient.inputs(_batches)


padding = Exercise(
    "03.3",
    "A maximum without padding",
    minutes=6,
    difficulty=2,
    grades="padding must not win a maximum",
    question="""
    Take the maximum of each channel over an article's real positions. `mask` is true at these. Each article has at
    least one.""",
    predict="A channel is negative at all real positions: what is its maximum if padding was set to zero?",
    outcome="""Zero, a value that no word gave. Padding has to lose, so it is set to minus infinity. Behind a ReLU
    the two are the same, because a ReLU makes zeros of negative values anyway.""",
    hints=(
        "`amax(dim=2)` is the maximum over positions. What must stand at padding, so that it never wins?",
        "`x.masked_fill(condition, value)` writes a value wherever the condition is true.",
        "The mask lacks the axis of channels: `mask[:, None]` gives it one.",
    ),
)


@padding.solution
def my_maximum(x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Maximum over real positions: x (articles, channels, positions), mask (articles, positions) to (B, C)."""
    return x.masked_fill(~mask[:, None], -torch.inf).amax(dim=2)


@padding.mistake("padding kept in", "You took the maximum over all positions. Padding is no word, and it won here.")
def _(x, mask):
    return x.amax(dim=2)


@padding.mistake("padding set to zero", "A zero wins wherever all real values of a channel are negative.")
def _(x, mask):
    return (x * mask[:, None]).amax(dim=2)


@padding.mistake("mean for maximum", "This is the mean over real positions. One strong place would be averaged away.")
def _(x, mask):
    return (x * mask[:, None]).sum(dim=2) / mask.sum(dim=1, keepdim=True)


@padding.mistake("maximum over the channels", "You took the maximum over channels. It should run over positions.")
def _(x, mask):
    return x.masked_fill(~mask[:, None], -torch.inf).amax(dim=1)


@padding.inputs
def _():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, 4, 6, generator=generator)
    x[0, 1] = -x[0, 1].abs() - 0.1
    return [(x + shift, torch.arange(6) < torch.tensor([[3], [5], [2]])) for shift in (0.0, -2.0)]


epoch = Exercise(
    "03.4",
    "Which epoch, and which number?",
    minutes=5,
    difficulty=1,
    grades="validation selects, test reports",
    question="""
    A run has measured its accuracy on validation and test articles after each epoch. Give the number of the epoch to
    keep (the first one is 1) and the accuracy to report. The first of equally good epochs is kept.""",
    predict="Can the accuracy that you report be above the best test accuracy of any epoch?",
    outcome="""No, it can only be below or equal. What it may lack is the bonus that the best test epoch has from
    looking at the test set.""",
    hints=(
        "Training sets weights, validation chooses, test reports.",
        "`validation.argmax()` is the place of the first largest value, counted from 0.",
        "Return that place plus 1, and the test accuracy at the place.",
    ),
)


@epoch.solution
def my_choice(validation: torch.Tensor, test: torch.Tensor) -> tuple:
    """(epoch to keep, accuracy to report) of accuracies by epoch, each (epochs,)."""
    best = int(validation.argmax())
    return best + 1, float(test[best])


@epoch.mistake(
    "test set used to choose",
    "You chose the best epoch on the test articles. Then they have helped to make the number that they shall judge.",
)
def _(validation, test):
    return int(test.argmax()) + 1, float(test.max())


@epoch.mistake(
    "the number that chose is reported",
    "You report the validation accuracy of the chosen epoch. It is the highest of many, so it flatters as well.",
)
def _(validation, test):
    return int(validation.argmax()) + 1, float(validation.max())


@epoch.mistake("the last epoch", "You kept the last epoch. A network may have begun to memorise before it.")
def _(validation, test):
    return len(test), float(test[-1])


@epoch.mistake("epochs counted from zero", "The accuracy is right. The first epoch is 1, not 0.")
def _(validation, test):
    return int(validation.argmax()), float(test[validation.argmax()])


@epoch.inputs
def _():
    return [
        (torch.tensor([0.80, 0.88, 0.91, 0.90]), torch.tensor([0.79, 0.90, 0.88, 0.87])),
        (torch.tensor([0.70, 0.92, 0.92, 0.89, 0.90]), torch.tensor([0.72, 0.89, 0.93, 0.90, 0.88])),
    ]
