"""The study: every run trained once in smoke, found again, and kept apart from runs of other settings."""

import json
import math
import platform
import shutil
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields, replace

import numpy as np
import pytest
import safetensors
import torch
from filelock import FileLock, Timeout
from helpers import refused, without_seconds

from agnews_utils import models
from agnews_utils.analysis.tables import report_curves
from agnews_utils.commands.run_notebooks import publish_records
from agnews_utils.settings import PROFILES
from agnews_utils.study import records, study
from agnews_utils.study.records import RECORD_FILES, read_record, read_records
from agnews_utils.study.runs import RUNS, SEEDED, TEACHERS, Run, can_be_made, in_course, planned
from agnews_utils.study.study import Study
from agnews_utils.training import predict

TEACHER = "model6_bert_vdcnn_teacher"
MADE = [name for name, run in RUNS.items() if can_be_made(run)]
TRAINED = [name for name in MADE if RUNS[name].inputs != "text"]


@pytest.fixture
def copied(smoke_study, tmp_path):
    """The finished study in a folder of its own, to damage; without the large models that no such test needs."""
    left_out = shutil.ignore_patterns("huggingface", "output", "model[125]_*", "simple_cnn_kl*")
    shutil.copytree(smoke_study.settings.work, tmp_path / "work", ignore=left_out)
    return Study(replace(smoke_study.settings, work=tmp_path / "work"))


def no_training(monkeypatch):
    for name in ("fit", "tfidf_linear", "cached_features"):
        monkeypatch.setattr(study, name, lambda *_, **__: pytest.fail("computed again"))


# --- what is planned


def test_names_are_those_of_the_reports_curves():
    assert set(report_curves()["run"]) < set(RUNS)


def test_teachers_come_before_their_students(settings):
    names = [name for name, _ in planned(settings)]
    assert set(names) == set(MADE)
    for run in (RUNS[name] for name in MADE):
        if run.teacher:
            assert names.index(run.teacher) < names.index(run.name)


def test_cheap_students_have_several_seeds(settings):
    for name in MADE:
        assert [seed for run, seed in planned(settings) if run == name] == list(range(2 if name in SEEDED else 1))


def profile(settings, name):
    return replace(settings, profile=PROFILES[name])


def test_full_study_has_the_seeds_it_promises(settings):
    counts = Counter(name for name, _ in planned(profile(settings, "full")))
    assert counts == {name: RUNS[name].seeds for name in MADE}
    promised = {
        10: ("model3_simpler_cnn_plain", "model4_simpler_cnn_distilled", "simpler_cnn_kl", "simpler_cnn_strong_dist",
             "simpler_cnn_strong_kl"),
        3: ("model1_simple_cnn_plain", "model2_simple_cnn_distilled", "simple_cnn_strong_dist"),
        2: (TEACHER,),
        1: ("simple_cnn_kl", "linear_probe", "tfidf_linear", "strong_teacher", "model5_char_vdcnn"),
    }  # fmt: skip
    for count, names in promised.items():
        assert all(RUNS[name].seeds == count for name in names)
    assert RUNS["fasttext"].seeds == 3


def test_quick_makes_the_course_alone(settings):
    names = {name for name, _ in planned(profile(settings, "quick"))}
    assert names == {name for name, run in RUNS.items() if in_course(run)}


def test_first_seeds_of_the_reports_models_show_all_epochs(settings):
    full = Study(profile(settings, "full"))
    for name in MADE:
        for seed in (0, 1):
            recipe = full.recipe(name, seed)
            assert recipe.patience == (
                None if name.endswith("_all_epochs") else 4
            )  # one rule for both members of any pair
            assert recipe.run_on is (seed == 0 and name in set(report_curves()["run"]))
    assert (full.recipe(TEACHER).epochs, full.recipe("model1_simple_cnn_plain").epochs) == (30, 20)


