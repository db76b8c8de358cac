"""The manual approval (User Guide: "Add a manual approval action to a stage")."""

import json
from datetime import UTC, datetime

from labsupport.cloud.core import ids
from labsupport.cloud.services.codepipeline.actions.work import Failed, Work

WEEK = 7 * 24 * 60  # minutes


async def approve(work: Work) -> float:
    """Ask once, through the topic; then wait until PutApprovalResult comes, or the time is over."""
    action = work.action
    if not action.token:
        action.token = ids.uuid4()
        topic = work.configuration.get("NotificationArn")
        if topic:
            message = json.dumps({"default": _message(work), "email": _letter(work)})
            work.client("sns").publish(TopicArn=topic, Subject=_subject(work), Message=message, MessageStructure="json")
        work.note(summary="")
    left = expires(work) - work.call.epoch
    if left <= 0:
        raise Failed("TimeoutError", "The approval was not answered in time")
    return left


def expires(work: Work) -> float:
    return work.action.started + 60 * int(work.action.declaration.get("timeoutInMinutes", WEEK))


def _deadline(work: Work) -> str:
    return datetime.fromtimestamp(expires(work), UTC).strftime("%Y-%m-%dT%H:%MZ")


def _review(work: Work) -> str:
    region, action = work.call.region, work.action
    return (
        f"https://{region}.console.aws.amazon.com/codesuite/codepipeline/pipelines/{action.pipeline}/view?region={region}"
        f"#/{action.stage}/{action.name}/approve/{action.token}"
    )


def _subject(work: Work) -> str:
    text = f"APPROVAL NEEDED: AWS CodePipeline {work.action.pipeline} for action {work.action.name}"
    return text if len(text) <= 100 else text[:97] + "..."


def _message(work: Work) -> str:
    """The notification's JSON (User Guide: "JSON data format for manual approval notifications")."""
    action = work.action
    approval = {
        "pipelineName": action.pipeline,
        "stageName": action.stage,
        "actionName": action.name,
        "token": action.token,
        "expires": _deadline(work),
        "externalEntityLink": work.configuration.get("ExternalEntityLink"),
        "approvalReviewLink": _review(work),
        "customData": work.configuration.get("CustomData"),
    }
    shown = {name: value for name, value in approval.items() if value is not None}
    link = _review(work).partition("#")[0]
    return json.dumps({"region": work.call.region, "consoleLink": link, "approval": shown}, indent=2)


def _letter(work: Work) -> str:
    """The same for people who get it by email."""
    action, configuration = work.action, work.configuration
    details = {
        "Approve or reject": _review(work),
        "Additional information": configuration.get("CustomData"),
        "Content to review": configuration.get("ExternalEntityLink"),
        "Deadline": f"This review request will expire on {_deadline(work)}",
    }
    return "\n".join(
        [
            "The following Approval action is waiting for your response:",
            "",
            "--Pipeline Details--",
            f"Pipeline name: {action.pipeline}",
            f"Stage name: {action.stage}",
            f"Action name: {action.name}",
            f"Region: {work.call.region}",
            "",
            "--Approval Details--",
            *(f"{name}: {value}" for name, value in details.items() if value),
            "",
            f"To answer without the console: aws codepipeline put-approval-result with the token {action.token}",
        ]
    )
