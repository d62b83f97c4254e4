"""Locks between processes: who wants what another one makes waits for it."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from .files import OTHER_FOLDER, is_forbidden

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)


@contextmanager
def locked(path: Path, wait: bool = True, before_waiting: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Holds the lock file ``path``, which two processes, also on two machines, never hold at once.

    Args:
        before_waiting: called once where another process holds it

    Raises:
        filelock.Timeout: another process holds it, and ``wait`` is false.
        OSError: the folder cannot be written, another user's lock is in the way, or the file system has no locks.
    """
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if not wait:
                raise
            before_waiting()
            lock.acquire()
    except (OSError, NotImplementedError) as reason:  # a Timeout is an OSError too
        if (clear := _in_words(reason, path)) is None:
            raise
        raise clear from reason
    try:
        yield
    finally:
        lock.release()


def _in_words(reason: Exception, path: Path) -> OSError | None:
    """A clearer error; filelock says by NotImplementedError that a file system has no locks."""
    if isinstance(reason, NotImplementedError) or getattr(reason, "errno", None) in NO_LOCKS:
        return OSError(f"The file system of {path.parent} has no locks: {OTHER_FOLDER} on another disk.")
    if isinstance(reason, OSError) and is_forbidden(reason):
        return type(reason)(f"{path} cannot be written ({reason.strerror}): {OTHER_FOLDER}.")
    return None