def test_students_differ_in_their_loss_alone():
    for group in (("model1_simple_cnn_plain", "model2_simple_cnn_distilled", "simple_cnn_kl"), SEEDED):
        runs = [RUNS[name] for name in group]
        assert [run.loss for run in runs] == ["CrossEntropy", "DISTLoss", "KLLoss"]
        assert len({(run.model, run.inputs, run.epochs, str(run.recipe), str(run.model_args)) for run in runs}) == 1
    assert RUNS["model2_simple_cnn_distilled"].loss_args == {"beta": 2, "gamma": 2, "tau": 1}


# --- every run, trained


def test_every_planned_run_has_a_record(smoke_study, smoke_records):
    on_disk = read_records(smoke_study.runs_folder)
    assert list(on_disk) == MADE
    found = [(name, record.seed) for name, records in on_disk.items() for record in records]
    assert found == planned(smoke_study.settings)


@pytest.mark.parametrize("name", MADE)
def test_record(smoke_study, smoke_records, name):
    for record in smoke_records[name]:
        facts, history = record.facts, record.history
        assert record.run == RUNS[name]
        assert record.test_logits.shape == (160, 4)
        assert record.validation_logits.shape == (80, 4)
        assert np.isfinite(record.test_logits).all()
        assert record.validation_labels.tolist() == smoke_study.splits["validation"]["label"][:]
        assert record.labels.tolist() == smoke_study.splits["test"]["label"][:]
        assert record.test_accuracy == np.mean(record.test_logits.argmax(axis=1) == record.labels)
        assert history["epoch"].tolist() == list(range(1, len(history) + 1))
        assert record.train_seconds == pytest.approx(history["train_seconds"].sum())
        assert record.train_seconds > 0
        assert facts["best_epoch"] == history["validation_accuracy"].argmax() + 1
        assert (facts["rows"]["validation"], facts["rows"]["test"]) == (80, 160)
        assert facts["data"]["is_sample"] is True
        assert facts["encoder"] == {"name": "all-MiniLM-L6-v2", "weights": "53aa51172d14"}
        if name in TRAINED:
            right = record.validation_logits.argmax(axis=1) == record.validation_labels
            assert (
                abs(right.mean() - history["validation_accuracy"].max()) <= 1 / 80
            )  # float16 may break a tie otherwise
            epochs = getattr(smoke_study.settings.profile, f"{RUNS[name].epochs}_epochs")
            assert len(history) == epochs
            assert facts["parameters"] == models.count_parameters(smoke_study.build(name))
            # float16 logits may break a tie in another way than those that the epoch was measured by
            assert abs(history["test_accuracy"][facts["best_epoch"] - 1] - record.test_accuracy) <= 1 / 160
            assert record.best_test_accuracy == history["test_accuracy"].max()


def test_record_names_no_machine_and_no_folder(smoke_study):
    for path in smoke_study.runs_folder.glob("*/record.json"):
        text = path.read_text()
        assert str(smoke_study.settings.work) not in text
        assert platform.node() not in text


def test_finished_runs_keep_no_checkpoint(smoke_study):
    assert not list(smoke_study.runs_folder.glob("*/last.pt"))
    assert not list(smoke_study.runs_folder.rglob("*.tmp*"))


def test_no_article_is_kept_in_a_record(smoke_study, sample):
    words = {word for text in sample.test["text"][:50] for word in text.split() if len(word) > 9}
    for path in smoke_study.runs_folder.glob("*/record.json"):
        assert not words & set(path.read_text().split())


def test_second_study_trains_nothing(smoke_study, smoke_records, monkeypatch):
    no_training(monkeypatch)
    second = Study(smoke_study.settings)
    for name, seed in planned(second.settings):
        again, first = second.record(name, seed), smoke_records[name][seed]
        assert again.facts == first.facts
        assert np.array_equal(again.test_logits, first.test_logits)
        assert again.history.equals(first.history)


@pytest.mark.parametrize("name", TRAINED)
def test_loaded_model_gives_the_recorded_logits(smoke_study, smoke_records, name):
    second = Study(smoke_study.settings)
    model = second.model(name)
    assert not model.training
    logits = predict(model, second.dataset("test", RUNS[name].inputs), second.settings).numpy()
    # the same weights on the same machine: equal up to the record's float16
    assert np.array_equal(logits.astype(np.float16), smoke_records[name][0].test_logits.astype(np.float16))
    assert second.has_weights(name)


