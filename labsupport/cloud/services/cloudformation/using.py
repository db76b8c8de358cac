"""Which stacks import an export."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.services.cloudformation.functions import Scope, resolve
from labsupport.cloud.services.cloudformation.records import Stack
from labsupport.cloud.services.cloudformation.scope import scope_of
from labsupport.cloud.services.cloudformation.template import parse


def importers(call: Call, export: str) -> list[str]:
    """The names of the stacks whose template imports it."""
    found = []
    for stack in call.store.list(Stack, call.account, call.region):
        if stack.status != "DELETE_COMPLETE" and "Fn::ImportValue" in str(parse(stack.target.template)):
            template = parse(stack.target.template)
            scope = scope_of(call, stack, template)
            if export in _imports([template["Resources"], template["Outputs"]], scope):
                found.append(stack.name)
    return found


def _imports(value: object, scope: Scope) -> set[str]:
    if isinstance(value, list):
        return set().union(*(_imports(one, scope) for one in value)) if value else set()
    if not isinstance(value, dict):
        return set()
    own = {str(resolve(value["Fn::ImportValue"], scope))} if "Fn::ImportValue" in value else set()
    return own.union(*(_imports(one, scope) for one in value.values()))
