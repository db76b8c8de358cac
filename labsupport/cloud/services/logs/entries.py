"""Log events: put, read, search."""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

from labsupport.cloud.core import paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.services.logs.base import (
    Group,
    Params,
    Stream,
    bad_token,
    earliest,
    group_named,
    milliseconds,
    name_of,
    on_group,
    on_stream,
    refused,
    service,
    stream_key,
    stream_named,
    streams_of,
)
from labsupport.cloud.services.logs.filters import compiled
from labsupport.cloud.services.logs.sealing import OVERHEAD, Sealer

LARGEST_PAGE = 10_000
LARGEST_BATCH = 1_048_576  # bytes; each event counts 26 more
HOUR = 3600 * 1000
DAY = 24 * HOUR
_TOKEN = re.compile(r"([fb])/([0-9]{1,18})/([0-9]{1,18})")
_END = 2**62


class LogEvent(NamedTuple):
    at: int
    id: int
    ingested: int
    message: str


@service.operation(on=on_stream, data_event=True)
def put_log_events(call: Call, params: Params) -> Params:
    """Append events; those too old or too new are left out and reported, as AWS does."""
    stream = stream_named(call, params["logGroupName"], params["logStreamName"])
    group = group_named(call, params["logGroupName"])
    events, now = params["logEvents"], milliseconds(call)
    oldest = max(now - 14 * DAY, earliest(call, group))
    good = [event for event in events if oldest <= event["timestamp"] <= now + 2 * HOUR]
    _check(events, good)
    _append(call, group, stream, good, now)
    rejected = _rejected(events, now, earliest(call, group))
    return {"nextSequenceToken": str(stream.count), "rejectedLogEventsInfo": rejected or None}


