"""What a finished stack gives out: outputs and exports."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.services.cloudformation.base import invalid
from labsupport.cloud.services.cloudformation.functions import resolve
from labsupport.cloud.services.cloudformation.records import Export, Params, Stack
from labsupport.cloud.services.cloudformation.scope import scope_of
from labsupport.cloud.services.cloudformation.template import parse


def outputs_of(call: Call, stack: Stack) -> list[Params]:
    template = parse(stack.target.template)
    scope = scope_of(call, stack, template)
    found = []
    for name, declared in template["Outputs"].items():
        if not scope.conditions.get(declared.get("Condition", ""), True):
            continue
        value = resolve(declared["Value"], scope)
        if isinstance(value, list | dict):
            raise invalid(
                f"Template format error: Output {name} is malformed. The Value field of every Outputs member must evaluate to a String."
            )
        one: Params = {"OutputKey": name, "OutputValue": str(value)}
        if declared.get("Description"):
            one["Description"] = str(declared["Description"])
        if declared.get("Export"):
            one["ExportName"] = str(resolve(declared["Export"]["Name"], scope))
        found.append(one)
    return found


def exports_of(call: Call, stack: Stack) -> dict[str, str]:
    """The exports that the stack is to have; no two stacks of a region export the same name."""
    exports = {one["ExportName"]: one["OutputValue"] for one in outputs_of(call, stack) if "ExportName" in one}
    for name in exports:
        other = call.store.get(Export, stack.account, stack.region, name)
        if other is not None and other.stack != stack.id:
            plain = other.stack.split("/")[1]
            raise invalid(f"Export with name {name} is already exported by stack {plain}. Rollback requested by user.")
    return exports
