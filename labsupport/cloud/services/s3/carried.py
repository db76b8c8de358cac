"""What headers carry of an object: its own metadata, and the values that a request asks for in their place."""

import base64
import re

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.http import CONTROLS
from labsupport.cloud.services.s3.base import Params

HEADERS = ("ContentType", "CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "Expires",
           "WebsiteRedirectLocation")  # fmt: skip
OVERRIDES = {f"Response{name}": name for name in HEADERS}
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def metadata_told(metadata: dict[str, str]) -> Params:
    """Metadata as the REST API tells it (User Guide: "User-defined object metadata"): other than US-ASCII by RFC 2047.

    What no header can carry is left out and counted. It comes from forms, whose fields may hold any text.
    """
    if not metadata:
        return {"Metadata": metadata}
    told = {name: _mail_safe(value) for name, value in metadata.items() if _carries(name, value)}
    missing = len(metadata) - len(told)
    return {"Metadata": told, "MissingMeta": missing} if missing else {"Metadata": told}


def _carries(name: str, value: str) -> bool:
    return bool(_NAME.fullmatch(name)) and not CONTROLS.search(value)


def _mail_safe(value: str) -> str:
    return value if value.isascii() else f"=?UTF-8?B?{base64.b64encode(value.encode()).decode()}?="


def asked_for(params: Params) -> Params:
    """The headers that a request sets in the answer to it: `response-content-type`, …"""
    asked = {name: value for name, value in params.items() if name in OVERRIDES and value}
    for name, value in asked.items():
        if isinstance(value, str) and max(value) > "\xff":
            message = "Header value cannot be represented using ISO-8859-1."
            told = re.sub("(?<=[a-z])(?=[A-Z])", "-", name).lower()
            raise AwsError("InvalidArgument", message, 400, ArgumentName=told, ArgumentValue=value)
    return {OVERRIDES[name]: value for name, value in asked.items()}
