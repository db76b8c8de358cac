"""Messages in the database: one row each, its content encrypted.

A message is visible from a moment on. To receive it puts that moment off and gives it a new handle, so what a process
that was killed had received comes back by itself. Ids grow, which is the order of FIFO queues.
"""

import hashlib
from typing import NamedTuple

from labsupport.cloud.core.call import Call

_COLUMNS = "id, queue, visible, sent, part, received, first, taken, handle, origin, dead_from, content, message"


class Row(NamedTuple):
    id: int
    queue: str  # ARN
    visible: float
    sent: float
    part: bytes  # stands for the message group
    received: int  # how often
    first: float  # when it was received first, and
    taken: float  # when last
    handle: str  # of the last receipt
    origin: str  # the queue that it was sent to, for which it is encrypted
    dead_from: str  # the queue whose dead letter it is
    content: bytes
    message: str = ""  # its id, where it has another one than it was sent with

    @property
    def sequence(self) -> str:
        """Its sequence number: 20 digits that grow, and leave some out, as SQS's do."""
        return str(18_850_000_000_000_000_000 + 256 * self.id)


class Duplicate(NamedTuple):
    """What was answered to the message of this deduplication id, or given to this attempt to receive."""

    message: str
    sequence: str


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode()).digest()[:16]


def add(call: Call, queue: str, group: str, content: bytes, delay: int) -> Row:
    now = call.epoch
    row = Row(0, queue, now + delay, now, digest(group) if group else b"", 0, 0.0, 0.0, "", queue, "", content)
    added = call.store.db.execute(
        f"INSERT INTO sqs_message ({_COLUMNS}) VALUES (NULL{', ?' * (len(row) - 1)})", row[1:]
    ).lastrowid
    return row._replace(id=added or 0)


def receivable(call: Call, queue: str, fifo: bool, most: int) -> list[Row]:
    """Visible ones. Of a FIFO queue in their order, and none of a group of which one is with a receiver."""
    now = call.epoch
    if not fifo:
        index, where, given = "visible", "ORDER BY visible, id", []
    else:
        away = "SELECT part FROM sqs_message WHERE queue = ? AND visible > ? AND handle <> ''"
        index, where, given = "queue", f"AND part NOT IN ({away}) ORDER BY id", [queue, now]
    source = f"sqs_message INDEXED BY sqs_message_{index}"
    sql = f"SELECT {_COLUMNS} FROM {source} WHERE queue = ? AND visible <= ? {where} LIMIT ?"
    return [Row(*row) for row in call.store.db.execute(sql, (queue, now, *given, most))]


def take(call: Call, row: Row, handle: str, timeout: int) -> Row:
    """Give it to a receiver for a while."""
    now = call.epoch
    taken = row._replace(
        visible=now + timeout, received=row.received + 1, first=row.first or now, taken=now, handle=handle
    )
    call.store.db.execute(
        "UPDATE sqs_message SET visible = ?, received = ?, first = ?, taken = ?, handle = ? WHERE id = ?",
        (taken.visible, taken.received, taken.first, now, handle, row.id),
    )
    return taken


def find(call: Call, queue: str, number: int) -> Row | None:
    sql = f"SELECT {_COLUMNS} FROM sqs_message WHERE id = ? AND queue = ?"
    row = call.store.db.execute(sql, (number, queue)).fetchone()
    return Row(*row) if row else None


def show(call: Call, row: Row, visible: float) -> None:
    """Have it visible from a moment on."""
    call.store.db.execute("UPDATE sqs_message SET visible = ? WHERE id = ?", (visible, row.id))


def remove(call: Call, row: Row) -> None:
    call.store.db.execute("DELETE FROM sqs_message WHERE id = ?", (row.id,))


def move(call: Call, row: Row, queue: str, dead_from: str, sent: float) -> None:
    """Into another queue, where nobody has received it yet."""
    call.store.db.execute(
        "UPDATE sqs_message SET queue = ?, dead_from = ?, sent = ?, visible = ?, handle = '' WHERE id = ?",
        (queue, dead_from, sent, call.epoch, row.id),
    )


def renew(call: Call, row: Row, queue: str, message: str) -> None:
    """Move it into another queue, as if it were sent there now."""
    call.store.db.execute(
        "UPDATE sqs_message SET queue = ?, message = ?, dead_from = '', sent = ?, visible = ?, handle = '',"
        " received = 0, first = 0 WHERE id = ?",
        (queue, message, call.epoch, call.epoch, row.id),
    )


def delay(call: Call, queue: str, seconds: int) -> None:
    """A new delay for those that nobody has received yet."""
    sql = "UPDATE sqs_message SET visible = sent + ? WHERE queue = ? AND handle = ''"
    call.store.db.execute(sql, (seconds, queue))


def expire(call: Call, queue: str, period: int) -> None:
    """Delete what is older than the queue keeps messages."""
    call.store.db.execute("DELETE FROM sqs_message WHERE queue = ? AND sent <= ?", (queue, call.epoch - period))


def counts(call: Call, queue: str) -> tuple[int, int, int]:
    """How many are visible, with a receiver, delayed."""
    sql = (
        "SELECT count(*) FILTER (WHERE visible <= :now), count(*) FILTER (WHERE visible > :now AND handle <> ''),"
        " count(*) FILTER (WHERE visible > :now AND handle = '') FROM sqs_message WHERE queue = :queue"
    )
    found: tuple[int, int, int] = call.store.db.execute(sql, {"now": call.epoch, "queue": queue}).fetchone()
    return found


def next_visible(call: Call, queue: str) -> float:
    """When the next of those that are hidden comes to be visible."""
    sql = "SELECT min(visible) FROM sqs_message WHERE queue = ? AND visible > ?"
    found = call.store.db.execute(sql, (queue, call.epoch)).fetchone()[0]
    return float("inf") if found is None else float(found)


def purge(call: Call, queue: str) -> None:
    call.store.db.execute("DELETE FROM sqs_message WHERE queue = ?", (queue,))


def forget_queue(call: Call, queue: str) -> None:
    purge(call, queue)
    call.store.db.execute("DELETE FROM sqs_dedup WHERE queue = ?", (queue,))


# Deduplication


def duplicate(call: Call, queue: str, key: bytes) -> Duplicate | None:
    call.store.db.execute("DELETE FROM sqs_dedup WHERE queue = ? AND until <= ?", (queue, call.epoch))
    sql = "SELECT message, sequence FROM sqs_dedup WHERE queue = ? AND key = ?"
    row = call.store.db.execute(sql, (queue, key)).fetchone()
    return Duplicate(*row) if row else None


def remember(call: Call, queue: str, key: bytes, found: Duplicate, until: float) -> None:
    call.store.db.execute("INSERT OR REPLACE INTO sqs_dedup VALUES (?, ?, ?, ?, ?)", (queue, key, until, *found))
