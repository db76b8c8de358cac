"""Group commit: what several calls did at the same moment is committed together.

A commit writes whole pages, and calls of one moment change mostly the same ones: written once for all of them, each of
eight clients' calls costs a tenth less. Nobody is told of anything before it is committed: who is in a group keeps its
answer back.
"""

import logging
import sqlite3
from collections.abc import Callable

log = logging.getLogger("labsupport.cloud.store")
Told = Callable[[bool], None]


class Group:
    """Begins and ends the outermost transactions on a connection."""

    def __init__(self, db: sqlite3.Connection, lost: Callable[[], None]) -> None:
        """`lost` is called where a group could not be committed."""
        self.db = db
        self.joining = False  # what runs now tells of what it did by `tell_once_committed` alone
        self.is_open = False  # there is something that is not committed yet
        self._waiting: list[Told] = []
        self._lost = lost

    @property
    def size(self) -> int:
        """How many wait to be told."""
        return len(self._waiting)

    def begin(self) -> None:
        self._settle_with_others()
        self.db.execute("SAVEPOINT s0" if self.is_open else "BEGIN IMMEDIATE")

    def end(self) -> None:
        if self.is_open:
            self.db.execute("RELEASE s0")
        elif self.joining:
            self.is_open = True
        else:
            self.db.execute("COMMIT")

    def take_back(self) -> None:
        """Undo what was done since `begin`, and nothing before it."""
        if not self.db.in_transaction:  # SQLite itself has taken all of it back, as where the disk is full
            self._tell(False)
        elif self.is_open:
            self.db.execute("ROLLBACK TO s0")
            self.db.execute("RELEASE s0")
        else:
            self.db.execute("ROLLBACK")

    def join(self) -> None:
        """For a single statement outside of transactions: it becomes part of the group, if there may be one."""
        self._settle_with_others()
        if self.joining and not self.is_open:
            self.db.execute("BEGIN IMMEDIATE")
            self.is_open = True

    def tell_once_committed(self, told: Told) -> None:
        """Call `told` once all that was done is committed, with True; with False where none of it could be."""
        self._waiting.append(told)

    def commit(self) -> bool:
        """End the group. False where that failed: whoever waits has been told."""
        done = True
        if self.is_open:
            try:
                self.db.execute("COMMIT")
            except sqlite3.Error:
                log.exception("What %d calls did could not be committed.", len(self._waiting))
                self.db.rollback()
                done = False
        self._tell(done)
        return done

    def _settle_with_others(self) -> None:
        """Who doesn't join a group may tell of what it did at once: what it rests on has to be committed."""
        if self.is_open and not self.joining:
            self.commit()

    def _tell(self, done: bool) -> None:
        waiting, self._waiting, self.is_open = self._waiting, [], False
        if not done:
            self._lost()
        for told in waiting:
            told(done)
