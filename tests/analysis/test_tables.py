"""Intervals, the exact paired test, the results table and the rule for the verdicts."""

import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers import refused, relabelled

from agnews_utils.analysis.pairs import (
    accuracy_per_article,
    gains_by_seed,
    gains_by_subgroup,
    paired_comparisons,
    seed_gains,
    subgroups,
)
from agnews_utils.analysis.report import report_accuracy, report_curves
from agnews_utils.analysis.statistics import (
    accuracy_interval,
    mcnemar,
    paired_bootstrap_interval,
    seed_interval,
    two_way_bootstrap_interval,
    variance_components_interval,
)
from agnews_utils.analysis.tables import (
    accuracy_over_seeds,
    confusion,
    costs,
    early_stopping_costs,
    encoding_seconds,
    results_markdown,
    results_table,
    save_table,
)
from agnews_utils.analysis.wording import format_duration, format_p, plural
from agnews_utils.settings import CLASS_NAMES
from agnews_utils.study.records import Record, in_groups
from agnews_utils.study.runs import RUNS


def test_report_accuracy_is_the_reports():
    assert report_accuracy() == pytest.approx(
        {
            "model1_simple_cnn_plain": 0.9087,
            "model2_simple_cnn_distilled": 0.9225,
            "model3_simpler_cnn_plain": 0.9092,
            "model4_simpler_cnn_distilled": 0.9146,
            "model6_bert_vdcnn_teacher": 0.9326,
            "model5_char_vdcnn": 0.9083,
        },
        abs=1e-9,
    )


def test_report_curves_have_every_epoch():
    curves = report_curves()
    assert (
        curves.groupby("run")["epoch"].apply(list).map(lambda epochs: epochs == list(range(1, len(epochs) + 1))).all()
    )
    assert curves.groupby("run").size().to_dict() == {
        "model1_simple_cnn_plain": 20,
        "model2_simple_cnn_distilled": 20,
        "model3_simpler_cnn_plain": 20,
        "model4_simpler_cnn_distilled": 20,
        "model6_bert_vdcnn_teacher": 30,
    }


# --- intervals


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


# --- the paired test


def rights(only_a, only_b, both=20, neither=5):
    """Two models' rights with the given numbers of rows."""
    a = np.repeat([True, False, True, False], [only_a, only_b, both, neither])
    b = np.repeat([False, True, True, False], [only_a, only_b, both, neither])
    return a, b


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


@pytest.mark.parametrize(
    ("p", "words"),
    [(1, "1.00"), (0.0499, "0.050"), (0.012, "0.012"), (0.00123, "0.0012"), (1e-4, "0.0001"), (1e-5, "< 0.0001")],
)
def test_p_in_words(p, words):
    assert format_p(p) == words


@pytest.mark.parametrize(("count", "words"), [(1, "1 seed"), (np.int64(1), "1 seed"), (np.int64(10), "10 seeds")])
def test_plural_of_a_number_or_a_cell_of_a_table(count, words):
    assert plural(count, "seed") == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.44, "0.4 s"), (12.4, "12 s"), (119, "119 s"), (150, "2 min"), (7199, "120 min"), (9000, "2.5 h")],
)
def test_seconds_in_words(seconds, words):
    assert format_duration(seconds) == words


# --- made records


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


def test_record_accuracies():
    record = record_of("model1_simple_cnn_plain", relabelled(200, 0.7), epochs=[(0.6, 0.7), (0.5, 0.9), (0.4, 0.8)])
    assert record.correct.tolist() == relabelled(200, 0.7).tolist()
    assert record.test_accuracy == pytest.approx(0.7)
    assert record.best_test_accuracy == 0.9  # the report's protocol: the test set selects


def test_mean_right_is_a_share_of_seeds():
    records = [record_of("model3_simpler_cnn_plain", np.array(right, bool)) for right in ([1, 1, 0], [1, 0, 0])]
    assert accuracy_per_article(records).tolist() == [1, 0.5, 0]


def test_confusion():
    record = record_of("model1_simple_cnn_plain", np.array([1, 1, 0, 1, 0], bool))
    table = confusion(record)  # labels 0 1 2 3 0; a wrong row is taken for the next class
    assert table.index.tolist() == table.columns.tolist() == list(CLASS_NAMES)
    assert table.to_numpy().tolist() == [[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 1]]


