"""One training loop for every model: Adam, seeded, validated every epoch; and around it, checkpoints that resume."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader

from .batches import ArticleDataset, ArticleSubset, Batch, eval_loader, train_loader
from .data import NO_LABEL
from .losses import Loss, as_targets, check_shapes, check_values
from .settings import Settings
from .support.files import atomic_write, load_weights, read_checkpoint, save_weights
from .support.runtime import autocast, progress_bar

EVAL_BATCH = 256


@dataclass(frozen=True)
class TrainingArgs:
    """How a model is trained.

    Attributes:
        epochs: how many at most
        lr: Adam's step size; with ``warmup``, its peak
        batch_size: articles a step
        weight_decay: AdamW's; 0 is plain Adam
        warmup: share of all steps over which the step size rises from 0, to fall linearly to 0 after it; 0 keeps it
            constant
        group_by_length: batches hold articles of similar length (of a data set with ``lengths``), so there is little
            padding
        patience: early stopping after this many epochs without a new best validation accuracy; None: never
        keep_training: train all epochs even so, to have whole learning curves; the selected epoch is the same
    """

    epochs: int
    lr: float = 1e-3
    batch_size: int = 128
    weight_decay: float = 0.0
    warmup: float = 0.0
    group_by_length: bool = False
    patience: int | None = None
    keep_training: bool = False

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """Adam, or AdamW where weights decay, over the parameters that train."""
        parameters = [p for p in model.parameters() if p.requires_grad]
        if self.weight_decay:
            return torch.optim.AdamW(parameters, lr=self.lr, weight_decay=self.weight_decay, fused=True)
        return torch.optim.Adam(parameters, lr=self.lr, fused=True)

    def scheduler(self, optimizer: torch.optim.Optimizer, steps: int) -> LambdaLR:
        """The step size of each of ``steps`` steps: constant, or a linear warm-up and a linear decay.

        The first step takes ``1 / (warm-up steps)`` of the peak; transformers' schedule would waste it at 0.
        """
        rise = max(round(self.warmup * steps), 1)

        def share(step: int) -> float:
            return min((step + 1) / rise, (steps - step) / max(steps - rise, 1)) if self.warmup else 1.0

        return LambdaLR(optimizer, share)


@dataclass(frozen=True)
class TrainingResult:
    """What training gave.

    Attributes:
        history: one dict an epoch: ``train_loss``, its terms as ``train_ce`` ..., ``train_accuracy``, ``<split>_loss``
            and ``<split>_accuracy`` of every evaluated split, ``train_seconds``, ``eval_seconds``
        best_epoch: the epoch (from 1) that was selected, see :func:`best_epoch`
    """

    history: list[dict]
    best_epoch: int


def seed_everything(seed: int) -> None:
    """Seeds torch (all devices) and asks cuDNN for its deterministic algorithms."""
    torch.manual_seed(seed)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False


def begin_epoch(loader: DataLoader, seed: int, epoch: int) -> None:
    """Makes an epoch's order and randomness depend on (seed, epoch) alone, whatever was trained or drawn before it."""
    seed_everything(seed * 1_000_003 + epoch)  # a prime, so that no two pairs of small numbers meet
    loader.batch_sampler.epoch = epoch  # type: ignore[union-attr]


def inputs_of(model: nn.Module, batch: Batch) -> Batch:
    """The columns of a batch that the model's ``forward`` names, as Hugging Face's trainer chooses them."""
    names = _argument_names(type(model).forward)
    return {name: column for name, column in batch.items() if name in names}


@cache
def _argument_names(function: Callable) -> frozenset[str]:
    return frozenset(inspect.signature(function).parameters)


def train_epoch(
    model: nn.Module,
    loader: DataLoader,
    loss: Loss,
    optimizer: torch.optim.Optimizer,
    settings: Settings,
    scheduler: LambdaLR | None = None,
    bar=None,
) -> dict:
    """One pass over ``loader``: a step of ``optimizer`` (and ``scheduler``) for each batch.

    Args:
        loader: batches by name, with ``"teacher_logits"`` if ``loss`` needs them
        bar: a progress bar, moved by one for each batch

    Returns:
        ``train_loss``, its unweighted terms as ``train_<name>``, ``train_accuracy`` (means over the articles that have
        them) and ``train_seconds``.

    Raises:
        ValueError: shapes or values of which the loss can make nothing; NaN or infinite logits (training has diverged).
    """
    model.train()
    # what is measured stays on the device until the end: asking for a number makes a GPU wait
    started, measured, counts, sizes = time.perf_counter(), [], [], []
    for batch in loader:
        batch = {name: column.to(settings.device, non_blocking=True) for name, column in batch.items()}
        labels, teacher_logits = batch["labels"], batch.get("teacher_logits")
        with autocast(settings.device):
            logits = model(**inputs_of(model, batch))
        check_shapes(loss, logits, teacher_logits, labels)
        terms = loss.terms(logits.float(), as_targets(teacher_logits), labels)
        total = loss.total(terms)
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        counts.append(torch.stack([(logits.argmax(dim=1) == labels).sum(), (labels != NO_LABEL).sum()]))
        measured.append(torch.stack([total, *terms.values()]).detach())
        sizes.append(len(labels))
        if bar is not None:
            bar.update()
    means = np.average(torch.stack(measured).cpu().double().numpy(), axis=0, weights=sizes)
    if not np.isfinite(means).all():
        check_values(loss, logits, teacher_logits, labels)
        raise ValueError("student logits hold NaN or infinite values: training has diverged; lower the learning rate.")
    right, labelled = torch.stack(counts).sum(dim=0).tolist()
    row = {f"train_{name}": mean for name, mean in zip(("loss", *terms), means.tolist(), strict=True)}
    return row | {"train_accuracy": right / max(labelled, 1), "train_seconds": time.perf_counter() - started}


