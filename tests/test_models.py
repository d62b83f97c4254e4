"""Models: layers and parameters as the report's facts state, k-max pooling, and the same logits in any batch."""

from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers import made_articles, make_tiny_encoder, refused
from torch import nn

from agnews_utils import features as features_module
from agnews_utils import models
from agnews_utils.batches import CharArticles, FeatureArticles, collate
from agnews_utils.features import cached_features
from agnews_utils.models import (
    VDCNN,
    BertVDCNN,
    CharVDCNN,
    LinearProbe,
    PretrainedCNN1,
    SimpleCNN,
    SimplerCNN,
    VDCNNBlock,
    WideCNN,
    channels_last,
    count_parameters,
    hashed_pairs,
    kmax_pool,
    principal_components,
)
from agnews_utils.support import runtime
from agnews_utils.support.runtime import autocast


def shapes(model):
    return {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}


def conv_shapes(*widths):
    """Names and shapes of a chain of convolutions of width 3."""
    expected = {}
    for number, (a, b) in enumerate(pairwise(widths)):
        expected |= {f"convs.{number}.weight": (b, a, 3), f"convs.{number}.bias": (b,)}
    return expected


@pytest.mark.parametrize(
    ("kind", "parameters", "widths"),
    [(SimpleCNN, 6_026_372, (128, 128, 256, 512, 1024)), (SimplerCNN, 3_956_612, (128, 128))],
)
def test_students_have_the_reports_layers(kind, parameters, widths):
    model = kind()
    linear = {"linear.weight": (4, widths[-1]), "linear.bias": (4,)}
    assert shapes(model) == {"embedding.weight": (30_522, 128)} | conv_shapes(*widths) | linear
    assert count_parameters(model) == count_parameters(model, trainable=True) == parameters


@pytest.mark.parametrize("kind", [SimpleCNN, SimplerCNN])
def test_students_compute_what_the_facts_say(kind):
    # written once more in plain torch: ReLU after each convolution, none pooled, padding included, global maximum
    torch.manual_seed(0)
    model = kind(vocab_size=50).eval()
    ids = F.pad(torch.randint(1, 50, (3, 40)), (0, 24))
    x = model.embedding.weight[ids].transpose(1, 2)
    for conv in model.convs:
        x = F.conv1d(x, conv.weight, conv.bias, padding=1).clamp(min=0)
    torch.testing.assert_close(model(ids), model.linear(x.amax(dim=2)))


def plainly(layer, x):
    """What :func:`agnews_utils.models.channels_last` computes, by PyTorch's one-dimensional layers."""
    if isinstance(layer, nn.BatchNorm2d):
        return F.batch_norm(
            x, layer.running_mean, layer.running_var, layer.weight, layer.bias, layer.training, layer.momentum
        )
    if isinstance(layer, nn.MaxPool2d):
        return F.max_pool1d(x, layer.kernel_size[1], layer.stride[1], layer.padding[1])
    return layer(x)


