"""Which stacks import an export."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.cloudformation.functions import Scope, resolve
from labsupport.cloud.services.cloudformation.records import Stack
from labsupport.cloud.services.cloudformation.scope import scope_of
from labsupport.cloud.services.cloudformation.template import parse


def importers(call: Call, export: str) -> list[str]:
    """The names of the stacks whose template imports it."""
    return [stack.name for stack in call.store.list(Stack, call.account, call.region) if _uses(call, stack, export)]


def _uses(call: Call, stack: Stack, export: str) -> bool:
    if stack.status in ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS") or "ImportValue" not in stack.target.template:
        return False
    template = parse(stack.target.template)
    return export in _imports([template["Resources"], template["Outputs"]], scope_of(call, stack, template))


def _imports(value: object, scope: Scope) -> set[str]:
    if isinstance(value, list):
        return set().union(*(_imports(one, scope) for one in value)) if value else set()
    if not isinstance(value, dict):
        return set()
    own = {_name(value["Fn::ImportValue"], scope)} if "Fn::ImportValue" in value else set()
    return own.union(*(_imports(one, scope) for one in value.values()))


def _name(argument: object, scope: Scope) -> str:
    try:
        return str(resolve(argument, scope))
    except AwsError:
        return ""  # named by something that is not there: then it imports nothing