def train(
    model: nn.Module,
    dataset: ArticleDataset,
    loss: Loss,
    settings: Settings,
    args: TrainingArgs,
    *,
    seed: int,
    eval_sets: Mapping[str, ArticleDataset],
    after_epoch: Callable[[dict], None] = lambda state: None,
    resumed: Mapping[str, Any] | None = None,
    bar=None,
) -> list[dict]:
    """Trains ``model`` in memory and returns its history (see :class:`TrainingResult`); nothing is written.

    Args:
        dataset: what to train on, with the teacher's logits (:class:`agnews_utils.batches.WithTeacher`) if ``loss``
        needs
            them
        eval_sets: data sets to evaluate after each epoch; ``"validation"`` stops early, others only report
        after_epoch: called with the state after each epoch: ``model``, ``optimizer``, ``history``
        resumed: the state after the last finished epoch of an interrupted training

    Raises:
        ValueError: see :func:`train_epoch`.
    """
    model.to(settings.device)
    loader = train_loader(dataset, args.batch_size, seed, args.group_by_length)
    optimizer, history = args.optimizer(model), []
    scheduler = args.scheduler(optimizer, args.epochs * len(loader))
    if resumed:
        model.load_state_dict(resumed["model"])
        optimizer.load_state_dict(resumed["optimizer"])  # the next step's size with it
        history.extend(resumed["history"])
        scheduler.last_epoch = len(history) * len(loader)
    for epoch in range(len(history) + 1, args.epochs + 1):
        if patience_is_out(history, args.patience) and not args.keep_training:
            break
        begin_epoch(loader, seed, epoch)
        row = {"epoch": epoch} | train_epoch(model, loader, loss, optimizer, settings, scheduler, bar)
        started = time.perf_counter()
        for name, eval_set in eval_sets.items():
            row |= {f"{name}_{measure}": value for measure, value in evaluate(model, eval_set, settings).items()}
        history.append(row | {"eval_seconds": time.perf_counter() - started})
        after_epoch({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "history": history})
    return history


def fit(
    model: nn.Module,
    dataset: ArticleDataset,
    eval_sets: Mapping[str, ArticleDataset],
    loss: Loss,
    settings: Settings,
    args: TrainingArgs,
    *,
    seed: int,
    folder: Path,
    title: str = "training",
) -> TrainingResult:
    """:func:`train` with checkpoints in ``folder``; leaves ``model`` with the weights of its best validation epoch.

    After every epoch the state goes to ``folder/last.pt`` and, on a new best validation accuracy, the weights to
    ``folder/best.safetensors``, each written aside and renamed. Called again after an interruption, it goes on from the
    last finished epoch and ends with the numbers that it would have had: order and randomness of an epoch depend on
    (seed, epoch) alone.

    Raises:
        ValueError: a checkpoint in ``folder`` is damaged or of another model; else as :func:`train`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    last, best = folder / "last.pt", folder / "best.safetensors"
    resumed = read_checkpoint(last, model) if last.exists() else None
    batches = len(train_loader(dataset, args.batch_size, seed))
    done = len(resumed["history"]) * batches if resumed else 0
    bar = progress_bar(settings, total=args.epochs * batches, initial=done, desc=title, unit="batch")

    def after_epoch(state: dict) -> None:
        history = state["history"]
        if best_epoch(history, args.patience) == len(history):
            save_weights(model, best)
        atomic_write(last, lambda path: torch.save(state, path))
        bar.set_postfix(validation=f"{history[-1]['validation_accuracy']:.3f}")

    with bar:
        history = train(
            model, dataset, loss, settings, args, seed=seed, eval_sets=eval_sets, after_epoch=after_epoch,
            resumed=resumed, bar=bar,
        )  # fmt: skip
    load_weights(model, best)
    return TrainingResult(history, best_epoch(history, args.patience))


@torch.no_grad()
def predict(model: nn.Module, dataset: ArticleDataset, settings: Settings) -> torch.Tensor:
    """Logits (articles, classes) in float32 on the CPU, in the data set's order, with the model in eval mode."""
    model.eval().to(settings.device)
    order = np.arange(len(dataset))
    if dataset.lengths is not None:  # articles of similar length: little padding
        order = np.argsort(dataset.lengths, kind="stable")
    logits = []
    for batch in eval_loader(ArticleSubset(dataset, order), EVAL_BATCH):
        inputs = {name: column.to(settings.device) for name, column in inputs_of(model, batch).items()}
        with autocast(settings.device):
            logits.append(model(**inputs).float().cpu())
    return torch.cat(logits)[torch.from_numpy(np.argsort(order))]


def evaluate(model: nn.Module, dataset: ArticleDataset, settings: Settings) -> dict:
    """Cross-entropy (nats) and accuracy of ``model`` on ``dataset``: ``loss`` and ``accuracy``."""
    logits = predict(model, dataset, settings)
    labels = torch.from_numpy(dataset.labels)
    return {
        "loss": float(F.cross_entropy(logits, labels)),
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
