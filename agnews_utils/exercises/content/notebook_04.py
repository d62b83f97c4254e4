"""Notebook 04: Pearson's correlation, the relations, the DIST and the KL loss, what a correlation cannot see."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ...losses import DISTLoss, KLLoss, inter_relation, intra_relation
from ...losses import pearson as module_pearson
from ..exercise import Exercise

SHAPES = ((4, 4), (6, 4), (5, 3))


def _logits(count):
    """So many batches of logits of each of :data:`SHAPES`, and labels."""
    generator = torch.Generator().manual_seed(0)
    return [
        (*(2 * torch.randn(shape, generator=generator) for _ in range(count)), torch.arange(shape[0]) % shape[1])
        for shape in SHAPES
    ]


def _probabilities():
    return [(z_s.softmax(dim=1), z_t.softmax(dim=1)) for z_s, z_t, _ in _logits(2)]


pearson = Exercise(
    "04.1",
    "Pearson's correlation, row by row",
    minutes=10,
    difficulty=1,
    grades="correlation as the cosine of centred rows",
    question="""
    Correlate each row of `a` with the same row of `b`. Subtract from each row its own mean, then take the cosine of
    the two. Do not call a library's correlation. To reach: article 1 has 0.9403.""",
    predict="A student gives 0.40, 0.20, 0.20, 0.20 and its teacher 0.97, 0.01, 0.01, 0.01: what is the correlation?",
    outcome="""For that pair it is exactly 1: correlation ignores scale and offset. So a correlation cannot ask the
    student to be as sure as its teacher.""",
    hints=(
        "`a.mean(dim=1, keepdim=True)` is one mean a row, in a shape that can be subtracted.",
        "The cosine of two rows is their product, summed, divided by the product of their lengths.",
        "With centred `a` and `b`: `(a * b).sum(dim=1) / (a.norm(dim=1) * b.norm(dim=1))`.",
    ),
    module=module_pearson,
)


