"""One setting of the DIST loss, measured and drawn: what :class:`agnews_utils.widgets.DISTExplorer` shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..losses import DISTLoss
from ..plotting.style import BLUE, GREEN, GREY, ORANGE
from ..settings import CLASS_NAMES
from .raster import class_bars, look, new_figure

TAUS = np.geomspace(0.1, 8, 36)  # where the curves are computed: a correlation changes fastest at small tau
HUGE_GRADIENT = 100.0  # beyond any that one meets in training
TERMS = (("inter", ORANGE, "-", "o"), ("intra", GREEN, "--", "s"))


@dataclass(frozen=True)
class Measured:
    """What one setting gives.

    Attributes:
        loss: the loss that was asked
        probabilities: student's and teacher's, each (B, K), at the loss's tau
        plain: each loss term without tau squared
        terms: each loss term as the total takes it, before its weight
        total: the loss
        gradients: of each weighted term, and of the ``"total"``, with respect to the student's logits: (B, K)
    """

    loss: DISTLoss
    probabilities: tuple[np.ndarray, ...]
    plain: dict[str, float]
    terms: dict[str, float]
    total: float
    gradients: dict[str, np.ndarray]


def measure(student: torch.Tensor, teacher: torch.Tensor, labels: torch.Tensor, loss: DISTLoss) -> Measured:
    """The loss, its terms and its gradient.

    Raises:
        ValueError: NaN or infinite logits.
    """
    student = student.detach().clone().requires_grad_(True)
    total, terms = loss(student, teacher, labels), loss.terms(student, teacher, labels)
    weighted = {name: loss.weights[name] * term for name, term in terms.items()} | {"total": total}
    gradients = {
        name: torch.autograd.grad(value, student, retain_graph=True)[0].numpy() for name, value in weighted.items()
    }
    with torch.no_grad():
        plain = DISTLoss(tau=loss.tau, scale_tau2=False).terms(student, teacher, labels)
        probabilities = tuple((z / loss.tau).softmax(dim=1).numpy() for z in (student, teacher))
    plain, terms = ({name: float(value.detach()) for name, value in each.items()} for each in (plain, terms))
    return Measured(loss, probabilities, plain, terms, float(total.detach()), gradients)


def over_tau(student: torch.Tensor, teacher: torch.Tensor, labels: torch.Tensor, scaled: bool) -> dict[str, np.ndarray]:
    """Inter and intra at each of :data:`TAUS`, with or without tau squared."""
    with torch.no_grad():
        terms = [DISTLoss(tau=tau, scale_tau2=scaled).terms(student, teacher, labels) for tau in TAUS]
    return {name: np.array([float(values[name]) for values in terms]) for name in ("inter", "intra")}


def signed(value: float) -> str:
    """A number with its sign, and without one where it rounds to zero."""
    text = f"{value:+.1e}" if abs(value) >= HUGE_GRADIENT else f"{value:+.3f}"
    return "0.000" if float(text) == 0 else text.replace("-", "−")  # read out as minus


def pushes(gradient: float) -> str:
    """What a training step does to a logit: it goes against the gradient."""
    return "leaves" if signed(gradient) == "0.000" else "raises" if gradient < 0 else "lowers"


def draw(m: Measured, row: int, label: int, curves: Mapping[bool, Mapping[str, np.ndarray]]) -> Figure:
    """The picture of one article of what was measured: probabilities, gradient, and both relations over tau.

    It is drawn anew at every move: 0.12 s on a core of the machine that made the course, where updating artists in
    place took 0.03 s and twice the code.

    Args:
        row, label: which article, and its class
        curves: with and without tau squared, what :func:`over_tau` gives
    """
    with look():
        figure = new_figure(10, 6.6)
        (bars, arrows), curve_axes = figure.subplots(2, 2)
        figure.subplots_adjust(left=0.075, right=0.985, top=0.9, bottom=0.085, hspace=0.42, wspace=0.17)
        names = [f"{name}\n(true class)" if number == label else name for number, name in enumerate(CLASS_NAMES)]
        _draw_bars(bars, m, row, names)
        _draw_gradient(arrows, m.gradients["total"][row], names)
        for axes, scaled in zip(curve_axes, (False, True), strict=True):
            _draw_curves(axes, m, scaled, curves[scaled])
        curve_axes[0].set_ylabel("1 − correlation")
        terms = "   ".join(f"{name} {m.terms[key]:.3f}" for name, key in (("CE", "ce"), ("inter",) * 2, ("intra",) * 2))
        headline = f"Article {row + 1}   |   tau {m.loss.tau:.2f}   {terms}   total {m.total:.3f}"
        figure.text(0.5, 0.965, headline, ha="center", va="center", fontsize=11.5, weight="bold")
        return figure


def _draw_bars(axes: Axes, m: Measured, row: int, names: list[str]) -> None:
    groups = [("student", m.probabilities[0][row], BLUE, ""), ("teacher", m.probabilities[1][row], ORANGE, "///")]
    class_bars(axes, groups, names)
    axes.legend(loc="upper center", ncols=2, fontsize=8.5, framealpha=0.9)
    axes.set_ylim(0, 1.3)
    axes.set_title("Probabilities at tau", fontsize=10, y=1.02)


def _draw_gradient(axes: Axes, gradient: np.ndarray, names: list[str]) -> None:
    limit, places = stepped(np.abs(gradient).max() * 1.5), np.arange(len(gradient))
    axes.axhline(0, color="black", linewidth=1)
    axes.quiver(
        places, 0 * places, 0 * places, gradient, angles="xy", scale_units="xy", scale=1, width=0.012, color=BLUE,
        minlength=0, headlength=4, headaxislength=4, zorder=3,
    )  # fmt: skip
    for place, value in zip(places, gradient, strict=True):
        beyond, side = value + (0.05 if value >= 0 else -0.05) * limit, "bottom" if value >= 0 else "top"
        axes.text(place, beyond, f"{signed(value)}\n{pushes(value)}", ha="center", va=side, fontsize=8.5)
    axes.set_xticks(places, names)
    axes.set(xlim=(-0.6, len(places) - 0.4), ylim=(-limit, limit))
    axes.set_title("Gradient of the total: training moves a logit against it", fontsize=10, y=1.02)
    axes.grid(axis="x", visible=False)
    axes.yaxis.set_major_locator(MaxNLocator(5))


def _draw_curves(axes: Axes, m: Measured, scaled: bool, curves: Mapping[str, np.ndarray]) -> None:
    factor, used = m.loss.tau**2 if scaled else 1.0, scaled == m.loss.scale_tau2
    for term, colour, style, marker in TERMS:
        axes.plot(TAUS, curves[term], color=colour, linestyle=style, label=term)
        axes.plot(m.loss.tau, factor * m.plain[term], marker, color=colour, markersize=7, markeredgecolor="white")
    axes.axvline(m.loss.tau, 0, 0.86, color=GREY, linewidth=1.2, linestyle=":")
    axes.set(xlim=(0, 8.1), xticks=range(0, 9, 2), ylim=(0, stepped(1.25 * max(c.max() for c in curves.values()))))
    axes.set_xlabel("temperature tau")
    axes.yaxis.set_major_locator(MaxNLocator(5))
    title = ("With tau²" if scaled else "Without tau²") + (": used in the total" if used else "")
    axes.set_title(title, fontsize=10, y=1.02, weight="bold" if used else "normal")
    axes.legend(loc="upper left", fontsize=8.5, ncols=2)


def stepped(value: float) -> float:
    """Rounds up to 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, ..., so that small changes do not rescale the axis."""
    value = max(float(value), 1e-3)
    power = 10.0 ** np.floor(np.log10(value))
    return float(power * next(step for step in (1, 1.5, 2, 3, 5, 7.5, 10) if value <= step * power * (1 + 1e-9)))
