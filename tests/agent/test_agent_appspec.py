"""AppSpec files as AWS's agent and service take or refuse them, with their words."""

import json
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from labsupport.agent.appspec import Appspec, AppspecError, FileMapping, Script, parse
from labsupport.agent.appspec_permissions import Context, Permission

SERVER = """
version: 0.0
os: linux
files:
  - source: /
    destination: /opt/app
  - {source: ./conf/app.ini, destination: /etc/app}
file_exists_behavior: OVERWRITE
permissions:
  - object: /opt/app
    pattern: "*.sh"
    except: [old.sh]
    owner: app
    group: wheel
    mode: 0755
    acls: ["u:mary:rw", "m::6", "default:group:staff:r-x", "bob:7"]
    context: {user: unconfined_u, type: httpd_sys_content_t, range: "s0-s3:c0.c5,c9"}
    type: [file]
  - object: /opt/app/data
    mode: 7
hooks:
  ApplicationStop:
    - location: scripts/stop.sh
      timeout: 30
      runas: root
    - location: /scripts/clean.sh
  ValidateService:
    - {location: check, timeout: "10"}
"""


def test_the_server_kind():
    spec = parse(SERVER)
    assert (spec.kind, spec.os, spec.file_exists_behavior, spec.notes) == ("server", "linux", "OVERWRITE", ())
    assert spec.files == (FileMapping("", "/opt/app"), FileMapping("conf/app.ini", "/etc/app"))
    assert spec.hooks == {
        "ApplicationStop": (Script("scripts/stop.sh", 30, "root"), Script("scripts/clean.sh", 3600)),
        "ValidateService": (Script("check", 10),),
    }
    assert spec.permissions == (
        Permission(
            object="/opt/app",
            pattern="*.sh",
            except_=("old.sh",),
            types=("file",),
            owner="app",
            group="wheel",
            mode=0o755,
            acls=("user:mary:rw-", "mask::rw-", "default:group:staff:r-x", "user:bob:rwx"),
            context=Context("httpd_sys_content_t", "unconfined_u", "s0-s3:c0.c5,c9"),
        ),
        Permission(object="/opt/app/data", mode=0o007),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("version: 0.0\nos: linux", Appspec("server", "linux")),
        ("version: 0.0\nos: linux\nhooks:\npermissions:\nfiles:", Appspec("server", "linux")),
        ('{"version": 0.0, "os": "linux"}', Appspec("server", "linux")),
        (
            "version: 0.0\nos: windows\nfiles: [{source: \\dir\\a.txt, destination: 'C:\\x'}]",
            Appspec("server", "windows", (FileMapping("dir/a.txt", "C:\\x"),)),
        ),
    ],
)
def test_small_files(text, expected):
    assert parse(text) == expected