def _check(events: list[Params], good: list[Params]) -> None:
    if any(later["timestamp"] < earlier["timestamp"] for earlier, later in pairwise(events)):
        raise refused("Log events in a single PutLogEvents request must be in chronological order.")
    if good and good[-1]["timestamp"] - good[0]["timestamp"] > DAY:
        raise refused("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
    size = sum(len(event["message"].encode()) + 26 for event in events)
    if size > LARGEST_BATCH:
        raise refused(f"Upload too large: {size} bytes exceeds limit of {LARGEST_BATCH}")


def _append(call: Call, group: Group, stream: Stream, events: list[Params], now: int) -> None:
    key, sealer = stream_key(stream), Sealer(call, group)
    rows = [
        (key, event["timestamp"], number, now, sealer.seal(event["message"], f"{key}{number}"))
        for number, event in enumerate(events, start=stream.count + 1)
    ]
    call.store.db.executemany("INSERT INTO log_event VALUES (?, ?, ?, ?, ?)", rows)
    stream.count += len(rows)
    if rows:
        stream.first = rows[0][1] if stream.first is None else min(stream.first, rows[0][1])
        stream.last = max(stream.last or 0, rows[-1][1])
        stream.ingested = now
    call.store.put(stream)


def _rejected(events: list[Params], now: int, kept_from: int) -> dict[str, int]:
    """Where in the batch the refused ones end or begin (PutLogEvents: "RejectedLogEventsInfo")."""
    times = [event["timestamp"] for event in events]
    old = sum(time < now - 14 * DAY for time in times)
    expired = sum(time < kept_from for time in times)
    new = sum(time > now + 2 * HOUR for time in times)
    return {
        **({"tooOldLogEventEndIndex": old} if old else {}),
        **({"expiredLogEventEndIndex": expired} if expired > old else {}),
        **({"tooNewLogEventStartIndex": len(times) - new} if new else {}),
    }


@service.operation(on=on_stream)
def get_log_events(call: Call, params: Params) -> Params:
    """A page of a stream. At its end the same token comes back, as AWS documents it."""
    group = group_named(call, name_of(call, params))
    stream = stream_named(call, group.name, params["logStreamName"])
    direction, mark = _position(params)
    where = _Range(params.get("startTime", 0), params.get("endTime", _END), mark, direction == "b")
    found = _read(call, group, stream, where, params.get("limit", LARGEST_PAGE))
    first, last = (found[0][:2], found[-1][:2]) if found else (mark or (0, 0), mark or (0, 0))
    return {
        "events": [{"timestamp": one.at, "message": one.message, "ingestionTime": one.ingested} for one in found],
        "nextForwardToken": f"f/{last[0]}/{last[1]}",
        "nextBackwardToken": f"b/{first[0]}/{first[1]}",
    }


def _position(params: Params) -> tuple[str, tuple[int, int] | None]:
    """The way to read and the event to go on from: by the token, else from the end or the head."""
    token = params.get("nextToken")
    if not token:
        return "f" if params.get("startFromHead") else "b", None
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise bad_token()
    return match[1], (int(match[2]), int(match[3]))


class _Range(NamedTuple):
    start: int = 0
    end: int = _END  # exclusive
    mark: tuple[int, int] | None = None
    backward: bool = False


def _read(call: Call, group: Group, stream: Stream, wanted: _Range, limit: int) -> list[LogEvent]:
    start, end = max(min(wanted.start, _END), earliest(call, group)), min(wanted.end, _END)
    where, values = "stream = ? AND at >= ? AND at < ?", [stream_key(stream), start, end]
    if wanted.mark:
        where += f" AND (at, id) {'<' if wanted.backward else '>'} (?, ?)"
        values += wanted.mark
    order = "DESC" if wanted.backward else "ASC"
    sql = f"SELECT at, id, ingested, message FROM log_event WHERE {where} ORDER BY at {order}, id {order} LIMIT ?"
    key, sealer = stream_key(stream), Sealer(call, group)
    found = [
        LogEvent(at, number, ingested, sealer.open(stored, f"{key}{number}"))
        for at, number, ingested, stored in call.store.db.execute(sql, (*values, limit)).fetchall()
    ]
    return found[::-1] if wanted.backward else found


@service.operation(on=on_group)
def filter_log_events(call: Call, params: Params) -> Params:
    """Events of a group's streams that match a pattern, in the order of their times, or the newest first."""
    group = group_named(call, name_of(call, params))
    matches = compiled(params.get("filterPattern", ""))
    streams = _chosen_streams(call, group.name, params)
    descending = _newest_first(params)
    sign = "-" if descending else "+"

    def key(pair: tuple[LogEvent, Stream]) -> str:
        return f"{sign}{pair[0].at:020d}/{pair[1].name}/{pair[0].id:020d}"

    found = sorted(_matching(call, group, streams, params, matches), key=key, reverse=descending)
    limit = params.get("limit", LARGEST_PAGE)
    chosen, token = paging.page(found, key, params.get("nextToken"), limit, bad_token(), descending=descending)
    return {"events": [_shown(*pair) for pair in chosen], "searchedLogStreams": [], "nextToken": token}


def _newest_first(params: Params) -> bool:
    """What the token goes on with, or what the first request asks for."""
    last = paging.last_of(params.get("nextToken"), bad_token())
    return last.startswith("-") if last else not params.get("startFromHead", True)


def _chosen_streams(call: Call, group: str, params: Params) -> list[Stream]:
    names = params.get("logStreamNames")
    if names and params.get("logStreamNamePrefix"):
        raise refused("logStreamNamePrefix and logStreamNames are mutually exclusive parameters.")
    if names:
        return [stream_named(call, group, name) for name in names]
    return streams_of(call, group, params.get("logStreamNamePrefix", ""))


def _matching(
    call: Call, group: Group, streams: list[Stream], params: Params, matches: Callable[[str], bool]
) -> Iterator[tuple[LogEvent, Stream]]:
    """Unlike GetLogEvents, an event at `endTime` belongs to the range."""
    wanted = _Range(params.get("startTime", 0), params.get("endTime", _END - 1) + 1)
    for stream in streams:
        for one in _read(call, group, stream, wanted, -1):
            if matches(one.message):
                yield one, stream


def _shown(one: LogEvent, stream: Stream) -> Params:
    return {
        "logStreamName": stream.name,
        "timestamp": one.at,
        "message": one.message,
        "ingestionTime": one.ingested,
        "eventId": f"{one.at:020d}{one.id:036d}",
    }


def delete_events(call: Call, stream: Stream) -> None:
    call.store.db.execute("DELETE FROM log_event WHERE stream = ?", (stream_key(stream),))


def stored_bytes(call: Call, group: str) -> int:
    keys = [stream_key(stream) for stream in streams_of(call, group)]
    extra = f"CASE typeof(message) WHEN 'blob' THEN 26 - {OVERHEAD} ELSE 26 END"
    sql = f"SELECT coalesce(sum(length(CAST(message AS BLOB)) + {extra}), 0) FROM log_event WHERE stream = ?"
    return sum(call.store.db.execute(sql, (key,)).fetchone()[0] for key in keys)
