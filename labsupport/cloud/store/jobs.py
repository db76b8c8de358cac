"""The outbox: work that a committed call has caused, kept until it is done.

A job is (service, task, account, region, key) with the time when it is due. Events to deliver, builds
to run and timers are all jobs, so that a process that is killed finds them again at its next start.
"""

import sqlite3
from typing import NamedTuple


class Job(NamedTuple):
    service: str
    task: str
    account: str
    region: str
    key: str


_WHERE = "service = ? AND task = ? AND account = ? AND region = ? AND key = ?"


class Jobs:
    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        self.fresh: list[Job] = []  # put or woken since the scheduler last looked

    def put(self, job: Job, due: float) -> None:
        """Ask for a job, or wake one that is there: the earlier time counts."""
        self.db.execute(
            "INSERT INTO job VALUES (?, ?, ?, ?, ?, ?, 0) ON CONFLICT DO UPDATE"
            " SET due = min(due, excluded.due), wakes = wakes + 1",
            (*job, due),
        )
        self.fresh.append(job)

    def wakes(self, job: Job) -> int | None:
        """How often it was woken while it stood; `None` once it is gone."""
        row = self.db.execute(f"SELECT wakes FROM job WHERE {_WHERE}", job).fetchone()
        return row[0] if row else None

    def due(self, job: Job) -> float | None:
        row = self.db.execute(f"SELECT due FROM job WHERE {_WHERE}", job).fetchone()
        return row[0] if row else None

    def done(self, job: Job, wakes: int) -> bool:
        """Take a finished job off; not where it was woken meanwhile: then it has to run again."""
        return self.db.execute(f"DELETE FROM job WHERE {_WHERE} AND wakes = ?", (*job, wakes)).rowcount == 1

    def again(self, job: Job, wakes: int, due: float) -> None:
        """Set the next time of a job that is not done; a wake that came meanwhile keeps its earlier one."""
        self.db.execute(f"UPDATE job SET due = ? WHERE {_WHERE} AND wakes = ?", (due, *job, wakes))

    def all(self) -> list[Job]:
        columns = "service, task, account, region, key"
        return [Job(*row) for row in self.db.execute(f"SELECT {columns} FROM job ORDER BY due")]
