"""What notebook 07 reads from the records."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers import relabelled
from made_records import PAIR, match_seeds, record_of

from agnews_utils import plotting
from agnews_utils.analysis.strong import (
    SCARCE_KINDS,
    accuracy_against_labels,
    change_by_last_epoch,
    draws_of_labels,
    gains,
    groups_of_articles,
    labels_needed,
    likely_mislabelled,
)
from agnews_utils.study.runs import MODEL3
from agnews_utils.study.strong import ALL_RUNS, scarce_names


def scarce(labels, *shares, draw=0):
    """Records of the four kinds of model with so many labels; None: not made."""
    names = zip(scarce_names(labels, draw), shares, strict=True)
    made = {name: record_of(MODEL3, relabelled(100, share)) for name, share in names if share is not None}
    return {name: [replace(record, run=ALL_RUNS[name])] for name, record in made.items()}


def test_accuracy_against_labels():
    table = accuracy_against_labels(scarce(100, 0.5, 0.8, 0.3, 0.7) | scarce(2_000, 0.7, None, None, 0.9))
    assert list(table.index) == [100, 2_000]
    assert table.loc[100].tolist() == pytest.approx([50, 80, 30, 70])
    assert table.loc[2_000, SCARCE_KINDS[0]] == pytest.approx(70)
    assert np.isnan(table.loc[2_000, SCARCE_KINDS[1]])
    assert accuracy_against_labels({}).empty
    figure = plotting.accuracy_against_labels(table)
    assert len(figure.axes[0].lines) == 4
    assert not figure.axes[0].collections
    bars = plotting.accuracy_against_labels(table, table.loc[[100]].assign(**{SCARCE_KINDS[0]: 40.0}))
    assert len(bars.axes[0].collections) == 4  # a bar a kind, on the left alone
    assert not bars.axes[1].collections
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == list(SCARCE_KINDS)


def test_the_change_by_the_last_epoch_is_the_largest_of_any_network():
    made = scarce(100, 0.5, 0.8, 0.3, 0.7)
    for name, last in zip(scarce_names(100)[1:], (0.79, 0.33, 0.7), strict=True):
        made[name] = [replace(made[name][0], history=pd.DataFrame({"test_accuracy": [0.1, last]}))]
    assert change_by_last_epoch(made) == pytest.approx(3)
    assert np.isnan(change_by_last_epoch({}))


def test_draws_of_the_labels():
    made = (
        scarce(100, 0.5, 0.8, 0.3, 0.7)
        | scarce(100, 0.4, 0.7, 0.2, 0.9, draw=2)
        | scarce(100, 0.4, None, 0.2, 0.9, draw=3)
    )
    table = draws_of_labels(made)  # the last one is not whole
    assert table.loc[1].tolist() == pytest.approx([50, 80, 30, 70])
    assert table.loc[3].tolist() == pytest.approx([40, 70, 20, 90])
    assert list(table.index) == [1, 3]
    assert draws_of_labels({}).empty


def test_labels_that_a_teacher_saves():
    table = accuracy_against_labels(scarce(100, 0.5, 0.8, 0.3, 0.7) | scarce(32_000, 0.9, 0.9, 0.6, 0.9))
    needed = labels_needed(table)
    assert needed.index.tolist() == ["100", "32,000"]
    assert needed["n-gram baseline"].tolist() == ["about 1,800", "about 32,000"]  # on a logarithmic scale, halfway
    assert needed["student on the labels alone"].tolist() == ["more than 32,000"] * 2


def test_a_label_is_likely_wrong_where_the_teacher_is_sure_of_another():
    logits = np.log(np.array([[0.96, 0.02, 0.01, 0.01], [0.96, 0.02, 0.01, 0.01], [0.9, 0.08, 0.01, 0.01]]))
    assert likely_mislabelled(logits, np.array([1, 0, 1])).tolist() == [True, False, False]


def test_groups_share_out_the_articles():
    generator = np.random.default_rng(0)
    labels, logits = np.arange(400) % 4, generator.standard_normal((400, 4))
    groups = groups_of_articles(pd.DataFrame({"tokens": generator.permutation(400)}), labels, logits)
    for prefix, parts in (("class", 4), ("third", 3), ("quarter", 4)):
        some = [mask for name, mask in groups.items() if prefix in name]
        assert len(some) == parts
        assert (np.sum(some, axis=0) == 1).all()
    sure, doubt = (groups[name] for name in ("teacher surest, 1st quarter", "teacher in doubt, 4th quarter"))
    assert np.ptp(logits[sure], axis=1).mean() > np.ptp(logits[doubt], axis=1).mean()


def test_gains_of_pairs_with_records():
    records = match_seeds({0: (10, 90), 1: (10, 90), 2: (12, 90)})
    found = gains(records, {"DIST": PAIR, "one missing": (PAIR[0], "another"), "other missing": ("another", PAIR[1])})
    assert list(found) == ["DIST"]
    assert found["DIST"].number.startswith("+7.93 percentage points (95 % +")
    assert found["DIST"].is_clear
    figure = plotting.forest_of_answers({"against labels alone": found}, "Gains")
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["", "DIST (3 seeds)"]
    assert [text.get_text() for text in figure.axes[0].texts] == ["against labels alone"]


def test_bytes_are_drawn_with_their_levels():
    table = pd.DataFrame({"bytes": [5e6, 1e5], "accuracy": [92.7, 90.0]})
    axes = plotting.accuracy_against_bytes({"students": table, "words": table - 1}, {"teacher": 93.8}).axes[0]
    assert axes.lines[0].get_xdata().tolist() == [0.1, 5.0]  # smallest first, in megabytes
    assert [line.get_label() for line in axes.lines[:2]] == ["students", "words"]
    assert {text.get_text() for text in axes.texts} == {"92.70", "90.00", "91.70", "89.00", "teacher: 93.8 %"}
