"""What the topics of CodeCommit share: the service, the repository's record, names, errors and addresses."""

import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.service import Service
from labsupport.cloud.store.record import record

Params = dict[str, Any]
service = Service("codecommit")

REPOSITORY = "arn:{partition}:codecommit:{region}:{account}:{repositoryName}"
DEFAULT_KEY = "alias/aws/codecommit"
HEADS, TAGS = "refs/heads/", "refs/tags/"
MOST_ON_PAGE = 1000
_FULL_ID = re.compile(r"[0-9a-f]{40}", re.ASCII)
_HOST = re.compile(r"[\w.-]+(:\d+)?|\[[0-9a-fA-F:]+\](:\d+)?", re.ASCII)


@record("codecommit.repository", key=("account", "region", "name"))
class Repository(msgspec.Struct, kw_only=True):
    """`folder` names the bare repository on disk; it never changes, whatever the repository is called."""

    account: str
    region: str
    name: str
    id: str
    folder: str
    description: str = ""
    default_branch: str = ""  # empty until there is a branch
    created: float
    modified: float
    kms_key: str = DEFAULT_KEY
    data_key: bytes = b""  # encrypted under the KMS key: what the repository is encrypted with at rest
    tags: dict[str, str] = {}

    @property
    def arn(self) -> str:
        return f"arn:aws:codecommit:{self.region}:{self.account}:{self.name}"


def find(call: Call, name: str) -> Repository | None:
    return call.store.get(Repository, call.account, call.region, name)


def wanted(call: Call, params: Params, parameter: str = "repositoryName") -> Repository:
    """The repository that a call names."""
    name = params.get(parameter)
    if not name:
        raise AwsError("RepositoryNameRequiredException", "A repository name is required, but was not specified.")
    repository = find(call, name)
    if repository is None:
        raise AwsError("RepositoryDoesNotExistException", f"{name} does not exist")
    return repository


def check_name(name: str) -> None:
    """What the model's pattern does not say (CodeCommit User Guide: "Quotas", repository names)."""
    if name.lower().endswith(".git"):
        message = f"The repository name {name} is not valid: a repository name can't end in .git."
        raise AwsError("InvalidRepositoryNameException", message)


def branch_name(params: Params, parameter: str = "branchName") -> str:
    """The branch that a call names; optional in some models, required everywhere."""
    if not params.get(parameter):
        raise AwsError("BranchNameRequiredException", "A branch name is required, but was not specified.")
    name: str = params[parameter]
    return name


def on_branch(call: Call, params: Params) -> dict[str, Any]:
    """The condition key by which policies tell branches apart ("Limit pushes and merges to branches")."""
    return {"codecommit:references": [HEADS + params["branchName"]]} if params.get("branchName") else {}


def is_full_id(text: str) -> bool:
    return _FULL_ID.fullmatch(text) is not None


def time(epoch: float) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)


def clone_url(call: Call, name: str) -> str:
    """The address for git, at the endpoint as this client calls it."""
    if not call.headers or not _HOST.fullmatch(call.host):
        return f"{call.cloud.settings.endpoint}/v1/repos/{name}"
    return f"{'https' if call.secure else 'http'}://{call.host}/v1/repos/{name}"


def described(call: Call, repository: Repository) -> Params:
    """`repositoryMetadata`."""
    return {
        "accountId": repository.account,
        "repositoryId": repository.id,
        "repositoryName": repository.name,
        "repositoryDescription": repository.description or None,
        "defaultBranch": repository.default_branch or None,
        "lastModifiedDate": time(repository.modified),
        "creationDate": time(repository.created),
        "cloneUrlHttp": clone_url(call, repository.name),
        "cloneUrlSsh": f"ssh://git-codecommit.{repository.region}.amazonaws.com/v1/repos/{repository.name}",
        "Arn": repository.arn,
        "kmsKeyId": repository.kms_key,
    }
