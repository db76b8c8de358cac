"""Cross-origin requests: a bucket's rules, and what browsers are told by them (User Guide: "Using CORS")."""

import re

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.s3.base import BUCKET, MALFORMED, Params, bucket_named, service

_METHODS = ("GET", "PUT", "POST", "DELETE", "HEAD")
_MOST = 100  # rules


@service.operation(on=BUCKET, action="s3:PutBucketCORS")
def put_bucket_cors(call: Call, params: Params) -> Params:
    bucket, rules = bucket_named(call, params), params["CORSConfiguration"]["CORSRules"]
    if not 1 <= len(rules) <= _MOST:
        raise AwsError("MalformedXML", MALFORMED, 400)
    for rule in rules:
        _check(rule)
    bucket.cors = params["CORSConfiguration"]
    call.store.put(bucket)
    return {}


def _check(rule: Params) -> None:
    for method in rule["AllowedMethods"]:
        if method not in _METHODS:
            message = f"Found unsupported HTTP method in CORS config. Unsupported method is {method}"
            raise AwsError("InvalidRequest", message, 400)
    for kind in ("AllowedOrigin", "AllowedHeader"):
        for text in rule.get(f"{kind}s", []):
            if text.count("*") > 1:
                raise AwsError("InvalidRequest", f'{kind} "{text}" can not have more than one wildcard.', 400)
    for text in rule.get("ExposeHeaders", []):
        if "*" in text:
            message = f'ExposeHeader "{text}" contains wildcard. We currently do not support wildcard for ExposeHeader.'
            raise AwsError("InvalidRequest", message, 400)


@service.operation(on=BUCKET, action="s3:GetBucketCORS")
def get_bucket_cors(call: Call, params: Params) -> Params:
    bucket = bucket_named(call, params)
    if not bucket.cors:
        message = "The CORS configuration does not exist"
        raise AwsError("NoSuchCORSConfiguration", message, 404, BucketName=bucket.name)
    return bucket.cors


@service.operation(on=BUCKET, action="s3:PutBucketCORS")
def delete_bucket_cors(call: Call, params: Params) -> Params:
    bucket = bucket_named(call, params)
    bucket.cors = {}
    call.store.put(bucket)
    return {}


def answer_headers(cors: Params, origin: str, method: str, wanted: list[str]) -> dict[str, str] | None:
    """The headers of an answer to a request from `origin`; None where no rule lets it through.

    `wanted` are the headers that a preflight asks for, in lower case. The first rule that fits counts.
    """
    for rule in cors.get("CORSRules", []):
        allowed = next((one for one in rule["AllowedOrigins"] if _fits(one, origin)), None)
        if allowed is None or method not in rule["AllowedMethods"]:
            continue
        if all(any(_fits(one.lower(), name) for one in rule.get("AllowedHeaders", [])) for name in wanted):
            return _headers(rule, allowed, origin, wanted)
    return None


def _fits(pattern: str, text: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), text) is not None


def _headers(rule: Params, allowed: str, origin: str, wanted: list[str]) -> dict[str, str]:
    found = {
        "access-control-allow-origin": "*" if allowed == "*" else origin,
        "access-control-allow-methods": ", ".join(rule["AllowedMethods"]),
        "vary": "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
    }
    if allowed != "*":
        found["access-control-allow-credentials"] = "true"
    if wanted:
        found["access-control-allow-headers"] = ", ".join(wanted)
    if rule.get("ExposeHeaders"):
        found["access-control-expose-headers"] = ", ".join(rule["ExposeHeaders"])
    if rule.get("MaxAgeSeconds") is not None:
        found["access-control-max-age"] = str(rule["MaxAgeSeconds"])
    return found