TOP = "version: 0.0\nos: linux\n"
PERMISSION = TOP + "permissions:\n  - object: /x\n    "
HOOK = TOP + "hooks:\n  AfterInstall:\n    - "
LAMBDA = """
version: 0.0
resources:
  - fn:
      type: AWS::Lambda::Function
      properties: {name: f, alias: live, currentversion: 1, targetversion: "2"}
hooks:
  - BeforeAllowTraffic: check
"""
ECS = """
version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: arn:aws:ecs:eu-west-1:123456789012:task-definition/web:3
        LoadBalancerInfo: {ContainerName: web, ContainerPort: 8000}
        PlatformVersion: 1.4.0
        NetworkConfiguration:
          AwsvpcConfiguration: {Subnets: [a, b], SecurityGroups: [c], AssignPublicIp: ENABLED}
Hooks:
  - BeforeInstall: one
  - AfterAllowTestTraffic: two
"""


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("", "is empty or is not a mapping", "line 1"),
        ("- a", "is empty or is not a mapping", "line 1"),
        (
            "version: 0.0\n\tos: linux",
            "could not be read: found a tab character that violates indentation, line 2, column 1, this is a tab",
            "line 2",
        ),
        ("a: &a [*a]", "could not be read: the alias *a refers to itself", "line 1"),
        (
            "os: linux",
            "an invalid version value () was entered in the application specification file. Make sure",
            "line 1",
        ),
        ("version: 1.0\nos: linux", "an invalid version value (1.0)", "line 1"),
        ("version: zero\nos: linux", "an invalid version value (zero)", "line 1"),
        ("version: [0.0]\nos: linux", "has a list where a text belongs (version)", "line 1"),
        ("version: 0.0", 'an unsupported operating system (). Specify either "linux" or "windows"', "line 1"),
        ("version: 0.0\nos: beos", "specifies an unsupported operating system (beos)", "line 2"),
        (TOP + "files: /a", "the files section of the application specification file is not a list", "line 3"),
        (TOP + "files:\n  - destination: /x", "specifies a destination file, but no source file", "line 4"),
        (TOP + "files:\n  - words", "specifies a destination file, but no source file", "line 4"),
        (TOP + "files:\n  - source: a", "specifies only a source file (a). Add the name of the destination", "line 4"),
        (TOP + "files:\n  - {source: ../a, destination: /x}", "names a file outside the revision (../a)", "line 4"),
        (TOP + "files:\n  - {source: a\\..\\..\\b, destination: /x}", "names a file outside the revision", "line 4"),
        (TOP + "file_exists_behavior: REPLACE", "an invalid file_exists_behavior value (REPLACE)", "line 3"),
        (TOP + "hooks: [a]", "the hooks section of the application specification file is not a mapping", "line 3"),
        (
            TOP + "hooks:\n  AfterInstall:",
            "the hook AfterInstall in the application specification file has no list",
            "line 4",
        ),
        (TOP + "hooks:\n  AfterInstall: run.sh", "the hook AfterInstall", "line 4"),
        (HOOK + "run.sh", "specifies a script with no location value", "line 5"),
        (HOOK + "timeout: 3", "specifies a script with no location value", "line 5"),
        (HOOK + "location: ' '", "specifies a script with no location value", "line 5"),
        (HOOK + "location: a/../../b", "names a file outside the revision (a/../../b)", "line 5"),
        (HOOK + "{location: a, timeout: 0}", "an invalid timeout value was provided for a script", "line 5"),
        (HOOK + "{location: a, timeout: -5}", "an invalid timeout value was provided", "line 5"),
        (HOOK + "{location: a, timeout: soon}", "an invalid timeout value was provided", "line 5"),
        (HOOK + "{location: a, timeout: yes}", "an invalid timeout value was provided", "line 5"),
        (HOOK + "{location: a, timeout: 1.5}", "an invalid timeout value was provided", "line 5"),
        (HOOK + "{location: a, timeout: [1]}", "has a list where a text belongs (timeout)", "line 5"),
        (
            TOP + "hooks:\n  AfterInstal: [{location: a}]\n  Later: [{location: a}]",
            'appspec.yml file contains unknown lifecycle events: ["AfterInstal", "Later"].',
            "line 4",
        ),
        (
            TOP + "permissions:\n  - owner: a",
            "a permission listed in the application specification file has no object value",
            "line 4",
        ),
        (TOP + "permissions: [a]", "has no object value", "line 3"),
        (
            "version: 0.0\nos: windows\npermissions: [{object: /x}]",
            "is targeting one or more Windows Server instances",
            "line 3",
        ),
        (PERMISSION + "type: [link]", "a permission for an object type not supported for permissions (link)", "line 5"),
        (PERMISSION + "mode: 77777", "the length of a permissions mode (77777)", "line 5"),
        (PERMISSION + "mode: ''", "the length of a permissions mode ()", "line 5"),
        (
            PERMISSION + "mode: 789",
            "the permissions mode (789) in the application specification file contains an invalid character (8)",
            "line 5",
        ),
        (PERMISSION + "mode: u+x", "contains an invalid character (u)", "line 5"),
        (PERMISSION + "except: a", "the except section of the application specification file is not a list", "line 5"),
        (PERMISSION + "acls: [rw]", "Invalid acl entry (rw)", "line 5"),
        (PERMISSION + "acls: ['a:b:c:d:e']", "Invalid acl entry (a:b:c:d:e)", "line 5"),
        (PERMISSION + "acls: ['x:mary:rw']", "Invalid acl entry (x:mary:rw)", "line 5"),
        (PERMISSION + "acls: ['mask:mary:rw']", "Invalid acl entry (mask:mary:rw)", "line 5"),
        (PERMISSION + "acls: ['u::rw']", "Use mode to set the base acl entry (u::rw)", "line 5"),
        (PERMISSION + "acls: ['o:r']", "Use mode to set the base acl entry (o:r)", "line 5"),
        (
            PERMISSION + "acls: ['u:mary:rq']",
            "(ACL) named u:mary:rq in the application specification file contains an invalid character (q)",
            "line 5",
        ),
        (PERMISSION + "context: {user: x}", "an invalid context type", "line 5"),
        (
            PERMISSION + "context: {type: t, range: s3-s1}",
            "a problem with the SELinux range specified (s3-s1)",
            "line 5",
        ),
        (PERMISSION + "context: {type: t, range: 's0:c5.c2'}", "a problem with the SELinux range", "line 5"),
        (PERMISSION + "context: {type: t, range: 's0:c1024'}", "a problem with the SELinux range", "line 5"),
        (PERMISSION + "context: {type: t, range: low}", "a problem with the SELinux range", "line 5"),
        (LAMBDA.replace("0.0", "1"), "an invalid version value (1)", "line 2"),
        (LAMBDA.replace("alias: live, ", ""), "A Lambda function needs Alias", "line 6"),
        (LAMBDA.replace("name: f", "name: ''"), "A Lambda function needs Name", "line 6"),
        (LAMBDA.replace("Lambda::F", "EC2::F"), "The type AWS::EC2::Function is neither", "line 5"),
        (
            LAMBDA.replace("- Before", "- Begin"),
            "Unknown lifecycle event BeginAllowTraffic: it is one of BeforeAllowTraffic, After",
            "line 8",
        ),
        (
            LAMBDA.replace(": check", ": [a]"),
            'BeforeAllowTraffic takes the name of one Lambda function, not ["a"]',
            "line 8",
        ),
        (
            LAMBDA + "  - BeforeAllowTraffic: again",
            "BeforeAllowTraffic takes the name of one Lambda function",
            "line 9",
        ),
        (LAMBDA + "  - words", "Each hook is a lifecycle event with the name of a Lambda function", "line 9"),
        ("version: 0.0\nResources: []", "Its resources section must hold one resource", "line 2"),
        ("version: 0.0\nResources:\n  - a: {Type: x}", "The resource a needs a Type and Properties", "line 3"),
        (ECS.replace("8000", "web"), "ContainerPort must be a number from 1 to 65535, not web", "line 8"),
        (ECS.replace("8000", "70000"), "ContainerPort must be a number", "line 8"),
        (ECS.replace("ENABLED", "MAYBE"), "AssignPublicIp must be ENABLED or DISABLED, not MAYBE", "line 11"),
        (ECS.replace("Subnets: [a, b], ", ""), "AwsvpcConfiguration needs Subnets", "line 11"),
        (
            ECS.replace("  - BeforeInstall: one", "  - BeforeAllowTest: one"),
            "Unknown lifecycle event BeforeAllowTest",
            "line 13",
        ),
    ],
)
def test_refusals(text, message, place):
    with pytest.raises(AppspecError) as caught:
        parse(text)
    assert message in caught.value.message
    assert caught.value.message.startswith(("The deployment failed because", "appspec.yml file contains unknown"))
    assert f"appspec.yml, {place}" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "platform", "message"),
    [
        (LAMBDA, "ECS", "It is for Lambda, and the deployment is for ECS"),
        (LAMBDA, "Server", "an unsupported operating system ()"),
        (SERVER, "Lambda", "Its resources section must hold one resource"),
        ("a: [", "Lambda", "The input AppSpec file is a not well-formed yaml. The template cannot be parsed"),
        ("", "ECS", "missing or has an invalid configuration"),
    ],
)
def test_the_wrong_kind_for_the_platform(text, platform, message):
    with pytest.raises(AppspecError) as caught:
        parse(text, platform=platform)
    assert message in caught.value.message


