"""The order in which a template's resources come to be. Pure."""

from labsupport.cloud.services.cloudformation.base import invalid
from labsupport.cloud.services.cloudformation.references import references
from labsupport.cloud.services.cloudformation.template import Template, depends_on


def dependencies(
    template: Template, wanted: list[str], conditions: dict[str, bool] | None = None
) -> dict[str, list[str]]:
    """For each wanted resource those that have to be there before it.

    A reference to a resource whose condition doesn't hold is refused, unless an Fn::If keeps it from being made.
    """
    found = {}
    for name in wanted:
        declared = template["Resources"][name]
        refers = references(declared.get("Properties", {}), conditions)
        needs = {target for kind, target in refers if kind in ("Ref", "Fn::GetAtt") and target in template["Resources"]}
        missing = sorted(needs - set(wanted))
        if missing:
            where = f"[{', '.join(missing)}] in the Resources block of the template"
            raise invalid(f"Template format error: Unresolved resource dependencies {where}")
        needs |= set(depends_on(declared))
        found[name] = sorted(needs & set(wanted) - {name})
        if name in needs:
            raise _circular([name])
    return found


def order(needs: dict[str, list[str]]) -> list[str]:
    """The resources, each behind those it needs. ValidationError where they need each other in a circle."""
    placed: dict[str, None] = {}
    left = dict(needs)
    while left:
        ready = [name for name, before in left.items() if all(one in placed for one in before)]
        if not ready:
            raise _circular(sorted(left))
        placed |= dict.fromkeys(ready)
        left = {name: before for name, before in left.items() if name not in placed}
    return list(placed)


def _circular(names: list[str]) -> Exception:
    return invalid(f"Circular dependency between resources: [{', '.join(names)}]")
