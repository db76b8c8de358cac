"""DownloadBundle and the hooks, with a storage service that plays S3; and errors as services tell them."""

import http.server
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, ClassVar

import pytest

from labsupport.agent.calls import ServiceError, Services
from labsupport.agent.commands import Agent, execute, is_noop
from labsupport.agent.diagnostics import SCRIPT_FAILED, UNKNOWN, CommandError
from labsupport.agent.journal import Journal
from labsupport.agent.metadata import NO_ROLE, Metadata, NoCredentials
from labsupport.agent.settings import BadSettings, Settings, read_settings
from labsupport.agent.specification import Specification

APPSPEC = "version: 0.0\nos: linux\nfiles:\n  - source: v\n    destination: /srv\nhooks:\n"
HOOK = "  {event}:\n    - location: {script}\n"


def archive(files: dict[str, str]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        for name, text in files.items():
            made.writestr(name, text)
    return target.getvalue()


class Storage:
    """Plays S3."""

    def __init__(self) -> None:
        self.content: bytes | Exception = b""
        self.asked: list[tuple[str, str, str | None]] = []

    def download(self, bucket: str, key: str, version: str | None, into: IO[bytes]) -> str:
        self.asked.append((bucket, key, version))
        if isinstance(self.content, Exception):
            raise self.content
        into.write(self.content)
        return '"etag-of-it"'


class Host:
    def __init__(self, root: Path) -> None:
        self.storage = Storage()
        self.settings = Settings(root, "", "", {"PATH": "/usr/bin:/bin"})
        self.settings.home.mkdir(parents=True)
        self.settings.log_file.parent.mkdir(parents=True)
        self.agent = Agent(self.settings, self.storage, Journal(self.settings.log_file))  # type: ignore[arg-type]

    def spec(self, deployment: str = "d-1", **more: Any) -> Specification:
        return Specification(deployment, "group", "prod", "shop", "b", "k.zip", "zip", **more)

    def deploy(self, files: dict[str, str], deployment: str = "d-1", events: str = "DownloadBundle Install") -> None:
        self.storage.content = archive(files)
        for event in events.split():
            execute(self.agent, event, self.spec(deployment))

    def failure(self, event: str, spec: Specification | None = None) -> CommandError:
        with pytest.raises(CommandError) as caught:
            execute(self.agent, event, spec or self.spec())
        return caught.value


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path / "root")


def test_the_old_revision_stops_what_it_started(host: Host) -> None:
    stop = APPSPEC + HOOK.format(event="ApplicationStop", script="stop.sh")
    host.deploy({"appspec.yml": stop, "v": "1", "stop.sh": "#!/bin/sh\necho old one stops\n"}, "d-1")
    host.storage.content = archive({"appspec.yml": stop, "v": "2", "stop.sh": "#!/bin/sh\necho new one\n"})
    assert not is_noop(host.agent, "ApplicationStop", host.spec("d-2"))
    assert "[stdout]old one stops" in execute(host.agent, "ApplicationStop", host.spec("d-2"))


def test_a_revision_that_was_never_installed_stops_nothing(host: Host) -> None:
    stop = APPSPEC + HOOK.format(event="ApplicationStop", script="stop.sh")
    host.deploy({"appspec.yml": stop, "stop.sh": "#!/bin/sh\necho stops\n"}, "d-1", "DownloadBundle")
    assert execute(host.agent, "ApplicationStop", host.spec("d-2")) == ""
    assert is_noop(host.agent, "ApplicationStop", host.spec("d-2"))


def test_hooks_know_their_deployment(host: Host) -> None:
    text = APPSPEC + HOOK.format(event="AfterInstall", script="s.sh")
    host.deploy({"appspec.yml": text, "v": "", "s.sh": "#!/bin/sh\nenv\n"})
    said = execute(host.agent, "AfterInstall", host.spec(version="v1", etag="e1"))
    for line in (
        "LIFECYCLE_EVENT=AfterInstall",
        "DEPLOYMENT_ID=d-1",
        "DEPLOYMENT_GROUP_ID=group",
        "DEPLOYMENT_GROUP_NAME=prod",
        "APPLICATION_NAME=shop",
        "BUNDLE_BUCKET=b",
        "BUNDLE_KEY=k.zip",
        "BUNDLE_VERSION=v1",
        "BUNDLE_ETAG=e1",
    ):
        assert f"[stdout]{line}\n" in said
    assert execute(host.agent, "ValidateService", host.spec()) == "", "an event without a hook succeeds"


def test_a_failing_hook_is_an_error_of_its_script(host: Host) -> None:
    text = APPSPEC + HOOK.format(event="AfterInstall", script="s.sh")
    host.deploy({"appspec.yml": text, "v": "", "s.sh": "#!/bin/sh\nexit 3\n"})
    assert host.failure("AfterInstall").code == SCRIPT_FAILED


def test_a_bundle_in_one_folder_is_taken_out_of_it(host: Host) -> None:
    host.deploy({"shop-1.0/appspec.yml": APPSPEC.removesuffix("hooks:\n"), "shop-1.0/v": "1"})
    assert (host.settings.root / "srv/v").read_text() == "1"


def test_an_appspec_may_be_called_yaml(host: Host) -> None:
    host.deploy({"appspec.yaml": APPSPEC.removesuffix("hooks:\n"), "v": "1"})
    assert (host.settings.root / "srv/v").read_text() == "1"


