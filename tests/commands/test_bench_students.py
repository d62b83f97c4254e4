"""The benchmark of all classifiers: what it counts, how it takes turns, and a small run of the whole."""

import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from agnews_utils import baselines
from agnews_utils.commands import bench_students, measure_models, models_to_measure
from agnews_utils.commands.bench_students import COLUMNS, in_markdown, summary, with_ratios
from agnews_utils.commands.measure_models import BLOCK, Entry, Loaded, load, seconds_in_turn
from agnews_utils.commands.models_to_measure import TEACHER, ModelsToMeasure, multiply_adds, wide_cnn
from agnews_utils.export.from_study import MODELS
from agnews_utils.export.student import load_student
from agnews_utils.export.student_file import as_floats
from agnews_utils.models import SimplerCNN, WideCNN
from agnews_utils.study.runs import TFIDF
from agnews_utils.study.strong import ALL_RUNS
from agnews_utils.study.study import Study

SMALL = ["student_100kb_numpy", "student_100kb_onnx_int8"]


@pytest.fixture
def study(settings):
    return Study(settings, ALL_RUNS)


@pytest.fixture
def texts(sample):
    return sample.test["text"][:16].tolist()


@pytest.fixture
def models(study, texts, tmp_path):
    return ModelsToMeasure(study, tmp_path, texts)


def test_a_small_run(settings, monkeypatch, capsys):
    monkeypatch.setattr(bench_students, "read_settings", lambda: settings)
    assert bench_students.main(["--models", *SMALL, "--articles", "16", "--threads", "1"]) == 0
    figures = Study(settings).figures
    table = pd.read_csv(figures / "students_benchmark.csv")
    assert table.columns.tolist() == list(COLUMNS)
    assert table[["name", "batch"]].to_numpy().tolist() == [[name, batch] for batch in (1, 256) for name in SMALL]
    for column in ("articles_per_s", "accuracy", "bytes", "multiply_adds"):
        assert (table[column] > 0).all()
    assert (table["resident_mib"] > 1).all() or sys.platform == "win32"  # which does not tell
    one = table[table["batch"] == 1]
    assert (one["p50_ms"] <= one["p95_ms"]).all()
    assert (one["p95_ms"] <= one["p99_ms"]).all()
    assert table["tokenising_us"].notna().all()
    assert "not AG News" in (figures / "students_benchmark.md").read_text(encoding="utf-8")
    assert not (figures / "students_int8.csv").exists()
    assert list(Path(settings.work).rglob("*.onnx")) == []


def test_what_is_not_installed_is_left_out(models, monkeypatch):
    assert {"student_5mb_onnx", "student_5mb_onnx_int8"} < set(models.makers())
    monkeypatch.setattr(models_to_measure, "find_spec", lambda name: None)
    assert {name for name in models.makers() if "onnx" in name or "fasttext" in name} == set()


def test_unknown_model_is_named(settings, monkeypatch, capsys):
    monkeypatch.setattr(bench_students, "read_settings", lambda: settings)
    with pytest.raises(SystemExit):
        bench_students.main(["--models", "student_2mb_onnx"])
    assert "no model is called student_2mb_onnx; there are tfidf_linear" in capsys.readouterr().err


def test_models_take_turns():
    calls = []
    models = {name: Loaded(None, lambda texts, name=name: calls.append((name, len(texts)))) for name in "ab"}
    texts = ["text"] * (BLOCK + 1)
    seconds = seconds_in_turn(models, texts, 1)
    assert {name: len(some) for name, some in seconds.items()} == {"a": BLOCK + 1, "b": BLOCK + 1}
    # a call that is not measured, a block of calls, the other model; then the other one first
    assert calls == [("a", 1)] * (BLOCK + 1) + [("b", 1)] * (BLOCK + 1) + [("b", 1)] * 2 + [("a", 1)] * 2


def test_reading_and_answering_are_told_apart():
    model = Loaded(lambda texts: time.sleep(0.02), lambda inputs: time.sleep(0.001))
    ((read, answer),) = seconds_in_turn({"a": model}, ["text"] * 4, 256)["a"]
    assert read > 0.02 > answer


def test_summary_of_seconds():
    seconds = np.tile([0.001, 0.003], (10, 1))
    seconds[0] = [0.002, 0.098]
    found = summary(seconds, 1, 10, whole=False)
    assert found["articles_per_s"] == pytest.approx(10 / 0.136)
    assert found["tokenising_us"] == pytest.approx(1100)
    assert found["p50_ms"] == pytest.approx(4)
    assert found["p99_ms"] > found["p95_ms"] > 4
    assert np.isnan(summary(seconds, 1, 10, whole=True)["tokenising_us"])
    assert np.isnan(summary(seconds, 256, 10, whole=False)["p50_ms"])


def test_ratios_are_of_the_same_threads_and_batch():
    rows = [(TEACHER, 1, 10.0), (TFIDF, 1, 100.0), ("mine", 1, 300.0), (TEACHER, 2, 20.0), ("mine", 2, 500.0)]
    table = pd.DataFrame(rows, columns=["name", "threads", "articles_per_s"]).assign(batch=1)
    table = with_ratios(table.assign(**dict.fromkeys(set(COLUMNS) - set(table.columns), 0)))
    mine = table[table["name"] == "mine"]
    assert mine["times_teacher"].tolist() == [30, 25]
    assert mine["times_tfidf"].iloc[0] == 3
    assert np.isnan(mine["times_tfidf"].iloc[1])


