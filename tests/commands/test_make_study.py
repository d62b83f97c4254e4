"""The plan of ``make study``: what is there, what is begun, what is left; and the work itself."""

import shutil
from dataclasses import replace

import pytest
from filelock import FileLock

from agnews_utils.commands import make_study as plan
from agnews_utils.commands.make_study import make_plan, missing, plan_in_words, seconds_an_article, work
from agnews_utils.study import inputs
from agnews_utils.study.study import Study
from agnews_utils.training import TrainingArgs, fit

NAME = "model4_simpler_cnn_distilled"


@pytest.fixture
def copied(smoke_study, tmp_path):
    """The finished study in a folder of its own, to take runs out of."""
    left_out = shutil.ignore_patterns("huggingface", "output", "model[125]_*", "simple_cnn_*", "best.safetensors")
    shutil.copytree(smoke_study.settings.work, tmp_path / "work", ignore=left_out)
    return Study(replace(smoke_study.settings, work=tmp_path / "work"))


def test_finished_study_has_nothing_to_do(smoke_study):
    steps = make_plan(smoke_study)
    assert [(step.name, step.seed) for step in steps] == smoke_study.plan()
    assert {step.state for step in steps} == {"here"}
    assert sum(step.seconds_left for step in steps) == 0
    assert "nothing to do" in plan_in_words(smoke_study, steps, 2)


def test_missing_and_begun_runs_are_planned(copied):
    shutil.rmtree(copied.store.folder(copied.run_key(NAME, 0)))
    (copied.store.folder(copied.run_key("model3_simpler_cnn_plain", 1)) / "record.json").unlink()
    # a run that was interrupted after its first epoch
    recipe = replace(copied.training_args("model3_simpler_cnn_plain", 1), epochs=1)
    parts = {split: copied.inputs.dataset(split, "tokens") for split in ("train", "validation")}
    from agnews_utils.losses import CrossEntropy

    name, eval_sets = "model3_simpler_cnn_plain", {"validation": parts["validation"]}
    folder = copied.store.folder(copied.run_key(name, 1))
    model = copied.build(name, 1)
    fit(model, parts["train"], eval_sets, CrossEntropy(), copied.settings, recipe, seed=1, folder=folder)
    steps = {(step.name, step.seed): step for step in make_plan(copied)}
    assert steps[NAME, 0].state == "missing"
    assert steps[NAME, 0].seconds_left > 0
    begun = steps["model3_simpler_cnn_plain", 1]
    assert (begun.state, begun.epochs_done) == ("begun", 1)
    # one of two epochs is left
    assert begun.seconds_left < steps[NAME, 0].seconds_left * 1.5
    words = plan_in_words(copied, list(steps.values()), 2)
    assert "(1 epochs done)" in words
    assert "with 2 workers" in words


def test_the_plan_counts_the_articles_that_a_run_trains_on(copied, monkeypatch):
    monkeypatch.setattr(plan, "seconds_an_article", lambda study, name: 1.0)
    left = {step.name: step.seconds_left for step in make_plan(copied)}
    profile = copied.settings.profile
    evaluated = (len(copied.inputs.splits["validation"]) + len(copied.inputs.splits["test"])) / 3
    answered = evaluated  # once more at the end
    assert profile.char_train_rows < len(copied.inputs.splits["train"])
    assert left["model5_char_vdcnn"] == pytest.approx(
        profile.char_epochs * (profile.char_train_rows + evaluated) + answered
    )
    assert left["model1_simple_cnn_plain"] == pytest.approx(
        profile.student_epochs * (len(copied.inputs.splits["train"]) + evaluated) + answered
    )


def test_speed_is_measured_without_changing_the_study(copied):
    before = sorted(path for path in copied.settings.work.rglob("*"))
    for name in ("model3_simpler_cnn_plain", NAME, "model6_bert_vdcnn_teacher"):
        assert 1e-6 < seconds_an_article(copied, name) < 1
    assert sorted(path for path in copied.settings.work.rglob("*")) == before


def small_plan(monkeypatch, copied):
    """Leaves only the 1-layer runs in the plan, so that work is quick."""
    names = [(name, seed) for name, seed in copied.plan() if name in (NAME, "simpler_cnn_kl")]
    monkeypatch.setattr(copied, "plan", lambda: names)
    return names


def test_work_makes_what_is_missing(copied, smoke_records, monkeypatch):
    names = small_plan(monkeypatch, copied)
    gone = [(NAME, 1), ("simpler_cnn_kl", 0)]
    for name, seed in gone:
        shutil.rmtree(copied.store.folder(copied.run_key(name, seed)))
    assert missing(copied) == gone
    said = []
    work(copied, say=said.append)
    assert missing(copied) == []
    assert len(said) == len(gone)
    assert "CNN-1 DIST, seed 1: test " in said[0]
    for name, seed in names:
        assert copied.record(name, seed).test_accuracy == smoke_records[name][seed].test_accuracy


def test_work_leaves_runs_to_the_process_that_makes_them(copied, monkeypatch):
    small_plan(monkeypatch, copied)
    for seed in (0, 1):
        shutil.rmtree(copied.store.folder(copied.run_key(NAME, seed)))
    folder = copied.store.folder(copied.run_key(NAME, 0))
    folder.mkdir()
    lock = FileLock(folder / "lock")
    lock.acquire()
    waited = []

    def sleep(_):  # the other process ends while this one waits
        waited.append(copied.found(NAME, 1) is not None)
        lock.release()

    monkeypatch.setattr(plan.time, "sleep", sleep)
    work(copied, say=lambda _: None)
    assert waited == [True]  # the free run came first
    assert missing(copied) == []


def test_students_wait_for_their_teacher(copied, monkeypatch):
    small_plan(monkeypatch, copied)
    shutil.rmtree(copied.store.folder(copied.run_key(NAME, 0)))
    teacher = copied.store.folder(copied.run_key("model6_bert_vdcnn_teacher"))
    teacher.rename(teacher.with_name("elsewhere"))
    monkeypatch.setattr(plan.time, "sleep", lambda _: teacher.with_name("elsewhere").rename(teacher))
    monkeypatch.setattr(inputs, "cached_features", lambda *_: pytest.fail("the teacher was trained by its student"))
    work(copied, say=lambda _: None)
    assert missing(copied) == []


def test_plan_is_printed(monkeypatch, capsys, smoke_study):
    monkeypatch.setattr(plan, "read_settings", lambda: smoke_study.settings)
    assert plan.main(["--plan", "--runs", "report"]) == 0
    printed = capsys.readouterr().out
    assert "nothing to do: every run is there" in printed
    assert "CNN-4 DIST" in printed
    assert "features of the frozen encoder: cached" in printed


@pytest.mark.parametrize("recipe", [TrainingArgs(1), TrainingArgs(1, weight_decay=0.1)])
def test_frozen_parameters_are_not_optimised(recipe, smoke_study):
    model = smoke_study.build("teacher_12k_dropout")
    optimised = {id(p) for group in recipe.optimizer(model).param_groups for p in group["params"]}
    assert not optimised & {id(p) for p in model.encoder.parameters()}
    assert len(optimised) == len(list(model.vdcnn.parameters()))
