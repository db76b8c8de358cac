"""CloudFormation's own condition keys (User Guide: "Control CloudFormation access with IAM")."""

from typing import Any

from labsupport.cloud.core.call import Call
from labsupport.cloud.services.cloudformation.base import service

_NAMES = {
    "RoleARN": "cloudformation:rolearn",
    "ResourceTypes": "cloudformation:resourcetypes",
    "StackPolicyURL": "cloudformation:stackpolicyurl",
    "TemplateURL": "cloudformation:templateurl",
}


def _keys(_: Call, _resource: str, params: dict[str, Any], _wanted: frozenset[str]) -> dict[str, Any]:
    found = {key: params[name] for name, key in _NAMES.items() if params.get(name)}
    if params.get("ChangeSetName"):
        name = params["ChangeSetName"]
        found["cloudformation:changesetname"] = name.partition("/")[2].partition("/")[0] or name
    imported = [one["ResourceType"] for one in params.get("ResourcesToImport", [])]
    if imported:
        found["cloudformation:importresourcetypes"] = imported
    return found


service.keys = _keys
