"""Work on many things at once: in the order of their needs, and ended together."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from labsupport.cloud.services.cloudformation.together import CANCELLED, together

Work = Callable[[str], Awaitable[None]]


def run(needs: dict[str, list[str]], work: Work, stop: Exception | None = None) -> None:
    async def stopping() -> Exception:
        await (asyncio.sleep(0) if stop else asyncio.Event().wait())
        assert stop is not None
        return stop

    asyncio.run(together(needs, work, stopping()))


@pytest.mark.parametrize(
    ("needs", "steps"),
    [
        ({}, []),
        ({"a": [], "b": [], "c": []}, ["+a", "+b", "+c", "-a", "-b", "-c"]),
        ({"b": ["a"], "a": []}, ["+a", "-a", "+b", "-b"]),
        ({"d": ["b", "c"], "c": ["a"], "b": ["a"], "a": []}, ["+a", "-a", "+c", "+b", "-c", "-b", "+d", "-d"]),
        ({"a": ["b"], "b": ["a"], "c": []}, ["+c", "-c", "+a", "+b", "-a", "-b"]),
    ],
)
def test_each_begins_when_what_it_needs_is_done(needs: dict[str, list[str]], steps: list[str]) -> None:
    told: list[str] = []

    async def work(name: str) -> None:
        told.append(f"+{name}")
        await asyncio.sleep(0)
        told.append(f"-{name}")

    run(needs, work)
    assert told == steps


def endless(told: list[str]) -> Work:
    """Fails for `bad`; for every other name it waits for ever, and tells how it was ended."""

    async def work(name: str) -> None:
        told.append(name)
        try:
            await asyncio.sleep(0)
            if name.startswith("bad"):
                raise ValueError(name)
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            told.append(f"{name}: {error.args[0] if error.args else 'no reason'}")
            raise

    return work


def test_the_first_error_ends_the_others() -> None:
    told: list[str] = []
    with pytest.raises(ValueError, match="bad"):
        run({"slow": [], "bad": [], "bad2": [], "after": ["slow"]}, endless(told))
    assert told == ["slow", "bad", "bad2", f"slow: {CANCELLED}"]


def test_an_error_from_outside_ends_all() -> None:
    told: list[str] = []
    with pytest.raises(KeyError, match="enough"):
        run({"slow": []}, endless(told), KeyError("enough"))
    assert told == ["slow", f"slow: {CANCELLED}"]


def test_the_end_of_the_process_is_no_error_of_the_others() -> None:
    told: list[str] = []

    async def ended() -> None:
        task = asyncio.ensure_future(together({"slow": []}, endless(told), asyncio.Future()))
        while not told:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(ended())
    assert told == ["slow", "slow: no reason"]
