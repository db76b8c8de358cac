"""Bytes that are not what a service takes: the code and words of each protocol, and never anything but an AwsError."""

import gzip
import random
from datetime import UTC, datetime
from typing import Any

import pytest
from wire_client import SERVICES, request_of
from wire_random import Randomly, streamed

from labsupport.cloud import wire
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.http import HttpRequest

FORM = {"content-type": "application/x-www-form-urlencoded"}
BAD_XML = "The XML you provided was not well-formed or did not validate against our published schema"


def parsed(service: str, operation: str, **request: Any) -> dict[str, Any]:
    fields = {"method": "POST", "raw_path": "/", **request}
    return wire.parse(wire.operation(service, operation), HttpRequest(**fields))


def refusal(service: str, operation: str, **request: Any) -> tuple[str, str, int | None]:
    with pytest.raises(AwsError) as raised:
        parsed(service, operation, **request)
    return raised.value.code, raised.value.message, raised.value.status


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "The request body is not valid JSON"),
        (b"\xff", "The request body is not valid JSON"),
        (b'{"repositoryName": "\xff"}', "The request body is not valid JSON"),
        (b"[" * 5000, "The request body is not valid JSON"),
        (b"[]", "Start of list found where not expected"),
        (b'"x"', "Unexpected field type"),
        (b'{"repositoryName": 5}', "NUMBER_VALUE can not be converted to a String"),
        (b'{"repositoryName": true}', "TRUE_VALUE can not be converted to a String"),
        (b'{"repositoryName": {}}', "Start of structure or map found where not expected."),
        (b'{"repositoryName": []}', "Start of list found where not expected"),
        (b'{"tags": []}', "Expected map or null"),
        (b'{"tags": {"k": 5}}', "NUMBER_VALUE can not be converted to a String"),
    ],
)
def test_json_that_does_not_fit(body: bytes, message: str) -> None:
    assert refusal("codecommit", "CreateRepository", body=body) == ("SerializationException", message, 400)


@pytest.mark.parametrize(
    ("service", "operation", "body", "message"),
    [
        ("ssm", "GetParametersByPath", b'{"MaxResults": "5"}', "STRING_VALUE can not be converted to an Integer"),
        ("ssm", "GetParametersByPath", b'{"MaxResults": 5.5}', "NUMBER_VALUE can not be converted to an Integer"),
        ("ssm", "GetParametersByPath", b'{"MaxResults": 2147483648}', "2147483648 is out of the range of an Integer"),
        ("ssm", "GetParametersByPath", b'{"Recursive": "true"}', "STRING_VALUE can not be converted to a Boolean"),
        ("ssm", "GetParameters", b'{"Names": "x"}', "Expected list or null"),
        ("kms", "Encrypt", b'{"Plaintext": "a"}', "The value is not valid base64"),
        ("kms", "Encrypt", b'{"Plaintext": "a!=="}', "The value is not valid base64"),
        ("events", "PutEvents", b'{"Entries": [{"Time": "now"}]}',
         "STRING_VALUE can not be converted to milliseconds since epoch"),
        ("events", "PutEvents", b'{"Entries": [{"Time": 1e30}]}', "1e+30 is not a valid timestamp"),
        ("cloudwatch", "PutMetricData", b'{"MetricData": [{"Value": "x"}]}',
         "STRING_VALUE can not be converted to a Double"),
    ],
)  # fmt: skip
def test_json_values_of_the_wrong_type(service: str, operation: str, body: bytes, message: str) -> None:
    target = {"x-amz-target": "Any.Thing"}
    assert refusal(service, operation, body=body, headers=target) == ("SerializationException", message, 400)


