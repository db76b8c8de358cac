"""Calls that come at the same moment share a commit (`store/group.py`), and are answered after it."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from labsupport.cloud.gateway.eager import begun
from labsupport.cloud.store.group import Group

MOST = 16  # calls: the first one's answer waits for the last one of its group


class Together:
    """Calls that come in the same turn of the loop: what they do is committed together at its end."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self._is_due = False

    def begun(self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
        """As `begun` alone, for a call whose answer is kept until then: see `Group.tell_once_committed`."""
        if not self._is_due:
            self._is_due = True
            loop.call_soon(self._end)  # before whatever the calls have the loop do
        self.group.joining = True
        try:
            rest = begun(loop, work)
        finally:
            self.group.joining = False
        if rest is not None or self.group.size >= MOST:
            self.group.commit()  # it waits for something, which may rest on what it has done; or others wait for long
        return rest

    def _end(self) -> None:
        self._is_due = False
        self.group.commit()
