"""A pipeline's picture: stages, their actions, the artifacts between them, and how each stands."""

import textwrap
from itertools import pairwise
from typing import Any

from labsupport.diagrams.dot import STATES, cluster, edge, graph, node
from labsupport.diagrams.render import Picture

Declared = dict[str, Any]
Told = dict[tuple[str, str], str]  # by stage and action
WRAPPED = 30  # characters in a line of an error's message


def of(codepipeline: Any, name: str) -> Picture:
    """The pipeline as boto3's client tells it now."""
    declared = codepipeline.get_pipeline(name=name)["pipeline"]
    return picture(declared, codepipeline.get_pipeline_state(name=name))


def picture(declared: Declared, state: Declared) -> Picture:
    """From GetPipeline's declaration and GetPipelineState's answer."""
    return Picture(_source(declared, state), _text(declared, state))


def statuses(state: Declared) -> tuple[dict[str, str], Told]:
    """How each stage stands, and each action, in the newest run; stages that it has not reached have no status."""
    stages, actions = {}, {}
    newest = _newest(state)
    for stage in state["stageStates"]:
        latest = stage.get("latestExecution", {})
        reached = bool(latest) and latest["pipelineExecutionId"] == newest
        stages[stage["stageName"]] = latest["status"] if reached else ""
        for action in stage["actionStates"]:
            status = action.get("latestExecution", {}).get("status", "") if reached else ""
            actions[stage["stageName"], action["actionName"]] = status
    return stages, actions


def _newest(state: Declared) -> str:
    """The execution that entered the first stage last."""
    first: Declared = state["stageStates"][0].get("latestExecution", {})
    return str(first.get("pipelineExecutionId", ""))


def _source(declared: Declared, state: Declared) -> str:
    stages, actions = statuses(state)
    errors, shut = _errors(state), _shut(state)
    lines: list[str] = []
    for stage in declared["stages"]:
        name = stage["name"]
        inside = [_action(name, one, actions, errors) for one in stage["actions"]]
        label = f"{name}\n‖ transition disabled" if name in shut else name
        lines += cluster(name, label, inside, stages.get(name, ""))
    return graph([*lines, *_order(declared), *_artifacts(declared)])


def _id(stage: str, action: str) -> str:
    return f"{stage}/{action}"


def _action(stage: str, action: Declared, actions: Told, errors: Told) -> str:
    key = (stage, action["name"])
    status = actions.get(key, "")
    lines = [action["name"], action["actionTypeId"]["provider"]]
    if status == "Failed":
        lines += textwrap.wrap(errors.get(key, ""), WRAPPED, max_lines=3, placeholder=" …")
    return node(_id(*key), "\n".join(lines), status)


def _shut(state: Declared) -> dict[str, str]:
    """The stages that nothing may enter, and why."""
    states = {one["stageName"]: one.get("inboundTransitionState", {}) for one in state["stageStates"]}
    return {name: one.get("disabledReason", "") for name, one in states.items() if not one.get("enabled", True)}


def _order(declared: Declared) -> list[str]:
    """Actions of one run order stand side by side, before those of the next; stages follow each other."""
    groups = [(stage["name"], group) for stage in declared["stages"] for group in _groups(stage)]
    found = []
    for (before_stage, before), (after_stage, after) in pairwise(groups):
        for one in before:
            for two in after:
                if not {out["name"] for out in one.get("outputArtifacts", [])} & _inputs(two):
                    found.append(edge(_id(before_stage, one["name"]), _id(after_stage, two["name"])))
    return found


def _groups(stage: Declared) -> list[list[Declared]]:
    orders = sorted({one.get("runOrder", 1) for one in stage["actions"]})
    return [[one for one in stage["actions"] if one.get("runOrder", 1) == order] for order in orders]


def _inputs(action: Declared) -> set[str]:
    return {one["name"] for one in action.get("inputArtifacts", [])}


def _artifacts(declared: Declared) -> list[str]:
    """An edge from the action that makes an artifact to each that takes it, named by it."""
    makers = {
        output["name"]: _id(stage["name"], action["name"])
        for stage in declared["stages"]
        for action in stage["actions"]
        for output in action.get("outputArtifacts", [])
    }
    return [
        edge(makers[name], _id(stage["name"], action["name"]), name)
        for stage in declared["stages"]
        for action in stage["actions"]
        for name in sorted(_inputs(action))
        if name in makers
    ]


def _text(declared: Declared, state: Declared) -> str:
    stages, actions = statuses(state)
    errors, shut = _errors(state), _shut(state)
    lines = [f"Pipeline {declared['name']}"]
    for stage in declared["stages"]:
        mark = STATES.get(stages.get(stage["name"], ""), STATES[""])[0]
        if stage["name"] in shut:
            lines.append(f"‖ the transition into {stage['name']} is disabled: {shut[stage['name']]}")
        lines.append(f"{mark} {stage['name']}: {stages.get(stage['name']) or 'not reached yet'}")
        for action in stage["actions"]:
            status = actions.get((stage["name"], action["name"]), "")
            one = f"    {STATES.get(status, STATES[''])[0]} {action['name']} ({action['actionTypeId']['provider']})"
            lines.append(f"{one}: {status or 'not reached yet'}")
            if errors.get((stage["name"], action["name"])) and status == "Failed":
                lines.append(f"        {errors[stage['name'], action['name']]}")
    return "\n".join(lines)


def _errors(state: Declared) -> Told:
    return {
        (stage["stageName"], action["actionName"]): action["latestExecution"]["errorDetails"].get("message", "")
        for stage in state["stageStates"]
        for action in stage["actionStates"]
        if action.get("latestExecution", {}).get("errorDetails")
    }
