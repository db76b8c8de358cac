"""Log streams."""

from labsupport.cloud.core import paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.logs.base import (
    Params,
    Stream,
    bad_token,
    group_arn,
    group_named,
    milliseconds,
    name_of,
    on_group,
    on_stream,
    refused,
    service,
    stream_named,
    streams_of,
)
from labsupport.cloud.services.logs.entries import delete_events


@service.operation(on=on_stream)
def create_log_stream(call: Call, params: Params) -> Params:
    group, name = group_named(call, params["logGroupName"]), params["logStreamName"]
    if call.store.get(Stream, call.account, call.region, group.name, name):
        raise AwsError("ResourceAlreadyExistsException", "The specified log stream already exists")
    stream = Stream(account=call.account, region=call.region, group=group.name, name=name, created=milliseconds(call))
    call.store.put(stream)
    return {}


@service.operation(on=on_stream)
def delete_log_stream(call: Call, params: Params) -> Params:
    stream = stream_named(call, params["logGroupName"], params["logStreamName"])
    delete_events(call, stream)
    call.store.delete(stream)
    return {}


@service.operation(on=on_group)
def describe_log_streams(call: Call, params: Params) -> Params:
    group = group_named(call, name_of(call, params))
    by_time = params.get("orderBy") == "LastEventTime"
    if by_time and params.get("logStreamNamePrefix"):
        raise refused("Cannot order by LastEventTime with a logStreamNamePrefix.")
    descending = params.get("descending", False)

    def key(stream: Stream) -> str:
        return f"{stream.last or 0:020d}/{stream.name}" if by_time else stream.name

    found = sorted(streams_of(call, group.name, params.get("logStreamNamePrefix", "")), key=key, reverse=descending)
    chosen, token = paging.page(
        found, key, params.get("nextToken"), params.get("limit", 50), bad_token(), descending=descending
    )
    return {"logStreams": [_shown(call, stream) for stream in chosen], "nextToken": token}


def _shown(call: Call, stream: Stream) -> Params:
    return {
        "logStreamName": stream.name,
        "creationTime": stream.created,
        "firstEventTimestamp": stream.first,
        "lastEventTimestamp": stream.last,
        "lastIngestionTime": stream.ingested,
        "uploadSequenceToken": str(stream.count) if stream.count else None,
        "arn": group_arn(call, f"{stream.group}:log-stream:{stream.name}"),
        "storedBytes": 0,
    }
