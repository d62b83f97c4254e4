"""The runs of notebook 07: their keys and their articles, and the teachers made once in smoke."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from helpers import refused, settings_in, write_csv

from agnews_utils.baselines import Baseline
from agnews_utils.data import NO_LABEL, fingerprint
from agnews_utils.losses import KLLoss, LogitLoss
from agnews_utils.models import WideCNN, count_parameters
from agnews_utils.settings import PROFILES
from agnews_utils.study import study as study_module
from agnews_utils.study.inputs import FURTHER, SPLITS
from agnews_utils.study.records import METADATA
from agnews_utils.study.runs import MODEL3, MODEL4, RUNS, TFIDF, Member, Run, to_disk
from agnews_utils.study.strong import ENSEMBLE, MINILM_FOLDS, SEEN, STRONG_RUNS, TEACHER_RUNS, TFIDF_FOLDS, UNSEEN
from agnews_utils.study.study import STUDY_VERSION, Study


@pytest.fixture(scope="module")
def on_sample(tmp_path_factory):
    """A study of all runs on the embedded sample, of which none is made; do not add to it."""
    return Study(settings_in(tmp_path_factory.mktemp("sample")), {**RUNS, **STRONG_RUNS})


@pytest.fixture
def own(on_sample):
    """The same, to add runs to; articles are not tokenised again."""
    study = Study(on_sample.settings, on_sample.runs)
    study.inputs = on_sample.inputs
    return study


# --- keys


def digest(study, run):
    """The digest at the end of the run's key, which its name has no part in."""
    study.add(run)
    return study.run_key(run.name).removeprefix(f"{run.name}-seed0-")


CHANGES = {
    "a fold left out": {"fold": (0, 2)},
    "another fold": {"fold": (1, 2)},
    "a smaller fold": {"fold": (0, 3)},
    "few labels": {"labels": 100},
    "fewer labels": {"labels": 50},
    "another draw of few labels": {"labels": 100, "draw": 1},
    "still another draw": {"labels": 100, "draw": 2},
    "further texts": {"further": 10},
    "more further texts": {"further": 20},
    "further texts with their labels": {"further": 10, "further_labels": True},
    "fewer pieces": {"vocabulary": 1000},
    "still fewer pieces": {"vocabulary": 500},
    "shuffled teacher": {"shuffled": True},
}


def test_each_option_makes_another_run(own):
    plain = digest(own, replace(RUNS[MODEL4], name="plain"))
    assert plain == own.run_key(MODEL4)[-8:]  # what a run is called changes no number
    keys = {name: digest(own, replace(RUNS[MODEL4], name=name, **what)) for name, what in CHANGES.items()}
    assert len({plain, *keys.values()}) == 1 + len(CHANGES)


@pytest.mark.parametrize("name", [MODEL3, TFIDF])
def test_folds_are_different_runs(own, name):
    keys = {digest(own, replace(RUNS[name], name=f"fold {fold}", fold=fold)) for fold in ((0, 2), (1, 2), (0, 4))}
    assert len(keys | {own.run_key(name)[-8:]}) == 4


MEMBERS = {
    "unseen": [Member(MINILM_FOLDS)],
    "seen": [Member(MINILM_FOLDS, seen=True)],
    "another seed": [Member(MINILM_FOLDS, seed=1)],
    "other models": [Member(TFIDF_FOLDS)],
    "two": [Member(MINILM_FOLDS), Member(TFIDF_FOLDS)],
}


def test_other_members_are_another_ensemble(own):
    runs = [replace(STRONG_RUNS[UNSEEN], name=name, members=tuple(of)) for name, of in MEMBERS.items()]
    assert len({digest(own, run) for run in runs}) == len(MEMBERS)
    assert digest(own, runs[0]) == own.run_key(UNSEEN)[-8:]


def test_an_ensemble_and_its_student_depend_on_the_members_training(on_sample):
    student = Run("taught", "Taught", WideCNN, epochs="wide_epochs", loss=LogitLoss, teacher=ENSEMBLE)
    settings = on_sample.settings
    longer = replace(settings, profile=replace(settings.profile, fine_tune_epochs=2))
    keys = [Study(of, {**STRONG_RUNS, student.name: student}) for of in (settings, longer)]
    for name in (ENSEMBLE, UNSEEN, "taught", *MINILM_FOLDS):
        assert len({study.run_key(name) for study in keys}) == 2, name
    assert len({study.run_key(TFIDF_FOLDS[0]) for study in keys}) == 1


