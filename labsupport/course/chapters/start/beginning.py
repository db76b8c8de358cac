"""The starting point: the chain of the shop without its repository, and the pipeline `stock`, which is broken."""

import json
from typing import Any

from labsupport import samples
from labsupport.course.chapters.start import material
from labsupport.course.declare import World
from labsupport.demo import setting
from labsupport.demo.setting import Setting, prepared

TICKET = "CHG-1042"
ASKED = f"The build and its tests have passed. Change ticket: {TICKET}. Quote it in your comment."
REGION = "us-east-1"
SLIP = "BuildOutput::template.yaml"  # the file is template.yml


def begin(world: World) -> str:
    """What is there already stays as it is, so that opening the notebook again undoes nothing."""
    (world.home / "material").mkdir(parents=True, exist_ok=True)
    material.put_shop(world.home / "material" / "shop")
    prepared(world.client, SHOP, REGION)
    prepared(world.client, STOCK, REGION, "stock")
    return (
        "A pipeline named shop waits for its repository. Its topic, build project and roles are there.\n"
        f"The shop's files lie in {world.home / 'material' / 'shop'}.\n"
        "A second pipeline, stock, is there too, and broken: that is for the end of the chapter."
    )


def roles(one: Setting) -> None:
    """The roles, each with its policy; a policy that is there is left as it is, whatever it says by now."""
    for key in setting.ROLES:
        _role(one, key, samples.fill(f"{setting.ROLES[key][1]}-policy", **one.values))


def stock_roles(one: Setting) -> None:
    """Three roles, of which the build's lacks a statement."""
    for key in ("PipelineRole", "CodeBuildRole", "CloudFormationRole", "EventsRole"):
        document = samples.fill(f"{setting.ROLES[key][1]}-policy", **one.values)
        if key == "CodeBuildRole":
            document["Statement"] = [each for each in document["Statement"] if each["Sid"] != "WriteArtifacts"]
        _role(one, key, document)


def _role(one: Setting, key: str, document: dict[str, Any]) -> None:
    iam, name = one.client("iam"), one[f"{key}Arn"].rsplit("/", 1)[-1]
    try:
        iam.get_role_policy(RoleName=name, PolicyName=name)
    except iam.exceptions.NoSuchEntityException:
        setting.role(one, key)
        iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=json.dumps(document))


def pipeline(one: Setting) -> None:
    """The shop's pipeline, whose approval asks for a ticket's number."""
    if _has_pipeline(one):
        return
    setting.image(one)
    declared = samples.fill("pipeline", **one.values)
    _action(declared, "Approve")["configuration"]["CustomData"] = ASKED
    one.client("codepipeline").create_pipeline(**declared)


def stock_pipeline(one: Setting) -> None:
    """Source, Build and Provision; the path of the template has a slip in it."""
    if _has_pipeline(one):
        return
    setting.image(one)
    declared = samples.fill("pipeline", **one.values)
    stages = declared["pipeline"]["stages"]
    declared["pipeline"]["stages"] = [each for each in stages if each["name"] in ("Source", "Build", "Provision")]
    configuration = _action(declared, "Provision")["configuration"]
    configuration["TemplatePath"] = SLIP
    del configuration["ParameterOverrides"], configuration["Capabilities"]
    one.client("codepipeline").create_pipeline(**declared)


def _action(declared: dict[str, Any], name: str) -> dict[str, Any]:
    stages = declared["pipeline"]["stages"]
    found: dict[str, Any] = next(stage["actions"][0] for stage in stages if stage["name"] == name)
    return found


def _has_pipeline(one: Setting) -> bool:
    codepipeline = one.client("codepipeline")
    try:
        codepipeline.get_pipeline(name=one["Pipeline"])
    except codepipeline.exceptions.PipelineNotFoundException:
        return False
    return True


def stock_commit(one: Setting) -> None:
    """The stock's files, as a colleague has left them."""
    codecommit, name = one.client("codecommit"), one["Repository"]
    try:
        codecommit.get_branch(repositoryName=name, branchName="main")
    except codecommit.exceptions.BranchDoesNotExistException:
        codecommit.create_commit(
            repositoryName=name,
            branchName="main",
            authorName="Robin",
            email="robin@example.com",
            commitMessage="Tell the warehouse what runs low",
            putFiles=material.stock(),
        )


SHOP = (
    setting.key, setting.bucket, setting.topic, roles, setting.project, setting.deployment_group,
    pipeline, setting.rule,
)  # fmt: skip
STOCK = (
    setting.key, setting.bucket, setting.repository, stock_commit, stock_roles, setting.project,
    stock_pipeline, setting.rule,
)  # fmt: skip
