"""What browsers ask by themselves: preflights and forms; and the headers that they look for in answers.

API Reference: "OPTIONS object", "POST Object".
"""

import logging
from urllib.parse import unquote

from labsupport.cloud.core import ids, model
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.http import HttpRequest, HttpResponse
from labsupport.cloud.services.s3.base import Bucket, Params, service
from labsupport.cloud.services.s3.cors import answer_headers
from labsupport.cloud.services.s3.posting import post_object
from labsupport.cloud.wire import serialize_error

log = logging.getLogger("labsupport.cloud.s3")


def _bucket_in(path: str) -> str:
    return unquote(path.lstrip("/").partition("/")[0])


async def answer(cloud: Cloud, request: HttpRequest) -> HttpResponse:
    """The response to a preflight or a form."""
    request_id = ids.request_id()
    try:
        if request.method == "OPTIONS":
            response = _preflight(cloud, request)
        else:
            response = await post_object(cloud, request, _bucket_in(request.raw_path), request_id)
    except AwsError as error:
        return serialize_error(model.load("s3"), None, error, request_id, request)
    response.headers["x-amz-request-id"] = request_id
    return response


def _preflight(cloud: Cloud, request: HttpRequest) -> HttpResponse:
    """May a page of that origin send such a request?"""
    headers = request.headers
    if "origin" not in headers:
        raise AwsError("BadRequest", "Insufficient information. Origin request header needed.", 400)
    method = headers.get("access-control-request-method")
    if method not in ("GET", "PUT", "POST", "DELETE", "HEAD"):
        raise AwsError("BadRequest", f"Invalid Access-Control-Request-Method: {method or 'null'}", 400)
    wanted = [name.strip().lower() for name in headers.get("access-control-request-headers", "").split(",")]
    bucket = cloud.store.get(Bucket, _bucket_in(request.raw_path))
    kind = "OBJECT" if request.raw_path.strip("/").count("/") else "BUCKET"
    members: Params = {"Method": method, "ResourceType": kind}
    if bucket is None or not bucket.cors:
        raise AwsError("AccessForbidden", "CORSResponse: CORS is not enabled for this bucket.", 403, **members)
    allowed = answer_headers(bucket.cors, headers["origin"], method, [name for name in wanted if name])
    if allowed is None:
        message = (
            "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request "
            "method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the "
            "resource's CORS spec."
        )
        raise AwsError("AccessForbidden", message, 403, **members)
    return HttpResponse(200, allowed)


def dress(cloud: Cloud, request: HttpRequest, response: HttpResponse) -> None:
    """Tell the browser whether the page that sent a request may read its answer."""
    bucket = cloud.store.get(Bucket, _bucket_in(request.raw_path))
    if bucket and bucket.cors:
        found = answer_headers(bucket.cors, request.headers["origin"], request.method, []) or {}
        response.headers.update(found)


service.route = answer
service.dress = dress
