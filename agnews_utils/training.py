"""One training loop for every model: Adam, seeded, resumable, validated every epoch."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.utils.data import Dataset, Subset

from .data import eval_loader, train_loader
from .losses import CrossEntropy, StudentLoss
from .settings import Settings
from .support.files import replace_whole

EVAL_BATCH = 256


class WithTeacher(Dataset):
    """A dataset whose items carry the teacher's logits before the label: ``(*columns, teacher_logits, label)``.

    Raises:
        ValueError: not one row of logits an article.
    """

    def __init__(self, dataset: Dataset, teacher_logits: np.ndarray):
        if len(teacher_logits) != len(dataset):
            raise ValueError(
                f"There are {len(teacher_logits)} rows of teacher logits for {len(dataset)} articles: they belong to "
                "other data; make the teacher's logits again."
            )
        self.dataset, self.teacher_logits = dataset, np.asarray(teacher_logits, np.float32)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple:
        *columns, label = self.dataset[index]
        return *columns, self.teacher_logits[index], label


@dataclass(frozen=True)
class Recipe:
    """How a model is trained.

    Attributes:
        epochs: how many at most
        lr: Adam's step size; with ``warmup``, its peak
        batch_size: articles a step
        weight_decay: AdamW's; 0 is plain Adam
        warmup: share of all steps over which the step size rises from 0, to fall linearly to 0 after it; 0 keeps it constant
        grouped: batches of articles of like length (of a dataset with ``lengths``), which are padded less
        patience: the weights kept are those of the best validation epoch before this many epochs in a row brought no new
            best; None looks at all epochs
        run_on: train all epochs even when ``patience`` has run out, for the sake of the curves; what is kept is the same
    """

    epochs: int
    lr: float = 1e-3
    batch_size: int = 128
    weight_decay: float = 0.0
    warmup: float = 0.0
    grouped: bool = False
    patience: int | None = None
    run_on: bool = False

    def lr_at(self, step: int, steps: int) -> float:
        """Step size of step ``step`` (from 0) of ``steps``."""
        if not self.warmup:
            return self.lr
        rise = max(round(self.warmup * steps), 1)
        return self.lr * min((step + 1) / rise, (steps - step) / max(steps - rise, 1))

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """Adam, or AdamW where weights decay, over the parameters that train."""
        parameters = [p for p in model.parameters() if p.requires_grad]
        if self.weight_decay:
            return torch.optim.AdamW(parameters, lr=self.lr, weight_decay=self.weight_decay, fused=True)
        return torch.optim.Adam(parameters, lr=self.lr, fused=True)


@dataclass(frozen=True)
class Fit:
    """What training gave.

    Attributes:
        history: one dict an epoch: ``train_loss``, its parts as ``train_ce`` ..., ``train_accuracy``, ``<split>_loss`` and
            ``<split>_accuracy`` of every evaluated split, ``train_seconds``, ``eval_seconds``
        best_epoch: the epoch (from 1) that was kept, see :func:`best_epoch`
    """

    history: list[dict]
    best_epoch: int


def seed_everything(seed: int) -> None:
    """Seeds torch (all devices) and asks cuDNN for its deterministic algorithms."""
    torch.manual_seed(seed)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False


def begin_epoch(loader: torch.utils.data.DataLoader, seed: int, epoch: int) -> None:
    """Makes an epoch's order and randomness depend on (seed, epoch) alone, whatever was trained or drawn before it."""
    seed_everything(seed * 1_000_003 + epoch)
    loader.batch_sampler.epoch = epoch


def fit(
    model: nn.Module,
    train: Dataset,
    evals: Mapping[str, Dataset],
    loss: StudentLoss,
    settings: Settings,
    recipe: Recipe,
    *,
    seed: int,
    folder: Path,
    title: str = "training",
) -> Fit:
    """Trains ``model`` by ``recipe`` and leaves it with the weights of its best validation epoch.

    After every epoch the state goes to ``folder/last.pt`` and, on a new best validation accuracy, the weights to
    ``folder/best.safetensors``, each written aside and renamed. Called again after an interruption, it goes on from the last
    finished epoch and ends with the numbers that it would have had: order and randomness of an epoch depend on
    (seed, epoch) alone.

    Args:
        train: items ``(*inputs, label)``, or with teacher logits before the label (:class:`WithTeacher`) if ``loss`` needs them
        evals: datasets to evaluate after each epoch; ``"validation"`` selects, others (``"test"``) only report

    Raises:
        ValueError: a checkpoint in ``folder`` is damaged; the loss's own complaints (NaN logits, shapes).
    """
    folder.mkdir(parents=True, exist_ok=True)
    last, best = folder / "last.pt", folder / "best.safetensors"
    model.to(settings.device)
    optimizer = recipe.optimizer(model)
    history: list[dict] = []
    if last.exists():
        state = read_checkpoint(last)
        try:
            model.load_state_dict(state["model"])
            optimizer.load_state_dict(state["optimizer"])
            history = state["history"]
        except Exception as reason:
            raise _damaged(last) from reason
    loader = train_loader(train, recipe.batch_size, seed, grouped=recipe.grouped)
    total = recipe.epochs * len(loader)
    with settings.bar(total=total, initial=len(history) * len(loader), desc=title, unit="batch") as bar:
        for epoch in range(len(history) + 1, recipe.epochs + 1):
            if patience_is_out(history, recipe.patience) and not recipe.run_on:
                break
            begin_epoch(loader, seed, epoch)
            first = (epoch - 1) * len(loader)
            rates = (recipe.lr_at(step, total) for step in range(first, first + len(loader)))
            row = {"epoch": epoch} | train_epoch(model, loader, loss, optimizer, settings, bar, rates)
            started = time.perf_counter()
            for name, dataset in evals.items():
                measured = evaluate(model, dataset, settings)
                row |= {f"{name}_{measure}": value for measure, value in measured.items()}
            row["eval_seconds"] = time.perf_counter() - started
            history.append(row)
            if best_epoch(history, recipe.patience) == epoch:
                save_weights(model, best)
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "history": history}
            replace_whole(last, lambda path, state=state: torch.save(state, path))
            bar.set_postfix(validation=f"{row['validation_accuracy']:.3f}")
    load_weights(model, best)
    return Fit(history, best_epoch(history, recipe.patience))


