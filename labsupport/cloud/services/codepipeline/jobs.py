"""What a function that a pipeline has called answers about its job."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codepipeline.actions.functions import PAUSE
from labsupport.cloud.services.codepipeline.base import (
    ACTIVE,
    Action,
    Execution,
    External,
    Params,
    find_execution,
    service,
    wake,
)
from labsupport.cloud.services.codepipeline.running import end_action


def _job(call: Call, job: str) -> tuple[Execution, Action]:
    """The action that waits for the job, and its execution."""
    external = call.store.get(External, job)
    if external is None or (external.account, external.region) != (call.account, call.region):
        raise AwsError("JobNotFoundException", f"The job {job} was not found.")
    action = call.store.get(Action, call.account, call.region, external.execution, external.action)
    if action is None or action.provider != "Lambda":
        raise AwsError("JobNotFoundException", f"The job {job} was not found.")
    execution = find_execution(call, action.pipeline, action.execution)
    if action.status != "InProgress" or execution is None or execution.status not in ACTIVE:
        raise AwsError("InvalidJobStateException", f"The job {job} is not in progress.")
    return execution, action


@service.operation()
def put_job_success_result(call: Call, params: Params) -> Params:
    """The job is done; with a continuation token it goes on, and the function is called again."""
    execution, action = _job(call, params["jobId"])
    action.summary = params.get("executionDetails", {}).get("summary", action.summary)
    token = params.get("continuationToken")
    if token:
        action.state |= {"continuation": token, "called": False, "again": call.epoch + PAUSE}
        call.store.put(action)
    else:
        action.variables = params.get("outputVariables", {})
        end_action(call, execution, action, "Succeeded")
    wake(call, execution, action)
    return {}


@service.operation()
def put_job_failure_result(call: Call, params: Params) -> Params:
    execution, action = _job(call, params["jobId"])
    details = params["failureDetails"]
    action.error = {"code": details["type"], "message": details["message"]}
    end_action(call, execution, action, "Failed")
    wake(call, execution, action)
    return {}
