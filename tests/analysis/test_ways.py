"""Other ways to compute an answer: the same mean, other intervals."""

import pytest
from made_records import PAIR, match_seeds, record_of, rights

from agnews_utils.analysis.answers import QUESTIONS, answer
from agnews_utils.analysis.ways import OURS, best_epoch_gains, ways

QUESTION = next(question for question, pair in QUESTIONS.items() if pair == PAIR)


def test_the_first_way_is_the_answer_of_the_course():
    records = match_seeds({0: (10, 60), 1: (20, 30), 2: (15, 40)})
    found = ways(records, QUESTION)
    assert next(iter(found)) == OURS
    assert found[OURS] == answer(records, QUESTION)


def test_ways_differ_in_the_interval_and_the_first_seed_in_the_gain():
    found = ways(match_seeds({0: (10, 60), 1: (20, 30), 2: (15, 40)}), QUESTION)
    once, seeds, articles = (found[way] for way in list(found)[1:4])
    assert (once.gain, seeds.gain, articles.gain) == pytest.approx((85 / 30, 85 / 30, 5))
    assert articles.seeds == 1
    widths = [way.high - way.low for way in (found[OURS], once)]
    assert widths[0] >= widths[1]


def test_one_seed_allows_only_what_speaks_of_articles():
    found = ways(match_seeds({0: (10, 60)}), QUESTION)
    assert list(found) == [OURS, "articles alone, the first seed"]


def test_best_test_epochs_give_their_own_gain():
    a, b = rights(10, 60, 500, 430)
    before = [record_of(PAIR[0], a, epochs=[(0.9, 0.50), (0.8, 0.60)])]
    after = [record_of(PAIR[1], b, epochs=[(0.9, 0.55), (0.8, 0.58)])]
    assert best_epoch_gains(before, after) == pytest.approx([-0.02])
