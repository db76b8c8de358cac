"""Calls a second, one client and eight, against moto_server and ministack, which check and keep nothing."""

import contextlib
import itertools
import json
import os
import statistics
from collections.abc import Callable, Sequence

from rich.table import Table

from benchmarks.servers import Server, running
from benchmarks.shown import show
from benchmarks.wire import Call, client, prepared, rate

ROUNDS = int(os.environ.get("LAB_BENCH_ROUNDS", "3"))
TURNS = 5  # for each figure in a round; more would make more roles than an account may have
SERVERS = ("lab", "moto", "ministack")
STATEMENT = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]})
SMALL, LARGE = b"x" * 1024, b"x" * (5 * 1024 * 1024)
_number = itertools.count()


def pairs(name: str, first: Callable[[str], Call], second: Callable[[str], Call]) -> Callable[[int], list[Call]]:
    def make(count: int) -> list[Call]:
        names = [f"{name}{next(_number)}" for _ in range(count // 2)]
        return [call for one in names for call in (first(one), second(one))]

    return make


KINDS: dict[str, Callable[[int], list[Call]]] = {
    "GetCallerIdentity": lambda count: [("sts", "get_caller_identity", {})] * count,
    "CreateRepository + GetRepository": pairs(
        "repo",
        lambda name: ("codecommit", "create_repository", {"repositoryName": name}),
        lambda name: ("codecommit", "get_repository", {"repositoryName": name}),
    ),
    "PutObject + GetObject 1 KiB": pairs(
        "object",
        lambda name: ("s3", "put_object", {"Bucket": "bench-bucket", "Key": name, "Body": SMALL}),
        lambda name: ("s3", "get_object", {"Bucket": "bench-bucket", "Key": name}),
    ),
    "PutParameter + GetParameter": pairs(
        "parameter",
        lambda name: ("ssm", "put_parameter", {"Name": name, "Value": "value", "Type": "String"}),
        lambda name: ("ssm", "get_parameter", {"Name": name}),
    ),
    "CreateRole + GetRole": pairs(
        "role",
        lambda name: ("iam", "create_role", {"RoleName": name, "AssumeRolePolicyDocument": TRUST}),
        lambda name: ("iam", "get_role", {"RoleName": name}),
    ),
}
LARGE_KIND = "PutObject + GetObject 5 MiB"
LARGE_OBJECTS = pairs(
    "large",
    lambda name: ("s3", "put_object", {"Bucket": "bench-bucket", "Key": name, "Body": LARGE}),
    lambda name: ("s3", "get_object", {"Bucket": "bench-bucket", "Key": name}),
)
# Least ratios: with one client, with eight.
AGAINST_MOTO = (4.0, 6.0)

Make = Callable[[int], list[Call]]  # that many calls
Rates = dict[str, list[float]]  # server: its calls a second, a figure for each turn


def run() -> bool:
    """Print the table; whether every ratio reaches its limit.

    The servers run side by side and take turns, a fraction of a second each: the machine's own unrest, which
    is as large as what is measured, meets all of them so, and a ratio is one of neighbours in time.
    """
    found: dict[tuple[str, int], Rates] = {}
    for _ in range(ROUNDS):
        with contextlib.ExitStack() as stack:
            _measure([stack.enter_context(running(name)) for name in SERVERS], found)
    return _print(found)


def _measure(servers: Sequence[Server], found: dict[tuple[str, int], Rates]) -> None:
    for server in servers:
        client(server, "s3").create_bucket(Bucket="bench-bucket")
    makers = {kind: [(server, make) for server in servers] for kind, make in KINDS.items()}
    makers["Encrypt + Decrypt"] = [(server, _encryption(server)) for server in servers]
    for kind, each in makers.items():
        offered = [(server, make) for server, make in each if _answers(server, make)]
        for clients, count in ((1, 60), (1, 60), (8, 32)) * TURNS:
            _take_turns(offered, clients, count, found.setdefault((kind, clients), {}))
    for _ in range(TURNS):
        _take_turns([(server, LARGE_OBJECTS) for server in servers], 1, 20, found.setdefault((LARGE_KIND, 1), {}))


def _answers(server: Server, make: Make) -> bool:
    """Whether the calls are offered there. The first one of a kind, everyone's slowest, is not measured so."""
    try:
        rate(server.url, [prepared(server, make(20))])
    except RuntimeError:
        return False
    return True


def _take_turns(offered: Sequence[tuple[Server, Make]], clients: int, count: int, rates: Rates) -> None:
    shares = [(server, [prepared(server, make(count)) for _ in range(clients)]) for server, make in offered]
    for server, share in shares:
        strict = server.name == "lab"  # moto answers some concurrent calls with 500
        rates.setdefault(server.name, []).append(rate(server.url, share, strict))


def _encryption(server: Server) -> Make:
    """Encrypt and decrypt need a key and a ciphertext of the server's own."""
    kms = client(server, "kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    both: list[Call] = [
        ("kms", "encrypt", {"KeyId": key, "Plaintext": b"secret"}),
        ("kms", "decrypt", {"CiphertextBlob": blob}),
    ]
    return lambda count: both * (count // 2)


def _print(found: dict[tuple[str, int], Rates]) -> bool:
    titles = [f"{name} /s" for name in SERVERS]
    table = Table("Calls", "Clients", *titles, "lab : moto", "at least", "lab : ministack", "")
    good = True
    for (kind, clients), rates in found.items():
        moto, ministack = _ratio(rates, "moto"), _ratio(rates, "ministack")
        least = 1.0 if kind == LARGE_KIND else AGAINST_MOTO[clients > 1]
        fits = moto is not None and moto >= least and (ministack is None or kind == LARGE_KIND or ministack >= 1)
        good = good and fits
        speeds = [f"{statistics.median(rates[name]):.0f}" if name in rates else "not offered" for name in SERVERS]
        ratios = [_shown(moto), f"{least:.0f}", _shown(ministack)]
        table.add_row(kind, str(clients), *speeds, *ratios, "ok" if fits else "MISSED")
    show(table)
    return good


def _ratio(rates: Rates, other: str) -> float | None:
    """The median of the turns' ratios; none where the other doesn't offer the call."""
    if other not in rates:
        return None
    return statistics.median(own / its for own, its in zip(rates["lab"], rates[other], strict=True))


def _shown(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"
