"""One shell per build: what a command leaves for the next, and how each one ends."""

import asyncio
import os

import psutil
import pytest

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.runner.reap import find
from labsupport.cloud.runner.shell import open_shell
from labsupport.cloud.runner.spec import ExitStatus, StartError

ENVIRONMENT = {"PATH": os.defpath + ":/usr/local/bin:/usr/bin:/bin", "GIVEN": "from outside"}


def session(folder, commands, **options):
    """Runs the commands one after another: per command its exit code and its lines."""

    async def main():
        shell = await open_shell(folder, ENVIRONMENT, f"shell-{folder}", **options)
        try:
            found = []
            for command in commands:
                lines = []
                status = await shell.run(command, sink=lines.append)
                found.append((status.code, lines))
            return found
        finally:
            await shell.stop()
            assert find([f"shell-{folder}"]) == []

    (folder / "scratch").mkdir(exist_ok=True)
    return asyncio.run(main())


BOTH = pytest.mark.parametrize("shell", ["bash", "/bin/sh"])


@BOTH
@pytest.mark.parametrize(
    ("commands", "last"),
    [
        (["echo $GIVEN"], (0, ["from outside"])),
        (["cd /usr", "pwd"], (0, ["/usr"])),
        (["export A=b", "sh -c 'echo $A'"], (0, ["b"])),
        (["A=b", "echo $A"], (0, ["b"])),
        (["f() { echo f$1; }", "f 1"], (0, ["f1"])),
        (["unset GIVEN", "echo [$GIVEN]"], (0, ["[]"])),
        (["umask 027", "umask"], (0, ["0027"])),
        (["false"], (1, [])),
        (["(exit 9)"], (9, [])),
        (["exit 0", "echo on"], (0, ["on"])),
        (["exit 3"], (3, [])),
        (["exec sh -c 'exit 5'"], (5, [])),
        (["kill -9 $$"], (137, [])),
        (["return 4"], (4, [])),
        (["set -e\nfalse\necho not reached"], (1, [])),
        (["set -e; true", "false; echo reached"], (0, ["reached"])),
        (["set -x; true", "echo quiet"], (0, ["quiet"])),
        (["if true; then\n  echo one\n  echo two\nfi"], (0, ["one", "two"])),
        (["cat <<'END'\n$GIVEN \"quoted\"\nEND"], (0, ['$GIVEN "quoted"'])),
        (["cat <<END\n$GIVEN\nEND"], (0, ["from outside"])),
        (["echo 'ünï' \"cödé\" 😀"], (0, ["ünï cödé 😀"])),
        (["# only a comment"], (0, [])),
        ([""], (0, [])),
        (["false", "true"], (0, [])),
        (["echo one; printf two"], (0, ["one", "two"])),
        (["exec >/dev/null", "echo heard"], (0, ["heard"])),
        (["exec 9>&- 8>&- 7>&-", "echo still"], (0, ["still"])),
        (["IFS=x; set -u; set -f", "echo fine"], (0, ["fine"])),
        (["read x; echo got $?"], (0, ["got 1"])),
        (["{ echo 0 >&8; } 2>/dev/null || echo closed"], (0, ["closed"])),
        (["sleep 300 &", "echo on"], (0, ["on"])),
        (["sh -c 'exit 7' &", "wait $!"], (7, [])),
        # A command that ends the shell takes nothing with it.
        (["cd /usr; export A='b  c'; exit 3", 'echo "$A"; pwd'], (0, ["b  c", "/usr"])),
        (["export A=b", "cd /usr", "exit 0", "exit 0", "echo $A; pwd"], (0, ["b", "/usr"])),
        (["unset GIVEN; exit 1", "echo [$GIVEN]"], (0, ["[]"])),
        (["export A=\"line one\nline 'two'\"; exit 1", 'echo "$A"'], (0, ["line one", "line 'two'"])),
        (["export A=b", "kill -9 $$", "echo $A"], (0, ["b"])),
        (['mkdir "it\'s"; cd "it\'s"; exit 1', 'basename "$PWD"'], (0, ["it's"])),
        (["umask 027; exit 1", "umask"], (0, ["0027"])),
    ],
)
def test_commands(tmp_path, shell, commands, last):
    assert session(tmp_path, commands, shell=shell)[-1] == last


