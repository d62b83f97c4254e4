"""Every exercise: its solution is right, and each of its named mistakes is refused in that mistake's own words."""

import re

import numpy as np
import pytest
import torch
from scipy.stats import binomtest, t

from agnews_utils.analysis import statistics
from agnews_utils.analysis.articles import nearest_similarity
from agnews_utils.exercises import check, checking, hint
from agnews_utils.exercises.checking import OPEN, RIGHT, UNKNOWN, WRONG, judge
from agnews_utils.exercises.content import notebook_02, notebook_04, notebook_07
from agnews_utils.exercises.exercise import notebooks, of_notebook
from agnews_utils.export.student_file import quantise
from agnews_utils.losses import inter_relation
from agnews_utils.widgets.dist_explorer import LABELS, SITUATIONS

EXERCISES = [exercise for number in notebooks() for exercise in of_notebook(number)]
MISTAKES = [(exercise, mistake) for exercise in EXERCISES for mistake in exercise.mistakes]
each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.number)


def as_answer(exercise, function):
    return function if exercise.wants_function else function()


@pytest.fixture
def no_hints_given():
    checking._hints_given.clear()


def test_every_notebook_has_three_to_five():
    assert notebooks() == ["00", "01", "02", "03", "04", "05", "06", "07", "08"]
    numbers = [exercise.number for exercise in EXERCISES]
    assert numbers == [f"{n}.{i}" for n in notebooks() for i in range(1, len(of_notebook(n)) + 1)]
    assert all(3 <= len(of_notebook(n)) <= 5 for n in notebooks())


@each_exercise
def test_is_complete(exercise):
    assert 1 <= exercise.minutes <= 20
    assert exercise.difficulty in (1, 2, 3)
    assert exercise.predict.endswith("?")
    assert not re.search(r"[.?!] [A-Z]", exercise.predict), "one sentence"
    assert len(exercise.hints) >= 3
    assert len(exercise.mistakes) >= 3
    assert exercise.name.startswith("my_")  # so that no stub hides a name of its notebook
    assert len(exercise.stub().splitlines()) <= 10
    assert len(exercise._source()) <= 15


@each_exercise
def test_solution_is_right(exercise):
    verdict = judge(exercise.number, as_answer(exercise, exercise.solve))
    assert verdict.state == RIGHT
    assert exercise.outcome in verdict.words


@pytest.mark.parametrize(("exercise", "mistake"), MISTAKES, ids=[f"{e.number} {m.name}" for e, m in MISTAKES])
def test_mistake_is_named(exercise, mistake):
    verdict = judge(exercise.number, as_answer(exercise, mistake.code))
    assert (verdict.state, verdict.mistake) == (WRONG, mistake.name)
    assert mistake.words in verdict.words
    others = [other.words for other in exercise.mistakes if other is not mistake]
    assert not any(words in verdict.words for words in others)
    assert exercise.outcome not in verdict.words


def test_the_mistakes_that_the_course_is_about_have_names():
    names = {mistake.name for _, mistake in MISTAKES}
    assert names >= {
        "sum for mean", "mean for sum", "tau² forgotten", "rows for columns", "columns for rows", "top-k order lost",
        "softmax over the wrong axis", "test set used to choose", "sample standard deviation for interval",
        "unpaired test for paired", "log2 for the natural logarithm", "bias forgotten", "padding kept in",
    }  # fmt: skip


@each_exercise
def test_stub_is_not_answered_yet(exercise, capsys):
    names = {"np": np, "torch": torch, "check": check}
    exec(exercise.stub(), names)
    assert capsys.readouterr().out.startswith(f"{exercise.number}: not answered yet.")
    assert judge(exercise.number, None).state == OPEN


@each_exercise
def test_hints_come_one_at_a_time(exercise, capsys, no_hints_given):
    shown = []
    for _ in range(len(exercise.hints) + 1):
        hint(exercise.number)
        shown.append(capsys.readouterr().out)
    assert len(set(shown)) == len(exercise.hints)
    assert shown[-1] == shown[-2]  # the last one is repeated
    for place, text in enumerate(shown[:-1]):
        assert [h for h in exercise.hints if h in text] == [exercise.hints[place]]


class Hostile:
    """Fails wherever it is touched."""

    def _refuse(self, *_, **__):
        raise RuntimeError("hands off")

    __array__ = __eq__ = __len__ = __iter__ = __str__ = __bool__ = __float__ = _refuse
    __hash__ = None


ODD = [
    Hostile(), object(), float("nan"), np.inf, "", "seventeen", b"a", [], {}, set(), (), [[1, 2], [3]],
    np.zeros((2, 3)), np.array(["a"]), torch.zeros(0), torch.ones(3, requires_grad=True), int, 1j, -1, True, "A ", ...,
]  # fmt: skip


@each_exercise
def test_odd_answers_never_raise(exercise):
    for odd in ODD:
        for answer in (odd, lambda *_, result=odd: result):
            verdict = judge(exercise.number, answer)
            assert verdict.state in (WRONG, OPEN) or str(answer).strip().lower() == exercise.solve()
            assert "\n" not in verdict.words
    for answer in (lambda: None, lambda *_: 1 / 0, lambda *_: None, print):
        assert judge(exercise.number, answer).state in (WRONG, OPEN)


def drawn_with(seed, ends):
    def interval(a, b):
        generator, gains = np.random.default_rng(seed), b.astype(int) - a
        means = [gains[generator.integers(0, len(gains), len(gains))].mean() for _ in range(4000)]
        return np.quantile(means, ends)

    return interval


