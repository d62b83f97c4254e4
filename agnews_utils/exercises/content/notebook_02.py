"""Notebook 02: what a convolution costs and sees, k-max pooling, and what may be computed once."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from ...models import count_parameters, kmax_pool
from ..exercise import Exercise

parameters = Exercise(
    "02.1",
    "The parameters of a convolution",
    minutes=5,
    difficulty=1,
    grades="a convolution's weights are shared by all positions",
    question="""
    A convolution over positions turns `channels_in` numbers per position into `channels_out`. Each output looks at
    `width` neighbouring positions, and it has a bias. How many numbers does training set?""",
    predict="Articles get twice as long: how many parameters more does the convolution need?",
    outcome="None: the same weights are used at every position, so a longer article costs time, not parameters.",
    hints=(
        "Count for one output channel first: it has a weight for each input channel at each position that it looks at.",
        "That is `width * channels_in` weights, and one bias.",
        "Multiply by the number of output channels: `channels_out * (width * channels_in + 1)`.",
    ),
    module=lambda a, b, width: count_parameters(nn.Conv1d(a, b, width)),
)


@parameters.solution
def my_parameters(channels_in: int, channels_out: int, width: int) -> int:
    """Parameters of a one-dimensional convolution with biases."""
    return channels_out * (width * channels_in + 1)


@parameters.mistake("bias forgotten", "The weights are right. Each output channel has one bias besides.")
def _(channels_in, channels_out, width):
    return channels_out * width * channels_in


@parameters.mistake("a bias for each input channel", "The bias is added to an output, so each output channel has one.")
def _(channels_in, channels_out, width):
    return channels_out * width * channels_in + channels_in


@parameters.mistake(
    "width squared", "That is a convolution over images, of width times width. A text has one direction."
)
def _(channels_in, channels_out, width):
    return channels_out * (width**2 * channels_in + 1)


@parameters.mistake("input channels forgotten", "Every output channel looks at all input channels, not at one of them.")
def _(channels_in, channels_out, width):
    return channels_out * (width + 1)


@parameters.inputs
def _():
    return [(384, 64, 3), (16, 64, 3), (64, 128, 5), (128, 7, 2)]


window = Exercise(
    "02.2",
    "How much of an article one position sees",
    minutes=12,
    difficulty=2,
    grades="receptive field of convolutions and poolings, strides included",
    question="""
    `layers` lists the layers of a network from its input on, each as (width, stride). Both convolutions and poolings
    are such layers. How many input positions can change one output of the last layer? A VDCNN of depth 9 is `[(3, 1)] *
    3 + ([(3, 2)] + [(3, 1)] * 2) * 3`.""",
    predict="Nine convolutions of width 3 see 19 tokens: with three poolings of stride 2 between, fewer or more?",
    outcome="""The VDCNN of depth 9 sees 77 positions, more than the 64 tokens of an article: after each pooling a
    step to the next position is twice as wide in the input.""",
    hints=(
        "Two convolutions of width 3 and stride 1 see 5 positions: each adds width - 1 to the 1 that one starts with.",
        "Keep a second number: how many input positions lie between two neighbours. It begins at 1.",
        "For each layer: first `seen += (width - 1) * step`, then `step *= stride`.",
    ),
    module=lambda layers: _measured(layers),
)


@window.solution
def my_window(layers: list) -> int:
    """Input positions that one output sees; layers are (width, stride), the first one nearest to the input."""
    seen, step = 1, 1
    for width, stride in layers:
        seen += (width - 1) * step
        step *= stride
    return seen


def _measured(layers):
    """The same by a gradient: which inputs change the middle output?"""
    x = torch.ones(1, 1, 513, requires_grad=True)
    y = x
    for width, stride in layers:
        y = F.conv1d(y, torch.full((1, 1, width), 1 / width), stride=stride)
    y[0, 0, y.shape[2] // 2].backward()
    return int((x.grad != 0).sum())


@window.mistake(
    "stride forgotten", "You added width - 1 for every layer. Behind a stride of 2, neighbours lie two inputs apart."
)
def _(layers):
    return 1 + sum(width - 1 for width, _ in layers)


@window.mistake("widths added", "You added the widths. A layer adds only what it sees beyond what was seen: width - 1.")
def _(layers):
    return sum(width for width, _ in layers)


@window.mistake(
    "stride taken one layer too early",
    "You doubled the step before the layer that has the stride. It still reads neighbours at the old distance.",
)
def _(layers):
    seen, step = 1, 1
    for width, stride in layers:
        step *= stride
        seen += (width - 1) * step
    return seen


@window.inputs
def _():
    vdcnn_9 = [(3, 1)] * 3 + ([(3, 2)] + [(3, 1)] * 2) * 3
    return [([(3, 1), (3, 1)],), ([(3, 1), (3, 2), (5, 1)],), ([(2, 2), (3, 1), (3, 3), (4, 1)],), (vdcnn_9,)]


kmax = Exercise(
    "02.3",
    "k-max pooling by hand",
    minutes=8,
    difficulty=2,
    grades="k-max pooling keeps the order of positions",
    question="""
    For each channel, keep its `k` largest values in the order in which they stand. No two values of a channel are
    equal. Use `topk`, but not for the values.""",
    predict="Two articles have the same large values in another order: does the layer behind k-max pooling see it?",
    outcome="Yes: k-max keeps the order, so what came first stays first. Sorted top-k values would look the same.",
    hints=(
        "`topk` also gives indices: where the k largest values stand.",
        "Sorting the indices of a channel puts its values back into their order.",
        "`positions = x.topk(k, dim=1).indices.sort(dim=1).values`; then gather the values at these positions.",
    ),
    module=lambda x, k: kmax_pool(x[None], k)[0],
)


@kmax.solution
def my_kmax(x: torch.Tensor, k: int) -> torch.Tensor:
    """The k largest values of each channel, in their original order: (channels, positions) to (channels, k)."""
    positions = x.topk(k, dim=1).indices.sort(dim=1).values
    return x.gather(1, positions)


@kmax.mistake("top-k order lost", "These are the right values, sorted by size. Where they stood in the text is lost.")
def _(x, k):
    return x.topk(k, dim=1).values


@kmax.mistake("positions for values", "These are the positions. The layer above wants the values that stand there.")
def _(x, k):
    return x.topk(k, dim=1).indices.sort(dim=1).values


@kmax.mistake(
    "one maximum for each of k parts",
    "You took the maximum of each of k equal parts. Two of the largest values may stand in one part.",
)
def _(x, k):
    return F.adaptive_max_pool1d(x[None], k)[0]


@kmax.mistake(
    "columns for rows", "You chose among the channels of each position. Choose among the positions of each channel."
)
def _(x, k):
    return x.gather(0, x.topk(k, dim=0).indices.sort(dim=0).values)


@kmax.inputs
def _():
    generator = torch.Generator().manual_seed(0)
    return [(torch.randn(c, length, generator=generator), k) for c, length, k in ((5, 12, 3), (4, 4, 2), (8, 16, 4))]


once = Exercise(
    "02.4",
    "Frozen or fine-tuned: what may be computed once?",
    minutes=3,
    difficulty=1,
    grades="what makes a network's output a fixed function of the article",
    question="""
    An encoder's features are to be computed once and kept for all epochs. Which condition makes them the same as those
    that a new pass would give?""",
    options={
        "a": "its weights do not change while the student or the CNN trains",
        "b": "its weights do not change, its dropout is off, and padding does not reach its features",
        "c": "it is fine-tuned with a small learning rate, so that its features hardly move",
        "d": "`requires_grad` is False for all of its weights",
    },
    predict="What, besides the weights, could give one article other features in the next epoch?",
    outcome="""Dropout draws anew at each pass, and padding depends on the batch. With both out of the way the
    features are a fixed function of the article, and the encoder runs once instead of once an epoch.""",
    hints=(
        "Ask what the features of one article depend on: weights, and what else?",
        "`model.train()` switches something on that has no weights.",
        "Look for the option that also says what dropout and padding do.",
    ),
)


@once.solution
def my_condition() -> str:
    return "b"


@once.mistake("dropout forgotten", "With dropout on, the same weights give other features at each pass.")
def _():
    return "a"


@once.mistake(
    "fine-tuning taken for freezing",
    "Features that move a little are other features: the last epoch would read old ones.",
)
def _():
    return "c"


@once.mistake(
    "no gradient taken for no change",
    "`requires_grad=False` stops the gradient. `model.train()` still switches dropout on, as in the report's run.",
)
def _():
    return "d"
