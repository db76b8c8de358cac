"""What results become: left-out members, mistakes in them, and everything that has to be escaped or spelled."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from wire_client import read

from labsupport.cloud import wire
from labsupport.cloud.core.http import HttpResponse

NOON = datetime(2024, 5, 6, 12, 0, 0, tzinfo=UTC)


def answer(service: str, operation: str, result: dict[str, Any]) -> HttpResponse:
    return wire.serialize(wire.operation(service, operation), result, "id-1")


@pytest.mark.parametrize(
    ("service", "operation", "result", "name"),
    [
        ("codecommit", "GetRepository", {"repositoryMetdata": {}}, "repositoryMetdata"),
        ("codecommit", "GetRepository", {"repositoryMetadata": {"nam": "x"}}, "nam"),
        ("codecommit", "ListRepositories", {"repositories": [{"name": "x"}]}, "name"),
        ("codecommit", "TagResource", {"x": 1}, "x"),
        ("sts", "GetCallerIdentity", {"Acount": "1"}, "Acount"),
        ("ec2", "DescribeVpcs", {"Vpcs": [{"Id": "x"}]}, "Id"),
        ("ec2", "CreateTags", {"Return": True}, "Return"),
        ("s3", "PutObject", {"Etag": "x"}, "Etag"),
        ("s3", "GetObject", {"Content": b""}, "Content"),
        ("s3", "ListBuckets", {"Bucket": []}, "Bucket"),
        ("s3", "GetBucketLocation", {"Region": "x"}, "Region"),
        ("s3", "CopyObject", {"CopyObjectResult": {"Etag": "x"}}, "Etag"),
        ("s3", "DeleteBucket", {"x": 1}, "x"),
        ("lambda", "GetFunction", {"Config": {}}, "Config"),
    ],
)
def test_a_misspelt_member_is_a_mistake_that_is_named(
    service: str, operation: str, result: dict[str, Any], name: str
) -> None:
    with pytest.raises(KeyError, match=f"'{name}'"):
        answer(service, operation, result)


@pytest.mark.parametrize(
    ("service", "operation", "result"),
    [
        ("codecommit", "GetRepository", {"repositoryMetadata": {"repositoryId": None, "repositoryName": "x"}}),
        ("iam", "GetRole", {"Role": {"Path": None, "RoleName": "x"}}),
        ("ec2", "DescribeVpcs", {"NextToken": None, "Vpcs": [{"VpcId": "x", "Tags": None}]}),
        ("s3", "ListObjectsV2", {"Prefix": None, "Name": "x", "Contents": None}),
        ("s3", "HeadObject", {"VersionId": None, "ETag": "x", "Metadata": None}),
        ("lambda", "GetFunction", {"Code": None, "Configuration": {"FunctionName": "x", "Role": None}}),
    ],
)
def test_none_is_left_out(service: str, operation: str, result: dict[str, Any]) -> None:
    found = read(wire.operation(service, operation), answer(service, operation, result), output(service, operation))
    found.pop("ResponseMetadata")
    assert {name: item for name, item in found.items() if item} == without_none(result)


def output(service: str, operation: str) -> Any:
    return wire.operation(service, operation).output_shape


def without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_none(item) for name, item in value.items() if item is not None}
    return [without_none(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("service", "operation", "result", "text"),
    [
        ("codecommit", "GetRepository", {"repositoryMetadata": {"creationDate": NOON}}, b'"creationDate":1714996800}'),
        ("codecommit", "GetRepository", {"repositoryMetadata": {"creationDate": 1.25}}, b'"creationDate":1.25}'),
        ("iam", "GetUser", {"User": {"CreateDate": NOON}}, b"<CreateDate>2024-05-06T12:00:00Z</CreateDate>"),
        ("iam", "GetUser", {"User": {"CreateDate": 0}}, b"<CreateDate>1970-01-01T00:00:00Z</CreateDate>"),
        ("ec2", "DescribeVolumes", {"Volumes": [{"CreateTime": NOON}]},
         b"<createTime>2024-05-06T12:00:00.000Z</createTime>"),
        ("s3", "ListObjectsV2", {"Contents": [{"LastModified": NOON}]},
         b"<LastModified>2024-05-06T12:00:00.000Z</LastModified>"),
        ("cloudformation", "DescribeStacks", {"Stacks": [{"CreationTime": NOON + timedelta(milliseconds=5)}]},
         b"<CreationTime>2024-05-06T12:00:00.005Z</CreationTime>"),
    ],
)  # fmt: skip
def test_timestamps_have_the_protocols_spelling(
    service: str, operation: str, result: dict[str, Any], text: bytes
) -> None:
    assert text in answer(service, operation, result).body


def test_timestamps_of_other_zones_are_told_in_utc() -> None:
    there = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    response = answer("s3", "HeadObject", {"LastModified": there})
    assert response.headers["last-modified"] == "Mon, 06 May 2024 12:00:00 GMT"


@pytest.mark.parametrize("text", ["<a>&amp;'\"", "a\r\nb\rc", "tab\tend ", "é日😀", "  "])
def test_xml_gives_text_back_as_it_was(text: str) -> None:
    operation = wire.operation("iam", "GetRole")
    response = wire.serialize(operation, {"Role": {"Description": text}}, "id")
    assert read(operation, response, operation.output_shape)["Role"]["Description"] == text


def test_what_xml_can_not_hold_does_not_break_the_document() -> None:
    operation = wire.operation("iam", "GetRole")
    response = wire.serialize(operation, {"Role": {"Description": "a\x00\x1b\ud800b"}}, "id")
    assert read(operation, response, operation.output_shape)["Role"]["Description"] == "a\ufffd\ufffd\ufffdb"


def test_headers_stay_one_line_of_latin_1() -> None:
    response = answer("s3", "GetObject", {"ContentType": "text/plain\r\nset-cookie: a", "ContentDisposition": "日é"})
    assert response.headers["content-type"] == "text/plain  set-cookie: a"
    assert response.headers["content-disposition"].encode("latin-1") == b"?\xe9"


def test_xml_attributes_and_their_namespace() -> None:
    grants = [{"Grantee": {"Type": "CanonicalUser", "ID": 'a"b'}, "Permission": "READ"}]
    body = answer("s3", "GetBucketAcl", {"Grants": grants}).body
    assert b'<AccessControlPolicy xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' in body
    assert b'<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">' in body


@pytest.mark.parametrize(
    ("service", "operation", "result", "status", "body"),
    [
        ("codecommit", "TagResource", {}, 200, b""),
        ("codecommit", "GetRepository", {}, 200, b"{}"),
        ("s3", "DeleteBucket", {}, 204, b""),
        ("s3", "PutObject", {"ETag": "x"}, 200, b""),
        ("s3", "GetObject", {"Body": b"abc"}, 200, b"abc"),
        ("s3", "GetObject", {"Body": b"b", "ContentRange": "bytes 1-1/3"}, 206, b"b"),
        ("s3", "GetBucketPolicy", {"Policy": "{é}"}, 200, "{é}".encode()),
        ("lambda", "Invoke", {"StatusCode": 202, "Payload": b"x"}, 202, b"x"),
        ("lambda", "CreateFunction", {"FunctionName": "f"}, 201, b'{"FunctionName":"f"}'),
        ("lambda", "DeleteAlias", {}, 204, b""),
        ("ec2", "CreateTags", {}, 200,
         b'<CreateTagsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15"><requestId>id-1</requestId>'
         b"<return>true</return></CreateTagsResponse>"),
        ("iam", "DeleteRole", {}, 200,
         b'<DeleteRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
         b"<ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></DeleteRoleResponse>"),
    ],
)  # fmt: skip
def test_status_and_body(service: str, operation: str, result: dict[str, Any], status: int, body: bytes) -> None:
    response = answer(service, operation, result)
    assert (response.status, response.body) == (status, body)


@pytest.mark.parametrize(
    ("service", "operation", "headers"),
    [
        ("codecommit", "ListRepositories", {"x-amzn-requestid": "id-1", "content-type": "application/x-amz-json-1.1"}),
        ("sqs", "ListQueues", {"x-amzn-requestid": "id-1", "content-type": "application/x-amz-json-1.0"}),
        ("sts", "GetCallerIdentity", {"x-amzn-requestid": "id-1", "content-type": "text/xml"}),
        ("ec2", "DescribeVpcs", {"x-amzn-requestid": "id-1", "content-type": "text/xml;charset=UTF-8"}),
        ("lambda", "ListFunctions", {"x-amzn-requestid": "id-1", "content-type": "application/json"}),
    ],
)
def test_headers(service: str, operation: str, headers: dict[str, str]) -> None:
    assert answer(service, operation, {}).headers == headers


def test_headers_of_s3() -> None:
    headers = answer("s3", "PutObject", {"ETag": '"x"', "BucketKeyEnabled": True}).headers
    assert headers.pop("x-amz-id-2")
    bucket_key = "x-amz-server-side-encryption-bucket-key-enabled"
    assert headers == {"etag": '"x"', bucket_key: "true", "x-amz-request-id": "id-1"}


def test_a_streamed_body_is_passed_through() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"x"

    body = pieces()
    response = answer("s3", "GetObject", {"Body": body, "ContentLength": 1, "Metadata": {"Two": "2"}})
    assert response.body is body
    assert response.headers["content-length"] == "1"
    assert response.headers["x-amz-meta-two"] == "2"


def test_json_numbers_that_json_has_not() -> None:
    result = {"Datapoints": [{"Average": float("nan"), "Sum": float("-inf"), "Maximum": 1.5}]}
    body = msgspec.json.decode(answer("cloudwatch", "GetMetricStatistics", result).body)
    assert body["Datapoints"] == [{"Average": "NaN", "Sum": "-Infinity", "Maximum": 1.5}]


def test_event_streams_are_passed_through_as_they_are() -> None:
    response = answer("logs", "StartLiveTail", {"responseStream": b"frames"})
    assert (response.body, response.headers["content-type"]) == (b"frames", "application/vnd.amazon.eventstream")


def test_json_takes_text_that_utf_8_has_not() -> None:
    metadata = {"repositoryName": "a\ud800b", "repositoryDescription": "é"}
    body = answer("codecommit", "GetRepository", {"repositoryMetadata": metadata}).body
    assert msgspec.json.decode(body)["repositoryMetadata"] == metadata | {"repositoryName": "a\ufffdb"}
