"""The AWS CLI against buckets, as learners use it."""

import filecmp
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from s3_help import fetch, fresh, new_bucket

AWS = str(Path(sys.executable).parent / "aws")


def aws(cloud: Any, *arguments: str, fails: bool = False, **environment: str) -> str:
    """Run the CLI and give what it printed; `fails` says that it has to."""
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **cloud.environment(), **environment}
    ran = subprocess.run([AWS, *arguments], env=env, capture_output=True, text=True, timeout=120)
    assert (ran.returncode != 0) is fails, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def test_files_go_up_are_listed_and_come_down(shared_cloud: Any, tmp_path: Path) -> None:
    name = new_bucket(shared_cloud)
    (tmp_path / "site" / "sub").mkdir(parents=True)
    (tmp_path / "site" / "index.html").write_text("<p>hello")
    (tmp_path / "site" / "sub" / "a b+ü.bin").write_bytes(b"x" * 9_000_000)  # goes up in parts
    aws(shared_cloud, "s3", "sync", str(tmp_path / "site"), f"s3://{name}/www")
    assert "index.html" in aws(shared_cloud, "s3", "ls", f"s3://{name}/www/")
    aws(shared_cloud, "s3", "cp", "--recursive", f"s3://{name}/www", str(tmp_path / "down"))
    assert (tmp_path / "down" / "sub" / "a b+ü.bin").read_bytes() == b"x" * 9_000_000
    head = shared_cloud.client("s3").head_object(Bucket=name, Key="www/index.html")
    assert head["ContentType"] == "text/html"
    refused = aws(shared_cloud, "s3", "rb", f"s3://{name}", fails=True)
    assert "BucketNotEmpty" in refused
    aws(shared_cloud, "s3", "rb", "--force", f"s3://{name}")


def test_a_refusal_as_the_cli_shows_it(shared_cloud: Any) -> None:
    name = new_bucket(shared_cloud)
    said = aws(
        shared_cloud, "s3api", "put-object", "--bucket", name, "--key", "k", fails=True,
        **{key.upper(): value for key, value in shared_cloud.keys("second").items()},
    )  # fmt: skip
    assert "An error occurred (AccessDenied) when calling the PutObject operation" in said
    assert "arn:aws:iam::210987654321:user/learner is not authorized to perform: s3:PutObject" in said


def test_a_large_file_goes_up_moves_and_comes_down(shared_cloud: Any, tmp_path: Path) -> None:
    """mb, cp of 40 MB (in parts, both ways), mv, presign."""
    name, large = fresh("cli"), tmp_path / "large.bin"
    block = bytes(range(256)) * 4096
    with large.open("wb") as file:
        for number in range(40):
            file.write(number.to_bytes(4, "big") + block[4:])
    aws(shared_cloud, "s3", "mb", f"s3://{name}")
    aws(shared_cloud, "s3", "cp", str(large), f"s3://{name}/a/large.bin", "--storage-class", "STANDARD_IA")
    aws(shared_cloud, "s3", "mv", f"s3://{name}/a/large.bin", f"s3://{name}/b/moved.bin")
    head = shared_cloud.client("s3").head_object(Bucket=name, Key="b/moved.bin")
    assert head["ContentLength"] == 40 << 20
    url = aws(shared_cloud, "s3", "presign", f"s3://{name}/b/moved.bin", "--expires-in", "60").strip()
    assert fetch(url, Range="bytes=41943036-") == (206, block[-4:])
    aws(shared_cloud, "s3", "cp", f"s3://{name}/b/moved.bin", str(tmp_path / "down.bin"))
    assert filecmp.cmp(large, tmp_path / "down.bin", shallow=False)
