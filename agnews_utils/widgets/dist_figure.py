"""One setting of the DIST loss, measured and drawn: what :class:`agnews_utils.widgets.DISTExplorer` shows.

The figure's artists are updated in place, and it is drawn whole: 82 ms a picture on one core, 95 ms from a slider's
move to the tables. Drawing only what moved (blitting) took 26 and 30 ms, and a hundred lines more.
"""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from torch.autograd import grad

from ..losses import DISTLoss
from ..plotting.style import BLUE, GREEN, GREY, ORANGE
from ..settings import CLASS_NAMES
from .panel import class_bars, class_labels, keep_look, new_figure, png_of

TAUS = np.geomspace(0.1, 8, 36)  # where the curves are computed: a correlation changes fastest at small tau
HUGE_GRADIENT = 100.0  # beyond any that one meets in training
CURVES = (("inter", ORANGE, "-", "o"), ("intra", GREEN, "--", "s"))
TEXT, NUMBERS = 12.5, 11.5  # points: a projector shows the picture to a last row
TICKS = MaxNLocator(5)  # an axis ends at a tick, so that small changes do not move its limit


class Measured:
    """What one setting of the loss gives for logits (B, K), which must be finite (ValueError), and labels (B,).

    Attributes:
        probabilities: student's and teacher's, each (B, K), temperature-scaled by the loss's tau
        unscaled: each loss term without tau squared
        terms: each loss term as the total takes it, before its weight
        loss, total: the loss that was asked, and its value
        gradients: of each weighted term, and of the ``"total"``, with respect to the student's logits: (B, K)
        steps: minus each gradient, what a step of gradient descent adds to the logits at a learning rate of 1
    """

    def __init__(self, student: torch.Tensor, teacher: torch.Tensor, labels: torch.Tensor, loss: DISTLoss):
        student = student.detach().clone().requires_grad_(True)
        total, terms = loss(student, teacher, labels), loss.terms(student, teacher, labels)
        weighted = {name: loss.weights[name] * term for name, term in terms.items()} | {"total": total}
        unscaled = DISTLoss(tau=loss.tau, scale_tau2=False).terms(student, teacher, labels)
        self.loss, self.total = loss, total.item()
        self.probabilities = tuple((z.detach() / loss.tau).softmax(dim=1).numpy() for z in (student, teacher))
        self.unscaled, self.terms = ({name: x.item() for name, x in group.items()} for group in (unscaled, terms))
        self.gradients = {name: grad(value, student, retain_graph=True)[0].numpy() for name, value in weighted.items()}
        self.steps = {name: -gradient for name, gradient in self.gradients.items()}


def over_tau(student: torch.Tensor, teacher: torch.Tensor, labels: torch.Tensor) -> list[dict[str, np.ndarray]]:
    """Inter and intra at each of :data:`TAUS`, without and with tau squared."""
    curves = []
    for scaled in (False, True):
        terms = [DISTLoss(tau=tau, scale_tau2=scaled).terms(student, teacher, labels) for tau in TAUS]
        curves.append({name: np.array([values[name].item() for values in terms]) for name in ("inter", "intra")})
    return curves


def signed(value: float) -> str:
    """A number with its sign, and without one where it rounds to zero."""
    text = f"{value:+.1e}" if abs(value) >= HUGE_GRADIENT else f"{value:+.3f}"
    return "0.000" if float(text) == 0 else text.replace("-", "−")  # read out as minus


def effect(step: float) -> str:
    """What a training step, minus the gradient, does to a logit."""
    return "leaves" if signed(step) == "0.000" else "raises" if step > 0 else "lowers"


