"""The training loop: the same numbers again, also after a kill; the best epoch; damaged checkpoints."""

import io
import math
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tiny_training
import torch
from helpers import refused, settings_in, without_seconds
from safetensors.torch import load_file
from tiny_training import EPOCHS, TinyModel, articles, train
from torch import nn

from agnews_utils import training
from agnews_utils.batches import CharArticles, WithTeacher, train_loader
from agnews_utils.data import NO_LABEL
from agnews_utils.losses import CrossEntropy, DISTLoss
from agnews_utils.settings import ROOT
from agnews_utils.support.files import load_weights, read_checkpoint, save_weights
from agnews_utils.training import TrainingArgs, best_epoch, evaluate, fit, patience_is_out, predict


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A finished run: its folder and result."""
    folder = tmp_path_factory.mktemp("undisturbed")
    return folder, train(folder)


def best_weights(folder):
    return load_file(folder / "best.safetensors")


def assert_same_run(folder, result, undisturbed):
    assert without_seconds(result.history) == without_seconds(undisturbed[1].history)
    assert result.best_epoch == undisturbed[1].best_epoch
    expected = best_weights(undisturbed[0])
    for name, tensor in best_weights(folder).items():
        assert torch.equal(tensor, expected[name]), name


def test_history(undisturbed):
    history = undisturbed[1].history
    assert [row["epoch"] for row in history] == list(range(1, EPOCHS + 1))
    losses = {"train_loss", "train_ce", "train_inter", "train_intra", "validation_loss", "test_loss"}
    accuracies = {"train_accuracy", "validation_accuracy", "test_accuracy"}
    assert set(history[0]) == {"epoch", "train_seconds", "eval_seconds"} | losses | accuracies
    for row in history:
        assert all(math.isfinite(row[name]) for name in losses)
        assert all(0 <= row[name] <= 1 for name in accuracies)
        total = row["train_ce"] + 2 * row["train_inter"] + 2 * row["train_intra"]
        assert row["train_loss"] == pytest.approx(total, rel=1e-5)
    assert history[-1]["train_loss"] < history[0]["train_loss"]


def test_same_seed_same_numbers(undisturbed, tmp_path):
    assert_same_run(tmp_path, train(tmp_path), undisturbed)


def test_other_seed_other_numbers(undisturbed, tmp_path):
    assert without_seconds(train(tmp_path, seed=1, epochs=1).history) != without_seconds(undisturbed[1].history[:1])


def test_resumed_run_ends_with_the_same_numbers(undisturbed, tmp_path):
    train(tmp_path, epochs=2)
    assert len(read_checkpoint(tmp_path / "last.pt")["history"]) == 2
    torch.rand(17)  # the caller's random state is another one by now
    assert_same_run(tmp_path, train(tmp_path), undisturbed)


def test_finished_run_is_not_trained_again(undisturbed, tmp_path, monkeypatch):
    first = train(tmp_path)
    monkeypatch.setattr("agnews_utils.training.train_epoch", lambda *_, **__: pytest.fail("trained again"))
    assert train(tmp_path).history == first.history  # seconds included


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_killed_run_ends_with_the_same_numbers(undisturbed, tmp_path):
    # SIGKILL leaves no chance to tidy up: what lies in the folder is all that the next run has
    process = subprocess.Popen([sys.executable, tiny_training.__file__, tmp_path], cwd=ROOT, env=environment())
    deadline = time.monotonic() + 60
    while not (tmp_path / "last.pt").exists():
        assert process.poll() is None, "the run ended before its first checkpoint"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    finished = read_checkpoint(tmp_path / "last.pt")["history"]
    assert 1 <= len(finished) < EPOCHS
    result = train(tmp_path)
    assert result.history[: len(finished)] == finished  # those epochs were not trained again
    assert_same_run(tmp_path, result, undisturbed)


def environment():
    """This process's environment, with the checkout importable whether or not the package is installed."""
    return os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": str(torch.get_num_threads())}


def test_checkpoint_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    train(tmp_path, epochs=1)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    whole = torch.save

    def cut_off(state, path):
        whole(state, path)
        path.write_bytes(path.read_bytes()[:100])
        raise OSError("no space left on device")

    monkeypatch.setattr(torch, "save", cut_off)
    with pytest.raises(OSError, match="no space"):
        train(tmp_path, epochs=2)
    assert (tmp_path / "last.pt").read_bytes() == before["last.pt"]
    assert {path.name for path in tmp_path.iterdir()} == set(before)  # no leftover either


