"""An execution's way through its stages: one task per pipeline advances all of its executions."""

from labsupport.cloud.core import ids
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codepipeline import events, plan
from labsupport.cloud.services.codepipeline.base import (
    ACTIVE,
    Action,
    Execution,
    Params,
    Pipeline,
    StageRun,
    actions_of,
    artifacts_of,
    executions_of,
    service,
    wake,
)

_OUTDATED = "The pipeline was updated while this execution was in progress: release the change again."
MOST_AT_A_TIME = 50  # executions, where they do not overtake each other


def begin(
    call: Call,
    pipeline: Pipeline,
    trigger: dict[str, str],
    variables: dict[str, str] | None = None,
    token: str = "",
    overrides: dict[str, dict[str, str]] | None = None,
) -> Execution:
    """A new execution of the pipeline as it stands now."""
    if not has_room(call, pipeline):
        message = "The pipeline has reached the limit for concurrent pipeline executions."
        raise AwsError("ConcurrentPipelineExecutionsLimitExceededException", message)
    pipeline.runs += 1
    execution = Execution(
        account=pipeline.account,
        region=pipeline.region,
        pipeline=pipeline.name,
        order=f"{pipeline.runs:010d}",
        id=ids.uuid4(),
        version=pipeline.version,
        declaration=pipeline.declaration,
        started=call.epoch,
        updated=call.epoch,
        trigger=trigger,
        stages=[StageRun(name=stage["name"]) for stage in pipeline.stages],
        variables=variables or _defaults(pipeline),
        token=token,
        overrides=overrides or {},
    )
    call.store.put(pipeline, execution)
    events.pipeline_changed(call, execution)
    call.start("advance", pipeline.name)
    return execution


def has_room(call: Call, pipeline: Pipeline) -> bool:
    if pipeline.declaration["executionMode"] == "SUPERSEDED":
        return True
    return sum(one.status in ACTIVE for one in executions_of(call, pipeline.name)) < MOST_AT_A_TIME


def _defaults(pipeline: Pipeline) -> dict[str, str]:
    declared = pipeline.declaration.get("variables", [])
    return {one["name"]: one["defaultValue"] for one in declared if "defaultValue" in one}


@service.task("advance")
async def advance(call: Call, name: str) -> None:
    """Let every execution of a pipeline go as far as it can now. What it waits for wakes this task again."""
    with call.transaction():
        pipeline = call.store.get(Pipeline, call.account, call.region, name)
        if pipeline is None:
            return
        active = [one for one in executions_of(call, name) if one.status in ACTIVE]
        for execution in active:
            if execution.version == pipeline.version:
                _advance_stage(call, execution)
            else:
                _end_outdated(call, execution)
        _enter_stages(call, pipeline, [one for one in active if one.status in ACTIVE])


def _advance_stage(call: Call, execution: Execution) -> None:
    """Begin the next actions of the stage that it is in, or end the stage."""
    stage = execution.stages[execution.at]
    if stage.status not in ("InProgress", "Stopping"):
        if execution.status == "Stopping":
            finish(call, execution, "Stopped", execution.stop_reason)
        return
    declared = execution.declaration["stages"][execution.at]["actions"]
    step = plan.next_step(declared, seen_in(call, execution), may_start=execution.status != "Stopping")
    for name in step.start:
        _start_action(call, execution, next(one for one in declared if one["name"] == name))
    if step.stage:
        _end_stage(call, execution, stage, step.stage)


def _end_outdated(call: Call, execution: Execution) -> None:
    """An update ends the executions of the version before it: what runs is completed, and then its stage and the
    execution fail (User Guide: "Edit a pipeline"); one that waits between stages is cancelled at once."""
    stage = execution.stages[execution.at]
    if execution.status == "Stopping":
        _advance_stage(call, execution)
    elif stage.status != "InProgress":
        finish(call, execution, "Cancelled", _OUTDATED)
    elif not any(one.status == "InProgress" for one in seen_in(call, execution)):
        stage.status = "Failed"
        events.stage_changed(call, execution, stage.name, "Failed")
        finish(call, execution, "Failed", _OUTDATED)


