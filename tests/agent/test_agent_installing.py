"""Install: files to their places, what lay there before away, and nothing else touched."""

import json
import os
import re
import stat
from pathlib import Path

import pytest

from labsupport.agent import appspec
from labsupport.agent.diagnostics import UNKNOWN, CommandError
from labsupport.agent.installing import Installer
from labsupport.agent.revisions import Revisions
from labsupport.agent.settings import Settings
from labsupport.agent.specification import Specification


class Host:
    """An instance with revisions of one deployment group."""

    def __init__(self, root: Path) -> None:
        self.settings = Settings(root, "", "", {})
        self.warnings: list[str] = []
        self.deployed = 0

    def install(self, files: dict[str, str], spec: str, behaviour: str = "DISALLOW") -> Revisions:
        self.deployed += 1
        revisions = self.revisions(f"d-{self.deployed}")
        for name, text in files.items():
            path = revisions.archive / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        found = appspec.parse(f"version: 0.0\nos: linux\n{spec}", platform="Server")
        Installer(self.settings, revisions, found, behaviour, self.warnings.append).install()
        return revisions

    def revisions(self, deployment: str) -> Revisions:
        return Revisions(self.settings, Specification(deployment, "group", "prod", "shop", "b", "k", "zip"))

    def failure(self, files: dict[str, str], spec: str, behaviour: str = "DISALLOW") -> str:
        with pytest.raises(CommandError) as caught:
            self.install(files, spec, behaviour)
        assert caught.value.code == UNKNOWN
        return caught.value.message

    def listed(self, folder: str = "srv") -> list[str]:
        top = self.settings.root / folder
        return sorted(str(path.relative_to(top)) for path in top.rglob("*") if not path.is_dir())


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path / "root")


def files(*pairs: str) -> str:
    lines = ["files:"]
    for pair in pairs:
        source, destination = pair.split(" ")
        lines += [f"  - source: {source}", f"    destination: {destination}"]
    return "\n".join(lines) + "\n"


TREE = {"app/main.py": "1", "app/lib/util.py": "2", "VERSION": "3"}


@pytest.mark.parametrize(
    ("mappings", "installed"),
    [
        (["app /srv/shop"], ["shop/lib/util.py", "shop/main.py"]),
        (["app /srv/shop", "VERSION /srv/shop"], ["shop/VERSION", "shop/lib/util.py", "shop/main.py"]),
        (["VERSION /srv/a/b/c/"], ["a/b/c/VERSION"]),
        (["/ /srv/all"], ["all/VERSION", "all/app/lib/util.py", "all/app/main.py"]),
        (["app/lib/ srv//shop/."], ["shop/util.py"]),
    ],
)
def test_files_and_folders_come_to_their_places(host: Host, mappings: list[str], installed: list[str]) -> None:
    host.install(TREE, files(*mappings))
    assert host.listed() == installed


def test_a_destination_cannot_leave_the_instance(host: Host) -> None:
    host.install(TREE, files("VERSION /../../../../out"))
    assert (host.settings.root / "out/VERSION").read_text() == "3"
    assert not (host.settings.root.parent / "out").exists()


def test_modes_and_links_are_kept(host: Host) -> None:
    revisions = host.revisions("d-1")
    revisions.archive.mkdir(parents=True)
    (revisions.archive / "run.sh").write_text("")
    (revisions.archive / "run.sh").chmod(0o751)
    (revisions.archive / "link").symlink_to("run.sh")
    host.install({}, files("/ /srv"))
    assert stat.S_IMODE((host.settings.root / "srv/run.sh").stat().st_mode) == 0o751
    assert (host.settings.root / "srv/link").readlink() == Path("run.sh")


def test_the_next_deployment_removes_what_the_last_installed_and_nothing_else(host: Host) -> None:
    host.install(TREE, files("app /srv/shop"))
    own = host.settings.root / "srv/shop/lib/notes.txt"
    own.write_text("somebody's")
    host.install({"app/new.py": ""}, files("app /srv/shop"))
    assert host.listed() == ["shop/lib/notes.txt", "shop/new.py"]
    assert any("/srv/shop/lib stays" in warning for warning in host.warnings)


def test_folders_that_are_empty_again_go(host: Host) -> None:
    host.install(TREE, files("app /srv/shop"))
    host.install({"x": ""}, files("x /srv/other"))
    assert not (host.settings.root / "srv/shop").exists()


def test_an_interrupted_installation_is_cleaned_up_by_the_next(host: Host) -> None:
    revisions = host.install(TREE, files("app /srv/shop"))
    cleanup = revisions.cleanup_file
    cleanup.write_text(cleanup.read_text() + "/srv/shop/half")  # its line is not finished, nor was the file begun
    (host.settings.root / "srv/shop/half").write_text("somebody's")
    host.install(TREE, files("app/lib /srv/shop"))
    assert host.listed() == ["shop/half", "shop/util.py"]


