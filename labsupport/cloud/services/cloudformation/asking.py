"""What a request for a stack is made of: template, parameters, capabilities, tags; checked before anything begins."""

import re
from typing import Any
from urllib.parse import unquote, urlsplit

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.core.tags import from_list
from labsupport.cloud.services.cloudformation import graph, lookups, parameters, rules, schemas
from labsupport.cloud.services.cloudformation.base import invalid, not_here
from labsupport.cloud.services.cloudformation.functions import Scope
from labsupport.cloud.services.cloudformation.providers import PROVIDERS, provider_of
from labsupport.cloud.services.cloudformation.reading import LARGEST
from labsupport.cloud.services.cloudformation.records import Params, Stack, Target
from labsupport.cloud.services.cloudformation.references import functions
from labsupport.cloud.services.cloudformation.scope import scope_of, wanted
from labsupport.cloud.services.cloudformation.template import Template, parse, transforms

_NAMED = {"AWS::IAM::Role": "RoleName", "AWS::IAM::User": "UserName", "AWS::IAM::Group": "GroupName",
          "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
          "AWS::IAM::InstanceProfile": "InstanceProfileName"}  # fmt: skip
_IAM = (*_NAMED, "AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::UserPolicy", "AWS::IAM::AccessKey",
        "AWS::IAM::UserToGroupAddition")  # fmt: skip
_NOT_TAKEN = ("ResourceTypes", "RollbackConfiguration", "StackPolicyURL", "StackPolicyBody", "ImportExistingResources",
              "StackPolicyDuringUpdateBody", "StackPolicyDuringUpdateURL", "ResourcesToImport",
              "IncludeNestedStacks", "DeploymentMode")  # fmt: skip
_STACK_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")
_LARGEST_BODY = 51_200  # bytes of a template in a request


async def template_text(call: Call, params: Params, stack: Stack | None = None) -> str:
    """The template of a request: in it, in S3 (read as the caller), or the one that the stack has."""
    given = [name for name in ("TemplateBody", "TemplateURL") if params.get(name)]
    if params.get("UsePreviousTemplate"):
        if stack is None or given:
            raise invalid("You cannot specify both usePreviousTemplate and Template Body/Template URL.")
        return stack.target.template
    if len(given) != 1:
        raise invalid("Either Template URL or Template Body must be specified.")
    if given == ["TemplateURL"]:
        return await _from_s3(call, params["TemplateURL"])
    text = str(params["TemplateBody"])
    if len(text.encode(errors="replace")) > _LARGEST_BODY:
        must = f"Member must have length less than or equal to {_LARGEST_BODY}"
        raise invalid(f"1 validation error detected: Value at 'templateBody' failed to satisfy constraint: {must}")
    return text


async def _from_s3(call: Call, url: str) -> str:
    """The object as text, read with the caller's rights."""
    bucket, key = _place(call, url)
    try:
        body = (await call.aws("s3").get_object(Bucket=bucket, Key=key))["Body"]
    except AwsError as error:
        more = "For more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"
        raise invalid(f"S3 error: {error.message}\n{more}") from None
    data = bytes(body) if isinstance(body, bytes) else b""
    if not isinstance(body, bytes):
        async for part in body:
            data += part
            if len(data) > LARGEST:
                raise invalid(f"Template may not exceed {LARGEST} bytes in size.")
    return data.decode("utf-8", "replace")


