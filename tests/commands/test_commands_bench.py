"""`lab bench`: which benchmarks there are, and that each runs undisturbed by the others."""

import subprocess
import sys
from types import ModuleType

import pytest

from labsupport import home


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(home.ROOT)
    from benchmarks import __main__

    return __main__


def lab_bench(*names: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "labsupport.cli", "bench", *names], capture_output=True, text=True)


def test_the_list_says_what_each_measures(benchmarks: ModuleType) -> None:
    told = lab_bench("list")
    lines = [line.split(maxsplit=1) for line in told.stdout.splitlines()]
    assert (told.returncode, tuple(line[0] for line in lines)) == (0, benchmarks.NAMES)
    assert all(len(line) == 2 for line in lines)


def test_a_name_that_there_is_not() -> None:
    told = lab_bench("calls", "speed")
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.startswith("lab bench: there is no benchmark named speed; there are calls, ")


@pytest.mark.parametrize(("statuses", "status"), [((0, 0, 0), 0), ((0, 1, 0), 1)])
@pytest.mark.parametrize("wanted", [("start", "chain", "calls"), ()])
def test_several_run_in_processes_of_their_own(
    benchmarks: ModuleType, wanted: tuple[str, ...], statuses: tuple[int, ...], status: int
) -> None:
    """One that misses its limit doesn't keep the others from running."""
    ran: list[str] = []

    def alone(name: str) -> int:
        ran.append(name)
        return (*statuses, 0, 0, 0)[len(ran) - 1]

    assert benchmarks.main(list(wanted), alone) == status
    assert tuple(ran) == (wanted or benchmarks.NAMES)
