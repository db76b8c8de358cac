"""Which instances a deployment may begin with, and how it ends. Pure."""

import pytest

from labsupport.cloud.services.codedeploy.configs import Config, minimum_healthy
from labsupport.cloud.services.codedeploy.rollout import next_step

SHORT = {"P": "Pending", "I": "InProgress", "S": "Succeeded", "F": "Failed", "K": "Skipped"}


@pytest.mark.parametrize(
    ("statuses", "minimum", "start", "outcome"),
    [
        ("PPP", 0, 3, ""),
        ("PPP", 2, 1, ""),
        ("IPP", 2, 0, ""),
        ("SPP", 2, 1, ""),
        ("SSS", 2, 0, "Succeeded"),
        ("FPP", 2, 0, "Failed"),  # the first has failed: another one offline would be one too many
        ("SSF", 2, 0, "Succeeded"),  # only the last has failed
        ("SFP", 1, 1, ""),
        ("FFS", 0, 0, "Succeeded"),
        ("FFF", 0, 0, "Failed"),
        ("F", 0, 0, "Failed"),
        ("PPPPPPPPP", 6, 3, ""),  # the examples of AWS's reference
        ("PPPPPPPPP", 4, 5, ""),
        ("FIPPPPPPP", 6, 1, ""),
        ("FFIIP", 0, 1, ""),
        ("FFI", 2, 0, ""),  # lost already, but what has begun is finished
        ("FPPPPPPPPP", 9, 0, "Failed"),
    ],
)
def test_steps(statuses: str, minimum: int, start: int, outcome: str) -> None:
    named = {f"i-{at}": SHORT[letter] for at, letter in enumerate(statuses)}
    step = next_step(named, minimum)
    pending = [name for name, status in named.items() if status == "Pending"]
    assert step == (pending[:start], outcome)


@pytest.mark.parametrize(("statuses", "outcome"), [("PPP", "Stopped"), ("IKK", ""), ("SKK", "Stopped"), ("SIF", "")])
def test_a_stopped_deployment_begins_nothing(statuses: str, outcome: str) -> None:
    named = {f"i-{at}": SHORT[letter] for at, letter in enumerate(statuses)}
    assert next_step(named, 0, stopping=True) == ([], outcome)


@pytest.mark.parametrize(
    ("name", "kind", "value", "total", "minimum"),
    [
        ("CodeDeployDefault.OneAtATime", "MOST_CONCURRENCY", 1, 4, 3),
        ("CodeDeployDefault.OneAtATime", "MOST_CONCURRENCY", 1, 1, 0),
        ("CodeDeployDefault.HalfAtATime", "FLEET_PERCENT", 50, 9, 5),
        ("CodeDeployDefault.HalfAtATime", "FLEET_PERCENT", 50, 1, 0),
        ("CodeDeployDefault.AllAtOnce", "HOST_COUNT", 0, 9, 0),
        ("own", "FLEET_PERCENT", 85, 10, 9),
        ("own", "FLEET_PERCENT", 40, 9, 4),
        ("own", "FLEET_PERCENT", 50, 1, 1),
        ("own", "HOST_COUNT", 6, 9, 6),
    ],
)
def test_how_many_have_to_stay_healthy(name: str, kind: str, value: int, total: int, minimum: int) -> None:
    config = Config(account="1", region="r", name=name, id="", kind=kind, value=value, created=0.0)
    assert minimum_healthy(config, total) == minimum
