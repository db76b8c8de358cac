"""botocore's own protocol test cases, from the server's side.

Where botocore's tests say "these parameters make this request", ours say "this request gives these parameters";
where they say "this response gives this result", ours say "this result makes a response that botocore reads as
this result". The cases (see tests/data/botocore-protocols.md) have shapes that no service here has yet.
"""

import gzip
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from botocore.model import OperationModel, ServiceModel
from wire_client import read
from wire_random import streamed, without_empty

from labsupport.cloud import wire
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.http import HttpRequest

DATA = Path(__file__).parents[2] / "data" / "botocore-protocols.json.gz"
CASES = msgspec.json.decode(gzip.decompress(DATA.read_bytes()))
PROTOCOLS = ["json", "json_1_0", "query", "ec2", "rest-json", "rest-xml"]
REQUEST = HttpRequest("POST", "/")

# A member that takes all query parameters: rest-json's cases give the client's caller's value, which repeats
# what other members hold; rest-xml's don't. Ours is rest-xml's reading, so that a value comes back once.
REPEATED = {
    "RestJsonAllQueryStringTypes",
    "RestJsonQueryStringEscaping",
    "RestJsonSupportsInfinityFloatQueryValues",
    "RestJsonSupportsNaNFloatQueryValues",
    "RestJsonSupportsNegativeInfinityFloatQueryValues",
    "RestJsonZeroAndFalseQueryValues",
}
# A member that takes all headers: botocore gives it our content type and request id too.
ALL_HEADERS = {"HttpPrefixHeadersResponse"}


def cases(direction: str, protocol: str) -> list[tuple[OperationModel, dict[str, Any]]]:
    found = []
    for suite in CASES[direction][protocol]:
        for case in suite["cases"]:
            given = case["given"]
            model = {**suite, "operations": {given["name"]: given}}
            found.append((ServiceModel(model, "test").operation_model(given["name"]), case))
    assert found
    return found


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_requests_give_their_parameters(protocol: str) -> None:
    for operation, case in cases("input", protocol):
        if case["id"] in REPEATED:
            continue
        sent = case["serialized"]
        path, _, query = sent.get("uri", "/").partition("?")
        headers = {name.lower(): value for name, value in sent.get("headers", {}).items()}
        request = HttpRequest(sent.get("method", "POST"), path, query, headers, sent.get("body", "").encode())
        expected = typed(operation.input_shape, case["params"]) if operation.input_shape else {}
        assert same(wire.parse(operation, request), expected), case["id"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_results_make_responses_that_botocore_reads(protocol: str) -> None:
    for operation, case in cases("output", protocol):
        if "error" in case or case["id"] in ALL_HEADERS:
            continue
        shape = operation.output_shape
        if protocol == "query" and shape and shape.members:  # the cases leave it out; every real model has it
            shape.serialization["resultWrapper"] = f"{operation.name}Result"
        result = typed(shape, case.get("result", {})) if shape else {}
        found = read(operation, wire.serialize(operation, result, "id"), shape)
        assert found.pop("ResponseMetadata")["RequestId"] == "id"
        found = {name: item.read() if hasattr(item, "read") else item for name, item in found.items()}
        assert same(found, result), case["id"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_errors_make_responses_that_botocore_reads(protocol: str) -> None:
    for operation, case in cases("output", protocol):
        if "error" not in case:
            continue
        shape = operation.error_shapes[0]
        members = {name: item for name, item in typed(shape, case["error"]).items() if name.lower() != "message"}
        error = AwsError(shape.name, case.get("errorMessage", "said"), None, **members)
        response = wire.serialize_error(operation.service_model, operation, error, "id", REQUEST)
        assert response.status == case["response"]["status_code"], case["id"]
        found = read(operation, response, operation.output_shape)
        assert found["Error"]["Code"] == case.get("errorCode", shape.error_code), case["id"]
        assert found["Error"]["Message"] == error.message, case["id"]
        assert found["ResponseMetadata"]["RequestId"] == "id", case["id"]
        extra = read(operation, response, shape)
        assert same({name: item for name, item in extra.items() if name.lower() != "message"}, members), case["id"]


def test_the_explained_cases_exist() -> None:
    ids = {case["id"] for direction in CASES.values() for s in direction.values() for x in s for case in x["cases"]}
    assert ids >= REPEATED | ALL_HEADERS


def typed(shape: Any, value: Any) -> Any:
    """A case's JSON as the Python value that it stands for."""
    if shape.type_name == "structure" and not shape.is_document_type:
        kept = {name: item for name, item in value.items() if item is not None and not streamed(shape.members[name])}
        return {name: typed(shape.members[name], item) for name, item in kept.items()}
    if shape.type_name == "list":
        return [typed(shape.member, item) for item in value]
    if shape.type_name == "map":
        return {key: typed(shape.value, item) for key, item in value.items() if item is not None}
    scalars = {"timestamp": lambda item: datetime.fromtimestamp(item, UTC), "blob": str.encode, "float": float}
    return scalars.get("float" if shape.type_name == "double" else shape.type_name, lambda item: item)(value)


def same(found: Any, expected: Any) -> bool:
    if isinstance(found, dict) and isinstance(expected, dict):
        found, expected = without_empty(found), without_empty(expected)
        found, expected = ({k: v for k, v in value.items() if v != b""} for value in (found, expected))
        return found.keys() == expected.keys() and all(same(found[key], expected[key]) for key in expected)
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(same, found, expected))
    if isinstance(expected, float) and isinstance(found, str):  # botocore leaves "NaN" a string in json
        found = float(found)
    return found == expected or (expected != expected and isinstance(found, float) and math.isnan(found))
