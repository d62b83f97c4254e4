"""Properties that hold for any input: k-max pooling, the losses, collate. Inputs are drawn at random by hypothesis."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import rel_entr, softmax

from agnews_utils.batches import collate
from agnews_utils.losses import CrossEntropy, DISTLoss, KLLoss, LogitLoss, inter_relation, intra_relation
from agnews_utils.models import kmax_pool

QUICK = settings(max_examples=60, deadline=None)
SEEDS = st.integers(0, 2**32 - 1)


def drawn(seed, *shape, spread=1.0):
    return spread * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# --- k-max pooling

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 12))


@QUICK
@given(SEEDS, SHAPES, st.integers(1, 10))
def test_kmax_keeps_the_largest_values_in_their_order(seed, shape, k):
    x = drawn(seed, *shape)
    kept = kmax_pool(x, k)
    assert kept.shape == (*shape[:2], k)
    there = min(k, shape[2])
    torch.testing.assert_close(kept[..., :there].sort(dim=2).values, x.topk(there, dim=2).values.sort(dim=2).values)
    assert not kept[..., there:].any()
    for row, values in zip(x.flatten(0, 1).tolist(), kept[..., :there].flatten(0, 1).tolist(), strict=True):
        places = [row.index(value) for value in values]
        assert places == sorted(places)


@QUICK
@given(SEEDS, SHAPES, st.integers(1, 10), st.integers(0, 9), st.floats(-9, 9))
def test_kmax_does_not_see_padding(seed, shape, k, padding, filler):
    x = drawn(seed, *shape).round(decimals=0)  # ties, too
    mask = torch.ones(shape[0], shape[2], dtype=torch.bool)
    padded = torch.cat([x, torch.full((*shape[:2], padding), filler)], dim=2)
    longer = torch.cat([mask, torch.zeros(shape[0], padding, dtype=torch.bool)], dim=1)
    assert torch.equal(kmax_pool(padded, k, longer), kmax_pool(x, k))


@QUICK
@given(SEEDS, SHAPES, st.integers(1, 10))
def test_kmax_of_more_is_never_less(seed, shape, k):
    x = drawn(seed, *shape).abs()
    assert (kmax_pool(x, k + 1).sum(dim=2) >= kmax_pool(x, k).sum(dim=2) - 1e-5).all()


# --- losses

TAUS = st.sampled_from([0.1, 0.5, 1.0, 4.0, 20.0, 1e3, 1e4, 1e6])
BATCHES = st.tuples(SEEDS, st.integers(2, 20), st.integers(2, 9), st.sampled_from([0.0, 1e-6, 0.1, 1.0, 10.0, 1e4]))


def batch(drawn_batch):
    seed, rows, classes, spread = drawn_batch
    student, teacher = (drawn(seed + part, rows, classes, spread=spread) for part in (0, 1))
    labels = torch.randint(classes, (rows,), generator=torch.Generator().manual_seed(seed))
    return student, teacher, labels


@QUICK
@given(BATCHES, TAUS)
def test_the_kl_divergence_is_never_negative(drawn_batch, tau):
    student, teacher, labels = batch(drawn_batch)
    assert KLLoss(0.9, tau).terms(student, teacher, labels)["kl"] >= 0
    assert KLLoss(0.9, tau).terms(student, student.clone(), labels)["kl"] == 0


@pytest.mark.parametrize("tau", [1, 100, 1e4])
def test_the_kl_divergence_is_right_at_a_large_temperature(tau):
    student, teacher, labels = batch((3, 16, 4, 2.0))
    p_s, p_t = (softmax(z.double().numpy() / tau, axis=1) for z in (student, teacher))
    expected = tau**2 * rel_entr(p_t, p_s).sum(axis=1).mean()
    assert float(KLLoss(0.9, tau).terms(student, teacher, labels)["kl"]) == pytest.approx(expected, rel=1e-4)


def test_the_kl_divergence_goes_to_half_the_variance_of_the_difference():
    # Hinton et al. 2015, section 2.1: at a high temperature KL is the squared difference of centred logits
    student, teacher, labels = batch((5, 16, 4, 2.0))
    difference = (student - teacher).double()
    limit = float(difference.var(dim=1, correction=0).mean() / 2)
    assert float(KLLoss(0.9, 1e5).terms(student, teacher, labels)["kl"]) == pytest.approx(limit, rel=1e-3)


@QUICK
@given(BATCHES, st.sampled_from([0.5, 1.0, 4.0]))
def test_relations_are_between_0_and_2(drawn_batch, tau):
    student, teacher, _ = batch(drawn_batch)
    y_s, y_t = (student / tau).softmax(dim=1), (teacher / tau).softmax(dim=1)
    for relation in (inter_relation, intra_relation):
        assert -1e-5 <= float(relation(y_s, y_t)) <= 2 + 1e-5
        assert float(relation(y_s, y_t)) == pytest.approx(float(relation(y_t, y_s)), abs=1e-5)  # symmetric


@QUICK
@given(BATCHES, st.floats(0.5, 4), st.floats(-0.2, 0.2))
def test_relations_do_not_see_scale_and_shift(drawn_batch, scale, shift):
    assume(drawn_batch[3] in (0.1, 1.0))  # constant rows correlate with nothing, and neither do their shifts
    student, teacher, _ = batch(drawn_batch)
    y_s, y_t = student.softmax(dim=1).double(), teacher.softmax(dim=1).double()
    for relation in (inter_relation, intra_relation):
        assert float(relation(scale * y_s + shift, y_t)) == pytest.approx(float(relation(y_s, y_t)), abs=1e-6)


LOSSES = [CrossEntropy(), CrossEntropy(0.1), DISTLoss(), DISTLoss(tau=4), KLLoss(), KLLoss(tau=1), LogitLoss()]


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: f"{type(loss).__name__}{getattr(loss, 'tau', '')}")
@QUICK
@given(BATCHES)
def test_losses_are_finite_with_a_finite_gradient_and_see_no_order(loss, drawn_batch):
    student, teacher, labels = batch(drawn_batch)
    student.requires_grad_()
    value = loss(student, teacher, labels)
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(student.grad).all()
    if drawn_batch[3] < 0.1:  # nearly constant rows: in float32 their correlation is that of rounding
        return
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(drawn_batch[0]))
    again = loss(student.detach()[order], teacher[order], labels[order])
    torch.testing.assert_close(again, value.detach(), rtol=1e-4, atol=1e-4)


@QUICK
@given(BATCHES)
def test_a_gradient_step_goes_down(drawn_batch):
    assume(drawn_batch[3] in (0.1, 1.0))
    student, teacher, labels = batch(drawn_batch)
    for loss in (CrossEntropy(), KLLoss(), LogitLoss()):  # convex in the logits
        own = student.clone().requires_grad_()
        value = loss(own, teacher, labels)
        value.backward()
        assert loss(student - 0.1 * own.grad, teacher, labels) <= value.detach() + 1e-5


# --- collate


@QUICK
@given(st.lists(st.lists(st.integers(1, 68), max_size=9), min_size=1, max_size=6), SEEDS)
def test_collate_pads_with_zeros_and_loses_nothing(articles, seed):
    labels = np.random.default_rng(seed).integers(-100, 4, len(articles))
    items = [(np.array(article, np.uint8), label) for article, label in zip(articles, labels, strict=True)]
    characters, together = collate(items)
    assert together.dtype == torch.long
    assert together.tolist() == labels.tolist()
    assert characters.shape == (len(articles), max(map(len, articles)))
    for row, article in zip(characters.tolist(), articles, strict=True):
        assert row[: len(article)] == article
        assert not any(row[len(article) :])


@QUICK
@given(st.integers(1, 6), st.integers(1, 4), st.lists(st.integers(1, 5), min_size=1, max_size=5), SEEDS)
def test_collate_keeps_columns_apart(width, hidden, lengths, seed):
    rng = np.random.default_rng(seed)
    items = [
        (rng.normal(size=(length, hidden)).astype(np.float32), rng.integers(0, 9, width), rng.integers(4))
        for length in lengths
    ]
    features, tokens, labels = collate(items)
    assert features.shape == (len(lengths), max(lengths), hidden)
    for number, (own, ids, label) in enumerate(items):
        assert np.array_equal(features[number, : len(own)].numpy(), own)
        assert not features[number, len(own) :].any()
        assert tokens[number].tolist() == ids.tolist()
        assert labels[number] == label
