"""Amazon Resource Names (IAM User Guide: "Identify AWS resources with ARNs")."""

from functools import lru_cache
from typing import NamedTuple


class Arn(NamedTuple):
    partition: str
    service: str
    region: str
    account: str
    resource: str

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"


@lru_cache(maxsize=1024)
def parse(text: str) -> Arn | None:
    """The parts of an ARN, or `None` where the text is none."""
    parts = text.split(":", 5)
    return Arn(*parts[1:]) if len(parts) == 6 and parts[0] == "arn" else None


def queue_url(arn: str) -> str:
    """The address at AWS of the queue with this ARN, by which one service calls SQS about it."""
    found = parse(arn)
    return f"https://sqs.{found.region}.amazonaws.com/{found.account}/{found.resource}" if found else arn
