"""Time from start to the first answered call, and resident memory, against moto_server."""

import os
import statistics
import time

from rich.table import Table

from benchmarks.servers import end, launch, running, wait_until_open
from benchmarks.shown import show
from benchmarks.wire import Call, client, prepared, rate

ROUNDS = int(os.environ.get("LAB_BENCH_ROUNDS", "5"))
SLOWEST, LARGEST = 1.5, 1.0  # most that the lab may need, as a multiple of moto's


def run() -> bool:
    starts = {name: statistics.median(first_answer(name) for _ in range(ROUNDS)) for name in ("lab", "moto")}
    memory = {name: resident(name) for name in ("lab", "moto")}
    table = Table("What", "lab", "moto", "lab : moto", "at most", "")
    rows = [
        ("start to first answer, s", starts["lab"], starts["moto"], SLOWEST),
        ("memory idle, MiB", memory["lab"][0], memory["moto"][0], LARGEST),
        ("memory after 2,000 calls, MiB", memory["lab"][1], memory["moto"][1], LARGEST),
    ]
    for what, own, other, most in rows:
        ok = "ok" if own / other <= most else "MISSED"
        table.add_row(what, f"{own:.2f}", f"{other:.2f}", f"{own / other:.2f}", f"{most}", ok)
    show(table)
    return all(own / other <= most for _, own, other, most in rows)


def first_answer(name: str) -> float:
    """Seconds from the start of the process to the first answered call."""
    begin = time.perf_counter()
    server = launch(name)
    try:
        wait_until_open(server)
        opened = time.perf_counter() - begin
        requests = prepared(server, [("sts", "get_caller_identity", {})])  # botocore's time is not the server's
        begin = time.perf_counter()
        rate(server.url, [requests])
        return opened + time.perf_counter() - begin
    finally:
        end(server)


def resident(name: str) -> tuple[float, float]:
    """MiB idle (after one call) and after 2,000 mixed calls."""
    with running(name) as server:
        client(server, "sts").get_caller_identity()
        idle = server.memory() / 2**20
        client(server, "s3").create_bucket(Bucket="bench-bucket")
        rate(server.url, [prepared(server, mixed(2000))])
        return idle, server.memory() / 2**20


def mixed(count: int) -> list[Call]:
    from benchmarks.calls import KINDS

    each = count // len(KINDS)
    return [call for make in KINDS.values() for call in make(each)]
