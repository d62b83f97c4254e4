"""The six models: VDCNN on features or characters, BERT-VDCNN, the two small CNNs, and a linear probe to compare with.

Shapes: B articles, L positions, C channels, K classes. Every ``forward`` returns logits (B, K), and names the columns
of a batch that it reads, so that one training loop serves all. Every model gives an article the same logits whatever
batch it sits in and however far that batch is padded, up to the rounding of the arithmetic. Padding is always at the
end.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from .batches import ALPHABET_SIZE, PAD
from .encoder import FrozenEncoder
from .settings import CLASS_NAMES

NUM_CLASSES = len(CLASS_NAMES)  # AG News'; a study gives its own data's number
# convolutional blocks (of two convolutions) in the stages of 64, 128, 256 and 512 channels; depth = 1 + 2 * blocks
BLOCKS_OF_DEPTH = {9: (1, 1, 1, 1), 17: (2, 2, 2, 2), 29: (5, 5, 2, 2), 49: (8, 8, 5, 3)}
STAGE_CHANNELS = (64, 128, 256, 512)
K_MAX = 8
EMBEDDING_STD = 0.1  # of an embedding's start in WideCNN
HASH_PRIME, HASH_BEFORE, HASH_AFTER = 2**31 - 1, 1_540_483_477, 1_000_003


def channels_last(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """``layer`` of x, (B, C, L) to (B, C', L'), computed over (B, C, 1, L): the same result, faster.

    In this layout the channels of a position lie together in memory, which on a processor with bfloat16 makes a
    training step of SimpleCNN about 1.6 times as fast. It pays where x is laid out so, as the transpose of (B, L, C)
    is.

    Args:
        layer: an ``nn.Conv1d``, which is computed as a 1 x k convolution; or any layer over (B, C, 1, L)
    """
    rows = x.unsqueeze(2)
    if isinstance(layer, nn.Conv1d):
        weight = layer.weight.unsqueeze(2).to(memory_format=torch.channels_last)
        return F.conv2d(rows, weight, layer.bias, padding=(0, int(layer.padding[0]))).squeeze(2)
    return layer(rows).squeeze(2)


def kmax_pool(x: torch.Tensor, k: int, mask: torch.Tensor | None = None) -> torch.Tensor:
    """The k largest values of each channel in their original order (k-max pooling).

    Args:
        x: (B, C, L)
        k: values to keep; channels with fewer valid positions are filled up with zeros at the end
        mask: (B, L), true at valid positions, which come before the others; None means all

    Returns:
        (B, C, k). Ties go to the earlier position, so that the result does not depend on how far x is padded.

    Source: Kalchbrenner et al. 2014, section 3.2; used by Conneau et al. 2017 before the classifier.
    """
    if mask is not None:
        x = x.masked_fill(~mask.bool()[:, None], -torch.inf)
    x = F.pad(x, (0, max(k - x.shape[2], 0)), value=-torch.inf)
    top = x.sort(dim=2, descending=True, stable=True).indices[..., :k].sort(dim=2).values
    kept = x.gather(2, top)
    return kept.masked_fill(kept == -torch.inf, 0)


def to_length(x: torch.Tensor, mask: torch.Tensor, length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Positions cut or filled up with zeros to ``length``; to the longest article's own length where that is more.

    Args:
        x: (B, L, ...)
        mask: (B, L), true at an article's own positions
    """
    if x.shape[1] > length:
        keep = max(length, int(mask.sum(dim=1).max()))
        return x[:, :keep], mask[:, :keep]
    if x.shape[1] == length:
        return x, mask
    missing = length - x.shape[1]
    return F.pad(x, (0, 0) * (x.ndim - 2) + (0, missing)), F.pad(mask, (0, missing))