def test_run_made_again_gives_the_same_numbers(copied, smoke_records):
    name = "model4_simpler_cnn_distilled"
    shutil.rmtree(copied.run_folder(name, 1))
    again = copied.record(name, 1)
    first = smoke_records[name][1]
    assert np.array_equal(again.test_logits, first.test_logits)
    assert without_seconds(again.facts["history"]) == without_seconds(first.facts["history"])


def test_students_of_one_seed_start_from_the_same_weights(smoke_study):
    plain, distilled, other = (
        smoke_study.build(name, seed).state_dict()
        for name, seed in (
            ("model3_simpler_cnn_plain", 1),
            ("model4_simpler_cnn_distilled", 1),
            ("model3_simpler_cnn_plain", 0),
        )
    )
    assert all(torch.equal(plain[name], distilled[name]) for name in plain)
    assert not torch.equal(plain["convs.0.weight"], other["convs.0.weight"])


def test_character_model_sees_a_part_of_the_rows(smoke_study, smoke_records):
    part = smoke_study.dataset("train", "characters")
    assert len(part) == 128
    assert np.bincount(part.labels, minlength=4).min() > 15  # a fair part: 32 a class would be even
    assert smoke_records["model5_char_vdcnn"][0].facts["rows"]["train"] == 128


# --- the teacher's logits


def test_teacher_logits_are_part_of_its_record(smoke_study, monkeypatch):
    no_training(monkeypatch)
    monkeypatch.setattr(study, "predict", lambda *_: pytest.fail("computed again"))
    logits = Study(smoke_study.settings).teacher_logits(TEACHER)
    assert logits.shape == (320, 4)
    assert logits.dtype == np.float32
    with_logits = {path.parent for path in smoke_study.runs_folder.glob("*/train_logits.safetensors")}
    assert with_logits == {smoke_study.run_folder(name) for name in TEACHERS}


@pytest.mark.parametrize("split", ["train", "validation", "test"])
@pytest.mark.parametrize("name", [TEACHER, "strong_teacher", "teacher_12k_dropout"])
def test_teacher_logits_are_the_teachers(smoke_study, name, split):
    dataset = smoke_study.dataset(split, RUNS[name].inputs)
    expected = predict(smoke_study.model(name), dataset, smoke_study.settings).numpy()
    # all rows of the split, also of a teacher that trained on a part; rounded to float16
    assert np.array_equal(smoke_study.teacher_logits(name, split), expected.astype(np.float16).astype(np.float32))


@pytest.mark.parametrize("content", [b"", b"cut off", None])
def test_damaged_teacher_logits(copied, content):
    path = copied.run_folder(TEACHER) / "train_logits.safetensors"
    path.write_bytes(path.read_bytes()[:-50] if content is None else content)
    with refused(ValueError, "are damaged: delete their folder, and the run is made again"):
        copied.teacher_logits(TEACHER)


def test_no_space_leaves_no_half_written_record(copied, monkeypatch):
    name = "model3_simpler_cnn_plain"
    folder = copied.run_folder(name, 1)
    shutil.rmtree(folder)

    def save_file(arrays, path):
        path.write_bytes(b"half")
        raise safetensors.SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(records, "save_file", save_file)
    with pytest.raises((OSError, safetensors.SafetensorError), match=r"(?i)no.* space"):
        copied.record(name, 1)
    assert not {"record.json", "test_logits.safetensors"} & {path.name for path in folder.iterdir()}
    assert not list(folder.glob("*.tmp*"))


def test_what_a_killed_process_left_half_written_goes_when_the_run_is_done(copied):
    name = "model3_simpler_cnn_plain"
    folder = copied.run_folder(name, 1)
    (folder / "record.json").unlink()
    for half in ("best.safetensors.4711.tmp", ".tmpLqtSpc"):  # ours, and what safetensors writes before it renames
        (folder / half).write_bytes(b"half")
    copied.record(name, 1)
    assert (folder / "record.json").exists()
    assert not list(folder.glob("*.tmp*"))


