"""The panels in JupyterLab, in a browser: what a learner sees and presses, step after step in one notebook."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from jupyter_page import THEMES

START, PREPARE, WATCH, PUSH, MAIL, TRAIL, WHY, MAP, SIMULATE = range(9)
SIZES = {480: 5200, 900: 4400, 1400: 4200}  # width: a height that shows the whole notebook


@pytest.fixture(scope="module", autouse=True)
def _opened(page):
    page.open("panels.ipynb")
    page.run(START)
    page.run(PREPARE)


def headline(panel):
    return panel.locator('[data-key="headline"]')


def test_a_panel_is_alive_as_soon_as_its_cell_has_run(page):
    panel = page.run(WATCH)
    panel.get_by_role("button", name="Release change").wait_for()
    assert panel.locator("svg").get_attribute("aria-label").startswith("Pipeline shop")
    assert panel.locator('[role="status"]').count()
    assert page.last_picture(WATCH).is_hidden()


def test_the_picture_changes_while_another_cell_runs(page):
    panel = page.panel(WATCH)
    page.run(PUSH, wait=False)
    page.page.wait_for_function("() => document.querySelector('[data-lab-live] svg').innerHTML.includes('● ')")
    panel.locator("summary", has_text="Log of Build").wait_for()
    panel.get_by_role("button", name="Approve").wait_for()
    assert headline(panel).inner_text() == "☞ Approve: the pipeline waits for an answer."
    assert page.prompt(PUSH) == "[*]:"


def test_an_approval_is_given_by_keyboard_while_a_cell_runs(page):
    panel = page.panel(WATCH)
    assert page.prompt(PUSH) == "[*]:"
    panel.get_by_label("Comment").click()
    page.page.keyboard.type("add, bb and dd: it looks good")  # letters that are the notebook's own keys too
    page.page.keyboard.press("Tab")
    assert page.page.evaluate("document.activeElement.textContent") == "✔ Approve"
    page.page.keyboard.press("Enter")
    headline(panel).filter(has_text="Succeeded").wait_for()
    page.ended(PUSH)
    assert "'Succeeded'" in page.cell(PUSH).locator(".jp-OutputArea").inner_text()
    assert page.page.locator(".jp-Notebook .jp-Cell").count() == SIMULATE + 1


def test_the_comment_reached_the_pipeline(page):
    panel = page.run(TRAIL)
    panel.get_by_label("Event name").fill("PutApprovalResult")
    page.page.keyboard.press("Enter")
    panel.locator(".lab-quiet", has_text="1 event (event: PutApprovalResult)").wait_for()
    panel.locator("summary", has_text="codepipeline:PutApprovalResult").click()
    assert "add, bb and dd: it looks good" in panel.locator("pre").inner_text()


def test_a_transition_is_shut_and_opened(page):
    panel = page.panel(WATCH)
    panel.locator("summary", has_text="Transitions").click()
    panel.get_by_label("Reason").last.fill("not today")
    panel.get_by_role("button", name="Disable into Approve").click()
    panel.get_by_text("not today").first.wait_for()
    page.page.wait_for_function("() => document.querySelector('[data-lab-live] svg').innerHTML.includes('disabled')")
    panel.get_by_role("button", name="Enable into Approve").click()
    panel.get_by_role("button", name="Disable into Approve").wait_for()


def test_a_mails_link_is_followed(page):
    panel = page.run(MAIL)
    panel.locator("summary", has_text="Subscription Confirmation").wait_for()
    panel.locator("details", has_text="Subscription Confirmation").last.evaluate("mail => { mail.open = true }")
    panel.get_by_role("button", name="Follow the link").first.click()
    panel.get_by_text("the subscription is confirmed").wait_for()


def test_a_refused_call_is_drawn_with_what_would_allow_it(page):
    page.run(WHY)
    output = page.cell(WHY).locator(".lab-panel")
    assert "role trust policy" in output.locator("svg").text_content()
    assert '"sts:AssumeRole"' in output.locator("pre.lab-text").inner_text()
    assert output.locator(".lab-words").is_hidden()


def test_a_mistyped_policy_is_warned_of(page):
    panel = page.run(SIMULATE)
    panel.get_by_text("AWS has no action like s3:GetObjects.").wait_for()
    assert panel.get_by_label("Who").input_value().endswith(":role/shop-build")


@pytest.mark.parametrize(
    ("who", "outcome", "said"),
    [("user/learner", "allowed", "allows: statement"), ("role/shop-build", "refused", "no statement allows it")],
)
def test_a_simulated_decision_is_drawn_and_told(page, who, outcome, said):
    panel = page.panel(SIMULATE)
    panel.get_by_label("Who").select_option(label=who)
    panel.get_by_label("Action").fill("codecommit:GitPush")
    panel.get_by_role("button", name="May it?").click()
    panel.locator('[data-key="decision"]', has_text=f"{who}, codecommit:GitPush").wait_for()
    drawn = panel.locator("svg")
    assert f"codecommit:GitPush: {outcome}" in drawn.get_attribute("aria-label")
    assert said in drawn.text_content()
    assert panel.get_by_text("has no effect").count() == (who == "role/shop-build")


def test_who_else_may_is_a_table(page):
    panel = page.panel(SIMULATE)
    panel.get_by_label("Action").fill("codebuild:StartBuild")
    panel.get_by_role("button", name="Who may?").click()
    panel.locator("tr", has_text="user/learner").get_by_text("✔ allowed").wait_for()
    assert panel.locator("tr", has_text="role/shop-build").get_by_text("✘ denied: nothing allows it").is_visible()
    panel.get_by_role("button", name="May it?").click()
    panel.locator("svg").wait_for()


@pytest.mark.parametrize("theme", THEMES)
def test_nothing_is_cut_off_at_any_width(page, pictures: Path, theme):
    page.run(MAP)
    page.theme(theme)
    for width, height in SIZES.items():
        page.page.set_viewport_size({"width": width, "height": height})
        page.from_the_top()
        page.page.screenshot(path=pictures / f"panels-{theme.split()[1].lower()}-{width}.png")
        assert page.page.evaluate(OVERFLOWS) == [], width
    page.page.set_viewport_size({"width": 1400, "height": 1000})


# What of a panel sticks out of its cell where nothing of the panel's own lets one scroll to it.
OVERFLOWS = """() => {
  const scrolls = (el, cell) => el !== cell && !el.matches(".jp-OutputArea-output") &&
    (/(auto|scroll)/.test(getComputedStyle(el).overflowX) || scrolls(el.parentElement, cell));
  const outside = cell => [...cell.querySelectorAll(".lab-panel *, svg *")].filter(el =>
    el.checkVisibility() && el.getBoundingClientRect().right > cell.getBoundingClientRect().right + 1
    && !scrolls(el, cell));
  return [...document.querySelectorAll(".jp-Notebook .jp-Cell")].flatMap(outside).map(el => el.outerHTML.slice(0, 80));
}"""


def test_a_panel_lives_on_when_the_page_is_loaded_again(page, folder: Path):
    page.save(folder / "panels.ipynb", "data-lab-still")
    page.open("panels.ipynb")
    panel = page.panel(WATCH)
    panel.get_by_role("button", name="Release change").wait_for()
    panel.locator("summary", has_text="Transitions").click()
    panel.get_by_role("button", name="Disable into Build").click()
    panel.get_by_role("button", name="Enable into Build").click()
    panel.get_by_role("button", name="Disable into Build").wait_for()
    assert page.last_picture(WATCH).is_hidden()


def test_the_last_picture_stays_when_the_kernel_restarts(page):
    page.menu("Kernel", "Restart Kernel…")
    page.page.locator(".jp-Dialog button", has_text="Restart").click()
    page.last_picture(WATCH).locator("svg").wait_for()
    assert page.panel(WATCH).locator("button").count() == 0
    assert page.last_picture(MAIL).is_visible()


def test_a_saved_notebook_shows_the_last_picture_with_a_new_kernel_and_without(page):
    page.open("panels.ipynb")
    assert_last_pictures(page)
    page.menu("Kernel", "Shut Down Kernel")
    page.page.locator(".jp-StatusBar-Widget", has_text=re.compile("No Kernel|Unknown|Dead")).wait_for()
    assert_last_pictures(page)


def assert_last_pictures(page):
    assert page.last_picture(WATCH).locator("svg").is_visible()
    assert "✔ The newest execution: Succeeded." in page.last_picture(WATCH).inner_text()
    words = page.page.locator(".jp-Notebook").inner_text()
    assert not re.search(r"model not found|Loading widget|Error displaying", words)
    assert page.page.locator(".jp-Notebook .lab-panel button").count() == 0


def test_no_other_host_was_asked_and_the_console_is_clean(page):
    own = urlsplit(page.address).netloc
    assert page.hosts <= {own, ""}  # "": what the page made itself, as blob: addresses
    assert page.errors == []
