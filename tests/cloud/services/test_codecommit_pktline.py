"""git's packet lines, well formed and not."""

import random

import pytest

from labsupport.cloud.services.codecommit.pktline import (
    FLUSH,
    Command,
    Malformed,
    Push,
    lines,
    packet,
    push_head,
    read,
    refusal,
)

OLD, NEW, NONE = "a" * 40, "b" * 40, "0" * 40


def head(*commands: tuple[str, str, str], capabilities: str = " report-status side-band-64k") -> bytes:
    """The commands as git sends them, the capabilities behind the first."""
    sent = b""
    for number, command in enumerate(commands):
        after = f"\0{capabilities}" if number == 0 else ""
        sent += packet(f"{' '.join(command)}{after}".encode())
    return sent + FLUSH


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"0006a\n", (b"a\n", 6)),
        (b"0004", (b"", 4)),
        (b"0000", (None, 4)),
        (b"0001", (None, 4)),
        (b"0002rest", (None, 4)),
        (b"0009abc", None),
        (b"00", None),
        (b"", None),
    ],
)
def test_one_packet(data: bytes, found: tuple[bytes | None, int] | None) -> None:
    assert read(data, 0) == found


@pytest.mark.parametrize("data", [b"0003", b"zzzz", b"-001", b"+005", b" 005x", b"fff1", b"ffff", b"00\xff0", b"1_00"])
def test_no_packet(data: bytes) -> None:
    with pytest.raises(Malformed):
        read(data, 0)


def test_lines_leave_out_flushes_and_what_is_not_whole() -> None:
    assert list(lines(packet(b"a") + FLUSH + b"0001" + packet(b"b") + b"0009x")) == [b"a", b"b"]


def test_the_head_of_a_push() -> None:
    sent = head((OLD, NEW, "refs/heads/main"), (NEW, NONE, "refs/heads/ünï"))
    expected = [Command(OLD, NEW, "refs/heads/main"), Command(NEW, NONE, "refs/heads/ünï")]
    assert push_head(sent + b"PACK") == Push(expected, ["report-status", "side-band-64k"], len(sent))
    assert all(push_head(sent[:length]) is None for length in range(len(sent)))


def test_shallow_lines_come_before_the_commands() -> None:
    push = push_head(packet(f"shallow {OLD}".encode()) + head((NONE, NEW, "refs/heads/a")))
    assert push is not None
    assert push.commands == [Command(NONE, NEW, "refs/heads/a")]
    assert push.capabilities == ["report-status", "side-band-64k"]


def test_a_probe_has_no_commands() -> None:
    assert push_head(FLUSH) == Push([], [], 4)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"push-cert\0 report-status",
        f"{OLD} {NEW}".encode(),
        f"{OLD[:39]} {NEW} refs/heads/a".encode(),
        f"{'G' * 40} {NEW} refs/heads/a".encode(),
        f"{OLD} {NEW} refs/heads/".encode() + b"\xff",
    ],
)
def test_lines_that_are_no_commands(line: bytes) -> None:
    with pytest.raises(Malformed):
        push_head(packet(line) + FLUSH)


def test_a_refusal_names_each_reference() -> None:
    push = Push([Command(OLD, NEW, "refs/heads/a"), Command(OLD, NEW, "refs/heads/b")], ["report-status"], 0)
    reasons = {"refs/heads/a": "not\nallowed", "refs/heads/b": "neither"}
    report = [b"unpack ok\n", b"ng refs/heads/a not allowed\n", b"ng refs/heads/b neither\n"]
    assert list(lines(refusal(push, reasons, "told"))) == report
    side = push._replace(capabilities=["side-band-64k"])
    told, wrapped = lines(refusal(side, reasons, "told"))
    assert (told, wrapped[:1]) == (b"\2told\n", b"\1")
    assert list(lines(wrapped[1:])) == report


def test_a_long_message_is_cut_into_packets() -> None:
    push = Push([Command(OLD, NEW, "refs/heads/a")], ["side-band-64k"], 0)
    parts = [line[1:] for line in lines(refusal(push, {"refs/heads/a": "no"}, "x" * 150_000)) if line[:1] == b"\2"]
    assert len(parts) == 3
    assert b"".join(parts) == b"x" * 150_000 + b"\n"


def test_no_bytes_at_all_surprise_the_reader() -> None:
    seeded = random.Random(7)
    good = head((OLD, NEW, "refs/heads/main"))
    for _ in range(2000):
        data = bytearray(good if seeded.random() < 0.7 else seeded.randbytes(60))
        for _ in range(seeded.randrange(1, 4)):
            data[seeded.randrange(len(data))] = seeded.randrange(256)
        try:
            push = push_head(bytes(data))
        except Malformed:
            continue
        assert push is None or push.length <= len(data)
