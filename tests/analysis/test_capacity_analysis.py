"""Gains by size, teacher and batch, and the surface of a search, on made-up numbers."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from agnews_utils import plotting
from agnews_utils.analysis import capacity
from agnews_utils.study.capacity import batch_name, map_name


def seeds_of(*shares, articles=1000):
    """Seeds whose first articles, so many of a thousand, are right."""
    return pd.DataFrame([np.arange(articles) < share for share in shares], index=range(len(shares))).astype(int)


CORRECT = {
    map_name("1 million"): seeds_of(880, 882, 878),
    map_name("1 million", "CNN-1", "KL"): seeds_of(900, 902, 898),
    map_name("10 thousand"): seeds_of(800, 802, 798),
    map_name("10 thousand", "CNN-1", "KL"): seeds_of(800, 802),
}


def test_gains_are_paired_by_seed():
    gains = capacity.gains_by_size(CORRECT, "KL")
    assert gains.loc[("CNN-1", "1 million"), "gain"] == pytest.approx(2)
    assert gains.loc[("CNN-1", "1 million"), "low"] > 0
    assert gains.loc[("CNN-1", "10 thousand"), ["gain", "seeds"]].tolist() == pytest.approx([0, 2])
    assert set(gains.index) == {("CNN-1", "1 million"), ("CNN-1", "10 thousand")}
    assert capacity.gains_by_size(CORRECT, "DIST").empty


def test_difference_of_gains():
    evidence, verdict = capacity.compare_gains(CORRECT, "KL", ("1 million", "CNN-1"), ("10 thousand", "CNN-1"))
    assert evidence.startswith("gains +2.00 and +0.00 over 2 seeds; their difference +2.00 percentage points")
    assert verdict == "holds"
    with pytest.raises(KeyError, match="make study --runs map"):
        capacity.compare_gains(CORRECT, "KL", ("1 million", "fine-tuned"), ("10 thousand", "CNN-1"))


@pytest.mark.parametrize(
    ("smallest", "verdict", "of_teachers"),
    # with 800 the smallest gains nothing: a difference whose larger gain is none proves nothing
    [(800, "holds", "inconclusive"), (820, "inconclusive", "holds"), (860, "does not hold", "holds")],
)
def test_verdicts_on_the_map(smallest, verdict, of_teachers):
    taught = {size: map_name(size, "fine-tuned and n-grams", "DIST") for size in ("10 thousand", "1 million")}
    correct = CORRECT | {
        taught["1 million"]: seeds_of(900, 902, 898),
        taught["10 thousand"]: seeds_of(smallest, smallest + 2, smallest - 2),
        map_name("10 thousand", "CNN-1", "DIST"): seeds_of(790, 792, 788),
    }
    table = capacity.verdicts(correct)
    assert table.loc["4, map", "verdict"] == verdict
    assert table.loc["4, teacher", "verdict"] == of_teachers
    assert "3 seeds" in table.loc["4, map", "evidence"]


def test_gains_by_batch():
    correct = {batch_name("plain", 32): seeds_of(500), batch_name("intra", 32): seeds_of(510)}
    gains = capacity.gains_by_batch(correct)
    assert gains.loc[("intra", 32), "gain"] == pytest.approx(1)
    plotting.gains_by_batch(gains)
    plotting.gain_maps({"KL": capacity.gains_by_size(CORRECT, "KL")}, "map")
    plt.close("all")


@pytest.fixture(scope="module")
def trials():
    """Noisy trials of a hill with its top at tau 2, beta 4, gamma 1."""
    generator = np.random.default_rng(0)
    drawn = np.exp(generator.uniform(np.log(0.3), np.log(12), (60, 3)))
    settings = pd.DataFrame(drawn, columns=["tau", "beta", "gamma"])
    away = np.log(settings / [2, 4, 1]) ** 2
    return settings.assign(validation_accuracy=0.9 - 0.01 * away.sum(axis=1) + generator.normal(0, 0.001, 60))


def test_the_surface_finds_the_top_of_a_hill(trials):
    best = capacity.best_of_surface(trials)
    assert best["expected"] == pytest.approx(0.9, abs=0.002)
    for name, top in (("tau", 2), ("beta", 4), ("gamma", 1)):
        assert np.log(best[name] / top) == pytest.approx(0, abs=0.25)


def test_the_noise_of_a_trial_is_not_that_of_the_surface(trials):
    mean, deviation = capacity.at_settings(trials, {"tau": 2, "beta": 4, "gamma": 1})
    assert mean == pytest.approx(0.9, abs=0.002)
    assert 0 < deviation < 0.002
    far = capacity.at_settings(trials, {"tau": 100, "beta": 100, "gamma": 100})
    assert far[1] > deviation  # where nothing was tried, little is known
    values, grid = capacity.surface(trials)
    marked = {"the report's": {"tau": 1, "beta": 2, "gamma": 2}, "best": capacity.best_of_surface(trials)}
    assert len(plotting.search_surface(trials, values, grid, marked).axes) == 4  # three panels and the colour bar
    plt.close("all")
