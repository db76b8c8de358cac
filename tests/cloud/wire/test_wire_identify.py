"""Which operation a request is for: the table against the models, the hard cases, and a whole S3 client."""

from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from wire_client import SERVICES, request_from_prepared

from labsupport.cloud import wire
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.http import HttpRequest
from labsupport.cloud.wire import catalogue

UNKNOWN = "UnknownOperationException"
FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


def test_the_catalogue_says_what_the_models_say() -> None:
    assert {*SERVICES, "codedeploy-commands"} == catalogue.SERVICES
    for prefix, service in catalogue.TARGETS.items():
        assert wire.load(service).metadata["targetPrefix"] == prefix
    for version, service in catalogue.VERSIONS.items():
        metadata = wire.load(service).metadata
        assert metadata["apiVersion"] == version
        assert {"query", "ec2"} & set(metadata["protocols"])
    for service in SERVICES:
        model = wire.load(service)
        assert catalogue.SIGNED_AS.get(model.signing_name, model.signing_name) == service
        protocol = wire.protocol_of(model)
        assert (protocol in ("rest-json", "rest-xml")) == (service in catalogue.REST)
        assert (protocol == "json") <= (service in catalogue.TARGETS.values())
        assert (protocol in ("query", "ec2")) <= (service in catalogue.VERSIONS.values())


def form(body: str) -> HttpRequest:
    return HttpRequest("POST", "/", "", FORM, body.encode())


def target(name: str) -> HttpRequest:
    return HttpRequest("POST", "/", headers={"x-amz-target": name})


