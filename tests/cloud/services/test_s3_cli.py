"""The AWS CLI against buckets, as learners use it."""

import filecmp
from pathlib import Path
from typing import Any

from cli_help import ONE, Cli
from s3_help import fetch, fresh, new_bucket


def test_files_go_up_are_listed_and_come_down(shared_cloud: Any, cli: Cli, tmp_path: Path) -> None:
    name = new_bucket(shared_cloud)
    (tmp_path / "site" / "sub").mkdir(parents=True)
    (tmp_path / "site" / "index.html").write_text("<p>hello")
    (tmp_path / "site" / "sub" / "a b+ü.bin").write_bytes(b"x" * 9_000_000)  # goes up in parts
    cli.run(shared_cloud, "s3", "sync", str(tmp_path / "site"), f"s3://{name}/www")
    assert "index.html" in cli.run(shared_cloud, "s3", "ls", f"s3://{name}/www/")
    cli.run(shared_cloud, "s3", "cp", "--recursive", f"s3://{name}/www", str(tmp_path / "down"))
    assert (tmp_path / "down" / "sub" / "a b+ü.bin").read_bytes() == b"x" * 9_000_000
    head = shared_cloud.client("s3").head_object(Bucket=name, Key="www/index.html")
    assert head["ContentType"] == "text/html"
    refused = cli.run(shared_cloud, "s3", "rb", f"s3://{name}", fails=True)
    assert "BucketNotEmpty" in refused
    cli.run(shared_cloud, "s3", "rb", "--force", f"s3://{name}")


def test_a_refusal_as_the_cli_shows_it(shared_cloud: Any) -> None:
    name = new_bucket(shared_cloud)
    said = ONE.run(
        shared_cloud, "s3api", "put-object", "--bucket", name, "--key", "k", fails=True,
        **{key.upper(): value for key, value in shared_cloud.keys("second").items()},
    )  # fmt: skip
    assert "An error occurred (AccessDenied) when calling the PutObject operation" in said
    assert "arn:aws:iam::210987654321:user/learner is not authorized to perform: s3:PutObject" in said


def test_a_large_file_goes_up_moves_and_comes_down(shared_cloud: Any, cli: Cli, tmp_path: Path) -> None:
    """mb, cp of many parts both ways, mv, presign, rm."""
    megabytes = 40 if cli is ONE else 9
    name, large = fresh("cli"), tmp_path / "large.bin"
    block = bytes(range(256)) * 4096
    with large.open("wb") as file:
        for number in range(megabytes):
            file.write(number.to_bytes(4, "big") + block[4:])
    cli.run(shared_cloud, "s3", "mb", f"s3://{name}")
    cli.run(shared_cloud, "s3", "cp", str(large), f"s3://{name}/a/large.bin", "--storage-class", "STANDARD_IA")
    cli.run(shared_cloud, "s3", "mv", f"s3://{name}/a/large.bin", f"s3://{name}/b/moved.bin")
    head = shared_cloud.client("s3").head_object(Bucket=name, Key="b/moved.bin")
    assert head["ContentLength"] == megabytes << 20
    url = cli.run(shared_cloud, "s3", "presign", f"s3://{name}/b/moved.bin", "--expires-in", "60").strip()
    assert fetch(url, Range=f"bytes={(megabytes << 20) - 4}-") == (206, block[-4:])
    cli.run(shared_cloud, "s3", "cp", f"s3://{name}/b/moved.bin", str(tmp_path / "down.bin"))
    assert filecmp.cmp(large, tmp_path / "down.bin", shallow=False)
    if cli is not ONE:
        cli.run(shared_cloud, "s3", "rm", f"s3://{name}/b/moved.bin")
        assert "Contents" not in shared_cloud.client("s3").list_objects_v2(Bucket=name)
