"""Intervals and the exact paired test."""

import math

import numpy as np
import pytest
from helpers import refused
from made_records import rights

from agnews_utils.analysis.statistics import (
    accuracy_interval,
    mcnemar,
    paired_bootstrap_interval,
    seed_interval,
    two_way_bootstrap_interval,
    variance_components_interval,
)


@pytest.mark.parametrize(
    ("right", "rows", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (0, 10, 0, 0.2775), (10, 10, 0.7225, 1), (81, 263, 0.2553, 0.3662), (1, 1, 0.2065, 1)],
)
def test_wilson_interval_has_its_known_values(right, rows, low, high):
    # 81 of 263 is Newcombe's (1998) worked example; 0 of n gives z^2 / (n + z^2)
    assert accuracy_interval(np.arange(rows) < right) == pytest.approx((low, high), abs=5e-5)


def test_wilson_interval_of_the_reports_test_split():
    low, high = accuracy_interval(np.arange(7600) < 7000)
    assert (high - low) / 2 == pytest.approx(0.0061, abs=1e-4)  # about 0.6 points, as report_facts.md says


def test_interval_of_nothing_is_refused():
    with refused(ValueError, "An accuracy needs at least one article"):
        accuracy_interval(np.array([], bool))


def test_gain_interval_without_a_gain():
    assert paired_bootstrap_interval(np.zeros(50)) == (0, 0)
    assert paired_bootstrap_interval(np.ones(50)) == pytest.approx((1, 1))
    assert paired_bootstrap_interval(np.full(1, -1)) == pytest.approx((-1, -1))


def test_gain_interval_holds_the_truth_as_often_as_it_says():
    generator, truth, held = np.random.default_rng(0), 0.05, 0
    for _ in range(200):
        gains = generator.choice([-1, 0, 1], p=[0.10, 0.75, 0.15], size=400)
        low, high = paired_bootstrap_interval(gains)
        assert low < gains.mean() < high
        held += low <= truth <= high
    assert 180 <= held <= 199  # 190 expected, sd 3


def test_gain_interval_is_as_wide_as_the_normal_one():
    gains = np.random.default_rng(1).choice([-1, 0, 1], p=[0.05, 0.85, 0.10], size=7600)
    low, high = paired_bootstrap_interval(gains)
    assert (high - low) / 2 == pytest.approx(1.96 * gains.std() / math.sqrt(7600), rel=0.05)
    assert paired_bootstrap_interval(gains) == (low, high)  # the same every time


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 5), (0, 6), (3, 9), (9, 3), (7, 7), (10, 25), (1, 0)])
def test_mcnemar_equals_the_binomial_by_hand(only_a, only_b):
    n, k = only_a + only_b, min(only_a, only_b)
    by_hand = min(1, 2 * sum(math.comb(n, i) for i in range(k + 1)) / 2**n)
    result = mcnemar(*rights(only_a, only_b))
    assert result == {
        "only_a_correct": only_a,
        "only_b_correct": only_b,
        "gain": pytest.approx((only_b - only_a) / (n + 25)),
        "p": pytest.approx(by_hand),
    }


def test_mcnemar_of_models_that_never_disagree():
    assert mcnemar(*rights(0, 0)) == {"only_a_correct": 0, "only_b_correct": 0, "gain": 0, "p": 1}


def test_mcnemar_needs_the_same_rows():
    with refused(ValueError, "30 and 29 articles: a paired test needs the same test articles"):
        mcnemar(np.ones(30, bool), np.ones(29, bool))


def test_seed_interval_is_students():
    # mean 3, sd 1.5811, t(0.975, 4 degrees) 2.7764
    assert seed_interval(np.array([1.0, 2, 3, 4, 5])) == pytest.approx((3 - 1.9632, 3 + 1.9632), abs=1e-3)
    assert all(math.isnan(x) for x in seed_interval(np.array([1.0])))


