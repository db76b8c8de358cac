"""Archives that are attacks are refused with nothing left behind; honest ones keep names, modes and links."""

import gzip
import io
import os
import random
import stat
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

from labsupport.files.archive import ArchiveError, Limits, pack, pack_folder, unpack

LINK = stat.S_IFLNK | 0o777


def zipped(*entries):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content, mode in entries:
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
            info.external_attr = mode << 16
    return data.getvalue()


def tarred(*entries, mode="w:gz"):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode) as archive:
        for name, content, kind, permissions in entries:
            member = tarfile.TarInfo(name)
            member.mode, member.type = permissions, kind
            if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
                member.linkname, content = content, ""
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content.encode()))
    return data.getvalue()


def contents(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


GOOD_ZIP = zipped(
    ("bin/run", "#!/bin/sh\n", stat.S_IFREG | 0o755),
    ("./notes.txt", "hello", stat.S_IFREG | 0o640),
    ("empty/", "", stat.S_IFDIR | 0o750),
    ("bin/latest", "run", LINK),
    ("up", "bin/../notes.txt", LINK),
    ("plain", "made elsewhere", 0),
)
GOOD_TAR = [
    ("bin", "", tarfile.DIRTYPE, 0o755),
    ("bin/run", "#!/bin/sh\n", tarfile.REGTYPE, 0o755),
    ("./notes.txt", "hello", tarfile.REGTYPE, 0o640),
    ("empty", "", tarfile.DIRTYPE, 0o750),
    ("bin/latest", "run", tarfile.SYMTYPE, 0o777),
    ("up", "bin/../notes.txt", tarfile.SYMTYPE, 0o777),
    ("plain", "made elsewhere", tarfile.REGTYPE, 0o644),
]


@pytest.mark.parametrize(
    "data",
    [GOOD_ZIP, tarred(*GOOD_TAR), tarred(*GOOD_TAR, mode="w")],
    ids=["zip", "tgz", "tar"],
)
def test_an_honest_archive_comes_out_as_it_went_in(tmp_path, data):
    names = unpack(data, tmp_path / "out")
    out = tmp_path / "out"
    assert sorted(names) == ["bin/latest", "bin/run", "notes.txt", "plain", "up"]
    assert contents(out) == ["bin", "bin/latest", "bin/run", "empty", "notes.txt", "plain", "up"]
    assert (out / "bin/run").stat().st_mode & 0o777 == 0o755
    assert (out / "notes.txt").stat().st_mode & 0o777 == 0o640
    assert (out / "empty").stat().st_mode & 0o777 == 0o750
    assert (out / "plain").stat().st_mode & 0o777 == 0o644
    assert os.readlink(out / "bin/latest") == "run"
    assert (out / "up").read_text() == "hello"


def test_a_file_on_disk_is_unpacked_too(tmp_path):
    (tmp_path / "a.zip").write_bytes(GOOD_ZIP)
    assert "plain" in unpack(tmp_path / "a.zip", tmp_path / "out")


def test_an_empty_zip_holds_nothing(tmp_path):
    assert unpack(zipped(), tmp_path / "out") == []


def test_modes_are_made_safe(tmp_path):
    unpack(zipped(("s", "x", stat.S_IFREG | 0o6777), ("n", "x", stat.S_IFREG)), tmp_path)
    assert (tmp_path / "s").stat().st_mode & 0o7777 == 0o777
    assert (tmp_path / "n").stat().st_mode & 0o7777 == 0o600


F = stat.S_IFREG | 0o644
T = tarfile.REGTYPE


@pytest.mark.parametrize(
    ("data", "entry", "cause"),
    [
        (zipped(("ok", "x", F), ("../evil", "x", F)), "../evil", "leaves the folder"),
        (zipped(("a/../../evil", "x", F)), "a/../../evil", "leaves the folder"),
        (zipped(("a/..", "x", F)), "a/..", "leaves the folder"),
        (zipped(("/etc/evil", "x", F)), "/etc/evil", "absolute path"),
        (zipped(("C:\\evil", "x", F)), "C:\\evil", "absolute path"),
        (zipped(("l", "../out2", LINK)), "l", "link that leaves the folder (to '../out2')"),
        (zipped(("l", "/etc", LINK)), "l", "link that leaves the folder"),
        (zipped(("l", "", LINK)), "l", "link to nowhere"),
        (zipped(("l", "a" * 5000, LINK)), "l", "impossibly long"),
        (zipped(("s/t/l", "../..", LINK), ("m", "s/t/l/..", LINK)), "m", "link that leaves the folder"),
        (zipped(("l", ".", LINK), ("l/x", "y", F)), "l", "is there already"),
        (zipped(("l/x", "y", F), ("l", ".", LINK)), "l", "is there already"),
        (zipped(("a", "x", F), ("a/b", "x", F)), "a/b", "a file or a link"),
        (zipped(("a/b", "x", F), ("a", "x", F)), "a", "is there already"),
        (zipped(("a", "x", F), ("./a", "x", F)), "./a", "stands twice"),
        (zipped(("dev", "", stat.S_IFCHR | 0o666)), "dev", "special file"),
        (zipped(("pipe", "", stat.S_IFIFO | 0o666)), "pipe", "special file"),
        (zipped(("n" * 300, "x", F)), "n" * 60 + "…", "too long"),
        (tarred(("../evil", "x", T, 0o644)), "../evil", "leaves the folder"),
        (tarred(("/evil", "x", T, 0o644)), "/evil", "absolute path"),
        (tarred(("a", "x", T, 0o644), ("h", "a", tarfile.LNKTYPE, 0o644)), "h", "a hard link (to 'a')"),
        (tarred(("h", "/etc/passwd", tarfile.LNKTYPE, 0o644)), "h", "a hard link"),
        (tarred(("dev", "", tarfile.CHRTYPE, 0o644)), "dev", "special file"),
        (tarred(("blk", "", tarfile.BLKTYPE, 0o644)), "blk", "special file"),
        (tarred(("pipe", "", tarfile.FIFOTYPE, 0o644)), "pipe", "special file"),
        (tarred(("l", "/etc", tarfile.SYMTYPE, 0o777), ("l/x", "y", T, 0o644)), "l", "link that leaves the folder"),
        (tarred(("a/l", "../../x", tarfile.SYMTYPE, 0o777)), "a/l", "link that leaves the folder"),
        (b"", "", "neither a zip, a tar nor a tar.gz"),
        (b"hello world" * 100, "", "neither a zip, a tar nor a tar.gz"),
        (b"PK\x03\x04 and no more", "", "damaged"),
        (gzip.compress(b"hello"), "", "neither a zip"),
        (tarred(*GOOD_TAR)[:100], "", ""),
        (GOOD_ZIP[:-30], "", "damaged"),
    ],
    ids=lambda value: "data" if isinstance(value, bytes) else None,  # the bytes hold the time: no name for a test
)
def test_attacks_and_damage_leave_nothing_behind(tmp_path, data, entry, cause):
    out = tmp_path / "inner" / "out"
    with pytest.raises(ArchiveError) as caught:
        unpack(data, out)
    assert caught.value.entry == entry
    assert cause in str(caught.value)
    assert [path for path in contents(tmp_path) if path not in ("inner", "inner/out")] == []


def test_an_encrypted_entry_is_refused(tmp_path):
    data = bytearray(zipped(("secret", "x", F)))
    for start in (data.index(b"PK\x03\x04") + 6, data.index(b"PK\x01\x02") + 8):
        data[start] |= 1
    with pytest.raises(ArchiveError, match="'secret': it is encrypted"):
        unpack(bytes(data), tmp_path)


def test_a_flipped_byte_in_the_contents_is_noticed(tmp_path):
    data = bytearray(zipped(("a", "x" * 50, F)))
    data[32] ^= 0xFF
    with pytest.raises(ArchiveError, match="'a': the archive is damaged"):
        unpack(bytes(data), tmp_path / "out")
    assert contents(tmp_path / "out") == []


def test_an_entry_is_not_written_through_a_link_that_was_there(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out/d").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ArchiveError, match="a file or a link"):
        unpack(zipped(("d/x", "y", F)), tmp_path / "out")
    (tmp_path / "out/f").symlink_to(tmp_path / "elsewhere/f")
    with pytest.raises(ArchiveError, match="is there already"):
        unpack(zipped(("f", "y", F)), tmp_path / "out")
    unpack(zipped(("f", "y", F)), tmp_path / "out", overwrite=True)
    assert contents(tmp_path / "elsewhere") == []
    assert (tmp_path / "out/f").read_text() == "y"


def test_files_that_were_there_stay_unless_told(tmp_path):
    (tmp_path / "a").write_text("old")
    with pytest.raises(ArchiveError, match="is there already"):
        unpack(zipped(("b", "x", F), ("a", "new", F)), tmp_path)
    assert (tmp_path / "a").read_text() == "old"
    assert contents(tmp_path) == ["a"]
    unpack(zipped(("a", "new", F)), tmp_path, overwrite=True)
    assert (tmp_path / "a").read_text() == "new"


ZEROS = "\0" * 2_000_000


@pytest.mark.parametrize(
    ("data", "limits", "cause"),
    [
        (zipped(("a", ZEROS, F)), Limits(size=1_000_000), "more than 1,000,000 bytes"),
        (zipped(*((f"f{i}", "x" * 300_000, F) for i in range(4))), Limits(size=1_000_000), "more than 1,000,000 bytes"),
        (zipped(("a", ZEROS, F)), Limits(ratio=50, ratio_from=100_000), "more than 50 times its size"),
        (zipped(*((f"f{i}", "", F) for i in range(20))), Limits(entries=10), "more than 10 entries"),
        (tarred(("a", ZEROS, T, 0o644)), Limits(size=1_000_000), "more than 1,000,000 bytes"),
        (tarred(("a", ZEROS, T, 0o644)), Limits(ratio=50, ratio_from=100_000), "more than 50 times its size"),
        (tarred(*((f"f{i}", "", T, 0o644) for i in range(20))), Limits(entries=10), "more than 10 entries"),
    ],
)
def test_bombs_are_stopped(tmp_path, data, limits, cause):
    with pytest.raises(ArchiveError, match=cause):
        unpack(data, tmp_path / "out", limits)
    assert not (tmp_path / "out").exists() or contents(tmp_path / "out") == []


def test_a_bomb_in_a_tar_header_is_stopped(tmp_path):
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 40_000_000
    data = gzip.compress(header.tobuf(tarfile.USTAR_FORMAT) + b"\0" * 40_000_000)
    with pytest.raises(ArchiveError, match="unpacks to more than"):
        unpack(data, tmp_path / "out", Limits(size=1_000_000))


def test_random_damage_never_raises_anything_else(tmp_path):
    source = random.Random(7)
    for round_ in range(300):
        data = bytearray(source.choice([GOOD_ZIP, tarred(*GOOD_TAR, mode="w"), tarred(*GOOD_TAR)]))
        for _ in range(source.randint(1, 8)):
            data[source.randrange(len(data))] = source.randrange(256)
        try:
            unpack(bytes(data), tmp_path / str(round_) / "out")
        except ArchiveError:
            pass
        assert {path.name for path in (tmp_path / str(round_)).glob("*")} <= {"out"}


def make(folder):
    (folder / "sub").mkdir(parents=True)
    (folder / "none").mkdir()
    (folder / "b.sh").write_text("#!/bin/sh\n")
    (folder / "b.sh").chmod(0o755)
    (folder / "sub/é.txt").write_text("ü" * 1000)
    (folder / "sub/link").symlink_to("../b.sh")
    return folder


def test_packing_a_folder_and_unpacking_it_gives_the_folder(tmp_path):
    folder = make(tmp_path / "in")
    packed = pack_folder(folder, tmp_path / "a.zip")
    unpack(packed, tmp_path / "out")
    assert contents(tmp_path / "out") == contents(folder)
    assert (tmp_path / "out/b.sh").stat().st_mode == (folder / "b.sh").stat().st_mode
    assert os.readlink(tmp_path / "out/sub/link") == "../b.sh"
    assert (tmp_path / "out/sub/é.txt").read_text() == "ü" * 1000


def test_a_zip_inside_its_own_folder_is_left_out(tmp_path):
    folder = make(tmp_path / "in")
    packed = pack_folder(folder, folder / "a.zip")
    assert "a.zip" not in zipfile.ZipFile(packed).namelist()


def test_the_same_contents_give_the_same_bytes(tmp_path):
    first = pack_folder(make(tmp_path / "one"), tmp_path / "1.zip", fixed_times=True)
    os.utime(make(tmp_path / "two") / "b.sh", (time.time() - 10_000,) * 2)
    second = pack_folder(tmp_path / "two", tmp_path / "2.zip", fixed_times=True)
    assert first.read_bytes() == second.read_bytes()
    third = pack_folder(tmp_path / "two", tmp_path / "3.zip")
    assert third.read_bytes() != second.read_bytes()


def test_links_are_followed_unless_kept(tmp_path):
    folder = make(tmp_path / "in")
    entries = [(folder / "sub/link", "link"), (folder / "b.sh", "a.sh")]
    assert zipfile.ZipFile(pack(entries, tmp_path / "a.zip")).read("link") == b"#!/bin/sh\n"
    names = zipfile.ZipFile(pack(entries, tmp_path / "b.zip", links=True)).namelist()
    assert names == ["a.sh", "link"]
    unpack(tmp_path / "a.zip", tmp_path / "out")
    assert not (tmp_path / "out/link").is_symlink()


@pytest.mark.parametrize(
    ("entries", "cause"),
    [
        ([("missing", "m")], "'m': it cannot be packed: No such file"),
        ([("here", "x"), ("here", "x")], "'x': it cannot be packed: the name stands twice"),
        ([("pipe", "p")], "'p': it cannot be packed: it is a device"),
    ],
)
def test_what_cannot_be_packed_leaves_no_file(tmp_path, entries, cause):
    (tmp_path / "here").write_text("x")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ArchiveError, match=cause):
        pack([(tmp_path / path, name) for path, name in entries], tmp_path / "a.zip")
    assert not [path for path in Path(tmp_path).iterdir() if "zip" in path.name]


def test_files_older_than_zip_itself_are_packed(tmp_path):
    (tmp_path / "old").write_text("x")
    os.utime(tmp_path / "old", (0, 0))
    assert zipfile.ZipFile(pack([(tmp_path / "old", "old")], tmp_path / "a.zip")).namelist() == ["old"]