def test_other_further_texts_are_another_run(tmp_path):
    rows = [(i % 4 + 1, f"title {i}", f"told in number {i}") for i in range(240)]
    write_csv(tmp_path / "news" / "train.csv", rows[:200])
    write_csv(tmp_path / "news" / "test.csv", rows[200:])
    reads = replace(RUNS[MODEL3], name="reads", further=10)
    keys = {"reads": set(), MODEL3: set()}
    for texts in (["one text"], ["one text", "and another"]):
        write_csv(tmp_path / "news" / "unlabelled.csv", [(text,) for text in texts])
        study = Study(settings_in(tmp_path / "work", AGNEWS_DATA_DIR=str(tmp_path / "news")), {**RUNS, "reads": reads})
        for name, found in keys.items():
            found.add(study.run_key(name))
    assert {name: len(found) for name, found in keys.items()} == {"reads": 2, MODEL3: 1}


def key_before_the_options(study, name, seed):
    """A run's key as it was computed before there were folds, hidden labels, further texts and ensembles."""
    profile = study.settings.profile

    def is_set(options):
        return {name: value for name, value in options.items() if value not in (None, {}, False, 0)}

    def spec_of(run, seed):
        spec = {
            "model": run.model.__name__, "inputs": run.inputs, "loss": run.loss.__name__, "loss_args": run.loss_args,
            "model_args": run.model_args, "version": STUDY_VERSION, "seed": seed, "first_rows": run.rows,
            "recipe": is_set(to_disk(asdict(study.training_args(run.name, seed)))),
            "rows": [study.inputs.row_key(split) for split in SPLITS], "max_length": study.settings.max_length,
        }  # fmt: skip
        if run.inputs == "characters":
            spec |= {"first_rows": profile.char_train_rows, "max_length": profile.char_length}
        if run.teacher:
            spec["teacher"] = spec_of(study.run(run.teacher), 0)
        if run.inputs in ("features", "tokens") or run.teacher:
            spec["encoder"] = study.inputs.encoder_files.key
        return is_set(spec)

    spec = spec_of(study.run(name), seed)
    return f"{name}-seed{seed}-{fingerprint([json.dumps(spec, sort_keys=True)])[:8]}"


@pytest.mark.parametrize("seed", [0, 1])
def test_the_options_change_no_key_of_a_run_without_them(on_sample, seed):
    # else weeks of computing, and every committed record, would no longer be found
    for name in RUNS:
        assert on_sample.run_key(name, seed) == key_before_the_options(on_sample, name, seed)


def test_a_run_without_the_options_does_not_name_them(on_sample):
    new = {"fold", "labels", "draw", "further", "further_labels", "further_texts", "shuffled", "vocabulary", "members",
           "teachers"}  # fmt: skip
    for run in RUNS.values():
        assert not new & set(on_sample._spec(run, 0))
        assert not new & set(run.on_disk())
    assert new & set(on_sample._spec(STRONG_RUNS[MINILM_FOLDS[0]], 0)) == {"fold"}
    assert new & set(on_sample._spec(STRONG_RUNS[ENSEMBLE], 0)) == {"members", "teachers"}


# --- what is planned


def test_one_name_is_one_run():
    assert list(STRONG_RUNS) == [run.name for run in STRONG_RUNS.values()]
    assert all(RUNS.get(name, run) == run for name, run in STRONG_RUNS.items())
    assert {run.group for run in TEACHER_RUNS} == {"teacher"}  # whose logits of further texts are kept


def test_folds_leave_out_every_article_once():
    for names in (MINILM_FOLDS, TFIDF_FOLDS):
        folds = [STRONG_RUNS[name].fold for name in names]
        assert folds == [(number, len(names)) for number in range(len(names))]
        first, *others = (replace(STRONG_RUNS[name], name="", title="", fold=None) for name in names)
        assert others == [first] * len(others)  # they differ in nothing else


def test_members_come_before_their_ensemble_and_teachers_before_their_student(settings):
    plan = Study(replace(settings, profile=PROFILES["full"]), STRONG_RUNS).plan()
    assert {(run.name, 0) for run in TEACHER_RUNS} <= set(plan)
    for name, seed in plan:
        assert all(plan.index(needed) < plan.index((name, seed)) for needed in STRONG_RUNS[name].needs)