@pytest.mark.parametrize("kind", [SimpleCNN, SimplerCNN, VDCNN])
def test_channels_last_equals_plain_layers(kind, monkeypatch):
    torch.manual_seed(0)
    if kind is VDCNN:
        model, inputs = VDCNN(8, shortcut=True), (torch.randn(3, 20, 8), torch.ones(3, 20, dtype=torch.int))
    else:
        model, inputs = kind(50), (torch.randint(0, 50, (3, 64)),)
    gradients = []
    for plain in (False, True):
        if plain:
            monkeypatch.setattr(models, "channels_last", plainly)
        logits = model(*inputs)
        model.zero_grad()
        logits.square().sum().backward()
        gradients.append((logits, model.convs[0].weight.grad if kind is not VDCNN else model.conv.weight.grad.clone()))
    (fast, fast_gradient), (slow, slow_gradient) = gradients
    torch.testing.assert_close(fast, slow, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(fast_gradient, slow_gradient, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("width", "padding"), [(3, 1), (1, 0), (5, 2)])
def test_channels_last_convolves_as_torch_does(width, padding):
    torch.manual_seed(0)
    conv, x = nn.Conv1d(6, 5, width, padding=padding), torch.randn(3, 6, 11)
    torch.testing.assert_close(channels_last(conv, x), conv(x))


def kept_positions(row, k, valid):
    """Positions of the k largest valid values, the earlier one on a tie, in their original order."""
    ranked = sorted((i for i in range(len(row)) if valid[i]), key=lambda i: (-row[i], i))
    return sorted(ranked[:k])


def naive_kmax(x, k, mask):
    pooled = torch.zeros(*x.shape[:2], k)
    for b, article in enumerate(x.tolist()):
        for c, row in enumerate(article):
            values = [row[i] for i in kept_positions(row, k, mask[b].tolist())]
            pooled[b, c, : len(values)] = torch.tensor(values)
    return pooled


MASKS = {
    "none": lambda length: None,
    "all valid": lambda length: torch.ones(4, length, dtype=torch.int),
    "articles of their own length": lambda length: (
        torch.arange(length) < torch.tensor([[length], [length // 2], [2], [1]])
    ),
}


@pytest.mark.parametrize("values", ["distinct", "ties", "negative"])
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize(("length", "k"), [(20, 8), (8, 8), (5, 8), (9, 1)])
def test_kmax_equals_a_naive_loop(length, k, mask, values):
    generator = torch.Generator().manual_seed(length)
    x = torch.randn(4, 3, length, generator=generator)
    if values == "ties":
        x = torch.randint(0, 3, (4, 3, length), generator=generator).float()
    elif values == "negative":
        x = -x.abs() - 1  # what fills up an article must not push out its own values
    mask = MASKS[mask](length)
    expected = naive_kmax(x, k, torch.ones(4, length) if mask is None else mask)
    assert torch.equal(kmax_pool(x, k, mask), expected)


def test_kmax_keeps_the_order():
    x = torch.tensor([[[1.0, 9.0, 2.0, 8.0, 3.0, 7.0]]])
    assert kmax_pool(x, 3).tolist() == [[[9.0, 8.0, 7.0]]]
    assert kmax_pool(x.flip(2), 3).tolist() == [[[7.0, 8.0, 9.0]]]


@pytest.mark.parametrize("ties", [False, True])
def test_kmax_gradient_goes_to_the_kept_positions(ties):
    generator = torch.Generator().manual_seed(0)
    x = (
        torch.randint(0, 3, (2, 3, 10), generator=generator).float()
        if ties
        else torch.randn(2, 3, 10, generator=generator)
    )
    mask = torch.arange(10) < torch.tensor([[10], [3]])
    x.requires_grad_()
    weights = torch.arange(1.0, 5.0)  # which output a position feeds shows in its gradient
    (kmax_pool(x, 4, mask) * weights).sum().backward()
    expected = torch.zeros_like(x)
    for b in range(2):
        for c in range(3):
            places = kept_positions(x[b, c].tolist(), 4, mask[b].tolist())
            expected[b, c, places] = weights[: len(places)]
    assert torch.equal(x.grad, expected)


STAGES = {9: [2, 2, 2, 2], 17: [4, 4, 4, 4], 29: [10, 10, 4, 4], 49: [16, 16, 10, 6]}  # Conneau et al. 2017, table 2


@pytest.mark.parametrize("depth", STAGES)
@pytest.mark.parametrize("shortcut", [False, True])
def test_vdcnn_depth_counts_convolutions(depth, shortcut):
    model = VDCNN(8, depth, shortcut=shortcut).eval()
    convolutions = [module for module in model.modules() if isinstance(module, nn.Conv1d)]
    # shortcuts of another width go through a 1 x 1 convolution, which the paper does not count
    assert sum(conv.kernel_size == (3,) for conv in convolutions) == depth
    assert sum(conv.kernel_size == (1,) for conv in convolutions) == (3 if shortcut else 0)
    counts = [
        sum(isinstance(m, nn.Conv1d) and m.kernel_size == (3,) for m in stage.modules()) for stage in model.stages
    ]
    assert counts == STAGES[depth]
    assert [stage[-1].conv2.out_channels for stage in model.stages] == [64, 128, 256, 512]
    assert [(m.in_features, m.out_features) for m in model.classifier if isinstance(m, nn.Linear)] == [
        (4096, 2048),
        (2048, 2048),
        (2048, 4),
    ]
    assert model(torch.randn(2, 16, 8), torch.ones(2, 16)).shape == (2, 4)


@pytest.mark.parametrize("pooling", ["kmax", "adaptive"])
@pytest.mark.parametrize("shortcut", [False, True])
@pytest.mark.parametrize("length", [1, 7, 64])
def test_vdcnn_shapes(pooling, shortcut, length):
    model = VDCNN(8, 9, pooling, shortcut=shortcut).eval()
    features = torch.randn(3, length, 8)
    for mask in (None, torch.ones(3, length, dtype=torch.int)):
        result = model(features, mask)
        assert result.shape == (3, 4)
        assert torch.isfinite(result).all()


def test_vdcnn_poolings_agree_on_64_positions():
    torch.manual_seed(0)
    kmax, adaptive = (VDCNN(8, 9, pooling).eval() for pooling in ("kmax", "adaptive"))
    adaptive.load_state_dict(kmax.state_dict())
    full, short = torch.randn(3, 64, 8), torch.randn(3, 40, 8)
    torch.testing.assert_close(kmax(full), adaptive(full))  # three halvings leave exactly 8 positions
    assert not torch.allclose(kmax(short), adaptive(F.pad(short, (0, 0, 0, 30))))


def test_shortcut_adds_the_input():
    for channels_in in (64, 32):
        block = VDCNNBlock(channels_in, 64, shortcut=True).eval()
        nn.init.zeros_(block.norm2.weight)  # silences the convolutions
        x = torch.randn(2, channels_in, 5)
        expected = x if channels_in == 64 else block.shortcut(x)
        torch.testing.assert_close(block(x, None), expected.clamp(min=0))


@pytest.mark.parametrize("depth", [0, 8, 10, "9"])
def test_unknown_depth_is_refused(depth):
    with refused(ValueError, f"VDCNN depth is {depth}; it should be one of 9, 17, 29, 49"):
        VDCNN(8, depth)


@pytest.mark.parametrize("pooling", ["max", "", None])
def test_unknown_pooling_is_refused(pooling):
    with refused(ValueError, f"VDCNN pooling is {pooling!r}"):
        VDCNN(8, pooling=pooling)


# an article of `own` positions, and the model's own length of 64
OWN_LENGTHS = [1, 5, 20, 21, 40, 61, 62, 63, 64]


def token_model(kind, mask_padding):
    torch.manual_seed(0)
    return kind(vocab_size=300, mask_padding=mask_padding).eval()


def wide_model(**arguments):
    """A small WideCNN in eval mode; its wide part, which starts from zeros, says something of every pair."""
    torch.manual_seed(0)
    model = WideCNN(300, **{"embedding_dim": 16, "channels": 8, "buckets": 1000} | arguments).eval()
    if model.wide is not None:
        nn.init.normal_(model.wide.weight, std=0.1)  # padding's row too: it must say nothing
    return model


TOKEN_MODELS = {
    "SimpleCNN": lambda: token_model(SimpleCNN, False),
    "SimplerCNN": lambda: token_model(SimplerCNN, False),
    "SimpleCNN, padding masked": lambda: token_model(SimpleCNN, True),
    "SimplerCNN, padding masked": lambda: token_model(SimplerCNN, True),
    "WideCNN": wide_model,
    "WideCNN, no mean": lambda: wide_model(mean=False),
    "WideCNN, nothing wide": lambda: wide_model(buckets=0),
}


def vector_model(kind, **arguments):
    torch.manual_seed(0)
    return kind(8, **arguments).eval()


VECTOR_MODELS = {
    "VDCNN, k-max": lambda: vector_model(VDCNN),
    "VDCNN, k-max, shortcuts": lambda: vector_model(VDCNN, shortcut=True),
    "VDCNN, adaptive": lambda: vector_model(VDCNN, pooling="adaptive"),
    "linear probe": lambda: vector_model(LinearProbe),
}


def padded(x, length):
    """(B, L) or (B, L, C) filled up with zeros to ``length`` positions."""
    return F.pad(x, (0, length - x.shape[1]) if x.ndim == 2 else (0, 0, 0, length - x.shape[1]))


def assert_same_logits_anywhere(model, article, companion):
    """``article`` (1, L, ...) alone, in a batch with a longer ``companion`` (1, 64, ...), and padded further."""
    own = article.shape[1]
    mask, companion_mask = torch.ones(1, own, dtype=torch.int), torch.ones(1, 64, dtype=torch.int)
    alone = model(article, mask)
    batch = model(torch.cat([padded(article, 64), companion]), torch.cat([padded(mask, 64), companion_mask]))
    # 1e-5 of logits around 1: sums of up to some thousand float32 products in another order
    torch.testing.assert_close(batch[:1], alone, rtol=0, atol=1e-5)
    for length in (own + 1, own + 2, 64, 80, 101):
        if length >= own:
            further = model(padded(article, length), padded(mask, length))
            torch.testing.assert_close(further, alone, rtol=0, atol=1e-5, msg=lambda m, n=length: f"padded to {n}: {m}")
    assert not torch.allclose(alone, batch[1:], rtol=0, atol=1e-3)  # the logits do depend on the article


@pytest.mark.parametrize("name", TOKEN_MODELS)
@torch.no_grad()
def test_same_tokens_same_logits(name):
    model, generator = TOKEN_MODELS[name](), torch.Generator().manual_seed(1)
    companion = torch.randint(5, 300, (1, 64), generator=generator)
    for own in OWN_LENGTHS:
        assert_same_logits_anywhere(model, torch.randint(5, 300, (1, own), generator=generator), companion)


@pytest.mark.parametrize("name", VECTOR_MODELS)
@torch.no_grad()
def test_same_features_same_logits(name):
    model, generator = VECTOR_MODELS[name](), torch.Generator().manual_seed(1)
    companion = torch.randn(1, 64, 8, generator=generator)
    for own in OWN_LENGTHS:
        assert_same_logits_anywhere(model, torch.randn(1, own, 8, generator=generator), companion)


@pytest.mark.parametrize("pooling", ["kmax", "adaptive"])
@torch.no_grad()
def test_same_characters_same_logits(pooling, sample):
    torch.manual_seed(0)
    model = CharVDCNN(pooling=pooling).eval()
    texts = [text[: 40 + 13 * i] for i, text in enumerate(sample.test["text"][:6])]  # odd and even lengths
    articles = CharArticles(texts, [0] * len(texts))
    together = model(collate([articles[i] for i in range(len(texts))])[0])
    for i in range(len(texts)):
        alone = collate([articles[i]])[0]
        torch.testing.assert_close(model(alone), together[i : i + 1], rtol=0, atol=1e-5)
        torch.testing.assert_close(model(padded(alone, 1014)), together[i : i + 1], rtol=0, atol=1e-5)
    assert together.std(dim=0).min() > 1e-3


def test_features_at_padding_positions_do_not_matter():
    for model in (factory() for factory in VECTOR_MODELS.values()):
        features, mask = torch.randn(2, 30, 8), torch.arange(30) < torch.tensor([[30], [11]])
        changed = features.masked_fill(~mask[..., None], 7.0)
        torch.testing.assert_close(model(features, mask.int()), model(changed, mask.int()), rtol=0, atol=1e-5)


# Float32: features differ by the order of sums (batches are padded differently), which now and then moves one by half a
# float16 step; logits of 0.2 then differ by some 4e-6. bfloat16 keeps 8 bits, features differ by some 1 % of their
# spread.
@pytest.mark.parametrize(("bfloat16", "tolerance"), [(False, 1e-4), (True, 2e-2)])
@torch.no_grad()
def test_teacher_gives_the_same_logits_from_text_as_from_features(
    bfloat16, tolerance, minilm, sample, settings, monkeypatch
):
    for module in (features_module, runtime):
        monkeypatch.setattr(module, "has_bfloat16", lambda device: bfloat16)
    articles = made_articles(sample.test["text"][:12], minilm.tokenizer)
    cached = FeatureArticles(cached_features(minilm, articles, settings, batch_size=5), articles)
    torch.manual_seed(0)
    model = BertVDCNN(minilm, VDCNN(minilm.hidden_size)).eval()
    features, mask, _ = collate([cached[i] for i in range(len(cached))])
    ids, attention_mask, segments, _ = collate([articles[i] for i in range(len(articles))])
    with autocast(settings.device):
        from_text, from_features = model(ids, attention_mask, segments), model.vdcnn(features, mask)
    torch.testing.assert_close(from_text.float(), from_features.float(), rtol=0, atol=tolerance)
    assert from_features.float().std(dim=0).min() > 3 * tolerance or bfloat16  # else the comparison would say nothing


def test_frozen_encoder_never_trains(tokenizer):
    encoder = make_tiny_encoder(tokenizer)
    model = BertVDCNN(encoder, VDCNN(encoder.hidden_size))
    model.train()
    assert model.vdcnn.training
    assert not any(module.training for module in encoder.modules())
    assert not any(parameter.requires_grad for parameter in encoder.parameters())
    assert count_parameters(model, trainable=True) == count_parameters(model.vdcnn)
    ids, mask = torch.randint(1000, 2000, (2, 10)), torch.ones(2, 10, dtype=torch.int)
    first = encoder(ids, mask)
    assert torch.equal(first, encoder(ids, mask))  # no dropout, which this BERT has in train mode
    assert not first.requires_grad


def test_vdcnn_starts_from_the_papers_initialisation():
    torch.manual_seed(0)
    for conv in (module for module in VDCNN(8).modules() if isinstance(module, nn.Conv1d)):
        fan_in = conv.weight[0].numel()
        assert conv.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.1)  # He et al. 2015
        assert not conv.bias.any()


# --- the 5 MB student


@pytest.mark.parametrize(
    ("arguments", "parameters"),
    [
        ({}, 5_154_436),  # 30,522 x 128, two convolutions of 73,920 and 123,072, linear 512 x 4 + 4, and 2**18 x 4
        ({"mean": False}, 5_154_436 - 128 * 4),
        ({"buckets": 0}, 5_154_436 - 2**18 * 4),
        ({"widths": (3,), "mean": False, "buckets": 0}, 30_522 * 128 + 73_920 + 192 * 4 + 4),
    ],
)
def test_wide_cnn_has_the_parts_that_it_is_asked_for(arguments, parameters):
    model = WideCNN(30_522, **arguments).eval()
    assert count_parameters(model) == count_parameters(model, trainable=True) == parameters
    ids, mask = torch.randint(1, 30_522, (3, 20)), torch.ones(3, 20, dtype=torch.int)
    logits = model(ids, mask)
    assert logits.shape == (3, 4)
    assert torch.isfinite(logits).all()


@torch.no_grad()
def test_wide_cnn_computes_what_it_says():
    # written once more, an article at a time and without its padding
    model = wide_model()
    articles = [torch.randint(5, 300, (length,)) for length in (1, 2, 9, 17)]
    ids = torch.stack([F.pad(article, (0, 17 - len(article))) for article in articles])
    together = model(ids.int(), (ids != 0).int())  # as batches come; a bucket must not overflow for it
    for article, logits in zip(articles, together, strict=True):
        x = model.embedding.weight[article]
        found = [
            F.conv1d(x.T, conv.weight, conv.bias, padding=width // 2).clamp(min=0).amax(dim=1)
            for conv, width in zip(model.convs, (3, 5), strict=True)
        ]
        expected = model.linear(torch.cat([*found, x.mean(dim=0)]))
        tokens = article.tolist()
        for before, after in [*((0, token) for token in tokens), *pairwise(tokens)]:
            expected = expected + model.wide.weight[bucket(before, after, 1000)]
        torch.testing.assert_close(logits, expected)


def seen_tokens(model, ids, mask):
    """What a call gives to the embedding, and to the wide part."""
    seen = {}
    hooks = [
        part.register_forward_pre_hook(lambda _, args, n=name: seen.update({n: args[0]}))
        for name, part in (("embedding", model.embedding), ("wide", model.wide))
    ]
    model(ids, mask)
    for hook in hooks:
        hook.remove()
    return seen["embedding"], seen["wide"]


@torch.no_grad()
def test_tokens_are_hidden_while_training_alone():
    model = wide_model(masked=0.3, dropout=0.0)
    ids, mask = torch.randint(5, 300, (200, 50)), torch.ones(200, 50, dtype=torch.int)
    tokens, _ = seen_tokens(model, ids, mask)
    assert torch.equal(tokens, ids)
    tokens, pairs = seen_tokens(model.train(), ids, mask)
    hidden = tokens != ids
    assert not tokens[hidden].any()
    assert hidden.double().mean().item() == pytest.approx(0.3, abs=0.02)  # of 10,000: a standard deviation is 0.005
    assert torch.equal(pairs, hashed_pairs(tokens, 1000))  # their pairs with them
    again, _ = seen_tokens(model, ids, mask)
    assert not torch.equal(again, tokens)
    assert torch.equal(seen_tokens(model.eval(), ids, mask)[0], ids)


@torch.no_grad()
def test_nothing_is_hidden_where_nothing_is_to_be():
    model = wide_model(masked=0.0, dropout=0.0)
    ids, mask = torch.randint(5, 300, (4, 50)), torch.ones(4, 50, dtype=torch.int)
    assert torch.equal(model.train()(ids, mask), model.eval()(ids, mask))


def test_a_small_start_is_the_same_start_scaled():
    starts = []
    for std in (1.0, 0.1):
        torch.manual_seed(0)
        starts.append(SimplerCNN(vocab_size=50, embedding_std=std))
    usual, small = starts
    assert torch.equal(small.embedding.weight, usual.embedding.weight * 0.1)
    assert all(torch.equal(a, b) for a, b in zip(usual.convs.parameters(), small.convs.parameters(), strict=True))
    assert 0.9 < float(usual.embedding.weight.detach().std()) < 1.1


def test_cnn1_may_start_from_the_encoders_words():
    torch.manual_seed(0)
    usual, vectors = SimplerCNN(vocab_size=200), torch.randn(200, 32)
    torch.manual_seed(0)
    model = PretrainedCNN1(200, vectors)
    assert torch.equal(model.embedding.weight, principal_components(vectors, 128))
    assert all(torch.equal(a, b) for a, b in zip(usual.convs.parameters(), model.convs.parameters(), strict=True))
    ids = torch.randint(1, 200, (3, 64))
    assert model(ids).shape == (3, 4)


def test_wide_cnn_starts_from_the_encoders_words():
    vectors = torch.randn(300, 24, generator=torch.Generator().manual_seed(3)) + 2
    expected = principal_components(vectors, 16)
    expected[0] = 0  # padding says nothing
    assert torch.equal(wide_model(word_vectors=vectors).embedding.weight, expected)
    at_random = wide_model().embedding.weight
    assert torch.equal(wide_model(word_vectors=vectors, pretrained=False).embedding.weight, at_random)
    assert at_random.std().item() == pytest.approx(0.1, rel=0.05)
    assert not at_random[0].any()


@pytest.mark.parametrize("pretrained", [False, True])
def test_paddings_embedding_stays_zero(pretrained):
    model = wide_model(word_vectors=torch.randn(300, 24), pretrained=pretrained).train()
    ids = F.pad(torch.randint(5, 300, (8, 20)), (0, 10))
    ids[0, 10:] = 0
    before = model.embedding.weight.detach().clone()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.1)
    for _ in range(2):
        model(ids, (ids != 0).int()).square().sum().backward()
        optimizer.step()
    assert not model.embedding.weight[0].any()
    assert (model.embedding.weight[ids[ids != 0]] != before[ids[ids != 0]]).any(dim=1).all()


def test_the_wide_part_starts_from_nothing():
    model = WideCNN(300, embedding_dim=16, channels=8, buckets=1000).eval()
    ids, mask = torch.randint(5, 300, (3, 20)), torch.ones(3, 20, dtype=torch.int)
    logits = model(ids, mask)
    assert not model.wide.weight.any()
    model.wide = None
    assert torch.equal(model(ids, mask), logits)


def bucket(before, after, buckets):
    """The bucket of a pair, by Python's integers, which know no overflow; of a token alone, before is 0."""
    return 1 + (before * 1_540_483_477 + after * 1_000_003) % 2_147_483_647 % (buckets - 1)


@pytest.mark.parametrize("buckets", [2, 1000, 2**18])
def test_pairs_are_hashed_as_pythons_integers_are(buckets):
    articles = [[101, 7592, 30_521, 30_521, 102], [5, 30_521, 1, 29_999, 17]]
    tokens = [[bucket(0, token, buckets) for token in article] for article in articles]
    pairs = [[bucket(*pair, buckets) for pair in pairwise(article)] for article in articles]
    expected = [own + of_two for own, of_two in zip(tokens, pairs, strict=True)]
    assert hashed_pairs(torch.tensor(articles), buckets).tolist() == expected


def test_a_few_buckets_are_known():
    # as published: a model in another language reads the same rows
    assert hashed_pairs(torch.tensor([[101, 7592, 102]]), 2**18).tolist() == [[75249, 74781, 26680, 154274, 240275]]


def test_padding_and_hidden_tokens_are_in_bucket_0():
    ids = torch.tensor([[101, 7, 8, 102, 0, 0], [101, 0, 8, 9, 102, 0]])
    assert (hashed_pairs(ids, 1000) == 0).int().tolist() == [
        [0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1],
        [0, 1, 0, 0, 0, 1, 1, 1, 0, 0, 1],  # both pairs of the hidden token, and that of the last with padding
    ]


def test_the_order_of_a_pair_counts():
    there, back = (hashed_pairs(torch.tensor([pair]), 2**18)[0, 2] for pair in ([7, 8], [8, 7]))
    assert there != back


def test_buckets_are_all_in_range_and_pairs_fill_them_evenly():
    ids = torch.randint(1, 30_522, (400, 64), generator=torch.Generator().manual_seed(0))
    found = hashed_pairs(ids, 64)
    assert found.shape == (400, 127)
    assert (found.min().item(), found.max().item()) == (1, 63)
    counts = torch.bincount(found[:, 64:].flatten(), minlength=64)[1:]
    assert (counts - 400).abs().max() < 80  # 400 each, with a deviation of 20


def test_no_two_tokens_share_a_bucket_of_the_default_number():
    tokens = hashed_pairs(torch.arange(1, 30_522)[:, None], 2**18)
    assert len(tokens.unique()) == 30_521


def word_vectors(count=400, width=12):
    """Vectors that vary more in some directions than in others, none of them an axis, around a mean that is not 0."""
    generator = torch.Generator().manual_seed(5)
    turned, _ = torch.linalg.qr(torch.randn(width, width, generator=generator))
    return torch.randn(count, width, generator=generator) * torch.linspace(3, 0.5, width) @ turned + 4


def test_principal_components_are_uncorrelated_and_of_falling_variance():
    components = principal_components(word_vectors(), 6)
    assert components.dtype == torch.float32
    assert components.shape == (400, 6)
    np.testing.assert_allclose(components.mean(dim=0), 0, atol=1e-6)
    covariance = np.cov(components.double().T)
    variances = np.diag(covariance)
    np.testing.assert_allclose(covariance - np.diag(variances), 0, atol=1e-6 * variances[0])
    assert (np.diff(variances) < 0).all()
    assert components.std().item() == pytest.approx(models.EMBEDDING_STD, rel=1e-5)
    assert models.EMBEDDING_STD == 0.1


def test_principal_components_are_those_of_numpy():
    vectors = word_vectors().double().numpy()
    centred = vectors - vectors.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    directions = directions[:5] * np.sign(directions[:5].sum(axis=1))[:, None]
    expected = centred @ directions.T
    expected *= 0.1 / expected.std(ddof=1)
    np.testing.assert_allclose(principal_components(word_vectors(), 5), expected, atol=1e-5)


@pytest.mark.parametrize("flipped", [[0], [3, 7, 11], list(range(12))])
def test_the_signs_of_components_are_no_librarys_choice(flipped, monkeypatch):
    expected, eigh = principal_components(word_vectors(), 6), torch.linalg.eigh

    def other_library(matrix):
        values, directions = eigh(matrix)
        directions[:, flipped] *= -1
        return values, directions

    monkeypatch.setattr(torch.linalg, "eigh", other_library)
    torch.testing.assert_close(principal_components(word_vectors(), 6), expected)


def test_zeros_fill_up_what_has_no_component():
    components = principal_components(word_vectors(width=12), 20)
    assert components.shape == (400, 20)
    assert torch.equal(components[:, :12], principal_components(word_vectors(width=12), 12))
    assert not components[:, 12:].any()