def test_an_agent_takes_its_own_system_only():
    with pytest.raises(AppspecError, match=r"unsupported operating system \(windows\)"):
        parse("version: 0.0\nos: windows", systems=("linux",))


def test_the_lambda_kind_in_either_spelling():
    small = parse(LAMBDA, platform="Lambda")
    assert small.kind == "lambda"
    assert small.targets.name == "fn"
    assert small.targets.function == {"Name": "f", "Alias": "live", "CurrentVersion": "1", "TargetVersion": "2"}
    assert small.targets.hooks == {"BeforeAllowTraffic": "check"}
    assert small.notes == ()
    large = {
        "version": 0.0,
        "Resources": [{"fn": {"Type": "AWS::Lambda::Function", "Properties": small.targets.function}}],
    }
    large["Hooks"] = [small.targets.hooks]
    assert parse(json.dumps(large)) == small


def test_the_ecs_kind():
    targets = parse(ECS, platform="ECS").targets
    assert targets.service == {
        "TaskDefinition": "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:3",
        "LoadBalancerInfo": {"ContainerName": "web", "ContainerPort": 8000},
        "PlatformVersion": "1.4.0",
        "NetworkConfiguration": {
            "AwsvpcConfiguration": {"Subnets": ["a", "b"], "SecurityGroups": ["c"], "AssignPublicIp": "ENABLED"}
        },
    }
    assert targets.hooks == {"BeforeInstall": "one", "AfterAllowTestTraffic": "two"}


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (TOP + "file: []", "appspec.yml, line 3: file has no meaning here and is ignored"),
        (HOOK + "{location: a, time: 3}", "line 5: time has no meaning here and is ignored"),
        (TOP + "files: [{source: a, destination: b, overwrite: true}]", "line 3: overwrite has no meaning here"),
        (
            TOP + "hooks: {Install: [{location: a}]}",
            "line 3: Install is reserved for the agent; its scripts do not run",
        ),
        (
            HOOK + "{location: a, timeout: 3000}\n    - {location: b, timeout: 601}",
            "line 4: the timeouts of AfterInstall add up to 3601 seconds; the event is stopped after 3600",
        ),
        (TOP + "os: linux", "line 3: os stands here a second time; the last counts"),
        (LAMBDA + "os: linux", "line 9: os has no meaning here"),
    ],
)
def test_what_is_odd_but_taken_is_noted(text, note):
    spec = parse(text)
    assert [written for written in spec.notes if note in written]
    assert "Install" not in spec.hooks


