"""Stacks looked at: describe, list, events, resources, templates, exports."""

from datetime import UTC, datetime
from typing import Any

from labsupport.cloud.core import paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.tags import to_list
from labsupport.cloud.services.cloudformation.asking import needed_capabilities, template_text
from labsupport.cloud.services.cloudformation.base import invalid, service
from labsupport.cloud.services.cloudformation.records import (
    ChangeSet,
    Export,
    Params,
    Resource,
    Stack,
    StackEvent,
    Target,
    find_stack,
    no_stack,
    on_stack,
    stack_named,
)
from labsupport.cloud.services.cloudformation.template import parse, transforms
from labsupport.cloud.services.cloudformation.using import importers

_PAGE = 100
HIDDEN = "****"


def moment(epoch: float) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)


def bad_token() -> Any:
    return invalid("The specified NextToken is not valid.")


@service.operation(on=on_stack)
def describe_stacks(call: Call, params: Params) -> Params:
    if params.get("StackName"):
        return {"Stacks": [shown(stack_named(call, params["StackName"]))]}
    call.authorise("cloudformation:ListStacks", "*")
    stacks = [one for one in call.store.list(Stack, call.account, call.region) if one.status != "DELETE_COMPLETE"]
    stacks.sort(key=lambda one: -one.created)
    chosen, token = paging.page_of_list(stacks, params.get("NextToken"), _PAGE, bad_token())
    return {"Stacks": [shown(one) for one in chosen], "NextToken": token}


def shown(stack: Stack) -> Params:
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "Description": parse(stack.target.template).get("Description"),
        "Parameters": shown_parameters(stack.target),
        "CreationTime": moment(stack.created),
        "LastUpdatedTime": moment(stack.updated) if stack.updated else None,
        "DeletionTime": moment(stack.deleted) if stack.deleted else None,
        "RollbackConfiguration": {},
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason or None,
        "DisableRollback": stack.on_failure == "DO_NOTHING",
        "NotificationARNs": stack.topics,
        "TimeoutInMinutes": stack.timeout or None,
        "Capabilities": stack.target.capabilities,
        "Outputs": stack.outputs,
        "RoleARN": stack.role or None,
        "Tags": to_list(stack.target.tags),
        "EnableTerminationProtection": stack.protected,
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
    }


def shown_parameters(target: Target) -> list[Params]:
    """Parameters as people may see them: those with NoEcho as asterisks."""
    declared = parse(target.template)["Parameters"]
    return [_parameter(name, value, declared.get(name, {}), target) for name, value in target.parameters.items()]


def _parameter(name: str, value: str, rule: Params, target: Target) -> Params:
    hidden = _hidden(rule)
    one = {"ParameterKey": name, "ParameterValue": HIDDEN if hidden else value}
    if str(rule.get("Type", "")).startswith("AWS::SSM::Parameter::Value"):
        found = target.resolved.get(name, "")
        one["ResolvedValue"] = HIDDEN if hidden else ",".join(found) if isinstance(found, list) else str(found)
    return one


def _hidden(rule: Params) -> bool:
    return str(rule.get("NoEcho", "")).lower() == "true"


@service.operation(action="cloudformation:ListStacks")
def list_stacks(call: Call, params: Params) -> Params:
    wanted = params.get("StackStatusFilter", [])
    stacks = [one for one in call.store.list(Stack, call.account, call.region) if not wanted or one.status in wanted]
    stacks.sort(key=lambda one: -one.created)
    chosen, token = paging.page_of_list(stacks, params.get("NextToken"), _PAGE, bad_token())
    return {"StackSummaries": [_summary(one) for one in chosen], "NextToken": token}


def _summary(stack: Stack) -> Params:
    whole = shown(stack)
    names = ("StackId", "StackName", "CreationTime", "LastUpdatedTime", "DeletionTime", "StackStatus",
             "StackStatusReason", "DriftInformation")  # fmt: skip
    return {"TemplateDescription": whole["Description"], **{name: whole[name] for name in names}}


@service.operation(on=on_stack)
def describe_stack_events(call: Call, params: Params) -> Params:
    """The newest first."""
    stack = stack_named(call, params["StackName"])
    found = call.store.list(StackEvent, stack.id)
    chosen, token = paging.page(found, lambda one: one.order, params.get("NextToken"), _PAGE, bad_token())
    return {"StackEvents": [_event(stack, one) for one in chosen], "NextToken": token}


def _event(stack: Stack, event: StackEvent) -> Params:
    return {
        "StackId": stack.id,
        "EventId": event.id,
        "StackName": stack.name,
        "LogicalResourceId": event.logical,
        "PhysicalResourceId": event.physical,
        "ResourceType": event.type,
        "Timestamp": moment(event.at),
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason or None,
        "ClientRequestToken": event.token or None,
    }


def _resource(stack: Stack, one: Resource) -> Params:
    return {
        "StackName": stack.name,
        "StackId": stack.id,
        "LogicalResourceId": one.logical,
        "PhysicalResourceId": one.physical or None,
        "ResourceType": one.type,
        "Timestamp": moment(one.at),
        "ResourceStatus": one.status,
        "ResourceStatusReason": one.reason or None,
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }


def _resource_named(stack: Stack, name: str) -> Resource:
    if name not in stack.resources:
        raise invalid(f"Resource {name} does not exist for stack {stack.name}")
    return stack.resources[name]