def test_two_way_interval_of_one_seed_is_that_over_rows():
    a, b = rights(30, 60, 500, 410)
    gains = b.astype(int) - a
    assert two_way_bootstrap_interval(gains[None]) == pytest.approx(paired_bootstrap_interval(gains), abs=0.001)


def test_two_way_interval_counts_both_seeds_and_rows():
    generator = np.random.default_rng(0)
    rows, seeds = 2000, 10

    def width(seed_sd, shared):
        gains = np.zeros((seeds, rows))
        same = generator.random(rows) < 0.05
        for seed in range(seeds):
            mask = same if shared else generator.random(rows) < 0.05
            gains[seed] = mask * np.where(generator.random(rows) < 0.5 + seed_sd * (-1) ** seed, 1, -1)
        low, high = two_way_bootstrap_interval(gains)
        return high - low

    assert width(0.4, False) > 1.5 * width(0.0, False)  # seeds that differ widen it
    low, high = two_way_bootstrap_interval(
        np.tile(generator.choice([-1, 0, 1], rows, p=[0.02, 0.92, 0.06]), (seeds, 1))
    )
    # seeds that agree wholly add nothing: as wide as over rows alone, however many seeds
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt((0.08 - 0.04**2) / rows), rel=0.15)


def test_interval_of_few_seeds_is_never_narrower_than_student_t():
    rows = np.random.default_rng(0).integers(-1, 2, size=500)
    gains = np.array([np.roll(np.clip(rows + shift, -1, 1), shift) for shift in (-1, 0, 1)])  # three seeds far apart
    low, high = two_way_bootstrap_interval(gains)
    seeds_low, seeds_high = seed_interval(gains.mean(axis=1))
    assert low <= seeds_low < seeds_high <= high
    assert seeds_high - seeds_low > 1  # the bootstrap alone could not reach so far: no seed's gain differs so much
    assert np.ptp(gains.mean(axis=1)) > 0.3


@pytest.mark.slow
def test_two_way_interval_holds_the_truth_as_often_as_it_says():
    generator = np.random.default_rng(1)
    inside = 0
    for _ in range(200):
        seed_effect = generator.normal(0, 0.01, (8, 1))
        row_effect = generator.choice([-1, 0, 1], 800, p=[0.05, 0.88, 0.07])
        low, high = two_way_bootstrap_interval(row_effect + seed_effect + generator.normal(0, 0.05, (8, 800)).round(1))
        inside += low <= 0.02 <= high
    assert inside >= 180  # 95 % asked; drawing both is known to err on the wide side


def test_components_interval_of_seeds_that_agree_is_students_over_rows():
    row = np.random.default_rng(0).choice([-1, 0, 1], 500, p=[0.03, 0.9, 0.07])
    assert variance_components_interval(np.tile(row, (6, 1))) == pytest.approx(seed_interval(row))


def test_components_interval_of_rows_that_agree_is_students_over_seeds():
    seeds = np.array([0.01, 0.03, -0.02, 0.05])
    assert variance_components_interval(np.tile(seeds[:, None], 300)) == pytest.approx(seed_interval(seeds))


def test_components_interval_needs_two_seeds():
    assert np.isnan(variance_components_interval(np.ones((1, 20)))).all()


def test_components_interval_holds_the_truth_as_often_as_it_says_and_is_the_narrower_one():
    generator = np.random.default_rng(2)
    inside = 0
    for draw in range(400):
        parts = generator.normal(0, 0.01, (8, 1)) + generator.normal(0, 0.2, 400) + generator.normal(0, 0.5, (8, 400))
        low, high = variance_components_interval(parts)
        inside += low <= 0 <= high
        if draw < 5:
            wide_low, wide_high = two_way_bootstrap_interval(parts)
            assert high - low < wide_high - wide_low
    assert 365 <= inside <= 395  # 95 % of 400 is 380, with a standard deviation of 4.4
