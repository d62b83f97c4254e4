"""The study: every run trained once in smoke, found again, and kept apart from runs of other settings."""

import json
import math
import os
import platform
import shutil
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import safetensors
import torch
from filelock import FileLock, Timeout
from helpers import refused, without_seconds
from torch import nn

from agnews_utils import baselines, losses, models
from agnews_utils.analysis.articles import statistics_of_test_articles
from agnews_utils.analysis.report import report_curves
from agnews_utils.commands.publish import publish_records
from agnews_utils.settings import PROFILES
from agnews_utils.study import inputs, records, study
from agnews_utils.study.records import RECORD_FILES, read_record
from agnews_utils.study.runs import MODEL3, MODEL4, RUNS, SIMPLER_KL, TEACHERS, Run
from agnews_utils.study.study import Study
from agnews_utils.support import files
from agnews_utils.training import predict

TEACHER = "model6_bert_vdcnn_teacher"
MADE = [name for name, run in RUNS.items() if run.can_be_made]
TRAINED = [name for name in MADE if RUNS[name].inputs != "text"]

REPEATED = (MODEL3, MODEL4, SIMPLER_KL)  # runs with several seeds in every profile


@pytest.fixture
def copied(smoke_study, tmp_path):
    """The finished study in a folder of its own, to damage; without the large models that no such test needs."""
    left_out = shutil.ignore_patterns("huggingface", "output", "model[125]_*", "simple_cnn_kl*")
    shutil.copytree(smoke_study.settings.work, tmp_path / "work", ignore=left_out)
    return Study(replace(smoke_study.settings, work=tmp_path / "work"))


def folder_of(study, name, seed=0):
    """Where the run is, or would be, made."""
    return study.store.folder(study.run_key(name, seed))


def no_training(monkeypatch):
    for module, name in ((study, "fit"), (baselines, "tfidf_linear"), (inputs, "cached_features")):
        monkeypatch.setattr(module, name, lambda *_, **__: pytest.fail("computed again"))


# --- what is planned


def test_names_are_those_of_the_reports_curves():
    assert set(report_curves()["run"]) < set(RUNS)


def test_teachers_come_before_their_students(settings):
    names = [name for name, _ in Study(settings).plan()]
    assert set(names) == set(MADE)
    for run in (RUNS[name] for name in MADE):
        if run.teacher:
            assert names.index(run.teacher) < names.index(run.name)


def test_cheap_students_have_several_seeds(settings):
    for name in MADE:
        assert [seed for run, seed in Study(settings).plan() if run == name] == list(
            range(2 if name in REPEATED else 1)
        )


def profile(settings, name):
    return replace(settings, profile=PROFILES[name])


def test_full_study_has_the_seeds_it_promises(settings):
    counts = Counter(name for name, _ in Study(profile(settings, "full")).plan())
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
    names = {name for name, _ in Study(profile(settings, "quick")).plan()}
    assert names == {name for name, run in RUNS.items() if run.in_course}


def test_first_seeds_of_the_reports_models_show_all_epochs(settings):
    full = Study(profile(settings, "full"))
    for name in MADE:
        for seed in (0, 1):
            recipe = full.training_args(name, seed)
            assert recipe.patience == (
                None if name.endswith("_all_epochs") else 4
            )  # one rule for both members of any pair
            assert recipe.keep_training is (seed == 0 and name in set(report_curves()["run"]))
    assert (full.training_args(TEACHER).epochs, full.training_args("model1_simple_cnn_plain").epochs) == (30, 20)


def test_students_differ_in_their_loss_alone():
    for group in (("model1_simple_cnn_plain", "model2_simple_cnn_distilled", "simple_cnn_kl"), REPEATED):
        runs = [RUNS[name] for name in group]
        assert [run.loss for run in runs] == [losses.CrossEntropy, losses.DISTLoss, losses.KLLoss]
        assert len({(run.model, run.inputs, run.epochs, str(run.training), str(run.model_args)) for run in runs}) == 1
    assert RUNS["model2_simple_cnn_distilled"].loss_args == {"beta": 2, "gamma": 2, "tau": 1}


