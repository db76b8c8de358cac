"""The manual approval (User Guide: "Add a manual approval action to a stage")."""

import json

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
            work.client("sns").publish(TopicArn=topic, Subject=_subject(work), Message=_message(work))
        work.note(summary="")
    left = expires(work) - work.call.epoch
    if left <= 0:
        raise Failed("TimeoutError", "The approval was not answered in time")
    return left


def expires(work: Work) -> float:
    minutes = work.configuration.get("TimeoutInMinutes", "")
    return work.action.started + 60 * (int(minutes) if minutes.isdigit() else WEEK)


def _subject(work: Work) -> str:
    text = f"APPROVAL NEEDED: AWS CodePipeline {work.action.pipeline} for action {work.action.name}"
    return text if len(text) <= 100 else text[:97] + "..."


def _message(work: Work) -> str:
    """The notification's JSON (User Guide: "JSON data format for manual approval notifications")."""
    action = work.action
    review = (
        f"https://{work.call.region}.console.aws.amazon.com/codesuite/codepipeline/pipelines/{action.pipeline}/view"
        f"#/{action.stage}/{action.name}/approve/{action.token}"
    )
    expiry = work.call.now.fromtimestamp(expires(work), work.call.now.tzinfo)
    approval = {
        "pipelineName": action.pipeline,
        "stageName": action.stage,
        "actionName": action.name,
        "token": action.token,
        "expires": expiry.strftime("%Y-%m-%dT%H:%MZ"),
        "externalEntityLink": work.configuration.get("ExternalEntityLink"),
        "approvalReviewLink": review,
        "customData": work.configuration.get("CustomData"),
    }
    shown = {name: value for name, value in approval.items() if value is not None}
    return json.dumps(
        {"region": work.call.region, "consoleLink": review.partition("#")[0], "approval": shown}, indent=2
    )
