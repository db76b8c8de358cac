"""Rules and their targets as records (EventBridge API Reference)."""

from typing import Any

import msgspec

from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.service import Service
from labsupport.cloud.store.record import record

Params = dict[str, Any]
service = Service("events")

DEFAULT_BUS = "default"


@record("events.rule", key=("account", "region", "name"))
class Rule(msgspec.Struct, kw_only=True):
    account: str
    region: str
    name: str
    pattern: str = ""  # JSON
    schedule: str = ""
    next: float = 0.0  # when the schedule's next event is due
    state: str = "ENABLED"
    description: str = ""
    role: str = ""
    targets: dict[str, Params] = {}  # by id, as PutTargets gives them
    tags: dict[str, str] = {}

    @property
    def arn(self) -> str:
        return f"arn:aws:events:{self.region}:{self.account}:rule/{self.name}"

    @property
    def enabled(self) -> bool:
        return self.state != "DISABLED"


def check_bus(given: str | None) -> None:
    """Buses of one's own are not simulated (CreateEventBus says so), so that only the default one exists."""
    name = (given or DEFAULT_BUS).rsplit("/", 1)[-1]
    if name != DEFAULT_BUS:
        raise AwsError("ResourceNotFoundException", f"Event bus {name} does not exist.")


def on_rule(call: Call, params: Params) -> str:
    return call.arn(f"rule/{params.get('Name') or params.get('Rule') or '*'}")


def rule_named(call: Call, params: Params) -> Rule:
    check_bus(params.get("EventBusName"))
    name = params.get("Name") or params.get("Rule") or ""
    rule = call.store.get(Rule, call.account, call.region, name)
    if rule is None:
        raise AwsError("ResourceNotFoundException", f"Rule {name} does not exist on EventBus default.")
    return rule


def validation(message: str) -> AwsError:
    return AwsError("ValidationException", message)


def bad_token() -> AwsError:
    return validation("Parameter NextToken is not valid. Reason: The value was not given out by this operation.")


def rule_of_arn(call: Call, arn: str) -> Rule | None:
    found = parse(arn)
    name = found.resource.removeprefix("rule/") if found else ""
    return call.store.get(Rule, found.account, found.region, name) if found else None


def _resource_tags(call: Call, arn: str) -> dict[str, str]:
    rule = rule_of_arn(call, arn)
    return rule.tags if rule else {}


service.resource_tags = _resource_tags
