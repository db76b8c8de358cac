"""The lab's mailbox, read as a person reads mail: the messages, and the links in them."""

import re
import urllib.request
from pathlib import Path
from typing import Any

from labsupport import home

# The links that a person would follow from a mail of AWS's; others lead to AWS's console, which has no part here.
LINK = re.compile(r"^http://127\.0\.0\.1:\S+Action=ConfirmSubscription\S+$", re.MULTILINE)


def messages(folder: Path, to: str = "") -> list[dict[str, Any]]:
    """Newest first: id, to, sender, subject, body, time (seconds since 1970)."""
    query = f"?to={to}" if to else ""
    found: list[dict[str, Any]] = home.ask(folder, "GET", f"/_lab/mailbox{query}")["messages"]
    return found


def confirm_subscriptions(folder: Path) -> int:
    """Visit the link of every subscription that waits for it, as its receiver would; how many there were."""
    links = [link for one in messages(folder) for link in LINK.findall(one["body"])]
    for link in links:
        urllib.request.urlopen(link, timeout=10).close()
    return len(links)
