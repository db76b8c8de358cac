"""Calls to AWS's services under the instance's role: CodeDeploy's command service, and S3."""

import json
import re
import time
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import quote, urlencode

from labsupport.agent.metadata import Metadata
from labsupport.agent.signing import signed
from labsupport.agent.transport import Answer, send

_TARGET = "CodeDeployCommandService_v20141006"
# Errors that new credentials (and with them the cloud's time) may mend.
_STALE = re.compile(r"Expired|Invalid(Client)?Token|UnrecognizedClient|InvalidAccessKey|Skewed|Signature")


class ServiceError(Exception):
    """A service has refused a call: AWS's code and AWS's sentence."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(message or code)
        self.code, self.message, self.status = code, message or code, status


@dataclass
class Services:
    """The services at one endpoint. Methods raise ServiceError, NoCredentials or one of `transport.Unreachable`."""

    endpoint: str
    region: str
    metadata: Metadata

    def command(self, operation: str, timeout: float = 30.0, **params: Any) -> dict[str, Any]:
        """An operation of the command service, which speaks JSON 1.1."""
        headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": f"{_TARGET}.{operation}"}
        body = json.dumps(params).encode()
        answer = self._call("codedeploy-commands", "POST", f"{self.endpoint}/", headers, body, timeout)
        found: dict[str, Any] = json.loads(answer.body or b"{}")
        return found

    def download(self, bucket: str, key: str, version: str | None, into: IO[bytes]) -> str:
        """An object of S3 into a file; its ETag. What was encrypted under a KMS key is decrypted on the way."""
        query = f"?{urlencode({'versionId': version})}" if version else ""
        url = f"{self.endpoint}/{bucket}/{quote(key, safe='/~')}{query}"
        return self._call("s3", "GET", url, {}, b"", 120.0, into).headers.get("etag", "")

    def _call(
        self,
        service: str,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes,
        timeout: float,
        into: IO[bytes] | None = None,
    ) -> Answer:
        for fresh in (False, True):
            credentials = self.metadata.credentials(fresh)
            every = signed(method, url, headers, body, (self.region, service), credentials, time.time())
            answer = send(method, url, every, body, timeout, into)
            if answer.status < 300:
                return answer
            error = _error(answer)
            if fresh or not _STALE.search(error.code):
                break
        raise error


def _error(answer: Answer) -> ServiceError:
    """An error as JSON, or as S3's XML."""
    text = answer.body.decode("utf-8", "replace")
    try:
        found = json.loads(text)
        code = str(found.get("__type", "")).rpartition("#")[2]
        return ServiceError(
            code or f"Http{answer.status}", found.get("message") or found.get("Message") or "", answer.status
        )
    except (ValueError, AttributeError):
        code, message = (_element(text, name) for name in ("Code", "Message"))
        return ServiceError(code or f"Http{answer.status}", message, answer.status)


def _element(text: str, name: str) -> str:
    found = re.search(rf"<{name}>(.*?)</{name}>", text, re.DOTALL)
    plain = found[1] if found else ""
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&")):
        plain = plain.replace(entity, character)
    return plain
