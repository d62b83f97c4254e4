import json
from dataclasses import replace

import numpy as np
from scipy.special import softmax
from widget_helpers import set_all, shown

from agnews_utils.settings import CLASS_NAMES
from agnews_utils.study.runs import MODEL3, TEACHER
from agnews_utils.widgets import BrowseErrors
from agnews_utils.widgets.browse_errors import SETS


def test_no_article_shows_before_a_press_nor_in_the_still_after_one(panels, browser, smoke_study):
    beginnings = [text[:25] for text in smoke_study.inputs.splits["test"]["text"]]
    for panel in panels.values():
        text = shown(panel)
        assert not any(beginning in text for beginning in beginnings)
    browser.kind.value = "both wrong"
    assert not any(beginning in shown(browser) for beginning in beginnings)
    still = browser.static_png()
    browser.next_button.click()
    assert any(beginning in browser.article.value for beginning in beginnings)
    assert browser.static_png() == still
    bundle = json.dumps(browser._repr_mimebundle_())
    assert not any(beginning in bundle for beginning in beginnings)
    browser.kind.value = SETS[0]
    assert browser.article.value == ""


def test_browser_walks_through_the_chosen_set(browser, smoke_study, smoke_records):
    set_all(browser, student=MODEL3, teacher=TEACHER)
    student, teacher = smoke_records[MODEL3][0], smoke_records[TEACHER][0]
    wanted = {
        "only the student wrong": ~student.correct & teacher.correct,
        "both wrong": ~student.correct & ~teacher.correct,
        "only the teacher wrong": student.correct & ~teacher.correct,
        "the student's most confident mistakes": ~student.correct,
    }
    assert set(wanted) == set(SETS)
    confidence = softmax(student.test_logits, axis=1).max(axis=1)
    for kind, mask in wanted.items():
        browser.kind.value = kind
        assert set(browser.rows) <= set(np.flatnonzero(mask))
        assert len(browser.rows) == min(mask.sum(), 50 if kind == SETS[3] else len(mask))
        assert (np.diff(confidence[browser.rows]) <= 0).all()
    browser.next_button.click()
    row = int(browser.rows[0])
    assert confidence[row] == confidence[~student.correct].max()
    assert f"true class {CLASS_NAMES[student.labels[row]]}" in browser.article.value
    assert f"{confidence[row]:.3f}" in browser.status.value
    assert f"{softmax(teacher.test_logits[row].astype(float))[0]:.3f}" in browser.status.value
    browser.next_button.click()
    assert f"Article 2 of {len(browser.rows)}" in browser.article.value
    browser.previous_button.click()
    browser.previous_button.click()  # before the first comes the last
    assert f"Article {len(browser.rows)} of {len(browser.rows)}" in browser.article.value


def test_browser_says_when_there_is_nothing_to_show(browser, smoke_study, smoke_records):
    for records in ({}, {MODEL3: smoke_records[MODEL3]}):
        empty = BrowseErrors(smoke_study, records)
        empty.next_button.click()
        assert "There is no record of a student and a teacher" in empty.error.value
        assert empty._repr_mimebundle_()[0]["image/png"]
    teacher = smoke_records[TEACHER][0]
    perfect = replace(teacher, test_logits=10.0 * np.eye(4)[teacher.labels])
    never_wrong = BrowseErrors(smoke_study, {MODEL3: smoke_records[MODEL3], TEACHER: [perfect]})
    never_wrong.kind.value = "both wrong"
    never_wrong.next_button.click()
    assert "There is no article in the set" in never_wrong.error.value


def test_browser_refuses_records_of_other_articles(smoke_study, smoke_records):
    other = [replace(smoke_records[MODEL3][0], labels=np.roll(smoke_records[MODEL3][0].labels, 1))]
    browser = BrowseErrors(smoke_study, {MODEL3: other, TEACHER: smoke_records[TEACHER]})
    browser.next_button.click()
    assert "These records are of other test articles" in browser.error.value
    assert browser.article.value == ""
