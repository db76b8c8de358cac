"""The sample application, deployed for real: twice, with its hooks, until it answers on its instance."""

import json
from pathlib import Path
from typing import Any

from deploying import World, folder_bundle, get_json

from labsupport import samples


def release(folder: Path, version: str) -> bytes:
    samples.copy_shop(folder, version)
    (folder / "build-info.json").write_text(json.dumps({"version": version, "commit": f"commit-of-{version}"}))
    return folder_bundle(folder)


def test_the_shop_is_deployed_and_replaced(cloud: Any, tmp_path: Path) -> None:
    world = World(cloud)
    url = f"http://{world.instances[0]['PrivateIpAddress']}:8080/version"

    first = world.deploy(release(tmp_path / "1", "1.0.0"), "1.zip")
    assert first["status"] == "Succeeded", world.agent_log()
    assert get_json(url) == {"version": "1.0.0", "commit": "commit-of-1.0.0"}
    assert first["deploymentOverview"]["Succeeded"] == 1
    events = world.events(first["deploymentId"])
    assert list(events) == [
        "ApplicationStop",
        "DownloadBundle",
        "BeforeInstall",
        "Install",
        "AfterInstall",
        "ApplicationStart",
        "ValidateService",
    ]
    assert {one["status"] for one in events.values()} == {"Succeeded"}
    assert all(one["startTime"] <= one["endTime"] for one in events.values())
    assert "is healthy and serves version 1.0.0" in events["ValidateService"]["diagnostics"]["logTail"]

    second = world.deploy(release(tmp_path / "2", "1.0.1"), "2.zip")
    assert second["status"] == "Succeeded", world.agent_log()
    assert get_json(url)["version"] == "1.0.1"
    assert second["previousRevision"]["s3Location"]["key"] == "1.zip"
    stop = world.events(second["deploymentId"])["ApplicationStop"]["diagnostics"]
    assert "[stdout]ApplicationStop: the shop (process" in stop["logTail"]
    assert "has stopped" in stop["logTail"]
    scripts = world.root() / "opt/codedeploy-agent/deployment-root"
    assert len(list(scripts.glob("*/*/logs/scripts.log"))) == 2
