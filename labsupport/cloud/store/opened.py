"""Records' values as they are when decrypted: those that were read or written last, without going to the database.

Within a call and from one to the next the same few records are asked for: the bucket, the key, the parameter that was
just put. Nobody but this process writes to the database, so what is kept here is what stands there, as long as every
write tells of itself and a rollback makes all be forgotten.
"""

Place = tuple[str, str]  # a record's kind and key
MOST = 4 * 1024 * 1024  # bytes
_AROUND = 250  # bytes that an entry takes beside its key and value


class Opened:
    def __init__(self) -> None:
        self.values: dict[Place, bytes | None] = {}  # None: there is no such record
        self._size = 0

    def keep(self, place: Place, value: bytes | None) -> None:
        size = _AROUND + len(place[1]) + len(value or b"")
        if self._size + size > MOST:
            self.forget()
        self._size += size
        self.values[place] = value

    def forget(self) -> None:
        self.values.clear()
        self._size = 0
