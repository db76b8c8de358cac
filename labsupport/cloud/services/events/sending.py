"""Events of the learner's own, and the times of scheduled rules."""

import json
from typing import Any

from labsupport.cloud.core import ids
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.events import Event
from labsupport.cloud.services.events.base import Params, Rule, bus_of, service
from labsupport.cloud.services.events.delivery import publish
from labsupport.cloud.services.events.rules import interval

LARGEST = 262_144  # bytes of one entry


def _conditions(call: Call, params: Params) -> Params:
    entries = params["Entries"]
    return {
        "events:source": [entry["Source"] for entry in entries if entry.get("Source")],
        "events:detail-type": [entry["DetailType"] for entry in entries if entry.get("DetailType")],
    }


@service.operation(on="arn:{partition}:events:{region}:{account}:event-bus/default", context=_conditions)
def put_events(call: Call, params: Params) -> Params:
    results = [_put(call, entry) for entry in params["Entries"]]
    return {"FailedEntryCount": sum("ErrorCode" in one for one in results), "Entries": results}


def _put(call: Call, entry: Params) -> Params:
    bus_of(entry)
    detail, problem = _detail(entry)
    if problem:
        return {"ErrorCode": "MalformedDetail" if "JSON" in problem else "InvalidArgument", "ErrorMessage": problem}
    event = Event(
        id=ids.uuid4(),
        account=call.account,
        region=call.region,
        source=entry["Source"],
        detail_type=entry["DetailType"],
        detail=detail,
        resources=entry.get("Resources", []),
        time=entry["Time"].timestamp() if "Time" in entry else call.epoch,
    )
    publish(call, event)
    return {"EventId": event.id}


def _detail(entry: Params) -> tuple[dict[str, Any], str]:
    for name in ("Source", "DetailType", "Detail"):
        if not entry.get(name):
            return {}, f"Parameter {name} is not valid. Reason: {name} is a required argument."
    if entry["Source"].startswith("aws."):
        return {}, "Not authorized for the source: sources that begin with aws. are reserved for AWS."
    try:
        detail = json.loads(entry["Detail"])
    except (ValueError, RecursionError):
        return {}, "Detail is malformed. It is not valid JSON."
    if not isinstance(detail, dict):
        return {}, "Detail is malformed. It has to be a JSON object."
    if sum(len(str(value).encode()) for value in entry.values()) > LARGEST:
        return {}, "Total size of the entry exceeds the limit."
    return detail, ""


@service.task("tick")
async def tick(call: Call, name: str) -> float | None:
    """A scheduled rule's time has come: its event goes out, and the next time is set."""
    rule = call.store.get(Rule, call.account, call.region, name)
    if rule is None or not rule.schedule:
        return None
    if rule.enabled:
        event = Event(
            id=ids.uuid4(),
            account=call.account,
            region=call.region,
            source="aws.events",
            detail_type="Scheduled Event",
            detail={},
            resources=[rule.arn],
            time=call.epoch,
            bus=rule.name,
        )
        publish(call, event)
    return interval(rule.schedule)
