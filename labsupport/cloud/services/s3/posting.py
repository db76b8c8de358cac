"""Uploads by a form: who signed its policy, and whether the form keeps to it (API Reference: "POST Object").

A form that holds is then PutObject under its signer's rights.
"""

import base64
import binascii
import hmac
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from string import punctuation
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import msgspec

from labsupport.cloud.core import model
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.checksums import checks_of, watched
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.http import HttpRequest, HttpResponse
from labsupport.cloud.core.identity import ANONYMOUS, AccessKey, Caller, Session, root
from labsupport.cloud.core.signing import ALGORITHM, signature
from labsupport.cloud.services.s3.base import Params, service
from labsupport.cloud.services.s3.forms import Form, read_form
from labsupport.cloud.wire import parse
from labsupport.cloud.wire.xml_out import escape

_UNCOVERED = ("policy", "x-amz-signature", "signature", "awsaccesskeyid")  # no condition has to name these fields
_NO_HEADERS = ("content-length", "host", "authorization", "transfer-encoding")


class Signer(NamedTuple):
    caller: Caller
    region: str


async def post_object(cloud: Cloud, request: HttpRequest, bucket: str, request_id: str) -> HttpResponse:
    form = await read_form(request.headers.get("content-type", ""), request.parts())
    form.fields["key"] = _key(form)
    signer = _signer(cloud, form.fields)
    least, most = check_policy(form.fields, bucket, cloud.clock.true_now()) if "policy" in form.fields else (0, None)
    headers = {name: value for name, value in form.fields.items() if name not in _NO_HEADERS}
    params = _params(bucket, form.fields, headers)
    call = _call(cloud, signer, request, request_id)
    checks = checks_of(headers)
    content = _bounded(form.file, least, most)
    call.body = watched(content, checks) if checks else content
    result = await cloud.way_in.perform(call, "PutObject", params)
    return _answer(form.fields, bucket, result, cloud)


def _key(form: Form) -> str:
    if not form.fields.get("key"):
        rule = "Bucket POST must contain a field named 'key'."
        message = f"{rule}  If it is specified, please check the order of the fields."
        raise AwsError("InvalidArgument", message, 400, ArgumentName="key", ArgumentValue="")
    return form.fields["key"].replace("${filename}", form.file_name)


def _call(cloud: Cloud, signer: Signer, request: HttpRequest, request_id: str) -> Call:
    caller = signer.caller
    return Call(
        cloud=cloud,
        service=service,
        operation="PutObject",
        caller=caller,
        account=cloud.settings.account if caller.kind == "anonymous" else caller.account,
        region=signer.region,
        request_id=request_id,
        source_ip=request.client,
        user_agent=request.headers.get("user-agent", ""),
        secure=request.secure,
        host=request.headers.get("host", ""),
        headers=request.headers,
        method=request.method,
        path=request.raw_path,
        query=request.query,
        gone=request.gone,
    )


def _params(bucket: str, fields: dict[str, str], headers: dict[str, str]) -> Params:
    """The form's fields as the parameters of PutObject, which names them by its headers."""
    path = f"/{quote(bucket)}/{quote(fields['key'])}"
    put = HttpRequest("PUT", path, headers={**headers, **({"x-amz-acl": fields["acl"]} if "acl" in fields else {})})
    params = parse(model.operation("s3", "PutObject"), put)
    if "tagging" in fields:
        tagging = HttpRequest("PUT", path, "tagging", body=fields["tagging"].encode())
        given = parse(model.operation("s3", "PutObjectTagging"), tagging)
        params["Tagging"] = urlencode([(tag["Key"], tag["Value"]) for tag in given["Tagging"]["TagSet"]])
    return params


# Who


def _signer(cloud: Cloud, fields: dict[str, str]) -> Signer:
    """The caller whose key signed the policy; a form without a policy is anonymous."""
    if "policy" not in fields:
        return Signer(ANONYMOUS, cloud.settings.region)
    key, _, scope = fields.get("x-amz-credential", fields.get("awsaccesskeyid", "")).partition("/")
    region = scope.split("/")[1] if scope.count("/") == 3 else cloud.settings.region
    secret, token, expires = _secret(cloud, key)
    if cloud.settings.open:
        return Signer(root(cloud.settings.account, key), region)
    if secret is None:
        message = "The AWS Access Key Id you provided does not exist in our records."
        raise AwsError("InvalidAccessKeyId", message, 403, AWSAccessKeyId=key)
    _check_signature(fields, secret, scope)
    if fields.get("x-amz-security-token", "") != token:
        raise AwsError("InvalidToken", "The provided token is malformed or otherwise invalid.", 400)
    if expires is not None and expires <= cloud.clock.epoch():
        raise AwsError("ExpiredToken", "The provided token has expired.", 400)
    return Signer(cloud.way_in.caller(key), region)


def _secret(cloud: Cloud, key: str) -> tuple[str | None, str, float | None]:
    session = cloud.store.get(Session, key)
    if session:
        return session.secret, session.token, session.expires
    found = cloud.store.get(AccessKey, key)
    return (found.secret if found and found.active else None), "", None