# --- committed records


@pytest.fixture
def committed(copied, tmp_path, monkeypatch):
    """The study's records where committed ones are, as publishing puts them there, and nothing else of it left."""
    monkeypatch.setattr(study, "COMMITTED_RESULTS", tmp_path / "results")
    publish_records(copied)
    shutil.rmtree(copied.runs_folder)
    return Study(copied.settings)


def test_committed_records_are_found(committed, smoke_records, monkeypatch):
    no_training(monkeypatch)
    for name in ("model3_simpler_cnn_plain", TEACHER):
        record = committed.record(name)
        assert record.facts == smoke_records[name][0].facts
        assert np.array_equal(record.test_logits, smoke_records[name][0].test_logits)
        assert not committed.has_weights(name)
    assert not committed.runs_folder.exists()


def test_distilling_needs_no_teacher_where_its_logits_are_committed(committed, smoke_records, monkeypatch):
    name = "model4_simpler_cnn_distilled"
    shutil.rmtree(committed.committed / committed.run_folder(name).name)
    monkeypatch.setattr(study, "cached_features", lambda *_: pytest.fail("the encoder was asked"))
    assert np.array_equal(committed.record(name).test_logits, smoke_records[name][0].test_logits)
    assert [path.name for path in committed.runs_folder.iterdir()] == [committed.run_folder(name).name]


def test_committed_records_come_without_weights(committed, smoke_records):
    name = "model3_simpler_cnn_plain"
    assert not list(committed.committed.rglob("best.safetensors"))
    model = committed.model(name)  # trained again, since nothing else gives weights
    logits = predict(model, committed.dataset("test", "tokens"), committed.settings).numpy()
    assert np.array_equal(logits.astype(np.float16), smoke_records[name][0].test_logits.astype(np.float16))


def test_run_that_another_process_makes_is_left_to_it(copied):
    name = "model3_simpler_cnn_plain"
    folder = copied.run_folder(name, 1)
    shutil.rmtree(folder)
    folder.mkdir()
    with FileLock(folder / "lock"), pytest.raises(Timeout):
        copied.record(name, 1, wait=False)
    assert copied.record(name, 1, wait=False).seed == 1


def test_waiting_for_another_process_is_said(copied, capsys):
    name = "model3_simpler_cnn_plain"
    folder = copied.run_folder(name, 1)
    shutil.move(folder, folder.with_name("made"))
    folder.mkdir()
    with ThreadPoolExecutor() as pool, FileLock(folder / "lock"):
        waiting, said = pool.submit(copied.record, name, 1), ""
        while "waiting" not in said and not waiting.done():
            time.sleep(0.01)
            said += capsys.readouterr().out
        for file in RECORD_FILES:
            if (folder.with_name("made") / file).exists():
                shutil.copyfile(folder.with_name("made") / file, folder / file)
    assert said == "Model 3: Simpler CNN, plain, seed 1: another process is making this run; waiting for it.\n"
    assert waiting.result().seed == 1
    assert not (folder / "best.safetensors").exists()  # it took what the other had made


# --- runs of other settings are other runs


def changed_profile(settings, **values):
    return replace(settings, profile=replace(settings.profile, **values))


def folder_of(settings, name):
    return Study(settings).run_folder(name)


CHANGES = {
    "lr": lambda s: replace(s, lr=2e-3),
    "batch size": lambda s: replace(s, batch_size=64),
    "epochs": lambda s: changed_profile(s, small_student_epochs=3),
    "training rows": lambda s: changed_profile(s, train_rows=300),
    "split": lambda s: replace(s, split_seed=1),
    "tokens of an article": lambda s: replace(s, max_length=32),
}


@pytest.mark.parametrize("change", CHANGES)
def test_other_settings_are_another_run(smoke_study, change):
    before = smoke_study.settings
    for name in ("model3_simpler_cnn_plain", "model4_simpler_cnn_distilled"):
        assert folder_of(CHANGES[change](before), name) != folder_of(before, name)


