"""The four widgets on the smoke study."""

import pytest
from widget_helpers import set_all

from agnews_utils.study.runs import TEACHER
from agnews_utils.widgets import AskTheModels, BrowseErrors, DISTExplorer, DistilYourself


@pytest.fixture
def explorer():
    return DISTExplorer()


@pytest.fixture(scope="module")
def distiller(smoke_study):
    made = DistilYourself(smoke_study)
    set_all(made, articles=96, unlabelled=0, epochs=2, teacher=TEACHER)
    return made


@pytest.fixture(scope="module")
def asking(smoke_study):
    return AskTheModels(smoke_study)


@pytest.fixture
def browser(smoke_study, smoke_records):
    return BrowseErrors(smoke_study, smoke_records)


@pytest.fixture
def panels(explorer, distiller, asking, browser):
    return {"agnews-explorer": explorer, "agnews-distil": distiller, "agnews-ask": asking, "agnews-browse": browser}