def _check_signature(fields: dict[str, str], secret: str, scope: str) -> None:
    policy = fields["policy"].encode()
    if "x-amz-credential" not in fields:  # version 2
        expected = base64.b64encode(hmac.digest(secret.encode(), policy, "sha1")).decode()
        given = fields.get("signature", "")
    else:
        parts = scope.split("/")
        if len(parts) != 4 or fields.get("x-amz-algorithm") != ALGORITHM or parts[2:] != ["s3", "aws4_request"]:
            raise AwsError("InvalidRequest", "The form's signature is not one of Signature Version 4.", 400)
        expected = signature(secret, parts[0], parts[1], parts[2], policy)
        given = fields.get("x-amz-signature", "")
    if not hmac.compare_digest(expected.encode(), given.encode()):
        message = (
            "The request signature we calculated does not match the signature you provided. Check your key and signing "
            "method."
        )
        raise AwsError("SignatureDoesNotMatch", message, 403, StringToSign=fields["policy"])


# What


def check_policy(fields: dict[str, str], bucket: str, now: datetime) -> tuple[int, int | None]:
    """Refuse a form that its policy doesn't allow; how large its file has to be at least and may be at most."""
    policy = _decoded(fields["policy"])
    if _expiry(policy) <= now:
        raise _denied("Policy expired.")
    values = {**fields, "bucket": bucket}
    named, least, most = set(_UNCOVERED), 0, None
    for condition in _conditions(policy):
        if condition[0] == "content-length-range":
            least, most = int(condition[1]), int(condition[2])
            continue
        name = condition[1].lower()
        named.add(name)
        if not _holds(condition[0], values.get(name, ""), condition[2]):
            shown = msgspec.json.encode([condition[0], f"${condition[1]}", condition[2]]).decode()
            raise _denied(f"Policy Condition failed: {shown.replace(',', ', ')}")
    extra = [name for name in fields if name not in named and not name.startswith("x-ignore-")]
    if extra:
        raise _denied(f"Extra input fields: {', '.join(extra)}")
    return least, most


def _decoded(text: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(base64.b64decode(text, validate=True), type=dict[str, Any])
    except (binascii.Error, ValueError, RecursionError):
        raise _invalid("Invalid JSON.") from None
    if not isinstance(found.get("conditions"), list) or not isinstance(found.get("expiration"), str):
        raise _invalid("Policy missing expiration or conditions.")
    return found


def _expiry(policy: dict[str, Any]) -> datetime:
    try:
        found = datetime.fromisoformat(policy["expiration"])
    except ValueError:
        raise _invalid(f"Invalid 'expiration' value: '{policy['expiration']}'") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _conditions(policy: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """(eq or starts-with, field, value) or (content-length-range, least, most)."""
    found: list[tuple[str, Any, Any]] = []
    for one in policy["conditions"]:
        if isinstance(one, dict):
            found += [("eq", name, str(value)) for name, value in one.items()]
        elif isinstance(one, list) and len(one) == 3 and isinstance(one[0], str):
            found.append(_listed(one))
        else:
            raise _invalid("Invalid Condition")
    return found


def _listed(one: list[Any]) -> tuple[str, Any, Any]:
    kind = one[0].lower()
    if kind == "content-length-range" and all(str(bound).isdecimal() for bound in one[1:]):
        return kind, one[1], one[2]
    if kind in ("eq", "starts-with") and str(one[1]).startswith("$"):
        return kind, str(one[1])[1:], str(one[2])
    raise _invalid(f"Invalid Condition: {one[0]}")


def _holds(kind: str, given: str, wanted: str) -> bool:
    return given == wanted if kind == "eq" else given.startswith(wanted)


def _denied(why: str) -> AwsError:
    return AwsError("AccessDenied", f"Invalid according to Policy: {why}", 403)


def _invalid(why: str) -> AwsError:
    return AwsError("InvalidPolicyDocument", f"Invalid Policy: {why}", 400)


async def _bounded(file: AsyncIterator[bytes], least: int, most: int | None) -> AsyncIterator[bytes]:
    """The file as it comes; an error instead of its end, or as soon as it is too large."""
    size = 0
    async for part in file:
        size += len(part)
        if most is not None and size > most:
            message, limit = "Your proposed upload exceeds the maximum allowed size", str(most)
            raise AwsError("EntityTooLarge", message, 400, ProposedSize=str(size), MaxSizeAllowed=limit)
        yield part
    if size < least:
        message, limit = "Your proposed upload is smaller than the minimum allowed size", str(least)
        raise AwsError("EntityTooSmall", message, 400, ProposedSize=str(size), MinSizeAllowed=limit)


# The answer


def _answer(fields: dict[str, str], bucket: str, result: Params, cloud: Cloud) -> HttpResponse:
    headers = {"etag": result["ETag"], "location": f"{cloud.settings.endpoint}/{bucket}/{quote(fields['key'])}"}
    if "VersionId" in result:
        headers["x-amz-version-id"] = result["VersionId"]
    target = fields.get("success_action_redirect") or fields.get("redirect")
    if target and target.startswith(("http://", "https://")):
        query = urlencode({"bucket": bucket, "key": fields["key"], "etag": result["ETag"]})
        return HttpResponse(303, {**headers, "location": f"{_uri(target)}{'&' if '?' in target else '?'}{query}"})
    status = fields.get("success_action_status")
    if status == "201":
        parts = {"Location": headers["location"], "Bucket": bucket, "Key": fields["key"], "ETag": result["ETag"]}
        inside = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in parts.items())
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse>{inside}</PostResponse>'
        return HttpResponse(201, {**headers, "content-type": "application/xml"}, body.encode())
    return HttpResponse(200 if status == "200" else 204, headers)


def _uri(text: str) -> str:
    """What a page gave as an address, as a header can carry it."""
    return quote(text, safe=punctuation)
