"""The DIST, KL and logit losses against independent NumPy computations, their invariances, and bad input."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers import refused
from scipy.special import log_softmax, rel_entr, softmax
from torch import nn

from agnews_utils.data import NO_LABEL
from agnews_utils.losses import (
    CrossEntropy,
    DISTLoss,
    KLLoss,
    LogitLoss,
    cross_entropy,
    inter_relation,
    intra_relation,
    pearson,
)

NAN, INF = float("nan"), float("inf")


def logits(rows=16, classes=4, seed=0, spread=2.0):
    generator = torch.Generator().manual_seed(seed)
    student, teacher = (spread * torch.randn(rows, classes, generator=generator) for _ in range(2))
    return student, teacher, torch.randint(classes, (rows,), generator=generator)


def numpy_cross_entropy(student, labels):
    student, labels = student.double().numpy(), labels.numpy()
    return -log_softmax(student, axis=1)[np.arange(len(labels)), labels].mean()


def numpy_dist(student, teacher, labels, beta, gamma, tau, ce_weight, scale_tau2):
    """Equations 1 to 5 with numpy.corrcoef, in float64: the total and its terms."""
    y_s, y_t = (softmax(z.double().numpy() / tau, axis=1) for z in (student, teacher))
    scale = tau**2 if scale_tau2 else 1
    inter = scale * (1 - np.mean([np.corrcoef(s, t)[0, 1] for s, t in zip(y_s, y_t, strict=True)]))
    intra = scale * (1 - np.mean([np.corrcoef(s, t)[0, 1] for s, t in zip(y_s.T, y_t.T, strict=True)]))
    ce = numpy_cross_entropy(student, labels)
    return ce_weight * ce + beta * inter + gamma * intra, {"ce": ce, "inter": inter, "intra": intra}


@pytest.mark.parametrize("scale_tau2", [True, False])
@pytest.mark.parametrize(
    ("beta", "gamma", "tau", "ce_weight"),
    [(2, 2, 1, 1), (1, 3, 4, 1), (0, 2, 0.5, 1), (2, 0, 2, 0), (0.5, 0.25, 8, 0.3), (0, 0, 1, 1)],
)
def test_dist_equals_numpy(beta, gamma, tau, ce_weight, scale_tau2):
    for seed in range(3):
        batch = logits(seed=seed)
        loss = DISTLoss(beta, gamma, tau, ce_weight, scale_tau2)
        total, terms = numpy_dist(*batch, beta, gamma, tau, ce_weight, scale_tau2)
        # float32 against float64: rounding is some 1e-7 of a correlation, times tau squared
        close = {"rel": 1e-5, "abs": 1e-6 * max(tau, 1) ** 2}
        assert float(loss(*batch)) == pytest.approx(total, **close)
        assert {k: float(v) for k, v in loss.terms(*batch).items()} == pytest.approx(terms, **close)


def test_defaults_are_the_reports():
    batch = logits()
    assert float(DISTLoss()(*batch)) == pytest.approx(numpy_dist(*batch, 2, 2, 1, 1, True)[0], rel=1e-5)


@pytest.mark.parametrize("weights", [(1.5, 0.5, 2, 0.7), (0, 0, 1, 0)])
def test_dist_terms_sum_to_total(weights):
    beta, gamma, _, ce_weight = weights
    batch = logits()
    loss = DISTLoss(*weights)
    terms = loss.terms(*batch)
    expected = ce_weight * terms["ce"] + beta * terms["inter"] + gamma * terms["intra"]
    torch.testing.assert_close(loss(*batch), expected)
    torch.testing.assert_close(loss.total(terms), expected)


def test_scaling_multiplies_relations_by_tau_squared():
    batch = logits()
    plain, scaled = (DISTLoss(tau=3, scale_tau2=on).terms(*batch) for on in (False, True))
    torch.testing.assert_close(scaled["ce"], plain["ce"])
    for name in ("inter", "intra"):
        torch.testing.assert_close(scaled[name], 9 * plain[name])


@pytest.mark.parametrize("tau", [0.5, 1, 4])
def test_equal_logits_have_no_relation_loss(tau):
    student, _, labels = logits()
    terms = DISTLoss(tau=tau, scale_tau2=False).terms(student, student.clone(), labels)
    assert abs(float(terms["inter"])) < 1e-6
    assert abs(float(terms["intra"])) < 1e-6


@pytest.mark.parametrize("loss", [DISTLoss(tau=2), KLLoss(), LogitLoss()], ids=["DIST", "KL", "logits"])
def test_adding_a_constant_to_a_row_changes_nothing(loss):
    student, teacher, labels = logits()
    shift = torch.linspace(-5, 5, len(student))[:, None]
    expected = loss.terms(student, teacher, labels)
    for moved in (loss.terms(student + shift, teacher, labels), loss.terms(student, teacher - shift, labels)):
        for name, value in expected.items():
            torch.testing.assert_close(moved[name], value, rtol=1e-5, atol=1e-5)


def test_order_of_the_batch_changes_nothing():
    student, teacher, labels = logits()
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(
        DISTLoss()(student[order], teacher[order], labels[order]), DISTLoss()(student, teacher, labels)
    )


def test_one_article_has_an_inter_but_no_intra_relation():
    student, teacher, labels = logits(rows=1)
    student.requires_grad_()
    terms = DISTLoss().terms(student, teacher, labels)
    assert terms["intra"].item() == 1  # a column of one value has no order to agree on
    expected = 1 - np.corrcoef(softmax(student.detach().numpy()), softmax(teacher.numpy()))[0, 1]
    assert terms["inter"].item() == pytest.approx(expected, abs=1e-5)
    terms["intra"].backward()
    assert torch.equal(student.grad, torch.zeros_like(student))


@pytest.mark.parametrize(("student", "inter"), [([[3.0, 1.0]], 0), ([[0.1, 0.2]], 2), ([[3.0, 1.0], [0.1, 0.2]], 1)])
def test_with_two_classes_a_row_agrees_or_disagrees(student, inter):
    # two centred values are (d, -d): the correlation is 1 or -1, whatever the confidence
    student = torch.tensor(student)
    teacher, labels = torch.tensor([[2.0, 0.0]]).expand_as(student), torch.zeros(len(student), dtype=torch.long)
    assert float(DISTLoss().terms(student, teacher, labels)["inter"]) == pytest.approx(inter, abs=1e-6)


def test_pearson_equals_numpy_and_is_zero_for_a_constant_row():
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(6, 9, generator=generator) for _ in range(2))
    a[3] = 0.25
    expected = [0 if i == 3 else np.corrcoef(a[i], b[i])[0, 1] for i in range(6)]
    np.testing.assert_allclose(pearson(a, b), expected, atol=1e-6)


def test_intra_is_inter_of_the_transpose():
    y_s, y_t = (z.softmax(dim=1) for z in logits()[:2])
    torch.testing.assert_close(intra_relation(y_s, y_t), inter_relation(y_s.T, y_t.T))
    assert not torch.isclose(intra_relation(y_s, y_t), inter_relation(y_s, y_t))


@pytest.mark.parametrize("loss", [DISTLoss(), DISTLoss(tau=4), KLLoss(), LogitLoss(), CrossEntropy()])
@pytest.mark.parametrize("case", ["normal init", "constant rows", "one constant row", "huge", "enormous"])
def test_gradients_are_finite(loss, case):
    student, teacher, labels = logits()
    if case == "normal init":
        torch.manual_seed(0)
        student = nn.Linear(32, 4)(torch.randn(len(labels), 32)).detach()
    elif case == "constant rows":  # a zero-initialised last layer
        student = torch.zeros_like(student)
    elif case == "one constant row":
        student[0] = 1.0
    else:
        student = student * {"huge": 1e4, "enormous": 1e30}[case]
    student.requires_grad_()
    loss(student, teacher, labels).backward()
    assert torch.isfinite(student.grad).all()


@pytest.mark.parametrize("loss", [DISTLoss(), KLLoss(), LogitLoss()])
def test_teacher_gets_no_gradient(loss):
    student, teacher, labels = logits()
    student.requires_grad_()
    teacher.requires_grad_()
    loss(student, teacher, labels).backward()
    assert teacher.grad is None
    assert student.grad.abs().sum() > 0


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("loss", [DISTLoss(), KLLoss(), LogitLoss(), CrossEntropy()])
def test_half_precision_logits_are_computed_in_float32(loss, precision):
    student, teacher, labels = logits()
    low = loss(student.to(precision), teacher.to(precision), labels)
    assert low.dtype == torch.float32
    # bit for bit what the same numbers give in float32: nothing inside ran in half precision
    assert torch.equal(low, loss(student.to(precision).float(), teacher.to(precision).float(), labels))


@pytest.mark.parametrize(("alpha", "tau"), [(0.9, 4), (0.5, 1), (1, 2), (0, 4)])
def test_kl_equals_scipy(alpha, tau):
    student, teacher, labels = logits()
    p_s, p_t = (softmax(z.double().numpy() / tau, axis=1) for z in (student, teacher))
    divergence = tau**2 * rel_entr(p_t, p_s).sum(axis=1).mean()  # of the student from the teacher; a mean over articles
    ce = numpy_cross_entropy(student, labels)
    terms = KLLoss(alpha, tau).terms(student, teacher, labels)
    assert {k: float(v) for k, v in terms.items()} == pytest.approx({"ce": ce, "kl": divergence}, rel=1e-5)
    total = KLLoss(alpha, tau)(student, teacher, labels)
    assert float(total) == pytest.approx((1 - alpha) * ce + alpha * divergence, rel=1e-5)


def test_cross_entropy_ignores_the_teacher():
    student, teacher, labels = logits()
    expected = pytest.approx(numpy_cross_entropy(student, labels), rel=1e-5)
    assert float(CrossEntropy()(student, None, labels)) == expected
    assert float(CrossEntropy()(student, teacher, labels)) == expected


@pytest.mark.parametrize("rows", [1, 7, 32, 50, 100])
def test_cross_entropy_of_labelled_articles_is_pytorchs_to_the_last_bit(rows):
    # the study's older runs were trained by PyTorch's mean: they must come out the same if they are made again
    student, _, labels = logits(rows)
    values, gradients = [], []
    for function in (F.cross_entropy, cross_entropy):
        own = student.clone().requires_grad_()
        values.append(function(own, labels))
        values[-1].backward()
        gradients.append(own.grad)
    assert torch.equal(*values)
    assert torch.equal(*gradients)


def partly_labelled():
    """A batch of 16 of which 6 articles have a label, and which."""
    student, teacher, labels = logits()
    known = torch.tensor([True, False, False, True, True, False, True, False] * 2)
    known[-2:] = False
    return student, teacher, labels.masked_fill(~known, NO_LABEL), known


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_an_article_without_a_label_adds_nothing_to_cross_entropy(smoothing):
    student, _, labels, known = partly_labelled()
    rows = log_softmax(student.double().numpy(), axis=1)
    target = (1 - smoothing) * np.eye(4)[labels.clamp(min=0)] + smoothing / 4
    expected = -(target * rows).sum(axis=1)[known].sum() / 16  # over all articles, not the labelled ones
    student.requires_grad_()
    value = cross_entropy(student, labels, smoothing)
    assert value.item() == pytest.approx(expected, rel=1e-5)
    value.backward()
    assert student.grad[known].abs().sum(dim=1).min() > 0
    assert not student.grad[~known].any()


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.4])
def test_smoothing_is_the_share_of_all_classes(smoothing):
    student, _, labels = logits()
    rows = log_softmax(student.double().numpy(), axis=1)
    own, all_alike = -rows[np.arange(16), labels].mean(), -rows.mean()
    value = float(CrossEntropy(smoothing)(student, None, labels))
    assert value == pytest.approx((1 - smoothing) * own + smoothing * all_alike, rel=1e-5)


def test_the_weight_of_cross_entropy_multiplies_it():
    student, _, labels = logits()
    plain, heavy = CrossEntropy(), CrossEntropy(weight=3.5)
    torch.testing.assert_close(heavy(student, None, labels), 3.5 * plain(student, None, labels))
    assert torch.equal(heavy.terms(student, None, labels)["ce"], plain.terms(student, None, labels)["ce"])


def test_logit_loss_by_hand():
    # centred: (1, -1, 0, 0) and (2, 0, 0, -2); then (3, -1, -1, -1) and (0, 0, 0, 0)
    student = torch.tensor([[2.0, 0.0, 1.0, 1.0], [4.0, 0.0, 0.0, 0.0]])
    teacher = torch.tensor([[7.0, 5.0, 5.0, 3.0], [9.0, 9.0, 9.0, 9.0]])
    labels = torch.tensor([0, 3])
    mse = ((1 + 1 + 0 + 4) + (9 + 1 + 1 + 1)) / 8
    e = np.e
    ce = (-np.log(e**2 / (e**2 + 1 + 2 * e)) - np.log(1 / (e**4 + 3))) / 2
    terms = LogitLoss().terms(student, teacher, labels)
    assert {name: float(value) for name, value in terms.items()} == pytest.approx({"ce": ce, "mse": mse}, rel=1e-5)
    assert float(LogitLoss()(student, teacher, labels)) == pytest.approx(0.3 * ce + 0.7 * mse, rel=1e-5)
    assert float(LogitLoss(alpha=1)(student, teacher, labels)) == pytest.approx(mse, rel=1e-5)
    assert float(LogitLoss(alpha=0)(student, teacher, labels)) == pytest.approx(ce, rel=1e-5)


@pytest.mark.parametrize(("loss", "term", "share"), [(KLLoss(0.9, 4), "kl", 0.9), (LogitLoss(0.7), "mse", 0.7)])
def test_without_any_label_the_teacher_alone_speaks(loss, term, share):
    student, teacher, labels = logits()
    expected = float(loss.terms(student, teacher, labels)[term])
    nothing = labels.clone().fill_(NO_LABEL)
    student.requires_grad_()
    assert loss.terms(student, teacher, nothing)["ce"].item() == 0
    value = loss(student, teacher, nothing)
    assert value.item() == pytest.approx(share * expected, rel=1e-6)
    value.backward()
    assert torch.isfinite(student.grad).all()
    assert student.grad.any()


@pytest.mark.parametrize("loss", [DISTLoss(), KLLoss(), LogitLoss()])
def test_a_hidden_label_changes_the_labels_term_alone(loss):
    student, teacher, labels, known = partly_labelled()
    whole, part = loss.terms(*logits()), loss.terms(student, teacher, labels)
    assert {name for name in whole if not torch.equal(whole[name], part[name])} == {"ce"}
    torch.testing.assert_close(part["ce"], F.cross_entropy(student[known], labels[known]) * known.sum() / 16)


@pytest.mark.parametrize("kind", [DISTLoss, KLLoss])
@pytest.mark.parametrize("tau", [0, -1, NAN, INF])
def test_bad_temperature_is_refused(kind, tau):
    with refused(ValueError, f"tau is {tau}"):
        kind(tau=tau)


@pytest.mark.parametrize("name", ["beta", "gamma", "ce_weight"])
@pytest.mark.parametrize("value", [-0.1, NAN, INF])
def test_bad_weight_is_refused(name, value):
    with refused(ValueError, f"{name} is {value}"):
        DISTLoss(**{name: value})


@pytest.mark.parametrize("kind", [KLLoss, LogitLoss])
@pytest.mark.parametrize("alpha", [-0.1, 1.1, NAN])
def test_bad_alpha_is_refused(kind, alpha):
    with refused(ValueError, f"alpha is {alpha}"):
        kind(alpha=alpha)


@pytest.mark.parametrize("smoothing", [-0.1, 1, 1.5, NAN])
def test_bad_smoothing_is_refused(smoothing):
    with refused(ValueError, f"smoothing is {smoothing}"):
        CrossEntropy(smoothing=smoothing)


def poisoned(value, whose):
    student, teacher, labels = logits()
    {"student": student, "teacher": teacher}[whose][3, 1] = value
    return student, teacher, labels


@pytest.mark.parametrize("loss", [DISTLoss(), KLLoss(), LogitLoss()])
@pytest.mark.parametrize("whose", ["student", "teacher"])
@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_logits_that_are_no_numbers_are_refused(loss, whose, value):
    with refused(ValueError, f"{whose} logits hold NaN or infinite values"):
        loss(*poisoned(value, whose))


S, T, Y = logits()
BAD_BATCHES = {
    "other articles": ((S, T[:-1], Y), "Student logits have shape (16, 4) and teacher logits (15, 4)"),
    "other classes": ((S, T[:, :3], Y), "Student logits have shape (16, 4) and teacher logits (16, 3)"),
    "one article's logits": ((S[0], T[0], Y[:1]), "student logits have shape (4,)"),
    "teacher's of one article": ((S, T[0], Y), "Student logits have shape (16, 4) and teacher logits (4,)"),
    "no article": ((S[:0], T[:0], Y[:0]), "student logits have shape (0, 4)"),
    "label too high": ((S, T, Y.clone().fill_(4)), "labels go from 4 to 4; the classes are 0 to 3"),
    "label too low": ((S, T, Y.clone().fill_(-1)), "labels go from -1 to -1"),
    "label too high beside hidden ones": (
        (S, T, Y.clone().fill_(NO_LABEL).index_fill_(0, torch.tensor([5]), 4)),
        "labels go from 4 to 4; the classes are 0 to 3",
    ),
    "label too low beside hidden ones": (
        (S, T, Y.clone().fill_(NO_LABEL).index_fill_(0, torch.tensor([5]), -99)),
        "labels go from -99 to -99",
    ),
    "too few labels": ((S, T, Y[:-1]), "labels have shape (15,)"),
    "one-hot labels": ((S, T, nn.functional.one_hot(Y, 4)), "labels have shape (16, 4)"),
    "no teacher": ((S, None, Y), "compares with a teacher: pass its logits"),
}


@pytest.mark.parametrize("loss", [DISTLoss(), KLLoss(), LogitLoss()])
@pytest.mark.parametrize("case", BAD_BATCHES)
def test_bad_batch_is_refused(loss, case):
    batch, fragment = BAD_BATCHES[case]
    with refused(ValueError, fragment):
        loss(*batch)
