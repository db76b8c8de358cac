"""Targets of a rule: what gets its events, and as what."""

import json

from labsupport.cloud.core import paging
from labsupport.cloud.core.arn import Arn, parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.events import dead_letters
from labsupport.cloud.services.events.base import (
    Params,
    Rule,
    bad_token,
    check_bus,
    on_rule,
    rule_named,
    service,
    validation,
)
from labsupport.cloud.services.events.content import PREDEFINED, is_path, placeholders

MOST = 5
WITH_ROLE = ("codepipeline", "codebuild")  # EventBridge calls these under the target's role
WITHOUT_ROLE = (
    "sns",
    "sqs",
    "logs",
    "lambda",
)  # and these as events.amazonaws.com, which their own policies have to allow
_OPTIONS = {  # of targets that the lab hasn't
    "KinesisParameters": "A Kinesis target",
    "RunCommandParameters": "A Run Command target",
    "EcsParameters": "An ECS target",
    "BatchParameters": "An AWS Batch target",
    "HttpParameters": "An HTTP target",
    "RedshiftDataParameters": "A Redshift target",
    "SageMakerPipelineParameters": "A SageMaker target",
    "AppSyncParameters": "An AppSync target",
}


def _conditions(_: Call, params: Params) -> Params:
    return {"events:targetarn": [target["Arn"] for target in params["Targets"]]}


@service.operation(on=on_rule, passes=("Targets.RoleArn",), context=_conditions)
def put_targets(call: Call, params: Params) -> Params:
    rule = rule_named(call, params)
    for target in params["Targets"]:
        _check(target)
        _check_input(target)
        dead_letters.check(target, call.region)
    targets = {**rule.targets, **{target["Id"]: target for target in params["Targets"]}}
    if len(targets) > MOST:
        raise AwsError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
    rule.targets = targets
    call.store.put(rule)
    return {"FailedEntryCount": 0, "FailedEntries": []}


def _check(target: Params) -> None:
    arn = parse(target["Arn"])
    if arn is None:
        raise validation(f"Parameter {target['Arn']} is not valid. Reason: Provided Arn is not in correct format.")
    if arn.service not in (*WITH_ROLE, *WITHOUT_ROLE):
        raise not_simulated(f"A target of the service {arn.service}")
    if arn.service in WITH_ROLE and not target.get("RoleArn"):
        raise validation(f"RoleArn is required for target {target['Arn']}.")
    _check_group(target, arn)
    for option, what in _OPTIONS.items():
        if target.get(option):
            raise not_simulated(what)


def _check_group(target: Params, arn: Arn) -> None:
    """A FIFO queue wants to know the message group, and no other target does."""
    fifo = arn.service == "sqs" and arn.resource.endswith(".fifo")
    if fifo and not target.get("SqsParameters", {}).get("MessageGroupId"):
        raise validation(f"Parameter(s) SqsParameters must be specified for target: {target['Id']}.")
    if target.get("SqsParameters") and not fifo:
        raise validation(f"Parameter(s) SqsParameters not valid for target {target['Id']}.")


def _check_input(target: Params) -> None:
    if sum(name in target for name in ("Input", "InputPath", "InputTransformer")) > 1:
        message = f"Only one of Input, InputPath, or InputTransformer must be provided for target {target['Id']}."
        raise validation(message)
    _check_constant(target)
    paths = target.get("InputTransformer", {}).get("InputPathsMap", {})
    for path in [*paths.values(), target.get("InputPath", "$")]:
        if not is_path(path):
            raise validation(
                f"Invalid input path for target {target['Id']}: {path} is no JSON path like $.detail.state."
            )
    for name in placeholders(target.get("InputTransformer", {}).get("InputTemplate", "")):
        if name not in paths and name not in PREDEFINED:
            raise validation(
                f"Invalid InputTemplate for target {target['Id']}: InputPathsMap does not define <{name}>."
            )


def _check_constant(target: Params) -> None:
    """Target's Input: "valid JSON text"; a text by itself is one only in quotes."""
    try:
        json.loads(target.get("Input", "{}"))
    except (ValueError, RecursionError) as error:
        where = f"; line: {error.lineno}, column: {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        source = f'[Source: (String)"{target["Input"]}"{where}]'
        raise validation(f"JSON syntax error in input for target {target['Id']}: {source}") from None


@service.operation(on=on_rule)
def remove_targets(call: Call, params: Params) -> Params:
    rule = rule_named(call, params)
    failed = [
        {"TargetId": one, "ErrorCode": "ResourceNotFoundException", "ErrorMessage": f"Target {one} does not exist."}
        for one in params["Ids"]
        if one not in rule.targets
    ]
    rule.targets = {name: target for name, target in rule.targets.items() if name not in params["Ids"]}
    call.store.put(rule)
    return {"FailedEntryCount": len(failed), "FailedEntries": failed}


@service.operation(on=on_rule)
def list_targets_by_rule(call: Call, params: Params) -> Params:
    targets = sorted(rule_named(call, params).targets.values(), key=lambda target: str(target["Id"]))
    chosen, token = paging.page(
        targets, lambda one: str(one["Id"]), params.get("NextToken"), params.get("Limit", 100), bad_token()
    )
    return {"Targets": chosen, "NextToken": token}


@service.operation(on="arn:{partition}:events:{region}:{account}:rule/*")
def list_rule_names_by_target(call: Call, params: Params) -> Params:
    check_bus(params.get("EventBusName"))
    rules = call.store.list(Rule, call.account, call.region)
    found = [rule for rule in rules if any(one["Arn"] == params["TargetArn"] for one in rule.targets.values())]
    chosen, token = paging.page(
        found, lambda rule: rule.name, params.get("NextToken"), params.get("Limit", 100), bad_token()
    )
    return {"RuleNames": [rule.name for rule in chosen], "NextToken": token}
