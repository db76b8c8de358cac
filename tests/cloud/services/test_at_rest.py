"""What a stopped cloud leaves on the disk: known content of every kind is looked for in every file of its home folder,
unpacked where it is packed, and is nowhere.

Left aside are the learner's own side (`aws/`, a clone) and an instance's disk, which AWS doesn't encrypt by default
either. The folders of builds are gone with the builds.
"""

import base64
import gzip
import io
import json
import sqlite3
import subprocess
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from codebuild_help import STORAGE, Works, allow, spec
from codecommit_help import commit, git, new_user, signed_in, statement
from lambda_help import function, role_for_functions
from services_help import ACCOUNT, link_in, mails, policy, visit

MARK = "known-{}-content"  # each kind of content has one; long texts are made of it, so that they are compressed
KINDS = (
    "pushed", "committed", "securestring", "noecho", "defaulted", "object", "kmsobject", "largeobject", "artifact",
    "logged", "kmslogged", "queued", "kmsqueued", "grouped", "mailed", "variable", "built", "event",
    "function", "functionvariable", "functionevent", "functionlog",
)  # fmt: skip
OTHERS_SIDE = ("aws", "instances")
_DEEPEST = 3  # a pack in a zip in an object


def mark(kind: str) -> str:
    return MARK.format(kind)


def text(kind: str, times: int = 50) -> str:
    return (mark(kind) + "\n") * times


# Looking


def unpacked(data: bytes, depth: int = 0) -> Iterator[bytes]:
    """The bytes themselves, and all that is packed in them, wherever it begins."""
    yield data
    if depth == _DEEPEST:
        return
    for inner in (*_streams(data), *_members(data)):
        yield from unpacked(inner, depth + 1)


def _streams(data: bytes) -> Iterator[bytes]:
    """zlib (git's objects and packs) and gzip, at any place."""
    heads = {b"\x78\x01": 15, b"\x78\x5e": 15, b"\x78\x9c": 15, b"\x78\xda": 15, b"\x1f\x8b\x08": 31}
    for head, bits in heads.items():
        place = data.find(head)
        while place >= 0:
            with suppress(zlib.error):
                yield zlib.decompressobj(bits).decompress(data[place : place + 10_000_000], 50_000_000)
            place = data.find(head, place + 1)


def _members(data: bytes) -> Iterator[bytes]:
    if b"PK\x05\x06" not in data:
        return
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            yield archive.read(name)


def forms(what: str) -> list[bytes]:
    """How a text may stand in a file: as it is, in base64 at each of its three offsets, in hexadecimal, in UTF-16."""
    plain = what.encode()
    shifted = [base64.b64encode(b"x" * skip + plain)[4 if skip else 0 : -4] for skip in range(3)]
    return [plain, *shifted, plain.hex().encode(), what.encode("utf-16-le")]


def found_in(home: Path, wanted: dict[str, str]) -> list[tuple[str, str]]:
    """Which of the texts stand in which files."""
    files = [path for path in home.rglob("*") if path.is_file() and path.relative_to(home).parts[0] not in OTHERS_SIDE]
    assert files
    spelt = {kind: forms(what) for kind, what in wanted.items()}
    found = set()
    for path in files:
        for part in unpacked(path.read_bytes()):
            there = {kind for kind, ways in spelt.items() if any(way in part for way in ways)}
            found |= {(kind, str(path.relative_to(home))) for kind in there}
    return sorted(found)


def _zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner", content)
    return buffer.getvalue()


def _packed_by_git(folder: Path) -> bytes:
    git(folder, "init", "-q", "--bare", "packed")

    def piped(command: str, given: bytes) -> bytes:
        whole = ["git", "-C", str(folder / "packed"), *command.split()]
        return subprocess.run(whole, input=given, capture_output=True, check=True).stdout

    return piped("pack-objects --stdout -q", piped("hash-object -w --stdin", text("pushed").encode()))


