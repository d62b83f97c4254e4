"""Two runs compared by seed, by article and by subgroup."""

import numpy as np
import pandas as pd
import pytest
from helpers import refused, relabelled
from made_records import PAIR, match_seeds, record_of, rights, seeds_of

from agnews_utils.analysis.pairs import (
    accuracy_per_article,
    gains_by_seed,
    gains_by_subgroup,
    paired_comparisons,
    seed_gains,
    subgroups,
)
from agnews_utils.analysis.statistics import mcnemar, seed_interval


def test_mean_right_is_a_share_of_seeds():
    records = [record_of("model3_simpler_cnn_plain", np.array(right, bool)) for right in ([1, 1, 0], [1, 0, 0])]
    assert accuracy_per_article(records).tolist() == [1, 0.5, 0]


def made_facts(rows):
    return pd.DataFrame(
        {
            "tokens": np.arange(rows) * 3 + 5,
            "artefact": np.arange(rows) % 2,
            "agency": 0,
            "unseen_words": np.arange(rows) / rows,
            "nearest_train": [0.5, 0.49] * (rows // 2),
        }
    )


def test_kinds_of_article():
    labels = np.arange(30) % 4
    kinds = subgroups(made_facts(30), labels, 64)
    assert kinds["class Sports"].tolist() == (labels == 1).tolist()
    assert kinds["cut at 64 tokens"].tolist() == [5 + 3 * i > 64 for i in range(30)]
    assert kinds["short (lowest third)"].sum() == kinds["long (highest third)"].sum() == 10
    assert kinds["near duplicate in training"].sum() == 15
    assert kinds["no word unseen in training"].sum() == 1
    assert not any("agency" in name for name in kinds)  # a kind that no row is of is left out
    assert all(mask.dtype == bool for mask in kinds.values())


def test_gains_by_kind():
    before, after = (record_of("model1_simple_cnn_plain", right) for right in rights(10, 30, 40, 20))
    first = np.arange(100) < 40  # holds all disagreements
    table = gains_by_subgroup([before], [after], {"first": first, "rest": ~first})
    assert table["articles"].to_dict() == {"all": 100, "first": 40, "rest": 60}
    assert table["gain"].to_dict() == pytest.approx({"all": 0.2, "first": 0.5, "rest": 0})
    assert table.loc["all", "after"] - table.loc["all", "before"] == pytest.approx(0.2)
    assert (table["low"] <= table["gain"]).all()
    assert (table["gain"] <= table["high"]).all()
    assert table.loc["all", "low"] > 0


def test_gains_are_paired_by_seed():
    records = match_seeds({0: (10, 30), 1: (20, 20), 2: (30, 10)})
    after = [run for run in records[PAIR[1]] if run.seed != 0][::-1]  # another order, and a seed missing
    gains = gains_by_seed(records[PAIR[0]], after)
    assert sorted(gains.index) == [1, 2]
    assert gains.mean(axis=1).to_dict() == pytest.approx({1: 0, 2: -0.02})
    assert seed_gains(records[PAIR[0]], after).to_dict() == pytest.approx({1: 0, 2: -0.02})


def test_a_fixed_model_is_asked_against_every_seed_of_the_other():
    teacher, student = PAIR
    records = {
        teacher: seeds_of(teacher, {0: relabelled(100, 0.9), 1: relabelled(100, 0.5)}),
        student: seeds_of(student, {0: relabelled(100, 0.7), 4: relabelled(100, 0.6)}),
    }
    row = paired_comparisons(records, [(student, teacher)], fixed=[teacher]).iloc[0]
    assert (row["seeds"], row["gain"]) == (
        2,
        pytest.approx(25),
    )  # 90 against 70 and 60; the teacher's seed 1 is not asked
    assert paired_comparisons(records, [(teacher, student)], fixed=[teacher]).iloc[0]["gain"] == pytest.approx(-25)
    assert paired_comparisons(records, [(teacher, student)], fixed=PAIR).iloc[0]["seeds"] == 1
    assert paired_comparisons(records, [(teacher, student)]).iloc[0]["seeds"] == 1


def test_gains_without_a_shared_seed():
    records = match_seeds({0: (1, 2), 1: (1, 2)})
    with refused(ValueError, "share no seed"):
        gains_by_seed(records[PAIR[0]][:1], records[PAIR[1]][1:])


def test_table_of_pairs():
    row = paired_comparisons(match_seeds({0: (10, 40), 1: (10, 50), 2: (45, 10)}), [PAIR]).iloc[0]
    assert row["gain"] == pytest.approx(100 * (30 + 40 - 35) / 3000)
    assert (row["only_baseline_correct"], row["only_treatment_correct"], row["seeds"]) == (10, 40, 3)
    assert row["p"] == mcnemar(np.arange(50) < 10, np.arange(50) >= 10)["p"]
    assert (row["treatment_wins"], row["baseline_wins"]) == (2, 1)
    assert row["low"] < 0 < row["gain"] < row["high"]
    low, high = seed_interval(np.array([3.0, 4.0, -3.5]))
    assert (row["seeds_low"], row["seeds_high"]) == pytest.approx((low, high))
