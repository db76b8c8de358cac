"""Log events: put, read, search."""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

from labsupport.cloud.core import paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.logs.base import (
    Params,
    Stream,
    bad_token,
    group_named,
    milliseconds,
    name_of,
    on_group,
    on_stream,
    service,
    stream_key,
    stream_named,
    streams_of,
)
from labsupport.cloud.services.logs.filters import compiled

LARGEST_PAGE = 10_000
LARGEST_BATCH = 1_048_576  # bytes; each event counts 26 more
FORWARD, BACKWARD = "f/", "b/"
HOUR = 3600 * 1000


class LogEvent(NamedTuple):
    at: int
    id: int
    ingested: int
    message: str


@service.operation(on=on_stream)
def put_log_events(call: Call, params: Params) -> Params:
    """Append events; those too old or too new are left out and reported, as AWS does."""
    stream = stream_named(call, params["logGroupName"], params["logStreamName"])
    events, now = params["logEvents"], milliseconds(call)
    if any(later["timestamp"] < earlier["timestamp"] for earlier, later in pairwise(events)):
        message = "Log events in a single PutLogEvents request must be in chronological order."
        raise AwsError("InvalidParameterException", message)
    size = sum(len(event["message"].encode()) + 26 for event in events)
    if size > LARGEST_BATCH:
        message = f"Upload too large: {size} bytes exceeds limit of {LARGEST_BATCH}"
        raise AwsError("InvalidParameterException", message)
    good = [event for event in events if now - 14 * 24 * HOUR <= event["timestamp"] <= now + 2 * HOUR]
    _append(call, stream, good, now)
    rejected = _rejected(events, now)
    return {"nextSequenceToken": str(stream.count), "rejectedLogEventsInfo": rejected or None}


def _append(call: Call, stream: Stream, events: list[Params], now: int) -> None:
    key = stream_key(stream)
    rows = [
        (key, event["timestamp"], stream.count + number, now, event["message"])
        for number, event in enumerate(events, start=1)
    ]
    call.store.db.executemany("INSERT INTO log_event VALUES (?, ?, ?, ?, ?)", rows)
    stream.count += len(rows)
    if rows:
        stream.first = min(stream.first or rows[0][1], rows[0][1])
        stream.last = max(stream.last or 0, rows[-1][1])
        stream.ingested = now
    call.store.put(stream)


def _rejected(events: list[Params], now: int) -> dict[str, int]:
    old = [number for number, event in enumerate(events) if event["timestamp"] < now - 14 * 24 * HOUR]
    new = [number for number, event in enumerate(events) if event["timestamp"] > now + 2 * HOUR]
    found = {"tooOldLogEventEndIndex": old[-1] + 1} if old else {}
    return {**found, "tooNewLogEventStartIndex": new[0]} if new else found


@service.operation(on=on_stream)
def get_log_events(call: Call, params: Params) -> Params:
    """A page of a stream. At its end the same token comes back, as AWS documents it."""
    stream = stream_named(call, name_of(params), params["logStreamName"])
    limit = params.get("limit", LARGEST_PAGE)
    token = params.get("nextToken", "")
    if token and not (token[:2] in (FORWARD, BACKWARD) and token[2:].replace("/", "").isdigit()):
        raise bad_token()
    backward = token.startswith(BACKWARD) or (not token and not params.get("startFromHead"))
    found = _read(call, stream, params, token[2:], backward, limit)
    first, last = (found[0], found[-1]) if found else (None, None)
    mark = token[2:] or "0/0"
    return {
        "events": [{"timestamp": one.at, "message": one.message, "ingestionTime": one.ingested} for one in found],
        "nextForwardToken": FORWARD + (f"{last.at}/{last.id}" if last else mark),
        "nextBackwardToken": BACKWARD + (f"{first.at}/{first.id}" if first else mark),
    }


def _read(call: Call, stream: Stream, params: Params, mark: str, backward: bool, limit: int) -> list[LogEvent]:
    where, values = "stream = ? AND at >= ? AND at < ?", [stream_key(stream), *_times(params)]
    if mark:
        where += f" AND (at, id) {'<' if backward else '>'} (?, ?)"
        values += [int(part) for part in mark.split("/")]
    order = "DESC" if backward else "ASC"
    sql = f"SELECT at, id, ingested, message FROM log_event WHERE {where} ORDER BY at {order}, id {order} LIMIT ?"
    found = [LogEvent(*row) for row in call.store.db.execute(sql, (*values, limit))]
    return found[::-1] if backward else found


def _times(params: Params) -> list[int]:
    return [params.get("startTime", 0), params.get("endTime", 2**62)]


@service.operation(on=on_group)
def filter_log_events(call: Call, params: Params) -> Params:
    """Events of a group's streams that match a pattern, in the order of their times."""
    group = group_named(call, name_of(params))
    matches = compiled(params.get("filterPattern", ""))
    streams = _chosen_streams(call, group.name, params)
    found = [(one, stream) for stream in streams for one in _matching(call, stream, params, matches)]
    found.sort(key=lambda pair: (pair[0].at, pair[1].name, pair[0].id))
    chosen, token = paging.page_of_list(found, params.get("nextToken"), params.get("limit", LARGEST_PAGE), bad_token())
    return {"events": [_shown(one, stream) for one, stream in chosen], "searchedLogStreams": [], "nextToken": token}


def _chosen_streams(call: Call, group: str, params: Params) -> list[Stream]:
    names = params.get("logStreamNames")
    if names and params.get("logStreamNamePrefix"):
        message = "logStreamNamePrefix and logStreamNames are mutually exclusive parameters."
        raise AwsError("InvalidParameterException", message)
    if names:
        return [stream_named(call, group, name) for name in names]
    return streams_of(call, group, params.get("logStreamNamePrefix", ""))


def _matching(call: Call, stream: Stream, params: Params, matches: Callable[[str], bool]) -> list[LogEvent]:
    return [one for one in _read(call, stream, params, "", False, -1) if matches(one.message)]


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
    sql = "SELECT coalesce(sum(length(message) + 26), 0) FROM log_event WHERE stream = ?"
    return sum(call.store.db.execute(sql, (key,)).fetchone()[0] for key in keys)
