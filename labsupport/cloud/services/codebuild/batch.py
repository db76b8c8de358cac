"""The `batch` part of a buildspec: "Batch build buildspec reference". Each kind becomes a list of tasks. Pure."""

import itertools
import math
import re

from msgspec import Struct

from labsupport.cloud.services.codebuild.fields import Spot, flag, table, text, texts

KINDS = ("build-list", "build-matrix", "build-graph", "build-fanout")
_MOST_BUILDS = 100
_IDENTIFIER = re.compile(r"[A-Za-z0-9_]{1,128}")
_ENVIRONMENT = ["compute-type", "fleet", "image", "privileged-mode", "type", "variables"]


class TaskEnvironment(Struct, frozen=True):
    """What a task changes of the project's environment; None leaves it as it is."""

    compute_type: str | None = None
    fleet: str | None = None
    image: str | None = None
    type: str | None = None
    privileged_mode: bool | None = None
    variables: dict[str, str] = {}


class Task(Struct, frozen=True):
    identifier: str | None = None
    buildspec: str | None = None
    env: TaskEnvironment = TaskEnvironment()
    depend_on: list[str] = []
    ignore_failure: bool = False
    debug_session: bool = False


class Batch(Struct, frozen=True):
    kind: str
    tasks: list[Task]
    fast_fail: bool = False


def parse_batch(spot: Spot) -> Batch:
    """The tasks of a batch build; a matrix as all its combinations. Raises BuildspecError."""
    spot.fields(["fast-fail", *KINDS])
    kinds = [kind for kind in KINDS if spot.get(kind)]
    if len(kinds) != 1:
        raise spot.error(f"Expected one batch type, found {len(kinds)}. Expecting: {','.join(KINDS)}")
    below = spot.at(kinds[0], spot.value[kinds[0]])
    tasks = {"build-matrix": _matrix, "build-fanout": _fanout}.get(kinds[0], _listed)(below)
    if len(tasks) > _MOST_BUILDS:
        raise _too_many(below, len(tasks))
    _check_graph(below, tasks)
    return Batch(kinds[0], tasks, flag(spot.get("fast-fail")))


def _too_many(spot: Spot, count: int) -> Exception:
    return spot.error(f"Too many builds in the batch: {count}. A batch can have at most {_MOST_BUILDS}")


def _listed(spot: Spot) -> list[Task]:
    if not isinstance(spot.value, list):
        raise spot.wrong("list")
    return [
        _task(spot.at(index, value), graph=spot.path[-1] == "build-graph") for index, value in enumerate(spot.value)
    ]


def _task(spot: Spot, graph: bool) -> Task:
    spot.fields(
        ["identifier", "buildspec", "env", "ignore-failure", "debug-session"] + (["depend-on"] if graph else [])
    )
    identifier = text(spot.get("identifier"))
    if identifier is None and graph:
        raise spot.error(f"A task of a build graph needs an identifier at line {spot.line}")
    if identifier is not None and not _IDENTIFIER.fullmatch(identifier):
        raise spot.error(f"Invalid identifier: {identifier}. Expecting: letters, digits and _ at line {spot.line}")
    env = spot.get("env")
    return Task(
        identifier=identifier,
        buildspec=text(spot.get("buildspec")),
        env=_environment(env) if env else TaskEnvironment(),
        depend_on=texts(spot.get("depend-on")) if graph else [],
        ignore_failure=flag(spot.get("ignore-failure")),
        debug_session=flag(spot.get("debug-session")),
    )


def _environment(spot: Spot) -> TaskEnvironment:
    spot.fields(_ENVIRONMENT)
    privileged = spot.get("privileged-mode")
    return TaskEnvironment(
        compute_type=text(spot.get("compute-type")),
        fleet=text(spot.get("fleet")),
        image=text(spot.get("image")),
        type=text(spot.get("type")),
        privileged_mode=privileged.flag() if privileged else None,
        variables=table(spot.get("variables")),
    )


def _check_graph(spot: Spot, tasks: list[Task]) -> None:
    names = [task.identifier for task in tasks if task.identifier]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise spot.error(f"The identifier {twice} stands twice in the batch")
    waiting = {task.identifier: set(task.depend_on) for task in tasks if task.identifier}
    for name, needs in waiting.items():
        if unknown := sorted(needs - set(names)):
            raise spot.error(f"The task {name} depends on {unknown[0]}, which is not in the batch")
    while waiting:
        ready = {name for name, needs in waiting.items() if not needs & set(waiting)}
        if not ready:
            raise spot.error(f"The tasks {', '.join(sorted(map(str, waiting)))} depend on each other in a circle")
        waiting = {name: needs for name, needs in waiting.items() if name not in ready}


def _matrix(spot: Spot) -> list[Task]:
    spot.fields(["static", "dynamic"])
    static, dynamic = spot.get("static"), spot.get("dynamic")
    fixed = TaskEnvironment()
    ignore = False
    if static:
        static.fields(["ignore-failure", "env"])
        ignore = flag(static.get("ignore-failure"))
        env = static.get("env")
        fixed = _environment(env) if env else fixed
    axes = _axes(dynamic) if dynamic else {}
    count = math.prod(len(values) for values in axes.values())
    if count > _MOST_BUILDS:
        raise _too_many(spot, count)
    combinations = itertools.product(*axes.values())
    return [_combined(fixed, ignore, dict(zip(axes, values, strict=True))) for values in combinations]


def _axes(spot: Spot) -> dict[str, list[str]]:
    """What varies: `buildspec`, `compute-type`, `image`, and variables under `variables/NAME`, each with its values."""
    spot.fields(["buildspec", "env"])
    axes = {"buildspec": texts(spot.get("buildspec"))}
    env = spot.get("env")
    if env:
        env.fields(["compute-type", "image", "variables"])
        axes |= {key: texts(env.get(key)) for key in ("compute-type", "image")}
        variables = env.get("variables")
        axes |= {f"variables/{name}": value.texts() for name, value in variables.entries()} if variables else {}
    return {name: values for name, values in axes.items() if values}


def _combined(fixed: TaskEnvironment, ignore: bool, chosen: dict[str, str]) -> Task:
    variables = {name.partition("/")[2]: value for name, value in chosen.items() if name.startswith("variables/")}
    env = TaskEnvironment(
        compute_type=chosen.get("compute-type", fixed.compute_type),
        fleet=fixed.fleet,
        image=chosen.get("image", fixed.image),
        type=fixed.type,
        privileged_mode=fixed.privileged_mode,
        variables=fixed.variables | variables,
    )
    return Task(buildspec=chosen.get("buildspec"), env=env, ignore_failure=ignore)


def _fanout(spot: Spot) -> list[Task]:
    spot.fields(["parallelism", "ignore-failure"])
    parallelism = spot.get("parallelism")
    count = parallelism.value if parallelism else 1
    if parallelism and (not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= _MOST_BUILDS):
        raise parallelism.error(
            f"Invalid parallelism: {parallelism.kind}. Expecting: a number from 1 to {_MOST_BUILDS}"
        )
    return [Task(ignore_failure=flag(spot.get("ignore-failure")))] * count