def test_json_is_taken_as_aws_takes_it() -> None:
    body = b'{"Path": "/", "Recursive": null, "MaxResults": 5.0, "Unknown": {"x": 1}}'
    assert parsed("ssm", "GetParametersByPath", body=body) == {"Path": "/", "MaxResults": 5}
    assert parsed("ssm", "GetParametersByPath", body=b"") == {}
    moment = parsed("events", "PutEvents", body=b'{"Entries": [{"Time": 1.5}]}')["Entries"][0]["Time"]
    assert moment == datetime(1970, 1, 1, 0, 0, 1, 500000, UTC)
    assert moment.tzinfo is UTC


def test_packed_bodies_are_unpacked_within_bounds() -> None:
    headers = {"content-encoding": "gzip", "x-amz-target": "Any.Thing"}
    body = b'{"Namespace": "n"}'
    assert parsed("cloudwatch", "PutMetricData", headers=headers, body=gzip.compress(body)) == {"Namespace": "n"}
    bomb = gzip.compress(b" " * (17 * 1024 * 1024))
    assert refusal("cloudwatch", "PutMetricData", headers=headers, body=bomb)[1] == "The request body is too large"
    assert refusal("cloudwatch", "PutMetricData", headers=headers, body=body)[1] == "The request body is not valid gzip"


@pytest.mark.parametrize(
    ("service", "operation", "body", "code"),
    [
        ("iam", "ListRoles", b"MaxItems=many", "MalformedInput"),
        ("iam", "ListRoles", b"MaxItems=99999999999", "MalformedInput"),
        ("iam", "ListRoles", b"PathPrefix=%ff", "MalformedInput"),
        ("iam", "ListRoles", b"PathPrefix=\xff", "MalformedInput"),
        ("iam", "ListRoles", b"PathPrefix.a=b", "MalformedInput"),
        ("iam", "CreateRole", b"Tags.member.x.Key=a", "MalformedInput"),
        ("iam", "CreateRole", b"Tags.member=a", "MalformedInput"),
        ("iam", "CreateRole", b"Tags.1.Key=a", "MalformedInput"),
        ("iam", "CreateRole", b"Tags.member.1=a", "MalformedInput"),
        ("iam", "CreateRole", b"Tags=a", "MalformedInput"),
        ("sns", "CreateTopic", b"Attributes.entry.1.key=a", "MalformedInput"),
        ("sts", "GetSessionToken", b"DurationSeconds=1.5", "MalformedInput"),
        ("ec2", "DescribeVpcs", b"MaxResults=x", "InvalidParameterValue"),
        ("ec2", "DescribeVpcs", b"DryRun=maybe", "InvalidParameterValue"),
        ("ec2", "DescribeVpcs", b"Filter.x.Name=a", "InvalidParameterValue"),
    ],
)
def test_forms_that_do_not_fit(service: str, operation: str, body: bytes, code: str) -> None:
    assert refusal(service, operation, body=body, headers=FORM)[::2] == (code, 400)


def test_forms_are_taken_as_aws_takes_them() -> None:
    body = b"Action=CreateRole&RoleName=a+b%2Bc&Tags.member.10.Key=z&Tags.member.2.Key=a&Unknown.member.1=x&&="
    tags = [{"Key": "a"}, {"Key": "z"}]
    assert parsed("iam", "CreateRole", body=body, headers=FORM) == {"RoleName": "a b+c", "Tags": tags}
    assert parsed("iam", "CreateRole", body=b"Tags=", headers=FORM) == {"Tags": []}
    assert parsed("iam", "ListRoles", query="Action=ListRoles&MaxItems=5") == {"MaxItems": 5}
    filters = b"Filter.1.Name=a&Filter.1.Value.1=x&Filter.1.Value.2=y&DryRun=TRUE"
    expected = {"Filters": [{"Name": "a", "Values": ["x", "y"]}], "DryRun": True}
    assert parsed("ec2", "DescribeVpcs", body=filters, headers=FORM) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"<Tagging>",
        b"<Tagging/",
        b"not xml",
        b"\xff\xfe<\0T\0",
        b"<Other><TagSet/></Other>",
        b"<Tagging>&nothing;</Tagging>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><Tagging>&b;</Tagging>',
        b"<Tagging><TagSet><Tag><Key><x/></Key></Tag></TagSet></Tagging>",
        b'<?xml version="1.0" encoding="nonsense"?><Tagging>\xff</Tagging>',
    ],
)
def test_xml_that_does_not_fit(body: bytes) -> None:
    request = {"method": "PUT", "raw_path": "/b", "query": "tagging", "body": body}
    assert refusal("s3", "PutBucketTagging", **request) == ("MalformedXML", BAD_XML, 400)


