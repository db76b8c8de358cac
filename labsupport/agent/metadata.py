"""The instance's metadata service, version 2: who the instance is, and its role's credentials."""

import calendar
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from labsupport.agent.signing import Credentials
from labsupport.agent.transport import send

_TOKEN_SECONDS = 21_600
_EARLY = 120.0  # credentials are asked for anew this many seconds before they expire
NO_ROLE = "Missing credentials - please check if this instance was started with an IAM instance profile"


class NoCredentials(Exception):
    """The instance has no role, or its role cannot be assumed; the text says which."""


@dataclass
class Metadata:
    """Keeps the session token and the credentials while they are good."""

    address: str
    token: str = ""
    token_until: float = 0.0
    kept: Credentials | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, path: str) -> str | None:
        """The text at a path; None where there is nothing. Raises one of `transport.Unreachable`."""
        for fresh in (False, True):
            headers = {"x-aws-ec2-metadata-token": self._token(fresh)}
            answer = send("GET", f"{self.address}/latest/{path}", headers)
            if answer.status != 401:
                break
        return answer.body.decode() if answer.status == 200 else None

    def _token(self, fresh: bool) -> str:
        if fresh or not self.token or time.time() > self.token_until:
            headers = {"x-aws-ec2-metadata-token-ttl-seconds": str(_TOKEN_SECONDS), "content-length": "0"}
            self.token = send("PUT", f"{self.address}/latest/api/token", headers).body.decode()
            self.token_until = time.time() + _TOKEN_SECONDS / 2
        return self.token

    def identity(self) -> dict[str, Any]:
        """The instance identity document."""
        text = self.get("dynamic/instance-identity/document")
        if text is None:
            raise OSError("the metadata service does not know this instance")
        document: dict[str, Any] = json.loads(text)
        return document

    def host_identifier(self) -> str:
        """The instance's ARN, by which it is known to CodeDeploy."""
        partition, document = self.get("meta-data/services/partition") or "aws", self.identity()
        return f"arn:{partition}:ec2:{document['region']}:{document['accountId']}:instance/{document['instanceId']}"

    def credentials(self, fresh: bool = False) -> Credentials:
        """The role's credentials now. Raises NoCredentials."""
        with self.lock:
            kept = self.kept
            if fresh or kept is None or time.time() + kept.ahead > kept.expires - _EARLY:
                kept = self.kept = self._ask()
            return kept

    def _ask(self) -> Credentials:
        role = (self.get("meta-data/iam/security-credentials/") or "").strip()
        found = json.loads(self.get(f"meta-data/iam/security-credentials/{role}") or "{}") if role else {}
        if found.get("Code") != "Success":
            raise NoCredentials(found.get("Message") or NO_ROLE)
        ahead = _seconds(found["LastUpdated"]) - time.time()
        return Credentials(
            found["AccessKeyId"],
            found["SecretAccessKey"],
            found["Token"],
            _seconds(found["Expiration"]),
            ahead if abs(ahead) > 60 else 0.0,
        )


def _seconds(text: str) -> float:
    return float(calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")))
