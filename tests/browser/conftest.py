"""JupyterLab in headless Chromium: a server on copies of the notebooks, and a page for each notebook, run to its end.

Nothing here is imported by ``make test``: pyproject.toml leaves this folder out, and ``make test-browser`` asks for it.
"""

import contextlib
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from helpers import settings_in

from agnews_utils.settings import ROOT
from agnews_utils.study.study import Study

SHOTS = ROOT / "output" / "browser"  # git ignores output/
SERVER_SECONDS = 60
NOTEBOOK_SECONDS = 150  # with all records there a notebook takes ten; CI machines can be slow
ACTION_SECONDS = 20
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
NOT_OURS = (  # what JupyterLab says on the console by itself
    "Failed to load resource",
    "WebSocket connection to",
    "ResizeObserver loop",
)


@pytest.fixture(scope="session")
def chromium():
    """The installed Chromium, driven by Playwright; a test is skipped where either is missing."""
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is missing: make test-browser installs it", exc_type=ImportError
    )
    path = os.environ.get("AGNEWS_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if path is None:
        pytest.skip("Chromium is missing: apt-get install chromium")
    shutil.rmtree(SHOTS, ignore_errors=True)  # those of an earlier session would pass for this one's
    with sync_api.sync_playwright() as playwright:
        # containers have neither user namespaces for the sandbox nor a large /dev/shm
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lab_study(chromium):
    """The smoke study with the runs that the widgets show; AGNEWS_BROWSER_WORK keeps it for the next session."""
    study = Study(settings_in(os.environ.get("AGNEWS_BROWSER_WORK") or os.environ["AGNEWS_WORK_DIR"]))
    for name, seed in study.plan():
        if study.run(name).in_course:
            study.record(name, seed)
    return study


@pytest.fixture(scope="session")
def lab(lab_study, tmp_path_factory):
    """Address and token of a JupyterLab whose notebooks are copies and whose study is the smoke one, its runs made."""
    folder = tmp_path_factory.mktemp("lab")
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        shutil.copy(notebook, folder)
    own = folder / ".jupyter"  # a reader's own settings must not change what is tested, nor be changed by it
    notification = (
        own / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    )
    notification.parent.mkdir(parents=True)
    notification.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))
    environ = {name: value for name, value in os.environ.items() if name not in ("AGNEWS_ENCODER", "JUPYTER_PATH")}
    environ |= {
        "AGNEWS_PROFILE": "smoke",
        "AGNEWS_DATA_DIR": "sample",
        "AGNEWS_WORK_DIR": str(lab_study.settings.work),
        "AGNEWS_PROGRESS": "off",
        "HF_HUB_OFFLINE": "1",
        "JUPYTER_CONFIG_DIR": str(own),
        "JUPYTER_DATA_DIR": str(own / "data"),
        "JUPYTER_RUNTIME_DIR": str(own / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(own / "lab" / "user-settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(own / "lab" / "workspaces"),
    }
    port, token = free_port(), secrets.token_hex(16)
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}",
        f"--IdentityProvider.token={token}",
    ]  # fmt: skip
    log_path = folder / "server.log"
    with (
        log_path.open("w") as log,
        subprocess.Popen(command, cwd=folder, env=environ, stdout=log, stderr=log) as server,
    ):
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for_server(server, f"{address}/api/status?token={token}", log_path)
            yield address, token
        finally:
            server.terminate()  # shuts its kernels down first
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(20)
            server.kill()


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def wait_for_server(server: subprocess.Popen, address: str, log: Path) -> None:
    deadline = time.monotonic() + SERVER_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.3)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


class Notebook:
    """A notebook open in JupyterLab.

    Attributes:
        page: Playwright's page
        complaints: what the browser's console said that JupyterLab does not say by itself
    """

    def __init__(self, browser, lab: tuple[str, str], name: str):
        address, token = lab
        self.name, self.complaints, self.shots = name, [], 0
        # as wide as a small laptop's; so high that a whole widget fits into one picture
        self.page = browser.new_page(viewport={"width": 1280, "height": 1700})
        self.page.set_default_timeout(1000 * ACTION_SECONDS)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(f"{address}/lab/tree/{name}.ipynb?token={token}&reset")
        self.page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=1000 * SERVER_SECONDS)

    def _heard(self, message) -> None:
        if message.type == "error" and not any(words in message.text for words in NOT_OURS):
            self.complaints.append(message.text)

    def run_all(self) -> None:
        """Chooses Run, "Run All Cells", as a reader would, and waits until no cell waits any more."""
        page = self.page
        page.locator(IDLE).wait_for(timeout=1000 * SERVER_SECONDS)
        # a folded cell shows no number, so that nobody sees whether it ran
        self._choose("View", "Expand All Code")
        self._choose("Run", "Run All Cells")
        # the copies come with numbers of an earlier run
        page.wait_for_function(f"{PROMPTS}.some(p => p.includes('*'))")
        page.wait_for_function(f"!{PROMPTS}.some(p => p.includes('*'))", timeout=1000 * NOTEBOOK_SECONDS)
        page.locator(IDLE).wait_for()

    def _choose(self, menu: str, entry: str) -> None:
        for name in (menu, entry):
            self.page.get_by_role("menuitem", name=name, exact=True).click()

    def panel(self, css_class: str):
        """The widget with this class, scrolled into view: JupyterLab draws what is off-screen when it comes near."""
        panel = self.page.locator(f".{css_class}")
        panel.scroll_into_view_if_needed()
        return panel

    def shoot(self, css_class: str, step: str) -> None:
        """Keeps a picture of a widget as a reader would see it after ``step``."""
        self.shots += 1
        SHOTS.mkdir(parents=True, exist_ok=True)
        step = re.sub(r"[^a-z0-9]+", "_", step.lower())
        path = SHOTS / f"{self.name[:2]}_{self.shots:02}_{css_class.removeprefix('agnews-')}_{step}.png"
        self.panel(css_class).screenshot(path=path, animations="disabled")

    def not_run(self) -> list[str]:
        """What the first failed cell and those after it show: a number is missing, or there is a traceback."""
        return self.page.evaluate(
            """() => [...document.querySelectorAll('.jp-Notebook .jp-CodeCell')].filter(cell =>
                !/\\d/.test(cell.querySelector('.jp-InputPrompt').textContent)
                || cell.textContent.includes('Traceback (most')
            ).map(cell => cell.textContent.slice(-600))"""
        )


IDLE = ".jp-StatusBar-TextItem:has-text('| Idle')"  # the notebook's own dot says so before there is a kernel, too
PROMPTS = "[...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(p => p.textContent)"


@pytest.fixture(scope="session")
def open_notebook(chromium, lab):
    """Opens a notebook and runs all of its cells: a function from its name to a :class:`Notebook`."""
    opened = []

    def open_and_run(name: str) -> Notebook:
        notebook = Notebook(chromium, lab, name)
        opened.append(notebook)
        notebook.run_all()
        left = notebook.not_run()
        assert not left, f"{len(left)} cells of {name} did not run; the first ends with: {left[0]}"
        return notebook

    yield open_and_run
    for notebook in opened:
        notebook.page.close()