def seen_in(call: Call, execution: Execution) -> list[plan.Seen]:
    """The tries in the current stage that count: those since its last retry forgot the others."""
    stage = execution.stages[execution.at]
    tries = [one for one in actions_of(call, execution.id) if one.stage == stage.name]
    return [plan.Seen(one.name, one.status) for one in tries if not one.state.get("forgotten")]


def _start_action(call: Call, execution: Execution, declared: Params) -> None:
    action = Action(
        account=execution.account,
        region=execution.region,
        pipeline=execution.pipeline,
        execution=execution.id,
        id=ids.uuid4(),
        stage=execution.stages[execution.at].name,
        name=declared["name"],
        declaration=declared,
        version=execution.version,
        started=call.epoch,
        updated=call.epoch,
        inputs=_inputs(call, execution, declared),
    )
    call.store.put(action)
    events.action_changed(call, execution, action)
    wake(call, execution, action)


def _inputs(call: Call, execution: Execution, declared: Params) -> list[Params]:
    made = artifacts_of(call, execution.id)
    return [made[one["name"]] for one in declared.get("inputArtifacts", []) if one["name"] in made]


def _end_stage(call: Call, execution: Execution, stage: StageRun, status: str) -> None:
    stage.status = status
    events.stage_changed(call, execution, stage.name, status)
    if execution.status == "Stopping":
        finish(call, execution, "Stopped", execution.stop_reason)
    elif status == "Failed":
        finish(call, execution, "Failed")
    elif execution.at + 1 == len(execution.stages):
        finish(call, execution, "Succeeded")
    else:
        execution.at += 1
        execution.updated = call.epoch
        call.store.put(execution)


def finish(call: Call, execution: Execution, status: str, summary: str = "") -> None:
    execution.status, execution.summary, execution.updated = status, summary, call.epoch
    call.store.put(execution)
    events.pipeline_changed(call, execution)


def _enter_stages(call: Call, pipeline: Pipeline, active: list[Execution]) -> None:
    """Let waiting executions into free, open stages; those that were overtaken end as superseded."""
    busy = {_place(one) for one in active if one.stages[one.at].status in ("InProgress", "Stopping")}
    by_order = {int(one.order): one for one in active if not one.stages[one.at].status and one.status == "InProgress"}
    waiting = [plan.Waiting(order, _place(one)) for order, one in by_order.items()]
    entry = plan.entries(waiting, busy, set(pipeline.shut), pipeline.declaration["executionMode"])
    for order, newer in entry.superseded:
        finish(call, by_order[order], "Superseded", f"Superseded by {by_order[newer].id}")
    for order in entry.enter:
        _enter(call, by_order[order])


def _place(execution: Execution) -> str:
    """The stage that it is in or waits to enter."""
    return execution.stages[execution.at].name


def _enter(call: Call, execution: Execution) -> None:
    stage = execution.stages[execution.at]
    stage.status = "InProgress"
    execution.updated = call.epoch
    call.store.put(execution)
    events.stage_changed(call, execution, stage.name, "InProgress")
    _advance_stage(call, execution)


def end_action(call: Call, execution: Execution, action: Action, status: str, by: str = "") -> None:
    """Note how an action ended, and what it gives to those that follow."""
    action.status, action.updated, action.by = status, call.epoch, by
    if status == "Succeeded":
        _hand_on(execution, action)
    call.store.put(action, execution)
    events.action_changed(call, execution, action)
    call.start("advance", execution.pipeline)


def _hand_on(execution: Execution, action: Action) -> None:
    namespace = action.declaration.get("namespace")
    if namespace:
        execution.outputs[namespace] = action.variables
    if action.revision:
        names = [one["name"] for one in action.outputs]
        kept = [one for one in execution.revisions if one["name"] not in names]
        execution.revisions = kept + [{**action.revision, "name": name} for name in names]
