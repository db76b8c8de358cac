"""What a request for a stack is made of: template, parameters, capabilities, tags; checked before anything begins."""

from urllib.parse import unquote, urlsplit

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.core.tags import from_list
from labsupport.cloud.services.cloudformation import graph, parameters
from labsupport.cloud.services.cloudformation.base import invalid
from labsupport.cloud.services.cloudformation.records import Params, Stack, Target
from labsupport.cloud.services.cloudformation.scope import scope_of, wanted
from labsupport.cloud.services.cloudformation.template import Template, parse

_NAMED = {"AWS::IAM::Role": "RoleName", "AWS::IAM::User": "UserName", "AWS::IAM::Group": "GroupName",
          "AWS::IAM::ManagedPolicy": "ManagedPolicyName", "AWS::IAM::InstanceProfile": "InstanceProfileName"}  # fmt: skip
_IAM = (*_NAMED, "AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::UserPolicy", "AWS::IAM::AccessKey",
        "AWS::IAM::UserToGroupAddition")  # fmt: skip


async def template_text(call: Call, params: Params, stack: Stack | None = None) -> str:
    """The template of a request: in it, in S3 (read as the caller), or the one that the stack has."""
    given = [name for name in ("TemplateBody", "TemplateURL") if params.get(name)]
    if params.get("UsePreviousTemplate"):
        if stack is None or given:
            raise invalid("You cannot specify both usePreviousTemplate and Template Body/Template URL.")
        return stack.target.template
    if len(given) != 1:
        raise invalid("Either Template URL or Template Body must be specified.")
    if given == ["TemplateBody"]:
        return str(params["TemplateBody"])
    return await _from_s3(call, params["TemplateURL"])


async def _from_s3(call: Call, url: str) -> str:
    """`https://s3.amazonaws.com/bucket/key`, `https://bucket.s3.region.amazonaws.com/key`, or the lab's own address."""
    parts = urlsplit(url)
    host, path = parts.netloc.lower(), unquote(parts.path.lstrip("/"))
    if ".s3." in host or ".s3-" in host:
        bucket, key = host.split(".s3")[0], path
    elif host.startswith(("s3.", "s3-")) or host == call.host or host.startswith(("127.0.0.1", "localhost")):
        bucket, _, key = path.partition("/")
    else:
        raise invalid(f"TemplateURL must be a supported URL: {url}")
    try:
        body = (await call.aws("s3").get_object(Bucket=bucket, Key=key))["Body"]
    except AwsError as error:
        raise invalid(f"S3 error: {error.message}") from None
    data = body if isinstance(body, bytes) else b"".join([part async for part in body])
    return data.decode("utf-8", "replace")


def target_of(call: Call, params: Params, text: str, before: Target | None) -> Target:
    """What the stack is to be made from, if the request holds together."""
    template = parse(text)
    for name in (
        "ResourceTypes",
        "RollbackConfiguration",
        "StackPolicyURL",
        "StackPolicyBody",
        "ImportExistingResources",
    ):
        if params.get(name):
            raise not_simulated(f"The parameter {name}")
    values = parameters.chosen(template, params.get("Parameters", []), before.parameters if before else {})
    capabilities = params.get("Capabilities", [])
    _check_capabilities(template, capabilities)
    tags = from_list(params["Tags"]) if "Tags" in params else (dict(before.tags) if before else {})
    if any(name.lower().startswith("aws:") for name in tags):
        raise invalid("aws: prefixed tag key names are not allowed for external use.")
    return Target(template=text, parameters=values, capabilities=capabilities, tags=tags)


def needed_capabilities(template: Template) -> tuple[list[str], list[str]]:
    """The capabilities that a template asks for, and the resources that are why."""
    kinds = {name: one["Type"] for name, one in template["Resources"].items()}
    iam = [name for name, kind in kinds.items() if kind in _IAM]
    if not iam:
        return [], []
    own_names = [
        name for name in iam if _NAMED.get(kinds[name], "") in template["Resources"][name].get("Properties", {})
    ]
    return (["CAPABILITY_NAMED_IAM"] if own_names else ["CAPABILITY_IAM"]), sorted({kinds[name] for name in iam})


def _check_capabilities(template: Template, given: list[str]) -> None:
    needed, _ = needed_capabilities(template)
    enough = (
        not needed or "CAPABILITY_NAMED_IAM" in given or (needed == ["CAPABILITY_IAM"] and "CAPABILITY_IAM" in given)
    )
    if not enough:
        raise AwsError("InsufficientCapabilitiesException", f"Requires capabilities : [{needed[0]}]", 400)


def prepare(call: Call, stack: Stack) -> None:
    """Resolve the parameters, and see that the resources can be put in an order."""
    template = parse(stack.target.template)
    stack.resolved = parameters.resolved(template, stack.target.parameters, call.aws("ssm"))
    names = wanted(template, scope_of(call, stack, template))
    graph.order(graph.dependencies(template, names))


def caller_key(call: Call, role: str) -> str:
    """Whose rights the stack uses where it has no role: the caller's, by the key that signed."""
    return "" if role else call.caller.access_key
