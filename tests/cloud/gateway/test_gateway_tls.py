"""HTTPS beside HTTP: under the lab's own authority, with real clients; policies tell the two apart."""

import json
import os
import socket
import ssl
import subprocess
import sys
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError, SSLError
from cryptography import x509

from labsupport import home
from labsupport.cloud import authority

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def secure(cloud: Any, service: str, **more: Any) -> Any:
    url = cloud.settings.secure_endpoint
    return cloud.client(service, endpoint_url=url, verify=str(home.ca_bundle(cloud.home)), **more)


def environment(cloud: Any, **more: str) -> dict[str, str]:
    """What `lab env --tls` exports, and nothing else but the path."""
    url = cloud.settings.secure_endpoint
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    exported = home.environment(cloud.home, url, home.PROFILE, url)
    clean = {"HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    return {"PATH": programs, **clean, **exported, **more}


def ran(command: list[str], folder: Path, environ: dict[str, str], fails: bool = False) -> str:
    done = subprocess.run(
        command, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60
    )
    assert (done.returncode != 0) is fails, done.stdout
    return done.stdout


def test_a_policy_tells_the_listeners_apart(shared_cloud: Any) -> None:
    s3, over_tls = shared_cloud.client("s3"), secure(shared_cloud, "s3")
    s3.create_bucket(Bucket="secure-only")
    over_tls.put_object(Bucket="secure-only", Key="k", Body=b"x")
    statement = {
        "Effect": "Deny", "Principal": "*", "Action": "s3:*Object", "Resource": "arn:aws:s3:::secure-only/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }  # fmt: skip
    s3.put_bucket_policy(Bucket="secure-only", Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    assert over_tls.get_object(Bucket="secure-only", Key="k")["Body"].read() == b"x"
    with pytest.raises(ClientError, match="explicit deny in a resource-based policy"):
        s3.get_object(Bucket="secure-only", Key="k")


@pytest.mark.parametrize(("least", "allowed"), [("1.2", True), ("1.3", True), ("1.4", False)])
def test_a_policy_asks_for_a_version_of_tls(shared_cloud: Any, least: str, allowed: bool) -> None:
    """As the User Guide has it: what is sent with an older one is denied."""
    over_tls, bucket = secure(shared_cloud, "s3"), f"modern-{least}"
    over_tls.create_bucket(Bucket=bucket)
    over_tls.put_object(Bucket=bucket, Key="k", Body=b"x")
    statement = {
        "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"NumericLessThan": {"s3:TlsVersion": least}},
    }  # fmt: skip
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    over_tls.put_bucket_policy(Bucket=bucket, Policy=document)
    with nullcontext() if allowed else pytest.raises(ClientError, match="AccessDenied"):
        over_tls.get_object(Bucket=bucket, Key="k")


@pytest.mark.parametrize("size", [0, 10, 300_000])
def test_an_object_over_tls_comes_in_chunks_with_a_checksum(
    shared_cloud: Any, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """boto3 sends aws-chunked and a trailer over TLS only."""
    url, bundle = shared_cloud.settings.secure_endpoint, str(home.ca_bundle(shared_cloud.home))
    s3, body, seen = shared_cloud.own_client("s3", endpoint_url=url, verify=bundle), os.urandom(size), {}
    s3.create_bucket(Bucket=f"chunked-{size}")
    s3.meta.events.register("before-send.s3.PutObject", lambda request, **_: seen.update(request.headers))
    answer = s3.put_object(Bucket=f"chunked-{size}", Key="k", Body=body)
    assert seen["X-Amz-Trailer"] == b"x-amz-checksum-crc32"
    found = s3.get_object(Bucket=f"chunked-{size}", Key="k", ChecksumMode="ENABLED")
    assert (found["Body"].read(), found["ChecksumCRC32"]) == (body, answer["ChecksumCRC32"])


def test_what_env_exports_serves_the_cli_and_boto3(shared_cloud: Any, tmp_path: Path) -> None:
    environ = environment(shared_cloud)
    answer = ran(["aws", "sts", "get-caller-identity"], tmp_path, environ)
    assert json.loads(answer)["Arn"] == "arn:aws:iam::123456789012:user/learner"
    code = "import boto3; print(boto3.client('codecommit').list_repositories()['ResponseMetadata']['HTTPStatusCode'])"
    assert ran([sys.executable, "-c", code], tmp_path, environ).strip() == "200"


def test_git_over_tls(shared_cloud: Any, tmp_path: Path) -> None:
    """By the CLI's credential helper; the address that is told is the one over TLS."""
    codecommit = secure(shared_cloud, "codecommit")
    url = codecommit.create_repository(repositoryName="secured")["repositoryMetadata"]["cloneUrlHttp"]
    assert url == f"{shared_cloud.settings.secure_endpoint}/v1/repos/secured"
    codecommit.put_file(repositoryName="secured", branchName="main", filePath="f", fileContent=b"x")
    environ = environment(shared_cloud)
    helper = "credential.helper=!aws codecommit credential-helper --ignore-host-check $@"
    clone = ["git", "-c", helper, "-c", "credential.UseHttpPath=true", "clone", "-q", url]
    ran([*clone, "work"], tmp_path, environ)
    assert (tmp_path / "work" / "f").read_text() == "x"
    distrusted = {name: value for name, value in environ.items() if not name.startswith("GIT_CONFIG_")}
    printed = ran([*clone, "again"], tmp_path, distrusted, fails=True)
    assert "certificate" in printed


def test_who_does_not_know_the_authority_does_not_speak(shared_cloud: Any) -> None:
    with pytest.raises(SSLError):
        shared_cloud.client("sts", endpoint_url=shared_cloud.settings.secure_endpoint).get_caller_identity()


def test_the_address_stands_beside_the_plain_one(shared_cloud: Any, tmp_path: Path) -> None:
    told = home.endpoint(shared_cloud.home)
    assert told is not None
    assert (told.url, told.secure_url) == (shared_cloud.url, shared_cloud.settings.secure_endpoint)
    before = json.loads((shared_cloud.home / "endpoint.json").read_text())
    del before["secure_url"]  # as an older lab has left it
    (tmp_path / "endpoint.json").write_text(json.dumps(before))
    old = home.endpoint(tmp_path)
    assert old is not None
    assert old.secure_url == ""
    assert home.trust(tmp_path, old.secure_url) == {}


# The authority itself


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / authority.FOLDER).iterdir())}


def test_keys_are_private_and_the_authority_keeps_none(tmp_path: Path) -> None:
    authority.context(tmp_path, NOW)
    made = tmp_path / authority.FOLDER
    assert sorted(files(tmp_path)) == ["ca.pem", "good-until", "server.key", "server.pem"]
    assert [path.stat().st_mode & 0o077 for path in (made, *made.iterdir())] == [0] * 5


@pytest.mark.parametrize(("days", "renewed"), [(0, False), (359, False), (361, True), (1000, True)])
def test_renewed_before_it_ends(tmp_path: Path, days: int, renewed: bool) -> None:
    authority.context(tmp_path, NOW)
    before = files(tmp_path)
    authority.context(tmp_path, NOW + timedelta(days=days))
    assert (files(tmp_path) != before) is renewed


@pytest.mark.parametrize("name", ["ca.pem", "server.pem", "server.key", "good-until"])
def test_made_anew_where_a_part_is_missing(tmp_path: Path, name: str) -> None:
    authority.context(tmp_path, NOW)
    (tmp_path / authority.FOLDER / name).unlink()
    authority.context(tmp_path, NOW)
    assert len(files(tmp_path)) == 4


@pytest.mark.parametrize(
    ("name", "known"), [("localhost", True), ("127.0.0.1", True), ("127.0.0.2", False), ("example.com", False)]
)
def test_it_vouches_for_this_machine_only(shared_cloud: Any, name: str, known: bool) -> None:
    """Strictly verified, as newer Pythons do it."""
    context = ssl.create_default_context(cafile=str(home.ca_bundle(shared_cloud.home)))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    port = urlsplit(shared_cloud.settings.secure_endpoint).port
    with (
        nullcontext() if known else pytest.raises(ssl.SSLCertVerificationError),
        socket.create_connection(("127.0.0.1", port), timeout=10) as wire,
        context.wrap_socket(wire, server_hostname=name),
    ):
        pass


def test_what_it_may_vouch_for_is_written_into_it(tmp_path: Path) -> None:
    authority.context(tmp_path, NOW)
    ca = x509.load_pem_x509_certificate(files(tmp_path)["ca.pem"])
    constraints = ca.extensions.get_extension_for_class(x509.NameConstraints)
    permitted = [str(one.value) for one in constraints.value.permitted_subtrees or []]
    assert (constraints.critical, permitted) == (True, ["localhost", "127.0.0.0/8"])