def s3(method: str, address: str, **headers: str) -> HttpRequest:
    path, _, query = address.partition("?")
    return HttpRequest(method, path, query, {name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("request_", "operation"),
    [
        (s3("GET", "/"), "ListBuckets"),
        (s3("GET", "/?x-id=ListBuckets"), "ListBuckets"),
        (s3("GET", "/b"), "ListObjects"),
        (s3("GET", "/b/"), "ListObjects"),
        (s3("GET", "/b?list-type=2&prefix=a"), "ListObjectsV2"),
        (s3("GET", "/b/?list-type=1"), "ListObjects"),
        (s3("GET", "/b?policy"), "GetBucketPolicy"),
        (s3("GET", "/b?policy="), "GetBucketPolicy"),
        (s3("GET", "/b?analytics"), "ListBucketAnalyticsConfigurations"),
        (s3("GET", "/b?analytics&id=1"), "GetBucketAnalyticsConfiguration"),
        (s3("GET", "/b//"), "GetObject"),
        (s3("GET", "/b/policy"), "GetObject"),
        (s3("GET", "/b/k?versionId=1&partNumber=2"), "GetObject"),
        (s3("GET", "/b/k?attributes"), "GetObjectAttributes"),
        (s3("GET", "/b/k?uploadId=1"), "ListParts"),
        (s3("GET", "/b/k?X-Amz-Signature=1&X-Amz-Date=2"), "GetObject"),
        (s3("HEAD", "/b"), "HeadBucket"),
        (s3("HEAD", "/b/k"), "HeadObject"),
        (s3("PUT", "/b"), "CreateBucket"),
        (s3("PUT", "/b/k"), "PutObject"),
        (s3("PUT", "/b/k", x_amz_copy_source="b/k"), "CopyObject"),
        (s3("PUT", "/b/k?partNumber=1&uploadId=2"), "UploadPart"),
        (s3("PUT", "/b/k?partNumber=1&uploadId=2", x_amz_copy_source="b/k"), "UploadPartCopy"),
        (s3("POST", "/b/k?uploads"), "CreateMultipartUpload"),
        (s3("POST", "/b/k?uploadId=1"), "CompleteMultipartUpload"),
        (s3("POST", "/b?delete"), "DeleteObjects"),
        (s3("DELETE", "/b/k?uploadId=1"), "AbortMultipartUpload"),
        (s3("DELETE", "/b/k?tagging"), "DeleteObjectTagging"),
        (s3("DELETE", "/b/k"), "DeleteObject"),
    ],
)
@pytest.mark.parametrize("signed", ["s3", None])
def test_s3_by_method_path_and_query(request_: HttpRequest, operation: str, signed: str | None) -> None:
    assert wire.identify(request_, signed) == ("s3", operation)


@pytest.mark.parametrize(
    ("request_", "signed", "found"),
    [
        (form("Action=CreateRole&Version=2010-05-08"), "iam", ("iam", "CreateRole")),
        (form("Version=2010-05-08&Action=CreateRole"), None, ("iam", "CreateRole")),
        (HttpRequest("GET", "/", "Action=GetCallerIdentity&Version=2011-06-15"), None, ("sts", "GetCallerIdentity")),
        (HttpRequest("GET", "/", "Action=GetCallerIdentity&Version=2011-06-15"), "sts", ("sts", "GetCallerIdentity")),
        (form("Action=DescribeVpcs&Version=2014-10-01"), "ec2", ("ec2", "DescribeVpcs")),
        (form("Action=ListMetrics&Version=2010-08-01"), "monitoring", ("cloudwatch", "ListMetrics")),
        (form("Action=DescribeRules&Version=2015-12-01"), "elasticloadbalancing", ("elbv2", "DescribeRules")),
        (HttpRequest("GET", "/2015-03-31/functions/"), "lambda", ("lambda", "ListFunctions")),
        (HttpRequest("GET", "/2015-03-31/functions"), None, ("lambda", "ListFunctions")),
        (HttpRequest("GET", "/2015-03-31/functions/a%3Ab"), "lambda", ("lambda", "GetFunction")),
        (HttpRequest("DELETE", "/2017-03-31/tags/arn"), "lambda", ("lambda", "UntagResource")),
        (HttpRequest("GET", "/b", "Action=x"), "s3", ("s3", "ListObjects")),
    ],
)
def test_other_protocols(request_: HttpRequest, signed: str | None, found: tuple[str, str]) -> None:
    assert wire.identify(request_, signed) == found


@pytest.mark.parametrize(
    ("request_", "signed", "code", "status"),
    [
        (target("CodeCommit_20150413.Nope"), "codecommit", UNKNOWN, 400),
        (target("Nobody.CreateRepository"), None, UNKNOWN, 400),
        (target(""), None, UNKNOWN, 400),
        (HttpRequest("POST", "/"), "codecommit", UNKNOWN, 404),
        (form("Action=Nope&Version=2010-05-08"), "iam", "InvalidAction", 400),
        (form("Action=CreateRole&Version=1999-01-01"), None, "InvalidAction", 400),
        (form("Action=CreateRole"), None, "InvalidAction", 400),
        (HttpRequest("PATCH", "/b"), "s3", "MethodNotAllowed", 405),
        (HttpRequest("POST", "/"), None, "MethodNotAllowed", 405),
        (HttpRequest("GET", "/b", "prefix=%ff"), "s3", "InvalidURI", 400),
        (HttpRequest("GET", "/1999-01-01/nothing"), "lambda", UNKNOWN, 404),
        (target("DynamoDB_20120810.ListTables"), "dynamodb", "NotSimulated", 501),
        (HttpRequest("GET", "/v1/apis"), "apigateway", "NotSimulated", 501),
        (HttpRequest("POST", "/", headers={"smithy-protocol": "rpc-v2-cbor"}), "codebuild", "NotSimulated", 501),
    ],
)
def test_what_names_nothing(request_: HttpRequest, signed: str | None, code: str, status: int) -> None:
    with pytest.raises(AwsError) as raised:
        wire.identify(request_, signed)
    assert (raised.value.code, raised.value.status) == (code, status)


def test_services_with_two_protocols_are_answered_in_the_one_that_was_used() -> None:
    service = wire.load("cloudwatch")
    assert wire.protocol_of(service) == "json"
    assert wire.protocol_used(service, target("GraniteServiceVersion20100801.ListMetrics")) == "json"
    request = form("Action=ListMetrics&Version=2010-08-01&Dimensions.member.1.Name=x")
    assert wire.protocol_used(service, request) == "query"
    operation = service.operation_model("ListMetrics")
    assert wire.parse(operation, request) == {"Dimensions": [{"Name": "x"}]}
    assert wire.serialize(operation, {"NextToken": "x"}, "id", "query").body.startswith(b"<ListMetricsResponse")
    assert wire.protocol_used(wire.load("codebuild"), HttpRequest("POST", "/")) == "json"


KEYS = [
    "plain",
    "a/b/c",
    "a b+c",
    "a%20b",
    "/leading",
    "double//slash",
    "../up",
    "./here",
    "é日😀",
    "trailing/",
    "q?a=1&b=2",
    "#x;y=z,@:$!*'()",
    "~tilde",
]


@pytest.fixture(scope="module")
def client() -> tuple[Any, list[Any]]:
    """A whole boto3 client whose requests end in a list."""
    sent: list[Any] = []
    session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
    s3_client = session.client("s3", endpoint_url="http://127.0.0.1:1", config=Config(s3={"addressing_style": "path"}))

    def keep(request: Any, **_: Any) -> AWSResponse:
        sent.append(request)
        return AWSResponse(request.url, 200, {}, _Empty())

    s3_client.meta.events.register("before-send.s3", keep)
    return s3_client, sent


class _Empty:
    """The body of a made-up response."""

    def stream(self) -> list[bytes]:
        return []

    def read(self, *_: Any) -> bytes:
        return b""


@pytest.mark.parametrize("key", KEYS)
def test_keys_arrive_as_a_whole_client_sends_them(client: tuple[Any, list[Any]], key: str) -> None:
    s3_client, sent = client
    s3_client.put_object(Bucket="bucket", Key=key, Body=b"x", Metadata={"one": "two"}, StorageClass="STANDARD")
    request = request_from_prepared(sent.pop())
    assert wire.identify(request, "s3") == ("s3", "PutObject")
    params = wire.parse(wire.operation("s3", "PutObject"), request)
    assert (params["Bucket"], params["Key"], params["Metadata"]) == ("bucket", key, {"one": "two"})
    assert "Body" not in params


def test_other_requests_of_a_whole_client(client: tuple[Any, list[Any]]) -> None:
    s3_client, sent = client
    tags = {"TagSet": [{"Key": "a", "Value": "<&>"}]}
    rules = [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*", "x"]}]
    listing = {"Bucket": "b", "Prefix": "a b+c/é", "Delimiter": "/", "MaxKeys": 5}
    calls = [
        ("PutBucketTagging", {"Bucket": "b", "Tagging": tags}),
        ("PutBucketCors", {"Bucket": "b", "CORSConfiguration": {"CORSRules": rules}}),
        ("ListObjectsV2", listing),
        ("DeleteObjects", {"Bucket": "b", "Delete": {"Objects": [{"Key": "k"}, {"Key": "é"}], "Quiet": True}}),
        ("PutBucketPolicy", {"Bucket": "b", "Policy": '{"Statement": []}'}),
        ("CopyObject", {"Bucket": "b", "Key": "k", "CopySource": "x/y"}),
        ("GetObject", {"Bucket": "b", "Key": "k", "Range": "bytes=0-1"}),
    ]
    for name, params in calls:
        getattr(s3_client, boto3.session.botocore.xform_name(name))(**params)
        request = request_from_prepared(sent.pop())
        assert wire.identify(request, "s3") == ("s3", name)
        found = wire.parse(wire.operation("s3", name), request)
        assert {key: found[key] for key in params} == params, name
