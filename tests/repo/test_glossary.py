"""The glossary: every worked number is computed here, every term stands in one theme at the top."""

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import stats

from agnews_utils.analysis.statistics import accuracy_interval
from agnews_utils.losses import pearson
from agnews_utils.models import kmax_pool
from agnews_utils.settings import NOTEBOOKS

TEXT = (NOTEBOOKS / "GLOSSARY.md").read_text(encoding="utf-8")
TOP, *PARTS = re.split(r"(?m)^## ", TEXT)
ENTRIES = {part.splitlines()[0]: part.partition("\n")[2] for part in PARTS}
LOGITS = torch.tensor([2.0, 1.0, 0.0, -1.0])
P, Q = np.array([0.7, 0.1, 0.1, 0.1]), np.array([0.4, 0.3, 0.2, 0.1])


def decimals(values, places=3):
    return [f"{float(value):.{places}f}".replace("-", "−") for value in values]


def gradient():
    logits = torch.tensor([[0.7, 0.2, 0.1]]).log().requires_grad_()
    F.cross_entropy(logits, torch.tensor([0])).backward()
    return logits.grad[0]


def rows(*values):
    return [torch.tensor([row], dtype=torch.float) for row in values]


def normalised():
    return torch.nn.BatchNorm1d(1)(torch.tensor([[1.0], [2.0], [3.0]])).flatten().tolist()


def smoothed():
    """The targets that a smoothing of 0.1 gives: what the gradient leaves of the probabilities."""
    logits = torch.zeros(1, 4, requires_grad=True)
    F.cross_entropy(logits, torch.tensor([0]), label_smoothing=0.1).backward()
    return (0.25 - logits.grad[0])[:2]


COMPUTED = {
    "alpha": lambda: decimals([0.9, 1 - 0.9], 1),
    "batch normalisation": lambda: [*decimals(normalised()[:1], 2), *decimals(normalised()[2:], 2)],
    "convolution": lambda: [f"{sum(p.numel() for p in torch.nn.Conv1d(384, 64, 3).parameters()):,}"],
    "cosine similarity": lambda: decimals(F.cosine_similarity(*rows((1, 0), (1, 1)))),
    "cross-entropy": lambda: [
        *decimals(F.softmax(LOGITS, 0)[[0, 3]]), *decimals(-F.log_softmax(LOGITS, 0)[[0, 3]]),
    ],
    "dropout": lambda: ["0.5", {2.0: "doubled"}[F.dropout(torch.ones(99), 0.5).max().item()]],
    "gradient": lambda: decimals(gradient(), 1),
    "int8": lambda: [*decimals([1.27 / 127], 2), str(round(0.368 / 0.01)), *decimals([round(0.368 / 0.01) * 0.01], 2)],
    "interval": lambda: [f"{100 * end:.2f} %" for end in accuracy_interval(np.arange(7600) < 6840)],
    "k-max pooling": lambda: [", ".join(f"{v:.0f}" for v in kmax_pool(torch.tensor([[[3.0, 1, 4, 1, 5]]]), 3)[0, 0])],
    "KL divergence": lambda: decimals([stats.entropy(P, Q), stats.entropy(Q, P)]),
    "label smoothing": lambda: decimals(smoothed()),
    "McNemar": lambda: decimals([stats.binomtest(15, 20).pvalue]),
    "nats": lambda: decimals([np.log(2)]),
    "p value": lambda: decimals([stats.binomtest(9, 10).pvalue]),
    "Pearson correlation": lambda: [
        f"gives {pearson(*rows((1, 2, 3), (10, 20, 30))).item():.0f}.", *decimals(pearson(*rows((1, 2, 3), (1, 2, 6)))),
    ],
    "percentage point": lambda: [f"{100 * (0.92 / 0.9 - 1):.1f} percent more"],
    "softmax": lambda: [", ".join(decimals(F.softmax(LOGITS, 0)))],
    "standard deviation": lambda: decimals([np.std([1, 2, 3, 4], ddof=1)], 2),
    "standard error": lambda: decimals([100 * np.sqrt(0.9 * 0.1 / 7600)], 2),
    "Student's t": lambda: [*decimals([stats.t.ppf(0.975, 2)], 2), *decimals([stats.norm.ppf(0.975)], 2)],
    "temperature": lambda: [", ".join(decimals(F.softmax(LOGITS / 4, 0)))],
    "TF-IDF": lambda: decimals([1 + np.log(1001 / 11)], 2),
}  # fmt: skip


@pytest.mark.parametrize("term", COMPUTED)
def test_numbers_are_computed(term):
    assert [number for number in COMPUTED[term]() if number not in ENTRIES[term]] == []


def test_no_decimal_is_written_by_hand():
    with_decimals = {term for term, text in ENTRIES.items() if re.search(r"\d\.\d", text)}
    assert with_decimals - COMPUTED.keys() == set()


def test_shifted_logits_give_the_same_probabilities():
    assert torch.allclose(F.softmax(LOGITS, 0), F.softmax(LOGITS + 10, 0))
    assert "2, 1, 0, −1 and 12, 11, 10, 9" in ENTRIES["logits"]


def test_every_term_stands_in_one_theme():
    assert sorted(re.findall(r"\[([^]]+)\]\(#", TOP)) == sorted(ENTRIES)


def test_terms_are_in_order_and_short():
    terms = list(ENTRIES)
    assert terms == sorted(terms, key=str.lower)
    assert [term for term, text in ENTRIES.items() if len(text.split()) > 90] == []
