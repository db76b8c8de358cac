"""The CloudFormation action (User Guide: "AWS CloudFormation deploy action reference")."""

import io
import json
import zipfile
from collections.abc import Awaitable, Callable
from typing import Any

from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.codepipeline.actions.work import Failed, Work
from labsupport.cloud.services.codepipeline.base import Params

LOOK_AGAIN = 15.0  # seconds
_GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")
_UPDATABLE = (*_GOOD, "UPDATE_ROLLBACK_COMPLETE")
_NO_CHANGE = ("No updates are to be performed", "didn't contain changes", "no changes")


async def change_stack(work: Work) -> bool | float:
    mode = work.configuration["ActionMode"]
    if mode not in _MODES:
        raise not_simulated(f"The CloudFormation action mode {mode}")
    if not work.configuration.get("StackName"):
        raise Failed("ConfigurationError", "StackName is required")
    return await _MODES[mode](work)


async def _create_update(work: Work) -> bool | float:
    """Create the stack, or update it; a stack that failed to come up is not touched."""
    if not work.action.external_id:
        stack = _stack(work)
        if stack and stack["StackStatus"] not in _UPDATABLE:
            message = f"Stack {stack['StackId']} is in {stack['StackStatus']} state and can not be updated."
            raise Failed("JobFailed", message)
        await _begin(work, exists=bool(stack))
    return await _look(work)


async def _replace_on_failure(work: Work) -> bool | float:
    """As CREATE_UPDATE, but a stack that failed is deleted and created anew."""
    if work.action.external_id:
        return await _look(work)
    stack = _stack(work)
    failed = stack and stack["StackStatus"] not in _UPDATABLE
    if stack and failed and stack["StackStatus"] not in ("DELETE_IN_PROGRESS",):
        work.client("cloudformation").delete_stack(StackName=stack["StackId"], **_role(work))
        work.note(watch=stack["StackId"])
    if failed:
        return LOOK_AGAIN
    await _begin(work, exists=bool(stack))
    return await _look(work)


async def _delete_only(work: Work) -> bool | float:
    stack = _stack(work)
    if stack is None:
        work.action.summary = f"Stack {work.configuration['StackName']} does not exist or is deleted."
        return True
    if not work.action.external_id:
        work.client("cloudformation").delete_stack(StackName=stack["StackId"], **_role(work))
        work.note(external_id=stack["StackId"], watch=stack["StackId"])
        return LOOK_AGAIN
    if stack["StackStatus"] == "DELETE_FAILED":
        raise Failed("JobFailed", f"Stack {stack['StackName']} could not be deleted. {_reason(stack)}")
    return LOOK_AGAIN


async def _replace_change_set(work: Work) -> bool | float:
    """Make the change set; one of the same name is replaced."""
    client, names = work.client("cloudformation"), _change_set(work)
    if not work.action.external_id:
        stack = _stack(work)
        if stack:
            client.delete_change_set(**names)
        kind = "UPDATE" if stack and stack["StackStatus"] != "REVIEW_IN_PROGRESS" else "CREATE"
        made = await client.create_change_set(**names, **await _parameters(work), ChangeSetType=kind)
        work.note(external_id=made["Id"], watch=made["StackId"])
    found = client.describe_change_set(**names)
    if found["Status"] == "FAILED" and not any(text in found.get("StatusReason", "") for text in _NO_CHANGE):
        raise Failed("JobFailed", f"Change set {names['ChangeSetName']} failed. {found.get('StatusReason', '')}")
    if found["Status"] in ("CREATE_COMPLETE", "FAILED"):
        work.action.summary = f"Change set {names['ChangeSetName']} was created."
        return True
    return 1.0


async def _execute_change_set(work: Work) -> bool | float:
    client, names = work.client("cloudformation"), _change_set(work)
    if not work.action.external_id:
        found = client.describe_change_set(**names)
        if found["Status"] == "FAILED":
            work.action.summary = f"Change set {names['ChangeSetName']} contains no changes."
            return True
        client.execute_change_set(**names, ClientRequestToken=work.action.id)
        work.note(external_id=found["StackId"], watch=found["StackId"])
    return await _look(work)


_MODES: dict[str, Callable[[Work], Awaitable[bool | float]]] = {
    "CREATE_UPDATE": _create_update,
    "REPLACE_ON_FAILURE": _replace_on_failure,
    "DELETE_ONLY": _delete_only,
    "CHANGE_SET_REPLACE": _replace_change_set,
    "CHANGE_SET_EXECUTE": _execute_change_set,
}


