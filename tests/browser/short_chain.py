"""A pipeline that is quickly through: one commit, a build of one command, an approval. For a notebook of the tests'."""

import json
from typing import Any

from labsupport.demo import setting

BUILDSPEC = b"""version: 0.2
phases:
  build:
    commands:
      - echo "Hello from the build"
artifacts:
  files: ["**/*"]
"""


def prepare(client: Any) -> None:
    """The sample's chain without what comes behind the approval; its first run fails, for there is no branch yet."""
    setting.prepare(client)
    codepipeline = client("codepipeline")
    declared = codepipeline.get_pipeline(name="shop")["pipeline"]
    declared["stages"] = declared["stages"][:3]
    codepipeline.update_pipeline(pipeline=declared)


def push(client: Any) -> None:
    files = [{"filePath": "buildspec.yml", "fileContent": BUILDSPEC}]
    params = {"repositoryName": "shop", "branchName": "main", "putFiles": files, "commitMessage": "Say hello"}
    client("codecommit").create_commit(**params)


def be_refused(client: Any) -> None:
    """A call that a role's trust policy refuses."""
    sts = client("sts")
    account = sts.get_caller_identity()["Account"]
    try:
        sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/shop-build", RoleSessionName="learner")
    except sts.exceptions.ClientError:
        return
    raise AssertionError("the role let the learner in")


def mistype(client: Any) -> None:
    """A policy of the build's role that allows an action which AWS doesn't have."""
    statement = {"Effect": "Allow", "Action": "s3:GetObjects", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": statement}, indent=2)
    client("iam").put_role_policy(RoleName="shop-build", PolicyName="mistyped", PolicyDocument=policy)