def test_random_weights_and_missing_records_are_shown():
    known = {"name": "a", "model": "Mine", "computed_by": "PyTorch", "threads": 1, "accuracy": np.nan, "random": True}
    row = dict.fromkeys(COLUMNS, 1.0) | known
    text = in_markdown(pd.DataFrame([row | {"batch": batch} for batch in (1, 256)]))
    assert "Mine *" in text
    assert "–" in text


def test_multiply_adds_follow_from_shapes():
    ids = list(range(1, 21))
    assert multiply_adds(SimplerCNN(100).eval(), ids) == 64 * 128 * 128 * 3 + 128 * 4
    wide = WideCNN(100, embedding_dim=8, channels=6, buckets=50).eval()
    assert multiply_adds(wide, ids) == 20 * 8 * 6 * (3 + 5) + (2 * 6 + 8) * 4 + 39 * 4


def test_tfidf_is_the_same_from_its_file(models, study, texts):
    splits = study.inputs.splits
    pipeline, _ = baselines.tfidf_linear(splits["train"], splits["validation"])
    model = load(models.makers()[TFIDF](TFIDF))
    np.testing.assert_allclose(model.answer(model.read(texts)), pipeline.decision_function(texts), atol=1e-5)


def test_a_model_has_read_other_texts_before(models, texts):
    name = "student_100kb_onnx_int8"
    entry = models.makers()[name](name)
    words = load(entry, 1, texts).read
    assert len(words.known) > 50
    assert load(entry).read.known == {}


def answers(entry, texts):
    model = load(entry)
    return model.answer(model.read(texts) if model.read else texts)


def test_a_student_answers_alike_in_every_form(models, texts):
    forms = ("torch", "onnx", "onnx_int8")
    entries = [models.makers()[f"student_100kb_{form}"](f"student_100kb_{form}") for form in forms]
    expected, *others = (answers(entry, texts) for entry in entries)
    for found in others:
        np.testing.assert_allclose(found, expected, atol=1e-4)
    assert len({entry.multiply_adds for entry in entries}) == 1
    assert entries[2].bytes < entries[1].bytes / 3


def test_students_of_the_report_are_loaded_again(models, texts):
    entry = models.makers()["model3"]("model3")
    assert entry.random
    expected = models.study.build("model3_simpler_cnn_plain").eval()
    model = load(entry)
    with torch.no_grad():
        np.testing.assert_allclose(model.answer(model.read(texts)), expected(**model.read(texts)).numpy(), atol=1e-6)


@pytest.mark.slow
def test_the_teacher_with_its_encoder_is_loaded_again(models, texts):
    entry = models.makers()["bert_vdcnn"]("bert_vdcnn")
    assert np.isfinite(answers(entry, texts)).all()
    assert entry.bytes > 80_000_000


@pytest.mark.slow
def test_int8_of_the_teacher_is_near_it(models, texts):
    plain, small = (models.makers()[name](name) for name in (TEACHER, f"{TEACHER}_int8"))
    assert small.bytes < 0.7 * plain.bytes
    assert small.accuracy is None
    np.testing.assert_allclose(answers(small, texts), answers(plain, texts), atol=0.2)


def test_what_int8_costs_where_the_articles_are_those_of_the_records(study, monkeypatch):
    assert bench_students.int8_costs(study).empty  # the sample's are not
    card = load_student(MODELS / "student_100kb.safetensors").card
    labels = np.array(study.inputs.splits["test"]["label"])
    record = SimpleNamespace(seed=card["seed"], labels=labels, correct=labels >= 0, test_accuracy=1.0)
    monkeypatch.setattr(bench_students, "published_records", lambda runs: ({card["run"]: [record]}, ""))
    costs = bench_students.int8_costs(study)
    assert costs.index.tolist() == ["100 kB student"]
    assert costs["int8"].item() == pytest.approx(100 + costs["gain"].item())


def test_wide_cnn_of_a_students_weights():
    model = WideCNN(100, embedding_dim=8, channels=6, widths=(3, 5, 7), mean=False, buckets=0).eval()
    weights = as_floats({name: value.numpy() for name, value in model.state_dict().items()})
    ids = torch.arange(1, 13)[None]
    assert torch.equal(wide_cnn(weights, mean=False)(ids, torch.ones_like(ids)), model(ids, torch.ones_like(ids)))


def test_a_worker_that_fails_says_so(tmp_path, settings, monkeypatch, capsys):
    measure_models.save_entries(tmp_path, [Entry("a", "A", "NumPy", "numpy", [str(tmp_path / "none")], 1)])
    with pytest.raises(RuntimeError, match=r"Measuring \(memory a\) failed"):
        bench_students.run_worker(tmp_path, ([], ["text"]), 1, "memory", "a")
    monkeypatch.setattr(bench_students, "read_settings", lambda: settings)
    monkeypatch.setattr(bench_students, "WORKER", "agnews_utils.commands.none")
    assert bench_students.main(["--models", SMALL[0], "--articles", "1", "--threads", "1"]) == 1
    assert f"Measuring (memory {SMALL[0]}) failed" in capsys.readouterr().err
    assert not Study(settings).figures.exists()
