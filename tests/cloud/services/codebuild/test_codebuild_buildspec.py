"""Buildspecs as CodeBuild takes or refuses them, with its words."""

import pytest
import yaml

from labsupport.cloud.services.codebuild.batch import TaskEnvironment
from labsupport.cloud.services.codebuild.buildspec import (
    Artifacts,
    Cache,
    Environment,
    OnFailure,
    Phase,
    Proxy,
    Report,
    Secret,
    missing,
    parse,
)
from labsupport.cloud.services.codebuild.fields import BuildspecError

FULL = """
version: 0.2
run-as: builder
env:
  shell: bash
  variables: {A: text, PORT: 0755, V: 3.10, FLAG: yes, EMPTY: , QUOTED: "no"}
  parameter-store: {LOGIN: /CodeBuild/login}
  secrets-manager:
    PLAIN: my-secret
    KEY: my-secret:user
    STAGED: my-secret:user:AWSPREVIOUS
    BY_ARN: arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-a1b2c3:user::v1
  exported-variables: [A, LOGIN]
  git-credential-helper: yes
proxy: {upload-artifacts: yes, logs: no}
phases:
  post_build:
    commands: echo one command
  install:
    runtime-versions: {python: 3.10, java: corretto8}
    commands: [echo in, true, 17]
    finally: [echo out]
    run-as: root
    on-failure: CONTINUE
  build:
    on-failure: RETRY-2-.*time(d )?out.*
    commands:
      - |
        for i in 1 2; do
          echo $i
        done
reports:
  unit: {files: ['**/*.xml'], base-directory: out, discard-paths: yes, file-format: NunitXml}
  arn:aws:codebuild:eu-west-1:123456789012:report-group/x: {files: a.json}
artifacts:
  files: ['**/*', appspec.yml]
  name: app-$(date +%F)
  discard-paths: no
  base-directory: target
  exclude-paths: ['**/.*']
  enable-symlinks: yes
  s3-prefix: pre
  secondary-artifacts:
    docs: {files: site/**/*, name: d, discard-paths: yes}
cache:
  key: k-$(codebuild-hash-files x)
  fallback-keys: [k-]
  action: restore
  paths: [/root/.m2/**/*]
"""


def test_the_whole_reference():
    spec = parse(FULL)
    assert (spec.version, spec.run_as, spec.notes) == ("0.2", "builder", [])
    assert spec.env == Environment(
        shell="bash",
        variables={"A": "text", "PORT": "0755", "V": "3.10", "FLAG": "yes", "EMPTY": "", "QUOTED": "no"},
        parameter_store={"LOGIN": "/CodeBuild/login"},
        secrets_manager={
            "PLAIN": Secret("my-secret"),
            "KEY": Secret("my-secret", "user"),
            "STAGED": Secret("my-secret", "user", "AWSPREVIOUS"),
            "BY_ARN": Secret("arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-a1b2c3", "user", "", "v1"),
        },
        exported_variables=["A", "LOGIN"],
        git_credential_helper=True,
    )
    assert spec.proxy == Proxy(upload_artifacts=True, logs=False)
    assert list(spec.phases) == ["install", "build", "post_build"]
    assert spec.phases["install"] == Phase(
        name="install",
        commands=["echo in", "true", "17"],
        finally_commands=["echo out"],
        run_as="root",
        on_failure=OnFailure("CONTINUE"),
        runtime_versions={"python": "3.10", "java": "corretto8"},
    )
    assert spec.phases["build"].commands == ["for i in 1 2; do\n  echo $i\ndone\n"]
    assert spec.phases["build"].on_failure == OnFailure("RETRY", 2, ".*time(d )?out.*")
    assert spec.phases["post_build"].commands == ["echo one command"]
    assert spec.reports == {
        "unit": Report(["**/*.xml"], "out", True, "NUNITXML"),
        "arn:aws:codebuild:eu-west-1:123456789012:report-group/x": Report(["a.json"]),
    }
    assert spec.artifacts == Artifacts(
        ["**/*", "appspec.yml"], "app-$(date +%F)", False, "target", ["**/.*"], True, "pre"
    )
    assert spec.secondary_artifacts == {"docs": Artifacts(["site/**/*"], "d", True)}
    assert spec.cache == Cache(["/root/.m2/**/*"], "k-$(codebuild-hash-files x)", ["k-"], "restore")