def test_a_control_differs_in_who_is_asked_alone():
    unseen, seen = STRONG_RUNS[UNSEEN], STRONG_RUNS[SEEN]
    assert replace(seen, name=unseen.name, title=unseen.title, members=unseen.members) == unseen
    assert [replace(member, seen=False) for member in seen.members] == list(unseen.members)


def test_a_strong_run_is_described_by_plain_data():
    for run in STRONG_RUNS.values():
        assert json.loads(json.dumps(run.on_disk())) == run.on_disk()


def test_members_must_be_runs(own):
    with refused(ValueError, "The teacher 'nobody' of 'mean' is no run: add it first"):
        own.add(replace(STRONG_RUNS[UNSEEN], name="mean", members=(Member(("nobody",)),)))


# --- what a run trains on


@pytest.fixture(scope="module")
def with_further(tmp_path_factory):
    """A study of 160 training articles, with six further texts; do not add to it."""
    folder = tmp_path_factory.mktemp("further")
    rows = [(i % 4 + 1, f"title {i}", f"told in number {i}") for i in range(240)]
    write_csv(folder / "train.csv", rows[:200])
    write_csv(folder / "test.csv", rows[200:])
    write_csv(folder / "further_descriptions.csv", [(i + 1, f"further text {i} of a class") for i in range(4)])
    write_csv(folder / "unlabelled.csv", [(f"further text {i} of no class",) for i in range(2)])
    return Study(settings_in(folder / "work", AGNEWS_DATA_DIR=str(folder)), {**RUNS, **STRONG_RUNS})


def teacher_of(study, monkeypatch):
    """A teacher whose logits say which article they are of; further texts go on from 1000."""

    def teacher_logits(name, split="train", seed=0):
        rows = len(study.inputs.texts(split)["text"])
        return (1000 * (split == FURTHER) + np.arange(rows * 4).reshape(rows, 4)).astype(np.float32)

    monkeypatch.setattr(study, "teacher_logits", teacher_logits)


def training_set(study, name, **what):
    return study._training_set(replace(RUNS[name], **what))


@pytest.mark.parametrize(("fold", "rows"), [((0, 2), range(1, 320, 2)), ((1, 2), range(0, 320, 2)),
                                            ((2, 3), [i for i in range(320) if i % 3 != 2])])  # fmt: skip
def test_a_fold_is_left_out(on_sample, monkeypatch, fold, rows):
    teacher_of(on_sample, monkeypatch)
    whole = on_sample.inputs.articles("train")
    plain, taught = (training_set(on_sample, name, fold=fold) for name in (MODEL3, MODEL4))
    assert np.array_equal(plain.labels, whole.labels[list(rows)])
    assert torch.equal(plain.__getitems__([0, 5])["input_ids"], torch.from_numpy(whole.input_ids[[rows[0], rows[5]]]))
    assert taught.teacher_logits[:, 0].tolist() == [4 * row for row in rows]


def test_a_fold_of_the_first_articles(on_sample):
    part = training_set(on_sample, MODEL3, fold=(0, 2), rows=50)
    assert np.array_equal(part.labels, on_sample.inputs.articles("train").labels[1:50:2])


def test_the_first_articles_alone_keep_their_label(on_sample, monkeypatch):
    teacher_of(on_sample, monkeypatch)
    whole = on_sample.inputs.articles("train")
    for name in (MODEL3, MODEL4):
        part = training_set(on_sample, name, labels=100)
        assert np.array_equal(part.labels[:100], whole.labels[:100])
        assert part.labels[100:].tolist() == [NO_LABEL] * 220
    assert part.teacher_logits[:, 0].tolist() == list(range(0, 1280, 4))  # the teacher speaks of all
    with refused(ValueError, "has no label: for a student of the teacher alone, give its loss alpha 1"):
        replace(RUNS[MODEL3], labels=0)
    assert on_sample.inputs.articles("train").labels.min() == 0  # what other runs read is as it was


def test_other_articles_are_drawn_and_all_models_of_a_draw_see_the_same(on_sample, monkeypatch):
    teacher_of(on_sample, monkeypatch)
    whole = on_sample.inputs.articles("train")
    drawn = on_sample.rows_of(replace(RUNS[MODEL3], rows=100, draw=1))
    assert len(set(drawn)) == 100
    assert not np.array_equal(drawn, np.arange(100))
    assert not np.array_equal(drawn, on_sample.rows_of(replace(RUNS[MODEL3], rows=100, draw=2)))
    assert np.array_equal(training_set(on_sample, MODEL3, rows=100, draw=1).labels, whole.labels[drawn])
    taught = training_set(on_sample, MODEL4, labels=100, draw=1)
    assert np.flatnonzero(taught.labels != NO_LABEL).tolist() == drawn.tolist()
    assert np.array_equal(taught.labels[drawn], whole.labels[drawn])
    assert np.array_equal(on_sample.rows_of(replace(RUNS[TFIDF], labels=100, draw=1)), drawn)