# --- every run, trained


def test_every_planned_run_has_a_record(smoke_study, smoke_records):
    on_disk = {path.parent.name for path in smoke_study.store.own.glob("*/record.json")}
    assert on_disk == {smoke_study.run_key(name, seed) for name, seed in smoke_study.plan()}
    found = [(name, record.seed) for name, records in smoke_study.records().items() for record in records]
    assert found == smoke_study.plan()


@pytest.mark.parametrize("name", MADE)
def test_record(smoke_study, smoke_records, name):
    for record in smoke_records[name]:
        facts, history = record.metadata, record.history
        assert record.run == RUNS[name]
        assert record.test_logits.shape == (160, 4)
        assert record.validation_logits.shape == (80, 4)
        assert np.isfinite(record.test_logits).all()
        assert record.validation_labels.tolist() == smoke_study.inputs.splits["validation"]["label"][:]
        assert record.labels.tolist() == smoke_study.inputs.splits["test"]["label"][:]
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
            epochs = getattr(smoke_study.settings.profile, RUNS[name].epochs)
            assert len(history) == epochs
            assert facts["parameters"] == models.count_parameters(smoke_study.build(name))
            # float16 logits may break a tie in another way than those that the epoch was measured by
            assert abs(history["test_accuracy"][facts["best_epoch"] - 1] - record.test_accuracy) <= 1 / 160
            assert record.best_test_accuracy == history["test_accuracy"].max()


def test_record_names_no_machine_and_no_folder(smoke_study):
    for path in smoke_study.store.own.glob("*/record.json"):
        text = path.read_text()
        assert str(smoke_study.settings.work) not in text
        assert platform.node() not in text


def test_finished_runs_keep_no_checkpoint(smoke_study):
    assert not list(smoke_study.store.own.glob("*/last.pt"))
    assert not list(smoke_study.store.own.rglob("*.tmp*"))


def test_no_article_is_kept_in_a_record(smoke_study, sample):
    words = {word for text in sample.test["text"][:50] for word in text.split() if len(word) > 9}
    for path in smoke_study.store.own.glob("*/record.json"):
        assert not words & set(path.read_text().split())


def test_second_study_trains_nothing(smoke_study, smoke_records, monkeypatch):
    no_training(monkeypatch)
    second = Study(smoke_study.settings)
    for name, seed in second.plan():
        again, first = second.record(name, seed), smoke_records[name][seed]
        assert again.metadata == first.metadata
        assert np.array_equal(again.test_logits, first.test_logits)
        assert again.history.equals(first.history)


@pytest.mark.parametrize("name", TRAINED)
def test_loaded_model_gives_the_recorded_logits(smoke_study, smoke_records, name):
    second = Study(smoke_study.settings)
    model = second.model(name)
    assert not model.training
    logits = predict(model, second.inputs.dataset("test", RUNS[name].inputs), second.settings).numpy()
    # the same weights on the same machine: equal up to the record's float16
    assert np.array_equal(logits.astype(np.float16), smoke_records[name][0].test_logits.astype(np.float16))
    assert second.has_weights(name)


def test_run_made_again_gives_the_same_numbers(copied, smoke_records):
    name = "model4_simpler_cnn_distilled"
    shutil.rmtree(folder_of(copied, name, 1))
    again = copied.record(name, 1)
    first = smoke_records[name][1]
    assert np.array_equal(again.test_logits, first.test_logits)
    assert without_seconds(again.metadata["history"]) == without_seconds(first.metadata["history"])


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
    part = smoke_study.inputs.dataset("train", "characters")
    assert len(part) == 128
    assert np.bincount(part.labels, minlength=4).min() > 15  # a fair part: 32 a class would be even
    assert smoke_records["model5_char_vdcnn"][0].train_rows == 128


# --- the teacher's logits


