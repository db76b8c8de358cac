"""The instance metadata service, version 2 (User Guide: "Use instance metadata to manage your EC2 instance").

Each instance has its own address, `/_imds/SECRET/`, in the place of 169.254.169.254: whoever knows it is the instance.
"""

import base64
import hmac
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import unquote

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.http import HttpRequest, HttpResponse
from labsupport.cloud.core.identity import InstanceProfile, Role, Session, service_principal
from labsupport.cloud.services.ec2.base import Instance, Secret, service
from labsupport.cloud.services.ec2.describing import host_name
from labsupport.cloud.services.ec2.launching import user_data_bytes
from labsupport.cloud.services.ec2.places import zones

LONGEST_TOKEN = 21_600  # seconds
_EARLY = 300.0  # credentials are new this many seconds before the old ones expire
_PATH = re.compile(r"/_imds/([^/]+)/*(latest|1\.0|\d{4}-\d\d-\d\d)(?:/(.*))?")
_TEXT = {"content-type": "text/plain"}
Leaves = dict[str, Callable[[], str | bytes]]


async def route(cloud: Cloud, request: HttpRequest) -> HttpResponse:
    found = _PATH.fullmatch(request.raw_path)
    owner = cloud.store.get(Secret, found[1]) if found else None
    instance = cloud.store.get(Instance, owner.account, owner.region, owner.instance) if owner else None
    if found is None or instance is None or instance.state not in ("pending", "running", "stopping", "shutting-down"):
        return _refused(404, "Not Found")
    if instance.metadata.get("HttpEndpoint") == "disabled":
        return _refused(403, "Forbidden")
    path = unquote(found[3] or "")
    now = cloud.clock.epoch()
    if path == "api/token":
        return _new_token(instance, request, now)
    if request.method not in ("GET", "HEAD"):
        return _refused(405, "Method Not Allowed")
    if not _admitted(instance, request, now):
        return _refused(401, "Unauthorized")
    return _answer(_leaves(_call(cloud, instance), instance), path)


def _refused(status: int, text: str) -> HttpResponse:
    return HttpResponse(status, dict(_TEXT), f"{status} - {text}\n".encode())


def _new_token(instance: Instance, request: HttpRequest, now: float) -> HttpResponse:
    if request.method != "PUT":
        return _refused(405, "Method Not Allowed")
    if "x-forwarded-for" in request.headers:
        return _refused(403, "Forbidden")
    wanted = request.headers.get("x-aws-ec2-metadata-token-ttl-seconds", "")
    if not wanted.isdecimal() or not 1 <= int(wanted[:6]) <= LONGEST_TOKEN:
        return _refused(400, "Bad Request")
    head = {**_TEXT, "x-aws-ec2-metadata-token-ttl-seconds": wanted}
    return HttpResponse(200, head, _token(instance, int(now) + int(wanted)).encode())


def _token(instance: Instance, expires: int) -> str:
    """A token proves itself, so that none has to be kept and a restart of the cloud forgets none."""
    proof = hmac.digest(instance.secret.encode(), f"token/{expires}".encode(), "sha256")[:24]
    return base64.urlsafe_b64encode(expires.to_bytes(8, "big") + proof).decode().rstrip("=")


def _admitted(instance: Instance, request: HttpRequest, now: float) -> bool:
    given = request.headers.get("x-aws-ec2-metadata-token")
    if given is None:
        return instance.metadata.get("HttpTokens") == "optional"
    try:
        expires = int.from_bytes(base64.urlsafe_b64decode(given + "=" * (-len(given) % 4))[:8], "big")
    except ValueError:
        return False
    return expires > now and hmac.compare_digest(_token(instance, expires).encode(), given.encode())


def _call(cloud: Cloud, instance: Instance) -> Call:
    caller = service_principal(service.principal, instance.account)
    return Call(cloud, service, "", caller, instance.account, instance.region)


def _answer(leaves: Leaves, path: str) -> HttpResponse:
    """The leaf at a path, or the names below it."""
    wanted = path.strip("/")
    if wanted in leaves:
        value = leaves[wanted]()
        return HttpResponse(200, dict(_TEXT), value if isinstance(value, bytes) else value.encode())
    prefix = f"{wanted}/" if wanted else ""
    below = [name.removeprefix(prefix) for name in leaves if name.startswith(prefix)]
    if not below:
        return _refused(404, "Not Found")
    names = {name.partition("/")[0] + ("/" if "/" in name else "") for name in below}
    return HttpResponse(200, dict(_TEXT), "\n".join(sorted(names)).encode())