def test_secondary_artifacts_need_no_primary_one():
    spec = parse("version: 0.2\nphases: {build: {}}\nartifacts: {secondary-artifacts: {a: {files: b}}}")
    assert spec.artifacts is None
    assert spec.secondary_artifacts == {"a": Artifacts(["b"])}


def test_version_0_1_has_its_own_names():
    spec = parse("version: 0.1\nenvironment_variables: {plaintext: {A: b}}\nphases: {build: {commands: [make]}}")
    assert spec.version == "0.1"
    assert spec.env.variables == {"A": "b"}
    late = parse("version: 0.2\nenvironment_variables: {plaintext: {A: b}}\nphases: {build: {commands: [make]}}")
    assert late.env.variables == {}
    assert "'environment_variables' has no meaning here" in late.notes[0]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("ABORT", OnFailure("ABORT")),
        ("continue", OnFailure("CONTINUE")),
        ("RETRY", OnFailure("RETRY", 3, ".*")),
        ("RETRY-8", OnFailure("RETRY", 8, ".*")),
        ("RETRY-0", OnFailure("RETRY", 0, ".*")),
        (
            "Retry-.*Error: Unable to connect to database.*",
            OnFailure("RETRY", 3, ".*Error: Unable to connect to database.*"),
        ),
        ("RETRY-3-.*connection timed out.*", OnFailure("RETRY", 3, ".*connection timed out.*")),
        ("RETRY-101", None),
        ("RETRY-99999999999999", None),
        ("RETRY-(", None),
        ("RETRY-" + "(" * 3000, None),
        ("ABORT-2", None),
        ("IGNORE", None),
        ("", None),
    ],
)
def test_on_failure(written, expected):
    text = yaml.safe_dump({"version": 0.2, "phases": {"build": {"commands": ["make"], "on-failure": written}}})
    if expected is None:
        with pytest.raises(BuildspecError, match=r"Invalid on-failure: .* Expecting: ABORT,CONTINUE,RETRY"):
            parse(text)
    else:
        assert parse(text).phases["build"].on_failure == expected


