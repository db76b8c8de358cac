"""Calls that wait: until something happens, time has passed, the client has gone or the cloud stops."""

import asyncio

from labsupport.cloud.core.call import Call


def is_stopping(call: Call) -> bool:
    stopping: asyncio.Event | None = call.cloud.rooms.get("stopping")
    return stopping is not None and stopping.is_set()


async def client_leaves(call: Call, happens: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, for the cloud to stop, or for time to pass; True if the client has gone meanwhile."""
    loop = asyncio.get_running_loop()
    waits = [loop.create_task(happens.wait()), loop.create_task(call.cloud.clock.sleep(max(seconds, 0.0)))]
    stopping: asyncio.Event | None = call.cloud.rooms.get("stopping")
    if stopping is not None:
        waits.append(loop.create_task(stopping.wait()))
    leaves = asyncio.ensure_future(call.gone()) if call.gone else loop.create_future()
    try:
        await asyncio.wait([*waits, leaves], return_when=asyncio.FIRST_COMPLETED)
        return leaves.done()
    finally:
        for one in (*waits, leaves):
            one.cancel()
