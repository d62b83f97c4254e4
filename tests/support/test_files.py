"""Files that are written whole or not at all, and read with the system's own word where it is in the way."""

import builtins
import errno
import io
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from helpers import refused
from torch import nn

from agnews_utils.settings import ROOT
from agnews_utils.support.files import (
    assert_writable,
    atomic_write,
    copy_whole,
    load_arrays,
    load_weights,
    read_checkpoint,
    save_arrays,
    save_weights,
    write_text,
)

# writes a small file in each way, then a large one over it where the system allows 4,096 bytes a file
ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np, torch
from torch import nn
from agnews_utils.support.files import atomic_write, copy_whole, save_arrays, save_weights, write_text
folder = Path(sys.argv[1])
ways = {
    "weights": lambda path, n: save_weights(nn.Linear(n, n), path),
    "arrays": lambda path, n: save_arrays({"a": np.zeros((n, n))}, path),
    "checkpoint": lambda path, n: atomic_write(path, lambda aside: torch.save({"a": torch.zeros(n, n)}, aside)),
    "text": lambda path, n: write_text(path, "x" * n**2),
    "copy": lambda path, n: copy_whole(folder / f"source{n}", path),
}
for n in (3, 500):
    (folder / f"source{n}").write_bytes(bytes(n**2))
for name, write in ways.items():
    write(folder / name, 3)
before = {path: path.read_bytes() for path in folder.iterdir()}
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
for name, write in ways.items():
    try:
        write(folder / name, 500)
    except OSError as reason:
        print(reason.strerror)
assert before == {path: path.read_bytes() for path in folder.iterdir()}
"""


@pytest.mark.skipif(os.name == "nt", reason="no such limit on Windows")
def test_a_full_disk_leaves_what_was_there(tmp_path):
    command = [sys.executable, "-c", ON_A_FULL_DISK, tmp_path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    ways = ("weights", "arrays", "checkpoint", "text", "copy")
    said = [f"{tmp_path / name} cannot be written, because the disk is full" for name in ways]
    assert [line.partition(";")[0] for line in done.stdout.splitlines()] == said


def test_an_error_in_writing_leaves_what_was_there(tmp_path):
    write_text(tmp_path / "a", "before")

    def write(path):
        path.write_text("half of")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        atomic_write(tmp_path / "a", write)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]


def test_a_copy_is_the_whole_file(tmp_path):
    (tmp_path / "a").write_bytes(b"\0\1\2")
    copy_whole(tmp_path / "a", tmp_path / "new" / "b")
    assert (tmp_path / "new" / "b").read_bytes() == b"\0\1\2"


# --- files that are whole and cannot be read


def weights(folder):
    save_weights(nn.Linear(2, 2), folder / "w.safetensors")
    return folder / "w.safetensors", lambda path: load_weights(nn.Linear(2, 2), path)


def arrays(folder):
    save_arrays({"a": np.arange(3)}, folder / "a.safetensors")
    return folder / "a.safetensors", load_arrays


def checkpoint(folder):
    torch.save({"model": {}, "optimizer": {}, "history": []}, folder / "last.pt")
    return folder / "last.pt", read_checkpoint


@pytest.fixture
def fail_to_open(monkeypatch):
    def make(path, number):
        whole = builtins.open

        def fail(file, *args, **options):
            if os.fspath(file) == str(path):
                raise OSError(number, os.strerror(number), str(path))
            return whole(file, *args, **options)

        monkeypatch.setattr(builtins, "open", fail)
        monkeypatch.setattr(io, "open", fail)

    return make


@pytest.mark.parametrize("made", [weights, arrays, checkpoint])
@pytest.mark.parametrize("number", [errno.EACCES, errno.EMFILE, errno.EIO, errno.ESTALE])
def test_what_cannot_be_opened_is_not_called_damaged(tmp_path, fail_to_open, made, number):
    path, read = made(tmp_path)
    fail_to_open(path, number)
    kind = PermissionError if number == errno.EACCES else OSError
    with refused(kind, f"{path} cannot be read ({os.strerror(number)}); it may be whole: ") as caught:
        read(path)
    assert "delete" not in str(caught.value)
    assert ("set AGNEWS_WORK_DIR" in str(caught.value)) == (number == errno.EACCES)


@pytest.mark.skipif(os.name == "nt" or os.getuid() == 0, reason="the administrator may read everything")
@pytest.mark.parametrize("made", [weights, arrays, checkpoint])
def test_another_users_file(tmp_path, made):
    path, read = made(tmp_path)
    path.chmod(0)
    with refused(PermissionError, "it may be whole"):
        read(path)


def test_too_little_memory_is_no_damage(tmp_path, monkeypatch):
    path, read = checkpoint(tmp_path)

    def fail(*_, **__):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes")

    monkeypatch.setattr(torch, "load", fail)
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        read(path)


@pytest.mark.parametrize("made", [weights, arrays, checkpoint])
def test_damage_is_still_called_damage(tmp_path, made):
    path, read = made(tmp_path)
    path.write_bytes(path.read_bytes()[:-3])
    with refused(ValueError, "damaged"):
        read(path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_a_file_has_the_mode_of_an_ordinary_one(tmp_path, umask, mode):
    # safetensors gives 0600 whatever the umask
    before = os.umask(umask)
    try:
        paths = [made(tmp_path)[0] for made in (weights, arrays)]
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in paths] == [mode, mode]


# --- folders


def test_a_folder_that_can_be_written(tmp_path):
    assert_writable(tmp_path / "not" / "there" / "yet")
    assert not list(tmp_path.iterdir())


def test_a_folder_below_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with refused(PermissionError, f"{tmp_path / 'file' / 'work'} cannot be written: set AGNEWS_WORK_DIR to a folder"):
        assert_writable(tmp_path / "file" / "work")


def test_a_folder_of_another_user(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
    with refused(PermissionError, "cannot be written: set AGNEWS_WORK_DIR to a folder of your own"):
        assert_writable(tmp_path / "work")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_write_that_is_forbidden(tmp_path, monkeypatch, number):
    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    kind = PermissionError if number == errno.EACCES else OSError
    with refused(kind, f"{tmp_path / 'a'} cannot be written ({os.strerror(number)}): set AGNEWS_WORK_DIR"):
        atomic_write(tmp_path / "a", fail)
