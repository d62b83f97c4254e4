"""Fixtures of the reader's tests."""

import pytest
from helpers import made_rows, write_csv


@pytest.fixture
def folder(tmp_path):
    """A folder of 200 training and 40 test articles."""
    write_csv(tmp_path / "news" / "train.csv", made_rows(200))
    write_csv(tmp_path / "news" / "test.csv", made_rows(40, "test"))
    return tmp_path / "news"
