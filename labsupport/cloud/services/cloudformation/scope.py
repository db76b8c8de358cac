"""What a stack's template may refer to at a moment: parameters, pseudo parameters, made resources, exports."""

import re
from typing import Any

from labsupport.cloud.core.call import Call, Client
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.cloudformation import schemas
from labsupport.cloud.services.cloudformation.base import invalid, not_here
from labsupport.cloud.services.cloudformation.functions import Scope, evaluate_conditions, resolve
from labsupport.cloud.services.cloudformation.records import Export, Params, Stack
from labsupport.cloud.services.cloudformation.template import Template

_DYNAMIC = re.compile(r"\{\{resolve:(ssm|ssm-secure|secretsmanager):([^}]*)\}\}")


def pseudo(call: Call, stack: Stack) -> Params:
    return {
        "AWS::AccountId": call.account,
        "AWS::NotificationARNs": stack.topics,
        "AWS::Partition": "aws",
        "AWS::Region": call.region,
        "AWS::StackId": stack.id,
        "AWS::StackName": stack.name,
        "AWS::URLSuffix": "amazonaws.com",
    }


def scope_of(call: Call, stack: Stack, template: Template) -> Scope:
    """A scope over a stack's resources as they stand now, its conditions decided."""

    def ref(name: str) -> Any:
        found = stack.resources.get(name)
        if found is None or not found.physical:
            raise invalid(f"Template error: resource {name} has not been created")
        return found.physical

    def attribute(name: str, wanted: str) -> Any:
        found = stack.resources.get(name)
        if found is None or not found.physical:
            raise invalid(f"Template error: resource {name} has not been created")
        if wanted not in found.attributes:
            raise invalid(f"Template error: resource {name} does not support attribute type {wanted} in Fn::GetAtt")
        return found.attributes[wanted]

    def export(name: str) -> str:
        found = call.store.get(Export, call.account, call.region, name)
        if found is None:
            raise invalid(f"No export named {name} found.")
        return found.value

    values = {**pseudo(call, stack), **stack.target.resolved}
    scope = Scope(template, values, ref, attribute, export)
    evaluate_conditions(scope)
    return scope


def wanted(template: Template, scope: Scope) -> list[str]:
    """The resources whose condition holds."""
    found = template["Resources"].items()
    return [name for name, one in found if scope.conditions.get(one.get("Condition", ""), True)]


def properties_of(template: Template, logical: str, scope: Scope, ssm: Client) -> Params:
    """A resource's properties with every function and dynamic reference resolved."""
    declared = template["Resources"][logical]
    return schemas.shaped(declared["Type"], _dynamic(resolve(declared.get("Properties", {}), scope), ssm))


def _dynamic(value: Any, ssm: Client) -> Any:
    if isinstance(value, dict):
        return {key: _dynamic(item, ssm) for key, item in value.items()}
    if isinstance(value, list):
        return [_dynamic(item, ssm) for item in value]
    if not isinstance(value, str) or "{{resolve:" not in value:
        return value
    return _DYNAMIC.sub(lambda match: _fetched(match[1], match[2], ssm), value)


def _fetched(kind: str, name: str, ssm: Client) -> str:
    if kind == "secretsmanager":
        raise not_here("A dynamic reference to Secrets Manager")
    try:
        return str(ssm.get_parameter(Name=name, WithDecryption=kind == "ssm-secure")["Parameter"]["Value"])
    except AwsError as error:
        if error.code not in ("ParameterNotFound", "ParameterVersionNotFound", "ValidationException"):
            raise
        raise invalid(f"Could not find a value associated with the parameter {name} in Parameter Store") from None
