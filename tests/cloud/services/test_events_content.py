"""What a target gets of an event: InputPath and InputTransformer, by the user guide's examples."""

import json
from typing import Any

import pytest

from labsupport.cloud.services.events.content import at, content, is_path

RULE = "arn:aws:events:us-east-1:123456789012:rule/states"
EVENT = {
    "version": "0",
    "id": "7bf73129-1428-4cd3-a780-95db273d1602",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "account": "123456789012",
    "time": "2015-11-11T21:29:54Z",
    "region": "us-east-1",
    "resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111"],
    "detail": {"instance-id": "i-0123456789", "state": "RUN\"NING", "count": 3, "tags": {"a": "b"}, "none": None},
}  # fmt: skip
PATHS = {
    "instance": "$.detail.instance-id", "state": "$.detail.state", "count": "$.detail.count", "tags": "$.detail.tags",
    "missing": "$.detail.absent", "first": "$.resources[0]",
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", EVENT),
        ("$.time", "2015-11-11T21:29:54Z"),
        ("$.detail.instance-id", "i-0123456789"),
        ("$.detail['instance-id']", "i-0123456789"),
        ("$.detail.tags.a", "b"),
        ("$.resources[0]", EVENT["resources"][0]),
        ("$.resources[1]", None),
        ("$.resources.a", None),
        ("$.detail[0]", None),
        ("$.detail.absent.deeper", None),
    ],
)
def test_paths(path: str, value: Any) -> None:
    assert is_path(path)
    assert at(EVENT, path) == value


@pytest.mark.parametrize(
    "path", ["", "detail", ".detail", "$detail", "$.", "$..a", "$.a[*]", "$.a[x]", "$.a[0", "$.a b*"]
)
def test_what_is_no_path(path: str) -> None:
    assert not is_path(path)


def made(template: str) -> str:
    target = {"InputTransformer": {"InputPathsMap": PATHS, "InputTemplate": template}}
    return content(target, EVENT, RULE)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ('"<instance> is in state <count>"', '"i-0123456789 is in state 3"'),
        ("<instance> stopped", "i-0123456789 stopped"),
        ('"<missing>."', '"."'),
        ('"<instance> has\n<tags>"', '"i-0123456789 has\n{"a": "b"}"'),
        ('"<aws.events.rule-name> by <aws.events.rule-arn>"', f'"states by {RULE}"'),
        ('"at <aws.events.event.ingestion-time>"', '"at 2015-11-11T21:29:54Z"'),
    ],
)
def test_texts(template: str, text: str) -> None:
    assert made(template) == text


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ('{"instance": <instance>, "count": <count>}', {"instance": "i-0123456789", "count": 3}),
        ('{"instance": "<instance>"}', {"instance": "i-0123456789"}),
        ('{"state": <state>, "again": "it is <state>"}', {"state": 'RUN"NING', "again": 'it is RUN"NING'}),
        ('{"tags": <tags>}', {"tags": {"a": "b"}}),
        ('{"missing": <missing>, "text": "<missing>"}', {"missing": "", "text": ""}),
        (' [<count>, "<count>"]', [3, "3"]),
        ('{"said": "\\"<instance>\\" <first>"}', {"said": f'"i-0123456789" {EVENT["resources"][0]}'}),
        ('{"all": <aws.events.event.json>}', {"all": EVENT}),
        ('{"head": <aws.events.event>}', {"head": {name: EVENT[name] for name in EVENT if name != "detail"}}),
        ('{"rule": <aws.events.rule-name>}', {"rule": "states"}),
    ],
)
def test_json(template: str, value: Any) -> None:
    assert json.loads(made(template)) == value


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ({}, json.dumps(EVENT)),
        ({"Input": '{"a": 1}'}, '{"a": 1}'),
        ({"InputPath": "$.detail.state"}, json.dumps('RUN"NING')),
        ({"InputPath": "$.detail.tags"}, '{"a": "b"}'),
        ({"InputPath": "$.nowhere"}, "null"),
    ],
)
def test_without_a_template(target: dict[str, Any], text: str) -> None:
    assert content(target, EVENT, RULE) == text
