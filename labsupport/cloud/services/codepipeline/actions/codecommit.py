"""The CodeCommit source action (User Guide: "CodeCommit source action reference")."""

from datetime import UTC, datetime

from labsupport.cloud.core.call import Client
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.codepipeline import links
from labsupport.cloud.services.codepipeline.actions.work import Work


async def commit_source(work: Work) -> bool:
    """The newest commit of the branch, as a zip in the artifact bucket."""
    configuration, client = work.configuration, work.client("codecommit")
    if configuration.get("OutputArtifactFormat", "CODE_ZIP") != "CODE_ZIP":
        raise not_simulated("A full clone as a source's output (CODEBUILD_CLONE_REF)")
    repository, branch = configuration["RepositoryName"], configuration["BranchName"]
    asked = work.overrides().get("COMMIT_ID")
    commit_id = work.action.state.get("commit") or asked or await _head(client, repository, branch)
    work.note(commit=commit_id)
    commit = (await client.get_commit(repositoryName=repository, commitId=commit_id))["commit"]
    place = work.new_outputs()[0]["s3location"]
    archive = {"repositoryName": repository, "commitId": commit_id, "bucket": place["bucket"], "key": place["key"]}
    if work.key_id:
        archive["kmsKeyId"] = work.key_id
    await work.client("codecommit-archive").upload_archive(**archive)
    message = commit.get("message", "")
    work.action.revision = {
        "revisionId": commit_id,
        "revisionSummary": message.strip()[:2048] or commit_id,
        "revisionUrl": links.commit(work.call.region, repository, commit_id),
    }
    work.action.external_id = commit_id
    work.action.summary = message.strip()[:2048] or commit_id
    work.action.variables = {
        "AuthorDate": _moment(commit["author"]["date"]),
        "BranchName": branch,
        "CommitId": commit_id,
        "CommitMessage": message,
        "CommitterDate": _moment(commit["committer"]["date"]),
        "RepositoryName": repository,
    }
    return True


def _moment(date: str) -> str:
    """Git's seconds and offset in ISO 8601, as the variables have it (Variables reference: "CodeCommit action")."""
    return datetime.fromtimestamp(int(date.split()[0]), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def _head(client: Client, repository: str, branch: str) -> str:
    try:
        answer = await client.get_branch(repositoryName=repository, branchName=branch)
    except AwsError as error:
        if error.code == "BranchDoesNotExistException":
            error.message = f"No branch named {branch} was found in the repository {repository}. {error.message}"
        raise
    commit_id: str = answer["branch"]["commitId"]
    return commit_id