# --- the best epoch


@pytest.mark.parametrize(
    ("accuracies", "best"),
    [([0.1, 0.3, 0.2], 2), ([0.3, 0.3, 0.2], 1), ([0.1, 0.3, 0.3], 2), ([0.5], 1), ([0.2] * 4, 1)],
)
def test_best_epoch_is_the_first_of_ties(accuracies, best):
    assert best_epoch([{"epoch": i, "validation_accuracy": a} for i, a in enumerate(accuracies, 1)]) == best


@pytest.mark.parametrize(
    ("accuracies", "patience", "best", "out"),
    [
        ([0.1, 0.3, 0.2, 0.25, 0.9], 2, 2, True),  # the late best comes after patience ran out
        ([0.1, 0.3, 0.2, 0.25, 0.9], 3, 5, False),
        ([0.1, 0.3, 0.2], 2, 2, False),
        ([0.1, 0.3, 0.3, 0.3], 2, 2, True),  # a tie is no new best
        ([0.1], 1, 1, False),
        ([0.2, 0.1], 1, 1, True),
        ([0.1, 0.3, 0.2, 0.25, 0.9], None, 5, False),
        ([], 1, None, False),
    ],
)
def test_patience(accuracies, patience, best, out):
    rows = [{"epoch": i, "validation_accuracy": a} for i, a in enumerate(accuracies, 1)]
    assert patience_is_out(rows, patience) is out
    if rows:
        assert best_epoch(rows, patience) == best


@pytest.mark.parametrize(("keep_training", "epochs"), [(False, 3), (True, 5)])
def test_patience_ends_a_run_or_only_its_choice(tmp_path, monkeypatch, keep_training, epochs):
    made_up = iter([0.8, 0.5, 0.6, 0.9, 0.95])
    monkeypatch.setattr("agnews_utils.training.evaluate", lambda *_: {"loss": 1.0, "accuracy": next(made_up)})
    rows = articles(0, 40)
    args = TrainingArgs(5, patience=2, keep_training=keep_training)
    model = TinyModel()
    result = fit(
        model, rows, {"validation": rows}, CrossEntropy(), settings_in(tmp_path), args, seed=0, folder=tmp_path
    )
    assert len(result.history) == epochs
    assert result.best_epoch == 1
    saved = best_weights(tmp_path)
    assert all(torch.equal(model.state_dict()[name], tensor) for name, tensor in saved.items())
    # asked again, an ended run trains nothing more
    again = fit(
        TinyModel(), rows, {"validation": rows}, CrossEntropy(), settings_in(tmp_path), args, seed=0, folder=tmp_path
    )
    assert again.history == result.history


def step_sizes(args, steps):
    """The step size of each of so many steps."""
    optimizer = args.optimizer(nn.Linear(1, 1))
    scheduler, rates = args.scheduler(optimizer, steps), []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def test_step_size_rises_and_falls():
    rates = step_sizes(TrainingArgs(3, lr=1e-4, warmup=0.1), 100)
    assert rates[:10] == pytest.approx([1e-5 * (i + 1) for i in range(10)])
    assert max(rates) == rates[9] == pytest.approx(1e-4)
    assert np.diff(rates[10:]) == pytest.approx(np.full(89, -1e-4 / 90))
    assert rates[-1] == pytest.approx(1e-4 / 90)
    assert set(step_sizes(TrainingArgs(3, lr=0.5), 100)) == {0.5}