def test_xml_is_taken_with_and_without_a_namespace() -> None:
    inside = "<TagSet><Tag><Key>a</Key><Value></Value></Tag><New>x</New></TagSet>"
    for start in ("<Tagging>", '<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'):
        body = f"<?xml version='1.0'?>{start}{inside}</Tagging>".encode()
        found = parsed("s3", "PutBucketTagging", method="PUT", raw_path="/b", body=body)
        assert found == {"Bucket": "b", "Tagging": {"TagSet": [{"Key": "a", "Value": ""}, {}]}}


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"raw_path": "/b/%ff"}, "InvalidURI"),
        ({"raw_path": "/b"}, "InvalidURI"),
        ({"raw_path": "/b/k", "query": "versionId=%ff"}, "InvalidURI"),
        ({"raw_path": "/b/k", "query": "partNumber=x"}, "InvalidArgument"),
        ({"raw_path": "/b/k", "headers": {"if-modified-since": "yesterday"}}, "InvalidArgument"),
    ],
)
def test_paths_queries_and_headers_that_do_not_fit(request_: dict[str, Any], code: str) -> None:
    assert refusal("s3", "GetObject", method="GET", **request_)[::2] == (code, 400)


def test_a_body_does_not_override_the_path() -> None:
    found = parsed(
        "lambda",
        "UpdateFunctionConfiguration",
        method="PUT",
        raw_path="/2015-03-31/functions/mine/configuration",
        body=b'{"FunctionName": "another", "Timeout": 5}',
    )
    assert found == {"FunctionName": "mine", "Timeout": 5}


@pytest.mark.parametrize("service", SERVICES)
def test_damaged_requests_raise_nothing_but_aws_errors(service: str) -> None:
    """Valid requests, with bytes changed, cut out and doubled."""
    luck = random.Random(service)
    names = sorted(wire.operation_names(service))
    for name in luck.sample(names, min(len(names), 40)):
        operation = wire.operation(service, name)
        values = Randomly(f"damage {service} {name}")
        params = values.value(operation.input_shape) if operation.input_shape else {}
        for member in operation.input_shape.required_members if operation.input_shape else ():
            if streamed(operation.input_shape.members[member]):
                params[member] = b""
        request = request_of(operation, params)
        for _ in range(25):
            damaged = damage(luck, request)
            try:
                wire.identify(damaged, operation.service_model.signing_name)
                wire.validate(operation, wire.parse(operation, damaged))
            except AwsError as error:
                wire.serialize_error(operation.service_model, operation, error, "id", damaged)


def damage(luck: random.Random, request: HttpRequest) -> HttpRequest:
    query = changed(luck, request.query.encode()).decode("latin-1")
    path = changed(luck, request.raw_path.encode()).decode("latin-1") if luck.random() < 0.3 else request.raw_path
    headers = {name: changed(luck, value.encode()).decode("latin-1") for name, value in request.headers.items()}
    kept = request.headers if luck.random() < 0.7 else headers
    return HttpRequest(request.method, path, query, kept, changed(luck, request.body))


def changed(luck: random.Random, data: bytes) -> bytes:
    for _ in range(luck.randrange(0, 4) if data else 0):
        at, length = luck.randrange(len(data) + 1), luck.randrange(1, 8)
        put = luck.choice([b"", luck.randbytes(length), b'"', b"<", b"{", b"]", b"null", b"%zz", b".", b"&", data[at:]])
        data = data[:at] + put + data[at + luck.choice([0, length]) :]
    return data
