from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import settings_in
from scipy.special import softmax
from widget_helpers import size_of

from agnews_utils.export.from_study import MODELS
from agnews_utils.export.student import load_student
from agnews_utils.settings import CLASS_NAMES
from agnews_utils.study.answers import Answering
from agnews_utils.study.runs import MODEL3, MODEL4, RUNS, SIMPLER_KL, TEACHER
from agnews_utils.study.strong import SHIPPED_TITLES
from agnews_utils.study.study import Study
from agnews_utils.widgets import AskTheModels, ask_models
from agnews_utils.widgets.ask_models import HEADLINE, AnsweringWithShipped, answers_png, in_hundredths, in_ms

REPEATED = (MODEL3, MODEL4, SIMPLER_KL)  # runs with several seeds in every profile


def test_every_model_with_weights_answers(asking):
    names = {run.name for run in RUNS.values() if run.inputs != "text" and asking.models.study.has_weights(run.name)}
    assert asking.models.names()[-3:] == list(SHIPPED_TITLES)  # they always answer
    assert set(asking.models.names()[:-3]) == names
    usual = {name for name in names if RUNS[name].group != "ablation"}
    assert TEACHER in usual  # its weights are here
    assert {a.name for a in asking.answers} == usual | set(SHIPPED_TITLES)
    for answer in asking.answers:
        assert answer.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert answer.milliseconds > 0
        assert f"{answer.probabilities[0]:.3f}" in asking.status.value
    trained = [a.name for a in asking.answers if a.name in RUNS]
    assert {RUNS[name].inputs for name in trained} == {"tokens", "features", "characters"}


def test_the_still_names_headline_models_and_milliseconds(asking):
    alt = asking._repr_mimebundle_()[1]["image/png"]["alt"]
    assert f"the text: {asking.text.value}." in alt
    for answer in asking.answers:
        assert answer.title in alt
        assert f"in {in_ms(answer.milliseconds)}." in alt
    word, drop = max(asking.words, key=lambda pair: abs(pair[1]))
    assert f": {word} {in_hundredths(drop)}, " in alt  # the word that mattered most comes first
    a, classes = asking.answers, list(CLASS_NAMES)
    without, with_headline = (size_of(answers_png(a, classes, text)) for text in ("", "costs $5 " * 40))
    assert with_headline[1] > without[1]  # the headline has room of its own
    faster = [replace(answer, milliseconds=answer.milliseconds / 10) for answer in a]
    assert answers_png(faster, classes, HEADLINE) != answers_png(a, classes, HEADLINE)


def test_milliseconds_are_written_as_people_read_them():
    assert [in_ms(ms) for ms in (0.1234, 1.81, 9.96, 53.2, 108.97, 1500)] == [
        "0.12 ms", "1.8 ms", "10 ms", "53 ms", "109 ms", "1,500 ms",
    ]  # fmt: skip


def test_shipped_students_answer_as_their_files_do(smoke_study, tmp_path):
    models = AnsweringWithShipped(smoke_study, CLASS_NAMES)
    student = load_student(MODELS / "student_1mb.safetensors")
    answer = models.ask("student_1mb", HEADLINE)
    assert answer.title == "1 MB student"
    np.testing.assert_array_equal(answer.probabilities, student.predict_proba([HEADLINE])[0])
    assert len(models.leave_one_out("student_1mb", HEADLINE)[1]) == len(HEADLINE.split())
    assert AnsweringWithShipped(smoke_study, CLASS_NAMES, tmp_path).shipped == {}
    assert AnsweringWithShipped(smoke_study, ["News", "Other"]).shipped == {}  # they know four classes of AG News


def test_a_model_of_another_seed_answers_where_the_first_has_no_weights(smoke_study, monkeypatch):
    has_weights = Study.has_weights
    monkeypatch.setattr(Study, "has_weights", lambda study, name, seed=0: seed > 0 and has_weights(study, name, seed))
    models = Answering(smoke_study)
    assert set(models.names()) == set(REPEATED)  # all others have one seed in smoke
    answer = models.ask(MODEL4, "robots win")
    assert answer.title == f"{RUNS[MODEL4].title} (seed 1)"
    other = smoke_study.model(MODEL4, 1)
    assert all(torch.equal(a, b) for a, b in zip(models.model(MODEL4).parameters(), other.parameters(), strict=True))


def test_answers_are_those_of_the_records(asking, smoke_study, smoke_records):
    texts = smoke_study.inputs.splits["test"][:12]["text"]
    for name in [name for name in asking.models.names() if name in RUNS]:
        expected = softmax(smoke_records[name][0].test_logits[:12].astype(float), axis=1)
        # a cached feature was encoded in another batch, in bfloat16 where the processor has it
        tolerance = 0.03 if RUNS[name].inputs == "features" else 0.005
        np.testing.assert_allclose(asking.models.probabilities(name, texts), expected, atol=tolerance, err_msg=name)


def test_words_are_left_out_one_at_a_time(asking):
    text = "robots win a <b>final</b> & shares fall"
    predicted, words = asking.models.leave_one_out(MODEL4, text)
    assert [word for word, _ in words] == text.split()
    whole, shorter = asking.models.probabilities(MODEL4, [text, "robots a <b>final</b> & shares fall"])[:, predicted]
    assert words[1][1] == pytest.approx(whole - shorter, abs=1e-5)
    asking.text.value = text
    asking.ask_button.click()
    assert "<b>final" not in asking.word_view.value + asking.status.value  # shown as typed, not as a tag
    assert CLASS_NAMES[predicted] in asking.word_view.value
    assert len(asking.words) == 7
    for model in asking.models.names():
        assert len(asking.models.leave_one_out(model, "alone")[1]) == 1  # nothing is left without its only word


@pytest.mark.parametrize("text", ["", "  \n\t "])
def test_empty_text_gets_one_sentence(asking, text):
    asking.text.value = text
    asking.ask_button.click()
    assert "There is no text to read" in asking.error.value
    asking.text.value = HEADLINE
    asking.ask_button.click()
    assert asking.error.value == ""


def test_far_too_long_text_and_no_model_get_one_sentence(asking):
    asking.text.value = "word " * 500
    asking.ask_button.click()
    assert "The text has 500 words" in asking.error.value
    asking.text.value = HEADLINE
    chosen, asking.asked.value = asking.asked.value, ()
    asking.ask_button.click()
    assert "No model is chosen" in asking.error.value
    asking.asked.value = chosen


def test_without_a_training_the_shipped_students_answer(tmp_path):
    asking = AskTheModels(Study(settings_in(tmp_path)))
    assert [a.title for a in asking.answers] == list(SHIPPED_TITLES.values())
    assert "Students named by their size come with the project" in asking.status.value
    assert "5 MB student says" in asking.word_view.value


def test_asking_without_weights_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(ask_models, "SHIPPED_TITLES", {})
    asking = AskTheModels(Study(settings_in(tmp_path)))
    assert "No model's weights are here" in asking.error.value
    assert asking._repr_mimebundle_()[0]["image/png"]
