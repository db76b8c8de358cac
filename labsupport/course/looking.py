"""Running a check: every expectation looked at, within a time limit, whatever happens."""

import threading
from collections.abc import Sequence

from labsupport.course.declare import Expectation, Finding, Outcome, World
from labsupport.course.mishaps import finding_of
from labsupport.course.verdict import Part

LIMIT = 15.0  # seconds for all expectations of a check together


def looked(check: Sequence[Expectation], world: World, limit: float = LIMIT) -> tuple[Part, ...]:
    """Each expectation's part. Never raises; a look that hangs is left behind in its thread, for nothing can end it."""
    parts: list[Part] = []
    # A thread of its own: sockets and subprocesses have time limits of their own, but many small ones add up.
    thread = threading.Thread(target=_look_at_all, args=(check, world, parts), daemon=True)
    thread.start()
    thread.join(limit)
    done = parts[:]
    late = Finding(
        Outcome.LAB_FAILED,
        f"There was no answer within {limit:.0f} seconds.",
        "Check again in a moment; `lab status` says whether the cloud answers. This does not count against you.",
    )
    return (*done, *(Part(one.name, late, one.given) for one in check[len(done) :]))


def _look_at_all(check: Sequence[Expectation], world: World, parts: list[Part]) -> None:
    for one in check:
        parts.append(Part(one.name, _looked(one, world), one.given))


def _looked(one: Expectation, world: World) -> Finding:
    try:
        found = one.look(world)
    except Exception as error:
        return finding_of(error)
    if not isinstance(found, Finding):
        return finding_of(TypeError(f"{one.name!r} gave {type(found).__name__} and no Finding"))
    return found