@pytest.mark.parametrize(("asked", "there"), [(4, 4), (6, 6), (50, 6)])
@pytest.mark.parametrize("labelled", [False, True])
def test_further_texts_come_after_the_articles(with_further, monkeypatch, asked, there, labelled):
    teacher_of(with_further, monkeypatch)
    part = training_set(with_further, MODEL4, further=asked, further_labels=labelled)
    further = with_further.inputs.further
    assert len(part) == 160 + there
    assert np.array_equal(part.labels[:160], with_further.inputs.articles("train").labels)
    assert part.labels[160:].tolist() == (further["label"][:there] if labelled else [NO_LABEL] * there)
    expected = [*range(0, 640, 4), *range(1000, 1000 + 4 * there, 4)]
    assert part.teacher_logits[:, 0].tolist() == expected
    tokens = with_further.inputs.tokenizer(further["text"][there - 1])["input_ids"]
    assert part[len(part) - 1][0][: len(tokens)].tolist() == tokens


def test_further_texts_may_come_after_a_part_with_hidden_labels(with_further, monkeypatch):
    teacher_of(with_further, monkeypatch)
    part = training_set(with_further, MODEL4, further=2, further_labels=True, labels=10, rows=30, fold=(1, 2))
    kept = with_further.inputs.articles("train").labels[:10:2].tolist()
    assert part.labels.tolist() == [*kept, *[NO_LABEL] * 10, *with_further.inputs.further["label"][:2]]
    assert part.teacher_logits[:, 0].tolist() == [*range(0, 120, 8), 1000, 1004]


def test_a_shuffled_teacher_says_the_same_of_each_class(on_sample, monkeypatch):
    logits = np.random.default_rng(0).normal(size=(320, 4)).astype(np.float32)
    monkeypatch.setattr(on_sample, "teacher_logits", lambda *_: logits)
    plain, shuffled = (training_set(on_sample, MODEL4, shuffled=on).teacher_logits for on in (False, True))
    assert np.array_equal(plain, logits)
    assert np.array_equal(shuffled.argmax(axis=1), logits.argmax(axis=1))
    assert sorted(shuffled.tolist()) == sorted(logits.tolist())
    assert (shuffled != logits).any(axis=1).mean() > 0.8


def test_a_small_vocabulary_is_read_and_built(own):
    own.add(Run("small", "Small", WideCNN, epochs="wide_epochs", vocabulary=1000, model_args={"buckets": 64}))
    train, model = own._training_set(own.run("small")), own.build("small")
    assert 900 < train.input_ids.max() < 1000 <= own.inputs.articles("train").input_ids.max()
    assert model.embedding.weight.shape == (1000, 128)
    words = own.inputs.word_vectors(1000)
    table = own.inputs.encoder.bert.get_input_embeddings().weight
    assert torch.equal(words, table[torch.from_numpy(own.inputs.pieces(1000))])
    assert own.inputs.tokenizer.convert_ids_to_tokens(own.inputs.pieces(1000)[:2].tolist()) == ["[PAD]", "[UNK]"]
    validation = own.inputs.dataset("validation", "tokens", 1000)
    assert validation.input_ids.max() < 1000


@pytest.fixture
def reads():
    """A baseline that keeps what it was given and knows nothing."""

    def baseline(train, validation, seed):
        baseline.given = train
        return Baseline(lambda texts: np.zeros((len(texts), 4)), 1, [{"epoch": 1, "train_seconds": 0.0}], 1)

    return baseline


def test_a_baseline_reads_its_part_of_the_articles(own, reads):
    own._trained(Run("reads", "Reads", reads, "text", fold=(0, 2), rows=40), 0)
    train = own.inputs.splits["train"][:40]
    assert reads.given == {name: train[name][1::2] for name in ("text", "label")}


def test_a_baseline_reads_further_texts_with_a_class_alone(with_further, reads):
    run = Run("reads", "Reads", reads, "text", further=6, further_labels=True)
    _, _, rows, answer = with_further._trained(run, 0)
    texts, labels = reads.given["text"], reads.given["label"]
    assert rows == len(texts) == len(labels) == 164
    assert texts[:160] == with_further.inputs.splits["train"]["text"][:]
    expected = {f"further text {i} of a class": i for i in range(4)}
    assert dict(zip(texts[160:], labels[160:], strict=True)) == expected
    assert answer(FURTHER).shape == (6, 4)


