"""Calibration error against its definition, and the temperature that mends it."""

import numpy as np
import pytest
from helpers import refused, relabelled
from made_records import record_of
from scipy.special import softmax

from agnews_utils.analysis.calibration import (
    answered,
    confidence,
    confidence_threshold,
    expected_calibration_error,
    fit_temperature,
    reliability,
)
from agnews_utils.analysis.tables import calibration_table


def drawn(rows, temperature, seed=0):
    """Logits, and labels drawn from softmax(logits / temperature): calibrated at exactly this temperature."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 2, (rows, 4))
    shares = softmax(logits / temperature, axis=1)
    return logits, (shares.cumsum(axis=1) < generator.random((rows, 1))).sum(axis=1)


def logits_of(probabilities):
    return np.log(np.asarray(probabilities))


def test_calibration_error_by_hand():
    # three articles at confidence 0.7, two of them right; one at 0.4, wrong
    logits = logits_of([[0.7, 0.1, 0.1, 0.1]] * 3 + [[0.4, 0.2, 0.2, 0.2]])
    labels = np.array([0, 0, 1, 2])
    assert expected_calibration_error(logits, labels) == pytest.approx((3 * abs(0.7 - 2 / 3) + 0.4) / 4)
    table = reliability(logits, labels)
    assert table["articles"].tolist() == [1, 3]
    assert table["accuracy"].tolist() == pytest.approx([0, 2 / 3])
    assert table["confidence"].tolist() == pytest.approx([0.4, 0.7])


def test_full_confidence_falls_into_the_last_bin():
    logits = np.array([[100.0, 0, 0, 0]])
    assert reliability(logits, np.array([0])).index.tolist() == [14]
    assert expected_calibration_error(logits, np.array([0])) == pytest.approx(0)
    assert expected_calibration_error(logits, np.array([1])) == pytest.approx(1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_temperature_is_found_and_mends(temperature):
    logits, labels = drawn(20_000, temperature)
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.05)
    mended = expected_calibration_error(logits / temperature, labels)
    assert mended < 0.015
    assert temperature == 1 or expected_calibration_error(logits, labels) > 5 * mended


def test_confidence_is_between_a_quarter_and_one():
    logits = np.random.default_rng(0).normal(0, 5, (100, 4))
    assert (confidence(logits) >= 0.25).all()
    assert (confidence(logits) <= 1).all()


def test_threshold_by_hand():
    # confidences 0.9 (right), 0.8 (right), 0.7 (wrong), 0.6 (right): from which on are so many right?
    logits = logits_of([[c, *[(1 - c) / 3] * 3] for c in (0.9, 0.8, 0.7, 0.6)])
    labels = np.array([0, 0, 1, 0])
    assert answered(logits, labels, 0.75) == (0.5, 1.0)
    assert answered(logits, labels, 0.65) == (0.75, pytest.approx(2 / 3))
    assert np.isnan(answered(logits, labels, 0.95)[1])
    assert confidence_threshold(logits, labels, 1.0) == pytest.approx(0.701)
    assert confidence_threshold(logits, labels, 0.75) == 0
    with refused(ValueError, "No confidence gives an accuracy of 1.0"):
        confidence_threshold(logits, np.ones(4, int), 1.0)


@pytest.mark.parametrize("accuracy", [0.7, 0.8, 0.9])
def test_threshold_is_the_smallest_that_reaches_the_accuracy(accuracy):
    logits, labels = drawn(5_000, 1.0)
    threshold = confidence_threshold(logits, labels, accuracy)
    assert answered(logits, labels, threshold)[1] >= accuracy
    assert all(answered(logits, labels, smaller)[1] < accuracy for smaller in np.arange(0, threshold - 5e-4, 0.001))


def test_calibration_table_is_a_mean_over_seeds():
    name = "model3_simpler_cnn_plain"
    runs = [record_of(name, relabelled(200, share), seed) for seed, share in enumerate((0.8, 0.6))]
    row = calibration_table({name: runs}).iloc[0]
    assert row["accuracy"] == pytest.approx(70)
    errors = [100 * expected_calibration_error(run.test_logits, run.labels) for run in runs]
    assert row["ece"] == pytest.approx(np.mean(errors))
    assert row["seeds"] == 2
