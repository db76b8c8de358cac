"""The roles that a pipeline works under: its own, and those of single actions, which its own assumes."""

from labsupport.cloud.core.call import Call, Client
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import Caller
from labsupport.cloud.core.ids import session_name
from labsupport.cloud.services.codepipeline.base import Execution


def assumed(call: Call, execution: Execution, action_role: str | None = None) -> Caller:
    """A session of the pipeline's role, or of an action's own role, which the pipeline's role assumes."""
    role, session = execution.declaration["roleArn"], session_name(execution.pipeline)
    pipeline = call.aws("sts", role=role, session=session)
    try:
        caller = pipeline.caller()
    except AwsError as error:
        raise _not_assumed(role, error) from None
    if action_role is None:
        return caller
    answer = Client(call, "sts", caller).assume_role(RoleArn=action_role, RoleSessionName=session)
    found: Caller = call.cloud.way_in.caller(answer["Credentials"]["AccessKeyId"])
    return found


def _not_assumed(role: str, error: AwsError) -> AwsError:
    message = f"CodePipeline is not authorized to perform AssumeRole on role {role}"
    return AwsError(error.code, message, error.status, error.decision)


def check(call: Call, role: str, name: str) -> None:
    """A pipeline is refused at once if its role does not let CodePipeline in, or is not there."""
    try:
        call.aws("sts", role=role, session=session_name(name)).caller()
    except AwsError as error:
        raise AwsError("InvalidStructureException", _not_assumed(role, error).message, 400, error.decision) from None
