"""The sample application, end to end: from a zip file in S3 to a zip file in S3, by its own buildspec."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from codebuild_help import Works, new_role, phases, reasons

from labsupport import samples

BUCKET = "shop-artifacts"


@pytest.fixture(scope="module")
def works(shared_cloud: Any) -> Works:
    """The project as the demo has it, under the demo's own policy for its role."""
    shared_cloud.client("s3").create_bucket(Bucket=BUCKET)
    key = shared_cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    policy = samples.fill(
        "codebuild-role-policy", Region="us-east-1", Account="123456789012", Project="shop", Bucket=BUCKET, KeyArn=key
    )
    found = Works(shared_cloud, "shop")
    found.project(
        new_role(shared_cloud, "shop-build", *policy["Statement"]),
        source={"type": "S3", "location": f"{BUCKET}/source.zip"},
        artifacts={"type": "S3", "location": BUCKET, "packaging": "ZIP", "name": "built.zip"},
        encryptionKey=key,
    )
    return found


def upload(works: Works, folder: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    works.cloud.client("s3").put_object(Bucket=BUCKET, Key="source.zip", Body=data.getvalue())


def test_it_builds(works: Works, tmp_path: Path) -> None:
    samples.copy_shop(tmp_path, "2.3.4")
    upload(works, tmp_path)
    build = works.run()
    assert build["buildStatus"] == "SUCCEEDED", (reasons(build), works.log(build))
    assert {"name": "SHOP_VERSION", "value": "2.3.4"} in build["exportedEnvironmentVariables"]
    stored = works.cloud.client("s3").get_object(Bucket=BUCKET, Key="built.zip")
    assert stored["ServerSideEncryption"] == "aws:kms"
    with zipfile.ZipFile(io.BytesIO(stored["Body"].read())) as archive:
        names = archive.namelist()
        assert json.loads(archive.read("build-info.json"))["version"] == "2.3.4"
    assert {"appspec.yml", "template.yml", "VERSION", "scripts/start.sh", "shop/server.py"} <= set(names)
    assert not any(name.startswith("tests/") for name in names)


def test_a_broken_test_fails_it(works: Works, tmp_path: Path) -> None:
    samples.copy_shop(tmp_path, "2.3.5")
    samples.break_test(tmp_path)
    upload(works, tmp_path)
    build = works.run()
    assert build["buildStatus"] == "FAILED"
    assert phases(build)["BUILD"] == "FAILED"
    message = "Error while executing command: python3 -W error -m unittest -v. Reason: exit status 1"
    assert reasons(build)["BUILD"] == ("COMMAND_EXECUTION_ERROR", message)
    assert any("FAIL: " in line for line in works.output(build))


def test_the_log_is_in_order(works: Works, tmp_path: Path) -> None:
    samples.copy_shop(tmp_path)
    upload(works, tmp_path)
    own = [line.removeprefix("[Container] ") for line in works.log(works.run()) if line.startswith("[Container]")]
    expected = [
        "Running on CodeBuild On-demand", "Waiting for agent ping", "Waiting for DOWNLOAD_SOURCE",
        "Phase is DOWNLOAD_SOURCE", "CODEBUILD_SRC_DIR=", "YAML location is ", "Processing environment variables",
        "No runtime version selected in buildspec.", "Moving to directory ", "Registering with agent",
        "Phases found in YAML: 4", " BUILD: 1 commands", " INSTALL: 1 commands",
        "Phase complete: DOWNLOAD_SOURCE State: SUCCEEDED", "Phase context status code:  Message: ",
        "Entering phase INSTALL", "Running command python3 --version", "Phase complete: INSTALL State: SUCCEEDED",
        "Entering phase PRE_BUILD", "Phase complete: PRE_BUILD State: SUCCEEDED",
        "Entering phase BUILD", "Running command python3 -W error -m unittest -v", "Phase complete: BUILD State: SUCC",
        "Entering phase POST_BUILD", "Phase complete: POST_BUILD State: SUCCEEDED",
        "Expanding base directory path: .", "Assembling file list", "Expanding .",
        "Expanding file paths for base directory .", "Assembling file list", "Expanding appspec.yml",
        "Expanding shop/**/*", "Found ", "Phase complete: UPLOAD_ARTIFACTS State: SUCCEEDED",
    ]  # fmt: skip
    left = iter(own)
    missing = [wanted for wanted in expected if not any(line.startswith(wanted) for line in left)]
    assert missing == []
