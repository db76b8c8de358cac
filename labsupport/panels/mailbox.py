"""The mailbox as a panel: the mails that the cloud has sent, and the links in them to follow."""

import urllib.request
from collections.abc import Callable
from datetime import datetime
from typing import Any

from labsupport.mailbox import LINK
from labsupport.panels.live import View, live
from labsupport.panels.markup import Markup, join, tag
from labsupport.panels.watching import Note, Watch

Mail = dict[str, Any]
Mails = tuple[Mail, ...]
LEAST = 0.5  # seconds between looks
SHOWN = 50  # mails
EMPTY = "No such mail has come yet."


def mailbox(read: Callable[[], list[Mail]], about: str = "", newest: int | None = None) -> Watch[Mails]:
    """The mails that `read` gives, newest first: all, or those with `about` in the subject, or so many."""

    def look() -> Mails:
        return tuple(one for one in read() if about in one["subject"])[: newest or SHOWN]

    return Watch(f"mailbox {about} {newest}", look, view, act, least=LEAST)


def view(mails: Mails, note: Note) -> View:
    count = f"{len(mails)} mail{'s' * (len(mails) != 1)}, newest first" if mails else EMPTY
    html = join(
        tag("h3", "Mailbox ", tag("span", count, class_="lab-quiet", style="font-weight: normal")),
        live(tag("p", note.said, role="status", data_key="said"), note.button()),
        *[_mail(one, opened=number == 0) for number, one in enumerate(mails)],
    )
    return View(html, "\n\n".join(words(one) for one in mails) or EMPTY)


def words(one: Mail) -> str:
    return f"To:      {one['to']}\nFrom:    {one['sender']}\nSubject: {one['subject']}\n\n{one['body'].strip()}"


def _mail(one: Mail, opened: bool) -> Markup:
    when = datetime.fromtimestamp(one["time"]).astimezone().strftime("%H:%M:%S")
    head = tag("summary", tag("strong", one["subject"]), tag("span", f" · to {one['to']} · {when}", class_="lab-quiet"))
    links = [
        tag("button", "Follow the link that confirms", class_="lab-main", data_do="follow", data_link=link)
        for link in LINK.findall(one["body"])
    ]
    body = tag("pre", one["body"].strip(), class_="lab-text", tabindex=0, aria_label=f"Mail: {one['subject']}")
    buttons = live(tag("div", *links, class_="lab-buttons")) if links else ""
    return tag("details", head, buttons, body, open=opened, data_key=f"mail {one['id']}")


def act(what: str, fields: dict[str, str]) -> str:
    """Follow a link as a browser would."""
    link = fields["link"]
    if not LINK.fullmatch(link):
        return "✘ This link leads out of the lab, so it is not followed."
    with urllib.request.urlopen(link, timeout=10) as answer:
        answer.read()
    return "✔ The link was followed: the subscription is confirmed."
