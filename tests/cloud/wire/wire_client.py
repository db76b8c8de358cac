"""botocore's own client side: what it sends for parameters, and what it reads from a response."""

import io
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import HeadersDict
from botocore.model import OperationModel, Shape
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from botocore.utils import percent_encode_sequence

from labsupport.cloud import wire
from labsupport.cloud.core.http import HttpRequest, HttpResponse

# By the service's name in botocore; the first fifteen are the lab's, the others are for later.
SERVICES = [
    *("sts", "iam", "kms", "s3", "ssm", "logs", "sns", "events", "cloudtrail", "ec2", "cloudformation"),
    *("codecommit", "codebuild", "codedeploy", "codepipeline", "cloudwatch", "sqs", "lambda", "ecs"),
    *("elasticbeanstalk", "secretsmanager", "organizations", "autoscaling", "elbv2"),
]


def request_of(operation: OperationModel, params: dict[str, Any], protocol: str | None = None) -> HttpRequest:
    """The request that botocore's serializer makes, its own validation included."""
    serializer = create_serializer(protocol or wire.protocol_of(operation.service_model), include_validation=True)
    made = serializer.serialize_to_request(params, operation)
    path, _, fixed = made["url_path"].partition("?")
    query = percent_encode_sequence(made["query_string"]) if made["query_string"] else ""
    body = made["body"]
    return HttpRequest(
        made["method"],
        path,
        "&".join(part for part in (fixed, query) if part),
        {name.lower(): value for name, value in made["headers"].items()},
        body if isinstance(body, bytes) else percent_encode_sequence(body).encode(),
    )


def request_from_prepared(prepared: Any) -> HttpRequest:
    """The request of a `before-send` hook: what a whole client would have put on the wire."""
    parts = urlsplit(prepared.url)
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else value for name, value in prepared.headers.items()
    }
    body = prepared.body or b""
    return HttpRequest(prepared.method, parts.path, parts.query, headers, body if isinstance(body, bytes) else b"")


def read(operation: OperationModel, response: HttpResponse, shape: Shape | None, protocol: str | None = None) -> Any:
    """What botocore's parser makes of a response; a streamed body is a file, as it is for a client."""
    assert not isinstance(response.body, AsyncIterator)
    streams = operation.has_streaming_output and response.status < 300
    parser = create_parser(protocol or wire.protocol_of(operation.service_model))
    return parser.parse(
        {
            "status_code": response.status,
            "headers": HeadersDict(response.headers),
            "body": io.BytesIO(response.body) if streams else response.body,
            "context": {"operation_name": operation.name},
        },
        shape,
    )