def test_teacher_logits_are_part_of_its_record(smoke_study, monkeypatch):
    no_training(monkeypatch)
    monkeypatch.setattr(study, "predict", lambda *_: pytest.fail("computed again"))
    logits = Study(smoke_study.settings).teacher_logits(TEACHER)
    assert logits.shape == (320, 4)
    assert logits.dtype == np.float32
    with_logits = {path.parent for path in smoke_study.store.own.glob("*/train_logits.safetensors")}
    assert with_logits == {folder_of(smoke_study, name) for name in TEACHERS}


@pytest.mark.parametrize("split", ["train", "validation", "test"])
@pytest.mark.parametrize("name", [TEACHER, "strong_teacher", "teacher_12k_dropout"])
def test_teacher_logits_are_the_teachers(smoke_study, name, split):
    dataset = smoke_study.inputs.dataset(split, RUNS[name].inputs)
    expected = predict(smoke_study.model(name), dataset, smoke_study.settings).numpy()
    # all rows of the split, also of a teacher that trained on a part; rounded to float16
    assert np.array_equal(smoke_study.teacher_logits(name, split), expected.astype(np.float16).astype(np.float32))


@pytest.mark.parametrize("content", [b"", b"cut off", None])
def test_damaged_teacher_logits(copied, content):
    path = folder_of(copied, TEACHER) / "train_logits.safetensors"
    path.write_bytes(path.read_bytes()[:-50] if content is None else content)
    with refused(ValueError, "it is damaged; delete its folder, and the run is made again"):
        copied.teacher_logits(TEACHER)


def test_no_space_leaves_no_half_written_record(copied, monkeypatch):
    name = "model3_simpler_cnn_plain"
    folder = folder_of(copied, name, 1)
    shutil.rmtree(folder)

    def save_file(arrays, path):
        path.write_bytes(b"half")
        raise safetensors.SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(files.safetensors.numpy, "save_file", save_file)
    with pytest.raises((OSError, safetensors.SafetensorError), match=r"(?i)no.* space"):
        copied.record(name, 1)
    assert not {"record.json", "test_logits.safetensors"} & {path.name for path in folder.iterdir()}
    assert not list(folder.glob("*.tmp*"))


def test_what_a_killed_process_left_half_written_goes_when_the_run_is_done(copied):
    name = "model3_simpler_cnn_plain"
    folder = folder_of(copied, name, 1)
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
    shutil.rmtree(copied.store.own)
    return Study(copied.settings)


def test_committed_records_are_found(committed, smoke_records, monkeypatch):
    no_training(monkeypatch)
    for name in ("model3_simpler_cnn_plain", TEACHER):
        record = committed.record(name)
        assert record.metadata == smoke_records[name][0].metadata
        assert np.array_equal(record.test_logits, smoke_records[name][0].test_logits)
        assert not committed.has_weights(name)
    assert not committed.store.own.exists()


def test_distilling_needs_no_teacher_where_its_logits_are_committed(committed, smoke_records, monkeypatch):
    name = "model4_simpler_cnn_distilled"
    shutil.rmtree(committed.store.committed / committed.run_key(name))
    monkeypatch.setattr(inputs, "cached_features", lambda *_: pytest.fail("the encoder was asked"))
    assert np.array_equal(committed.record(name).test_logits, smoke_records[name][0].test_logits)
    assert [path.name for path in committed.store.own.iterdir()] == [committed.run_key(name)]


def test_committed_records_come_without_weights(committed, smoke_records):
    name = "model3_simpler_cnn_plain"
    assert not list(committed.store.committed.rglob("best.safetensors"))
    model = committed.model(name)  # trained again, since nothing else gives weights
    logits = predict(model, committed.inputs.dataset("test", "tokens"), committed.settings).numpy()
    assert np.array_equal(logits.astype(np.float16), smoke_records[name][0].test_logits.astype(np.float16))