def test_confusion_of_a_class_that_is_never_predicted():
    record = replace(record_of("model1_simple_cnn_plain", np.ones(8, bool)), test_logits=np.eye(4)[[0] * 8])
    assert confusion(record).to_numpy().tolist() == [[2, 0, 0, 0]] * 4


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


# --- the results table


def test_results_table_of_made_records():
    name = "model3_simpler_cnn_plain"
    seeds = [
        record_of(name, relabelled(400, share), seed, seconds, [(0.5, best), (0.4, 0.1)])
        for seed, (share, seconds, best) in enumerate([(0.90, 10, 0.91), (0.80, 30, 0.83)])
    ]
    row = results_table({name: seeds}).iloc[0]
    assert row["test_accuracy"] == pytest.approx(0.85)
    assert row["best_test_accuracy"] == pytest.approx(0.91)  # of the first seed, which trains all epochs
    assert row["report"] == pytest.approx(0.9092)
    assert row["train_seconds"] == 20
    assert row["seeds"] == 2
    assert row["sd"] == pytest.approx(0.1 / math.sqrt(2))
    assert row["parameters"] == 1000
    # the interval is of the number beside it
    assert row["low"] < 0.85 < row["high"]
    assert row["high"] - row["low"] == pytest.approx(2 * 1.96 * math.sqrt(0.85 * 0.15 / 400), rel=0.02)


@pytest.mark.parametrize(
    ("allowed", "written"), [(2, "| 91.00 | **90.00**"), (20, "| 91.00 (of 2 epochs) | **90.00**")]
)
def test_the_table_says_of_how_many_epochs_a_best_is_where_a_run_stopped_early(allowed, written):
    name = "model3_simpler_cnn_plain"
    record = record_of(name, relabelled(400, 0.90), epochs=[(0.5, 0.91), (0.4, 0.1)], allowed=allowed)
    table = results_table({name: [record]})
    assert bool(table["stopped_early"][0]) == (allowed == 20)
    markdown = results_markdown(table, "Made in a test")
    assert written in re.sub(" +", " ", markdown)  # cells are padded


def test_results_table_of_the_smoke_study(smoke_records):
    table = results_table(smoke_records).set_index("run")
    assert table.index.tolist() == list(smoke_records)
    for name, records in smoke_records.items():
        row = table.loc[name]
        accuracies = [np.mean(r.test_logits.argmax(axis=1) == r.labels) for r in records]
        assert row["test_accuracy"] == pytest.approx(np.mean(accuracies))
        assert row["low"] < row["test_accuracy"] < row["high"]
        assert row["parameters"] == records[0].parameters
        assert row["seeds"] == len(records)
        if "test_accuracy" in records[0].history:
            assert row["best_test_accuracy"] == records[0].history["test_accuracy"].max()
    assert table.loc["model1_simple_cnn_plain", "parameters"] == 6_026_372
    assert table["report"].notna().sum() == 6
    assert math.isnan(table.loc["tfidf_linear", "report"])


def test_markdown_table(smoke_records):
    table = results_table(smoke_records)
    lines = results_markdown(table, "Made in a test").splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert lines[0].startswith("Test accuracy in percent.")
    assert "Made in a test" in lines[0]
    assert len(rows) == len(smoke_records) + 2
    assert len({row.count("|") for row in rows}) == 1
    cells = {
        re.sub(r" \(Table \d\)$", "", cell[0]): cell
        for cell in ([c.strip() for c in row.split("|")[1:-1]] for row in rows[2:])
    }
    for row in table.to_dict("records"):
        written = cells[row["model"]]
        assert f"**{100 * row['test_accuracy']:.2f}**" in written
        assert f"{100 * row['low']:.2f} to {100 * row['high']:.2f}" in written
    assert {"90.87", "6.03 M"} <= set(cells["Model 1: Simple CNN, plain"])
    assert any("90.83 (quoted)" in cell for cell in cells["Model 5: character VDCNN"])
    assert "nan" not in "".join(rows)


