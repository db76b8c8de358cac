"""The way in for git: who it is, what they may do to the repository, and CloudTrail's record of it.

(CodeCommit User Guide: "Logging CodeCommit API calls with CloudTrail", Git pull calls and pushes.)
"""

from dataclasses import dataclass, field

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.http import HttpRequest
from labsupport.cloud.services.codecommit.base import Params, Repository, find, service
from labsupport.cloud.services.codecommit.pktline import Command
from labsupport.cloud.services.codecommit.who import who


@dataclass(slots=True)
class Visit:
    """One request of git's: `call.operation` is GitPull or GitPush."""

    call: Call
    name: str
    repository: Repository | None
    capabilities: list[str] = field(default_factory=list)
    shallow: bool | None = None

    @property
    def arn(self) -> str:
        return self.call.arn(self.name)

    def authorise(self, reference: str = "") -> None:
        """Ask for the permission, on one reference or (without the key codecommit:References) on the repository."""
        context = {"codecommit:references": [reference]} if reference else {}
        self.call.authorise(f"codecommit:{self.call.operation}", self.arn, context)

    def record(
        self,
        *,
        read_only: bool,
        transferred: bool = False,
        commands: list[Command] | None = None,
        error: AwsError | None = None,
    ) -> None:
        references = [{"commit": command.new, "ref": command.ref} for command in commands or []]
        data: Params = {"protocol": "HTTP", "dataTransferred": transferred, "repositoryName": self.name}
        if self.repository is not None:
            data["repositoryId"] = self.repository.id
        if transferred:
            data["capabilities"] = [one for one in self.capabilities if "=" not in one]
        if transferred and self.shallow is not None:
            data["shallow"] = self.shallow
        params = {"references": references} if references else None
        self.call.cloud.way_in.record(self.call, self.call.operation, params, None, error, read_only, additional=data)


def entered(cloud: Cloud, request: HttpRequest, name: str, action: str) -> Visit | None:
    """Who comes to which repository; None where they have to say who they are."""
    known = who(cloud, request, name)
    if known is None:
        return None
    call = Call(
        cloud=cloud,
        service=service,
        operation=action,
        caller=known.caller,
        account=known.caller.account,
        region=known.region,
        source_ip=request.client,
        user_agent=request.headers.get("user-agent", ""),
        secure=request.secure,
        host=request.headers.get("host", ""),
        headers=request.headers,
    )
    visit = Visit(call, name, find(call, name))
    call.resources.append(visit.arn)
    return visit


def admit(visit: Visit, *, read_only: bool) -> Repository:
    """The repository, if the caller may do this at all; whether it exists is told to those only."""
    try:
        visit.authorise()
        if visit.repository is None:
            raise AwsError("RepositoryDoesNotExistException", f"{visit.name} does not exist", 404)
    except AwsError as error:
        error.status = error.status if error.status == 404 else 403
        visit.record(read_only=read_only, error=error)
        raise
    return visit.repository
