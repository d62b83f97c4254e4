"""Numbers and counts as text."""

import numpy as np
import pytest

from agnews_utils.analysis.wording import format_duration, format_p, plural


@pytest.mark.parametrize(
    ("p", "words"),
    [(1, "1.00"), (0.0499, "0.050"), (0.012, "0.012"), (0.00123, "0.0012"), (1e-4, "0.0001"), (1e-5, "< 0.0001")],
)
def test_p_in_words(p, words):
    assert format_p(p) == words


@pytest.mark.parametrize(("count", "words"), [(1, "1 seed"), (np.int64(1), "1 seed"), (np.int64(10), "10 seeds")])
def test_plural_of_a_number_or_a_cell_of_a_table(count, words):
    assert plural(count, "seed") == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.44, "0.4 s"), (12.4, "12 s"), (119, "119 s"), (150, "2 min"), (7199, "120 min"), (9000, "2.5 h")],
)
def test_seconds_in_words(seconds, words):
    assert format_duration(seconds) == words