def test_run_that_another_process_makes_is_left_to_it(copied):
    name = "model3_simpler_cnn_plain"
    folder = folder_of(copied, name, 1)
    shutil.rmtree(folder)
    folder.mkdir()
    with FileLock(folder / "lock"), pytest.raises(Timeout):
        copied.record(name, 1, wait=False)
    assert copied.record(name, 1, wait=False).seed == 1


def test_waiting_for_another_process_is_said(copied, capsys):
    name = "model3_simpler_cnn_plain"
    folder = folder_of(copied, name, 1)
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
    assert said == "CNN-1 plain, seed 1: another process is making this run; waiting for it.\n"
    assert waiting.result().seed == 1
    assert not (folder / "best.safetensors").exists()  # it took what the other had made


# --- runs of other settings are other runs


def changed_profile(settings, **values):
    return replace(settings, profile=replace(settings.profile, **values))


def key_of(settings, name):
    return Study(settings).run_key(name)


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
        assert key_of(CHANGES[change](before), name) != key_of(before, name)


def test_characters_of_an_article_make_another_run(smoke_study):
    before = smoke_study.settings
    name = "model5_char_vdcnn"
    assert key_of(changed_profile(before, char_length=100), name) != key_of(before, name)


def test_a_students_run_depends_on_its_teachers(smoke_study):
    before = smoke_study.settings
    after = changed_profile(before, teacher_epochs=1)
    for name in ("model4_simpler_cnn_distilled", "simple_cnn_kl"):
        assert key_of(after, name) != key_of(before, name)


def test_more_seeds_change_no_single_run(smoke_study):
    more = Study(changed_profile(smoke_study.settings, seeds=9))
    for name in RUNS:
        assert folder_of(more, name) == folder_of(smoke_study, name)


def test_seeds_are_different_runs(smoke_study):
    assert folder_of(smoke_study, "model3_simpler_cnn_plain", 0) != folder_of(
        smoke_study, "model3_simpler_cnn_plain", 1
    )


def test_key_names_data_encoder_and_profile(smoke_study):
    assert smoke_study.key == "sample-all-minilm-l6-v2-smoke"
    assert "not AG News" in smoke_study.title
    assert "all-MiniLM-L6-v2" in smoke_study.title


# --- the test rows' facts


def test_facts_about_the_test_rows(smoke_study, sample):
    facts = statistics_of_test_articles(smoke_study)
    assert len(facts) == 160
    assert facts["characters"].tolist() == [len(text) for text in smoke_study.inputs.splits["test"]["text"]]
    assert facts["tokens"].between(3, 400).all()
    assert facts.select_dtypes("number").shape == facts.shape  # numbers only, no text
    assert statistics_of_test_articles(Study(smoke_study.settings)).equals(facts)


# --- bad input