@pytest.mark.parametrize("form", ["plain", "gzip", "zip", "zip in a zip", "git", "base64", "a free page"])
def test_the_looker_finds_what_is_there(tmp_path: Path, form: str) -> None:
    home, content = tmp_path / "home", text("pushed").encode()
    home.mkdir()
    packed = {
        "plain": lambda: b"\0" + content,
        "gzip": lambda: b"head" + gzip.compress(content),
        "zip": lambda: _zipped(content),
        "zip in a zip": lambda: _zipped(_zipped(content)),
        "git": lambda: _packed_by_git(tmp_path),
        "base64": lambda: base64.b64encode(b"{" + content),
    }
    if form == "a free page":
        database = sqlite3.connect(home / "file")
        database.execute("PRAGMA secure_delete = OFF")
        database.execute("CREATE TABLE a (b)")
        database.execute("INSERT INTO a VALUES (?)", (text("pushed", 500),))
        database.commit()
        database.execute("DELETE FROM a")
        database.commit()
        database.close()
    else:
        (home / "file").write_bytes(packed[form]())
    assert found_in(home, {"pushed": mark("pushed")}) == [("pushed", "file")]


# What is kept


def code(cloud: Any, tmp_path: Path) -> None:
    """By git, more than once, and by the API; a branch that is deleted leaves nothing readable either."""
    codecommit = cloud.client("codecommit")
    url = codecommit.create_repository(repositoryName="demo")["repositoryMetadata"]["cloneUrlHttp"]
    work = tmp_path / "work"
    git(tmp_path, "clone", "-q", signed_in(url, new_user(cloud, "gita", statement("*"))), "work")
    for branch in ("main", "gone"):
        git(work, "checkout", "-q", "-b", branch)
        commit(work, mark("pushed"), **{f"{mark('pushed')}-{branch}": text("pushed")})
        git(work, "push", "-q", "origin", branch)
    codecommit.delete_branch(repositoryName="demo", branchName="gone")
    tip = codecommit.get_branch(repositoryName="demo", branchName="main")["branch"]["commitId"]
    put = {"branchName": "main", "filePath": mark("committed"), "parentCommitId": tip, "name": mark("committed")}
    codecommit.put_file(repositoryName="demo", **put, fileContent=text("committed").encode())


def storage(cloud: Any) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="artifacts")
    for kind, times, more in (
        ("object", 50, {}),
        ("largeobject", 60_000, {}),
        ("kmsobject", 50, {"ServerSideEncryption": "aws:kms"}),
    ):
        s3.put_object(Bucket="artifacts", Key=kind, Body=text(kind, times).encode(), **more)
    s3.put_object(Bucket="artifacts", Key="zip", Body=_zipped(text("artifact").encode()))


def settings(cloud: Any) -> None:
    cloud.client("ssm").put_parameter(Name="/secret", Value=mark("securestring"), Type="SecureString")
    template = {
        "Parameters": {
            "Given": {"Type": "String", "NoEcho": True},
            "Usual": {"Type": "String", "NoEcho": True, "Default": mark("defaulted")},
        },
        "Resources": {
            "Kept": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "Given"}}},
            "Key": {"Type": "AWS::IAM::AccessKey", "Properties": {"UserName": "gita"}},
        },
        "Outputs": {"Secret": {"Value": {"Fn::GetAtt": ["Key", "SecretAccessKey"]}}},
    }
    cloud.client("cloudformation").create_stack(
        StackName="stack", Capabilities=["CAPABILITY_IAM"], TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": "Given", "ParameterValue": mark("noecho")}],
    )  # fmt: skip
    cloud.settle("cloudformation")


