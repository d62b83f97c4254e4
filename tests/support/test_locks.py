"""Locks, and file systems and users that are in their way."""

import errno
import os
from threading import Event, Thread

import filelock
import pytest
from filelock import FileLock, Timeout
from helpers import made_articles, made_rows, refused, settings_in

from agnews_utils.features import cached_features
from agnews_utils.study.study import Study
from agnews_utils.support import locks
from agnews_utils.support.locks import locked


@pytest.fixture
def fails(monkeypatch):
    """Lets every lock fail with an error."""

    def make(reason):
        def fail(*_, **__):
            raise reason

        monkeypatch.setattr(filelock.FileLock, "acquire", fail)

    return make


def test_one_at_a_time(tmp_path):
    waits, order = Event(), []

    def second():
        with locked(tmp_path / "new" / "lock", before_waiting=waits.set):
            order.append("second")

    with locked(tmp_path / "new" / "lock"):
        thread = Thread(target=second)
        thread.start()
        assert waits.wait(10)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_who_does_not_want_to_wait(tmp_path):
    with FileLock(tmp_path / "lock"), pytest.raises(Timeout), locked(tmp_path / "lock", wait=False):
        pytest.fail("the lock was held twice")


def test_an_error_inside_is_its_own(tmp_path):
    with pytest.raises(PermissionError, match="of the work"), locked(tmp_path / "lock"):
        raise PermissionError("of the work")
    with locked(tmp_path / "lock", wait=False):
        pass


NO_LOCKS = [
    OSError(errno.ENOLCK, "No locks available"),
    OSError(errno.ENOSYS, "Function not implemented"),
    OSError(errno.EOPNOTSUPP, "Operation not supported"),
    NotImplementedError("FileSystem does not appear to support flock; use SoftFileLock instead"),
]


@pytest.mark.parametrize("reason", NO_LOCKS, ids=str)
def test_a_file_system_without_locks(tmp_path, fails, reason):
    fails(reason)
    words = f"The file system of {tmp_path} has no locks: set AGNEWS_WORK_DIR to a folder"
    with refused(OSError, words), locked(tmp_path / "lock"):
        pytest.fail("nothing was locked")


def test_another_users_lock(tmp_path, fails):
    fails(PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "lock")))
    words = f"{tmp_path / 'lock'} cannot be written (Permission denied): set AGNEWS_WORK_DIR"
    with refused(PermissionError, words), locked(tmp_path / "lock"):
        pytest.fail("nothing was locked")


def test_runs_and_features_say_it(tmp_path, fails, tiny_encoder, tokenizer):
    fails(OSError(errno.ENOLCK, os.strerror(errno.ENOLCK)))
    settings = settings_in(tmp_path)
    articles = made_articles([title for _, title, _ in made_rows(3)], tokenizer)
    with refused(OSError, "has no locks"):
        cached_features(tiny_encoder, articles, settings)
    with refused(OSError, "has no locks"):
        Study(settings).record("tfidf_linear")


def test_the_words_are_those_of_this_module():
    assert locks._in_words(Timeout("lock"), None) is None
