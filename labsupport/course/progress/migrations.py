"""The forms that the record of progress has had. Each step is one transaction; a file of any age opens."""

import sqlite3

MIGRATIONS = (
    """
    CREATE TABLE event (
        learner TEXT NOT NULL, id TEXT NOT NULL, at REAL NOT NULL, what TEXT NOT NULL, subject TEXT NOT NULL,
        detail TEXT NOT NULL, PRIMARY KEY (learner, id)
    );
    CREATE TABLE learner (id TEXT PRIMARY KEY, name TEXT NOT NULL, imported REAL NOT NULL);
    """,
)


def migrate(database: sqlite3.Connection) -> None:
    """Bring a file to the newest form; `sqlite3.DatabaseError` where it is of a newer lab than this."""
    version = _version(database)
    if version > len(MIGRATIONS):
        raise sqlite3.DatabaseError(f"The record of progress was written by a newer lab (form {version}).")
    while _version(database) < len(MIGRATIONS):
        database.execute("BEGIN IMMEDIATE")
        with database:
            _step(database, _version(database))  # asked again with the lock held: another process may have been quicker


def _step(database: sqlite3.Connection, version: int) -> None:
    if version < len(MIGRATIONS):
        for statement in filter(str.strip, MIGRATIONS[version].split(";")):
            database.execute(statement)
        database.execute(f"PRAGMA user_version = {version + 1}")


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])
