"""A panel: a picture and words that come to life where a kernel is behind them, and stay where none is.

A panel is shown as plain `text/html` and `text/plain`, so a notebook that is opened without a kernel, in a place
without widgets, on a web page or in a terminal shows what was seen last, never "model not found". Where a kernel is
there, `live.js` fills the same place with the same HTML, keeps it up to date and brings back what is pressed.

    from labsupport.panels.live import Panel, View, live
    from labsupport.panels.markup import join, tag

    def press(what: str, fields: dict[str, str]) -> View | None:
        '''Called in a thread when something is pressed; a View is shown, None leaves what is shown.'''
        return card(said=exercise.check()) if what == "check" else None

    def card(said: str = "") -> View:
        buttons = live(tag("button", "Check", data_do="check"), tag("button", "Hint", data_do="hint"))
        html = join(tag("h3", "Make a repository"), tag("p", said, role="status"), buttons)
        return View(html, f"Make a repository. {said}")

    Panel(card(), press).show()

What is inside `live(…)` (buttons, fields) is there only while a kernel is. A button with `data-do="check"` calls
`press("check", fields)`; `fields` are its own other data attributes (`data-stage="Build"` is `{"stage": "Build"}`)
and the named fields of the form around it. Enter in a field presses the form's first button. What should be read
aloud when it changes stands in an element with `role="status"`. Typed text, focus and opened `<details>` outlive an
update; give a repeated element a `data-key` so that it is found again.

Classes to use: `lab-buttons` (a row of buttons), `lab-main` (the button that is the next step), `lab-quiet`
(secondary words), `lab-box` (a frame), `lab-log` (a log that is kept at its end), `lab-text`
(other text in a frame of its own), `lab-table`, `lab-good`,
`lab-bad`, `lab-busy`, `lab-off` (states: always write the mark beside them, ✔ ✘ ● ·).
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from labsupport.panels.markup import Markup, join, tag

Press = Callable[[str, dict[str, str]], "View | None"]
BEGIN, END = Markup("<!--live-->"), Markup("<!--/live-->")
_LIVE = re.compile(f"{BEGIN}.*?{END}", re.DOTALL)
_HERE = Path(__file__).parent
_WIDGET = "application/vnd.jupyter.widget-view+json"
NO_MATHS = "mathjax_ignore"  # a notebook would typeset what stands between two dollars, such as variables of policies
WAIT = "In this editor a button waits until the running cell has ended."


@dataclass(frozen=True, slots=True)
class View:
    """What a panel shows, and the same in words. As a cell's value it shows what needs no kernel."""

    html: str
    text: str

    def _repr_html_(self) -> str:
        return kept(self)

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


def live(*children: Any) -> Markup:
    """What is there only while a kernel can answer. Not to be nested."""
    return join(BEGIN, *children, END)


def still(html: str) -> str:
    """What of it is worth showing where nothing answers."""
    return _LIVE.sub("", html)


def kept(view: View, key: str | None = None) -> str:
    """The HTML that stays in the notebook's file. In a notebook that is not trusted, pictures and styles are taken out:
    there the words appear that are hidden else."""
    words = tag("pre", view.text, class_="lab-words", aria_hidden="true")
    style = Markup(f"<style>{_css()}</style>")
    return str(tag("div", style, Markup(still(view.html)), words, class_=f"lab-panel {NO_MATHS}", data_lab_still=key))


class Panel:
    """Something to look at and to press. Its methods may be called from any thread."""

    def __init__(self, view: View, press: Press | None = None) -> None:
        self.view = view
        self._press = press
        self._key = uuid4().hex
        self._lock = threading.RLock()
        self._widget: Any = None
        self._place: Any = None
        self._note = Markup()

    def show(self) -> None:
        """Put it below the running cell."""
        from IPython.core.getipython import get_ipython
        from IPython.display import display

        shell = get_ipython()
        if shell is None:
            print(self.view.text)
            return
        if not hasattr(shell, "kernel"):
            self._place = display(self._data(), raw=True, display_id=True)
            return
        self._note = tag("p", WAIT, class_="lab-quiet") if shows_widgets_only_as_outputs(shell) else Markup()
        self._widget = _kind()(html=self.view.html + self._note, place=self._key)
        self._widget.on_msg(self._pressed)
        _hears_while_cells_run(self._widget.comm)
        if self._note:
            data = {
                **self._data(),
                _WIDGET: {"model_id": self._widget.model_id, "version_major": 2, "version_minor": 1},
            }
            display(data, raw=True)
            return
        self._place = display(self._data(), raw=True, display_id=True)
        display({"text/html": str(tag("div", data_lab_live=self._key, class_=NO_MATHS)), "text/plain": ""}, raw=True)

    _ipython_display_ = show

    def __str__(self) -> str:
        return self.view.text

    __repr__ = __str__

    def update(self, view: View) -> None:
        """Show something else in the same place; what is shown already is not sent again."""
        with self._lock:
            if view == self.view:
                return
            self.view = view
            if self._widget is not None:
                self._widget.html = view.html + self._note
            if self._place is not None:
                self._place.update(self._data(), raw=True)

    def _data(self) -> dict[str, str]:
        """What is kept in the notebook's file."""
        return {"text/html": kept(self.view, self._key), "text/plain": self.view.text}

    def _pressed(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """From the browser. It is answered whatever happens, so that the button comes back."""
        said = {"answered": content.get("number"), "place": content.get("place")}
        try:
            shown = self._press(str(content["do"]), dict(content.get("fields", {}))) if self._press else None
            if shown is not None:
                self.update(shown)
        except Exception as error:
            said["failed"] = f"{type(error).__name__}: {error}"
        self._widget.send(said)


def shows_widgets_only_as_outputs(shell: Any) -> bool:
    """VS Code and Colab make a widget only where an output asks for it; Jupyter makes it as soon as it is there."""
    return "__vsc_ipynb_file__" in shell.user_ns or type(shell).__module__.startswith("google.colab")


def _hears_while_cells_run(comm: Any) -> None:
    """ipykernel sends what comes for a comm to the shell that used it last: the one that cells wait in.

    JupyterLab names a subshell (JEP 91) for it, where it is heard at once; this comm goes where it is asked to.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda _data, asked: asked


@cache
def _css() -> str:
    return (_HERE / "live.css").read_text()


@cache
def _kind() -> Any:
    """The side of a panel that the browser has; ipywidgets is imported only where a panel is shown."""
    import anywidget
    from traitlets import Unicode

    class Live(anywidget.AnyWidget):
        _esm = _HERE / "live.js"
        _css = _HERE / "live.css"
        html = Unicode().tag(sync=True)
        place = Unicode().tag(sync=True)  # which elements of the page are its own

    return Live
