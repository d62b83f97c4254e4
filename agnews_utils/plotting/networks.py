"""Pictures of the networks: the small CNNs, the VDCNN, the 5 MB student.

Every shape and number of weights in them is read off a model of :mod:`agnews_utils.models` while it reads an article.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import nn
from torch.overrides import TorchFunctionMode

from ..analysis.wording import format_parameters, plural
from ..models import VDCNN, SimpleCNN, SimplerCNN, kmax_pool
from ..study.runs import Run
from ..study.strong import ALL_RUNS, BEST
from .pictures import DIM, INK, PALE, PURPLE, arrow, canvas, tint
from .style import BLUE, GREEN, ORANGE

POSITIONS = 64  # tokens of an article
SMALL, LARGE = 11, 13  # points
# what PyTorch calls an operation, and what the pictures do
OPERATIONS = {
    "embedding": "embedding", "embedding_bag": "sum", "conv2d": "convolution\nwidth {width}", "cat": "joined",
    "batch_norm": "batch\nnorm", "relu": "ReLU", "max_pool2d": "max-pooling", "dropout": "dropout",
    "adaptive_max_pool1d": "maximum over\npositions", "gather": "k-max,\nk = {positions}", "linear": "linear",
}  # fmt: skip
COLOURS = {"tokens": DIM, "embedding": GREEN, "features": GREEN, "linear": ORANGE, "hashed": PURPLE,
           "embedding_bag": PURPLE}  # fmt: skip
SIGNAL = (1.0, 5.0, 2.0, 9.0, 3.0, 7.0)  # one channel of six positions, to show what pooling keeps
KEY = "A bar is an article: its width stands for positions, its height for channels (square root)."


@dataclass(frozen=True)
class Step:
    """One operation on one article: positions and channels of its result, a convolution's width, how many weights."""

    operation: str
    positions: int
    channels: int
    width: int = 0
    weights: int = 0

    @property
    def shape(self) -> str:
        """The result's shape as the pictures write it."""
        return f"{self.positions} × {self.channels:,}" if self.positions > 1 else f"{self.channels:,}"

    @property
    def title(self) -> str:
        """The operation as the pictures write it."""
        return OPERATIONS[self.operation].format(width=self.width, positions=self.positions)


class _Trace(TorchFunctionMode):
    """Notes every operation of :data:`OPERATIONS` that PyTorch is asked for."""

    def __init__(self):
        super().__init__()
        self.steps: list[Step] = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        name = getattr(function, "__name__", "")
        if name in OPERATIONS:
            shape = result.shape
            seen = shape[1:] if name == "embedding" else (shape[-1] if len(shape) > 2 else 1, shape[1])
            others = [x for x in (*args[1:], *(kwargs or {}).values()) if isinstance(x, torch.Tensor)]
            width = others[0].shape[-1] if name == "conv2d" else 0
            self.steps.append(Step(name, *seen, width, sum(x.numel() for x in others if x.requires_grad)))
        return result


def trace(make: Callable[[], nn.Module], *inputs: torch.Tensor) -> list[Step]:
    """What the model that ``make`` gives does to a batch of one article, in its order; random numbers stay as they are.

    Args:
        inputs: what its ``forward`` takes
    """
    with torch.random.fork_rng(devices=[]):
        model = make().eval()
    with _Trace() as traced:
        model(*inputs)
    return traced.steps


def trace_tokens(make: Callable[[], nn.Module], positions: int = POSITIONS) -> list[Step]:
    """:func:`trace` of an article of so many tokens, without padding."""
    return trace(make, torch.arange(1, positions + 1)[None], torch.ones(1, positions, dtype=torch.long))


def _kept(steps: Sequence[Step], *operations: str) -> list[Step]:
    return [step for step in steps if step.operation in operations]


class _Bars:
    """Draws articles as bars on a canvas; the tallest, of ``most`` channels, is ``height`` inches tall."""

    def __init__(self, axes: Axes, most: int, height: float = 1.25):
        self.axes, self.most, self.height = axes, most, height

    def size(self, step: Step) -> tuple[float, float]:
        """Width and height in inches."""
        tall = (step.channels / self.most) ** 0.5
        return 0.07 + 0.33 * step.positions / POSITIONS, 0.05 + (self.height - 0.05) * tall

    def draw(self, x: float, y: float, step: Step, colour: str, shape: str = "") -> None:
        """The bar centred at a place (inches), with its shape above it."""
        width, height = self.size(step)
        look = {"facecolor": tint(colour, 0.45), "edgecolor": colour, "linewidth": 1.6, "zorder": 2}
        self.axes.add_patch(Rectangle((x - width / 2, y - height / 2), width, height, **look))
        self.axes.text(x, y + height / 2 + 0.06, shape or step.shape, ha="center", fontsize=SMALL, color=INK)

    def join(self, y: float, start: float, first: Step, end: float, second: Step) -> None:
        """An arrow from bar to bar at one height."""
        gaps = [self.size(step)[0] / 2 + 0.06 for step in (first, second)]
        arrow(self.axes, (start + gaps[0], y), (end - gaps[1], y), wide=1.5)


