"""What each action type does. A provider is called again and again until it says that it is done."""

from collections.abc import Awaitable, Callable

from labsupport.cloud.services.codepipeline.actions.approval import approve
from labsupport.cloud.services.codepipeline.actions.cloudformation import change_stack
from labsupport.cloud.services.codepipeline.actions.codebuild import build
from labsupport.cloud.services.codepipeline.actions.codecommit import commit_source
from labsupport.cloud.services.codepipeline.actions.codedeploy import deploy
from labsupport.cloud.services.codepipeline.actions.functions import invoke
from labsupport.cloud.services.codepipeline.actions.s3 import object_store
from labsupport.cloud.services.codepipeline.actions.work import Failed, Work

Provider = Callable[[Work], Awaitable[bool | float]]

PROVIDERS: dict[str, Provider] = {
    "CodeCommit": commit_source,
    "S3": object_store,
    "CodeBuild": build,
    "Manual": approve,
    "CloudFormation": change_stack,
    "CodeDeploy": deploy,
    "Lambda": invoke,
}

__all__ = ["PROVIDERS", "Failed", "Provider", "Work"]
