import numpy as np
import pytest
from helpers import refused

from agnews_utils.analysis.chance import toss


@pytest.fixture(scope="module")
def tossed():
    return toss()


def test_accuracies_spread_as_a_binomial(tossed):
    assert tossed.accuracies.mean() == pytest.approx(0.91, abs=2e-4)
    assert tossed.accuracies.std() == pytest.approx(np.sqrt(0.91 * 0.09 / 7600), rel=0.03)


def test_intervals_hold_the_true_accuracy_as_often_as_they_say(tossed):
    assert tossed.caught.mean() == pytest.approx(0.95, abs=0.01)
    low, high = tossed.intervals.T
    assert ((low < tossed.accuracies) & (tossed.accuracies < high)).all()


def test_same_articles_leave_less_to_chance(tossed):
    assert tossed.unpaired.std() == pytest.approx(np.sqrt(2 * 0.91 * 0.09 / 7600), rel=0.03)
    assert tossed.paired.std() == pytest.approx(np.sqrt(0.062 / 7600), rel=0.03)
    assert abs(tossed.paired.mean()) < 2e-4


def test_several_seeds_spread_less_about_the_true_gain(tossed):
    own = toss(shared=0)
    spreads = [own.mean_gains(seeds).std() for seeds in (1, 10)]
    assert tossed.mean_gains(10).mean() == pytest.approx(0.003, abs=1e-4)
    assert spreads[0] / spreads[1] == pytest.approx(np.sqrt(10), rel=0.05)


def test_the_luck_of_the_articles_does_not_average_away(tossed):
    """Of a share s that all seeds decide alike, the mean over n seeds keeps the variance s + (1 - s) / n of one."""
    ratio = (tossed.mean_gains(10).std() / tossed.mean_gains(1).std()) ** 2
    assert ratio == pytest.approx(0.07 + 0.93 / 10, rel=0.05)
    assert np.ptp(toss(shared=1, models=5).seed_gains, axis=1).max() == 0


def test_same_seed_same_tosses(tossed):
    assert np.array_equal(toss().paired, tossed.paired)
    assert not np.array_equal(toss(seed=1).paired, tossed.paired)


@pytest.mark.parametrize("settings", [{"differ": 0.3}, {"differ": 0.001, "gain": 0.003}])
def test_models_that_cannot_be_are_refused(settings):
    with refused(ValueError, "two models of accuracy 0.91 differ on between"):
        toss(**settings)


def test_models_that_never_differ_have_no_difference():
    assert not toss(differ=0, gain=0, models=5).paired.any()
