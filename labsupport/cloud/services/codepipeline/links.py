"""Links into AWS's console, in the form that AWS's answers have them (ActionState: entityUrl, revisionUrl). Pure.

The lab has no console: they lead into an account at AWS. What reads them finds the names in them.
"""

from labsupport.cloud.services.codepipeline.base import Params

_ENTITIES = {
    "CodeBuild": "codebuild/home?region={region}#/projects/{ProjectName}/view",
    "CodeCommit": "codecommit/home?region={region}#/repository/{RepositoryName}/browse/{BranchName}/--/",
    "CodeDeploy": (
        "codedeploy/home?region={region}#/applications/{ApplicationName}/deployment-groups/{DeploymentGroupName}"
    ),
}


def entity(action: Params, region: str) -> str | None:
    """What an action of a pipeline works with: a branch, a build project, a deployment group."""
    form = _ENTITIES.get(action["actionTypeId"]["provider"])
    return _console(form.format(region=region, **action["configuration"])) if form else None


def build(region: str, build_id: str) -> str:
    project = build_id.partition(":")[0]
    return _console(f"codebuild/home?region={region}#/builds/{project}/view/new")


def commit(region: str, repository: str, commit_id: str) -> str:
    return _console(f"codecommit/home?region={region}#/repository/{repository}/commit/{commit_id}")


def deployment(region: str, deployment_id: str) -> str:
    return _console(f"codedeploy/home?region={region}#/deployments/{deployment_id}")


def _console(place: str) -> str:
    return f"https://console.aws.amazon.com/{place}"