def _label(axes: Axes, x: float, y: float, title: str, weights: int = 0) -> None:
    """What an operation is, and under it how many weights it has."""
    axes.text(x, y, title, ha="center", va="top", fontsize=SMALL, color=INK, linespacing=1.1)
    if weights:
        below = y - 0.17 * (title.count("\n") + 1) - 0.03
        axes.text(x, below, format_parameters(weights), ha="center", va="top", fontsize=SMALL, color=DIM)


def _with_relu(steps: Sequence[Step]) -> list[tuple[Step, str]]:
    """Each step but ReLU with its title, which names the ReLU after it."""
    follows = [step.operation == "relu" for step in steps[1:]] + [False]
    return [(step, step.title + ", ReLU" * relu) for step, relu in zip(steps, follows, strict=True)
            if step.operation != "relu"]  # fmt: skip


def small_cnns(positions: int = POSITIONS) -> Figure:
    """The report's two small CNNs, layer under layer, with the shape of an article after each and its weights.

    Args:
        positions: tokens of an article
    """
    models = {"CNN-4 (the report's Models 1 and 2)": SimpleCNN, "CNN-1 (the report's Models 3 and 4)": SimplerCNN}
    traces = {title: _with_relu(trace_tokens(model, positions)) for title, model in models.items()}
    width, columns = 10.88, 1 + max(map(len, traces.values()))
    words = [f"{title}: {_in_words(positions, layers)}" for title, layers in traces.items()]
    figure, axes = canvas(width, 5.3, "The two small CNNs. " + ". ".join(words))
    bars = _Bars(axes, max(step.channels for layers in traces.values() for step, _ in layers))
    for top, deep, (title, layers) in zip((5.15, 2.25), (1.15, 0.85), traces.items(), strict=True):
        whole = sum(step.weights for step, _ in layers)
        axes.text(0.15, top, title, va="top", fontsize=LARGE, weight="bold", color=INK)
        axes.text(width - 0.15, top, f"{whole:,} weights", va="top", ha="right", fontsize=SMALL, color=DIM)
        skipped = columns - 1 - len(layers)
        places = [n + skipped * (n > len(layers) - 2) for n in range(len(layers) + 1)]
        _chain(bars, [0.72 + 1.35 * place for place in places], top - deep, positions, layers)
    axes.text(width / 2, 0.12, KEY + " Grey numbers count weights.", ha="center", fontsize=SMALL, color=DIM)
    return figure


def _chain(bars: _Bars, places: list[float], y: float, positions: int, layers: list[tuple[Step, str]]) -> None:
    """A network without branches, from token numbers to logits."""
    before, below = Step("embedding", positions, 1), y - 0.15 - max(bars.size(step)[1] for step, _ in layers) / 2
    bars.draw(places[0], y, before, DIM, str(positions))
    _label(bars.axes, places[0], below, "token\nnumbers")
    for number, (step, title) in enumerate(layers, 1):
        bars.draw(places[number], y, step, COLOURS.get(step.operation, BLUE))
        bars.join(y, places[number - 1], before, places[number], step)
        _label(bars.axes, places[number], below, title, step.weights)
        before = step


def _in_words(positions: int, layers: Sequence[tuple[Step, str]]) -> str:
    parts = [f"{title} ({step.shape})" for step, title in layers]
    return " ".join(f"{positions} tokens, {', '.join(parts)}".split())


def vdcnn(channels_in: int = 384, depth: int = 9, positions: int = POSITIONS) -> Figure:
    """The VDCNN from features to logits; under it a block, max-pooling and k-max pooling on a few numbers.

    Args:
        channels_in: width of a position's vector: 384 from MiniLM, 768 from bert-base-uncased
        depth: see :class:`agnews_utils.models.VDCNN`
        positions: tokens of an article
    """
    steps = trace(lambda: VDCNN(channels_in, depth), torch.zeros(1, positions, channels_in))
    layers = [(Step("features", positions, channels_in), "features"), *_vdcnn_layers(steps)]
    words = [" ".join(f"{title} ({step.shape})".split()) for step, title in layers]
    words = f"The VDCNN of depth {depth}: {', '.join(words)}. Below: a block, max-pooling and k-max pooling in numbers"
    figure, axes = canvas(10.88, 5.75, words)
    axes.text(0.15, 5.6, f"VDCNN of depth {depth}", va="top", fontsize=LARGE, weight="bold", color=INK)
    whole = sum(step.weights for step in steps)
    axes.text(10.73, 5.6, f"{whole:,} weights", va="top", ha="right", fontsize=SMALL, color=DIM)
    bars, pitch = _Bars(axes, max(step.channels for step, _ in layers)), 9.7 / (len(layers) - 1)
    for number, (step, title) in enumerate(layers):
        x, flat = 0.6 + pitch * number, f"\n= {step.positions * step.channels:,}" * (step.operation == "gather")
        bars.draw(x, 4.3, step, COLOURS.get(step.operation, BLUE), step.shape + flat)
        _label(axes, x, 3.55, title, step.weights)
        if number:
            bars.join(4.3, x - pitch, layers[number - 1][0], x, step)
    _block(axes, 0.15, steps[1:])
    _pooling(axes, 5.85, "Max-pooling", "3 wide, in steps of 2", _windows(SIGNAL))
    _pooling(axes, 8.45, "k-max pooling", "the 3 largest, in their order", _largest(SIGNAL, 3))
    axes.text(5.44, 0.12, KEY + " Grey numbers count weights.", ha="center", fontsize=SMALL, color=DIM)
    return figure


