"""AWS::CodeCommit::Repository, AWS::CodeBuild::Project, AWS::CodeDeploy::*, AWS::CodePipeline::Pipeline."""

from typing import Any

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.tags import to_list
from labsupport.cloud.services.cloudformation.records import Params
from labsupport.cloud.services.cloudformation.work import Made, Provider, Work, gone


def api(value: Any) -> Any:
    """A template's spelling (`ServiceRole`) as the API's (`serviceRole`), all the way down."""
    if isinstance(value, list):
        return [api(one) for one in value]
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: api(item) for key, item in value.items()}
    return value


# CodeCommit

_REPOSITORY = ("RepositoryName", "RepositoryDescription", "KmsKeyId", "Tags")


async def _create_repository(work: Work, props: Params) -> Made:
    optional = {"repositoryDescription": props.get("RepositoryDescription"), "kmsKeyId": props.get("KmsKeyId")}
    tags = work.tags(props.get("Tags"))
    work.once(
        work.client("codecommit").create_repository,
        props["RepositoryName"],
        repositoryName=props["RepositoryName"],
        **{key: value for key, value in optional.items() if value},
        **({"tags": tags} if tags else {}),
    )
    return _shown_repository(work, props["RepositoryName"])


def _shown_repository(work: Work, name: str) -> Made:
    found = work.client("codecommit").get_repository(repositoryName=name)["repositoryMetadata"]
    attributes = {"Arn": found["Arn"], "Name": name}
    attributes |= {"CloneUrlHttp": found["cloneUrlHttp"], "CloneUrlSsh": found.get("cloneUrlSsh", "")}
    return Made(found["repositoryId"], attributes)


async def _update_repository(work: Work, physical: str, old: Params, new: Params) -> Made:
    codecommit = work.client("codecommit")
    if old["RepositoryName"] != new["RepositoryName"]:
        codecommit.update_repository_name(oldName=old["RepositoryName"], newName=new["RepositoryName"])
    if old.get("RepositoryDescription") != new.get("RepositoryDescription"):
        text = new.get("RepositoryDescription", "")
        codecommit.update_repository_description(repositoryName=new["RepositoryName"], repositoryDescription=text)
    if old.get("KmsKeyId") != new.get("KmsKeyId") and new.get("KmsKeyId"):
        codecommit.update_repository_encryption_key(repositoryName=new["RepositoryName"], kmsKeyId=new["KmsKeyId"])
    made = _shown_repository(work, new["RepositoryName"])
    _retag_arn(work, "codecommit", made.attributes["Arn"], old, new)
    return made


def _retag_arn(work: Work, service: str, arn: str, old: Params, new: Params) -> None:
    """The Code services' tags; CodeCommit has a map of them, the others lists in their own spelling."""
    wanted, left = work.retag(old.get("Tags"), new.get("Tags"))
    client = work.client(service)
    listed = to_list(wanted) if service == "codedeploy" else to_list(wanted, "key", "value")
    name = "ResourceArn" if service == "codedeploy" else "resourceArn"
    tags = {"Tags" if service == "codedeploy" else "tags": wanted if service == "codecommit" else listed}
    if wanted:
        client.tag_resource(**{name: arn}, **tags)
    if left:
        client.untag_resource(**{name: arn, ("TagKeys" if service == "codedeploy" else "tagKeys"): left})


def _tags(work: Work, props: Params) -> Params:
    tags = work.tags(props.get("Tags"))
    return {"tags": to_list(tags)} if tags else {}


def _deploy_arn(work: Work, rest: str) -> str:
    return f"arn:aws:codedeploy:{work.stack.region}:{work.stack.account}:{rest}"


async def _delete_repository(work: Work, physical: str, props: Params) -> None:
    delete = work.client("codecommit").delete_repository
    gone(delete, "RepositoryDoesNotExistException", repositoryName=props["RepositoryName"])


# CodeBuild

_PROJECT = ("Name", "Description", "Source", "SecondarySources", "Artifacts", "SecondaryArtifacts", "Environment",
            "ServiceRole", "EncryptionKey", "TimeoutInMinutes", "QueuedTimeoutInMinutes", "Cache", "LogsConfig", "Tags",
            "SourceVersion", "SecondarySourceVersions", "ConcurrentBuildLimit", "AutoRetryLimit", "BadgeEnabled",
            "BuildBatchConfig", "VpcConfig", "FileSystemLocations")  # fmt: skip


def _project(work: Work, name: str, props: Params) -> Params:
    params: Params = api({key: value for key, value in props.items() if key not in ("Tags", "Name")})
    for source in [params.get("source", {}), *params.get("secondarySources", [])]:
        if "buildSpec" in source:
            source["buildspec"] = source.pop("buildSpec")
    tags = work.tags(props.get("Tags"))
    if tags:
        params["tags"] = to_list(tags, "key", "value")
    return {"name": name, **params}