@service.operation(on=on_stack)
def describe_stack_resources(call: Call, params: Params) -> Params:
    if params.get("PhysicalResourceId") and not params.get("StackName"):
        stack = _stack_of(call, params["PhysicalResourceId"])
    else:
        stack = stack_named(call, params.get("StackName", ""))
    wanted = params.get("LogicalResourceId")
    found = [_resource_named(stack, wanted)] if wanted else list(stack.resources.values())
    return {"StackResources": [_resource(stack, one) for one in found]}


def _stack_of(call: Call, physical: str) -> Stack:
    for stack in call.store.list(Stack, call.account, call.region):
        if stack.status != "DELETE_COMPLETE" and any(one.physical == physical for one in stack.resources.values()):
            return stack
    raise invalid(f"Stack for {physical} does not exist")


@service.operation(on=on_stack)
def describe_stack_resource(call: Call, params: Params) -> Params:
    stack = stack_named(call, params["StackName"])
    found = _resource(stack, _resource_named(stack, params["LogicalResourceId"]))
    found["LastUpdatedTimestamp"] = found.pop("Timestamp")
    return {"StackResourceDetail": found}


@service.operation(on=on_stack)
def list_stack_resources(call: Call, params: Params) -> Params:
    stack = stack_named(call, params["StackName"])
    chosen, token = paging.page_of_list(list(stack.resources.values()), params.get("NextToken"), _PAGE, bad_token())
    summaries = []
    for one in chosen:
        found = _resource(stack, one)
        found["LastUpdatedTimestamp"] = found.pop("Timestamp")
        names = ("LogicalResourceId", "PhysicalResourceId", "ResourceType", "LastUpdatedTimestamp", "ResourceStatus",
                 "ResourceStatusReason", "DriftInformation")  # fmt: skip
        summaries.append({name: found[name] for name in names})
    return {"StackResourceSummaries": summaries, "NextToken": token}


# Templates


@service.operation(on=on_stack)
def get_template(call: Call, params: Params) -> Params:
    if "StackName" not in params:  # the model lets it out, for a change set's ARN
        raise invalid("Either StackName or ChangeSetName must be specified, a change set together with its stack")
    stack = stack_named(call, params["StackName"])
    text = (
        _of_change_set(call, stack, params["ChangeSetName"]) if params.get("ChangeSetName") else stack.target.template
    )
    return {"TemplateBody": text, "StagesAvailable": ["Original", "Processed"]}


def _of_change_set(call: Call, stack: Stack, name: str) -> str:
    for one in call.store.list(ChangeSet, stack.id):
        if name in (one.name, one.id):
            return one.target.template
    raise AwsError("ChangeSetNotFoundException", f"ChangeSet [{name}] does not exist", 404)


@service.operation(action="cloudformation:ValidateTemplate")
async def validate_template(call: Call, params: Params) -> Params:
    template = parse(await template_text(call, params))
    capabilities, why = needed_capabilities(template)
    declared = [
        {
            "ParameterKey": name,
            "DefaultValue": None if "Default" not in rule else _plain(rule["Default"]),
            "NoEcho": _hidden(rule),
            "Description": rule.get("Description"),
        }
        for name, rule in template["Parameters"].items()
    ]
    return {
        "Parameters": declared,
        "Description": template.get("Description"),
        "DeclaredTransforms": transforms(template),
        **_needs(capabilities, why),
    }


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _needs(capabilities: list[str], why: list[str]) -> Params:
    if not capabilities:
        return {"Capabilities": []}
    reason = f"The following resource(s) require capabilities: [{', '.join(why)}]" if why else None
    return {"Capabilities": capabilities, "CapabilitiesReason": reason}


@service.operation(on=on_stack)
async def get_template_summary(call: Call, params: Params) -> Params:
    stack = find_stack(call, params["StackName"]) if params.get("StackName") else None
    if params.get("StackName") and stack is None:
        raise no_stack(params["StackName"])
    template = parse(stack.target.template if stack else await template_text(call, params))
    capabilities, why = needed_capabilities(template)
    return {
        "Parameters": [_declaration(name, rule) for name, rule in template["Parameters"].items()],
        "Description": template.get("Description"),
        "ResourceTypes": sorted({str(one["Type"]) for one in template["Resources"].values() if "Type" in one}),
        "DeclaredTransforms": transforms(template),
        "Version": str(template.get("AWSTemplateFormatVersion", "2010-09-09")),
        **_needs(capabilities, why),
    }


def _declaration(name: str, rule: Params) -> Params:
    allowed = [_plain(one) for one in rule.get("AllowedValues", [])]
    constraints = {"AllowedValues": allowed} if allowed else {}
    return {
        "ParameterKey": name,
        "DefaultValue": None if "Default" not in rule else _plain(rule["Default"]),
        "ParameterType": rule["Type"],
        "NoEcho": _hidden(rule),
        "Description": rule.get("Description"),
        "ParameterConstraints": constraints,
    }


# Exports


@service.operation(action="cloudformation:ListExports")
def list_exports(call: Call, params: Params) -> Params:
    found = call.store.list(Export, call.account, call.region)
    chosen, token = paging.page(found, lambda one: one.name, params.get("NextToken"), _PAGE, bad_token())
    shown_ones = [{"ExportingStackId": one.stack, "Name": one.name, "Value": one.value} for one in chosen]
    return {"Exports": shown_ones, "NextToken": token}


@service.operation(action="cloudformation:ListImports")
def list_imports(call: Call, params: Params) -> Params:
    if call.store.get(Export, call.account, call.region, params["ExportName"]) is None:
        raise invalid(f"Export '{params['ExportName']}' does not exist.")
    users = importers(call, params["ExportName"])
    if not users:
        raise invalid(f"Export '{params['ExportName']}' is not imported by any stack.")
    return {"Imports": users}
