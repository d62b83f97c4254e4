"""What chance alone does to an accuracy, to a difference and to a gain over seeds: coins tossed in place of models."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .statistics import accuracy_interval


@dataclass(frozen=True)
class CoinTosses:
    """Tossed models; all numbers are shares. :func:`toss` makes it.

    Attributes:
        articles: test articles that each model is asked
        accuracy: the true accuracy of every model
        differ: share of the articles on which two models differ, one right and one wrong
        gain: how much better than the other the better of two models truly is
        accuracies: (models,), measured
        unpaired: (models,), measured differences of two models of that accuracy, each asked other articles
        paired: (models,), the same of two models asked the same articles
        seed_gains: (models, seeds), measured gains of the better one, on the same articles, of newly trained pairs
    """

    articles: int
    accuracy: float
    differ: float
    gain: float
    accuracies: np.ndarray
    unpaired: np.ndarray
    paired: np.ndarray
    seed_gains: np.ndarray

    @cached_property
    def intervals(self) -> np.ndarray:
        """The interval of each model's accuracy, (models, 2)."""
        values, place = np.unique(np.rint(self.accuracies * self.articles), return_inverse=True)
        return np.array([accuracy_interval(np.arange(self.articles) < right) for right in values])[place]

    @property
    def caught(self) -> np.ndarray:
        """Which intervals hold the true accuracy, (models,)."""
        return (self.intervals[:, 0] <= self.accuracy) & (self.accuracy <= self.intervals[:, 1])

    def mean_gains(self, seeds: int) -> np.ndarray:
        """Measured gains as means over so many seeds, (models,)."""
        return self.seed_gains[:, :seeds].mean(axis=1)


def toss(
    articles: int = 7_600, accuracy: float = 0.91, differ: float = 0.062, gain: float = 0.003, models: int = 10_000,
    seeds: int = 10, seed: int = 0, shared: float = 0.07,
) -> CoinTosses:  # fmt: skip
    """Tosses a coin for each answer, the same coins for the same arguments.

    A model answers each article rightly by a coin that falls so with its accuracy. Of two models on the same articles,
    only those on which they differ are tossed, each for one of the two. A new seed tosses them anew. The defaults are
    close to the one-layer student, plain and with DIST, of the published study.

    Args:
        models: how many models, or pairs of them
        seeds: how many seeds are trained of each pair that differs by ``gain``
        shared: share of the articles on which the two differ that all seeds of a pair decide alike: the articles' own
            luck

    Raises:
        ValueError: two models of that accuracy cannot differ on so many articles, or so few cannot give that gain.
    """
    if not abs(gain) <= differ <= 2 * min(accuracy, 1 - accuracy):
        raise ValueError(
            f"differ is {differ}: two models of accuracy {accuracy} differ on between {abs(gain):g} and "
            f"{2 * min(accuracy, 1 - accuracy):g} of the articles when one gains {gain}."
        )
    generator, contested = np.random.default_rng(seed), round(differ * articles)

    def gains(mean: float, tosses: int, count: int | tuple[int, int]) -> np.ndarray:
        won = generator.binomial(tosses, 0.5 + mean * articles / (2 * contested) if contested else 0.5, count)
        return (2 * won - tosses) / articles

    accuracies, one, other = generator.binomial(articles, accuracy, (3, models)) / articles
    alike = round(shared * contested)
    of_seeds = gains(gain, alike, (models, 1)) + gains(gain, contested - alike, (models, seeds))
    return CoinTosses(
        articles, accuracy, differ, gain, accuracies, one - other, gains(0, contested, models), of_seeds
    )  # fmt: skip
