"""Instances for tests: launched, and as they are described."""

from typing import Any

TAGS = [{"Key": "app", "Value": "shop"}, {"Key": "Name", "Value": "one"}]


def launch(cloud: Any, image: str, count: int = 1, **more: Any) -> list[dict[str, Any]]:
    made = cloud.client("ec2").run_instances(ImageId=image, MinCount=count, MaxCount=count, **more)
    cloud.settle("ec2")
    found: list[dict[str, Any]] = made["Instances"]
    return found


def described(ec2: Any, **params: Any) -> list[dict[str, Any]]:
    pages = ec2.get_paginator("describe_instances").paginate(**params)
    return [one for page in pages for reservation in page["Reservations"] for one in reservation["Instances"]]


def state(ec2: Any, instance: str) -> str:
    return str(described(ec2, InstanceIds=[instance])[0]["State"]["Name"])