def test_characters_of_an_article_make_another_run(smoke_study):
    before = smoke_study.settings
    name = "model5_char_vdcnn"
    assert folder_of(changed_profile(before, char_length=100), name) != folder_of(before, name)


def test_a_students_run_depends_on_its_teachers(smoke_study):
    before = smoke_study.settings
    after = changed_profile(before, teacher_epochs=1)
    for name in ("model4_simpler_cnn_distilled", "simple_cnn_kl"):
        assert folder_of(after, name) != folder_of(before, name)


def test_more_seeds_change_no_single_run(smoke_study):
    more = Study(changed_profile(smoke_study.settings, seeds=9))
    for name in RUNS:
        assert more.run_folder(name) == smoke_study.run_folder(name)


def test_seeds_are_different_runs(smoke_study):
    assert smoke_study.run_folder("model3_simpler_cnn_plain", 0) != smoke_study.run_folder(
        "model3_simpler_cnn_plain", 1
    )


def test_key_names_data_encoder_and_profile(smoke_study):
    assert smoke_study.key == "sample-all-minilm-l6-v2-smoke"
    assert "not AG News" in smoke_study.title
    assert "all-MiniLM-L6-v2" in smoke_study.title


# --- the test rows' facts


def test_facts_about_the_test_rows(smoke_study, sample):
    facts = smoke_study.test_facts()
    assert len(facts) == 160
    assert facts["characters"].tolist() == [len(text) for text in smoke_study.splits["test"]["text"]]
    assert facts["tokens"].between(3, 400).all()
    assert facts.select_dtypes("number").shape == facts.shape  # numbers only, no text
    assert Study(smoke_study.settings).test_facts().equals(facts)


# --- bad input


@pytest.mark.parametrize("ask", ["record", "model", "build", "run_folder", "teacher_logits"])
def test_unknown_run(smoke_study, ask):
    with pytest.raises(KeyError, match="There is no run 'model7' in the study; there are tfidf_linear, linear_probe"):
        getattr(smoke_study, ask)("model7")


def cut_off(path):
    path.write_bytes(path.read_bytes()[:-30])


def without(key):
    def change(path):
        facts = json.loads(path.read_text())
        del facts[key]
        path.write_text(json.dumps(facts))

    return change


DAMAGES = {
    "record cut off": ("record.json", cut_off),
    "record empty": ("record.json", lambda path: path.write_bytes(b"")),
    "record without its history": ("record.json", without("history")),
    "record without its seed": ("record.json", without("seed")),
    "logits cut off": ("test_logits.safetensors", cut_off),
    "logits missing": ("test_logits.safetensors", lambda path: path.unlink()),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_record(smoke_study, tmp_path, damage):
    name, change = DAMAGES[damage]
    folder = tmp_path / "runs" / "some-run"
    shutil.copytree(smoke_study.run_folder("model3_simpler_cnn_plain"), folder)
    change(folder / name)
    for read in (lambda: read_record(folder), lambda: read_records(tmp_path / "runs")):
        with refused(ValueError, f"The run record in {folder} is damaged: delete the folder"):
            read()


def test_damaged_weights_of_a_finished_run(copied):
    cut_off(copied.run_folder("model3_simpler_cnn_plain") / "best.safetensors")
    with refused(ValueError, "are damaged or of another model: delete its folder"):
        copied.model("model3_simpler_cnn_plain")


def test_failed_run_leaves_no_record(copied, monkeypatch):
    folder = copied.run_folder("model3_simpler_cnn_plain")
    shutil.rmtree(folder)
    monkeypatch.setattr(study, "fit", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        copied.record("model3_simpler_cnn_plain")
    assert not (folder / "record.json").exists()
    monkeypatch.undo()
    assert math.isfinite(copied.record("model3_simpler_cnn_plain").test_accuracy)


def test_a_run_is_plain_data():
    for run in RUNS.values():
        assert Run(**json.loads(json.dumps(asdict(run)))) == run
    assert {field.name for field in fields(Run)} == set(asdict(RUNS[TEACHER]))
