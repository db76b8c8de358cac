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
    ("Approval", "Manual"): Provider(
        (0, 0), (0, 0), (), ("NotificationArn", "CustomData", "ExternalEntityLink", "TimeoutInMinutes")
    ),
    ("Deploy", "CloudFormation"): Provider((0, 10), (0, 1), ("ActionMode",), _CLOUDFORMATION),
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
    "Invoke": ("Lambda", "StepFunctions", "InspectorScan", "CodePipeline"),
    "Compute": ("Commands",),
}  # fmt: skip


def structure(message: str) -> AwsError:
    return AwsError("InvalidStructureException", message)


def action_error(message: str) -> AwsError:
    return AwsError("InvalidActionDeclarationException", message)


def check(pipeline: Params) -> None:
    """Refuse a declaration that could never run, naming the place."""
    _check_stores(pipeline)
    stages = pipeline["stages"]
    if len(stages) < 2:
        raise structure("Pipeline has only 1 stage(s). There should be a minimum of 2 stages in a pipeline")
    for rule in (_check_names, _check_sources, _check_actions, _check_artifacts, _check_options, _check_variables):
        rule(pipeline)


def actions(pipeline: Params) -> Iterator[tuple[Params, Params]]:
    """Every (stage, action) in order."""
    for stage in pipeline["stages"]:
        for action in stage["actions"]:
            yield stage, action


def _check_stores(pipeline: Params) -> None:
    if ("artifactStore" in pipeline) == ("artifactStores" in pipeline):
        message = "Either artifactStore or artifactStores has to be given in the pipeline declaration, and not both"
        raise structure(message)
    if "artifactStores" in pipeline:
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
        message = f"Stage '{first['name']}' must contain only Source actions: it is the first stage of the pipeline"
        raise structure(message)
    for stage in rest:
        if any(action["actionTypeId"]["category"] == "Source" for action in stage["actions"]):
            message = f"Source actions may occur in the first stage only: stage '{stage['name']}' has one"
            raise structure(message)


def _check_actions(pipeline: Params) -> None:
    for stage, action in actions(pipeline):
        place = f"action '{action['name']}' in stage '{stage['name']}'"
        provider = provider_of(action["actionTypeId"], place)
        _check_counts(action, provider, place)
        _check_configuration(action.get("configuration", {}), provider, place)


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


def _check_counts(action: Params, provider: Provider, place: str) -> None:
    for key, kind, (least, most) in (
        ("inputArtifacts", "input", provider.inputs),
        ("outputArtifacts", "output", provider.outputs),
    ):
        count = len(action.get(key, []))
        if not least <= count <= most:
            limit = f"at least {least}" if count < least else f"at most {most}"
            message = (
                f"{place.capitalize()} has {count} {kind} artifact(s); its type "
                f"{action['actionTypeId']['provider']} takes {limit}"
            )
            raise action_error(message)


def _check_configuration(configuration: Params, provider: Provider, place: str) -> None:
    for name in provider.required:
        if not configuration.get(name):
            raise action_error(f"Action configuration for {place} is missing required configuration '{name}'")
    unknown = sorted(set(configuration) - {*provider.required, *provider.optional})
    if unknown:
        raise action_error(f"Action configuration for {place} contains unknown configuration '{unknown[0]}'")


def _check_artifacts(pipeline: Params) -> None:
    """An input has to be the output of an action that runs before."""
    made: dict[str, tuple[int, int]] = {}
    for number, stage in enumerate(pipeline["stages"]):
        for action in stage["actions"]:
            for output in action.get("outputArtifacts", []):
                if output["name"] in made:
                    message = (
                        f"Output artifact name must be unique within the pipeline: '{output['name']}' is used twice"
                    )
                    raise structure(message)
                made[output["name"]] = (number, action.get("runOrder", 1))
    for number, stage in enumerate(pipeline["stages"]):
        for action in stage["actions"]:
            place = (number, action.get("runOrder", 1))
            for given in action.get("inputArtifacts", []):
                if made.get(given["name"], place) >= place:
                    message = (
                        f"Action '{action['name']}' in stage '{stage['name']}' takes the input artifact "
                        f"'{given['name']}', which no earlier action gives out"
                    )
                    raise structure(message)


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
        place = f"action '{action['name']}' in stage '{stage['name']}'"
        for reference in references(action.get("configuration", {})):
            namespace, _, name = reference.partition(".")
            if namespace not in namespaces or (namespace == "variables" and name not in declared):
                raise action_error(f"The variable '#{{{reference}}}' of {place} refers to what is not declared")
