"""The four widgets on the smoke study."""

import pytest
from walking import set_all

from agnews_utils.study.runs import TEACHER
from agnews_utils.widgets.ask_models import AskTheModels
from agnews_utils.widgets.browse_errors import BrowseErrors
from agnews_utils.widgets.dist_explorer import DISTExplorer
from agnews_utils.widgets.distil_yourself import DistilYourself


@pytest.fixture
def explorer():
    return DISTExplorer()


@pytest.fixture(scope="module")
def tryout(smoke_study):
    made = DistilYourself(smoke_study)
    set_all(made, rows=96, epochs=2, teacher=TEACHER)
    return made


@pytest.fixture(scope="module")
def asking(smoke_study):
    return AskTheModels(smoke_study)


@pytest.fixture
def browser(smoke_study, smoke_records):
    return BrowseErrors(smoke_study, smoke_records)


@pytest.fixture
def panels(explorer, tryout, asking, browser):
    return {"agnews-explorer": explorer, "agnews-tryout": tryout, "agnews-ask": asking, "agnews-browse": browser}