REFUSED = {
    "ecs-default-appspec-template-advanced.json": "AssignPublicIp must be ENABLED or DISABLED",
    "ecs-default-appspec-template-uncommented.yml": "AssignPublicIp must be ENABLED or DISABLED",
    "server-ec2-and-onPrem-default-appspec-template-advanced.json": "the except section",
    "server-ec2-and-onPrem-default-appspec-template-uncommented.yml": "an invalid timeout value",
}


def test_every_appspec_of_the_corpus_is_taken_or_refused_with_a_reason(corpus: Path):
    files = sorted((corpus / "appspec").iterdir())
    assert len(files) > 20
    refused = {}
    for file in files:
        try:
            spec = parse(file.read_bytes(), file.name)
        except AppspecError as error:
            refused[file.name.rpartition("__")[2]] = error.message
            continue
        value = yaml.safe_load(file.read_text())
        assert len(spec.files) == len(value.get("files", [])), file.name
        hooks = spec.targets.hooks if spec.targets else spec.hooks
        assert len(hooks) == len(value.get("hooks") or value.get("Hooks") or []), file.name
    assert set(refused) == set(REFUSED)
    assert all(REFUSED[name] in message for name, message in refused.items())


KEYS = st.sampled_from(
    [
        "version",
        "os",
        "files",
        "source",
        "destination",
        "permissions",
        "object",
        "mode",
        "acls",
        "context",
        "type",
        "range",
        "except",
        "hooks",
        "AfterInstall",
        "location",
        "timeout",
        "Resources",
        "Type",
        "Properties",
        "LoadBalancerInfo",
        "ContainerPort",
        "NetworkConfiguration",
        "AwsvpcConfiguration",
        "Hooks",
        "x",
    ]
)
SCALARS = st.sampled_from(
    [None, True, 0.0, 17, "", "linux", "/a", "..", "s0:c1", "u:a:rw", "AWS::ECS::Service", -1, "é"]
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=20
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.dictionaries(KEYS, VALUES, max_size=6), st.booleans(), st.sampled_from([None, "Server", "Lambda", "ECS"]))
def test_no_appspec_raises_anything_else(value, good, platform):
    text = yaml.safe_dump({**value, "version": 0.0, "os": "linux"} if good else value)
    try:
        parse(text, platform=platform)
    except AppspecError as error:
        assert error.message  # noqa: PT017


def test_many_keys_take_no_time():
    text = "version: 0.0\nResources:\n" + "".join(f"K{i}: {{a: b}}\n" for i in range(9000))
    before = time.process_time()
    with pytest.raises(AppspecError):
        parse(text)
    assert time.process_time() - before < 3