# --- the teachers, made


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The strong teachers, made in smoke, and a student of the ensemble."""
    study = Study(settings_in(tmp_path_factory.mktemp("strong")), {**STRONG_RUNS})
    study.add(Run("student", "Student", WideCNN, epochs="wide_epochs", loss=KLLoss, teacher=ENSEMBLE, vocabulary=2000,
                  model_args={"buckets": 1024}))  # fmt: skip
    study.record("student")
    for name in (UNSEEN, SEEN):
        study.record(name)
    return study


def kept_logits(study, name, seed=0):
    return study.store.train_logits(study.run_key(name, seed))


@pytest.mark.slow
def test_every_needed_run_is_made_with_its_logits_of_the_training_articles(made):
    on_disk = {path.parent.name for path in made.store.own.glob("*/record.json")}
    needed = [*STRONG_RUNS[ENSEMBLE].needs, (ENSEMBLE, 0)]
    assert on_disk == {made.run_key(*run) for run in [*needed, (UNSEEN, 0), (SEEN, 0), ("student", 0)]}
    for name, seed in needed:
        logits = kept_logits(made, name, seed)
        assert logits.shape == (320, 4)
        assert np.array_equal(logits, made.teacher_logits(name, seed=seed))


@pytest.mark.slow
def test_an_ensembles_record_is_a_record(made):
    record = made.record(ENSEMBLE)
    assert set(record.metadata) >= METADATA
    assert record.test_logits.shape == (160, 4)
    assert record.validation_logits.shape == (80, 4)
    assert record.train_rows == 320
    assert record.parameters == sum(made.record(name, seed).parameters for name, seed in record.run.needs)
    row = record.metadata["history"][0]
    assert (len(row["weights"]), min(row["weights"]) >= 0) == (3, True)
    assert abs(record.test_accuracy - row["test_accuracy"]) <= 1 / 160  # float16 may break a tie in another way
    assert made.record(MINILM_FOLDS[0]).train_rows == 160
    assert json.loads(json.dumps(record.metadata["run"])) == STRONG_RUNS[ENSEMBLE].on_disk()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "asked"), [(UNSEEN, 0), (SEEN, 1)])
def test_an_ensemble_answers_for_each_article_with_the_fold_that_it_should(made, name, asked):
    (weight,) = made.record(name).metadata["history"][0]["weights"]
    folds = [kept_logits(made, fold) for fold in MINILM_FOLDS]
    rows = np.arange(320)
    expected = weight * np.where((rows % 2 == asked)[:, None], *folds)
    # the weight is recorded to four digits, the logits to float16
    np.testing.assert_allclose(made.teacher_logits(name), expected, rtol=2e-3, atol=1e-3)
    test = [made.record(fold).test_logits for fold in MINILM_FOLDS]
    np.testing.assert_allclose(made.record(name).test_logits, weight * (test[0] + test[1]) / 2, rtol=2e-3, atol=1e-3)


@pytest.mark.slow
def test_seen_articles_are_known_better_than_unseen_ones(made):
    labels = np.asarray(made.inputs.splits["train"]["label"])
    unseen, seen = ((made.teacher_logits(name).argmax(axis=1) == labels).mean() for name in (UNSEEN, SEEN))
    assert seen > unseen


@pytest.mark.slow
def test_a_student_learns_from_the_ensemble(made):
    record, model = made.record("student"), made.build("student")
    assert {"train_kl", "train_ce"} <= set(record.history)
    assert record.parameters == count_parameters(model) == 2000 * 128 + 196_992 + 512 * 4 + 4 + 1024 * 4
    assert record.train_rows == 320
    assert record.metadata["run"]["vocabulary"] == 2000


@pytest.mark.slow
def test_a_second_study_makes_no_teacher_again(made, monkeypatch):
    for name in ("fit", "ensemble"):
        monkeypatch.setattr(study_module, name, lambda *_, **__: pytest.fail("made again"))
    again = Study(made.settings, made.runs)
    for name in (ENSEMBLE, UNSEEN, SEEN, "student"):
        assert again.record(name).metadata == made.record(name).metadata
    assert np.array_equal(again.teacher_logits(ENSEMBLE), made.teacher_logits(ENSEMBLE))
