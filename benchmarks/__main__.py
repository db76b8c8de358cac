"""`lab bench [NAME …]`: run the benchmarks and print their tables; 1 if a ratio misses its limit."""

import importlib
import subprocess
import sys
from collections.abc import Callable

NAMES = ("calls", "start", "course", "panels", "chain", "policy")


def in_a_process(name: str) -> int:
    """What a benchmark leaves behind in its process (a learner's environment, say) is nothing to the next one."""
    return subprocess.call([sys.executable, "-m", "benchmarks", name])


def main(wanted: list[str], alone: Callable[[str], int] = in_a_process) -> int:
    """`alone` runs one of several benchmarks and returns its exit status."""
    if wanted == ["list"]:
        for name in NAMES:
            print(f"{name:8} {(importlib.import_module(f'benchmarks.{name}').__doc__ or '').partition(chr(10))[0]}")
        return 0
    unknown = [name for name in wanted if name not in NAMES]
    if unknown:
        print(f"lab bench: there is no benchmark named {unknown[0]}; there are {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    if len(wanted) == 1:
        return 0 if importlib.import_module(f"benchmarks.{wanted[0]}").run() else 1
    return max([alone(name) for name in wanted or NAMES])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
