"""Pipelines: create, read, update, delete, list, tags, transitions."""

from datetime import UTC, datetime

from labsupport.cloud.core import paging, tags
from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.codepipeline import declaration, polling, roles
from labsupport.cloud.services.codepipeline.base import (
    Action,
    Params,
    Pipeline,
    Transition,
    executions_of,
    on_pipeline,
    pipeline_named,
    service,
    stage_named,
    wake,
)
from labsupport.cloud.services.codepipeline.running import begin

_ROLES = ("pipeline.roleArn", "pipeline.stages.actions.roleArn")


def moment(epoch: float) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)


def bad_token() -> AwsError:
    return AwsError("InvalidNextTokenException", "The next token was specified in an invalid format.")


def _complete(given: Params) -> Params:
    """A declaration with the defaults that GetPipeline shows."""
    stages = [
        {**stage, "actions": [_complete_action(action) for action in stage["actions"]]} for stage in given["stages"]
    ]
    options = {
        "pipelineType": given.get("pipelineType", "V1"),
        "executionMode": given.get("executionMode", "SUPERSEDED"),
    }
    return {**given, **options, "stages": stages}


def _complete_action(action: Params) -> Params:
    defaults: Params = {"runOrder": 1, "configuration": {}, "outputArtifacts": [], "inputArtifacts": []}
    return {**defaults, **action}


@service.operation(on="arn:{partition}:codepipeline:{region}:{account}:{pipeline[name]}", passes=_ROLES)
def create_pipeline(call: Call, params: Params) -> Params:
    """A new pipeline, whose first execution starts at once."""
    given = params["pipeline"]
    if call.store.get(Pipeline, call.account, call.region, given["name"]):
        message = f"A pipeline with the name '{given['name']}' already exists in account '{call.account}'"
        raise AwsError("PipelineNameInUseException", message)
    declaration.check(given, call.region)
    roles.check(call, given["roleArn"], given["name"])
    found = _checked(tags.from_list(params.get("tags"), "key", "value"))
    pipeline = Pipeline(
        account=call.account,
        region=call.region,
        name=given["name"],
        version=1,
        declaration={**_complete(given), "version": 1},
        created=call.epoch,
        updated=call.epoch,
        tags=found,
    )
    call.store.put(pipeline)
    begin(call, pipeline, {"triggerType": "CreatePipeline", "triggerDetail": call.caller.arn})
    polling.start(call, pipeline)
    return {"pipeline": pipeline.declaration, "tags": tags.to_list(found, "key", "value")}


@service.operation(on="arn:{partition}:codepipeline:{region}:{account}:{pipeline[name]}", passes=_ROLES)
def update_pipeline(call: Call, params: Params) -> Params:
    given = params["pipeline"]
    pipeline = pipeline_named(call, given["name"])
    declaration.check(given, call.region)
    roles.check(call, given["roleArn"], given["name"])
    pipeline.version += 1
    pipeline.declaration = {**_complete(given), "version": pipeline.version}
    pipeline.updated, pipeline.polled = call.epoch, {}
    names = {stage["name"] for stage in given["stages"]}
    pipeline.shut = {name: shut for name, shut in pipeline.shut.items() if name in names}
    call.store.put(pipeline)
    polling.start(call, pipeline)
    call.start("advance", pipeline.name)
    return {"pipeline": pipeline.declaration}


@service.operation(on=on_pipeline("name"))
def get_pipeline(call: Call, params: Params) -> Params:
    pipeline = pipeline_named(call, params["name"])
    if params.get("version", pipeline.version) != pipeline.version:
        message = f"Could not find version {params['version']} of pipeline '{pipeline.name}'"
        raise AwsError("PipelineVersionNotFoundException", message)
    metadata = {"pipelineArn": pipeline.arn, "created": moment(pipeline.created), "updated": moment(pipeline.updated)}
    return {"pipeline": pipeline.declaration, "metadata": metadata}


@service.operation(on=on_pipeline("name"))
def delete_pipeline(call: Call, params: Params) -> Params:
    pipeline = call.store.get(Pipeline, call.account, call.region, params["name"])
    if pipeline is None:
        return {}
    for execution in executions_of(call, pipeline.name):
        for action in call.store.list(Action, call.account, call.region, execution.id):
            call.store.delete(action)
            if action.status == "InProgress":
                wake(call, execution, action)
        call.store.delete(execution)
    call.store.delete(pipeline)
    return {}


