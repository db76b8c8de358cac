"""Parameters for a fuzz: drawn from the model, mixed with what exists, and broken on the wire."""

import json
import random
import re
from collections.abc import Iterator
from typing import Any

from botocore.model import OperationModel, Shape
from wire_random import Randomly, without_empty

from labsupport.cloud.core.http import HttpRequest

KEPT = 40  # values remembered for each name of a member; the first few stay for good
FIRST = 4
_NOT_OURS = re.compile(r"learner|^(AKIA|ASIA)|:root$")  # the fuzz must not saw at the caller's own keys
_ANYTHING: list[Any] = [
    None, True, 0, -1, 1.5, 2**63, 10**40, "", " ", "\0", "a" * 5000, "é日😀", "../..", "*", "${aws:username}", "{}",
    "[", "arn:aws:iam::123456789012:role/nobody", "arn:aws", [], [[]], [None], {}, {"": ""}, {"a": {"b": []}},
]  # fmt: skip
_TEXTS = [
    "",
    "é",
    "a" * 5000,
    "-1",
    "99999999999999999999",
    "true",
    "\r\n",
    "%",
    "../..",
    "<a/>",
    "{",
    "\0",
    "*",
    "NaN",
]
DOCUMENTS = {
    "policy": [
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}',
        '{"Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}}',
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Maybe", "Action": 7, "Resource": {}}]}',
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "NotAction": "a:b", "Resource": "*", "Condition":'
        ' {"StringEquals": {"aws:ResourceTag/a": ["b"]}}}]}',
        '{"Statement": [',
        "[]",
    ],
    "template": [
        '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}',
        "Resources:\n  Role:\n    Type: AWS::IAM::Role\n    Properties: {AssumeRolePolicyDocument: {}, Tags: 7}\n",
        "Parameters: {P: {Type: Map}}\nResources:\n  B: {Type: AWS::S3::Bucket, DependsOn: [B], Metadata: !Ref P}\n",
        "Resources:\n\tA: !Sub '${A.B'\n",
        "a: &a [*a, *a]\nResources: *a\n",
        "- 1\n",
    ],
    "pattern": ['{"source": ["aws.codecommit"]}', '{"detail": {"a": [{"prefix": 1}]}}', "{", '{"a": []}', "[%a]"],
    "buildspec": ["version: 0.2\nphases: {build: {commands: [true]}}\n", "version: 9\n", "phases: [\n", "\t"],
    "detail": ['{"a": 1}', "[]", "no", '{"a": {"b": [null]}}'],
    "scheduleexpression": ["rate(5 minutes)", "cron(0 12 * * ? *)", "rate(0 days)", "cron(99 * * * ? *)"],
}  # fmt: skip


