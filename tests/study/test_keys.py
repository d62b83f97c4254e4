"""Keys of runs and caches: MiniLM's find the committed records; other encoders' hold all that an encoder is."""

from dataclasses import replace

import pytest
from helpers import settings_in

from agnews_utils.features import find_features
from agnews_utils.study.study import Study


@pytest.fixture
def study_of(tmp_path):
    def make(**environ):
        return Study(settings_in(tmp_path, **environ))

    return make


# fingerprints of the published study's splits
AG_NEWS = {"train": "f4e9b1bf4606a93b", "validation": "3a72bc0448621ec3", "test": "f651657d98d72b1f"}


def test_every_committed_record_is_found_by_minilms_keys(study_of, monkeypatch):
    study = study_of(AGNEWS_PROFILE="full", AGNEWS_ENCODER="minilm")
    monkeypatch.setattr(study.inputs, "row_key", AG_NEWS.get)
    study.inputs.source = replace(study.inputs.source, key="agnews-part-3e927f78")
    assert study.store.committed.is_dir()
    planned = study.plan()
    assert len(planned) > 100
    assert [run for run in planned if study.found(*run) is None] == []


def test_minilms_features_are_found(study_of):
    study = study_of(AGNEWS_ENCODER="minilm")
    features = find_features(study.inputs.encoder_files, study.inputs.articles("test"), study.settings)
    assert features.folder.name.startswith("features-919b49641ed272c1-53aa51172d14-64-")
