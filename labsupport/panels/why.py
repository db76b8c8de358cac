"""A refused call: how it was decided as a picture, the story, and the statement that would allow it."""

from labsupport import refusal
from labsupport.diagrams.decision import decision
from labsupport.panels.live import View
from labsupport.panels.markup import Markup, join, tag

NONE = "No call has been refused yet."


def why(found: refusal.Found) -> View:
    """From what the cloud's /_lab/why answers."""
    if not found:
        return View(tag("p", NONE), NONE)
    html = join(
        tag("h3", f"✘ {refusal.title(found)} was refused"),
        tag("p", found["event"]["errorMessage"]),
        Markup(decision(found["decision"])._repr_html_()),
        tag("ul", *[tag("li", line) for line in refusal.story(found)]),
        *[_remedy(where, statement) for where, statement in refusal.remedies(found)],
    )
    return View(html, refusal.words(found))


def _remedy(where: str, statement: str) -> Markup:
    head = tag("p", tag("strong", "✔ This would allow it"), f", in {where}:")
    return tag("div", head, tag("pre", statement, class_="lab-text", tabindex=0), class_="lab-box lab-good")
