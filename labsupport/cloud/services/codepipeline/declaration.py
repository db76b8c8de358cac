"""A pipeline's declaration, checked as CreatePipeline checks it (User Guide: "Pipeline structure reference"). Pure."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.codepipeline.variables import references

Params = dict[str, Any]


class Provider(NamedTuple):
    """What an action type takes: numbers of artifacts, and keys of its configuration."""

    inputs: tuple[int, int]
    outputs: tuple[int, int]
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


_CLOUDFORMATION = (
    "ActionMode", "StackName", "TemplatePath", "RoleArn", "Capabilities", "ChangeSetName", "OutputFileName",
    "ParameterOverrides", "TemplateConfiguration",
)  # fmt: skip
_CODEBUILD = Provider(
    (1, 5), (0, 5), ("ProjectName",), ("PrimarySource", "EnvironmentVariables", "BatchEnabled", "CombineArtifacts")
)
PROVIDERS: dict[tuple[str, str], Provider] = {
    ("Source", "CodeCommit"): Provider(
        (0, 0), (1, 1), ("RepositoryName", "BranchName"), ("PollForSourceChanges", "OutputArtifactFormat")
    ),
    ("Source", "S3"): Provider(
        (0, 0), (1, 1), ("S3Bucket", "S3ObjectKey"), ("PollForSourceChanges", "AllowOverrideForS3ObjectKey")
    ),
    ("Build", "CodeBuild"): _CODEBUILD,
    ("Test", "CodeBuild"): _CODEBUILD,
    ("Approval", "Manual"): Provider((0, 0), (0, 0), (), ("NotificationArn", "CustomData", "ExternalEntityLink")),
    ("Deploy", "CloudFormation"): Provider((0, 10), (0, 1), ("ActionMode",), _CLOUDFORMATION),
    ("Invoke", "Lambda"): Provider((0, 5), (0, 5), ("FunctionName",), ("UserParameters",)),
    ("Deploy", "CodeDeploy"): Provider((1, 1), (0, 0), ("ApplicationName", "DeploymentGroupName")),
    ("Deploy", "S3"): Provider(
        (1, 1), (0, 0), ("BucketName", "Extract"), ("ObjectKey", "KMSEncryptionKeyARN", "CannedACL", "CacheControl")
    ),
}
# Action types that AWS has beside these: refused by name instead of being called unknown.
_OTHERS = {
    "Source": ("ECR", "CodeStarSourceConnection", "GitHub", "Bitbucket"),
    "Build": ("Jenkins", "ECRBuildAndPublish"),
    "Test": ("Jenkins", "DeviceFarm", "BlazeMeter", "GhostInspector", "Runscope"),
    "Deploy": (
        "ECS", "CodeDeployToECS", "ElasticBeanstalk", "OpsWorks", "ServiceCatalog", "AlexaSkillsKit", "AppConfig",
        "CloudFormationStackSet", "CloudFormationStackInstances", "EKS", "EC2", "Lambda",
    ),
    "Invoke": ("StepFunctions", "InspectorScan", "CodePipeline"),
    "Compute": ("Commands",),
}  # fmt: skip


def structure(message: str) -> AwsError:
    return AwsError("InvalidStructureException", message)


def action_error(message: str) -> AwsError:
    return AwsError("InvalidActionDeclarationException", message)


def check(pipeline: Params, region: str) -> None:
    """Refuse a declaration that could never run, naming the place."""
    _check_stores(pipeline, region)
    stages = pipeline["stages"]
    if len(stages) < 2:
        count = len(stages)
        raise structure(f"Pipeline has only {count} stage(s). There should be a minimum of 2 stages in a pipeline")
    for rule in (_check_names, _check_sources, _check_actions, _check_artifacts, _check_options, _check_variables):
        rule(pipeline)
    for stage, action in actions(pipeline):
        if action.get("region", region) != region:
            raise not_simulated(f"An action in another region ({_place(stage, action)})")


def store(pipeline: Params) -> Params:
    """The artifact store, whichever way it is declared."""
    found: Params = pipeline.get("artifactStore") or next(iter(pipeline["artifactStores"].values()))
    return found


def _place(stage: Params, action: Params) -> str:
    return f"action '{action['name']}' in stage '{stage['name']}'"


def actions(pipeline: Params) -> Iterator[tuple[Params, Params]]:
    """Every (stage, action) in order."""
    for stage in pipeline["stages"]:
        for action in stage["actions"]:
            yield stage, action


def _check_stores(pipeline: Params, region: str) -> None:
    if ("artifactStore" in pipeline) == ("artifactStores" in pipeline):
        message = "Either artifactStore or artifactStores has to be given in the pipeline declaration, and not both"
        raise structure(message)
    regions = set(pipeline.get("artifactStores", {region: {}}))
    if region not in regions:
        raise structure(f"The artifact stores of the pipeline need one in the region of the pipeline, {region}")
    if len(regions) > 1:
        raise not_simulated("A pipeline with artifact stores in several regions")


def _duplicate(names: list[str]) -> str | None:
    return next((name for number, name in enumerate(names) if name in names[:number]), None)


def _check_names(pipeline: Params) -> None:
    twice = _duplicate([stage["name"] for stage in pipeline["stages"]])
    if twice:
        raise structure(f"Pipeline contains more than one stage with name '{twice}'. Stage names must be unique")
    for stage in pipeline["stages"]:
        if not stage["actions"]:
            raise structure(f"Stage '{stage['name']}' has no actions. A stage needs at least one")
        twice = _duplicate([action["name"] for action in stage["actions"]])
        if twice:
            message = f"Stage '{stage['name']}' contains more than one action with name '{twice}'. Names must be unique"
            raise structure(message)
    twice = _duplicate([action["namespace"] for _, action in actions(pipeline) if action.get("namespace")])
    if twice:
        raise structure(f"The namespace '{twice}' is used by more than one action. Namespaces must be unique")


def _check_sources(pipeline: Params) -> None:
    first, *rest = pipeline["stages"]
    if any(action["actionTypeId"]["category"] != "Source" for action in first["actions"]):
        raise structure("Pipeline should start with a stage that only contains source actions")
    for stage in rest:
        if any(action["actionTypeId"]["category"] == "Source" for action in stage["actions"]):
            raise structure(f"Only the first stage may contain source actions: stage '{stage['name']}' has one")


def _check_actions(pipeline: Params) -> None:
    for stage, action in actions(pipeline):
        provider = provider_of(action["actionTypeId"], _place(stage, action))
        _check_counts(action, provider)
        _check_configuration(action, provider)
        if "timeoutInMinutes" in action and action["actionTypeId"]["category"] != "Approval":
            raise action_error(f"Action '{action['name']}' has timeoutInMinutes, which only manual approvals have")


def provider_of(kind: Params, place: str) -> Provider:
    category, name = kind["category"], kind["provider"]
    if kind["owner"] in ("Custom", "ThirdParty"):
        raise not_simulated(f"An action of the owner {kind['owner']} ({name}; {place})")
    found = PROVIDERS.get((category, name))
    if found is not None and kind["version"] == "1":
        return found
    if name in _OTHERS.get(category, ()):
        raise not_simulated(f"The action type {category}/{name} ({place})")
    text = f"category={category}, owner={kind['owner']}, provider={name}, version={kind['version']}"
    raise structure(f"ActionType ({text}) in {place} is not available in region")


def _check_counts(action: Params, provider: Provider) -> None:
    for key, kind, (least, most) in (
        ("inputArtifacts", "input", provider.inputs),
        ("outputArtifacts", "output", provider.outputs),
    ):
        count = len(action.get(key, []))
        if not least <= count <= most:
            raise action_error(
                f"Action '{action['name']}' has {count} {kind} artifact(s); an action of the provider "
                f"{action['actionTypeId']['provider']} has a minimum of {least} and a maximum of {most}"
            )


def _check_configuration(action: Params, provider: Provider) -> None:
    configuration = action.get("configuration", {})
    for name in provider.required:
        if not configuration.get(name):
            message = f"Action configuration for action '{action['name']}' is missing required configuration '{name}'"
            raise action_error(message)
    unknown = sorted(set(configuration) - {*provider.required, *provider.optional})
    if unknown:
        message = f"Action configuration for action '{action['name']}' contains unknown configuration '{unknown[0]}'"
        raise action_error(message)


def _check_artifacts(pipeline: Params) -> None:
    """An input has to be the output of an action that runs before."""
    made: dict[str, tuple[int, int]] = {}
    order = {stage["name"]: number for number, stage in enumerate(pipeline["stages"])}
    for stage, action in actions(pipeline):
        for output in action.get("outputArtifacts", []):
            if output["name"] in made:
                name = output["name"]
                raise structure(f"Output artifact name must be unique within the pipeline: '{name}' is used twice")
            made[output["name"]] = (order[stage["name"]], action.get("runOrder", 1))
    for stage, action in actions(pipeline):
        place = (order[stage["name"]], action.get("runOrder", 1))
        for given in action.get("inputArtifacts", []):
            if made.get(given["name"], place) >= place:
                raise structure(
                    f"Input Artifact Bundle {given['name']} in action {action['name']} is not declared as Output "
                    "Artifact Bundle in any of the preceding actions"
                )


def _check_options(pipeline: Params) -> None:
    """Features of V2 pipelines: what they need, and which of them are not here."""
    if pipeline.get("pipelineType", "V1") == "V1":
        for name in ("executionMode", "variables", "triggers"):
            if pipeline.get(name) and pipeline[name] != "SUPERSEDED":
                raise structure(f"'{name}' is available for pipelines of type V2 only")
    if pipeline.get("triggers"):
        raise not_simulated("Triggers with filters, which need a connection to GitHub, GitLab or Bitbucket")
    for stage in pipeline["stages"]:
        for name in ("onFailure", "onSuccess", "beforeEntry"):
            if stage.get(name):
                raise not_simulated(f"The condition {name} of a stage")
        for blocker in stage.get("blockers", []):
            raise not_simulated(f"The gate {blocker['name']} of a stage")


def _check_variables(pipeline: Params) -> None:
    declared = {variable["name"] for variable in pipeline.get("variables", [])}
    namespaces = {action.get("namespace") for _, action in actions(pipeline)} | {"codepipeline", "variables"}
    for stage, action in actions(pipeline):
        for reference in references(action.get("configuration", {})):
            namespace, _, name = reference.partition(".")
            if namespace not in namespaces or (namespace == "variables" and name not in declared):
                place = _place(stage, action)
                raise action_error(f"The variable '#{{{reference}}}' of {place} refers to what is not declared")
