"""`lab bench [NAME …]`: run the benchmarks and print their tables; 1 if a ratio misses its limit."""

import importlib
import sys

NAMES = ("calls", "start", "course", "panels", "chain", "policy")


def main(wanted: list[str]) -> int:
    if wanted == ["list"]:
        for name in NAMES:
            print(f"{name:8} {(importlib.import_module(f'benchmarks.{name}').__doc__ or '').partition(chr(10))[0]}")
        return 0
    unknown = [name for name in wanted if name not in NAMES]
    if unknown:
        print(f"lab bench: there is no benchmark named {unknown[0]}; there are {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    results = [importlib.import_module(f"benchmarks.{name}").run() for name in wanted or NAMES]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
