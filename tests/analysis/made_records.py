"""Run records made up for tests."""

import numpy as np
import pandas as pd

from agnews_utils.study.records import Record
from agnews_utils.study.runs import RUNS


def rights(only_a, only_b, both=20, neither=5):
    """Two models' rights with the given numbers of rows."""
    a = np.repeat([True, False, True, False], [only_a, only_b, both, neither])
    b = np.repeat([False, True, True, False], [only_a, only_b, both, neither])
    return a, b


def record_of(name, right, seed=0, seconds=10.0, epochs=((0.5, 0.5),), rows=None, allowed=None):
    """A record, correct where ``right`` says; ``epochs``: (validation, test) accuracies, of ``allowed`` epochs."""
    labels = np.arange(len(right)) % 4
    logits = np.eye(4, dtype=np.float32)[np.where(right, labels, (labels + 1) % 4)]
    history = pd.DataFrame(
        [{"epoch": i, "validation_accuracy": v, "test_accuracy": t} for i, (v, t) in enumerate(epochs, 1)]
    )
    facts = {
        "parameters": 1000,
        "train_seconds": seconds,
        "rows": {"train": 120 if rows is None else rows, "validation": 10, "test": len(right)},
        "profile": {"char_train_rows": None},
        "best_epoch": 1,
        "recipe": {"patience": None, "run_on": False, "epochs": allowed or len(history)},
        "machine": {"threads": 2},
    }
    return Record(RUNS[name], seed, facts, history, logits, labels, *VALIDATION)


VALIDATION = (np.zeros((10, 4), np.float32), np.zeros(10, int))

PAIR = ("model3_simpler_cnn_plain", "model4_simpler_cnn_distilled")


def seeds_of(name, rights_by_seed):
    return [record_of(name, right, seed) for seed, right in rights_by_seed.items()]


def match_seeds(disagreements, rows=1000):
    """Records of Models 3 and 4; ``disagreements``: for each seed, articles that only one of them got right."""
    pairs = {seed: rights(a, b, 500, rows - 500 - a - b) for seed, (a, b) in disagreements.items()}
    return {name: seeds_of(name, {s: pair[i] for s, pair in pairs.items()}) for i, name in enumerate(PAIR)}
