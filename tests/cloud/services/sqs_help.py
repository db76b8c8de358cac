"""What the tests of queues share."""

import json
import secrets
from typing import Any

from services_help import ACCOUNT

QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}"


class Queues:
    """Queues of one cloud, made under names of their own."""

    def __init__(self, cloud: Any) -> None:
        self.cloud, self.sqs = cloud, cloud.client("sqs")

    def new(self, *, fifo: bool = False, **attributes: str) -> str:
        """A new queue's URL."""
        name = f"q-{secrets.token_hex(6)}" + (".fifo" if fifo else "")
        given = {**({"FifoQueue": "true"} if fifo else {}), **attributes}
        return str(self.sqs.create_queue(QueueName=name, Attributes=given)["QueueUrl"])

    def with_dead_letters(self, most: int, *, fifo: bool = False, **attributes: str) -> tuple[str, str]:
        """A queue and its dead-letter queue."""
        dead = self.new(fifo=fifo)
        policy = json.dumps({"deadLetterTargetArn": arn_of(dead), "maxReceiveCount": most})
        return self.new(fifo=fifo, RedrivePolicy=policy, **attributes), dead

    def send(self, url: str, *bodies: str, **more: Any) -> None:
        for body in bodies:
            self.sqs.send_message(QueueUrl=url, MessageBody=body, **more)

    def received(self, url: str, most: int = 10, **more: Any) -> list[dict[str, Any]]:
        found = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=most, **more)
        return list(found.get("Messages", []))

    def bodies(self, url: str, most: int = 10, **more: Any) -> list[str]:
        return [one["Body"] for one in self.received(url, most, **more)]

    def drained(self, url: str) -> list[str]:
        """All that can be received, in its order; it is gone then."""
        found: list[str] = []
        while messages := self.received(url):
            for one in messages:
                found.append(one["Body"])
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
        return found

    def attribute(self, url: str, name: str) -> str | None:
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        value: str | None = found.get("Attributes", {}).get(name)
        return value

    def counts(self, url: str) -> tuple[str, str, str]:
        """Visible, with a receiver, delayed."""
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        names = ("", "NotVisible", "Delayed")
        visible, away, delayed = (found[f"ApproximateNumberOfMessages{name}"] for name in names)
        return visible, away, delayed

    def opened(self, name: str, *services: str, **condition: Any) -> str:
        """The URL of a queue of this name that these services may send to."""
        url: str = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        names = [f"{one}.amazonaws.com" for one in services]
        statement: dict[str, Any] = {
            "Effect": "Allow", "Principal": {"Service": names}, "Action": "sqs:SendMessage", "Resource": arn_of(url),
        }  # fmt: skip
        if condition:
            statement["Condition"] = condition
        text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": text})
        return url


def arn_of(url: str) -> str:
    account, name = url.split("/")[-2:]
    return f"arn:aws:sqs:us-east-1:{account}:{name}"
