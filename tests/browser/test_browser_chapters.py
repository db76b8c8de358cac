"""Each chapter's notebook in JupyterLab, run as a learner finds it: its cards answer, and nothing goes wrong beside."""

import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from jupyter_page import ROOT, THEMES, Page

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SIZES = {480: 2400, 900: 2000, 1400: 1600}  # width: height
ALL_RAN = r"""() => [...document.querySelectorAll(".jp-CodeCell")]
    .filter(cell => cell.querySelector(".cm-content").textContent.trim())
    .every(cell => /\[\d+\]/.test(cell.querySelector(".jp-InputPrompt").textContent))"""
ERRORS = '.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.error"]'


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def chapter(request, page: Page, folder: Path):
    """The page with a chapter in it, all cells run once."""
    shutil.copy(request.param, folder)
    page.open(request.param.name)
    page.menu("Run", "Run All Cells")
    page.page.wait_for_function(ALL_RAN, timeout=120_000)
    return page


def test_it_runs_without_an_error(chapter):
    assert chapter.page.locator(ERRORS).all_inner_texts() == []


@pytest.mark.parametrize(("button", "said"), [("Check", "yet"), ("Hint", ""), ("Solution", "A solution with")])
def test_its_first_card_answers(chapter, button, said):
    card = chapter.page.locator('[data-lab-live] [aria-label^="Exercise "]').first
    answer = card.locator('[data-key="answer"]')
    before = answer.inner_text()
    card.get_by_role("button", name=button, exact=True).click()
    chapter.page.wait_for_function("([el, old]) => el.innerText !== old", arg=[answer.element_handle(), before])
    assert said in answer.inner_text()


@pytest.mark.parametrize("theme", THEMES)
def test_it_is_seen_at_three_widths(chapter, pictures, theme):
    chapter.theme(theme)
    for width, height in SIZES.items():
        chapter.page.set_viewport_size({"width": width, "height": height})
        chapter.from_the_top()
        chapter.page.screenshot(path=pictures / f"{chapter.name}-{theme.split()[1].lower()}-{width}.png")
    chapter.page.set_viewport_size({"width": 1400, "height": 1000})


def test_no_other_host_was_asked_and_the_console_is_clean(chapter):
    assert chapter.hosts <= {urlsplit(chapter.address).netloc, ""}
    assert chapter.errors == []
