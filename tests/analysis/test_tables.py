"""The results table and the other tables that are made from records."""

import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers import relabelled
from made_records import PAIR, record_of, seeds_of

from agnews_utils.analysis.statistics import seed_interval
from agnews_utils.analysis.tables import (
    accuracy_over_seeds,
    confusion,
    costs,
    encoding_seconds,
    results_markdown,
    results_table,
    save_table,
)
from agnews_utils.settings import CLASS_NAMES
from agnews_utils.study.records import in_groups
from agnews_utils.study.runs import ONE_MODEL, RUNS, TEACHER


def test_record_accuracies():
    record = record_of("model1_simple_cnn_plain", relabelled(200, 0.7), epochs=[(0.6, 0.7), (0.5, 0.9), (0.4, 0.8)])
    assert record.correct.tolist() == relabelled(200, 0.7).tolist()
    assert record.test_accuracy == pytest.approx(0.7)
    assert record.best_test_accuracy == 0.9  # the report's protocol: the test set selects


def test_confusion():
    record = record_of("model1_simple_cnn_plain", np.array([1, 1, 0, 1, 0], bool))
    table = confusion(record)  # labels 0 1 2 3 0; a wrong row is taken for the next class
    assert table.index.tolist() == table.columns.tolist() == list(CLASS_NAMES)
    assert table.to_numpy().tolist() == [[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 1]]


def test_confusion_of_a_class_that_is_never_predicted():
    record = replace(record_of("model1_simple_cnn_plain", np.ones(8, bool)), test_logits=np.eye(4)[[0] * 8])
    assert confusion(record).to_numpy().tolist() == [[2, 0, 0, 0]] * 4


def test_results_table_of_made_records():
    name = "model3_simpler_cnn_plain"
    seeds = [
        record_of(name, relabelled(400, share), seed, seconds, [(0.5, best), (0.4, 0.1)])
        for seed, (share, seconds, best) in enumerate([(0.90, 10, 0.91), (0.80, 30, 0.83)])
    ]
    row = results_table({name: seeds}).iloc[0]
    assert row["test_accuracy"] == pytest.approx(0.85)
    assert row["best_test_accuracy"] == pytest.approx(0.87)  # the mean of both
    assert row["seconds_per_epoch"] == 10
    assert row["report"] == pytest.approx(0.9092)
    assert row["train_seconds"] == 20
    assert row["seeds"] == 2
    assert row["sd"] == pytest.approx(0.1 / math.sqrt(2))
    assert row["parameters"] == 1000
    # the interval is of the number beside it
    assert row["low"] < 0.85 < row["high"]
    assert row["high"] - row["low"] == pytest.approx(2 * 1.96 * math.sqrt(0.85 * 0.15 / 400), rel=0.02)


def test_a_teacher_stands_for_the_seed_that_taught():
    runs = [record_of(TEACHER, relabelled(400, share), seed=seed) for seed, share in enumerate((0.90, 0.80))]
    table = results_table({TEACHER: runs})
    assert table["test_accuracy"][0] == pytest.approx(0.90)
    assert "1 (another: 80.00)" in results_markdown(table, "Made in a test")


def test_results_table_of_the_smoke_study(smoke_records):
    table = results_table(smoke_records).set_index("run")
    assert table.index.tolist() == list(smoke_records)
    for name, records in smoke_records.items():
        row = table.loc[name]
        used = records[:1] if name in ONE_MODEL else records
        accuracies = [np.mean(r.test_logits.argmax(axis=1) == r.labels) for r in used]
        assert row["test_accuracy"] == pytest.approx(np.mean(accuracies))
        assert row["low"] < row["test_accuracy"] < row["high"]
        assert row["parameters"] == records[0].parameters
        assert row["seeds"] == len(used)
        if "test_accuracy" in records[0].history:
            assert row["best_test_accuracy"] == pytest.approx(np.mean([r.best_test_accuracy for r in used]))
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
        re.sub(r" \(the report's Model \d\)$", "", cell[0]): cell
        for cell in ([c.strip() for c in row.split("|")[1:-1]] for row in rows[2:])
    }
    for row in table.to_dict("records"):
        written = cells[row["model"]]
        assert f"**{100 * row['test_accuracy']:.2f}**" in written
        assert f"{100 * row['low']:.2f} to {100 * row['high']:.2f}" in written
    assert {"90.87", "6.03 M"} <= set(cells["CNN-4 plain"])
    assert any("90.83 (quoted)" in cell for cell in cells["Character VDCNN"])
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


def test_accuracy_over_seeds():
    name = PAIR[0]
    runs = seeds_of(name, {seed: relabelled(400, share) for seed, share in enumerate((0.8, 0.9))})
    row = accuracy_over_seeds({name: runs}).loc[name]
    assert (row["mean"], row["lowest"], row["highest"]) == pytest.approx((85, 80, 90))
    assert row["sd"] == pytest.approx(10 / math.sqrt(2))
    low, high = seed_interval(np.array([80.0, 90.0]))
    assert (row["low"], row["high"]) == pytest.approx((low, high))


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