@pearson.solution
def my_pearson(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Correlation of each row of a with the same row of b: (N, M), (N, M) to (N,)."""
    a = a - a.mean(dim=1, keepdim=True)
    b = b - b.mean(dim=1, keepdim=True)
    return (a * b).sum(dim=1) / (a.norm(dim=1) * b.norm(dim=1))


@pearson.mistake("not centred", "This is the cosine of the rows themselves. Subtract each row's mean first.")
def _(a, b):
    return F.cosine_similarity(a, b, dim=1)


@pearson.mistake("columns for rows", "You correlated the columns. One number for each row is asked.")
def _(a, b):
    return module_pearson(a.T, b.T)


@pearson.mistake(
    "centred by columns", "You subtracted the means of the columns (`dim=0`). A row has a mean of its own."
)
def _(a, b):
    return F.cosine_similarity(a - a.mean(dim=0), b - b.mean(dim=0), dim=1)


@pearson.mistake(
    "covariance for correlation", "You did not divide by the lengths. A correlation does not know the scale."
)
def _(a, b):
    return ((a - a.mean(dim=1, keepdim=True)) * (b - b.mean(dim=1, keepdim=True))).mean(dim=1)


@pearson.mistake("ranks for values", "You correlated ranks. Pearson's correlation counts the values, not their order.")
def _(a, b):
    return module_pearson(a.argsort(dim=1).argsort(dim=1).float(), b.argsort(dim=1).argsort(dim=1).float())


@pearson.inputs
def _():
    generator = torch.Generator().manual_seed(1)
    wide = torch.randn(3, 7, generator=generator)
    return [*_probabilities(), (wide + 5, wide**2)]


relations = Exercise(
    "04.2",
    "The inter- and the intra-class relation",
    minutes=8,
    difficulty=2,
    grades="rows are articles (inter), columns are classes (intra); both are losses",
    question="""
    `y_s` and `y_t` are probabilities of student and teacher, one row per article. *inter* is 1 minus the mean
    correlation of the rows. *intra* is the same of the columns. Use `my_pearson`, and return the pair (inter, intra).
    To reach: 0.0193 and 0.0110 for the four articles.""",
    predict="A batch has one article only: which of the two can still compare something?",
    outcome="""Only inter. In a batch of one, a column holds one number, and one number correlates with nothing:
    intra needs a batch.""",
    hints=(
        "`y.T` exchanges rows and columns.",
        "A loss is small where student and teacher agree, and their correlation is 1 there.",
        "`1 - my_pearson(y_s, y_t).mean()`, and the same of `y_s.T` and `y_t.T`.",
    ),
    module=lambda y_s, y_t: (inter_relation(y_s, y_t), intra_relation(y_s, y_t)),
)


@relations.solution
def my_relations(y_s: torch.Tensor, y_t: torch.Tensor) -> tuple:
    """(inter, intra), two scalars, of probabilities (articles, classes)."""
    inter = 1 - my_pearson(y_s, y_t).mean()
    intra = 1 - my_pearson(y_s.T, y_t.T).mean()
    return inter, intra


@relations.mistake(
    "rows for columns", "The two are exchanged. Inter compares classes within a row, which is an article."
)
def _(y_s, y_t):
    return intra_relation(y_s, y_t), inter_relation(y_s, y_t)


@relations.mistake("rows for columns in intra", "Both are of the rows. Intra compares the articles within a column.")
def _(y_s, y_t):
    return inter_relation(y_s, y_t), inter_relation(y_s, y_t)


@relations.mistake("sum for mean", "You added the correlations up. With a sum, more rows or columns weigh more.")
def _(y_s, y_t):
    return 1 - module_pearson(y_s, y_t).sum(), 1 - module_pearson(y_s.T, y_t.T).sum()


@relations.mistake(
    "similarity for loss", "This is large where the two agree. Training makes a loss small: take 1 minus it."
)
def _(y_s, y_t):
    return module_pearson(y_s, y_t).mean(), module_pearson(y_s.T, y_t.T).mean()


relations.inputs(_probabilities)


dist = Exercise(
    "04.3",
    "The DIST loss",
    minutes=10,
    difficulty=2,
    grades="temperature, weights, and what tau² multiplies",
    question="""
    Write CE + β · τ² · inter + γ · τ² · intra, as the code of DIST's authors does. Inter and intra are of the softmax
    of the logits divided by τ, of student and teacher. CE is the student's cross-entropy with the labels. Use
    `my_relations`. To reach: 0.5011 for the four articles at β = γ = 2 and τ = 1.""",
    predict="You turn tau from 1 to 4: by which factor do the weights of inter and intra grow?",
    outcome="""By 16: tau² works like a larger beta and gamma. Whoever varies tau should vary it without the factor,
    or say that the weights went along.""",
    hints=(
        "`(z_s / tau).softmax(dim=1)` gives the student's softened probabilities. The teacher's likewise.",
        "Cross-entropy takes the student's logits as they are, without tau.",
        "`ce + tau**2 * (beta * inter + gamma * intra)`, with `ce` from `torch.nn.functional.cross_entropy`.",
    ),
    module=lambda z_s, z_t, labels, beta, gamma, tau: DISTLoss(beta, gamma, tau)(z_s, z_t, labels),
)


@dist.solution
def my_dist(z_s: torch.Tensor, z_t: torch.Tensor, labels: torch.Tensor, beta: float, gamma: float, tau: float):
    """The DIST loss, a scalar, of student's and teacher's logits (articles, classes)."""
    inter, intra = my_relations((z_s / tau).softmax(dim=1), (z_t / tau).softmax(dim=1))
    ce = torch.nn.functional.cross_entropy(z_s, labels)
    return ce + tau**2 * (beta * inter + gamma * intra)


def _dist(z_s, z_t, labels, beta, gamma, tau, scale, axis=1, ce_tau=1.0, teacher_tau=None):
    y_s, y_t = (z_s / tau).softmax(dim=axis), (z_t / (teacher_tau or tau)).softmax(dim=axis)
    relation = beta * inter_relation(y_s, y_t) + gamma * intra_relation(y_s, y_t)
    return F.cross_entropy(z_s / ce_tau, labels) + scale * relation


@dist.mistake("tau² forgotten", "The relations lack the factor tau². At tau = 1 nobody would notice.")
def _(z_s, z_t, labels, beta, gamma, tau):
    return _dist(z_s, z_t, labels, beta, gamma, tau, 1)


@dist.mistake("tau for tau²", "You multiplied the relations by tau. The official code takes its square.")
def _(z_s, z_t, labels, beta, gamma, tau):
    return _dist(z_s, z_t, labels, beta, gamma, tau, tau)


@dist.mistake(
    "cross-entropy softened", "Your cross-entropy divides by tau as well. Labels are no soft targets: leave it out."
)
def _(z_s, z_t, labels, beta, gamma, tau):
    return _dist(z_s, z_t, labels, beta, gamma, tau, tau**2, ce_tau=tau)


@dist.mistake("teacher not softened", "Only the student is divided by tau. Both should be, or they never agree.")
def _(z_s, z_t, labels, beta, gamma, tau):
    return _dist(z_s, z_t, labels, beta, gamma, tau, tau**2, teacher_tau=1)


@dist.mistake("softmax over the wrong axis", "The classes of an article should sum to 1: rows (`dim=1`), not columns.")
def _(z_s, z_t, labels, beta, gamma, tau):
    return _dist(z_s, z_t, labels, beta, gamma, tau, tau**2, axis=0)


@dist.mistake("beta and gamma exchanged", "Beta is the weight of inter, gamma that of intra.")
def _(z_s, z_t, labels, beta, gamma, tau):
    return _dist(z_s, z_t, labels, gamma, beta, tau, tau**2)


@dist.inputs
def _():
    weights = ((2.0, 1.0, 3.0), (0.5, 4.0, 2.0), (1.0, 3.0, 1.0))
    return [(*batch, *w) for batch, w in zip(_logits(2), weights, strict=True)]


kl = Exercise(
    "04.4",
    "Hinton's loss",
    minutes=10,
    difficulty=2,
    grades="direction of the KL divergence, sum over classes, tau²",
    question="""
    Write $(1-\\alpha)\\,\\mathrm{CE} + \\alpha\\,\\tau^2\\,\\mathrm{KL}(y_t \\Vert y_s)$. Here
    $\\mathrm{KL} = \\sum_j y_{t,j} \\ln (y_{t,j} / y_{s,j})$, averaged over articles. Both softmaxes have temperature
    τ. To reach: 0.9133 for the four articles at α = 0.9 and τ = 4.""",
    predict="Exchange student and teacher: does the divergence stay the same?",
    outcome="No: it weighs each class by the first one's probability. Here that is the teacher's, which is to be met.",
    hints=(
        "`log_softmax` of the logits divided by tau gives both logarithms; `exp` of the teacher's gives y_t.",
        "Sum over `dim=1`, then take the mean: PyTorch calls that `batchmean`.",
        "`kl = (log_t.exp() * (log_t - log_s)).sum(dim=1).mean()`; now weigh it with `alpha * tau**2`.",
    ),
    module=lambda z_s, z_t, labels, alpha, tau: KLLoss(alpha, tau)(z_s, z_t, labels),
)


@kl.solution
def my_kl(z_s: torch.Tensor, z_t: torch.Tensor, labels: torch.Tensor, alpha: float, tau: float) -> torch.Tensor:
    """Hinton's distillation loss, a scalar, of student's and teacher's logits (articles, classes)."""
    log_s, log_t = (z_s / tau).log_softmax(dim=1), (z_t / tau).log_softmax(dim=1)
    divergence = (log_t.exp() * (log_t - log_s)).sum(dim=1).mean()
    ce = torch.nn.functional.cross_entropy(z_s, labels)
    return (1 - alpha) * ce + alpha * tau**2 * divergence


def _kl(z_s, z_t, labels, alpha, scale, reduce=lambda d: d.sum(dim=1).mean(), turned=False, axis=1, tau=1.0):
    log_s, log_t = (z_s / tau).log_softmax(dim=axis), (z_t / tau).log_softmax(dim=axis)
    p, q = (log_s, log_t) if turned else (log_t, log_s)
    return (1 - alpha) * F.cross_entropy(z_s, labels) + alpha * scale * reduce(p.exp() * (p - q))


@kl.mistake("tau² forgotten", "The divergence lacks the factor tau²: the hotter, the less the teacher would be heard.")
def _(z_s, z_t, labels, alpha, tau):
    return _kl(z_s, z_t, labels, alpha, 1, tau=tau)


@kl.mistake(
    "KL turned round", "This is KL(student ‖ teacher). The teacher's probabilities should weigh the logarithms."
)
def _(z_s, z_t, labels, alpha, tau):
    return _kl(z_s, z_t, labels, alpha, tau**2, turned=True, tau=tau)


@kl.mistake(
    "mean for sum", "You averaged over classes as well, as PyTorch's `mean` does. A divergence is a sum over them."
)
def _(z_s, z_t, labels, alpha, tau):
    return _kl(z_s, z_t, labels, alpha, tau**2, torch.mean, tau=tau)


@kl.mistake("sum for mean", "You added the articles up. The loss is a mean over them.")
def _(z_s, z_t, labels, alpha, tau):
    return _kl(z_s, z_t, labels, alpha, tau**2, torch.sum, tau=tau)


@kl.mistake("labels and teacher exchanged", "Alpha is the teacher's share, and the labels have what is left.")
def _(z_s, z_t, labels, alpha, tau):
    return _kl(z_s, z_t, labels, 1 - alpha, tau**2, tau=tau)


@kl.mistake("softmax over the wrong axis", "The classes of an article should sum to 1: rows (`dim=1`), not columns.")
def _(z_s, z_t, labels, alpha, tau):
    return _kl(z_s, z_t, labels, alpha, tau**2, axis=0, tau=tau)


@kl.inputs
def _():
    return [(*batch, *w) for batch, w in zip(_logits(2), ((0.9, 4.0), (0.3, 2.0), (0.7, 1.5)), strict=True)]


unsure = Exercise(
    "04.5",
    "A student that inter cannot tell from its teacher",
    minutes=10,
    difficulty=3,
    grades="what a correlation does not see",
    question="""
    `y_t` are a teacher's probabilities for one article. Make a student's probabilities whose largest one is `top`, so
    that inter is exactly 0 although the student is less sure. They sum to 1.""",
    predict="Would a softmax with a higher temperature do it?",
    outcome="""No, temperature changes the pattern too: only scale and offset keep a correlation at 1. Inter is 0 for
    your student, so only cross-entropy makes it surer.""",
    hints=(
        "Which changes of a row leave its correlation with another row at 1?",
        "Shrink the distance of each probability from the mean, 1 / K, by one factor. Then the sum stays 1.",
        "`mean + factor * (y_t - mean)`: choose the factor so that the largest entry becomes `top`.",
    ),
    tolerance=2e-3,
)


@unsure.solution
def my_unsure(y_t: torch.Tensor, top: float) -> torch.Tensor:
    """Probabilities (K,) with largest entry ``top`` that correlate with y_t, (K,), at exactly 1."""
    mean = y_t.mean()
    return mean + (top - mean) / (y_t.max() - mean) * (y_t - mean)


@unsure.mistake(
    "temperature for scale",
    "A softmax with a temperature has the right top, but it moves the small probabilities by other factors.",
)
def _(y_t, top):
    warmer = (y_t.log() / torch.linspace(1, 20, 20_000)[:, None]).softmax(dim=1)
    return warmer[(warmer.max(dim=1).values - top).abs().argmin()]


@unsure.mistake("the rest shared evenly", "The other classes are all alike now. Their pattern should be the teacher's.")
def _(y_t, top):
    rest = torch.full_like(y_t, (1 - top) / (len(y_t) - 1))
    return rest.index_fill(0, y_t.argmax(), top)


@unsure.mistake("does not sum to 1", "You multiplied the row by one factor. It correlates at 1, but is no probability.")
def _(y_t, top):
    return y_t * top / y_t.max()


@unsure.inputs
def _():
    return [(torch.tensor([0.02, 0.01, 0.90, 0.07]), 0.6), (torch.tensor([0.80, 0.15, 0.04, 0.01]), 0.4)]