class VDCNNBlock(nn.Module):
    """Two convolutions of width 3, each with batch normalisation and ReLU (Conneau et al. 2017, figure 2).

    With ``shortcut``, the block's input is added before its last ReLU, through a 1 x 1 convolution where widths differ.
    """

    def __init__(self, channels_in: int, channels: int, shortcut: bool):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv1d(channels_in, channels, 3, padding=1), nn.BatchNorm2d(channels)
        self.conv2, self.norm2 = nn.Conv1d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)
        self.shortcut = None
        if shortcut:
            self.shortcut = nn.Identity() if channels_in == channels else nn.Conv1d(channels_in, channels, 1)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        y = zero_padding(F.relu(channels_last(self.norm1, channels_last(self.conv1, x))), mask)
        y = channels_last(self.norm2, channels_last(self.conv2, y))
        if self.shortcut is not None:
            y = y + channels_last(self.shortcut, x)
        return zero_padding(F.relu(y), mask)


def zero_padding(x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Zeroes padding positions, as if the article ended there: a convolution then sees what it sees at any border."""
    return x if mask is None else x * mask.to(x.dtype)


class VDCNN(nn.Module):
    """Very deep CNN over vectors per position: token features (BERT-VDCNN) or character embeddings.

    conv3-64, four stages of blocks (64, 128, 256, 512 channels), max-pooling (3, stride 2) between them, pooling to 8
    values a channel, 4096 - 2048 - 2048 - K with ReLU (Conneau et al. 2017, figure 1).

    Args:
        channels_in: width of a position's vector
        depth: 9, 17, 29 or 49 convolutions
        pooling: ``"kmax"`` keeps the 8 largest values in order (the paper); ``"adaptive"`` takes the maximum of each of
        8
            equal parts (the report). With 64 positions both see exactly 8 and agree.
        length: with ``"adaptive"``, inputs are first filled up to this many positions, so that the parts are the same
            for every batch
        shortcut: add the paper's optional shortcuts

    Raises:
        ValueError: unknown depth or pooling.
    """

    def __init__(
        self,
        channels_in: int,
        depth: int = 9,
        pooling: str = "kmax",
        length: int = 64,
        shortcut: bool = False,
        num_classes: int = NUM_CLASSES,
    ):
        super().__init__()
        if depth not in BLOCKS_OF_DEPTH:
            raise ValueError(f"VDCNN depth is {depth}; it should be one of {', '.join(map(str, BLOCKS_OF_DEPTH))}.")
        if pooling not in ("kmax", "adaptive"):
            raise ValueError(f"VDCNN pooling is {pooling!r}; it should be 'kmax' or 'adaptive'.")
        self.depth, self.pooling, self.length = depth, pooling, length
        self.conv = nn.Conv1d(channels_in, STAGE_CHANNELS[0], 3, padding=1)
        self.pool = nn.MaxPool2d((1, 3), (1, 2), (0, 1))
        self.stages, before = nn.ModuleList(), STAGE_CHANNELS[0]
        for channels, blocks in zip(STAGE_CHANNELS, BLOCKS_OF_DEPTH[depth], strict=True):
            widths = [before] + [channels] * (blocks - 1)
            self.stages.append(nn.ModuleList(VDCNNBlock(width, channels, shortcut) for width in widths))
            before = channels
        self.classifier = nn.Sequential(
            nn.Linear(before * K_MAX, 2048), nn.ReLU(), nn.Linear(2048, 2048), nn.ReLU(), nn.Linear(2048, num_classes)
        )
        for module in self.modules():
            if isinstance(module, nn.Conv1d) and module.bias is not None:  # the paper's (He et al. 2015)
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)

    def forward(self, features: torch.Tensor, attention_mask: torch.Tensor | None = None) -> torch.Tensor:
        """(B, L, channels_in) features and (B, L) mask (None: all positions count) to (B, K) logits."""
        if self.pooling == "adaptive":
            if attention_mask is None:
                attention_mask = features.new_ones(features.shape[:2])
            features, attention_mask = to_length(features, attention_mask, self.length)
        mask = None if attention_mask is None else attention_mask[:, None].float()
        x = zero_padding(features.float().transpose(1, 2), mask)
        x = zero_padding(channels_last(self.conv, x), mask)
        for number, stage in enumerate(self.stages):
            if number:
                x = channels_last(self.pool, x)
                mask = None if mask is None else mask[..., ::2]  # windows are centred on every second position
                x = zero_padding(x, mask)  # a window beyond the end still reaches the last real position
            for block in stage.children():
                x = block(x, mask)
        if self.pooling == "kmax":
            x = kmax_pool(x, K_MAX, None if mask is None else mask.flatten(1))
        else:
            x = F.adaptive_max_pool1d(x, K_MAX)
        return self.classifier(x.flatten(1))


class BertVDCNN(nn.Module):
    """BERT-VDCNN, the report's teacher (its Model 6): a frozen BERT as the embedding layer of a VDCNN.

    From text it gives the same logits as its VDCNN gives from cached features, because the features pass through
    float16 here too, as they do on disk. With ``dropout``, BERT's dropout is on while the VDCNN trains, as it was in
    the report's run; its features are then other ones every time and cannot be cached.

    Args:
        vdcnn: a model over the encoder's features; None makes a new VDCNN
        num_classes: of that new one
    """

    def __init__(
        self,
        encoder: FrozenEncoder,
        vdcnn: nn.Module | None = None,
        dropout: bool = False,
        num_classes: int = NUM_CLASSES,
    ):
        super().__init__()
        self.encoder, self.dropout = encoder, dropout
        self.vdcnn = vdcnn or VDCNN(encoder.hidden_size, num_classes=num_classes)

    def train(self, mode: bool = True) -> BertVDCNN:
        super().train(mode)
        self.encoder.bert.train(mode and self.dropout)
        return self

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor | None = None
    ) -> torch.Tensor:
        """(B, L) token ids and mask to (B, K) logits."""
        features = self.encoder(input_ids, attention_mask, token_type_ids).to(torch.float16)
        return self.vdcnn(features, attention_mask)


class BertClassifier(nn.Module):
    """The fine-tuned teacher: a BERT that trains too, and one linear layer on the mean of the article's features.

    Args:
        encoder: its BERT is unfrozen here
        dropout: of the mean, while training; BERT's own dropout is as its configuration says
    """

    def __init__(self, encoder: FrozenEncoder, dropout: float = 0.1, num_classes: int = NUM_CLASSES):
        super().__init__()
        self.bert = encoder.bert.requires_grad_(True)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(encoder.hidden_size, num_classes)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """(B, L) token ids and mask to (B, K) logits."""
        longest = int(attention_mask.sum(dim=1).max())  # what no article of the batch reaches need not be computed
        ids, mask = input_ids[:, :longest].long(), attention_mask[:, :longest].long()
        features = self.bert(input_ids=ids, attention_mask=mask).last_hidden_state
        return self.linear(self.dropout(mean_of_tokens(features, mask)))


class LinearProbe(nn.Module):
    """One linear layer on the mean of the article's features: "tuning only the last layer" of a frozen BERT."""

    def __init__(self, channels_in: int, num_classes: int = NUM_CLASSES):
        super().__init__()
        self.linear = nn.Linear(channels_in, num_classes)

    def forward(self, features: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """(B, L, channels_in) features and (B, L) mask to (B, K) logits."""
        return self.linear(mean_of_tokens(features, attention_mask))


def mean_of_tokens(features: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
    """(B, L, C) features and (B, L) mask to the mean (B, C) over real tokens."""
    mask = attention_mask[..., None].float()
    return (features.float() * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)


class CharVDCNN(nn.Module):
    """The report's Model 5: VDCNN over characters, embeddings of 16 learnt from scratch (Conneau et al. 2017)."""

    def __init__(self, depth: int = 9, pooling: str = "kmax", shortcut: bool = False, num_classes: int = NUM_CLASSES):
        super().__init__()
        self.embedding = nn.Embedding(ALPHABET_SIZE, 16)
        self.vdcnn = VDCNN(16, depth, pooling, length=1014, shortcut=shortcut, num_classes=num_classes)

    def forward(self, characters: torch.Tensor) -> torch.Tensor:
        """(B, L) character numbers, 0 at padding, to (B, K) logits."""
        return self.vdcnn(self.embedding(characters.long()), characters != PAD)


class SimpleCNN(nn.Module):
    """CNN-4 (the report's Models 1 and 2): an embedding of 30,522 x 128, four convolutions, global max, linear.

    The convolutions are 128-128-256-512-1024, each with ReLU.

    The report's models keep padding positions in: a [PAD] embedding is learnt and takes part in the maximum. So that an
    article's logits still do not depend on its batch, inputs shorter than ``length`` are filled up to it. With
    ``mask_padding`` padding is left out instead.

    Args:
        embedding_std: standard deviation of the embedding's random start; PyTorch's, and the report's, is 1
    """

    channels: tuple[int, ...] = (128, 256, 512, 1024)

    def __init__(
        self,
        vocab_size: int = 30_522,
        embedding_dim: int = 128,
        length: int = 64,
        mask_padding: bool = False,
        embedding_std: float = 1.0,
        num_classes: int = NUM_CLASSES,
    ):
        super().__init__()
        self.length, self.mask_padding = length, mask_padding
        self.embedding = nn.Embedding(vocab_size, embedding_dim)
        self.embedding.weight.data.mul_(embedding_std)
        widths = (embedding_dim, *self.channels)
        self.convs = nn.ModuleList(nn.Conv1d(a, b, 3, padding=1) for a, b in pairwise(widths))
        self.linear = nn.Linear(widths[-1], num_classes)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None) -> torch.Tensor:
        """(B, L) token ids to (B, K) logits; the mask matters with ``mask_padding`` only."""
        mask = attention_mask[:, None] if self.mask_padding and attention_mask is not None else None
        if not self.mask_padding:
            input_ids, _ = to_length(input_ids, input_ids != 0, self.length)  # 0 is BERT's [PAD]
        x = zero_padding(self.embedding(input_ids.long()).transpose(1, 2), mask)
        for conv in self.convs[:-1]:
            x = zero_padding(F.relu(channels_last(conv, x)), mask)
        x = channels_last(self.convs[-1], x)
        if mask is not None:
            x = x.masked_fill(mask == 0, -torch.inf)
        # ReLU after the maximum: the same as before it, on 1/L of the values. The pooling function passes the gradient
        # by index, where amax compares every position again
        return self.linear(F.relu(F.adaptive_max_pool1d(x, 1).flatten(1)))


class SimplerCNN(SimpleCNN):
    """CNN-1 (the report's Models 3 and 4): the same embedding, one convolution 128-128, ReLU, global max, linear."""

    channels = (128,)


class PretrainedCNN1(SimplerCNN):
    """CNN-1 whose embedding starts as an encoder's word vectors, shortened and scaled as in :class:`WideCNN`.

    Args:
        word_vectors: (vocab_size, hidden) embeddings
    """

    def __init__(
        self,
        vocab_size: int,
        word_vectors: torch.Tensor,
        embedding_dim: int = 128,
        length: int = 64,
        num_classes: int = NUM_CLASSES,
    ):
        super().__init__(vocab_size, embedding_dim, length, num_classes=num_classes)
        self.embedding.weight.data.copy_(principal_components(word_vectors, embedding_dim))


class WideCNN(nn.Module):
    """The 5 MB student: words as an encoder knows them, convolutions of two widths, and hashed pairs of words.

    Embedding, one convolution of each width with ReLU and global max, the mean of the embeddings beside them, linear;
    and added to its logits a "wide" part (Cheng et al. 2016), in which every token and every pair of neighbours has
    K numbers of its own, as in fastText (Joulin et al. 2017), hashed into ``buckets`` rows.

    While training, ``masked`` of the tokens are hidden, and their pairs with them. Padding is left out.

    Args:
        word_vectors: (vocab_size, hidden) embeddings to start from: their first ``embedding_dim`` principal components
        pretrained: start from them; else at random
        mean: the mean of the embeddings goes to the linear layer too
        buckets: rows of the wide part, one of them for padding; 0 leaves it out
    """

    def __init__(
        self,
        vocab_size: int,
        word_vectors: torch.Tensor | None = None,
        pretrained: bool = True,
        embedding_dim: int = 128,
        channels: int = 192,
        widths: Sequence[int] = (3, 5),
        mean: bool = True,
        buckets: int = 2**18,
        dropout: float = 0.3,
        masked: float = 0.1,
        num_classes: int = NUM_CLASSES,
    ):
        super().__init__()
        self.mean, self.masked, self.dropout = mean, masked, nn.Dropout(dropout)
        self.embedding = nn.Embedding(vocab_size, embedding_dim, padding_idx=PAD)
        nn.init.normal_(self.embedding.weight, std=EMBEDDING_STD)
        if pretrained and word_vectors is not None:
            self.embedding.weight.data.copy_(principal_components(word_vectors, embedding_dim))
        self.embedding.weight.data[PAD] = 0
        self.convs = nn.ModuleList(nn.Conv1d(embedding_dim, channels, width, padding=width // 2) for width in widths)
        self.linear = nn.Linear(channels * len(widths) + embedding_dim * mean, num_classes)
        self.wide = nn.EmbeddingBag(buckets, num_classes, mode="sum", padding_idx=PAD) if buckets else None
        if self.wide is not None:
            nn.init.zeros_(self.wide.weight)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """(B, L) token ids and mask to (B, K) logits."""
        longest = int(attention_mask.sum(dim=1).max())
        ids, mask = input_ids[:, :longest].long(), attention_mask[:, :longest]
        if self.training and self.masked:
            ids = ids.masked_fill(torch.rand(ids.shape, device=ids.device) < self.masked, PAD)
        x = self.embedding(ids)
        found = [zero_padding(channels_last(conv, x.transpose(1, 2)), mask[:, None]) for conv in self.convs]
        parts = [F.relu(F.adaptive_max_pool1d(y, 1).flatten(1)) for y in found]  # zeros change no maximum above 0
        if self.mean:
            parts.append(mean_of_tokens(x, mask))
        logits = self.linear(self.dropout(torch.cat(parts, dim=1)))
        return logits if self.wide is None else logits + self.wide(hashed_pairs(ids, self.wide.num_embeddings))


def hashed_pairs(ids: torch.Tensor, buckets: int) -> torch.Tensor:
    """The bucket of each token, and of each pair of neighbours: (B, L) token ids to (B, 2 L - 1), 1 to buckets - 1.

    A token is paired with nothing, and then with the one before it; padding, and a pair with it, is in bucket 0. All
    numbers stay below 2 ** 53, so that any language computes the same bucket.
    """
    before, after = ids[:, :-1], ids[:, 1:]
    pairs = torch.cat([ids * HASH_AFTER, before * HASH_BEFORE + after * HASH_AFTER], dim=1)
    real = torch.cat([ids != PAD, (before != PAD) & (after != PAD)], dim=1)
    return torch.where(real, 1 + pairs % HASH_PRIME % (buckets - 1), PAD)


def principal_components(vectors: torch.Tensor, count: int) -> torch.Tensor:
    """(N, D) vectors to their first ``count`` principal components (N, count), filled up with zeros.

    They are scaled to the standard deviation of a random start.
    """
    centred = vectors.double() - vectors.double().mean(dim=0)
    _, directions = torch.linalg.eigh(centred.T @ centred)  # by rising variance
    directions = directions.flip(1)[:, :count]
    directions = torch.where(directions.sum(dim=0) < 0, -directions, directions)  # the library may choose either sign
    components = centred @ directions
    components = components * (EMBEDDING_STD / components.std())
    return F.pad(components, (0, count - components.shape[1])).float()


def count_parameters(model: nn.Module, trainable: bool = False) -> int:
    """Number of parameters, or of those that training changes."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not trainable)