def test_saved_table_comes_back(smoke_records, tmp_path):
    table = results_table(smoke_records)
    save_table(table, tmp_path / "new", "Made in a test")
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"results_table.csv", "results_table.md"}
    read = pd.read_csv(tmp_path / "new" / "results_table.csv")
    assert (read["made_with"] == "Made in a test").all()
    assert read["run"].tolist() == table["run"].tolist()
    numbers = table.select_dtypes("number").columns
    pd.testing.assert_frame_equal(read[numbers], table[numbers].round(6), check_dtype=False)


# --- several seeds


PAIR = ("model3_simpler_cnn_plain", "model4_simpler_cnn_distilled")


def seeds_of(name, rights_by_seed):
    return [record_of(name, right, seed) for seed, right in rights_by_seed.items()]


def match_seeds(disagreements, rows=1000):
    """Records of Models 3 and 4; ``disagreements``: for each seed, articles that only one of them got right."""
    pairs = {seed: rights(a, b, 500, rows - 500 - a - b) for seed, (a, b) in disagreements.items()}
    return {name: seeds_of(name, {s: pair[i] for s, pair in pairs.items()}) for i, name in enumerate(PAIR)}


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


def test_accuracy_over_seeds():
    name = PAIR[0]
    runs = seeds_of(name, {seed: relabelled(400, share) for seed, share in enumerate((0.8, 0.9))})
    row = accuracy_over_seeds({name: runs}).loc[name]
    assert (row["mean"], row["lowest"], row["highest"]) == pytest.approx((85, 80, 90))
    assert row["sd"] == pytest.approx(10 / math.sqrt(2))
    low, high = seed_interval(np.array([80.0, 90.0]))
    assert (row["low"], row["high"]) == pytest.approx((low, high))


def test_what_patience_gives_away():
    kept = record_of(PAIR[0], relabelled(100, 0.5), epochs=[(0.7, 0.60), (0.6, 0.61), (0.8, 0.65)])
    kept.metadata["recipe"] = {"epochs": 3, "patience": 1, "run_on": True}
    stopped = record_of(PAIR[0], relabelled(100, 0.5), seed=1, epochs=[(0.7, 0.60), (0.6, 0.61)])
    stopped.metadata["recipe"] = {"epochs": 3, "patience": 1, "run_on": False}
    table = early_stopping_costs({PAIR[0]: [kept, stopped]})
    assert len(table) == 1
    row = table.iloc[0]
    assert (row["selected_epoch"], row["best_epoch"]) == (1, 3)
    assert (row["test_accuracy"], row["best_epoch_accuracy"]) == pytest.approx((60, 65))


def test_costs():
    history = pd.DataFrame({"epoch": [1, 2], "train_seconds": [900, 900], "eval_seconds": [0, 1800]})
    records = {}
    for name in ("model3_simpler_cnn_plain", "model4_simpler_cnn_distilled", "model6_bert_vdcnn_teacher"):
        record = record_of(name, relabelled(100, 0.5), seconds=1800)
        records[name] = [replace(record, history=history)]
    table = costs(records, seconds_per_article=3.6).set_index("model")
    assert table["core_hours"].tolist() == [2.0] * 3  # an hour on two threads
    assert table["epochs"].tolist() == [2] * 3
    assert table["encoding_hours_saved"].tolist() == pytest.approx([0, 2 * 120 * 0.001, 2 * 120 * 0.001])
    assert table["report_gpu_hours"].round(2).tolist() == [0.02, 2.93, 4.6]


def test_records_of_a_part(smoke_records):
    assert list(in_groups(smoke_records, "ablation")) == [n for n in smoke_records if RUNS[n].group == "ablation"]
    course = in_groups(smoke_records, "report", "baseline")
    assert len(course) == 10


def test_seconds_of_encoding():
    ids = ["encoding_sorted_vs_padded", "teacher_cached_vs_encoding"]
    seconds = {"numerator_seconds": [9, 5.0], "denominator_seconds": [3, 1.0]}
    table = pd.DataFrame({"id": ids, **seconds, "threads": 2, "articles": 1000})
    assert encoding_seconds(table) == pytest.approx(0.008)