def test_scheduled_run_resumes_with_the_same_numbers(tmp_path):
    rows, settings = articles(0, 130), settings_in(tmp_path)

    def run(folder, stop=None):
        eval_sets = {"validation": articles(130, 170)}
        args = TrainingArgs(4, lr=0.01, batch_size=32, weight_decay=0.01, warmup=0.2, group_by_length=True)
        torch.manual_seed(0)
        model = TinyModel()
        if stop is None:
            return fit(model, rows, eval_sets, CrossEntropy(), settings, args, seed=0, folder=folder)
        epochs = iter(range(stop))
        with pytest.MonkeyPatch.context() as patch:
            whole = training.train_epoch
            patch.setattr(training, "train_epoch", lambda *a: (next(epochs), whole(*a))[1])
            with pytest.raises(StopIteration):
                fit(model, rows, eval_sets, CrossEntropy(), settings, args, seed=0, folder=folder)
        return None

    whole = run(tmp_path / "whole")
    run(tmp_path / "stopped", stop=2)
    resumed = run(tmp_path / "stopped")
    assert without_seconds(resumed.history) == without_seconds(whole.history)
    first, second = (best_weights(tmp_path / name) for name in ("whole", "stopped"))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_best_epoch_is_selected_on_validation_alone():
    rows = [{"epoch": 1, "validation_accuracy": 0.9, "test_accuracy": 0.1, "validation_loss": 9.0}]
    rows.append({"epoch": 2, "validation_accuracy": 0.8, "test_accuracy": 1.0, "validation_loss": 0.1})
    assert best_epoch(rows) == 1


def test_model_is_left_with_its_best_weights(tmp_path):
    model = TinyModel()
    result = train(tmp_path, model=model)
    best = result.history[result.best_epoch - 1]
    settings = settings_in(tmp_path)
    for name, dataset in {"validation": articles(130, 170), "test": articles(170, 230)}.items():
        measured = evaluate(model, dataset, settings)
        assert measured["accuracy"] == best[f"{name}_accuracy"]
        assert measured["loss"] == pytest.approx(best[f"{name}_loss"], rel=1e-6)
    for name, tensor in best_weights(tmp_path).items():
        assert torch.equal(model.state_dict()[name], tensor)


@pytest.mark.parametrize("best", [1, 2, 3])
def test_best_weights_are_those_of_the_best_epoch(tmp_path, monkeypatch, best):
    # validation accuracies are made up, so that the best epoch is known beforehand
    weights, epochs = [], iter(range(1, 4))

    def made_up(model, dataset, settings):
        epoch = next(epochs)
        weights.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
        return {"loss": 1.0, "accuracy": 0.9 if epoch == best else 0.5}

    monkeypatch.setattr("agnews_utils.training.evaluate", made_up)
    model, rows = TinyModel(), articles(0, 40)
    result = fit(
        model,
        rows,
        {"validation": rows},
        CrossEntropy(),
        settings_in(tmp_path),
        TrainingArgs(3),
        seed=0,
        folder=tmp_path,
    )
    assert result.best_epoch == best
    for name, tensor in weights[best - 1].items():
        assert torch.equal(model.state_dict()[name], tensor)


class Sums(nn.Module):
    """Logits that tell which article they are of: its first character, its sum and its number of characters."""

    def forward(self, characters):
        numbers = characters.double()
        return torch.stack([numbers[:, 0], numbers.sum(dim=1), (numbers > 0).sum(dim=1)], dim=1)


def test_prediction_keeps_the_datasets_order(tmp_path):
    # predict sorts articles of their own length, to pad them little, and must put the logits back
    texts = ["a" * (1 + 37 * i % 90) for i in range(400)]  # more than one batch, lengths in no order
    rows = CharArticles(texts, [0] * 400)
    logits = predict(Sums(), rows, settings_in(tmp_path))
    assert logits.dtype == torch.float32
    assert logits.tolist() == [[3, 3 * len(text), len(text)] for text in texts]


def test_model_is_evaluated_in_eval_mode(tmp_path):
    model, rows, settings = TinyModel().train(), articles(0, 30), settings_in(tmp_path)
    before = model.layers[1].running_mean.clone()
    assert torch.equal(predict(model, rows, settings), predict(model, rows, settings))  # no dropout
    assert torch.equal(model.layers[1].running_mean, before)


# --- bad input


@pytest.mark.parametrize("rows", [0, 129, 131])
def test_teacher_logits_of_other_articles(rows):
    with refused(ValueError, f"There are {rows} rows of teacher logits for 130 articles"):
        WithTeacher(articles(0, 130), np.zeros((rows, 4)))


def test_teacher_logits_stay_with_their_article():
    rows = articles(0, 130)
    logits = np.arange(520, dtype=np.float64).reshape(130, 4)
    characters, teacher, label = WithTeacher(rows, logits)[5]
    assert np.array_equal(characters, rows.characters[5])
    assert teacher.tolist() == [20, 21, 22, 23]
    assert teacher.dtype == np.float32
    assert label == rows.labels[5]


