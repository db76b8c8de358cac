"""live.js on a bare page: what a person has touched outlives an update, and a press is always answered."""

import pytest
from jupyter_page import ROOT

SCRIPT = (ROOT / "labsupport" / "panels" / "live.js").read_text()
# A model as anywidget hands it to a module, and a place that the module mounts.
PAGE = """async script => {
  const module = await import(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
  const heard = {};
  window.model = {
    html: "", sent: [], deaf: false,
    get: name => (name === "html" ? model.html : "the-place"),
    on: (name, hears) => (heard[name] = hears),
    off: name => delete heard[name],
    send: what => { if (model.deaf) throw new Error("no kernel"); model.sent.push(what); },
    show: html => { model.html = html; heard["change:html"]?.(); },
    answer: more => {
      const { place, number } = model.sent.at(-1);
      heard["msg:custom"]?.({ place, answered: number, ...more });
    },
    die: () => heard["comm_live_update"]?.(),
  };
  document.body.innerHTML = '<div data-lab-still="the-place">last</div><div data-lab-live="the-place"></div>';
  window.leave = module.default.initialize({ model });
}"""
FORM = '<form><input name="summary"><button data-do="approve" data-stage="Build">Approve</button></form>'


@pytest.fixture(scope="module")
def window(browser):
    found = browser.new_page()
    found.set_default_timeout(10_000)
    yield found
    found.close()


@pytest.fixture
def bare(window):
    """The page with a living place; `show` puts HTML into it as the kernel would."""
    window.goto("about:blank")
    window.evaluate(PAGE, SCRIPT)
    window.show = lambda html: window.evaluate("html => model.show(html)", html)
    return window


def place(bare):
    return bare.locator("[data-lab-live]")


def test_the_last_picture_is_hidden_while_the_place_lives_and_back_when_the_kernel_goes(bare):
    bare.show("<p>now</p>")
    assert bare.locator("[data-lab-still]").is_hidden()
    bare.evaluate("model.die()")
    assert bare.locator("[data-lab-still]").is_visible()
    assert place(bare).inner_html() == ""


def test_a_place_that_comes_later_is_found(bare):
    bare.show("<p>now</p>")
    bare.evaluate("document.body.insertAdjacentHTML('beforeend', '<p data-lab-live=the-place id=second></p>')")
    bare.locator("#second", has_text="now").wait_for()


def test_typed_text_and_focus_outlive_an_update(bare):
    bare.show(f"<p>one</p>{FORM}")
    bare.locator("input").fill("fine")
    bare.show(f"<p>two</p><p>new</p>{FORM}")
    assert bare.locator("input").input_value() == "fine"
    assert bare.evaluate("document.activeElement.name") == "summary"
    assert "two" in place(bare).inner_text()


def test_opened_details_stay_open_and_repeated_elements_are_found_by_their_key(bare):
    rows = [f'<details data-key="{n}"><summary>{n}</summary>body {n}</details>' for n in range(3)]
    bare.show("".join(rows[1:]))
    bare.locator("summary", has_text="2").click()
    bare.show("".join(rows))
    assert bare.evaluate("[...document.querySelectorAll('details')].map(one => one.open)") == [False, False, True]


def test_a_log_stays_at_its_end_unless_somebody_has_scrolled_up(bare):
    def log(count):
        lines = "\\n".join(f"line {n}" for n in range(count))
        return f'<pre class="lab-log" style="height: 50px; overflow: auto">{lines}</pre>'.replace("\\n", "<br>")

    end = "(log => log.scrollHeight - log.scrollTop - log.clientHeight)(document.querySelector('.lab-log'))"
    bare.show(log(30))
    assert bare.evaluate(end) < 2
    bare.show(log(60))
    assert bare.evaluate(end) < 2
    bare.evaluate("document.querySelector('.lab-log').scrollTop = 10")
    bare.show(log(90))
    assert bare.evaluate("document.querySelector('.lab-log').scrollTop") == 10


@pytest.mark.parametrize("how", ["click", "Enter"])
def test_a_press_sends_the_fields_once_until_it_is_answered(bare, how):
    bare.show(FORM)
    bare.locator("input").fill("fine")
    for _ in range(2):
        bare.locator("button").click() if how == "click" else bare.locator("input").press("Enter")
    sent = bare.evaluate("model.sent.map(({ do: what, fields }) => [what, fields])")
    assert sent == [["approve", {"summary": "fine", "stage": "Build"}]]
    assert bare.locator("button").get_attribute("aria-busy") == "true"
    bare.evaluate("model.answer()")
    assert bare.locator("button").get_attribute("aria-busy") is None


def test_who_waits_is_told_why_and_the_answer_takes_it_back(bare):
    bare.show(FORM)
    bare.locator("button").click()
    told = place(bare).locator(".lab-told")
    told.filter(has_text="the kernel is running a cell").wait_for()
    bare.evaluate("model.answer()")
    assert told.inner_text() == ""


@pytest.mark.parametrize(
    ("script", "words"),
    [("model.deaf = true", "There is no kernel"), ("setTimeout(() => model.answer({ failed: 'Odd' }), 0)", "Odd")],
)
def test_what_went_wrong_is_told(bare, script, words):
    bare.show(FORM)
    if "deaf" in script:
        bare.evaluate(script)
        bare.locator("button").click()
    else:
        bare.locator("button").click()
        bare.evaluate(script)
    place(bare).locator(".lab-told", has_text=words).wait_for()


def test_keys_typed_in_a_field_are_not_the_notebooks(bare):
    bare.show(FORM)
    bare.evaluate("window.keys = []; document.addEventListener('keydown', event => keys.push(event.key))")
    bare.locator("input").press("d")
    assert bare.evaluate("keys") == []


def test_leaving_takes_everything_back(bare):
    bare.show(FORM)
    bare.evaluate("leave()")
    assert place(bare).inner_html() == ""
    bare.show("<p>more</p>")
    assert place(bare).inner_html() == ""