async def _create_project(work: Work, props: Params) -> Made:
    name = work.name(props.get("Name"), longest=150)
    create = work.client("codebuild").create_project
    work.once(create, name, **_project(work, name, props))
    return _shown_project(work, name)


def _shown_project(work: Work, name: str) -> Made:
    arn = f"arn:aws:codebuild:{work.stack.region}:{work.stack.account}:project/{name}"
    return Made(name, {"Arn": arn})


_NO_PROJECT_SETTING: Params = {
    "Description": "",
    "SecondarySources": [],
    "SecondaryArtifacts": [],
    "SecondarySourceVersions": [],
    "SourceVersion": "",
    "TimeoutInMinutes": 60,
    "QueuedTimeoutInMinutes": 480,
    "ConcurrentBuildLimit": -1,
    "Cache": {"Type": "NO_CACHE"},
    "LogsConfig": {"CloudWatchLogs": {"Status": "ENABLED"}},
}  # what stands for a setting that the template no longer has


async def _update_project(work: Work, name: str, old: Params, new: Params) -> Made:
    left = {key: nothing for key, nothing in _NO_PROJECT_SETTING.items() if key in old}
    work.client("codebuild").update_project(**_project(work, name, {**left, **new}))
    return _shown_project(work, name)


async def _delete_project(work: Work, name: str, props: Params) -> None:
    work.client("codebuild").delete_project(name=name)


# CodeDeploy


async def _create_application(work: Work, props: Params) -> Made:
    name = work.name(props.get("ApplicationName"), longest=100)
    platform = {"computePlatform": props["ComputePlatform"]} if props.get("ComputePlatform") else {}
    create = work.client("codedeploy").create_application
    work.once(create, name, applicationName=name, **platform, **_tags(work, props))
    return Made(name, {})


async def _update_application(work: Work, physical: str, old: Params, new: Params) -> Made:
    _retag_arn(work, "codedeploy", _deploy_arn(work, f"application:{physical}"), old, new)
    return Made(physical, {})


async def _delete_application(work: Work, name: str, props: Params) -> None:
    gone(work.client("codedeploy").delete_application, "ApplicationDoesNotExistException", applicationName=name)


_GROUP = ("ApplicationName", "DeploymentGroupName", "ServiceRoleArn", "DeploymentConfigName", "Ec2TagFilters",
          "Ec2TagSet", "AutoRollbackConfiguration", "DeploymentStyle", "TriggerConfigurations", "Tags",
          "OutdatedInstancesStrategy", "AlarmConfiguration")  # fmt: skip


def _group(work: Work, name: str, props: Params) -> Params:
    params: Params = {"applicationName": props["ApplicationName"], "serviceRoleArn": props["ServiceRoleArn"]}
    for key in ("DeploymentConfigName", "OutdatedInstancesStrategy"):
        if props.get(key):
            params[key[:1].lower() + key[1:]] = props[key]
    if props.get("Ec2TagFilters"):
        params["ec2TagFilters"] = props["Ec2TagFilters"]
    if props.get("Ec2TagSet"):
        groups = [one["Ec2TagGroup"] for one in props["Ec2TagSet"].get("Ec2TagSetList", [])]
        params["ec2TagSet"] = {"ec2TagSetList": groups}
    for key in ("AutoRollbackConfiguration", "DeploymentStyle", "TriggerConfigurations", "AlarmConfiguration"):
        if props.get(key):
            params[key[:1].lower() + key[1:]] = api(props[key])
    return params


_NOTHING: Params = {
    "ec2TagFilters": [],
    "ec2TagSet": {"ec2TagSetList": []},
    "triggerConfigurations": [],
    "autoRollbackConfiguration": {"enabled": False, "events": []},
    "alarmConfiguration": {"enabled": False, "alarms": []},
}  # what takes a setting away that the template no longer has


async def _create_deployment_group(work: Work, props: Params) -> Made:
    name = work.name(props.get("DeploymentGroupName"), longest=100)
    create = work.client("codedeploy").create_deployment_group
    params = {**_group(work, name, props), "deploymentGroupName": name, **_tags(work, props)}
    work.once(create, name, **params)
    return Made(name, {})


async def _update_deployment_group(work: Work, name: str, old: Params, new: Params) -> Made:
    params = {**_group(work, name, new), "currentDeploymentGroupName": name}
    for key, nothing in _NOTHING.items():
        if key not in params and old.get(key[:1].upper() + key[1:]):
            params[key] = nothing
    work.client("codedeploy").update_deployment_group(**params)
    arn = _deploy_arn(work, f"deploymentgroup:{new['ApplicationName']}/{name}")
    _retag_arn(work, "codedeploy", arn, old, new)
    return Made(name, {})


async def _delete_deployment_group(work: Work, name: str, props: Params) -> None:
    gone(
        work.client("codedeploy").delete_deployment_group, "ApplicationDoesNotExistException",
        applicationName=props["ApplicationName"], deploymentGroupName=name,
    )  # fmt: skip


