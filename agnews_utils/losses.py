"""Pearson correlation, inter- and intra-class relation, the DIST loss, and the KL distillation loss to compare with.

z are logits (B, K), y = softmax(z / tau). Equation numbers are the report's; the method is Huang et al. 2022,
"Knowledge Distillation from A Stronger Teacher" (DIST). All losses are computed in float32 whatever the logits'
precision, the KL divergence in float64.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from .data import NO_LABEL

EPS = 1e-8


def pearson(a: torch.Tensor, b: torch.Tensor, eps: float = EPS) -> torch.Tensor:
    """Pearson correlation of each row of ``a`` with the same row of ``b``: (N, M), (N, M) to (N,).

    A cosine similarity of centred rows (inside eq. 3). A constant row correlates with nothing: its value is 0.
    """
    a, b = a - a.mean(dim=1, keepdim=True), b - b.mean(dim=1, keepdim=True)
    return F.cosine_similarity(a, b, dim=1, eps=eps)


def inter_relation(y_s: torch.Tensor, y_t: torch.Tensor) -> torch.Tensor:
    """Inter-class relation (eq. 3): 1 - mean Pearson correlation over the B rows of probabilities (B, K).

    Do the student's probabilities rise and fall over the classes of each article in proportion to the teacher's?
    """
    return 1 - pearson(y_s, y_t).mean()


def intra_relation(y_s: torch.Tensor, y_t: torch.Tensor) -> torch.Tensor:
    """Intra-class relation (eq. 4): the inter-class relation of the transposed matrices, over the K columns.

    Do the student's probabilities of one class rise and fall over the batch's articles in proportion to the teacher's?
    With B = 1 there is nothing to compare and the value is 1, without a gradient.
    """
    return inter_relation(y_s.transpose(0, 1), y_t.transpose(0, 1))


class Loss(nn.Module):
    """A weighted sum of named terms; called with (student_logits, teacher_logits, labels) it gives a scalar.

    A subclass says in ``weights`` what its terms weigh and computes them, unweighted, in :meth:`terms`.

    Args:
        weights: the weight of each term, by the term's name
    """

    needs_teacher = True

    def __init__(self, **weights: float):
        super().__init__()
        self.weights = weights

    def terms(self, z_s: torch.Tensor, z_t: Any, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        """The loss terms before their weights, each a scalar; arguments as in :meth:`forward`, unchecked."""
        raise NotImplementedError

    def total(self, terms: dict[str, torch.Tensor]) -> torch.Tensor:
        """The weighted sum of :meth:`terms`."""
        return reduce(torch.add, [self.weights[name] * value for name, value in terms.items()])

    def forward(
        self, student_logits: torch.Tensor, teacher_logits: torch.Tensor | None, labels: torch.Tensor
    ) -> torch.Tensor:
        """The loss (a scalar).

        Args:
            student_logits, teacher_logits: (B, K)
            labels: (B,), long, 0 to K - 1; :data:`agnews_utils.data.NO_LABEL` where none is known

        Raises:
            ValueError: shapes differ, a label out of range, NaN or infinite logits.
        """
        check_shapes(self, student_logits, teacher_logits, labels)
        check_values(self, student_logits, teacher_logits, labels)
        return self.total(self.terms(student_logits.float(), as_targets(teacher_logits), labels))


def as_targets(teacher_logits: torch.Tensor | None) -> torch.Tensor | None:
    """Teacher's logits in float32, without a gradient."""
    return None if teacher_logits is None else teacher_logits.float().detach()


def check_shapes(loss: Loss, z_s: torch.Tensor, z_t: torch.Tensor | None, labels: torch.Tensor) -> None:
    """Refuses logits and labels of which ``loss`` can make nothing, by their shapes alone (no wait for a GPU).

    Raises:
        ValueError: logits that are not (B, K), labels that are not (B,), or no teacher where one is needed.
    """
    if z_s.ndim != 2 or not len(z_s):
        raise ValueError(f"student logits have shape {tuple(z_s.shape)}; they should be (articles, classes).")
    if labels.shape != z_s.shape[:1]:
        raise ValueError(
            f"labels have shape {tuple(labels.shape)}; there should be one for each of {len(z_s)} rows of logits."
        )
    if not loss.needs_teacher:
        return
    if z_t is None:
        raise ValueError(f"{type(loss).__name__} compares with a teacher: pass its logits.")
    if z_s.shape != z_t.shape:
        raise ValueError(
            f"Student logits have shape {tuple(z_s.shape)} and teacher logits {tuple(z_t.shape)}: they should be "
            "of the same articles and classes."
        )


def check_values(loss: Loss, z_s: torch.Tensor, z_t: torch.Tensor | None, labels: torch.Tensor) -> None:
    """Refuses labels out of range and logits that are not finite.

    Raises:
        ValueError: see above.
    """
    known = labels[labels != NO_LABEL]
    if len(known) and not 0 <= int(known.min()) <= int(known.max()) < z_s.shape[1]:
        raise ValueError(
            f"labels go from {int(known.min())} to {int(known.max())}; the classes are 0 to {z_s.shape[1] - 1}."
        )
    for whose, logits in (("student", z_s), ("teacher", z_t if loss.needs_teacher else None)):
        if logits is not None and not torch.isfinite(logits.detach()).all():
            raise ValueError(
                f"{whose} logits hold NaN or infinite values: training has diverged, or what made them is damaged; "
                "lower the learning rate, or make the teacher's logits again."
            )


