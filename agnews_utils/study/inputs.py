"""What runs read: the articles, their splits and further texts, each as tokens, frozen features or characters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, cached_property

import numpy as np
import torch
from datasets import DatasetDict

from ..batches import ArticleDataset, Articles, CharArticles, FeatureArticles
from ..data import Source, fingerprint, load_ag_news, read_further, read_source
from ..encoder import EncoderFiles, FrozenEncoder, find_encoder
from ..features import CachedFeatures, cached_features, find_features
from ..settings import Settings
from .vocabulary import cut_tokenizer, most_frequent

SPLITS = ("train", "validation", "test")
FURTHER = "further"  # texts beside the splits, which may have a class or not


class Inputs:
    """Articles, encoder and data sets at one setting; each is read, tokenised or encoded when it is first asked for."""

    def __init__(self, settings: Settings, source: Source | None = None):
        self.settings, self._given = settings, source

    @cached_property
    def source(self) -> Source:
        """Where the articles came from."""
        return self._given or read_source(self.settings)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes' names, in the order of their numbers."""
        return self.source.classes

    @cached_property
    def splits(self) -> DatasetDict:
        """Train, validation and test with columns ``text`` and ``label``."""
        return load_ag_news(self.settings, self.source)

    @cached_property
    def encoder_files(self) -> EncoderFiles:
        """The encoder's files; its weights are not read."""
        return find_encoder(self.settings)

    @cached_property
    def encoder(self) -> FrozenEncoder:
        """The frozen encoder, loaded."""
        return self.encoder_files.load(self.settings.device)

    @cached_property
    def tokenizer(self):
        """The encoder's tokenizer."""
        return self.encoder_files.tokenizer()

    @cached_property
    def further(self) -> Mapping[str, Sequence]:
        """Texts that no split holds (:func:`agnews_utils.data.read_further`): columns ``text`` and ``label``."""
        frame = read_further(self.source, self.splits, self.settings.split_seed)
        return {"text": frame["text"].tolist(), "label": frame["label"].tolist()}

    def texts(self, split: str) -> Mapping[str, Sequence]:
        """Columns ``text`` and ``label`` of a split, or of the further texts."""
        return self.further if split == FURTHER else self.splits[split]

    @cache  # noqa: B019 - a study lives as long as its notebook
    def row_key(self, split: str) -> str:
        """Fingerprint of the split's texts in their order."""
        return fingerprint(self.texts(split)["text"])

    @cache  # noqa: B019
    def articles(self, split: str, vocabulary: int | None = None) -> Articles:
        """The split as WordPiece tokens, of all pieces or of the ``vocabulary`` most frequent ones."""
        tokenizer = self.tokenizer if vocabulary is None else cut_tokenizer(self.tokenizer, self.pieces(vocabulary))
        return Articles(self.texts(split), tokenizer, self.settings.max_length)

    @cache  # noqa: B019
    def pieces(self, vocabulary: int | None = None) -> np.ndarray:
        """Numbers of the pieces that :meth:`articles` reads, in the order of the numbers that it gives them."""
        if vocabulary is None:
            return np.arange(len(self.tokenizer))
        return most_frequent(self.tokenizer, self.articles("train").input_ids, vocabulary)

    def word_vectors(self, vocabulary: int | None = None) -> torch.Tensor:
        """The encoder's embeddings of these pieces, (pieces, hidden): what it knows of a word outside any text."""
        table = self.encoder.bert.get_input_embeddings().weight.detach().cpu()
        return table[torch.from_numpy(self.pieces(vocabulary))].clone()

    @cache  # noqa: B019
    def features(self, split: str) -> CachedFeatures:
        """The split's frozen features, from the cache or encoded now."""
        return cached_features(self.encoder, self.articles(split), self.settings)

    def has_features(self, split: str) -> bool:
        """Whether the split's frozen features are in the cache."""
        return not find_features(self.encoder_files, self.articles(split), self.settings).missing()

    @cache  # noqa: B019
    def dataset(self, split: str, inputs: str, vocabulary: int | None = None) -> ArticleDataset:
        """The split as a model reads it: "tokens", "features" or "characters"."""
        if inputs == "tokens":
            return self.articles(split, vocabulary)
        if inputs == "features":
            return FeatureArticles(self.features(split), self.articles(split))
        rows, part = self.settings.profile.char_train_rows, self.splits[split]
        if split == "train" and rows is not None and rows < len(part):
            part = part.select(range(rows))  # the split is shuffled, so its first articles are a fair part
        return CharArticles(part["text"], part["label"], self.settings.profile.char_length)
