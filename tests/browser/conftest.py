"""One JupyterLab, one browser and one page for the tests of this folder."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_page import Page, jupyter, write

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
CELLS = (
    "from labsupport import lab\nimport short_chain\n\nlab.start()",
    "short_chain.prepare(lab.client)\nshort_chain.be_refused(lab.client)",
    'lab.pipeline("shop").watch(wait=False)',
    'short_chain.push(lab.client)\nlab.pipeline("shop").wait()',
    "lab.mailbox()",
    "lab.trail()",
    "lab.why()",
    "lab.map()",
    'short_chain.mistype(lab.client)\nlab.simulator("role/shop-build")',
)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser of this machine. A learner's may have none; CI has to."""
    found = os.environ.get("LAB_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        missing = f"no browser to test with: none of {', '.join(NAMES)} is installed, and LAB_CHROMIUM names none"
        (pytest.fail if os.environ.get("LAB_BROWSER") == "required" else pytest.skip)(missing)
    return found


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    """Ended with its module: playwright's loop runs in this thread, and other tests want one of their own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The learner's folder: `panels.ipynb`, and what it imports."""
    made = tmp_path_factory.mktemp("notebooks")
    shutil.copy(Path(__file__).with_name("short_chain.py"), made)
    write(made / "panels.ipynb", *CELLS)
    return made


@pytest.fixture(scope="session")
def address(chromium: str, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with jupyter(folder / "panels.ipynb", tmp_path_factory.mktemp("lab") / "home") as found:
        yield found


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots are kept: LAB_SCREENSHOTS, else a folder of pytest's."""
    named = os.environ.get("LAB_SCREENSHOTS")
    found = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    found.mkdir(parents=True, exist_ok=True)
    return found


@pytest.fixture(scope="module")
def page(address: str, browser: Any) -> Iterator[Page]:
    """A window on JupyterLab, shared by the tests of a module, which follow each other in it."""
    window = browser.new_page(viewport={"width": 1400, "height": 1000})
    yield Page(window, address)
    window.close()