@service.operation(on="arn:{partition}:codepipeline:{region}:{account}:*")
def list_pipelines(call: Call, params: Params) -> Params:
    found = call.store.list(Pipeline, call.account, call.region)
    chosen, token = paging.page(
        found, lambda one: one.name, params.get("nextToken"), params.get("maxResults", 1000), bad_token()
    )
    return {"pipelines": [_summary(one) for one in chosen], "nextToken": token}


def _summary(pipeline: Pipeline) -> Params:
    return {
        "name": pipeline.name,
        "version": pipeline.version,
        "pipelineType": pipeline.declaration["pipelineType"],
        "executionMode": pipeline.declaration["executionMode"],
        "created": moment(pipeline.created),
        "updated": moment(pipeline.updated),
    }


@service.operation(on="arn:{partition}:codepipeline:{region}:{account}:actiontype:*")
def list_action_types(call: Call, params: Params) -> Params:
    """The action types of the lab, which are some of AWS's."""
    if params.get("regionFilter", call.region) != call.region:
        raise not_simulated("The action types of another region")
    owners = params.get("actionOwnerFilter", "AWS")
    found = declaration.PROVIDERS.items() if owners == "AWS" else ()
    return {"actionTypes": [_action_type(*kind, provider) for kind, provider in found]}


def _action_type(category: str, name: str, provider: declaration.Provider) -> Params:
    return {
        "id": {"category": category, "owner": "AWS", "provider": name, "version": "1"},
        "settings": {},
        "actionConfigurationProperties": [
            {"name": key, "required": key in provider.required, "key": True, "secret": False}
            for key in (*provider.required, *provider.optional)
        ],
        "inputArtifactDetails": {"minimumCount": provider.inputs[0], "maximumCount": provider.inputs[1]},
        "outputArtifactDetails": {"minimumCount": provider.outputs[0], "maximumCount": provider.outputs[1]},
    }


# Transitions


def _on_stage(call: Call, params: Params) -> str:
    return call.arn(f"{params['pipelineName']}/{params['stageName']}")


@service.operation(on=_on_stage)
def disable_stage_transition(call: Call, params: Params) -> Params:
    pipeline = pipeline_named(call, params["pipelineName"])
    stage_named(pipeline.stages, params["stageName"], pipeline.name)
    _refuse_outbound(params)
    pipeline.shut[params["stageName"]] = Transition(reason=params["reason"], by=call.caller.arn, at=call.epoch)
    call.store.put(pipeline)
    return {}


def _refuse_outbound(params: Params) -> None:
    if params["transitionType"] != "Inbound":
        raise not_simulated("An outbound transition: shut the next stage's inbound one")


@service.operation(on=_on_stage)
def enable_stage_transition(call: Call, params: Params) -> Params:
    pipeline = pipeline_named(call, params["pipelineName"])
    stage_named(pipeline.stages, params["stageName"], pipeline.name)
    _refuse_outbound(params)
    pipeline.shut.pop(params["stageName"], None)
    call.store.put(pipeline)
    call.start("advance", pipeline.name)
    return {}


# Tags


def _tagged(call: Call, params: Params) -> Pipeline:
    found = parse(params["resourceArn"])
    if found is None or found.service != "codepipeline":
        raise AwsError("InvalidArnException", f"The ARN {params['resourceArn']} is not valid.")
    pipeline = call.store.get(Pipeline, found.account, found.region, found.resource)
    if pipeline is None:
        raise AwsError("ResourceNotFoundException", f"The resource {params['resourceArn']} was not found.")
    return pipeline


def _checked(found: dict[str, str]) -> dict[str, str]:
    too_many = AwsError("TooManyTagsException", "A resource can have no more than 50 tags.")
    tags.check(found, too_many, AwsError("InvalidTagsException", "Tag keys that begin with aws: are reserved."))
    return found


@service.operation(on="{resourceArn}")
def tag_resource(call: Call, params: Params) -> Params:
    pipeline = _tagged(call, params)
    pipeline.tags = _checked(tags.merged(pipeline.tags, tags.from_list(params["tags"], "key", "value")))
    call.store.put(pipeline)
    return {}


@service.operation(on="{resourceArn}")
def untag_resource(call: Call, params: Params) -> Params:
    pipeline = _tagged(call, params)
    pipeline.tags = tags.without(pipeline.tags, params["tagKeys"])
    call.store.put(pipeline)
    return {}


@service.operation(on="{resourceArn}")
def list_tags_for_resource(call: Call, params: Params) -> Params:
    return {"tags": tags.to_list(_tagged(call, params).tags, "key", "value")}
