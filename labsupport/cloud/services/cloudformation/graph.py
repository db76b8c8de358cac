"""The order in which a template's resources come to be. Pure."""

from labsupport.cloud.services.cloudformation.base import invalid
from labsupport.cloud.services.cloudformation.template import Template, depends_on, references


def dependencies(template: Template, wanted: list[str]) -> dict[str, list[str]]:
    """For each wanted resource those that have to be there before it."""
    found = {}
    for name in wanted:
        declared = template["Resources"][name]
        needs = {target for kind, target in references(declared.get("Properties", {})) if kind in ("Ref", "Fn::GetAtt")}
        needs |= set(depends_on(declared))
        found[name] = sorted(needs & set(wanted) - {name})
        if name in needs:
            raise _circular([name])
    return found


def order(needs: dict[str, list[str]]) -> list[str]:
    """The resources, each behind those it needs; ValidationError where they need each other in a circle."""
    placed: list[str] = []
    left = dict(needs)
    while left:
        ready = [name for name, before in left.items() if all(one in placed for one in before)]
        if not ready:
            raise _circular(sorted(left))
        placed += ready
        left = {name: before for name, before in left.items() if name not in ready}
    return placed


def _circular(names: list[str]) -> Exception:
    return invalid(f"Circular dependency between resources: [{', '.join(names)}]")