async def _begin(work: Work, exists: bool) -> None:
    """Ask for the change. The action's id as request token makes a repeated try start nothing twice."""
    client = work.client("cloudformation")
    params = {"StackName": work.configuration["StackName"], **await _parameters(work)}
    params["ClientRequestToken"] = work.action.id
    try:
        answer = await (client.update_stack(**params) if exists else client.create_stack(**params))
    except AwsError as error:
        if not any(text in error.message for text in _NO_CHANGE):
            raise
        stack = _stack(work) or {}
        work.action.state["no change"] = True
        work.note(external_id=stack.get("StackId", ""), summary="No updates are to be performed.")
        return
    work.note(external_id=answer["StackId"], watch=answer["StackId"])


async def _look(work: Work) -> bool | float:
    stack = _stack(work)
    if stack is None:
        raise Failed("JobFailed", f"Stack {work.configuration['StackName']} is gone")
    status = stack["StackStatus"]
    if status.endswith("_IN_PROGRESS") and not work.action.state.get("no change"):
        return LOOK_AGAIN
    if status not in _GOOD and not work.action.state.get("no change"):
        raise Failed("JobFailed", f"Stack {stack['StackName']} ended in {status}. {_reason(stack)}".strip())
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}
    work.action.variables = {"StackName": stack["StackName"], **outputs}
    await _give_out(work, outputs)
    work.action.summary = work.action.summary or f"Stack {stack['StackName']} is in {status}."
    return True


async def _give_out(work: Work, outputs: dict[str, str]) -> None:
    """The stack's outputs as the output artifact: a zip with the file that OutputFileName names."""
    for artifact in work.new_outputs():
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(work.configuration.get("OutputFileName") or "CreateStackOutput.json", json.dumps(outputs))
        place = artifact["s3location"]
        more = work.encryption()
        await work.client("s3").put_object(Bucket=place["bucket"], Key=place["key"], Body=packed.getvalue(), **more)


def _stack(work: Work) -> Params | None:
    """The stack; `None` where there is none, or where it has been deleted."""
    name = work.action.external_id if work.action.external_id.startswith("arn:") else work.configuration["StackName"]
    try:
        stacks = work.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except AwsError as error:
        if error.code == "ValidationError" and "does not exist" in error.message:
            return None
        raise
    alive = [one for one in stacks if one["StackStatus"] != "DELETE_COMPLETE"]
    return alive[0] if alive else None


def _reason(stack: Params) -> str:
    return str(stack.get("StackStatusReason", ""))


def _role(work: Work) -> dict[str, str]:
    role = work.configuration.get("RoleArn")
    return {"RoleARN": role} if role else {}


def _change_set(work: Work) -> dict[str, str]:
    if not work.configuration.get("ChangeSetName"):
        raise Failed("ConfigurationError", "ChangeSetName is required")
    return {"StackName": work.configuration["StackName"], "ChangeSetName": work.configuration["ChangeSetName"]}


async def _parameters(work: Work) -> dict[str, Any]:
    """Template, parameters and the rest, as CreateStack and CreateChangeSet take them."""
    if not work.configuration.get("TemplatePath"):
        raise Failed("ConfigurationError", "TemplatePath is required")
    template = (await work.read_file(work.configuration["TemplatePath"])).decode("utf-8", "replace")
    settings = await _settings(work)
    values = {**settings.get("Parameters", {}), **_json(work.configuration.get("ParameterOverrides", "{}"))}
    params: dict[str, Any] = {
        "TemplateBody": template,
        "Parameters": [{"ParameterKey": key, "ParameterValue": str(value)} for key, value in values.items()],
        "Tags": [{"Key": key, "Value": str(value)} for key, value in settings.get("Tags", {}).items()],
        **_role(work),
    }
    capabilities = [one for one in work.configuration.get("Capabilities", "").split(",") if one]
    return {**params, "Capabilities": capabilities} if capabilities else params


async def _settings(work: Work) -> dict[str, Any]:
    """The template configuration file: Parameters, Tags, StackPolicy."""
    path = work.configuration.get("TemplateConfiguration")
    found = _json((await work.read_file(path)).decode("utf-8", "replace")) if path else {}
    if "StackPolicy" in found:
        raise not_simulated("A stack policy in a template configuration file")
    return found


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise Failed(
            "ConfigurationError", f"ParameterOverrides or TemplateConfiguration is not valid JSON: {error}"
        ) from None
    if not isinstance(found, dict):
        raise Failed("ConfigurationError", "ParameterOverrides and TemplateConfiguration have to be JSON objects")
    return found