@pytest.mark.parametrize(
    ("commands", "last"),
    [
        (["a=(1 '2 3'); declare -A m=([k]=v); exit 1", 'echo "${a[1]}" "${m[k]}"'], (0, ["2 3 v"])),
        (["f() { echo f$1; }; export -f f; exit 1", "f 1; bash -c 'f 2'"], (0, ["f1", "f2"])),
        (["set -o pipefail; shopt -s globstar; exit 1", "false | true"], (1, [])),
        (["readonly R=1; exit 1", "echo $R"], (0, ["1"])),
        (["plain=kept; exit 1", "echo $plain"], (0, ["kept"])),
        (["trap 'echo bye' EXIT; export A=b", "exit 2"], (2, ["bye"])),
        (["export A=b", "trap 'echo bye' EXIT; exit 2", "echo $A"], (0, ["b"])),
        (["set -C", "export A=b", "exit 0", "echo $A"], (0, ["b"])),
        (["cat <(echo inside)"], (0, ["inside"])),
    ],
)
def test_bash_keeps_more(tmp_path, commands, last):
    assert session(tmp_path, commands)[-1] == last


@BOTH
@pytest.mark.parametrize("command", ["if [ ; fi (", "echo $(( ", "echo 'open", "}", "for"])
def test_a_syntax_error_is_the_commands_own(tmp_path, shell, command):
    (code, lines), after = session(tmp_path, [command, "echo on"], shell=shell)
    assert code == 2 if shell == "/bin/sh" else code in (1, 2)
    assert lines
    assert after == (0, ["on"])


def test_a_message_of_the_shell_names_the_line(tmp_path):
    _, lines = session(tmp_path, ["true\nnonsense-command"], scratch=tmp_path / "scratch")[0]
    assert lines == [line for line in lines if line.startswith(str(tmp_path / "scratch"))]
    assert lines[0].endswith("script: line 2: nonsense-command: command not found")


@BOTH
def test_version_0_1_keeps_nothing(tmp_path, shell):
    commands = ["cd /usr; export A=b; exit 3", "echo [$A] $GIVEN; pwd", "f() { :; }", "f"]
    first, second, _, fourth = session(tmp_path, commands, shell=shell, keep=False)
    assert first == (3, [])
    assert second == (0, ["[] from outside", str(tmp_path)])
    assert fourth[0] == 127


@pytest.mark.parametrize("keep", [True, False])
@BOTH
def test_variables_in_and_out(tmp_path, shell, keep):
    async def main():
        shell_ = await open_shell(tmp_path, ENVIRONMENT, f"shell-{tmp_path}", shell=shell, keep=keep)
        try:
            await shell_.set("SET", 'it\'s $HOME "é"\nline two')
            lines = []
            assert (await shell_.run('echo "$SET"; OWN=1', sink=lines.append)).ok
            assert lines == ['it\'s $HOME "é"', "line two"]
            values = await shell_.variables(["SET", "GIVEN", "OWN", "MISSING", "not a name", "X$(touch evil)"])
            assert values == {"SET": 'it\'s $HOME "é"\nline two', "GIVEN": "from outside"} | (
                {"OWN": "1"} if keep else {}
            )
            assert await shell_.expand('app-$GIVEN-$(echo 1)-"q"-${MISSING}.zip') == 'app-from outside-1-"q"-.zip'
            assert os.listdir(tmp_path) == []
        finally:
            await shell_.stop()

    asyncio.run(main())