@pytest.mark.parametrize(("behaviour", "content"), [("OVERWRITE", "3"), ("RETAIN", "old")])
def test_files_that_are_there_already(host: Host, behaviour: str, content: str) -> None:
    (host.settings.root / "srv").mkdir(parents=True)
    (host.settings.root / "srv/VERSION").write_text("old")
    host.install(TREE, files("VERSION /srv"), behaviour)
    assert (host.settings.root / "srv/VERSION").read_text() == content


def test_by_default_files_that_are_there_already_fail_the_deployment(host: Host) -> None:
    (host.settings.root / "srv").mkdir(parents=True)
    (host.settings.root / "srv/VERSION").write_text("old")
    said = host.failure(TREE, files("app /srv", "VERSION /srv"))
    assert said == "The deployment failed because a specified file already exists at this location: /srv/VERSION"
    assert host.listed() == ["VERSION"], "nothing is installed before all of it is known to fit"


@pytest.mark.parametrize(
    ("mappings", "message"),
    [
        (["VERSION /srv", "app/VERSION /srv"], "specifies two source files named /opt/.*/app/VERSION and .*/VERSION"),
        (["app /srv/shop", "shop /srv"], r"already exists at the location \(/srv/shop\)"),
        (["shop /srv", "app /srv/shop"], r"includes an mkdir command more than once .* \(/srv/shop\)"),
        (["nothing /srv"], "No such file or directory - /opt/codedeploy-agent/deployment-root/.*/nothing"),
    ],
)
def test_mappings_that_cannot_work(host: Host, mappings: list[str], message: str) -> None:
    said = host.failure({**TREE, "app/VERSION": "", "shop": ""}, files(*mappings))
    assert re.search(message, said), said


def permission(text: str) -> str:
    return files("app /srv/shop") + "permissions:\n" + text


@pytest.mark.parametrize(
    ("text", "modes"),
    [
        ("  - object: /srv/shop/main.py\n    mode: 400\n", {"main.py": 0o400, "lib/util.py": None}),
        (
            "  - object: /srv/shop\n    mode: 600\n    type: [file]\n",
            {"main.py": 0o600, "lib/util.py": 0o600, "lib": None},
        ),
        ('  - object: /srv/shop\n    pattern: "*.py"\n    mode: 640\n', {"main.py": 0o640, "lib/util.py": None}),
        ('  - object: /srv/shop\n    except: ["main.py"]\n    mode: 750\n', {"main.py": None, "lib/util.py": 0o750}),
        ("  - object: /srv/shop\n    type: [directory]\n    mode: 711\n", {"lib": 0o711, "main.py": None}),
        ("  - object: /srv\n    mode: 750\n", {"lib": 0o750, "main.py": 0o750}),
        ("  - object: /elsewhere\n    mode: 000\n", {"main.py": None}),
    ],
)
def test_modes_are_set_on_what_was_installed(host: Host, text: str, modes: dict[str, int | None]) -> None:
    usual = {"main.py": 0o644, "lib/util.py": 0o644, "lib": 0o755}
    host.install(TREE, permission(text))
    for name, mode in modes.items():
        found = stat.S_IMODE((host.settings.root / "srv/shop" / name).stat().st_mode)
        assert found == (usual[name] if mode is None else mode), name


def test_two_permissions_for_one_file(host: Host) -> None:
    text = "  - object: /srv/shop\n    mode: 600\n  - object: /srv/shop/main.py\n    mode: 644\n"
    assert "(/srv/shop/main.py) is specified more than once" in host.failure(TREE, permission(text))


def test_owners_and_lists_that_this_machine_has_not_are_told(host: Host) -> None:
    text = '  - object: /srv/shop/main.py\n    owner: nobody-of-that-name\n    group: crowd\n    acls: ["u:x:rw"]\n'
    host.install(TREE, permission(text))
    assert len(host.warnings) == 2
    assert "setfacl user:x:rw- is not done" in host.warnings[0]
    assert "/srv/shop/main.py cannot be given to nobody-of-that-name:crowd here" in host.warnings[1]


def test_the_instructions_are_kept_for_people(host: Host) -> None:
    revisions = host.install({"VERSION": ""}, files("VERSION /srv"))
    steps = json.loads(revisions.install_file.read_text())["instructions"]
    assert [step["type"] for step in steps] == ["mkdir", "copy"]
    assert revisions.cleanup_file.read_text() == "/srv\n/srv/VERSION\n"


def test_old_revisions_go_but_never_the_installed_one(host: Host) -> None:
    for number in range(1, 8):
        folder = host.revisions(f"d-{number}").folder
        folder.mkdir(parents=True)
        os.utime(folder, (number, number))
    host.revisions("d-1").note_installed()
    host.revisions("d-7").forget_old()
    left = sorted(path.name for path in host.revisions("d-7").folder.parent.iterdir())
    assert left == ["d-1", "d-4", "d-5", "d-6", "d-7"]
    assert host.revisions("d-7").last_successful() == host.revisions("d-1").folder
