"""One setting of the DIST loss, measured and drawn: what the explorer of :mod:`agnews_utils.widgets.dist_explorer` shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox

from ..losses import DISTLoss
from ..plotting import BLUE, GREEN, GREY, ORANGE
from ..settings import CLASS_NAMES
from .panel import class_bars, keep_look, look, new_figure, png_of

TAUS = np.geomspace(0.1, 8, 36)  # where the curves are computed: a correlation changes fastest at small tau
HUGE = 100.0  # a gradient beyond any that one meets in training
KEPT = 40  # quarters of pictures, two thirds of a megabyte each


@dataclass(frozen=True)
class Measured:
    """What one setting gives.

    Attributes:
        loss: the loss that was asked
        softened: student's and teacher's probabilities, each (B, K), at the loss's tau
        plain: each part without tau squared
        parts: each part as the total takes it, before its weight
        total: the loss
        gradients: of each weighted part, and of the ``"total"``, with respect to the student's logits: (B, K)
    """

    loss: DISTLoss
    softened: tuple[np.ndarray, np.ndarray]
    plain: dict[str, float]
    parts: dict[str, float]
    total: float
    gradients: dict[str, np.ndarray]


def measure(student: torch.Tensor, teacher: torch.Tensor, labels: torch.Tensor, loss: DISTLoss) -> Measured:
    """The loss, its parts and its gradient.

    Raises:
        ValueError: NaN or infinite logits.
    """
    student = student.detach().clone().requires_grad_(True)
    parts = loss.parts(student, teacher, labels)
    total = loss.total(parts)
    gradients = {
        name: torch.autograd.grad(loss.weights[name] * part, student, retain_graph=True)[0].numpy()
        for name, part in parts.items()
    }
    gradients["total"] = torch.autograd.grad(total, student)[0].numpy()
    with torch.no_grad():
        plain = DISTLoss(tau=loss.tau, scale_tau2=False).parts(student, teacher, labels)
        softened = tuple((z / loss.tau).softmax(dim=1).numpy() for z in (student, teacher))
    return Measured(loss, softened, _floats(plain), _floats(parts), float(total.detach()), gradients)


def over_tau(student: torch.Tensor, teacher: torch.Tensor, labels: torch.Tensor, scaled: bool) -> dict[str, np.ndarray]:
    """Inter and intra at each of :data:`TAUS`."""
    with torch.no_grad():
        parts = [DISTLoss(tau=tau, scale_tau2=scaled).parts(student, teacher, labels) for tau in TAUS]
    return {name: np.array([float(values[name]) for values in parts]) for name in ("inter", "intra")}


def _floats(parts: dict[str, torch.Tensor]) -> dict[str, float]:
    return {name: float(value.detach()) for name, value in parts.items()}


def signed(value: float) -> str:
    """A number with its sign, and without one where it rounds to zero."""
    text = f"{value:+.1e}" if abs(value) >= HUGE else f"{value:+.3f}"
    return "0.000" if float(text) == 0 else text.replace("-", "−")  # read out as minus


def pushes(gradient: float) -> str:
    """What a training step does to a logit: it goes against the gradient."""
    return "leaves" if signed(gradient) == "0.000" else "raises" if gradient < 0 else "lowers"


class Drawing:
    """The picture: its axes are drawn once, and only what moves is drawn again, which is several times as fast."""

    def __init__(self):
        with look():
            self.figure = new_figure(10, 6.6)
            self.axes = self.figure.subplots(2, 2)
            self.figure.subplots_adjust(left=0.075, right=0.985, top=0.9, bottom=0.085, hspace=0.42, wspace=0.17)
            (self.bars_axes, self.arrow_axes), self.curve_axes = self.axes
            self._make_bars()
            self._make_arrows()
            self._make_curves()
            for axes in self.axes.flat:
                keep_look(axes)
            self.headline = self.figure.text(0.5, 0.965, "", ha="center", va="center", fontsize=11.5, weight="bold")
        self.marks = [  # of the true class, beneath its name
            axes.text(
                0, -0.115, "(true class)", transform=axes.get_xaxis_transform(), ha="center", va="top", fontsize=9.5
            )
            for axes in (self.bars_axes, self.arrow_axes)
        ]
        self.moving = [
            *(bar for bars in self.bars for bar in bars), *(text for texts in self.bar_texts for text in texts), self.arrows,
            *self.arrow_texts, *self.lines, *self.dots, *self.tau_lines, self.headline, *self.marks,
        ]  # fmt: skip
        for artist in self.moving:
            artist.set_animated(True)
        self.behind: dict = {}  # pixels of an axes without what moves, for its number and all that they depend on

    def _make_bars(self) -> None:
        zero = np.zeros(len(CLASS_NAMES))
        groups = [("student", zero, BLUE, ""), ("teacher", zero, ORANGE, "///")]
        self.bars = class_bars(self.bars_axes, groups, CLASS_NAMES)
        self.bar_texts = [
            [self.bars_axes.text(0, 0, "", ha="center", va="bottom", fontsize=8.5) for _ in bars] for bars in self.bars
        ]
        self.bars_axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=8.5, framealpha=0.9)
        self.bars_axes.set_ylim(0, 1.3)
        self.bars_axes.set_title("Softened probabilities", fontsize=10, y=1.02)

    def _make_arrows(self) -> None:
        places = np.arange(len(CLASS_NAMES))
        self.arrow_axes.axhline(0, color="black", linewidth=1)
        self.arrows = self.arrow_axes.quiver(
            places, 0 * places, 0 * places, 0 * places, angles="xy", scale_units="xy", scale=1, width=0.012, color=BLUE,
            minlength=0, headlength=4, headaxislength=4, zorder=3,
        )  # fmt: skip
        self.arrow_texts = [self.arrow_axes.text(x, 0, "", ha="center", fontsize=8.5) for x in places]
        self.arrow_axes.set(xticks=places, xticklabels=CLASS_NAMES, xlim=(-0.6, len(places) - 0.4))
        self.arrow_axes.set_title("Gradient of the total: training moves a logit against it", fontsize=10, y=1.02)
        self.arrow_axes.grid(axis="x", visible=False)
        self.arrow_axes.yaxis.set_major_locator(MaxNLocator(5))

    def _make_curves(self) -> None:
        self.lines, self.dots, self.tau_lines = [], [], []
        for axes in self.curve_axes:
            for part, colour, style, marker in (("inter", ORANGE, "-", "o"), ("intra", GREEN, "--", "s")):
                self.lines += axes.plot([], [], color=colour, linestyle=style, label=part)
                self.dots += axes.plot([], [], marker, color=colour, markersize=7, markeredgecolor="white")
            self.tau_lines.append(axes.axvline(1, 0, 0.86, color=GREY, linewidth=1.2, linestyle=":"))
            axes.set(xlabel="temperature tau", xlim=(0, 8.1), xticks=range(0, 9, 2))
            axes.xaxis.set_label_coords(0.5, -0.13)
            axes.yaxis.set_major_locator(MaxNLocator(5))
            axes.legend(loc="upper left", fontsize=8.5, ncols=2)
        self.curve_axes[0].set_ylabel("1 − correlation")
        self.curve_axes[0].yaxis.set_label_coords(-0.115, 0.5)
        self.bars_axes.yaxis.set_label_coords(-0.115, 0.5)

    def update(self, m: Measured, row: int, label: int, curves: list[dict[str, np.ndarray]]) -> bytes:
        """Draws one article of what was measured, and gives the PNG."""
        self._place_bars(m, row)
        limit = self._place_arrows(m.gradients["total"][row])
        tops = [ladder(max(values.max() for values in part.values()) * 1.25) for part in curves]
        for axes, lines, dots, tau_line, values in zip(
            self.curve_axes, pairs(self.lines), pairs(self.dots), self.tau_lines, curves, strict=True
        ):
            for part, line, dot in zip(("inter", "intra"), lines, dots, strict=True):
                line.set_data(TAUS, values[part])
                factor = m.loss.tau**2 if axes is self.curve_axes[1] else 1.0
                dot.set_data([m.loss.tau], [factor * m.plain[part]])
            tau_line.set_xdata([m.loss.tau, m.loss.tau])
        for mark in self.marks:
            mark.set_x(label)
        self.headline.set_text(
            f"Article {row + 1}   |   tau {m.loss.tau:.2f}   CE {m.parts['ce']:.3f}   inter {m.parts['inter']:.3f}   intra {m.parts['intra']:.3f}"
            f"   total {m.total:.3f}"
        )
        scaled = m.loss.scale_tau2
        canvas = self.figure.canvas
        states = (None, (-limit, limit), (not scaled, (0, tops[0])), (scaled, (0, tops[1])))
        for pixels in [self._behind(place, state) for place, state in enumerate(states)]:
            canvas.restore_region(pixels)
        for artist in self.moving:
            (artist.axes or self.figure).draw_artist(artist)
        return png_of(self.figure, draw=False)

    def _place_bars(self, m: Measured, row: int) -> None:
        for bars, texts, y in zip(self.bars, self.bar_texts, m.softened, strict=True):
            for bar, text, height in zip(bars, texts, y[row], strict=True):
                bar.set_height(height)
                text.set_position((bar.get_x() + bar.get_width() / 2, height + 0.01))
                text.set_text(f"{height:.2f}")

    def _place_arrows(self, gradient: np.ndarray) -> float:
        """Puts the arrows in place and returns the half-height that the axes need for them."""
        limit = ladder(np.abs(gradient).max() * 1.5)
        self.arrows.set_UVC(np.zeros(len(gradient)), gradient)
        for text, value in zip(self.arrow_texts, gradient, strict=True):
            beyond = value + (0.05 if value >= 0 else -0.05) * limit
            text.set(y=beyond, va="bottom" if value >= 0 else "top", text=f"{signed(value)}\n{pushes(value)}")
        return limit

    def _behind(self, place: int, state: tuple | None):
        """A quarter of the picture without what moves, as it was drawn before or drawn now.

        Args:
            state: for the bars nothing; for the arrows their limits; for the curves whether the total uses them, and limits
        """
        axes, canvas = self.axes.flat[place], self.figure.canvas
        if axes is self.arrow_axes:
            axes.set_ylim(state)
        elif state is not None:
            used, limits = state
            axes.set_ylim(limits)
            title = ("Without tau²", "With tau²")[place % 2]
            title += ": used in the total" if used else ""
            axes.set_title(title, fontsize=10, y=1.02, weight="bold" if used else "normal")
        if (place, state) not in self.behind:
            if len(self.behind) > KEPT:
                self.behind.clear()
            renderer = canvas.get_renderer()
            renderer.clear()
            self.figure.patch.draw(renderer)  # letters are drawn onto white, not onto nothing
            axes.draw(renderer)
            width, height = canvas.get_width_height()
            column, line = place % 2, 1 - place // 2  # pixels count from the lower left
            quarter = Bbox.from_bounds(column * width / 2, line * height / 2, width / 2, height / 2)
            self.behind[place, state] = canvas.copy_from_bbox(quarter)
        return self.behind[place, state]


def ladder(value: float) -> float:
    """The next of 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, ... from ``value`` on: axes that keep still while a number moves a little."""
    value = max(float(value), 1e-3)
    power = 10.0 ** np.floor(np.log10(value))
    return float(power * next(step for step in (1, 1.5, 2, 3, 5, 7.5, 10) if value <= step * power * (1 + 1e-9)))


def pairs(items: list) -> list[list]:
    """Neighbours two by two."""
    return [items[i : i + 2] for i in range(0, len(items), 2)]
