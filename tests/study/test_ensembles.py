"""Means of teachers: their weights, and who is asked about which article."""

from types import SimpleNamespace

import numpy as np
import pytest
from helpers import refused
from scipy.special import softmax

from agnews_utils.models import SimplerCNN
from agnews_utils.study.ensembles import Ensemble, ensemble, fit_weights, members_logits, shuffled_within_classes
from agnews_utils.study.runs import Member, Run

# --- weights


def truth(rows=20_000, seed=0):
    """Logits (articles, classes), and labels drawn with the probabilities that they give."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 2, (rows, 4))
    drawn = generator.random((rows, 1)) > softmax(logits, axis=1).cumsum(axis=1)
    return logits, drawn.sum(axis=1).clip(max=3)


@pytest.mark.parametrize("factor", [0.5, 1, 3, 8])
def test_one_members_weight_is_the_inverse_of_its_temperature(factor):
    logits, labels = truth()
    weights = fit_weights(factor * logits[None], labels)
    assert weights == pytest.approx([1 / factor], rel=0.05)  # of 20,000 labels: a standard deviation is some 1 %


def test_two_halves_of_the_truth_weigh_what_they_were_scaled_by():
    logits, labels = truth()
    part = np.random.default_rng(1).normal(0, 1.5, logits.shape)
    weights = fit_weights(np.stack([(logits - part) * 2, part * 0.5]), labels)
    assert weights == pytest.approx([0.5, 2], rel=0.06)


def test_noise_weighs_nothing():
    logits, labels = truth()
    noise = np.random.default_rng(1).normal(0, 2, logits.shape)
    assert fit_weights(np.stack([noise, logits]), labels) == pytest.approx([0, 1], abs=0.05)


def test_no_weight_is_negative():
    logits, labels = truth(2000)
    contrary = np.random.default_rng(1).normal(0, 2, logits.shape) - logits
    weights = fit_weights(np.stack([contrary, logits]), labels)
    assert weights[0] == 0
    assert weights[1] == pytest.approx(1, abs=0.15)
    assert fit_weights(-logits[None], labels).tolist() == [0]


# --- the control


def test_logits_are_exchanged_within_their_class_alone():
    logits = np.random.default_rng(3).normal(size=(200, 4)).astype(np.float32)
    before = logits.copy()
    shuffled = shuffled_within_classes(logits)
    assert np.array_equal(logits, before)
    assert shuffled.dtype == logits.dtype
    classes = logits.argmax(axis=1)
    assert np.array_equal(shuffled.argmax(axis=1), classes)
    for number in range(4):  # the same rows, in another order
        own, others = logits[classes == number], shuffled[classes == number]
        assert sorted(own.tolist()) == sorted(others.tolist())
        assert (own != others).any(axis=1).mean() > 0.8


def test_logits_are_exchanged_the_same_way_every_time():
    logits = np.random.default_rng(3).normal(size=(50, 4))
    assert np.array_equal(shuffled_within_classes(logits), shuffled_within_classes(logits))
    assert not np.array_equal(shuffled_within_classes(logits), shuffled_within_classes(logits, seed=1))


# --- who is asked


class Asked:
    """A study of folds whose logits say which run, seed, split and article they are of.

    Digits: tens of thousands for the run, thousands for the seed, the split's hundreds, the article.
    """

    rows = {"train": 7, "validation": 3, "test": 2, "further": 4}  # noqa: RUF012

    def __init__(self, folds=3):
        self.runs = {f"fold{k}": Run(f"fold{k}", "a fold", SimplerCNN, fold=(k, folds)) for k in range(folds)}
        self.runs["whole"] = Run("whole", "no fold", SimplerCNN)

    def run(self, name):
        return self.runs[name]

    def number(self, name, split, seed):
        return 10_000 * list(self.runs).index(name) + 1000 * seed + 100 * list(self.rows).index(split)

    def teacher_logits(self, name, split="train", seed=0):
        return np.tile(self.number(name, split, seed) + np.arange(self.rows[split])[:, None], (1, 4)).astype(np.float32)


def mean_of(*members):
    return Run("mean", "a mean", Ensemble, "logits", members=members)


THREE = ("fold0", "fold1", "fold2")


def test_an_unseen_article_is_asked_of_the_fold_that_left_it_out():
    logits = members_logits(Asked(), mean_of(Member(THREE), Member(THREE, seed=2)), "train")
    assert logits.shape == (2, 7, 4)
    first = [0, 10_001, 20_002, 3, 10_004, 20_005, 6]
    assert logits[0].T.tolist() == [first] * 4
    assert logits[1].T.tolist() == [[2000 + number for number in first]] * 4


def test_a_control_asks_those_that_trained_on_the_article():
    study = Asked()
    expected = [15_000, 10_001, 5002, 15_003, 10_004, 5005, 15_006]  # the mean of the two other folds
    for run, seen in ((mean_of(Member(THREE, seen=True)), None), (mean_of(Member(THREE)), True)):
        assert members_logits(study, run, "train", seen)[0, :, 0].tolist() == expected
    unseen = members_logits(study, mean_of(Member(THREE, seen=True)), "train", seen=False)
    assert np.array_equal(unseen, members_logits(study, mean_of(Member(THREE)), "train"))


@pytest.mark.parametrize(("split", "hundreds"), [("validation", 100), ("test", 200), ("further", 300)])
@pytest.mark.parametrize("seen", [None, False, True])
def test_all_folds_are_asked_about_what_none_trained_on(split, hundreds, seen):
    logits = members_logits(Asked(), mean_of(Member(THREE, seed=1)), split, seen)
    assert logits[0, :, 2].tolist() == [11_000 + hundreds + row for row in range(Asked.rows[split])]


def test_a_run_that_saw_every_article_cannot_be_asked():
    run = mean_of(Member(("fold0", "whole")))
    with refused(ValueError, "'whole' trained on every training article: only folds can be asked about unseen ones"):
        members_logits(Asked(), run, "train")


class Learnt(Asked):
    """Two folds that know the labels of the articles that they trained on, and of others as much as ``knows``."""

    def __init__(self, knows):
        super().__init__(folds=2)
        self.knows = knows
        self.rows = {split: 600 for split in ("train", "validation", "test")}
        generator = np.random.default_rng(0)
        labels = {split: generator.integers(4, size=600) for split in self.rows}
        self.inputs = SimpleNamespace(splits={split: {"label": of.tolist()} for split, of in labels.items()})

    def teacher_logits(self, name, split="train", seed=0):
        generator = np.random.default_rng(self.number(name, split, seed))
        logits = 2 * generator.normal(size=(600, 4))
        known = np.eye(4)[self.inputs.splits[split]["label"]]
        left_out, folds = self.run(name).fold
        trained_on = (np.arange(600) % folds != left_out) & (split == "train")
        return logits + np.where(trained_on, 100, self.knows)[:, None] * known


TWO = ("fold0", "fold1")


@pytest.mark.parametrize("seen", [False, True])
def test_weights_are_of_unseen_articles_also_for_a_control(seen):
    # by what they trained on both would weigh much; of other articles they know nothing
    mean = ensemble(Learnt(knows=0), mean_of(Member(TWO, seen=seen)))
    assert mean.weights == pytest.approx([0], abs=0.06)


@pytest.mark.parametrize(("seen", "accuracy"), [(False, 0.6), (True, 1)])
def test_an_ensembles_history_says_how_right_it_is_and_its_logits_are_the_weighted_sum(seen, accuracy):
    study, run = Learnt(knows=2), mean_of(Member(TWO, seen=seen), Member(TWO, seed=1, seen=seen))
    mean = ensemble(study, run)
    assert (mean.weights > 0.3).all()
    (row,) = mean.history
    assert row["train_accuracy"] == pytest.approx(accuracy, abs=0.15)
    assert row["weights"] == pytest.approx(mean.weights, abs=1e-4)
    for split in ("train", "validation", "test"):
        first, second = members_logits(study, run, split)
        expected = mean.weights[0] * first + mean.weights[1] * second
        np.testing.assert_allclose(mean.logits(split), expected)
        labels = study.inputs.splits[split]["label"]
        assert row[f"{split}_accuracy"] == (expected.argmax(axis=1) == labels).mean()
        loss = -np.log(softmax(expected, axis=1)[np.arange(600), labels]).mean()
        assert row[f"{split}_loss"] == pytest.approx(loss, rel=1e-6)