@pytest.mark.parametrize("ask", ["record", "model", "build", "run_key", "teacher_logits"])
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
    "record cut off": ("record.json", cut_off, "record.json cannot be read"),
    "record empty": ("record.json", lambda path: path.write_bytes(b""), "record.json cannot be read"),
    "record without its history": ("record.json", without("history"), "lacks history"),
    "record without its seed": ("record.json", without("seed"), "lacks seed"),
    "record of another thing": ("record.json", lambda path: path.write_text("[1]"), "lacks best_epoch, history"),
    "logits cut off": ("test_logits.safetensors", cut_off, "test_logits.safetensors cannot be read"),
    "logits missing": ("test_logits.safetensors", lambda path: path.unlink(), "There is no file"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_record(smoke_study, tmp_path, damage):
    name, change, says = DAMAGES[damage]
    folder = tmp_path / "runs" / "some-run"
    shutil.copytree(folder_of(smoke_study, MODEL3), folder)
    change(folder / name)
    with refused(ValueError, says) as caught:
        read_record(folder, RUNS[MODEL3])
    assert str(folder) in str(caught.value)


def test_a_programming_error_is_not_called_damage(smoke_study, monkeypatch):
    # as when a field of a record is renamed in the code: nothing on disk is wrong
    def broken(*_, **__):
        raise TypeError("unexpected argument 'model'")

    monkeypatch.setattr(records, "Record", broken)
    with pytest.raises(TypeError, match="unexpected argument"):
        read_record(folder_of(smoke_study, MODEL3), RUNS[MODEL3])


def test_damaged_weights_of_a_finished_run(copied):
    cut_off(folder_of(copied, "model3_simpler_cnn_plain") / "best.safetensors")
    with refused(ValueError, "its folder, and this run trains again"):
        copied.model("model3_simpler_cnn_plain")


def test_failed_run_leaves_no_record(copied, monkeypatch):
    folder = folder_of(copied, "model3_simpler_cnn_plain")
    shutil.rmtree(folder)
    monkeypatch.setattr(study, "fit", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        copied.record("model3_simpler_cnn_plain")
    assert not (folder / "record.json").exists()
    monkeypatch.undo()
    assert math.isfinite(copied.record("model3_simpler_cnn_plain").test_accuracy)


# --- runs of a reader's own


class OneWord(nn.Module):
    """The smallest model that names what it wants to be built with and what it reads."""

    def __init__(self, vocab_size, width=4):
        super().__init__()
        self.table = nn.EmbeddingBag(vocab_size, width)

    def forward(self, input_ids):
        return self.table(input_ids.long())


def test_a_run_of_ones_own(copied):
    own = Run("one_word", "One word", OneWord, epochs="small_student_epochs", loss=losses.KLLoss, teacher=TEACHER)
    copied.add(own)
    copied.add(own)  # twice is once
    record = copied.record("one_word")
    assert record.parameters == 4 * len(copied.inputs.tokenizer)
    assert "train_kl" in record.history
    assert copied.found("one_word") == folder_of(copied, "one_word")
    assert ("one_word", 0) in copied.plan()
    assert "one_word" not in RUNS  # and no other study knows it
    again = Study(copied.settings)
    again.add(own)
    assert np.array_equal(again.record("one_word").test_logits, record.test_logits)


def test_a_plain_run_may_teach(copied):
    # its logits of the training articles were not kept, since no run of the study asks for them
    copied.add(Run("taught", "Taught by Model 3", models.SimplerCNN, epochs="small_student_epochs", loss=losses.KLLoss,
                   teacher=MODEL3))  # fmt: skip
    expected = predict(copied.model(MODEL3), copied.inputs.dataset("train", "tokens"), copied.settings).numpy()
    assert np.array_equal(copied.teacher_logits(MODEL3), expected.astype(np.float16).astype(np.float32))
    assert copied.record("taught").run.teacher == MODEL3


def test_a_run_of_ones_own_is_checked(settings):
    study_ = Study(settings)
    with refused(ValueError, f"There is another run {MODEL3!r}: give yours a name of its own"):
        study_.add(Run(MODEL3, "mine", OneWord))
    with refused(ValueError, "The teacher 'nobody' of 'mine' is no run: add it first"):
        study_.add(Run("mine", "mine", OneWord, loss=losses.KLLoss, teacher="nobody"))


def test_files_can_be_read_by_others(copied):
    # a second user of a shared folder; safetensors alone would write files that only their owner can read
    before = os.umask(0o022)
    try:
        shutil.rmtree(folder_of(copied, MODEL3, 1))
        copied.record(MODEL3, 1)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder_of(copied, MODEL3, 1).iterdir()}
    assert {modes[name] for name in ("record.json", "best.safetensors", "test_logits.safetensors")} == {0o644}


def test_a_run_is_described_by_plain_data():
    for run in RUNS.values():
        assert json.loads(json.dumps(run.on_disk())) == run.on_disk()


def test_more_classes_than_a_byte_counts_are_kept(settings, sample):
    study = Study(settings, {}, replace(sample, classes=tuple(map(str, range(300)))))
    assert study.inputs.classes[-1] == "299"
    assert study._numbers([0, 299]).tolist() == [0, 299]
    assert Study(settings, {}, sample)._numbers([0, 3]).dtype == np.uint8  # as all committed records have them
