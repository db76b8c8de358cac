"""What the clock has skipped, kept with the state: what has ended stays so after a restart; what is due stays due."""

import msgspec

from labsupport.cloud.core.clock import Clock
from labsupport.cloud.store.record import record
from labsupport.cloud.store.store import Store


@record("clock.skipped", key=("id",))
class Skipped(msgspec.Struct):
    """One record: how far the lab's time is ahead of the machine's."""

    seconds: float
    id: str = "lab"


def keep(clock: Clock, store: Store) -> None:
    """Set a clock as far ahead as it was, and note from now on what it skips."""
    found = store.get(Skipped, "lab")
    if found:
        clock.advance(found.seconds)

    def note(seconds: float) -> None:
        with store.transaction():
            store.put(Skipped(seconds))

    clock.skipped = note
