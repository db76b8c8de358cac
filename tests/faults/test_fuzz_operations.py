"""Every operation that is there, with random parameters: whatever comes, no answer is a failure of the cloud."""

import asyncio
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import Credentials
from fuzz_calls import Answer, request_for, send, sign
from fuzz_seeds import SEEDS
from fuzz_values import Values

from labsupport import home
from labsupport.cloud import server
from labsupport.cloud.core import model
from labsupport.cloud.core.cloud import Cloud, Settings

CALLS = int(os.environ.get("LAB_FUZZ_CALLS", "2000"))
SEED = os.environ.get("LAB_FUZZ_SEED", "1")
SEED_AGAIN = 600  # calls after which what the fuzz deleted is made anew
BROKEN = 0.25  # of the requests are changed on the wire


class Fuzz:
    def __init__(self, cloud: Cloud, seed: str) -> None:
        self.cloud, self.values, self.random = cloud, Values(seed), random.Random(f"order {seed}")
        self.root = Credentials(*home.keys(cloud.home, "root"))
        self.learner = Credentials(*home.keys(cloud.home, "learner"))
        self.outcomes: dict[str, list[str]] = {}
        self.fallen: list[str] = []

    def order(self) -> Iterator[tuple[str, str]]:
        """Each operation once in random order, then all again."""
        services = [self.cloud.service(name) for name in self.cloud.service_names]
        every = [(one.name, operation) for one in services if one for operation in sorted(one.operations)]
        while True:
            yield from self.random.sample(every, len(every))

    async def seed(self) -> None:
        for service, operation, params in SEEDS:
            params = {name: self.filled(value) for name, value in params.items()}
            answer = await self.call(service, operation, params, self.root)
            assert answer is not None
            self.values.learn(service, params, answer.content)

    def filled(self, value: Any) -> Any:
        named = isinstance(value, str) and value[:1] == "<"
        return self.values.seen[value.strip("<>")][0] if named else value

    async def call(
        self, service: str, operation: str, params: dict[str, Any], keys: Credentials, broken: bool = False
    ) -> Answer | None:
        shape = model.load(service).operation_model(operation)
        try:
            request = request_for(shape, params)
        except Exception:  # botocore's serializer can't write it, so no client can send it
            return None
        if broken:
            self.values.break_request(request)
        sign(request, service, keys)
        sent = request.body
        answer = await send(self.cloud, shape, request, broken)
        self.outcomes.setdefault(f"{service}:{operation}", []).append(answer.code or str(answer.status))
        if answer.fell:
            self.fallen.append(
                f"{service}:{operation} {answer.status} {params!r:.1500} {sent[:600]!r} -> {answer.text:.300}"
            )
        return answer

    async def run(self, calls: int) -> None:
        for number, (service, operation) in zip(range(calls), self.order(), strict=False):
            if number % SEED_AGAIN == 0:
                await self.seed()
            params = tamed(operation, self.values.params(model.load(service).operation_model(operation)))
            keys = self.root if self.random.random() < 0.7 else self.learner
            answer = await self.call(service, operation, params, keys, self.random.random() < BROKEN)
            if answer is not None and answer.status < 300:
                self.values.learn(service, params, answer.content)


def tamed(operation: str, params: dict[str, Any]) -> dict[str, Any]:
    """An instance is a process: one is as good as twenty."""
    if operation == "RunInstances" and isinstance(params.get("MaxCount"), int) and params["MaxCount"] > 1:
        return {**params, "MinCount": min(params.get("MinCount", 1), 1), "MaxCount": 1}
    return params


async def fuzz(folder: Path, calls: int, seed: str) -> Fuzz:
    server.prepare_home(folder)
    async with server.running(Settings(home=folder, port=4566)) as cloud:
        run = Fuzz(cloud, seed)
        await run.run(calls)
        return run


@pytest.mark.filterwarnings("default::ResourceWarning")
def test_no_call_makes_the_cloud_fail(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = asyncio.run(fuzz(tmp_path, CALLS, SEED))
    failures = [record.getMessage() for record in caplog.records if record.name == "labsupport.cloud.scheduler"]
    report = "\n".join(run.fallen[:20])
    assert not run.fallen, f"{len(run.fallen)} of {CALLS} calls, seed {SEED}:\n{report}"
    assert not failures, failures[:20]
    ended = [code for codes in run.outcomes.values() for code in codes]
    assert len(ended) > 0.9 * CALLS
    assert sum(code.startswith("2") for code in ended) > 0.1 * CALLS, (
        "almost nothing succeeds: the fuzz stays at the door"
    )
