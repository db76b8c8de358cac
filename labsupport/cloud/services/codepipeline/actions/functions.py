"""The Lambda invoke action (User Guide: "AWS Lambda invoke action reference").

The function is called once and answers with PutJobSuccessResult or PutJobFailureResult; twenty minutes without an
answer are a failure (User Guide: "Quotas in AWS CodePipeline").
"""

import json
from collections.abc import Iterable
from typing import Any

from labsupport.cloud.core import ids
from labsupport.cloud.services.codepipeline.actions.work import Failed, Work
from labsupport.cloud.services.codepipeline.base import Params

SILENCE = 20 * 60.0  # seconds
LONGEST = 24 * 3600.0
PAUSE = 30.0  # seconds before a function that goes on with a continuation token is called again


async def invoke(work: Work) -> float:
    """Call the function, then wait for its answer."""
    state, now = work.action.state, work.call.epoch
    if not work.action.external_id:
        job = ids.uuid4()
        work.note(external_id=job, watch=job)
    if state.get("again", 0.0) > now:
        return float(state["again"]) - now
    if not state.get("called"):
        name, payload = work.configuration["FunctionName"], json.dumps({"CodePipeline.job": _job(work)}).encode()
        await work.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=payload)
        work.note(called=True, heard=now)
    left = min(state["heard"] + SILENCE, work.action.started + LONGEST) - now
    if left <= 0:
        function = work.configuration["FunctionName"]
        raise Failed(
            "TimeoutError",
            f"The AWS Lambda function {function} failed to return a result. Check the function to verify that it has "
            "permission to call the PutJobSuccessResult action and that it made a call to PutJobSuccessResult.",
        )
    return left


def _job(work: Work) -> Params:
    """The event (User Guide: "Example JSON event")."""
    action, outputs = work.action, work.new_outputs()
    data: Params = {
        "actionConfiguration": {"configuration": dict(work.configuration)},
        "inputArtifacts": [_artifact(one) for one in action.inputs],
        "outputArtifacts": [_artifact(one) for one in outputs],
        "artifactCredentials": _credentials(work, outputs),
    }
    if work.key_id:
        data["encryptionKey"] = {"id": work.key_id, "type": "KMS"}
    if action.state.get("continuation"):
        data["continuationToken"] = action.state["continuation"]
    return {"id": action.external_id, "accountId": action.account, "data": data}


def _artifact(one: Params) -> Params:
    place = one["s3location"]
    location = {"bucketName": place["bucket"], "objectKey": place["key"]}
    return {"name": one["name"], "revision": None, "location": {"type": "S3", "s3Location": location}}


def _credentials(work: Work, outputs: list[Params]) -> dict[str, Any]:
    """A session of the pipeline's role that can do no more than get the inputs and put the outputs."""
    rights = [
        _right(["s3:GetObject", "s3:GetObjectVersion"], map(_arn, work.action.inputs)),
        _right(["s3:PutObject"], map(_arn, outputs)),
        _right(["kms:Decrypt", "kms:GenerateDataKey"], ["*"]),
    ]
    policy = {"Version": "2012-10-17", "Statement": [one for one in rights if one["Resource"]]}
    role, session = work.execution.declaration["roleArn"], ids.session_name(work.execution.pipeline)
    sts = work.call.aws("sts", as_service=True)
    made = sts.assume_role(RoleArn=role, RoleSessionName=session, Policy=json.dumps(policy))["Credentials"]
    return {
        "accessKeyId": made["AccessKeyId"],
        "secretAccessKey": made["SecretAccessKey"],
        "sessionToken": made["SessionToken"],
    }


def _right(actions: list[str], resources: Iterable[str]) -> Params:
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources)}


def _arn(one: Params) -> str:
    return f"arn:aws:s3:::{one['s3location']['bucket']}/{one['s3location']['key']}"