OK = "version: 0.2\nphases:\n  build:\n    commands:\n      - make\n"


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("", "wrong number of container tags, expected 1", "line 1"),
        ("phases: {build: {commands: [a]}}", "wrong number of container tags, expected 1", "line 1, column 1"),
        ("just words", "wrong number of container tags, expected 1", "line 1"),
        ("- version: 0.2", "wrong number of container tags, expected 1", "line 1"),
        (
            "version: 0.3\nphases: {}",
            "Unsupported buildspec version: 0.3. Expecting: 0.1,0.2 at line 1",
            "line 1, column 1",
        ),
        ("version: [0.2]", "Expected Version to be of string type: found a list instead at line 1", "line 1"),
        ("version: 0.2", "No phases found. Expecting: build,install,post_build,pre_build", "line 1"),
        ("version: 0.2\nphases:", "No phases found. Expecting: build,install,post_build,pre_build", "line 1"),
        (
            "version: 0.2\nphases: [a]",
            "Expected Phases to be of mapping type: found a list instead at line 2",
            "line 2",
        ),
        (
            "version: 0.2\nphases:\n  build: make",
            "Expected Build to be of mapping type: found a string instead at line 3",
            "line 3",
        ),
        (
            OK + "  artifacts:\n    files: [a]",
            "Invalid buildspec phase name: artifacts. Expecting: build,install,post_build,pre_build",
            "line 6, column 3",
        ),
        (
            "version: 0.2\nphases:\n\tbuild:",
            "found character that cannot start any token at line 3",
            "line 3, column 1",
        ),
        ("version: 0.2\nphases: [a\nb: c", "did not find expected ',' or ']' at line 3", "line 3"),
        ("version: 0.2\nphases: a: b", "mapping values are not allowed in this context at line 2", "line 2, column 10"),
        ("a: &a [*a]", "the alias *a refers to itself at line 1", "line 1"),
        (
            "version: 0.2\nphases:\n  install:\n    commands:\n      - ls\n  build:\n    commands:\n      - echo a: b",
            "Expected Commands[0] to be of string type: found subkeys instead at line 8, "
            "value of the key tag on line 7 might be empty",
            "line 8",
        ),
        (
            OK + "      - { ls; }\n",
            "Expected Commands[1] to be of string type: found subkeys instead at line 6",
            "line 6",
        ),
        (OK + "      - [ls]\n", "Expected Commands[1] to be of string type: found a list instead at line 6", "line 6"),
        (OK + "      -\n", "Expected Commands[1] to be of string type: found nothing instead at line 6", "line 6"),
        (
            OK + "    finally: {a: b}",
            "Expected Finally to be of string type: found subkeys instead at line 6",
            "line 6",
        ),
        (OK + "env: [a]", "Expected Env to be of mapping type: found a list instead at line 6", "line 6"),
        (
            OK + "env:\n  variables: [a]",
            "Expected Variables to be of mapping type: found a list instead at line 7",
            "line 7",
        ),
        (
            OK + "env:\n  variables: {A: {b: c}}",
            "Expected A to be of string type: found subkeys instead at line 7",
            "line 7",
        ),
        (OK + "env: {shell: zsh}", "Invalid shell: zsh. Expecting: bash,/bin/sh,sh,powershell.exe", "line 6"),
        (
            OK + "env: {git-credential-helper: maybe}",
            "Expected Git-credential-helper to be of boolean type: found a string",
            "line 6",
        ),
        (OK + "env: {secrets-manager: {A: ':b'}}", "Invalid secrets-manager reference: :b at line 6", "line 6"),
        (
            OK + "env: {secrets-manager: {A: 'a:b:c:d:e'}}",
            "Invalid secrets-manager reference: a:b:c:d:e at line 6",
            "line 6",
        ),
        (OK + "artifacts: {name: x}", "No files found for artifacts at line 6", "line 6"),
        (
            OK + "artifacts: {files: [a], discard-paths: 3}",
            "Expected Discard-paths to be of boolean type: found '3' instead",
            "line 6",
        ),
        (
            OK + "artifacts: {files: [a], secondary-artifacts: {b: {name: c}}}",
            "No files found for artifacts/secondary-artifacts/b at line 6",
            "line 6",
        ),
        (
            OK + "reports: {a: {files: [x], file-format: TAP}}",
            "Invalid file-format: TAP. Expecting: JUNITXML,CUCUMBERJSON",
            "line 6",
        ),
        (OK + "reports: {a: {}}", "No files found for reports/a at line 6", "line 6"),
        (
            OK + "reports: {" + ", ".join(f"g{i}: {{files: [x]}}" for i in range(6)) + "}",
            "Too many report groups: 6. A buildspec can have at most 5",
            "line 6",
        ),
        (OK + "cache: {action: drop}", "Invalid action: drop. Expecting: restore,save at line 6", "line 6"),
        (
            OK + "batch: {fast-fail: yes}",
            "Expected one batch type, found 0. Expecting: build-list,build-matrix",
            "line 6",
        ),
        (OK + "batch: {build-list: [{}], build-graph: [{}]}", "Expected one batch type, found 2", "line 6"),
        (OK + "batch: {build-list: {a: b}}", "Expected Build-list to be of list type: found subkeys instead", "line 6"),
        (OK + "batch: {build-list: [a]}", "Expected Build-list to be of mapping type: found a string", "line 6"),
        (
            OK + "batch: {build-list: [{identifier: a-b}]}",
            "Invalid identifier: a-b. Expecting: letters, digits and _",
            "line 6",
        ),
        (
            OK + "batch: {build-list: [{identifier: a}, {identifier: a}]}",
            "The identifier a stands twice in the batch",
            "line 6",
        ),
        (OK + "batch: {build-graph: [{env: {}}]}", "A task of a build graph needs an identifier at line 6", "line 6"),
        (
            OK + "batch: {build-graph: [{identifier: a, depend-on: [b]}]}",
            "The task a depends on b, which is not in",
            "line 6",
        ),
        (
            OK + "batch: {build-graph: [{identifier: a, depend-on: [b]}, {identifier: b, depend-on: [a]}]}",
            "The tasks a, b depend on each other in a circle",
            "line 6",
        ),
        (
            OK
            + f"batch:\n  build-matrix:\n    dynamic:\n      env:\n        variables: {{A: {[1] * 50}, B: {[2] * 50}}}",
            "Too many builds in the batch: 2500. A batch can have at most 100",
            "line 7",
        ),
        (OK + f"batch: {{build-list: {[{}] * 101}}}", "Too many builds in the batch: 101", "line 6"),
        (
            OK + "batch: {build-fanout: {parallelism: 0}}",
            "Invalid parallelism: '0'. Expecting: a number from 1 to 100",
            "line 6",
        ),
        (OK + "batch: {build-fanout: {parallelism: yes}}", "Invalid parallelism: 'yes'", "line 6"),
    ],
)
def test_refusals(text, message, place):
    with pytest.raises(BuildspecError) as caught:
        parse(text, "ci/build.yml")
    assert caught.value.code == "YAML_FILE_ERROR"
    assert caught.value.message.startswith(message)
    assert f"ci/build.yml, {place}" in str(caught.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [(False, "YAML file does not exist"), (True, "stat ci/build.yml: no such file or directory")],
)
def test_a_missing_buildspec(given, message):
    assert str(missing("ci/build.yml", given)) == f"YAML_FILE_ERROR: {message} (ci/build.yml)"


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (
            OK + "artefacts: {files: [a]}",
            "line 6: 'artefacts' has no meaning here and is ignored; did you mean 'artifacts'?",
        ),
        (
            "version: 0.2\nphases:\n  build:\n    command: [make]",
            "line 4: 'command' has no meaning here and is ignored; did you mean 'commands'?",
        ),
        ("version: 0.2\nphases:\n  build:\n    command: [make]", "No commands found for phase name: build"),
        ("version: 0.2\nphases:\n  build:", "No commands found for phase name: build"),
        (OK + "    runtime-versions: {python: 3.12}", "line 6: 'runtime-versions' has no meaning here"),
        (OK + "    commands: [again]", "line 6: 'commands' stands here a second time; the last counts"),
        (OK + "env: {variables: {CODEBUILD_X: y}}", "line 6: 'CODEBUILD_X' begins with CODEBUILD_, which is reserved"),
    ],
)
def test_what_is_odd_but_taken_is_noted(text, note):
    assert any(note in written for written in parse(text).notes)