def _place(call: Call, url: str) -> tuple[str, str]:
    """Bucket and key: `https://s3.region.amazonaws.com/bucket/key`, `https://bucket.s3…/key`,
    or the lab's own address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise invalid(f"TemplateURL must be a supported URL: {url}") from None
    host, path = parts.netloc.lower(), unquote(parts.path.lstrip("/"))
    own = host == call.host.lower() or host.split(":")[0] in ("127.0.0.1", "localhost")
    if ".s3." in host or ".s3-" in host:
        bucket, key = host.split(".s3")[0], path
    elif own or (host.startswith(("s3.", "s3-")) and ".amazonaws.com" in host):
        bucket, _, key = path.partition("/")
    else:
        bucket, _, rest = host.partition(".")
        key = path if rest.split(":")[0] == "localhost" else ""
    if parts.scheme not in ("https", "http") or not bucket or not key:
        raise invalid(f"TemplateURL must be a supported URL: {url}")
    return bucket, key


def target_of(call: Call, params: Params, text: str, before: Target | None) -> Target:
    """What the stack is to be made from, if the request holds together."""
    for name in _NOT_TAKEN:
        if params.get(name):
            raise not_simulated(f"The parameter {name}")
    template = parse(text)
    refuse_macros(template)
    values = parameters.chosen(template, params.get("Parameters", []), before.parameters if before else {})
    capabilities = params.get("Capabilities", [])
    _check_capabilities(template, capabilities)
    tags = from_list(params["Tags"]) if "Tags" in params else (dict(before.tags) if before else {})
    if any(name.lower().startswith("aws:") for name in tags):
        raise invalid("aws: prefixed tag key names are not allowed for external use.")
    return Target(template=text, parameters=values, capabilities=capabilities, tags=tags)


def refuse_macros(template: Template) -> None:
    """What AWS would rewrite before it looks at the template, and this lab does not."""
    if transforms(template):
        raise not_here(f"The transform {', '.join(transforms(template))}")
    if template.get("Hooks"):
        raise not_here("The section Hooks")
    if any(name == "Fn::Transform" for name, _ in functions([template["Resources"], template["Outputs"]])):
        raise not_here("The function Fn::Transform")


def needed_capabilities(template: Template) -> tuple[list[str], list[str]]:
    """The capabilities that a template asks for, and the resources that are why."""
    declared = {name: one for name, one in template["Resources"].items() if not name.startswith("Fn::")}
    iam = {name: one for name, one in declared.items() if one["Type"] in _IAM}
    own_names = [one for one in iam.values() if _NAMED.get(one["Type"], "") in one.get("Properties", {})]
    found = ["CAPABILITY_NAMED_IAM" if own_names else "CAPABILITY_IAM"] if iam else []
    if transforms(template):
        found.append("CAPABILITY_AUTO_EXPAND")
    return found, sorted({one["Type"] for one in iam.values()})


def _check_capabilities(template: Template, given: list[str]) -> None:
    needed, _ = needed_capabilities(template)
    enough = {"CAPABILITY_IAM": ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM")}
    for one in needed:
        if not set(given) & set(enough.get(one, (one,))):
            raise AwsError("InsufficientCapabilitiesException", f"Requires capabilities : [{one}]", 400)


def prepare(call: Call, stack: Stack) -> None:
    """Resolve the parameters, and see that what the template asks for can be made, and in which order."""
    template = parse(stack.target.template)
    stack.target.resolved = parameters.resolved(template, stack.target.parameters, call.aws("ssm"))
    scope = scope_of(call, stack, template)
    rules.check(scope)
    names = wanted(template, scope)
    _refuse_unknown(template, names, scope)
    used = [template["Resources"][name].get("Properties", {}) for name in names]
    for name, argument in functions([*used, template["Outputs"]]):
        if name == "Fn::GetAtt":
            _check_attribute(template, argument)
    outputs = [one for one in template["Outputs"].values() if scope.conditions.get(one.get("Condition", ""), True)]
    lookups.check([*used, *outputs], scope)
    graph.order(graph.dependencies(template, names, scope.conditions))


def _refuse_unknown(template: Template, names: list[str], scope: Scope) -> None:
    """Say what the lab cannot make before anything is made."""
    kinds = sorted({template["Resources"][name]["Type"] for name in names} - set(PROVIDERS))
    if kinds:
        raise not_here(f"The resource type {kinds[0]}" if len(kinds) == 1 else f"Each of {', '.join(kinds)}")
    for name in names:
        declared = template["Resources"][name]
        given = declared.get("Properties", {}).items()
        provider_of(declared["Type"], [key for key, value in given if not _left_out(value, scope)])
        if declared.get("CreationPolicy"):
            raise not_here(f"The CreationPolicy of {name}")


def _left_out(value: Any, scope: Scope) -> bool:
    """Whether a property comes to AWS::NoValue."""
    while isinstance(value, dict) and list(value) == ["Fn::If"]:
        name, yes, no = value["Fn::If"]
        value = yes if scope.conditions.get(name) else no
    return bool(value == {"Ref": "AWS::NoValue"})


def _check_attribute(template: Template, argument: Any) -> None:
    logical, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
    schema = schemas.of(template["Resources"][logical]["Type"])
    if schema and isinstance(attribute, str) and attribute.split(".")[0] not in schema["properties"]:
        text = f"resource {logical} does not support attribute type {attribute} in Fn::GetAtt"
        raise invalid(f"Template error: {text}")


def check_name(name: str) -> None:
    """A stack's name is part of its ARN and of the names that are made up for its resources."""
    if not _STACK_NAME.fullmatch(name):
        must = f"failed to satisfy constraint: Member must satisfy regular expression pattern: {_STACK_NAME.pattern}"
        raise invalid(f"1 validation error detected: Value '{name}' at 'stackName' {must}")


def check_role(call: Call, role: str) -> None:
    """A role that CloudFormation cannot take on is refused before anything begins."""
    try:
        call.aws("sts", role=role, session="AWSCloudFormation").caller()
    except AwsError:
        raise invalid(f"Role {role} is invalid or cannot be assumed") from None


def caller_key(call: Call, role: str) -> str:
    """Whose rights the stack uses where it has no role: the caller's, by the key that signed."""
    return "" if role else call.caller.access_key