def messages(cloud: Any) -> None:
    logs, kms, sns = cloud.client("logs"), cloud.client("kms"), cloud.client("sns")
    users = ({"Service": "logs.us-east-1.amazonaws.com"}, {"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    allowed = [{"Effect": "Allow", "Principal": one, "Action": "kms:*", "Resource": "*"} for one in users]
    key = kms.create_key(Policy=policy(*allowed))["KeyMetadata"]["Arn"]
    now = int(cloud.on_loop(lambda one: one.clock.epoch()) * 1000)
    for kind, more in (("logged", {}), ("kmslogged", {"kmsKeyId": key})):
        logs.create_log_group(logGroupName=kind, **more)
        logs.create_log_stream(logGroupName=kind, logStreamName="s")
        event = {"timestamp": now, "message": mark(kind)}
        logs.put_log_events(logGroupName=kind, logStreamName="s", logEvents=[event])
    sqs = cloud.client("sqs")
    for kind, encryption in (("queued", {}), ("kmsqueued", {"KmsMasterKeyId": key})):
        attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true", **encryption}
        url = sqs.create_queue(QueueName=f"{kind}.fifo", Attributes=attributes)["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody=text(kind), MessageGroupId=mark("grouped"))
    topic = sns.create_topic(Name="news")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ana@example.com")
    visit(link_in(mails(cloud, "ana@example.com")[-1]["body"], "ConfirmSubscription"))
    sns.publish(TopicArn=topic, Subject=mark("mailed"), Message=text("mailed"))
    entry = {"Source": "shop", "DetailType": "order", "Detail": json.dumps({"what": mark("event")})}
    cloud.client("events").put_events(Entries=[entry])


def work(cloud: Any) -> None:
    """A build of the pushed code, whose log, variables and artifact have contents of their own."""
    works = Works(cloud, "builder")
    works.role(STORAGE, allow("codecommit:GitPull"), allow("ssm:GetParameters"), name="builder-role")
    works.project(
        f"arn:aws:iam::{ACCOUNT}:role/builder-role",
        source={"type": "CODECOMMIT", "location": f"{cloud.url}/v1/repos/demo", "buildspec": spec("true")},
        artifacts={"type": "S3", "location": "artifacts", "packaging": "ZIP", "name": "out.zip"},
    )
    variables = [
        {"name": "PLAIN", "value": mark("variable"), "type": "PLAINTEXT"},
        {"name": "SECRET", "value": "/secret", "type": "PARAMETER_STORE"},
    ]
    build = works.run(
        spec("echo $PLAIN; echo $SECRET >> out; printf 'known-%s-content' built >> out", artifacts={"files": ["out"]}),
        sourceVersion="refs/heads/main", environmentVariablesOverride=variables,
    )  # fmt: skip
    assert build["buildStatus"] == "SUCCEEDED", works.log(build)


def functions(cloud: Any) -> None:
    """A function that has run, whose process is warm; and an event that it has taken and not done with."""
    role_for_functions(cloud)
    code = f"# {text('function')}".replace("\n", "\n# ") + "\ndef handler(e, c):\n    print(e['say'])\n    e['no']\n"
    function(cloud, "f", code, Environment={"Variables": {"TOKEN": mark("functionvariable")}})
    client = cloud.client("lambda")
    client.invoke(FunctionName="f", Payload=json.dumps({"say": mark("functionlog")}))
    client.invoke(FunctionName="f", InvocationType="Event", Payload=json.dumps({"say": mark("functionevent")}))


def test_nothing_of_it_is_readable_once_the_cloud_is_stopped(start_cloud: Any, tmp_path: Path) -> None:
    cloud = start_cloud()
    code(cloud, tmp_path)
    storage(cloud)
    settings(cloud)
    messages(cloud)
    work(cloud)
    functions(cloud)
    assert [kind for kind, _ in found_in(cloud.home / "cache", {"function": mark("function")})] == ["function"]
    (stack,) = cloud.client("cloudformation").describe_stacks(StackName="stack")["Stacks"]
    secrets = {
        "a secret access key": stack["Outputs"][0]["OutputValue"],
        "a git password": cloud.client("iam").create_service_specific_credential(
            UserName="gita", ServiceName="codecommit.amazonaws.com"
        )["ServiceSpecificCredential"]["ServicePassword"],
        "a session's token": cloud.client("sts").get_session_token()["Credentials"]["SessionToken"],
        "the learner's own key": cloud.keys()["aws_secret_access_key"],
    }  # fmt: skip
    cloud.settle()
    cloud.stop()
    assert not (cloud.home / "cache").exists()
    assert list((cloud.home / "builds").glob("*")) == []
    wanted = {kind: mark(kind) for kind in KINDS} | secrets
    assert found_in(cloud.home, wanted) == []


def test_a_killed_cloud_leaves_its_work_in_plain_until_the_next_start(start_cloud: Any) -> None:
    """Nobody is there to clean up: the next start is, before it answers."""
    cloud = start_cloud()
    codecommit = cloud.client("codecommit")
    codecommit.create_repository(repositoryName="demo")
    codecommit.put_file(repositoryName="demo", branchName="main", filePath="f", fileContent=text("pushed").encode())
    cloud.stop()
    left = cloud.home / "cache" / "git" / "left"
    left.mkdir(parents=True)
    (left / "file").write_text(text("pushed"))
    assert found_in(cloud.home, {"pushed": mark("pushed")}) == [("pushed", "cache/git/left/file")]
    start_cloud(home=cloud.home)
    assert not left.exists()
