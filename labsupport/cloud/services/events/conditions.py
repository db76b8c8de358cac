"""EventBridge's own condition keys (User Guide: "Using IAM policy conditions in Amazon EventBridge")."""

import json
from typing import Any

from labsupport.cloud.core.call import Call
from labsupport.cloud.services.events.base import Params, service

_OF_DETAIL = (("service",), ("eventTypeCode",), ("userIdentity", "principalId"))


def _keys(call: Call, resource: str, _params: Params, _wanted: frozenset[str]) -> Params:
    """A rule here was made in the account that it stands in: there are no other buses to put one on."""
    return {"events:creatoraccount": call.account} if ":rule/" in resource else {}


def of_pattern(_: Call, params: Params) -> Params:
    """What a rule wants to see: the literal texts that its pattern names."""
    try:
        pattern = json.loads(params.get("EventPattern", ""))
    except (ValueError, RecursionError):  # PutRule itself says what is wrong with it
        return {}
    found = {f"events:{name}": _texts(pattern, (name,)) for name in ("source", "detail-type")}
    for place in _OF_DETAIL:
        found["events:detail." + ".".join(place).lower()] = _texts(pattern, ("detail", *place))
    return {key: texts for key, texts in found.items() if texts}


def _texts(pattern: Any, place: tuple[str, ...]) -> list[str]:
    for name in place:
        pattern = pattern.get(name) if isinstance(pattern, dict) else None
    return [one for one in pattern if isinstance(one, str)] if isinstance(pattern, list) else []


service.keys = _keys
