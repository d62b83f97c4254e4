"""What every test session shares: the smoke profile, no network, and a fresh folder for all that a run keeps.

Set here, before anything reads the settings, because notebook kernels and subprocesses inherit the environment.
"""

import atexit
import os
import shutil
import tempfile

import pytest

WORK = tempfile.mkdtemp(prefix="agnews-tests-")
atexit.register(shutil.rmtree, WORK, ignore_errors=True)  # also where a session ends before it has begun
os.environ.setdefault("AGNEWS_PROFILE", "smoke")
os.environ |= {
    "AGNEWS_WORK_DIR": WORK,  # tests and notebooks share these caches; the checkout stays clean
    "AGNEWS_PROGRESS": "off",
    "HF_HUB_OFFLINE": "1",
    "HF_HOME": f"{WORK}/huggingface",  # so that a data set or encoder of the reader's own cache changes no test
}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if hasattr(item, "output_timeout"):  # an nbval cell
            item.output_timeout = 60  # nbval waits 5 s for an output, too short on a busy machine
    items.sort(key=lambda item: hasattr(item, "output_timeout"))  # stable: unit tests first, then notebooks in order
