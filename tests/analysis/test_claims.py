"""The rule for the verdicts on the report's claims."""

import pytest
from made_records import PAIR, match_seeds, record_of, rights

from agnews_utils.analysis.answers import answer
from agnews_utils.analysis.claims import CLAIMS, DOES_NOT_HOLD, HOLDS, INCONCLUSIVE, numbers, rule, verdicts
from agnews_utils.study.records import published_records


def judged(disagreements, rows=1000, seeds=1, **changes):
    """The verdicts on the report's claims; ``disagreements``: claim number to rows that only a, only b got right."""
    records = {}
    for claim in CLAIMS:
        if claim.number in disagreements:
            only_a, only_b = disagreements[claim.number]
            both = (rows - only_a - only_b) // 2
            pair = rights(only_a, only_b, both, rows - only_a - only_b - both)
            for name, right in zip((claim.baseline, claim.treatment), pair, strict=True):
                records[name] = [record_of(name, right, seed) for seed in range(seeds)]
    records |= changes
    return verdicts(records)


@pytest.mark.parametrize(
    ("only_a", "only_b", "verdict"),
    [
        (10, 60, "holds"),
        (60, 10, "does not hold"),
        (30, 34, INCONCLUSIVE),
        (34, 30, INCONCLUSIVE),
        (0, 0, INCONCLUSIVE),
        (0, 5, INCONCLUSIVE),  # p = 0.0625
        (0, 6, "holds"),  # p = 0.03125
        (6, 0, "does not hold"),
    ],
)
@pytest.mark.parametrize("number", ["1", "2", "3a", "3b"])
def test_verdict_on_two_models(number, only_a, only_b, verdict):
    row = judged({number: (only_a, only_b)}).loc[number]
    assert row["verdict"] == verdict
    assert f"{(only_b - only_a) / 10:+.2f} percentage points (95 % " in row["evidence"]
    assert f"1 seed); {only_b} articles fixed, {only_a} broken" in row["evidence"]


@pytest.mark.parametrize(
    ("four_layers", "one_layer", "verdict"),
    [
        ((10, 90), (10, 12), "holds"),
        ((10, 12), (10, 90), "does not hold"),
        ((10, 50), (10, 49), INCONCLUSIVE),
        ((10, 90), (10, 90), INCONCLUSIVE),
        # the difference is clear, but the larger gain is not one: 16 of 26 (p 0.33), or a loss
        ((10, 16), (90, 10), INCONCLUSIVE),
        ((90, 10), (10, 16), INCONCLUSIVE),
        ((40, 10), (90, 10), INCONCLUSIVE),
    ],
)
def test_verdict_on_two_gains(four_layers, one_layer, verdict):
    row = judged({"3a": four_layers, "3b": one_layer}).loc["4"]
    assert row["verdict"] == verdict
    gains = [(b - a) / 10 for a, b in (four_layers, one_layer)]
    assert f"gains {gains[0]:+.2f} and {gains[1]:+.2f}" in row["evidence"]


def test_missing_runs_cannot_be_told():
    table = judged({"1": (10, 60)})
    assert table.index.tolist() == ["1", "2", "3a", "3b", "4", "5", "6"]
    assert table.loc["1", "verdict"] == "holds"
    assert (table["verdict"].drop("1") == INCONCLUSIVE).all()
    assert table.loc["2", "evidence"] == "no record of model5_char_vdcnn"
    assert table.loc["6", "evidence"] == "no run here tests it"


def test_models_of_different_training_rows_cannot_be_told():
    # the rule: a gain may then come from the rows
    a, b = rights(10, 60, 500, 430)
    short = {"model5_char_vdcnn": [record_of("model5_char_vdcnn", a, rows=60)]}
    long = {"model6_bert_vdcnn_teacher": [record_of("model6_bert_vdcnn_teacher", b, rows=120)]}
    row = verdicts(short | long).loc["2"]
    assert row["verdict"] == INCONCLUSIVE
    assert "60 and 120" in row["evidence"]


def verdict_of(disagreements):
    return verdicts(match_seeds(disagreements)).loc["3b", "verdict"]


def test_with_three_seeds_the_interval_decides():
    assert verdict_of(dict.fromkeys(range(3), (10, 60))) == HOLDS
    assert verdict_of(dict.fromkeys(range(3), (60, 10))) == DOES_NOT_HOLD
    assert verdict_of(dict.fromkeys(range(3), (30, 34))) == INCONCLUSIVE
    # one seed alone would hold, the seeds together do not
    assert verdict_of({0: (10, 60), 1: (40, 30), 2: (40, 30)}) == INCONCLUSIVE
    # seeds that never disagree in direction but one by one show nothing: together they do, if rows differ
    assert verdict_of({0: (10, 60), 1: (12, 40), 2: (8, 45)}) == HOLDS


def test_with_two_seeds_the_first_must_pass_mcnemar_too():
    assert verdict_of({0: (10, 60), 1: (10, 55)}) == HOLDS
    assert verdict_of({0: (40, 48), 1: (10, 110)}) == INCONCLUSIVE  # p 0.46 at the first seed
    assert verdict_of({0: (10, 60), 1: (60, 10)}) == INCONCLUSIVE


def test_only_shared_seeds_count():
    records = match_seeds({0: (10, 60), 1: (60, 10), 2: (60, 10)})
    records[PAIR[1]] = records[PAIR[1]][:1]
    assert verdicts(records).loc["3b", "verdict"] == HOLDS
    assert "1 seed)" in verdicts(records).loc["3b", "evidence"]


def test_verdicts_on_the_smoke_study(smoke_records):
    table = verdicts(smoke_records)
    assert table["verdict"].isin([HOLDS, DOES_NOT_HOLD, INCONCLUSIVE]).all()
    assert not table["evidence"].str.contains("no record").any()
    assert table.loc["2", "verdict"] == INCONCLUSIVE  # the character model saw fewer rows


@pytest.mark.parametrize(("only_a", "only_b", "verdict"), [(10, 60, HOLDS), (60, 10, INCONCLUSIVE)])
def test_one_teacher_is_held_against_every_seed_of_the_student(only_a, only_b, verdict):
    claim = next(claim for claim in CLAIMS if claim.number == "5")
    teacher, student = rights(only_a, only_b, 500, 430)
    records = {claim.baseline: [record_of(claim.baseline, teacher, seed) for seed in range(2)],
               claim.treatment: [record_of(claim.treatment, student, seed) for seed in range(5)]}  # fmt: skip
    row = verdicts(records).loc["5"]
    assert row["verdict"] == verdict
    assert "5 seeds" in row["evidence"]


def test_each_claim_has_the_number_of_the_answers():
    records = published_records()[0]
    found = numbers(records)
    assert list(found) == [claim.number for claim in CLAIMS]
    assert found["3b"] == answer(records, "Does DIST help CNN-1?").number
    assert found["4"] == "the two gains are +1.4 percentage points apart (95 % +0.5 to +2.3; 3 shared seeds)"
    assert found["6"] == "bytes, time and accuracy (notebook 08)"
    assert numbers({})["1"] == "its runs are not here"


def test_the_rule_has_three_lines_and_folds_the_rest():
    shown, folded = rule().split("<details>")
    assert [line[:2] for line in shown.splitlines() if line[:1].isdigit()] == ["1.", "2.", "3."]
    assert all(f"**{verdict}**" in shown for verdict in (HOLDS, DOES_NOT_HOLD, INCONCLUSIVE))
    assert folded.rstrip().endswith("</details>")