def test_diverged_teacher_leaves_no_checkpoint(tmp_path):
    rows, folder = articles(0, 40), tmp_path / "run"
    with refused(ValueError, "The teacher logits hold NaN"):
        WithTeacher(rows, np.full((40, 4), np.nan))
    train_rows = WithTeacher(rows, np.zeros((40, 4)))
    train_rows.teacher_logits[7] = np.inf  # and where nobody looked at them before
    with refused(ValueError, "hold NaN or infinite values"):
        fit(
            TinyModel(),
            train_rows,
            {"validation": rows},
            DISTLoss(),
            settings_in(tmp_path),
            TrainingArgs(1),
            seed=0,
            folder=folder,
        )
    assert not list(folder.iterdir())


DAMAGES = {
    "empty": lambda whole: b"",
    "cut off early": lambda whole: whole[:50],
    "cut off in the middle": lambda whole: whole[: len(whole) // 2],
    "cut off at the end": lambda whole: whole[:-20],
    "text": lambda whole: b"this is no checkpoint\n" * 10,
    "zeros": lambda whole: bytes(len(whole)),
    # each of these makes torch.load end in another exception
    "pickle without a stack": lambda whole: b"\x80\x02.",
    "pickle without its memo": lambda whole: b"\x80\x02h\x07.",
    "pickle cut off in a number": lambda whole: b"\x80\x02J\x01",
    "pickle of no UTF-8": lambda whole: b"\x80\x02X\x02\x00\x00\x00\xff\xfe.",
    "pickle of another thing": lambda whole: pickle.dumps([1, 2, 3]),
}


def torch_file(content):
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


DAMAGES |= {
    "torch file of a list": lambda whole: torch_file([1, 2, 3]),
    "torch file without a history": lambda whole: torch_file({"model": {}, "optimizer": {}}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_checkpoint(undisturbed, tmp_path, damage):
    content = DAMAGES[damage]((undisturbed[0] / "last.pt").read_bytes())
    (tmp_path / "last.pt").write_bytes(content)
    with refused(ValueError, f"The checkpoint {tmp_path / 'last.pt'} is damaged: delete it"):
        train(tmp_path)
    assert (tmp_path / "last.pt").read_bytes() == content  # left for the reader to look at


def test_checkpoint_of_another_model(undisturbed, tmp_path):
    (tmp_path / "last.pt").write_bytes((undisturbed[0] / "last.pt").read_bytes())
    with refused(ValueError, f"The checkpoint {tmp_path / 'last.pt'}"):
        train(tmp_path, model=nn.Linear(3, 4))


class Payload:
    """Touches a file when unpickled: what a checkpoint from a stranger could do."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("form", ["torch", "torch, inside a state", "plain pickle"])
def test_no_code_in_a_checkpoint_is_run(tmp_path, form):
    marker, last = tmp_path / "was run", tmp_path / "last.pt"
    payload = Payload(marker)
    if form == "plain pickle":
        last.write_bytes(pickle.dumps(payload))
    else:
        torch.save(payload if form == "torch" else {"model": {}, "optimizer": payload, "history": []}, last)
    with refused(ValueError, f"The checkpoint {last} is damaged"):
        train(tmp_path)
    assert not marker.exists()
    torch.load(last, weights_only=False) if form != "plain pickle" else pickle.loads(last.read_bytes())
    assert marker.exists()  # it would have been


@pytest.mark.parametrize("damage", ["empty", "cut off early", "cut off in the middle", "text"])
def test_damaged_best_weights(undisturbed, tmp_path, damage):
    for name in ("last.pt", "best.safetensors"):
        (tmp_path / name).write_bytes((undisturbed[0] / name).read_bytes())
    best = tmp_path / "best.safetensors"
    best.write_bytes(DAMAGES[damage](best.read_bytes()))
    with refused(ValueError, f"The weights at {best} are damaged"):
        train(tmp_path)


def test_missing_best_weights(undisturbed, tmp_path):
    (tmp_path / "last.pt").write_bytes((undisturbed[0] / "last.pt").read_bytes())
    with refused(ValueError, f"There are no weights at {tmp_path / 'best.safetensors'}"):
        train(tmp_path)


def test_weights_of_another_model(tmp_path):
    save_weights(nn.Linear(3, 4), tmp_path / "linear.safetensors")
    with refused(ValueError, "are of another model than TinyModel"):
        load_weights(TinyModel(), tmp_path / "linear.safetensors")


def test_weights_come_back(tmp_path):
    torch.manual_seed(1)
    saved, loaded = TinyModel(), TinyModel()
    save_weights(saved, tmp_path / "tiny.safetensors")
    load_weights(loaded, tmp_path / "tiny.safetensors")
    for name, tensor in saved.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)


# --- the loop itself


def test_an_epoch_asks_the_device_for_no_number_before_its_end(tmp_path, monkeypatch):
    # each such question makes a GPU wait
    asked = []
    for name in ("item", "tolist", "numpy", "cpu", "__float__", "__int__", "__bool__"):
        whole = getattr(torch.Tensor, name)
        monkeypatch.setattr(torch.Tensor, name, lambda t, *a, w=whole, n=name: (asked.append(n), w(t, *a))[1])
    counts = []
    for size in (32, 320):
        rows = WithTeacher(articles(0, size), np.zeros((size, 4)))
        model, args = TinyModel(), TrainingArgs(1, batch_size=32)
        loader = train_loader(rows, args.batch_size, 0)
        asked.clear()
        training.train_epoch(model, loader, DISTLoss(), args.optimizer(model), settings_in(tmp_path))
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_the_pure_loop_gives_the_history_of_the_one_with_checkpoints(undisturbed, tmp_path):
    torch.manual_seed(0)
    model, seen = TinyModel(), []
    teacher_logits = torch.randn(130, 4, generator=torch.Generator().manual_seed(7)).numpy()
    history = training.train(
        model, WithTeacher(articles(0, 130), teacher_logits), DISTLoss(), settings_in(tmp_path),
        TrainingArgs(EPOCHS, batch_size=32), seed=0, after_epoch=lambda state: seen.append(len(state["history"])),
        eval_sets={"validation": articles(130, 170), "test": articles(170, 230)},
    )  # fmt: skip
    assert without_seconds(history) == without_seconds(undisturbed[1].history)
    assert seen == list(range(1, EPOCHS + 1))
    assert not list(tmp_path.iterdir())


def test_a_model_gets_the_columns_that_it_names(tmp_path):
    class TakesAll(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(1, 4)

        def forward(self, characters, teacher_logits):
            assert teacher_logits.shape == (len(characters), 4)
            return self.linear(characters[:, :1].float())

    rows = WithTeacher(articles(0, 40), np.zeros((40, 4)))
    assert predict(TakesAll(), rows, settings_in(tmp_path)).shape == (40, 4)
    # and a set with a teacher trains a model without one
    model, args = TinyModel(), TrainingArgs(1)
    row = training.train_epoch(
        model, train_loader(rows, 20, 0), CrossEntropy(), args.optimizer(model), settings_in(tmp_path)
    )
    assert set(row) == {"train_loss", "train_ce", "train_accuracy", "train_seconds"}


class SaysTwo(nn.Module):
    """Logits of class 2, whatever the article."""

    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.tensor([0.0, 0.0, 1.0, 0.0]))

    def forward(self, characters):
        return self.bias.expand(len(characters), 4)


@pytest.mark.parametrize(
    ("labels", "accuracy"),
    [
        ([2, 2, 0, 2, 1], 3 / 5),
        ([2, NO_LABEL, NO_LABEL, NO_LABEL, 2], 1),
        ([2, NO_LABEL, 0, 0, NO_LABEL], 1 / 3),  # neither 1/5 nor a mean of the batches' shares
        ([NO_LABEL] * 5, 0),
    ],
)
def test_training_accuracy_is_that_of_labelled_articles(tmp_path, labels, accuracy):
    model, rows = SaysTwo(), CharArticles(["text"] * 5, labels)
    args = TrainingArgs(1, lr=0.0)
    loader = train_loader(rows, 3, 0)
    row = training.train_epoch(model, loader, CrossEntropy(), args.optimizer(model), settings_in(tmp_path))
    assert row["train_accuracy"] == accuracy
    right, wrong = (-model.bias.log_softmax(dim=0)[number].item() for number in (2, 0))
    known = [label for label in labels if label != NO_LABEL]
    expected = sum(right if label == 2 else wrong for label in known) / 5
    assert row["train_loss"] == row["train_ce"] == pytest.approx(expected, rel=1e-6)  # over all articles
