"""The database's versions. Each migration is one transaction; a file is brought up to date at the start."""

import sqlite3
from collections.abc import Callable

Migration = Callable[[sqlite3.Connection], None]
MIGRATIONS: list[Migration] = []


class TooNew(Exception):
    """The home folder was last used by a newer lab."""


def migration(change: Migration) -> Migration:
    MIGRATIONS.append(change)
    return change


@migration
def records_outbox_trail_and_logs(db: sqlite3.Connection) -> None:
    db.execute("CREATE TABLE record (kind TEXT, key TEXT, value BLOB, PRIMARY KEY (kind, key)) WITHOUT ROWID")
    db.execute(
        "CREATE TABLE job (service TEXT, task TEXT, account TEXT, region TEXT, key TEXT, due REAL, wakes INTEGER,"
        " PRIMARY KEY (service, task, account, region, key)) WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE trail (id INTEGER PRIMARY KEY, time REAL, account TEXT, region TEXT, source TEXT, name TEXT,"
        " username TEXT, access_key TEXT, read_only INTEGER, management INTEGER, error TEXT, event BLOB, decision BLOB)"
    )
    db.execute("CREATE INDEX trail_by_time ON trail (account, region, time)")
    db.execute("CREATE INDEX trail_refused ON trail (id) WHERE decision IS NOT NULL")
    db.execute(
        "CREATE TABLE log_event (stream TEXT, at INTEGER, id INTEGER, ingested INTEGER, message TEXT,"
        " PRIMARY KEY (stream, at, id)) WITHOUT ROWID"
    )


@migration
def trail_without_its_index(db: sqlite3.Connection) -> None:
    """Every call wrote a page of it, and ids grow with time: a look-up reads the newest entries backwards."""
    db.execute("DROP INDEX trail_by_time")


@migration
def records_encrypted(db: sqlite3.Connection) -> None:
    db.execute("UPDATE record SET value = sealed(kind, value)")


@migration
def trail_encrypted(db: sqlite3.Connection) -> None:
    db.execute("UPDATE trail SET event = sealed('trail', event)")
    db.execute("UPDATE trail SET decision = sealed('trail', decision) WHERE decision IS NOT NULL")


@migration
def messages_of_queues(db: sqlite3.Connection) -> None:
    db.execute(
        "CREATE TABLE sqs_message (id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT, visible REAL, sent REAL,"
        " part BLOB, received INTEGER, first REAL, taken REAL, handle TEXT, origin TEXT, dead_from TEXT, content BLOB)"
    )
    db.execute("CREATE INDEX sqs_message_visible ON sqs_message (queue, visible)")
    db.execute("CREATE INDEX sqs_message_sent ON sqs_message (queue, sent)")
    db.execute(
        "CREATE TABLE sqs_dedup (queue TEXT, key BLOB, until REAL, message TEXT, sequence TEXT,"
        " PRIMARY KEY (queue, key)) WITHOUT ROWID"
    )


@migration
def messages_with_new_ids(db: sqlite3.Connection) -> None:
    """A dead letter that is moved back has another id than the one in its content."""
    db.execute("ALTER TABLE sqs_message ADD COLUMN message TEXT NOT NULL DEFAULT ''")


@migration
def messages_in_their_order(db: sqlite3.Connection) -> None:
    """FIFO queues give the oldest first: an index of the queue alone has its messages by their ids."""
    db.execute("CREATE INDEX sqs_message_queue ON sqs_message (queue)")


@migration
def records_beside_their_index(db: sqlite3.Connection) -> None:
    """In a table without row ids a value over a quarter of a page has a page of its own, and hardly any share one."""
    db.execute("CREATE TABLE with_ids (kind TEXT, key TEXT, value BLOB, PRIMARY KEY (kind, key))")
    db.execute("INSERT INTO with_ids SELECT kind, key, value FROM record")
    db.execute("DROP TABLE record")
    db.execute("ALTER TABLE with_ids RENAME TO record")


def migrate(db: sqlite3.Connection) -> bool:
    """Bring the database up to date, and tell whether it was in an older form; refuse one of a newer lab."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise TooNew(f"The database has version {version}; this lab knows versions up to {len(MIGRATIONS)}.")
    for number, change in enumerate(MIGRATIONS[version:], start=version + 1):
        db.execute("BEGIN IMMEDIATE")
        try:
            change(db)
            db.execute(f"PRAGMA user_version = {number}")
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")
    return 0 < version < len(MIGRATIONS)
