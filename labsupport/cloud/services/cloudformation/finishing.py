"""What a finished stack gives out: outputs and exports."""

from collections.abc import Collection

from labsupport.cloud.core.call import Call
from labsupport.cloud.services.cloudformation.base import invalid
from labsupport.cloud.services.cloudformation.functions import resolve
from labsupport.cloud.services.cloudformation.records import Export, Params, Stack
from labsupport.cloud.services.cloudformation.scope import scope_of
from labsupport.cloud.services.cloudformation.template import parse
from labsupport.cloud.services.cloudformation.using import importers


def outputs_of(call: Call, stack: Stack) -> list[Params]:
    template = parse(stack.target.template)
    scope = scope_of(call, stack, template)
    found = []
    for name, declared in template["Outputs"].items():
        if not scope.conditions.get(declared.get("Condition", ""), True):
            continue
        one: Params = {"OutputKey": name, "OutputValue": _text(name, "Value", resolve(declared["Value"], scope))}
        if declared.get("Description"):
            one["Description"] = declared["Description"]
        if declared.get("Export"):
            one["ExportName"] = _text(name, "Name", resolve(declared["Export"]["Name"], scope))
        found.append(one)
    return found


def _text(output: str, key: str, value: object) -> str:
    if not isinstance(value, str | int | float):
        of = "Outputs" if key == "Value" else "Export"
        must = f"The {key} field of every {of} member must evaluate to a String."
        raise invalid(f"Template format error: Output {output} is malformed. {must}")
    return str(value).lower() if isinstance(value, bool) else str(value)


def exports_of(call: Call, stack: Stack) -> dict[str, str]:
    """The exports that the stack is to have.

    No two stacks of a region export the same name, and one that others import stays as it is.
    """
    exports = {one["ExportName"]: one["OutputValue"] for one in outputs_of(call, stack) if "ExportName" in one}
    for name in exports:
        other = call.store.get(Export, stack.account, stack.region, name)
        if other is not None and other.stack != stack.id:
            raise invalid(f"Export with name {name} is already exported by stack {other.stack.split('/')[1]}.")
    for old in _own(call, stack):
        if exports.get(old.name) != old.value and (users := importers(call, old.name)):
            verb = "updated" if old.name in exports else "deleted"
            raise invalid(f"Export {old.name} cannot be {verb} as it is in use by {' and '.join(users)}")
    return exports


def _own(call: Call, stack: Stack) -> list[Export]:
    return [one for one in call.store.list(Export, stack.account, stack.region) if one.stack == stack.id]


def settle(call: Call, stack: Stack, exports: dict[str, str]) -> None:
    """Outputs and exports as the stack now has them."""
    stack.outputs = outputs_of(call, stack)
    forget_exports(call, stack, keep=exports)
    for name, value in exports.items():
        call.store.put(Export(account=stack.account, region=stack.region, name=name, value=value, stack=stack.id))


def forget_exports(call: Call, stack: Stack, keep: Collection[str]) -> None:
    for old in _own(call, stack):
        if old.name not in keep:
            call.store.delete(old)