@pytest.mark.parametrize("keep", [True, False])
def test_a_timeout_ends_the_command_and_what_it_started(tmp_path, keep):
    async def main():
        shell = await open_shell(tmp_path, ENVIRONMENT, f"shell-{tmp_path}", keep=keep)
        try:
            await shell.run("export A=b")
            lines = []
            status = await shell.run("echo begun; sleep 300 & sleep 300", timeout=0.2, sink=lines.append)
            assert (status.timed_out, status.ok, status.stopped) == (True, False, False)
            assert lines == ["begun"]
            assert find([f"shell-{tmp_path}"]) == []
            lines = []
            assert await shell.run("echo $A", timeout=30, sink=lines.append) == ExitStatus(0)
            assert lines == (["b"] if keep else [""])
        finally:
            await shell.stop()

    asyncio.run(main())


def test_output_goes_to_the_command_that_wrote_it_and_otherwise_to_the_shells_sink(tmp_path):
    os.mkfifo(tmp_path / "go")

    async def main():
        rest = asyncio.Queue()
        shell = await open_shell(tmp_path, ENVIRONMENT, f"shell-{tmp_path}", rest.put_nowait)
        try:
            for number in range(20):
                lines = []
                await shell.run(f"seq 500; echo {number}", sink=lines.append)
                assert len(lines) == 501
                assert lines[-1] == str(number)
            await shell.run("(read x <go; echo late) &")
            (tmp_path / "go").write_text("\n")
            assert await asyncio.wait_for(rest.get(), 5) == "late"
        finally:
            await shell.stop()

    asyncio.run(main())


def test_a_stop_from_outside_ends_the_command(tmp_path):
    async def main():
        begun = asyncio.Event()
        shell = await open_shell(tmp_path, ENVIRONMENT, f"shell-{tmp_path}", lambda line: begun.set())
        running = asyncio.create_task(shell.run("echo begun; sleep 300"))
        await asyncio.wait_for(begun.wait(), 5)
        await shell.stop()
        status = await running
        assert (status.stopped, status.ok) == (True, False)
        with pytest.raises(StartError, match="has been stopped"):
            await shell.run("true")
        await shell.stop()

    asyncio.run(main())


def test_a_cancelled_command_is_ended_by_stop(tmp_path):
    async def main():
        begun = asyncio.Event()
        shell = await open_shell(tmp_path, ENVIRONMENT, f"shell-{tmp_path}", lambda line: begun.set())
        running = asyncio.create_task(shell.run("echo begun; sleep 300"))
        await asyncio.wait_for(begun.wait(), 5)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await shell.stop()
        assert find([f"shell-{tmp_path}"]) == []

    asyncio.run(main())


def test_nothing_stays_behind(tmp_path):
    open_before = len(os.listdir("/proc/self/fd"))
    session(tmp_path, ["exit 1", "sleep 300 &", "exit 2", "true"], scratch=tmp_path / "scratch")
    session(tmp_path, ["sleep 300 &", "true"], scratch=tmp_path / "scratch", keep=False)
    assert os.listdir(tmp_path / "scratch") == []
    assert len(os.listdir("/proc/self/fd")) == open_before
    assert not [child for child in psutil.Process().children() if child.name() in ("bash", "sh", "sleep")]


def test_only_the_shell_can_read_its_folder(tmp_path):
    code, lines = session(tmp_path, ["stat -c %a $(dirname $(ls -d scratch/*/script))"], scratch=tmp_path / "scratch")[
        0
    ]
    assert (code, lines) == (0, ["700"])


@pytest.mark.parametrize("shell", ["powershell.exe", "cmd.exe", "zsh"])
def test_other_shells_say_so(tmp_path, shell):
    with pytest.raises(AwsError, match=f"NotSimulated: The shell {shell} exists at AWS"):
        session(tmp_path, ["true"], shell=shell)


def test_a_folder_that_is_missing_is_told(tmp_path):
    async def main():
        await open_shell(tmp_path / "gone", ENVIRONMENT, "x", scratch=tmp_path)

    with pytest.raises(StartError, match="The shell bash could not be started: No such file"):
        asyncio.run(main())
    assert os.listdir(tmp_path) == []
