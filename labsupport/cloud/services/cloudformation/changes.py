"""What going from a stack's present state to a target would add, modify and remove. Nothing is changed."""

from typing import Any

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.cloudformation.asking import prepare
from labsupport.cloud.services.cloudformation.functions import Scope, resolve
from labsupport.cloud.services.cloudformation.making import replaces
from labsupport.cloud.services.cloudformation.providers import PROVIDERS
from labsupport.cloud.services.cloudformation.records import Params, Resource, Stack, Target
from labsupport.cloud.services.cloudformation.references import references
from labsupport.cloud.services.cloudformation.scope import scope_of, wanted
from labsupport.cloud.services.cloudformation.template import parse

_LATER = object()  # what is known once the resource it comes from has been made


def changes(call: Call, stack: Stack, target: Target) -> list[Params]:
    """Resource changes as DescribeChangeSet shows them. ValidationError where the target cannot be."""
    there = Stack(**{name: getattr(stack, name) for name in Stack.__struct_fields__})
    there.target = target
    prepare(call, there)
    template = parse(target.template)
    scope = scope_of(call, there, template)
    names = wanted(template, scope)
    replaced: set[str] = set()
    found = []
    for name in names:
        if name not in stack.resources:
            found.append(_added(template, name))
        elif one := _modified(stack, template, name, scope, replaced):
            found.append(one)
    found += [_removed(stack, one) for one in stack.resources if one not in names]
    return [{"Type": "Resource", "ResourceChange": one} for one in found]


def _added(template: Params, name: str) -> Params:
    kind = template["Resources"][name]["Type"]
    return {"Action": "Add", "LogicalResourceId": name, "ResourceType": kind, "Scope": [], "Details": []}


def _what(name: str, one: Resource) -> Params:
    return {"LogicalResourceId": name, "PhysicalResourceId": one.physical, "ResourceType": one.type}


def _removed(stack: Stack, name: str) -> Params:
    one = stack.resources[name]
    action = "Retain" if one.deletion.startswith("Retain") else "Delete"
    return {"Action": "Remove", **_what(name, one), "Scope": [], "Details": [], "PolicyAction": action}


def _modified(stack: Stack, template: Params, name: str, scope: Scope, replaced: set[str]) -> Params | None:
    """How a resource would differ; what depends on resources to come is told as dynamic."""
    one, declared = stack.resources[name], template["Resources"][name].get("Properties", {})
    values = {key: _value(value, scope, replaced) for key, value in declared.items()}
    keys = sorted(key for key in {*values, *one.properties} if not _equal(values.get(key), one.properties.get(key)))
    if not keys:
        return None
    always = replaces(one.type, PROVIDERS.get(one.type), set(keys))
    if always:
        replaced.add(name)
    details = [_detail(stack, declared.get(key), key, one.type, values.get(key)) for key in keys]
    shown = {"Replacement": str(always), "Scope": ["Properties"], "Details": details}
    return {"Action": "Modify", **_what(name, one), **shown}


def _value(declared: Any, scope: Scope, replaced: set[str]) -> Any:
    if any(target in replaced for kind, target in references(declared) if kind in ("Ref", "Fn::GetAtt")):
        return _LATER
    try:
        return resolve(declared, scope)
    except AwsError:
        return _LATER


def _equal(new: Any, old: Any) -> bool:
    looked_up = isinstance(new, str) and "{{resolve:" in new  # at the update itself; here it is taken to be the same
    return looked_up or new == old


def _detail(stack: Stack, declared: Any, key: str, kind: str, value: Any) -> Params:
    always = replaces(kind, PROVIDERS.get(kind), {key})
    target = {"Attribute": "Properties", "Name": key, "RequiresRecreation": "Always" if always else "Never"}
    source = _source(stack, declared)
    evaluation = "Dynamic" if value is _LATER else "Static"
    return {"Target": target, "Evaluation": evaluation, **source}


def _source(stack: Stack, declared: Any) -> Params:
    """Where the change comes from: a parameter, another resource, or the template's own text."""
    for kind, target in references(declared):
        if kind == "Ref" and target in parse(stack.target.template)["Parameters"]:
            return {"ChangeSource": "ParameterReference", "CausingEntity": target}
        if kind == "Ref" and target in stack.resources:
            return {"ChangeSource": "ResourceReference", "CausingEntity": target}
        if kind == "Fn::GetAtt":
            return {"ChangeSource": "ResourceAttribute", "CausingEntity": target}
    return {"ChangeSource": "DirectModification"}