class DISTFigure:
    """The picture of one article: probabilities, training step, both relations over tau without and with tau²."""

    def __init__(self):
        margins = {"left": 0.095, "right": 0.985, "top": 0.895, "bottom": 0.085, "hspace": 0.42, "wspace": 0.21}
        with new_figure(10, 7.4, 2, 2, text=TEXT, **margins) as (self.figure, grid):
            self.bars_axes, self.arrow_axes, *self.curve_axes = grid.flat
            self.headline = self.figure.text(0.5, 0.967, "", ha="center", va="center", fontsize=14, weight="bold")
            self._make_bars()
            self._make_arrows()
            self.lines, self.dots, self.tau_lines = {}, {}, []
            for scaled, axes in enumerate(self.curve_axes):
                self._make_curves(axes, bool(scaled))
            self.curve_axes[0].set_ylabel("1 − correlation")
            for axes in grid.flat:
                keep_look(axes, TEXT)

    def _make_bars(self) -> None:
        student, teacher = class_bars(self.bars_axes, *np.zeros((2, len(CLASS_NAMES))))
        self.bars = [*student, *teacher]
        self.bar_texts = [
            text for bars in (student, teacher) for text in self.bars_axes.bar_label(bars, fontsize=NUMBERS)
        ]
        self.bars_axes.legend(loc="upper center", ncols=2, fontsize=NUMBERS)
        self.bars_axes.set(ylim=(0, 1.3), title="Temperature-scaled probabilities")

    def _make_arrows(self) -> None:
        places, zero = np.arange(len(CLASS_NAMES)), np.zeros(len(CLASS_NAMES))
        as_drawn = {"angles": "xy", "scale_units": "xy", "scale": 1, "minlength": 0}
        head = {"headlength": 4, "headaxislength": 4, "width": 0.012}
        self.arrows = self.arrow_axes.quiver(places, zero, zero, zero, color=BLUE, zorder=3, **as_drawn, **head)
        self.arrow_texts = [self.arrow_axes.text(x, 0, "", ha="center", fontsize=NUMBERS) for x in places]
        title = "Training step: minus the gradient of the total"
        self.arrow_axes.set(xlim=(-0.6, len(places) - 0.4), xticks=places, title=title)
        self.arrow_axes.axhline(0, color="black", linewidth=1)
        self.arrow_axes.grid(axis="x", visible=False)
        self.arrow_axes.yaxis.set_major_locator(MaxNLocator(5))

    def _make_curves(self, axes: Axes, scaled: bool) -> None:
        for term, colour, style, marker in CURVES:
            self.lines[scaled, term] = axes.plot(TAUS, TAUS, color=colour, linestyle=style, label=term)[0]
            self.dots[scaled, term] = axes.plot([], [], marker, color=colour, markersize=7, markeredgecolor="white")[0]
        self.tau_lines.append(axes.axvline(1, 0, 0.86, color=GREY, linewidth=1.2, linestyle=":"))
        axes.set(xlabel="temperature tau", xlim=(0, 8.1), xticks=range(0, 9, 2))
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.legend(loc="upper left", fontsize=NUMBERS, ncols=2)

    def update(self, m: Measured, article: int, label: int, curves: list[dict[str, np.ndarray]]) -> bytes:
        """The PNG of an article (from 0) of this class, with the curves of :func:`over_tau`."""
        heights = np.concatenate([y[article] for y in m.probabilities])
        for bar, text, height in zip(self.bars, self.bar_texts, heights, strict=True):
            bar.set_height(height)
            text.xy = (bar.get_center()[0], height)
            text.set_text(f"{height:.2f}")
        self._place_arrows(m.steps["total"][article])
        for scaled, values in enumerate(curves):
            self._place_curves(m, bool(scaled), values)
        for axes in (self.bars_axes, self.arrow_axes):
            axes.set_xticklabels(class_labels(label))
        terms = "   ".join(f"{name if name != 'ce' else 'CE'} {value:.3f}" for name, value in m.terms.items())
        self.headline.set_text(f"Article {article + 1}   |   tau {m.loss.tau:.2f}   {terms}   total {m.total:.3f}")
        return png_of(self.figure)

    def _place_arrows(self, step: np.ndarray) -> None:
        limit = TICKS.tick_values(0, max(1.8 * np.abs(step).max(), 1e-3))[-1]
        self.arrow_axes.set_ylim(-limit, limit)
        self.arrows.set_UVC(np.zeros(len(step)), step)
        for text, value in zip(self.arrow_texts, step, strict=True):
            side, alignment = (1, "bottom") if value >= 0 else (-1, "top")
            text.set(y=value + side * 0.05 * limit, va=alignment, text=f"{signed(value)}\n{effect(value)}")

    def _place_curves(self, m: Measured, scaled: bool, values: dict[str, np.ndarray]) -> None:
        axes, tau, used = self.curve_axes[scaled], m.loss.tau, scaled == m.loss.scale_tau2
        for term, curve in values.items():
            self.lines[scaled, term].set_ydata(curve)
            self.dots[scaled, term].set_data([tau], [m.unscaled[term] * (tau**2 if scaled else 1)])
        self.tau_lines[scaled].set_xdata([tau, tau])
        axes.set_ylim(0, TICKS.tick_values(0, max(1.25 * np.max(list(values.values())), 1e-3))[-1])
        title = ("With tau²" if scaled else "Without tau²") + (": used in the total" if used else "")
        axes.title.set(text=title, weight="bold" if used else "normal")
