"""Trained models, ready to answer about any text."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..batches import ArticleDataset, Articles, CharArticles
from ..models import BertVDCNN
from ..training import predict
from .study import Study

REPEATS = 5  # timings of each model, of which the median counts


@dataclass(frozen=True)
class Answer:
    """What one model says: probabilities (K,) and the milliseconds from text to answer."""

    name: str
    title: str
    probabilities: np.ndarray
    milliseconds: float

    @property
    def prediction(self) -> int:
        return int(self.probabilities.argmax())


class Answering:
    """The study's trained models, ready for any text; each is loaded when it is first asked."""

    def __init__(self, study: Study):
        self.study = study
        self._loaded: dict[str, torch.nn.Module] = {}
        self._seeds: dict[str, int | None] = {}

    def names(self) -> list[str]:
        """Runs whose weights are here. An n-gram baseline keeps none and gives no probabilities."""
        return [name for name, run in self.study.runs.items() if run.inputs != "text" and self.seed(name) is not None]

    def seed(self, name: str) -> int | None:
        """The lowest seed whose weights are on disk. Committed records carry no weights, so seed 0 may have none."""
        if self._seeds.get(name) is None:  # once found it stays, so that a title names the model that is loaded
            seeds = range(self.study.runs[name].seeds)
            self._seeds[name] = next((seed for seed in seeds if self.study.has_weights(name, seed)), None)
        return self._seeds[name]

    def title(self, name: str) -> str:
        """The run's title, with its seed where that is not 0."""
        seed = self.seed(name)
        return self.study.runs[name].title + (f" (seed {seed})" if seed else "")

    def model(self, name: str) -> torch.nn.Module:
        """The run's model, reading tokens or characters: one trained on cached features gets the encoder before it."""
        if name not in self._loaded:
            model = self.study.model(name, self.seed(name) or 0)
            if self.study.runs[name].inputs == "features":
                model = BertVDCNN(self.study.inputs.encoder, model).eval()
            self._loaded[name] = model
        return self._loaded[name]

    def probabilities(self, name: str, texts: Sequence[str]) -> np.ndarray:
        """(texts, K)"""
        study, labels = self.study, [0] * len(texts)  # a data set has labels; nothing reads these
        dataset: ArticleDataset
        if study.runs[name].inputs == "characters":
            dataset = CharArticles(texts, labels, study.settings.profile.char_length)
        else:
            dataset = Articles({"text": texts, "label": labels}, study.inputs.tokenizer, study.settings.max_length)
        return predict(self.model(name), dataset, study.settings).softmax(dim=1).numpy()

    def ask(self, name: str, text: str) -> Answer:
        """Probabilities and time for one text."""
        probabilities = self.probabilities(name, [text])[0]  # also loads the model and warms up
        seconds = []
        for _ in range(REPEATS):
            started = time.perf_counter()
            self.probabilities(name, [text])
            seconds.append(time.perf_counter() - started)
        return Answer(name, self.title(name), probabilities, 1000 * float(np.median(seconds)))

    def leave_one_out(self, name: str, text: str) -> tuple[int, list[tuple[str, float]]]:
        """The predicted class, and for each word how far its probability falls when the word is left out."""
        words = text.split()
        without = [" ".join(words[:i] + words[i + 1 :]) or " " for i in range(len(words))]
        probabilities = self.probabilities(name, [" ".join(words), *without])
        predicted = int(probabilities[0].argmax())
        drops = probabilities[0, predicted] - probabilities[1:, predicted]
        return predicted, list(zip(words, drops.tolist(), strict=True))