def train_epoch(
    model: nn.Module,
    loader: torch.utils.data.DataLoader,
    loss: StudentLoss,
    optimizer: torch.optim.Optimizer,
    settings: Settings,
    bar=None,
    rates: Iterable[float] | None = None,
) -> dict:
    """One pass over ``loader``, each step at its own of ``rates`` if given: means of the loss and its parts, accuracy, seconds."""
    model.train()
    sums: dict[str, float] = {}
    right = seen = 0
    started = time.perf_counter()
    rates = iter(rates or ())
    for batch in loader:
        for rate in islice(rates, 1):
            for group in optimizer.param_groups:
                group["lr"] = rate
        *inputs, labels = (tensor.to(settings.device, non_blocking=True) for tensor in batch)
        teacher_logits = inputs.pop() if loss.needs_teacher else None
        with settings.autocast():
            logits = model(*inputs)
        parts = loss.parts(logits.float(), teacher_logits, labels)
        total = loss.total(parts)
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        optimizer.step()
        for name, value in (("loss", total), *parts.items()):
            sums[name] = sums.get(name, 0.0) + float(value.detach()) * len(labels)
        right += int((logits.argmax(dim=1) == labels).sum())
        seen += len(labels)
        if bar is not None:
            bar.update()
    means = {f"train_{name}": value / seen for name, value in sums.items()}
    return means | {"train_accuracy": right / seen, "train_seconds": time.perf_counter() - started}


@torch.no_grad()
def predict(model: nn.Module, dataset: Dataset, settings: Settings) -> torch.Tensor:
    """Logits (articles, classes) in float32 on the CPU, in the dataset's order, with the model in eval mode."""
    model.eval().to(settings.device)
    lengths = getattr(dataset, "lengths", None)
    if lengths is not None:  # articles of their own length: sorted, batches are padded little
        order = np.argsort(lengths, kind="stable")
        dataset = Subset(dataset, order.tolist())
    logits = []
    for *inputs, _ in eval_loader(dataset, EVAL_BATCH):
        with settings.autocast():
            logits.append(model(*(tensor.to(settings.device) for tensor in inputs)).float().cpu())
    logits = torch.cat(logits)
    return logits if lengths is None else logits[torch.from_numpy(np.argsort(order))]


def evaluate(model: nn.Module, dataset: Dataset, settings: Settings) -> dict:
    """Cross-entropy and accuracy of ``model`` on ``dataset``."""
    logits = predict(model, dataset, settings)
    labels = torch.from_numpy(dataset.labels)
    return {
        "loss": float(CrossEntropy()(logits, None, labels)),
        "accuracy": float((logits.argmax(dim=1) == labels).double().mean()),
    }


def best_epoch(history: list[dict], patience: int | None = None) -> int:
    """The epoch with the highest validation accuracy, the first of them on a tie.

    With ``patience``, only epochs up to the one at which it ran out count, however long training went on.
    """
    best = history[0]
    for row in history:
        if row["validation_accuracy"] > best["validation_accuracy"]:
            best = row
        if patience is not None and row["epoch"] - best["epoch"] >= patience:
            break
    return best["epoch"]


def patience_is_out(history: list[dict], patience: int | None) -> bool:
    """Whether the last ``patience`` epochs and more brought no new best validation accuracy."""
    if patience is None or not history:
        return False
    return history[-1]["epoch"] - best_epoch(history, patience) >= patience


def read_checkpoint(path: Path) -> dict:
    """A checkpoint's state, read with ``weights_only`` (no code in it is run).

    Raises:
        ValueError: the file is cut off or damaged.
    """
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except Exception as reason:
        raise _damaged(path) from reason


def _damaged(checkpoint: Path) -> ValueError:
    return ValueError(f"The checkpoint {checkpoint} is damaged: delete it, and this run trains again from the start.")


def save_weights(model: nn.Module, path: Path) -> None:
    """A model's weights in safetensors, written whole or not at all."""
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    replace_whole(path, lambda aside: save_file(weights, aside))


def load_weights(model: nn.Module, path: Path) -> nn.Module:
    """Loads weights that :func:`save_weights` wrote.

    Raises:
        ValueError: the file is missing, cut off, or of another model.
    """
    try:
        model.load_state_dict(load_file(path))
    except FileNotFoundError as reason:
        raise ValueError(f"There are no weights at {path}: delete its folder, and this run trains again.") from reason
    except Exception as reason:
        raise ValueError(
            f"The weights at {path} are damaged or of another model: delete its folder, and this run trains again."
        ) from reason
    return model