_CONFIG = ("DeploymentConfigName", "ComputePlatform", "MinimumHealthyHosts")


async def _create_deployment_config(work: Work, props: Params) -> Made:
    name = work.name(props.get("DeploymentConfigName"), longest=100)
    hosts = props.get("MinimumHealthyHosts", {})
    healthy = {"minimumHealthyHosts": api(hosts)} if hosts else {}
    platform = {"computePlatform": props["ComputePlatform"]} if props.get("ComputePlatform") else {}
    create = work.client("codedeploy").create_deployment_config
    work.once(create, name, deploymentConfigName=name, **healthy, **platform)
    return Made(name, {})


async def _delete_deployment_config(work: Work, name: str, props: Params) -> None:
    delete = work.client("codedeploy").delete_deployment_config
    gone(delete, "DeploymentConfigDoesNotExistException", deploymentConfigName=name)


# CodePipeline

_PIPELINE = ("Name", "RoleArn", "Stages", "ArtifactStore", "PipelineType", "ExecutionMode", "Variables", "Tags",
             "RestartExecutionOnUpdate", "DisableInboundStageTransitions", "Triggers")  # fmt: skip


def _pipeline(name: str, props: Params) -> Params:
    declared: Params = {"name": name, "roleArn": props["RoleArn"]}
    declared["stages"] = [{**api(one), "actions": [_action(two) for two in one["Actions"]]} for one in props["Stages"]]
    if props.get("ArtifactStore"):
        declared["artifactStore"] = api(props["ArtifactStore"])
    for key in ("PipelineType", "ExecutionMode", "Variables", "Triggers"):
        if props.get(key):
            declared[key[:1].lower() + key[1:]] = api(props[key])
    return declared


def _action(props: Params) -> Params:
    found: Params = api({key: value for key, value in props.items() if key not in ("Configuration", "RunOrder")})
    if props.get("Configuration"):
        found["configuration"] = {key: _configured(value) for key, value in props["Configuration"].items()}
    if props.get("RunOrder"):
        found["runOrder"] = props["RunOrder"]
    return found


def _configured(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


async def _create_pipeline(work: Work, props: Params) -> Made:
    name = work.name(props.get("Name"), longest=100)
    tags = work.tags(props.get("Tags"))
    tagged = {"tags": to_list(tags, "key", "value")} if tags else {}
    create = work.client("codepipeline").create_pipeline
    work.once(create, name, pipeline=_pipeline(name, props), **tagged)
    _shut_transitions(work, name, props)
    return Made(name, {"Version": "1"})


def _shut_transitions(work: Work, name: str, props: Params) -> None:
    for one in props.get("DisableInboundStageTransitions", []):
        work.client("codepipeline").disable_stage_transition(
            pipelineName=name, stageName=one["StageName"], transitionType="Inbound", reason=one["Reason"]
        )


def _open_transitions(work: Work, name: str, old: Params, new: Params) -> None:
    shut = {one["StageName"] for one in new.get("DisableInboundStageTransitions", [])}
    stages = {one["Name"] for one in new["Stages"]}
    for one in old.get("DisableInboundStageTransitions", []):
        if one["StageName"] in stages - shut:
            work.client("codepipeline").enable_stage_transition(
                pipelineName=name, stageName=one["StageName"], transitionType="Inbound"
            )
    _shut_transitions(work, name, new)


async def _update_pipeline(work: Work, name: str, old: Params, new: Params) -> Made:
    codepipeline = work.client("codepipeline")
    version = codepipeline.update_pipeline(pipeline=_pipeline(name, new))["pipeline"]["version"]
    arn = f"arn:aws:codepipeline:{work.stack.region}:{work.stack.account}:{name}"
    _retag_arn(work, "codepipeline", arn, old, new)
    _open_transitions(work, name, old, new)
    if new.get("RestartExecutionOnUpdate"):
        codepipeline.start_pipeline_execution(name=name)
    return Made(name, {"Version": str(version)})


async def _delete_pipeline(work: Work, name: str, props: Params) -> None:
    try:
        work.client("codepipeline").delete_pipeline(name=name)
    except AwsError as error:
        if error.code != "PipelineNotFoundException":
            raise


PROVIDERS = {
    "AWS::CodeCommit::Repository": Provider(_create_repository, _delete_repository, _update_repository, _REPOSITORY),
    "AWS::CodeBuild::Project": Provider(_create_project, _delete_project, _update_project, _PROJECT),
    "AWS::CodeDeploy::Application": Provider(_create_application, _delete_application, _update_application),
    "AWS::CodeDeploy::DeploymentGroup": Provider(
        _create_deployment_group, _delete_deployment_group, _update_deployment_group, _GROUP
    ),
    "AWS::CodeDeploy::DeploymentConfig": Provider(_create_deployment_config, _delete_deployment_config, takes=_CONFIG),
    "AWS::CodePipeline::Pipeline": Provider(_create_pipeline, _delete_pipeline, _update_pipeline, _PIPELINE),
}
