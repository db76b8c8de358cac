"""JupyterLab as `./lab` opens it, on notebooks of a test's own, and a page of a browser on it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nbformat

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60_000  # milliseconds
# `lab up`, opening another notebook than the first chapter.
UP = """
import pathlib, sys
from labsupport import cli
from labsupport.commands import up
up.FIRST = pathlib.Path(sys.argv[1])
sys.exit(cli.main(["up", "--no-browser"]))
"""
THEMES = ("JupyterLab Dark", "JupyterLab Light")  # the light one last: it is what a learner begins with
# What JupyterLab itself says where a kernel ends while it asks it something.
AT_A_KERNELS_END = "Could not restore the debugger state"
# Whether a cell has run: its prompt has a number.
RAN = r"""number => /\[\d+\]/.test(document.querySelectorAll(".jp-Notebook .jp-Cell")[number]
    .querySelector(".jp-InputPrompt").textContent)"""


def write(path: Path, *cells: str) -> Path:
    """A notebook of code cells."""
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(made, path)
    return path


@contextmanager
def jupyter(notebook: Path, home: Path) -> Iterator[str]:
    """The address that `lab up` prints, its token in it, while it runs."""
    folders = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    own = {name: str(home.parent / name.lower()) for name in folders}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "JUPYTER_"))}
    environ = {**kept, **own, "LAB_HOME": str(home)}
    command = [sys.executable, "-c", UP, str(notebook)]
    with subprocess.Popen(
        command, env=environ, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield next(line.strip() for line in process.stdout or () if "token=" in line)
        finally:
            process.terminate()
            process.wait(60)


class Page:
    """A notebook in JupyterLab. It notes what the browser asks of whom, and what its console says."""

    def __init__(self, page: Any, address: str) -> None:
        self.page = page
        self.address = address
        self.name = ""  # of the notebook that is open
        self.hosts: set[str] = set()
        self.errors: list[str] = []
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.set_default_timeout(PATIENCE)

    def _said(self, message: Any) -> None:
        if message.type == "error" and not message.text.startswith(AT_A_KERNELS_END):
            self.errors.append(message.text)

    def open(self, name: str) -> None:
        """A notebook of the folder, alone in the window, its kernel ready."""
        self.name = name.removesuffix(".ipynb")
        first, _, token = self.address.partition("?")
        self.page.goto(f"{first.rpartition('/')[0]}/{name}?{token}".replace("/lab/tree/", "/doc/tree/"))
        try:
            self.page.locator(".jp-Notebook .jp-Cell").first.wait_for()
            self.idle()
        except Exception as error:
            error.add_note(f"The page says: {self.page.inner_text('body')[:500]!r}; its console: {self.errors}")
            raise

    def idle(self) -> None:
        self.page.locator(".jp-StatusBar-Widget", has_text="| Idle").wait_for()

    def cell(self, number: int) -> Any:
        return self.page.locator(".jp-Notebook .jp-Cell").nth(number)

    def prompt(self, number: int) -> str:
        """`[3]:` where a cell has run, `[*]:` while it runs."""
        return str(self.cell(number).locator(".jp-InputPrompt").first.inner_text()).strip()

    def run(self, number: int, wait: bool = True) -> Any:
        """Run a cell as a person does, and give its live panel, if it has one."""
        self.cell(number).locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        if wait:
            self.ended(number)
        return self.panel(number)

    def panel(self, number: int) -> Any:
        return self.cell(number).locator("[data-lab-live]")

    def last_picture(self, number: int) -> Any:
        """What of a panel is kept in the notebook's file."""
        return self.cell(number).locator("[data-lab-still]")

    def from_the_top(self) -> None:
        self.page.evaluate("document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0")
        self.page.wait_for_function("document.querySelector('.jp-Cell').getBoundingClientRect().top > 0")

    def ended(self, number: int) -> None:
        self.page.wait_for_function(RAN, arg=number)

    def menu(self, *names: str) -> None:
        """Choose from JupyterLab's menu."""
        self.page.locator(".lm-MenuBar-item", has_text=names[0]).click()
        for name in names[1:]:
            label = self.page.locator(".lm-Menu-itemLabel", has_text=re.compile(f"^{re.escape(name)}$"))
            label.hover()
            label.click()

    def theme(self, name: str) -> None:
        """`JupyterLab Dark`, chosen as a person does."""
        self.menu("Settings", "Theme", name)
        light = str(name.endswith("Light")).lower()
        self.page.wait_for_function("light => document.body.dataset.jpThemeLight === light", arg=light)

    def save(self, path: Path, words: str) -> None:
        """Save the notebook, and wait until its file has the words."""
        self.cell(0).locator(".cm-content").click()
        self.page.keyboard.press("Control+s")
        for _ in range(PATIENCE // 100):
            if words in path.read_text():
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"{path.name} was not saved with {words!r} in it")
