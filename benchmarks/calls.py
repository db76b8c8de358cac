"""Calls a second, one client and eight, against moto_server and ministack, which check and keep nothing."""

import itertools
import json
import os
import statistics
from collections.abc import Callable

from rich.table import Table

from benchmarks.servers import Server, running
from benchmarks.shown import show
from benchmarks.wire import Call, client, prepared, rate

ROUNDS = int(os.environ.get("LAB_BENCH_ROUNDS", "3"))
TRIES = 3  # of each figure in a round: the machine's own unrest is as large as what is measured
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
LARGE_OBJECTS = pairs(
    "large",
    lambda name: ("s3", "put_object", {"Bucket": "bench-bucket", "Key": name, "Body": LARGE}),
    lambda name: ("s3", "get_object", {"Bucket": "bench-bucket", "Key": name}),
)
# Least ratios: with one client, with eight.
AGAINST_MOTO = (4.0, 6.0)


def run() -> bool:
    """Print the table; whether every ratio reaches its limit."""
    found: dict[tuple[str, str, int], list[float]] = {}
    for _ in range(ROUNDS):
        for name in ("lab", "moto", "ministack"):
            with running(name) as server:
                _measure(server, found)
    medians = {key: statistics.median(values) for key, values in found.items()}
    return _print(medians)


def _measure(server: Server, found: dict[tuple[str, str, int], list[float]]) -> None:
    client(server, "s3").create_bucket(Bucket="bench-bucket")
    kinds = {**KINDS, "Encrypt + Decrypt": _encryption(server)}
    strict = server.name == "lab"  # moto answers some concurrent calls with 500
    for kind, make in kinds.items():
        try:
            rate(server.url, [prepared(server, make(20))])  # the first call of a kind is everyone's slowest
        except RuntimeError:
            continue  # not offered there
        for clients, count in ((1, 150), (8, 40)) * TRIES:
            shares = [prepared(server, make(count)) for _ in range(clients)]
            found.setdefault((server.name, kind, clients), []).append(rate(server.url, shares, strict))
    shares = [prepared(server, LARGE_OBJECTS(20))]
    found.setdefault((server.name, "PutObject + GetObject 5 MiB", 1), []).append(rate(server.url, shares))


def _encryption(server: Server) -> Callable[[int], list[Call]]:
    """Encrypt and decrypt need a key and a ciphertext of the server's own."""
    kms = client(server, "kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    both: list[Call] = [
        ("kms", "encrypt", {"KeyId": key, "Plaintext": b"secret"}),
        ("kms", "decrypt", {"CiphertextBlob": blob}),
    ]
    return lambda count: both * (count // 2)


def _print(medians: dict[tuple[str, str, int], float]) -> bool:
    table = Table(
        "Calls", "Clients", "lab /s", "moto /s", "ministack /s", "lab : moto", "at least", "lab : ministack", ""
    )
    good = True
    for (name, kind, clients), own in medians.items():
        if name != "lab":
            continue
        moto, mini = medians[("moto", kind, clients)], medians.get(("ministack", kind, clients))
        least = 1.0 if "5 MiB" in kind else AGAINST_MOTO[clients > 1]
        fits = own / moto >= least and (mini is None or "5 MiB" in kind or own >= mini)
        good = good and fits
        against = ["not offered", "-"] if mini is None else [f"{mini:.0f}", f"{own / mini:.2f}"]
        figures = [f"{own:.0f}", f"{moto:.0f}", against[0], f"{own / moto:.1f}", f"{least:.0f}", against[1]]
        table.add_row(kind, str(clients), *figures, "ok" if fits else "MISSED")
    show(table)
    return good