def test_batch_list_and_graph():
    text = """
    fast-fail: true
    build-graph:
      - identifier: one
        env: {compute-type: BUILD_GENERAL1_SMALL, privileged-mode: true, variables: {V: 1.10}}
      - identifier: two
        buildspec: two.yml
        depend-on: [one]
        ignore-failure: true
    """
    batch = parse(f"version: 0.2\nbatch:{text}").batch
    assert (batch.kind, batch.fast_fail) == ("build-graph", True)
    one, two = batch.tasks
    assert one.env == TaskEnvironment(
        compute_type="BUILD_GENERAL1_SMALL", privileged_mode=True, variables={"V": "1.10"}
    )
    assert (two.buildspec, two.depend_on, two.ignore_failure, two.env) == ("two.yml", ["one"], True, TaskEnvironment())


def test_a_matrix_is_all_combinations():
    text = """
version: 0.2
batch:
  build-matrix:
    static: {ignore-failure: yes, env: {type: LINUX_CONTAINER, privileged-mode: true, variables: {S: s}}}
    dynamic: {buildspec: [a.yml], env: {image: [i1, i2], variables: {MY_VAR: [V1, V2, V3]}}}
"""
    tasks = parse(text).batch.tasks
    assert [(task.env.image, task.env.variables["MY_VAR"]) for task in tasks] == [
        (image, value) for image in ("i1", "i2") for value in ("V1", "V2", "V3")
    ]
    assert all(task.ignore_failure and task.env.privileged_mode and task.env.variables["S"] == "s" for task in tasks)
    assert {task.buildspec for task in tasks} == {"a.yml"}
    assert len(parse("version: 0.2\nbatch: {build-fanout: {parallelism: 5}}").batch.tasks) == 5
