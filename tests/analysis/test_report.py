"""The report's own numbers."""

import pytest

from agnews_utils.analysis.report import report_accuracy, report_curves, what_for
from agnews_utils.models import SimpleCNN
from agnews_utils.study.runs import MODEL2, MODEL4, MODEL6, RUNS


def test_report_accuracy_is_the_reports():
    assert report_accuracy() == pytest.approx(
        {
            "model1_simple_cnn_plain": 0.9087,
            "model2_simple_cnn_distilled": 0.9225,
            "model3_simpler_cnn_plain": 0.9092,
            "model4_simpler_cnn_distilled": 0.9146,
            "model6_bert_vdcnn_teacher": 0.9326,
            "model5_char_vdcnn": 0.9083,
        },
        abs=1e-9,
    )


def test_report_curves_have_every_epoch():
    curves = report_curves()
    assert (
        curves.groupby("run")["epoch"].apply(list).map(lambda epochs: epochs == list(range(1, len(epochs) + 1))).all()
    )
    assert curves.groupby("run").size().to_dict() == {
        "model1_simple_cnn_plain": 20,
        "model2_simple_cnn_distilled": 20,
        "model3_simpler_cnn_plain": 20,
        "model4_simpler_cnn_distilled": 20,
        "model6_bert_vdcnn_teacher": 30,
    }


def test_what_the_six_models_are_for_follows_from_their_runs():
    table = what_for()
    assert set(table.index) == {run.title for run in RUNS.values() if run.group == "report"}
    trains = table["trains"]
    assert trains[RUNS[MODEL2].title] == f"1 embedding, {len(SimpleCNN.channels)} convolutions, 1 linear layer"
    assert trains[RUNS[MODEL6].title] == "9 convolutions, 3 linear layers"  # of its VDCNN: BERT is frozen
    taught = table["learns from"].str.contains("teacher")
    assert {title for title in table.index if taught[title]} == {RUNS[name].title for name in (MODEL2, MODEL4)}
    assert table["role in the study"].is_unique