def cross_entropy(logits: torch.Tensor, labels: torch.Tensor, smoothing: float = 0.0) -> torch.Tensor:
    """Cross-entropy with the labels, a sum over labelled articles divided by all articles of the batch.

    An article without a label (:data:`agnews_utils.data.NO_LABEL`) adds nothing, and the weight of one with a label
    does not depend on how many there are.
    """
    return F.cross_entropy(logits, labels, reduction="sum", label_smoothing=smoothing) / len(labels)


class CrossEntropy(Loss):
    """Plain training: cross-entropy with the labels; teacher logits, if any, are ignored.

    Args:
        smoothing: the share of the target that goes to all classes alike (Szegedy et al. 2016, section 7)
        weight: of the loss; what a loss of two terms has more than one of a single term, for a control

    Raises:
        ValueError: smoothing outside 0 to 1.
    """

    needs_teacher = False

    def __init__(self, smoothing: float = 0.0, weight: float = 1.0):
        if not 0 <= smoothing < 1:
            raise ValueError(f"smoothing is {smoothing}; the share of all classes should be at least 0 and below 1.")
        super().__init__(ce=weight)
        self.smoothing = smoothing

    def terms(self, z_s, z_t, labels):
        return {"ce": cross_entropy(z_s, labels, self.smoothing)}


class DISTLoss(Loss):
    """CE + beta * inter + gamma * intra on temperature-scaled probabilities (eqs. 1 to 5).

    Args:
        beta, gamma: weights of the inter- and intra-class relation, 0 or more
        tau: temperature of both softmaxes, above 0
        ce_weight: weight of the cross-entropy
        scale_tau2: multiply inter and intra by tau**2, as the official code does and the equations do not; at tau = 1
            the two agree

    Raises:
        ValueError: tau not above 0, or a negative weight.
    """

    def __init__(
        self, beta: float = 2.0, gamma: float = 2.0, tau: float = 1.0, ce_weight: float = 1.0, scale_tau2: bool = True
    ):
        for name, weight in (("beta", beta), ("gamma", gamma), ("ce_weight", ce_weight)):
            if not 0 <= weight < float("inf"):  # also refuses NaN
                raise ValueError(f"{name} is {weight}; the weight of a loss term should be 0 or more.")
        super().__init__(ce=ce_weight, inter=beta, intra=gamma)
        self.tau, self.scale_tau2 = checked_temperature(tau), scale_tau2

    def terms(self, z_s, z_t, labels):
        y_s, y_t = (z_s / self.tau).softmax(dim=1), (z_t / self.tau).softmax(dim=1)
        scale = self.tau**2 if self.scale_tau2 else 1.0
        return {
            "ce": cross_entropy(z_s, labels),
            "inter": scale * inter_relation(y_s, y_t),
            "intra": scale * intra_relation(y_s, y_t),
        }


class KLLoss(Loss):
    """Ordinary distillation (Hinton et al. 2015): (1 - alpha) * CE + alpha * tau**2 * KL(teacher || student).

    The divergence is the mean over articles of the sum over classes ("batchmean"). It is computed in float64: at a
    large tau both softmaxes are nearly uniform, and in float32 their difference is rounding, which tau**2 multiplies.

    Raises:
        ValueError: tau not above 0, or alpha outside 0 to 1.
    """

    def __init__(self, alpha: float = 0.9, tau: float = 4.0):
        super().__init__(ce=1 - checked_share(alpha), kl=alpha)
        self.tau = checked_temperature(tau)

    def terms(self, z_s, z_t, labels):
        exact = torch.float32 if z_s.device.type == "mps" else torch.float64  # Apple's GPUs have no float64
        log_s, log_t = (F.log_softmax(z.to(exact) / self.tau, dim=1) for z in (z_s, z_t))
        divergence = F.kl_div(log_s, log_t, reduction="batchmean", log_target=True).clamp(min=0)
        at_least_float32 = torch.promote_types(z_s.dtype, torch.float32)
        return {"ce": cross_entropy(z_s, labels), "kl": (self.tau**2 * divergence).to(at_least_float32)}


class LogitLoss(Loss):
    """Logit regression (Ba and Caruana 2014): (1 - alpha) * CE + alpha * MSE of the centred logits.

    Logits are centred over the classes, because adding a number to all of them changes no probability.

    Raises:
        ValueError: alpha outside 0 to 1.
    """

    def __init__(self, alpha: float = 0.7):
        super().__init__(ce=1 - checked_share(alpha), mse=alpha)

    def terms(self, z_s, z_t, labels):
        z_s_centred, z_t_centred = (z - z.mean(dim=1, keepdim=True) for z in (z_s, z_t))
        return {"ce": cross_entropy(z_s, labels), "mse": F.mse_loss(z_s_centred, z_t_centred)}


def checked_share(alpha: float) -> float:
    """``alpha`` itself.

    Raises:
        ValueError: alpha is outside 0 to 1.
    """
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha is {alpha}; the teacher's share of the loss should be between 0 and 1.")
    return alpha


def checked_temperature(tau: float) -> float:
    """``tau`` itself.

    Raises:
        ValueError: tau is not above 0, infinite or NaN.
    """
    if not 0 < tau < float("inf"):
        raise ValueError(f"tau is {tau}; a temperature should be above 0.")
    return float(tau)