OTHER_WAYS = {
    "00.1": 4 * 7600,
    "02.3": lambda x, k: np.array([[v for v in row if v in sorted(row)[-k:]] for row in x.numpy()]),
    "03.3": lambda x, mask: torch.stack([values[:, real].amax(1) for values, real in zip(x, mask, strict=True)]),
    "03.4": lambda validation, test: [validation.argmax() + 1, test[validation.argmax()]],
    "04.1": lambda a, b: [np.corrcoef(p, q)[0, 1] for p, q in zip(a, b, strict=True)],
    "05.1": lambda a, b: np.array([*(statistics.mcnemar(a, b)[k] for k in ("only_a_correct", "only_b_correct", "p"))]),
    "05.2": drawn_with(7, [0.025, 0.975]),
    "07.4": np.float32(0.5),
}


@pytest.mark.parametrize("number", OTHER_WAYS)
def test_another_right_way_is_right(number):
    assert judge(number, OTHER_WAYS[number]).state == RIGHT


def test_another_draw_of_a_mistake_is_still_named():
    assert judge("05.2", drawn_with(7, [0.05, 0.95])).mistake == "90 % for 95 %"


def test_words_for_answers_of_the_wrong_kind(capsys):
    for answer, said in (
        (0.5, "wants the function my_pearson itself"),
        (lambda a, b: a, "an array of shape (4,) is wanted, and this is an array of shape (4, 4)"),
        (lambda a, b: 3 * notebook_04.my_pearson(a, b), "every value is 3 times what it should be"),
        (lambda a, b: a[:, 0] * torch.nan, "NaN or infinite"),
        (lambda a, b: a[:, 0], "3 hidden inputs give other values"),
        (lambda a: a, "my_pearson stops on a hidden input with TypeError"),
        (lambda a, b: None + a, "Does it call a function that is not filled in yet?"),
    ):
        check("04.1", answer)
        assert said in capsys.readouterr().out.replace("4 of 4", "3").replace("3 of 3", "3")
    assert "wants a number" in judge("00.1", lambda: 1).words
    assert "one of the letters a, b, c, d" in judge("05.3", print).words
    assert judge("05.3", " C ").state == RIGHT


def test_a_wrong_number_does_not_bring_the_right_one():
    for exercise in EXERCISES:
        if not exercise.wants_function and not exercise.options:
            words = judge(exercise.number, -1).words
            assert judge(exercise.number, -1).state == WRONG
            assert re.findall(r"\d+", words.replace(exercise.number, "")) == []


def test_numbers_of_exercises(capsys):
    assert judge(4.1, None) == judge("04.1", None)
    for odd in ("99.9", "", None, 4, "04.9", Hostile):
        assert judge(odd, 1).state == UNKNOWN
    hint("04")
    assert capsys.readouterr().out.count("\n") == len(of_notebook("04"))
    hint("99.9")
    assert "no such exercise" in capsys.readouterr().out


def test_inputs_are_the_same_after_an_answer_has_changed_them():
    def destroys(logits, labels):
        logits.zero_()
        labels.zero_()
        return logits.sum()

    assert judge("03.1", destroys).state == WRONG
    assert judge("03.1", of_notebook("03")[0].solve).state == RIGHT


def test_what_is_told_after_a_right_answer_is_so():
    words = [f"w{i}" for i in range(20)]
    changed = [*words[:10], "other", *words[11:]]
    assert nearest_similarity([" ".join(words)], [" ".join(changed)])[0] == pytest.approx(11 / 21)  # 01.2
    assert notebook_02.my_window([(3, 1)] * 3 + ([(3, 2)] + [(3, 1)] * 2) * 3) == 77  # 02.2
    assert binomtest(290, 500).pvalue == pytest.approx(1 / 2_500, rel=0.01)  # 00.2
    assert t.ppf(0.975, [2, 9]).round(2).tolist() == [4.30, 2.26]  # 06.1
    assert notebook_07.my_int8(np.array([[10.0, 0.03]]))[0][0, 1] == 0  # 07.3


def test_the_numbers_to_reach_are_so():
    z_s, z_t = (torch.tensor(logits, dtype=torch.float) for logits in SITUATIONS["the notebook's four articles"])
    y_s, y_t, labels = z_s.softmax(dim=1), z_t.softmax(dim=1), torch.tensor(LABELS)
    reached = {
        "04.1": notebook_04.my_pearson(y_s, y_t)[:1], "04.2": notebook_04.my_relations(y_s, y_t),
        "04.3": [notebook_04.my_dist(z_s, z_t, labels, 2.0, 2.0, 1.0)],
        "04.4": [notebook_04.my_kl(z_s, z_t, labels, 0.9, 4.0)],
    }  # fmt: skip
    for exercise in of_notebook("04")[:4]:
        said = re.findall(r"0\.\d{4}", exercise.question.partition("To reach:")[2])
        assert said == [f"{value:.4f}" for value in reached[exercise.number]]


def test_inter_cannot_see_the_unsure_student():
    y_t = torch.tensor([0.02, 0.01, 0.90, 0.07])
    y_s = notebook_04.my_unsure(y_t, 0.5)
    assert y_s.sum().item() == pytest.approx(1)
    assert inter_relation(y_s[None], y_t[None]).abs() < 1e-6
    warmer = (y_t.log() / 2).softmax(dim=0)
    assert inter_relation(warmer[None], y_t[None]) > 1e-4


def test_int8_by_hand_is_the_files():
    w = np.random.default_rng(0).normal(size=(6, 40)).astype(np.float32)
    codes, scales = quantise(w)  # its scales pass through float16
    restored, bound = notebook_07.my_int8(w)
    assert np.abs(restored - codes * scales).max() <= 1.2 * bound.max() * 2
    assert (np.abs(restored - w).max(axis=1) <= bound * (1 + 1e-5)).all()
