"""A panel: what stays in the notebook's file, what is sent to the browser, and how a press is answered."""

import IPython.core.getipython
import IPython.display
import pytest

from labsupport.panels import live
from labsupport.panels.live import Panel, View, still
from labsupport.panels.markup import Markup, join, tag, void


class Shell:
    """IPython with a kernel, as far as a panel looks at it."""

    kernel = True

    def __init__(self, **names):
        self.user_ns = names


class Place:
    def __init__(self, data):
        self.data = [data]

    def update(self, data, raw):
        self.data.append(data)


@pytest.fixture
def notebook(monkeypatch):
    """Shows panels; `notebook.shell` is where, `notebook.places` is what was displayed."""

    class Notebook:
        shell = Shell()
        places = []  # noqa: RUF012

    def display(data, raw, display_id=False):
        Notebook.places.append(Place(data))
        return Notebook.places[-1] if display_id else None

    monkeypatch.setattr(IPython.core.getipython, "get_ipython", lambda: Notebook.shell)
    monkeypatch.setattr(IPython.display, "display", display)
    return Notebook


def card(said="", text="words"):
    return View(join(tag("p", said, role="status"), live.live(tag("button", "Check", data_do="check"))), text)


def pressed(panel, **content):
    """What the browser hears after a press."""
    heard = []
    panel._widget.send = heard.append
    panel._pressed(panel._widget, {"number": 7, "place": "here", **content}, [])
    return heard


def test_the_file_keeps_the_picture_and_the_words_without_buttons(notebook):
    Panel(card("Done")).show()
    kept = notebook.places[0].data[0]
    assert '<p role="status">Done</p>' in kept["text/html"]
    assert "button" not in kept["text/html"].partition("</style>")[2]
    assert kept["text/plain"] == "words"
    assert all("widget-view" not in kind for place in notebook.places for kind in place.data[0])


def test_a_policy_s_variables_are_not_typeset_as_maths(notebook):
    """MathJax would take `${aws:username} … $` for a formula; JupyterLab has it leave out what is of this class."""
    panel = Panel(View("<p>${a}/${b}</p>", "${a}/${b}"))
    panel.show()
    assert len(notebook.places) == 2
    for place in notebook.places:
        assert "mathjax_ignore" in place.data[0]["text/html"].split(">${")[0]


def test_an_update_changes_the_file_and_the_browser_once(notebook):
    panel = Panel(card())
    panel.show()
    panel.update(card("new"))
    panel.update(card("new"))
    assert len(notebook.places[0].data) == 2
    assert "new" in notebook.places[0].data[1]["text/html"]
    assert "new" in panel._widget.html
    assert "<button" in panel._widget.html


def test_the_place_is_the_widgets_own(notebook):
    panel = Panel(card())
    panel.show()
    assert f'data-lab-live="{panel._widget.place}"' in notebook.places[1].data[0]["text/html"]


def test_a_press_is_called_with_the_fields_and_answered(notebook):
    asked = []
    panel = Panel(card(), lambda what, fields: asked.append((what, fields)))
    panel.show()
    assert pressed(panel, do="check", fields={"stage": "Build"}) == [{"answered": 7, "place": "here"}]
    assert asked == [("check", {"stage": "Build"})]


def test_what_a_press_gives_is_shown(notebook):
    panel = Panel(card(), lambda what, _: card(f"{what}ed"))
    panel.show()
    pressed(panel, do="check")
    assert panel.view == card("checked")


def test_a_press_that_fails_is_answered_with_what_failed(notebook):
    panel = Panel(card(), lambda *_: 1 / 0)
    panel.show()
    assert pressed(panel, do="check")[0]["failed"] == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize("shell", [Shell(__vsc_ipynb_file__="a.ipynb")], ids=["VS Code"])
def test_where_widgets_are_outputs_the_panel_is_one_with_its_words_beside(notebook, monkeypatch, shell):
    monkeypatch.setattr(notebook, "shell", shell)
    panel = Panel(card())
    panel.show()
    kept = notebook.places[0].data[0]
    assert kept[live._WIDGET]["model_id"] == panel._widget.model_id
    assert {"text/html", "text/plain"} < set(kept)
    panel.update(card("new"))
    assert panel._widget.html.endswith(f"{live.WAIT}</p>")  # no subshells there


def test_without_a_notebook_the_words_are_printed(monkeypatch, capsys):
    monkeypatch.setattr(IPython.core.getipython, "get_ipython", lambda: None)
    Panel(card(text="only words")).show()
    assert capsys.readouterr().out == "only words\n"


def test_a_message_goes_where_the_browser_sends_it():
    """Not to the shell that used the comm last, in which cells wait."""

    class Comm:
        def _reply_subshell_for(self, data, asked):
            return None

    comm = Comm()
    live._hears_while_cells_run(comm)
    assert comm._reply_subshell_for({}, "subshell") == "subshell"


@pytest.mark.parametrize(
    ("made", "written"),
    [
        (tag("p", "<b> & co"), "<p>&lt;b&gt; &amp; co</p>"),
        (tag("p", tag("b", "x"), None, ""), "<p><b>x</b></p>"),
        (tag("a", href='"x"', hidden=True, title=None, open=False), '<a href="&quot;x&quot;" hidden></a>'),
        (tag("a", class_="y", data_do="z"), '<a class="y" data-do="z"></a>'),
        (void("input", name="n", aria_label="Name"), '<input name="n" aria-label="Name">'),
        (join("a<", Markup("<br>")), "a&lt;<br>"),
    ],
)  # fmt: skip
def test_html_is_written(made, written):
    assert made == written


def test_only_what_is_live_is_left_out():
    assert still(join(live.live("a"), "b", live.live("c"))) == "b"