def _leaves(call: Call, instance: Instance) -> Leaves:
    return {
        **{f"meta-data/{name}": _constant(value) for name, value in _facts(instance).items()},
        **_role_leaves(call, instance),
        **_tag_leaves(instance),
        "dynamic/instance-identity/document": lambda: identity_document(instance),
        **({"user-data": lambda: user_data_bytes(instance.user_data)} if instance.user_data else {}),
    }


def _constant(value: str) -> Callable[[], str]:
    return lambda: value


def _facts(instance: Instance) -> dict[str, str]:
    zone = next((one.id for one in zones(instance.region) if one.name == instance.zone), "")
    return {
        "ami-id": instance.image,
        "ami-launch-index": str(instance.index),
        "hostname": host_name(instance),
        "instance-action": "none",
        "instance-id": instance.id,
        "instance-life-cycle": "on-demand",
        "instance-type": instance.type,
        "local-hostname": host_name(instance),
        "local-ipv4": instance.address,
        "placement/availability-zone": instance.zone,
        "placement/availability-zone-id": zone,
        "placement/region": instance.region,
        "public-ipv4": instance.address,
        "reservation-id": instance.reservation,
        "security-groups": "default",
        "services/domain": "amazonaws.com",
        "services/partition": "aws",
    }


def _tag_leaves(instance: Instance) -> Leaves:
    if instance.metadata.get("InstanceMetadataTags") != "enabled":
        return {}
    return {f"meta-data/tags/instance/{key}": _constant(value) for key, value in instance.tags.items()}


def _role_leaves(call: Call, instance: Instance) -> Leaves:
    """Nothing without an instance profile; credentials only where the profile has a role."""
    if not instance.profile:
        return {}
    leaves: Leaves = {"meta-data/iam/info": lambda: _info(call, instance)}
    role = role_of(call, instance)
    if role:
        leaves[f"meta-data/iam/security-credentials/{role.name}"] = lambda: _credentials(call, instance, role)
    return leaves


def role_of(call: Call, instance: Instance) -> Role | None:
    profile = call.store.get(InstanceProfile, call.account, instance.profile.rsplit("/", 1)[-1])
    if profile is None or profile.id != instance.profile_id or not profile.roles:
        return None
    return call.store.get(Role, call.account, profile.roles[0])


def _info(call: Call, instance: Instance) -> str:
    if role_of(call, instance) is None:
        return _json(call, Code="InstanceProfileNotFound", Message="The instance profile has no role, or is gone.")
    profile = {"InstanceProfileArn": instance.profile, "InstanceProfileId": instance.profile_id}
    return _json(call, Code="Success", **profile)


def _credentials(call: Call, instance: Instance, role: Role) -> str:
    try:
        session = _session(call, instance, role)
    except AwsError:
        message = (
            f"EC2 cannot assume the role {role.name}. Please see documentation at https://docs.aws.amazon.com/IAM/"
            "latest/UserGuide/troubleshoot_iam-ec2.html#troubleshoot_iam-ec2_errors-info-doc."
        )
        return _json(call, Code="AssumeRoleUnauthorizedAccess", Message=message)
    return _json(
        call,
        Code="Success",
        Type="AWS-HMAC",
        AccessKeyId=session.id,
        SecretAccessKey=session.secret,
        Token=session.token,
        Expiration=iso(session.expires),
    )


def _session(call: Call, instance: Instance, role: Role) -> Session:
    """The role's current session on this instance, or a new one. It is named by the instance's id."""
    current = call.store.get(Session, instance.session) if instance.session else None
    if current and current.role_id == role.id and current.expires - call.epoch > _EARLY:
        return current
    with call.transaction():
        sts = call.aws("sts", as_service=True)
        given = sts.assume_role(RoleArn=role.arn, RoleSessionName=instance.id)["Credentials"]
        instance.session = given["AccessKeyId"]
        call.store.put(instance)
        session = call.store.get(Session, instance.session)
    if session is None:
        raise AwsError("InternalFailure", "The session that was just made is not there.", 500)
    return session


def _json(call: Call, **values: str) -> str:
    return json.dumps({"Code": values.pop("Code"), "LastUpdated": iso(call.epoch), **values}, indent=2)


def iso(epoch: float) -> str:
    return datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def identity_document(instance: Instance) -> str:
    """User Guide: "Instance identity documents"."""
    document = {
        "accountId": instance.account,
        "architecture": "x86_64",
        "availabilityZone": instance.zone,
        "billingProducts": None,
        "devpayProductCodes": None,
        "marketplaceProductCodes": None,
        "imageId": instance.image,
        "instanceId": instance.id,
        "instanceType": instance.type,
        "kernelId": None,
        "pendingTime": iso(instance.launched),
        "privateIp": instance.address,
        "ramdiskId": None,
        "region": instance.region,
        "version": "2017-09-30",
    }
    return json.dumps(document, indent=2)


service.route = route
