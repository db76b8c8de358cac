"""What a simulation is asked with, checked: the caller, the context, the scenario (IAM API Reference:
"SimulateCustomPolicy", "SimulatePrincipalPolicy", "ContextEntry")."""

from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.policy.operators import readable
from labsupport.cloud.policy.records import Principal
from labsupport.cloud.services.iam.base import Params

_BASIC = ("instance", "image", "security-group", "network-interface")
SCENARIOS = {
    "EC2-VPC-InstanceStore": _BASIC,
    "EC2-VPC-InstanceStore-Subnet": (*_BASIC, "subnet"),
    "EC2-VPC-EBS": (*_BASIC, "volume"),
    "EC2-VPC-EBS-Subnet": (*_BASIC, "subnet", "volume"),
}


def invalid(message: str) -> AwsError:
    return AwsError("InvalidInputException", message, 400)


def check_scenario(params: Params) -> None:
    """A scenario makes sure that each kind of resource that its calls need is there; they are decided as ever."""
    name = params.get("ResourceHandlingOption")
    if not name:
        return
    if name not in SCENARIOS:
        raise invalid(f"Invalid ResourceHandlingOption: {name}. It must be one of {', '.join(SCENARIOS)}.")
    given = {_kind(arn) for arn in params.get("ResourceArns", [])}
    lacking = [kind for kind in SCENARIOS[name] if kind not in given]
    if lacking:
        raise invalid(f"{name} needs the ARN of a resource of the type {', '.join(lacking)}.")


def _kind(arn: str) -> str:
    found = parse(arn)
    return found.resource.partition("/")[0] if found and found.service == "ec2" else ""


def check_context(params: Params) -> None:
    """Values are of the type that their entry names; of a type that is no list there is one."""
    for entry in params.get("ContextEntries", []):
        kind = entry.get("ContextKeyType", "stringList")
        name, values = entry.get("ContextKeyName", ""), entry.get("ContextKeyValues", [])
        single = kind.removesuffix("List")
        if len(values) > 1 and single == kind:
            raise invalid(f"Invalid context entry: {name} is of the type {kind} and has more than one value.")
        for value in values:
            if not readable(single, value):
                raise invalid(f"Invalid context entry: the value {value} of {name} is not of the type {single}.")


def caller_of(params: Params) -> Principal | None:
    """The simulated caller if one is named: a user, a group or a role, who needs not exist."""
    arn = params.get("CallerArn")
    if arn is None:
        return None
    found = parse(arn)
    kind, _, name = found.resource.partition("/") if found and found.service == "iam" else ("", "", "")
    if found is None or kind not in ("user", "group", "role") or not name:
        raise invalid(f"Invalid CallerArn: {arn}. Only the ARN of an IAM user, group, or role can be simulated.")
    return principal_of(found.account, arn, kind)


def principal_of(account: str, arn: str, kind: str, unique_id: str = "") -> Principal:
    """As policies see it: a role by a session of its own, a group by one of its members."""
    name = arn.rsplit("/", 1)[-1]
    if kind == "role":
        session = f"arn:aws:sts::{account}:assumed-role/{name}/simulated"
        return Principal(account, session, "session", arn, name=name, unique_id=unique_id)
    shown = arn if kind == "user" else f"arn:aws:iam::{account}:user/simulated"
    return Principal(account, shown, "user", name=name, unique_id=unique_id)


def check_resource_policy(params: Params) -> None:
    """A resource's policy needs a caller for its Principal, and is not simulated for roles, at AWS neither."""
    if "ResourcePolicy" not in params:
        return
    caller = params.get("CallerArn") or params.get("PolicySourceArn")
    if caller is None:
        raise invalid("CallerArn is needed to simulate a resource's policy.")
    if ":role/" in caller:
        raise invalid("Simulation of resource-based policies isn't supported for IAM roles.")