class Values:
    """A source of parameters that learns the names of what exists from the answers it is shown."""

    def __init__(self, seed: object) -> None:
        self.random = random.Random(f"fuzz {seed}")
        self.randomly = Randomly(seed, deep=2)
        self.seen: dict[str, list[Any]] = {}
        self.scenes: dict[str, list[dict[str, Any]]] = {}  # by service: parameters and answers that belong together
        self.scene: dict[str, Any] = {}
        self.service = ""

    def learn(self, service: str, *values: Any) -> None:
        """Remember the texts in parameters that were taken, and in the answer, by the names of their members."""
        scene: dict[str, Any] = {}
        for value in values:
            self._learn(value, "", scene)
        known = self.scenes.setdefault(service, [])
        if scene:
            known.append(scene)
            del known[KEPT : max(KEPT, len(known) - KEPT)]

    def _learn(self, value: Any, name: str, scene: dict[str, Any]) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                self._learn(item, str(key), scene)
        elif isinstance(value, list):
            for item in value[:10]:
                self._learn(item, name, scene)
        elif isinstance(value, bytes) or (value and isinstance(value, str) and not _NOT_OURS.search(value)):
            known = self.seen.setdefault(name.lower(), [])
            scene.setdefault(name.lower(), value)
            if value not in known and len(value) < 3000:
                known.append(value)
                del known[FIRST : max(FIRST, len(known) - KEPT)]

    def params(self, operation: OperationModel) -> dict[str, Any]:
        shape, self.service = operation.input_shape, operation.service_model.service_name
        if shape is None:
            return {}
        self.scene = self.random.choice(self.scenes.get(self.service) or [{}])
        drawn = without_empty(self.randomly.value(shape))
        chance = self.random.choice((0.0, 0.1, 0.2, 0.7))
        kept = {
            name: value
            for name, value in drawn.items()
            if name in shape.required_members or self.random.random() < chance
        }
        if self.random.random() < 0.05 and kept:
            kept.pop(self.random.choice(list(kept)))
        return self._mixed(shape, kept, "")

    def _mixed(self, shape: Shape, value: Any, name: str) -> Any:
        """`value` with some of its texts replaced by ones that name something."""
        kind = shape.type_name
        if kind == "structure" and isinstance(value, dict) and not shape.is_document_type:
            return {key: self._mixed(shape.members[key], item, key) for key, item in value.items()}
        if kind == "list":
            return [self._mixed(shape.member, item, shape.member.serialization.get("name") or name) for item in value]
        if kind == "map":
            return {key: self._mixed(shape.value, item, name) for key, item in value.items()}
        if kind in ("string", "blob") and self.random.random() < 0.75:
            return self._known(shape, name.lower(), value)
        return value

    def _known(self, shape: Shape, name: str, otherwise: Any) -> Any:
        if shape.metadata.get("enum"):
            return otherwise
        for word, documents in DOCUMENTS.items():
            if name.endswith((word, f"{word}body", f"{word}document", f"{word}override")):
                return self.random.choice(documents)
        wanted = bytes if shape.type_name == "blob" else str
        here = self.scene.get(name, self.scene.get(name.rstrip("s")))
        if isinstance(here, wanted) and self.random.random() < 0.7:
            return here
        found = self._named(name, shape.name.lower())
        found = [one for one in found if isinstance(one, wanted)]
        if not found:
            return otherwise
        return self.random.choice(found[:FIRST] if self.random.random() < 0.5 else found)

    def _named(self, name: str, shape: str) -> list[Any]:
        """What is remembered under a member's name, its shape's, or one that ends alike (`names`, `ids`)."""
        if "arn" in name or "arn" in shape or name.startswith("resource"):
            every = [one for key, some in self.seen.items() if "arn" in key for one in some]
            return self.seen.get(name) or [one for one in every if f":{self.service}:" in one] or every
        if name in self.seen or shape in self.seen:
            return self.seen.get(name) or self.seen[shape]
        for ending in ("repositoryname", "commitid", "name", "id", "key", "commitspecifier", "policy"):
            if name.rstrip("s").endswith(ending) or shape.rstrip("s").endswith(ending):
                ending = "commitid" if ending == "commitspecifier" else ending
                return [one for key, some in self.seen.items() if key.rstrip("s").endswith(ending) for one in some]
        return []

    def break_request(self, request: HttpRequest) -> None:
        """Change one thing on the wire so that the model's types hold no more."""
        body = request.body
        if "x-amz-target" in request.headers:
            request.body = json.dumps(self._broken(json.loads(body))).encode()
        elif body and self.random.random() < 0.7:
            request.body = self._broken_form(body) if b"Action=" in body else self._broken_bytes(body)
        elif request.query:
            request.query = self._broken_form(request.query.encode()).decode()
        elif request.raw_path.count("/") > 0:
            request.raw_path += self.random.choice(
                ("/", "//", "/..", "/%00", "/%", "/%ff", "/é".encode().decode("latin-1"))
            )

    def _broken(self, node: Any) -> Any:
        places = list(_places(node))
        if not places or self.random.random() < 0.05:
            return self.random.choice(_ANYTHING)
        holder, key = self.random.choice(places)
        if isinstance(holder, dict) and self.random.random() < 0.2:
            holder.pop(key)
        else:
            holder[key] = self.random.choice(_ANYTHING)
        return node

    def _broken_form(self, body: bytes) -> bytes:
        from urllib.parse import quote_plus

        pairs = body.split(b"&")
        at = self.random.randrange(len(pairs))
        name, _, value = pairs[at].partition(b"=")
        wrong = quote_plus(self.random.choice(_TEXTS)).encode()
        pairs[at] = self.random.choice(
            (name + b"=" + wrong, name + b".1=" + value, name + b".member.x=" + wrong, b"", name, wrong + b"=" + value)
        )
        return b"&".join(pairs)

    def _broken_bytes(self, body: bytes) -> bytes:
        at = self.random.randrange(len(body))
        return self.random.choice((body[:at], body[:at] + b"<x>" + body[at:], body[:at] + b"\xff" + body[at + 1 :]))


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a JSON value as (holder, key)."""
    for key, item in list(
        node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    ):
        yield node, key
        yield from _places(item)
