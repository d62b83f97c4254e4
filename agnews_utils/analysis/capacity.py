"""What notebook 07 reads from its map and its search: gains by size and teacher, by batch size, and the surface."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import pandas as pd
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

from ..study.capacity import BATCH_SIZES, PARAMETERS, RELATIONS, SIZES, TAUGHT_BY, batch_name, map_name
from .claims import judge, judge_difference
from .statistics import two_way_bootstrap_interval

Correct = Mapping[str, pd.DataFrame]  # a run's name to whether each test article was correct (seeds, articles)
GRID = 25  # points of the surface along each axis


def _gains(correct: Correct, baseline: str, treatment: str) -> pd.DataFrame | None:
    """Gains (shared seeds, articles); None where a run is not there, or they share no seed."""
    if baseline not in correct or treatment not in correct:
        return None
    before, after = correct[baseline], correct[treatment]
    seeds = before.index.intersection(after.index)
    return after.loc[seeds] - before.loc[seeds] if len(seeds) else None


def _row(gains: pd.DataFrame) -> dict[str, float]:
    low, high = two_way_bootstrap_interval(gains)
    return {"gain": 100 * gains.to_numpy().mean(), "low": 100 * low, "high": 100 * high, "seeds": len(gains)}


def _table(rows: Mapping[tuple, dict[str, float]], levels: list[str]) -> pd.DataFrame:
    table = pd.DataFrame(list(rows.values()), columns=["gain", "low", "high", "seeds"])
    return table.set_index(pd.MultiIndex.from_frame(pd.DataFrame(list(rows), columns=levels)))


def gains_by_size(correct: Correct, loss: str) -> pd.DataFrame:
    """Gain over labels alone of each teacher (first level of the index) at each size (second level).

    Columns ``gain``, ``low``, ``high`` in percentage points (two-way bootstrap), and ``seeds``.
    """
    rows = {}
    for teacher in TAUGHT_BY:
        for size in SIZES:
            gains = _gains(correct, map_name(size), map_name(size, teacher, loss))
            if gains is not None:
                rows[teacher, size] = _row(gains)
    return _table(rows, ["teacher", "size"])


def compare_gains(correct: Correct, loss: str, one: tuple[str, str], other: tuple[str, str]) -> tuple[str, str]:
    """Evidence and verdict, by the rule, on "this (size, teacher) gains more over labels alone than the other".

    Raises:
        KeyError: a run is not there.
    """
    first, second = (_gains(correct, map_name(size), map_name(size, teacher, loss)) for size, teacher in (one, other))
    if first is None or second is None:
        raise KeyError(f"There is no record of {one} or {other} with {loss}: make study --runs map.")
    holds = [judge(gains)[1] and gains.to_numpy().mean() > 0 for gains in (first, second)]
    return judge_difference(first, second, holds)


def verdicts(correct: Correct, loss: str = "DIST") -> pd.DataFrame:
    """What the map says of claim 4, by the rule of the verdicts; columns as those of ``claims.verdicts``."""
    strongest, weakest = list(TAUGHT_BY)[-1], next(iter(TAUGHT_BY))
    smallest, other = "10 thousand", "1 million"
    statements = {
        "4, map": (f"{loss} gains less for {smallest} parameters than for {other} (teacher: {strongest})",
                   (other, strongest), (smallest, strongest)),
        "4, teacher": (f"a stronger teacher ({strongest}) gives {smallest} parameters more than a weak one ({weakest})",
                       (smallest, strongest), (smallest, weakest)),
    }  # fmt: skip
    rows = {}
    for number, (text, one, two) in statements.items():
        evidence, verdict = compare_gains(correct, loss, one, two)
        rows[number] = {"text": text, "evidence": evidence, "verdict": verdict}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("claim")


def gains_by_batch(correct: Correct) -> pd.DataFrame:
    """Gain of inter, intra and both over labels alone (index, with the batch size), as in :func:`gains_by_size`."""
    rows = {}
    for batch in BATCH_SIZES:
        for relation in [relation for relation in RELATIONS if relation != "plain"]:
            gains = _gains(correct, batch_name("plain", batch), batch_name(relation, batch))
            if gains is not None:
                rows[relation, batch] = _row(gains)
    return _table(rows, ["relation", "batch"])


@lru_cache(maxsize=4)
def _fitted(trials: tuple[tuple[float, ...], ...]) -> GaussianProcessRegressor:
    points = np.array(trials)
    kernel = ConstantKernel(1.0) * RBF([1.0, 1.0, 1.0], (0.3, 30.0)) + WhiteKernel(0.5, (1e-3, 10.0))
    process = GaussianProcessRegressor(kernel, normalize_y=True, n_restarts_optimizer=2, random_state=0)
    return process.fit(np.log(points[:, :3]), points[:, 3])


def fit_surface(trials: pd.DataFrame) -> GaussianProcessRegressor:
    """A Gaussian process of validation accuracy over the logarithms of ``tau``, ``beta`` and ``gamma``.

    A trial is noisy (one seed): the process separates its noise from what the settings do.
    """
    columns = [*PARAMETERS, "validation_accuracy"]
    return _fitted(tuple(trials[columns].itertuples(index=False, name=None)))  # one fit serves all questions


def grid_of(trials: pd.DataFrame) -> dict[str, np.ndarray]:
    """Values of each parameter between the lowest and the highest tried, evenly on a logarithmic scale."""
    return {n: np.geomspace(trials[n].min(), trials[n].max(), GRID) for n in PARAMETERS}


def surface(trials: pd.DataFrame) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Expected validation accuracy over the grid (tau, beta, gamma), and the grid's values."""
    axes = grid_of(trials)
    points = np.stack(np.meshgrid(*map(np.log, axes.values()), indexing="ij"), axis=-1)
    return fit_surface(trials).predict(points.reshape(-1, 3)).reshape(points.shape[:-1]), axes


def best_of_surface(trials: pd.DataFrame) -> dict[str, float]:
    """The grid point of the highest expected accuracy, two digits, with that accuracy as ``expected``."""
    values, axes = surface(trials)
    at = np.unravel_index(values.argmax(), values.shape)
    best = {name: float(f"{axis[i]:.2g}") for (name, axis), i in zip(axes.items(), at, strict=True)}
    return best | {"expected": float(values.max())}


def at_settings(trials: pd.DataFrame, settings: Mapping[str, float]) -> tuple[float, float]:
    """Expected validation accuracy at these settings and its standard deviation, noise of a trial left out."""
    process = fit_surface(trials)
    noise = process.kernel_.k2.noise_level * np.var(trials["validation_accuracy"].to_numpy())
    point = np.log([[settings[n] for n in PARAMETERS]])
    mean, deviation = process.predict(point, return_std=True)
    return float(mean[0]), float(np.sqrt(max(deviation[0] ** 2 - noise, 0)))
