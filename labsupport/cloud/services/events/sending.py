"""Events of the learner's own, and the times of scheduled rules."""

import json
from typing import Any

from labsupport.cloud.core import ids
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.events import Event
from labsupport.cloud.services.events.base import Params, Rule, check_bus, service
from labsupport.cloud.services.events.delivery import publish, send_to
from labsupport.cloud.services.events.schedule import next_time

LARGEST = 262_144  # bytes of a request's entries


def _conditions(_: Call, params: Params) -> Params:
    return {
        "events:eventbusinvocation": "false",
        "events:source": [entry["Source"] for entry in params["Entries"] if entry.get("Source")],
        "events:detail-type": [entry["DetailType"] for entry in params["Entries"] if entry.get("DetailType")],
    }


@service.operation(on="arn:{partition}:events:{region}:{account}:event-bus/default", context=_conditions)
def put_events(call: Call, params: Params) -> Params:
    """Publish events; one that is wrong is reported in its place and keeps none of the others back."""
    size = sum(_size(entry) for entry in params["Entries"])
    if size > LARGEST:
        raise AwsError(
            "ValidationException", f"Total size of the entries in the request is over the limit of {LARGEST} bytes."
        )
    results = [_put(call, entry) for entry in params["Entries"]]
    return {"FailedEntryCount": sum("ErrorCode" in one for one in results), "Entries": results}


def _size(entry: Params) -> int:
    """As PutEvents counts (User Guide: "Calculating PutEvents event entry size")."""
    texts = [entry.get(name, "") for name in ("Source", "DetailType", "Detail")] + entry.get("Resources", [])
    return sum(len(text.encode()) for text in texts) + (14 if "Time" in entry else 0)


def _put(call: Call, entry: Params) -> Params:
    try:
        check_bus(entry.get("EventBusName"))
        detail = _detail(entry)
    except AwsError as error:
        return {"ErrorCode": error.code, "ErrorMessage": error.message}
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


def _detail(entry: Params) -> dict[str, Any]:
    for name in ("Source", "DetailType", "Detail"):
        if not entry.get(name):
            message = f"Parameter {name} is not valid. Reason: {name} is a required argument."
            raise AwsError("InvalidArgument", message)
    if entry["Source"].startswith("aws."):
        raise AwsError("NotAuthorizedForSourceException", "Not authorized for the source.")
    try:
        detail = json.loads(entry["Detail"])
    except (ValueError, RecursionError):
        detail = None
    if not isinstance(detail, dict):
        raise AwsError("MalformedDetail", "Detail is malformed.")
    return detail


@service.task("tick")
async def tick(call: Call, name: str) -> float | None:
    """A scheduled rule's time has come: its event goes to its targets, and the next time is set."""
    with call.transaction():
        rule = call.store.get(Rule, call.account, call.region, name)
        if rule is None or not rule.schedule:
            return None
        if call.epoch < rule.next:  # the schedule has been changed
            return rule.next - call.epoch
        if rule.enabled:
            send_to(call, rule, _scheduled(call, rule))
        following = next_time(rule.schedule, call.epoch)
        if following is None:
            return None
        rule.next = following
        call.store.put(rule)
        return rule.next - call.epoch


def _scheduled(call: Call, rule: Rule) -> Event:
    return Event(
        id=ids.uuid4(),
        account=rule.account,
        region=rule.region,
        source="aws.events",
        detail_type="Scheduled Event",
        detail={},
        resources=[rule.arn],
        time=call.epoch,
    )
