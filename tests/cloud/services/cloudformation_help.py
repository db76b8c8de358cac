"""What the tests of stacks share: templates in a line, and stacks brought to their end."""

import json
from typing import Any

TOPIC = {"Type": "AWS::SNS::Topic"}


def text(resources: dict[str, Any], **sections: Any) -> str:
    return json.dumps({"Resources": resources, **sections})


def topic(name: Any = "", **properties: Any) -> dict[str, Any]:
    return {**TOPIC, "Properties": {**({"DisplayName": name} if name else {}), **properties}}


def bucket(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::S3::Bucket", "Properties": properties}


def parameter(value: Any, **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value, **more}}


def listed(**values: str) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


class Stacks:
    """CloudFormation as one caller has it; every operation is brought to its end."""

    def __init__(self, cloud: Any, client: Any = None) -> None:
        self.cloud, self.client = cloud, client or cloud.client("cloudformation")

    def create(self, name: str, resources: dict[str, Any], sections: Any = None, **params: Any) -> str:
        body = text(resources, **(sections or {}))
        self.client.create_stack(StackName=name, TemplateBody=body, **params)
        return self.end(name)

    def update(self, name: str, resources: dict[str, Any], sections: Any = None, **params: Any) -> str:
        body = text(resources, **(sections or {}))
        self.client.update_stack(StackName=name, TemplateBody=body, **params)
        return self.end(name)

    def delete(self, name: str, **params: Any) -> str:
        """The status it ends with; its id is asked for, as its name is free again."""
        identity = self.look(name)["StackId"]
        self.client.delete_stack(StackName=name, **params)
        return self.end(identity)

    def end(self, name: str) -> str:
        """Wait for the operation's end; the status."""
        self.cloud.settle("cloudformation")
        return str(self.look(name)["StackStatus"]) if self.there(name) else "gone"

    def there(self, name: str) -> bool:
        found = self.client.list_stacks()["StackSummaries"]
        alive = [one["StackName"] for one in found if one["StackStatus"] != "DELETE_COMPLETE"]
        return name in alive or name in [one["StackId"] for one in found]

    def look(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.describe_stacks(StackName=name)["Stacks"][0]
        return found

    def outputs(self, name: str) -> dict[str, str]:
        return {one["OutputKey"]: one["OutputValue"] for one in self.look(name).get("Outputs", [])}

    def resources(self, name: str) -> dict[str, dict[str, Any]]:
        found = self.client.describe_stack_resources(StackName=name)["StackResources"]
        return {one["LogicalResourceId"]: one for one in found}

    def physical(self, name: str, logical: str) -> str:
        return str(self.resources(name)[logical]["PhysicalResourceId"])

    def events(self, name: str) -> list[str]:
        """`Topic CREATE_COMPLETE`, the oldest first; `Topic CREATE_IN_PROGRESS Initiated` once it has a name."""
        pages = self.client.get_paginator("describe_stack_events").paginate(StackName=name)
        found = [one for page in pages for one in page["StackEvents"]]
        return [_event(one) for one in reversed(found)]

    def why(self, name: str, logical: str) -> str:
        """The newest reason that an event of a resource gives."""
        found = self.client.describe_stack_events(StackName=name)["StackEvents"]
        of = (one for one in found if one["LogicalResourceId"] == logical and one.get("ResourceStatusReason"))
        return str(next(of)["ResourceStatusReason"])


def _event(one: dict[str, Any]) -> str:
    initiated = " Initiated" if one.get("ResourceStatusReason") == "Resource creation Initiated" else ""
    return f"{one['LogicalResourceId']} {one['ResourceStatus']}{initiated}"


def topics(cloud: Any) -> dict[str, str]:
    """Display names by ARN."""
    sns = cloud.client("sns")
    arns = [one["TopicArn"] for one in sns.list_topics()["Topics"]]
    return {arn: sns.get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"] for arn in arns}
