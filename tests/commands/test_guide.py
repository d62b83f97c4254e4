"""The instructor's guide and the glossary: what is committed is what the command makes."""

import json
import re

import pandas as pd
import pytest
from helpers import settings_in

from agnews_utils.commands import guide
from agnews_utils.exercises.checking import find
from agnews_utils.settings import NOTEBOOKS
from agnews_utils.study.runs import MODEL3, RUNS, TFIDF
from agnews_utils.study.strong import ALL_RUNS, scarce_names
from agnews_utils.study.study import Study

TEXT = (NOTEBOOKS / guide.GUIDE).read_text(encoding="utf-8")


def test_committed_is_what_the_command_makes():
    made = guide.made_files()
    stale = [name for name, text in made.items() if (NOTEBOOKS / name).read_text(encoding="utf-8") != text]
    assert stale == [], "run: python -m agnews_utils.commands.guide"


def test_every_exercise_that_is_named_is_there_and_has_points():
    named = re.findall(r'\[(\d\d\.\d)\]\(EXERCISES\.md "([^"]+)"\)', TEXT)
    assert len(named) > 30
    assert [number for number, title in named if find(number).title != title] == []
    assert re.findall(r"(?<![\d.\[\x22])\d\d\.\d(?![\d.]| [A-Z]| %)(?!.*\|)", TEXT) == []  # none by its bare number
    assert [e.number for e in guide.all_exercises() if f"| {e.number} {e.title} |" not in TEXT] == []


def test_a_moved_exercise_gets_its_new_number_and_a_lost_one_is_named():
    title = guide.all_exercises()[0].title
    old = TEXT.replace(
        f'[{guide.all_exercises()[0].number}](EXERCISES.md "{title}")', f'[09.9](EXERCISES.md "{title}")'
    )
    assert old != TEXT
    assert guide.guide(old) == guide.guide(TEXT)
    with pytest.raises(ValueError, match="'Gone'"):
        guide.guide(TEXT + '[01.1](EXERCISES.md "Gone")')
    with pytest.raises(ValueError, match="no place for the table 'full'"):
        guide.guide(TEXT.replace("<!-- end of full -->", ""))


def test_every_notebook_has_its_times():
    for path in guide.numbered_notebooks():
        assert f"]({path.name}) |" in TEXT


def test_the_pre_check_has_ten_questions_with_folded_answers():
    part = TEXT.partition("## Pre-check")[2].partition("\n## ")[0]
    asked, _, answered = part.partition("The answers:")
    for numbered in (asked, answered):
        assert re.findall(r"(?m)^(\d+)\. ", numbered) == [str(n) for n in range(1, 11)]


def test_answers_to_the_pre_check_are_right():
    weights = 3 * 8 * 4 + 4
    assert f"3 × 8 × 4 + 4 = {weights}" in TEXT
    assert "0.693" in TEXT  # with 0.644 and the others it stands in the glossary, whose test computes it


def test_the_results_that_are_discussed_are_those_of_the_study():
    answers = pd.read_csv(guide.ANSWERS).set_index("question")
    unclear, clear = answers.loc["Does DIST help CNN-1?"], answers.loc["Does BERT-VDCNN beat the n-gram baseline?"]
    assert "DIST does not clearly help CNN-1" in TEXT
    assert unclear["low"] < 0 < unclear["high"]
    assert "A bag of words wins" in TEXT
    assert clear["high"] < 0


@pytest.mark.parametrize("profile", guide.PROFILES)
def test_what_is_expected_was_measured_on_the_data_that_it_names(profile):
    rows = guide.expected(profile, "accuracy")
    assert {RUNS[TFIDF].title, RUNS[MODEL3].title} <= set(rows.index)
    assert (rows["made_with"].str.contains("not AG News") == (profile != guide.ON_AG_NEWS)).all()
    few_labels = {ALL_RUNS[name].title for name in scarce_names(guide.FEW_LABELS)}  # one seed each, in quick
    assert (rows["seeds"].drop([name for name in rows.index if name in few_labels | {RUNS[TFIDF].title}]) >= 3).all()
    assert (few_labels <= set(rows.index)) == (profile != "smoke")
    assert rows["value"].between(20, 100).all()
    assert (guide.expected(profile, "minutes")["value"] > 0).all()


def test_a_tolerance_is_the_larger_of_its_two_parts():
    assert guide._tolerance(0.5, 1000) == "± 1.5"
    assert guide._tolerance(0.1, 1000) == "± 1.0"
    assert guide._tolerance(float("nan"), 1000) == "one seed"