def test_the_object_version_is_asked_for_and_its_etag_checked(host: Host) -> None:
    host.storage.content = archive({"appspec.yml": ""})
    execute(host.agent, "DownloadBundle", host.spec(version="v1", etag="etag-of-it"))
    assert host.storage.asked == [("b", "k.zip", "v1")]
    error = host.failure("DownloadBundle", host.spec(etag="another"))
    assert error.message == 'Expected deployment artifact bundle etag another but was actually "etag-of-it"'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (ServiceError("AccessDenied", "User: x is not authorized to perform: s3:GetObject", 403), "User: x is not"),
        (ServiceError("NoSuchKey", "The specified key does not exist.", 404), "The specified key does not exist."),
        (NoCredentials(NO_ROLE), "Missing credentials - please check if this instance was started with an IAM"),
        (ConnectionResetError("gone"), "The bundle could not be downloaded: gone"),
        (
            b"this is no archive",
            "The bundle k.zip could not be unpacked: this is neither a zip, a tar nor a tar.gz file",
        ),
        (archive({"../../etc/passwd": "x"}), "its path leaves the folder"),
    ],
)
def test_a_bundle_that_cannot_be_had(host: Host, content: bytes | Exception, message: str) -> None:
    host.storage.content = content
    error = host.failure("DownloadBundle")
    assert error.code == UNKNOWN
    assert message in error.message


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"x": ""}, 'AppSpec file within the unpacked revision directory at revision-relative path "appspec.yml"'),
        ({"appspec.yml": "version: 1.0\nos: linux\n"}, "(appspec.yml, line 1"),
        ({"appspec.yml": "version: 0.0\nos: windows\n"}, "unsupported operating system (windows)"),
        ({"appspec.yml": "version: 0.0\nos:\tlinux\n  x: [\n"}, "appspec.yml"),
    ],
)
def test_an_appspec_that_is_no_use(host: Host, files: dict[str, str], message: str) -> None:
    host.deploy(files, events="DownloadBundle")
    for event in ("BeforeInstall", "Install"):
        assert message in host.failure(event).message
    assert str(host.settings.root) not in host.failure("BeforeInstall").message, "the instance knows its own paths only"


class Cloud(http.server.BaseHTTPRequestHandler):
    """Plays the metadata service and the services, with answers that the test sets."""

    answers: ClassVar[list[tuple[int, str]]] = []
    tokens = 0

    def do_PUT(self) -> None:
        type(self).tokens += 1
        self.answer(200, f"token-{self.tokens}")

    def do_GET(self) -> None:
        role = {
            "Code": "Success",
            "LastUpdated": "2024-01-01T00:00:00Z",
            "Expiration": "2024-01-01T06:00:00Z",
            "AccessKeyId": f"ASIA{self.tokens}",
            "SecretAccessKey": "s",
            "Token": "t",
        }
        if self.headers["x-aws-ec2-metadata-token"] != f"token-{self.tokens}":
            self.answer(401, "")
        elif self.path.endswith("/security-credentials/"):
            self.answer(200, "host")
        else:
            self.answer(200, json.dumps(role))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.answer(*self.answers.pop(0))

    def answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def services() -> Iterator[tuple[Services, type[Cloud]]]:
    handler = type("Handler", (Cloud,), {"answers": [], "tokens": 0})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        yield Services(address, "us-east-1", Metadata(address)), handler
        server.shutdown()
        thread.join()


def test_the_clouds_time_is_learnt_with_the_credentials(services: tuple[Services, type[Cloud]]) -> None:
    credentials = services[0].metadata.credentials()
    assert credentials.ahead < -86_400
    assert services[0].metadata.credentials() is credentials


def test_a_token_that_is_not_taken_any_more_is_asked_for_anew(services: tuple[Services, type[Cloud]]) -> None:
    assert services[0].metadata.get("x")
    services[1].tokens += 1
    assert services[0].metadata.get("x")


@pytest.mark.parametrize(
    ("status", "body", "code", "message"),
    [
        (400, '{"__type": "x#ClientException", "message": "no"}', "ClientException", "no"),
        (400, '{"__type": "ClientException", "Message": "no"}', "ClientException", "no"),
        (
            403,
            "<Error><Code>AccessDenied</Code><Message>a &lt;b&gt; &amp;lt;</Message></Error>",
            "AccessDenied",
            "a <b> &lt;",
        ),
        (502, "", "Http502", "Http502"),
        (500, "[]", "Http500", "Http500"),
    ],
)
def test_errors_are_read(
    services: tuple[Services, type[Cloud]], status: int, body: str, code: str, message: str
) -> None:
    services[1].answers = [(status, body)]
    with pytest.raises(ServiceError) as caught:
        services[0].command("PollHostCommand")
    assert (caught.value.code, str(caught.value), caught.value.status) == (code, message, status)


def test_stale_credentials_are_renewed_once(services: tuple[Services, type[Cloud]]) -> None:
    expired = (400, '{"__type": "ExpiredTokenException", "message": "old"}')
    services[1].answers = [expired, (200, '{"a": 1}')]
    assert services[0].command("PollHostCommand") == {"a": 1}
    services[1].answers = [expired, expired]
    with pytest.raises(ServiceError):
        services[0].command("PollHostCommand")


@pytest.mark.parametrize("missing", ["INSTANCE_ROOT", "AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_ENDPOINT_URL"])
def test_the_agent_says_what_its_environment_lacks(missing: str) -> None:
    names = {"INSTANCE_ROOT": "/r", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://m/", "AWS_ENDPOINT_URL": "http://e"}
    found = read_settings({**names, "PYTHONPATH": "/x"})
    assert (found.metadata, "PYTHONPATH" in found.environment) == ("http://m", False)
    with pytest.raises(BadSettings, match=missing):
        read_settings({name: value for name, value in names.items() if name != missing})
