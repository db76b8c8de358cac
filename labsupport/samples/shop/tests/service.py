"""A shop that runs for as long as a test needs it, on a free port of this machine."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from shop.release import Release
from shop.server import Shop


@contextmanager
def running() -> Iterator[Shop]:
    """A shop that answers, on a port that the system picks."""
    with Shop("127.0.0.1", 0, Release("1.2.3", "0123456789abcdef")) as shop:
        thread = threading.Thread(target=shop.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield shop
        finally:
            shop.shutdown()
            thread.join()