def test_a_term_is_found_by_its_other_names(tmp_path, monkeypatch):
    text = "# Glossary\n\n## inter\n\n*Also: rows of it.*\nWords.\n\nIn [07](07_x.ipynb).\n\n## never\n\nWords.\n"
    prose = {"01_a.ipynb": "an interval", "02_b.ipynb": "the Rows of it"}
    monkeypatch.setattr(guide, "numbered_notebooks", lambda: [tmp_path / name for name in prose])
    monkeypatch.setattr(guide, "everything_of", lambda path: prose[path.name])
    made = guide.glossary(text)
    assert made == text.replace("[07](07_x.ipynb)", "[02](02_b.ipynb)")
    assert guide.glossary(made) == made


def test_measures_only_a_run_on_known_data(settings, monkeypatch):
    study = Study(settings)
    with pytest.raises(ValueError, match="holds no run"):
        guide.measure(study, 2)
    study.output.mkdir(parents=True)
    (study.output / "run.json").write_text(json.dumps({"core_seconds": {"01_data": 90.0}}))
    record = study.record(TFIDF)
    monkeypatch.setattr(Study, "record", lambda self, name, seed=0: record)
    monkeypatch.setattr(Study, "found", lambda self, name, seed=0: None)
    measured = guide.measure(study, 2)
    assert measured.query("kind == 'minutes'")["value"].tolist() == [1.5]
    accuracies = measured.query("kind == 'accuracy'").set_index("name")
    assert accuracies.loc[RUNS[MODEL3].title, "seeds"] == 2
    assert accuracies["value"].tolist() == pytest.approx([100 * record.test_accuracy] * len(accuracies), abs=1e-3)


def test_measures_the_models_of_few_labels_where_notebook_07_has_made_them(settings, monkeypatch):
    study = Study(settings, runs=ALL_RUNS)
    record, (_, teacher, *_) = study.record(TFIDF), scarce_names(guide.FEW_LABELS)
    monkeypatch.setattr(Study, "record", lambda self, name, seed=0: record)
    monkeypatch.setattr(Study, "found", lambda self, name, seed=0: record if (name, seed) == (teacher, 0) else None)
    rows = {row["name"]: row["seeds"] for row in guide._accuracies(study, 2)}
    assert rows[ALL_RUNS[teacher].title] == 1
    assert set(rows) - {ALL_RUNS[teacher].title} == {run.title for run in RUNS.values() if run.group in guide.GROUPS}


def test_a_new_measurement_replaces_its_profile_only(tmp_path, monkeypatch):
    monkeypatch.setattr(guide, "EXPECTED", tmp_path / "expected.csv")
    row = {"kind": "minutes", "name": "01_data", "sd": None, "seeds": None, "articles": None, "made_with": "x"}
    for profile, value in (("smoke", 1.0), ("quick", 2.0), ("smoke", 3.0)):
        guide.keep(pd.DataFrame([row | {"profile": profile, "value": value}]))
    assert guide.expected("smoke", "minutes")["value"].tolist() == [3.0]
    assert guide.expected("quick", "minutes")["value"].tolist() == [2.0]


@pytest.mark.parametrize("path", guide.numbered_notebooks(), ids=lambda path: path.stem)
def test_a_notebook_says_the_minutes_of_the_guide(path):
    said = re.search(r"\*\*Time\*\*: (\d+) minutes to read(?:, (\d+) for the exercises)?", guide.markdown_of(path))
    assert said, "its first cell says how long it takes"
    assert int(said[1]) == 5 * round(guide.reading_minutes(path) / 5)
    assert int(said[2] or 0) == sum(e.minutes for e in guide.all_exercises() if e.number.startswith(path.stem[:2]))


@pytest.mark.slow
def test_the_projects_recipe_runs(tmp_path, monkeypatch, capsys):
    (recipe,) = (code for code in re.findall(r"(?ms)^```python\n(.*?)^```", TEXT) if "class Mean" in code)
    monkeypatch.setattr("agnews_utils.study.Study", lambda: Study(settings_in(tmp_path)))
    names = {}
    exec(recipe, names)
    assert re.fullmatch(r"Mean of word vectors .* CNN-1 plain: .* 3 seeds\)\.\n", capsys.readouterr().out)
    assert {run.run.model for run in names["records"]["mine"]} == {names["Mean"]}