def _vdcnn_layers(steps: Sequence[Step]) -> list[tuple[Step, str]]:
    """The steps of a VDCNN as first convolution, stages, k-max pooling and linear layers, each with its title."""
    stages: list[list[Step]] = [[]]
    end = [step.operation for step in steps].index("gather")
    for step in steps[1:end]:
        if step.operation == "max_pool2d":
            stages.append([])
        stages[-1].append(step)
    layers = [(steps[0], steps[0].title)]
    for stage in stages:
        title = plural(len([step for step in stage if step.operation == "conv2d"]) // 2, "block")
        title = f"{stage[0].title},\n{title}" if stage[0].operation == "max_pool2d" else title
        layers.append((replace(stage[-1], weights=sum(step.weights for step in stage)), title))
    return layers + _with_relu(steps[end:])


def _block(axes: Axes, x: float, steps: Sequence[Step]) -> None:
    """The operations of the block that the steps begin with, as boxes in a row."""
    second = [number for number, step in enumerate(steps) if step.operation == "relu"][1]
    _heading(axes, x, "A block", "every convolution but the first stands in one")
    for number, step in enumerate(steps[: second + 1]):
        width = 1.04 if step.operation == "conv2d" else 0.62
        look = {"facecolor": tint(BLUE), "edgecolor": BLUE, "linewidth": 1.6, "zorder": 2}
        axes.add_patch(Rectangle((x, 1.0), width, 0.75, **look))
        axes.text(x + width / 2, 1.375, step.title, ha="center", va="center", fontsize=SMALL, color=INK, zorder=3)
        if number:
            arrow(axes, (x - 0.17, 1.375), (x, 1.375), wide=1.2)
        x += width + 0.17


def _heading(axes: Axes, x: float, title: str, below: str) -> None:
    axes.text(x, 2.7, title, va="top", fontsize=LARGE, weight="bold", color=INK)
    axes.text(x, 2.43, below, va="top", fontsize=SMALL, color=DIM)


def _windows(signal: Sequence[float]) -> list[tuple[int, list[int]]]:
    """What max-pooling of width 3 and step 2 keeps: (position, positions compared) of each result."""
    windows = [[i for i in (middle - 1, middle, middle + 1) if 0 <= i < len(signal)]
               for middle in range(0, len(signal), 2)]  # fmt: skip
    return [(max(window, key=signal.__getitem__), window) for window in windows]


def _largest(signal: Sequence[float], k: int) -> list[tuple[int, list[int]]]:
    """What k-max pooling keeps, in the form of :func:`_windows`."""
    kept = kmax_pool(torch.tensor([[signal]]), k)[0, 0].tolist()
    return [(signal.index(value), [signal.index(value)]) for value in kept]


def _pooling(axes: Axes, x: float, title: str, how: str, kept: list[tuple[int, list[int]]]) -> None:
    """The numbers of :data:`SIGNAL` above, what pooling keeps of them below, and lines to what was compared."""
    side, above, below = 0.38, 1.6, 0.6
    _heading(axes, x, title, how)
    centres = [x + side * (i + 0.5) for i in range(len(SIGNAL))]
    first = x + side * (len(SIGNAL) - len(kept)) / 2
    chosen = {position for position, _ in kept}
    for i, value in enumerate(SIGNAL):
        _cell(axes, centres[i], above, side, value, i in chosen)
    for number, (position, compared) in enumerate(kept):
        under = first + side * (number + 0.5)
        for i in compared:
            look = {"color": PURPLE if i == position else PALE, "linewidth": 2 if i == position else 1.2}
            axes.plot([centres[i], under], [above, below + side], **look, zorder=1)
        _cell(axes, under, below, side, SIGNAL[position], True)


def _cell(axes: Axes, x: float, y: float, side: float, value: float, kept: bool) -> None:
    """A number in a square."""
    look = {"facecolor": tint(PURPLE, 0.3) if kept else "white", "edgecolor": PURPLE, "linewidth": 1.2}
    axes.add_patch(Rectangle((x - side / 2, y), side, side, zorder=2, **look))
    axes.text(x, y + side / 2, f"{value:g}", ha="center", va="center", fontsize=SMALL, color=INK, zorder=3)


@dataclass(frozen=True)
class _Node:
    """A step of a network with branches: its title, where its bar stands (inches), and whose results it takes."""

    step: Step
    title: str
    place: tuple[float, float]
    takes: tuple[str, ...] = ()
    shape: str = ""


def strong_student(run: Run = ALL_RUNS[BEST], positions: int = POSITIONS) -> Figure:
    """The 5 MB student: convolutions and the mean beside each other, hashed pairs added to the logits.

    Args:
        run: a run of a :class:`agnews_utils.models.WideCNN` that has all of these
        positions: tokens of an article
    """
    nodes = _strong_nodes(trace_tokens(lambda: run.model(run.vocabulary, **run.model_args), positions), positions)
    words = " ".join(", ".join(f"{node.title} ({node.shape or node.step.shape})" for node in nodes.values()).split())
    figure, axes = canvas(10.88, 6.0, f"The 5 MB student: {words}")
    axes.text(0.15, 5.85, "The 5 MB student", va="top", fontsize=LARGE, weight="bold", color=INK)
    whole = sum(node.step.weights for node in nodes.values())
    axes.text(10.73, 5.85, f"{whole:,} weights", va="top", ha="right", fontsize=SMALL, color=DIM)
    bars = _Bars(axes, nodes["joined"].step.channels, 0.8)
    for node in nodes.values():
        (x, y), (width, height) = node.place, bars.size(node.step)
        bars.draw(x, y, node.step, COLOURS.get(node.step.operation, BLUE), node.shape)
        _label(axes, x, y - height / 2 - 0.08, node.title, node.step.weights)
        for before in (nodes[name] for name in node.takes):
            start = before.place[0] + bars.size(before.step)[0] / 2 + 0.06
            bend = max(before.place[0] + 0.65, start)
            axes.plot([start, bend, bend], [before.place[1], before.place[1], y], color=INK, linewidth=1.5, zorder=1)
            arrow(axes, (bend, y), (x - width / 2 - 0.06, y), wide=1.5)
    axes.text(5.44, 0.12, KEY + " Grey numbers count weights.", ha="center", fontsize=SMALL, color=DIM)
    return figure


def _strong_nodes(steps: Sequence[Step], positions: int) -> dict[str, _Node]:
    """The steps of a :class:`agnews_utils.models.WideCNN`, each with its place in the picture."""
    (embedded,), convolutions, maxima = (_kept(steps, name) for name in ("embedding", "conv2d", "adaptive_max_pool1d"))
    joined, *_, pairs = _kept(steps, "cat")
    (linear,), (summed,) = _kept(steps, "linear"), _kept(steps, "embedding_bag")
    mean = Step("mean", 1, joined.channels - sum(step.channels for step in maxima))
    table = f"sum of their rows in a\ntable of {summed.weights // summed.channels:,} × {summed.channels}"
    heights = (5.0, 3.8, 2.6, 1.2)
    nodes = {
        "tokens": _Node(Step("tokens", positions, 1), "token\nnumbers", (0.6, heights[2]), shape=str(positions)),
        "embedding": _Node(embedded, embedded.title, (2.1, heights[1]), ("tokens",)),
    }
    for number, (convolution, maximum) in enumerate(zip(convolutions, maxima, strict=True)):
        name, y = f"convolution {number}", heights[number]
        nodes[name] = _Node(convolution, convolution.title.replace("\n", ", "), (4.1, y), ("embedding",))
        nodes[f"maximum {number}"] = _Node(maximum, "maximum over\npositions, ReLU", (6.1, y), (name,))
    branches = (*(name for name in nodes if name.startswith("maximum")), "mean")
    return nodes | {
        "mean": _Node(mean, "mean over\npositions", (6.1, heights[2]), ("embedding",)),
        "joined": _Node(joined, "joined", (7.5, heights[1]), branches),
        "linear": _Node(linear, linear.title, (8.8, heights[1]), ("joined",)),
        "hashed": _Node(Step("hashed", pairs.channels, 1), "hashed: each token,\neach pair of neighbours",
                        (3.1, heights[3]), ("tokens",), str(pairs.channels)),
        "sum": _Node(summed, table, (8.8, heights[3]), ("hashed",)),
        "logits": _Node(replace(linear, weights=0), "logits:\ntheir sum", (10.2, heights[2]), ("linear", "sum")),
    }  # fmt: skip
