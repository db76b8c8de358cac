"""The notes that the course began with: each line is practised somewhere, and the table says where."""

import re
from pathlib import Path

import pytest

from labsupport.course import registry

ROOT = Path(__file__).resolve().parents[2]
NOTES, TABLE = ROOT / "tests" / "data" / "seed-notes.md", ROOT / "docs" / "seed-notes.md"
ORIGINAL = ROOT.parent / "shared" / "design" / "seed-notes.md"
CHAPTERS = {"start", "code", "build", "test", "deploy", "provision", "release", "guard", "watch", "gameday", "exam"}
BULLET = re.compile(r"^\s*(?:[-*>]\s+)?(?:\[x\]\s+)?")


def statements(text: str) -> list[tuple[str, str]]:
    """Each line of the notes with the headings that it stands below."""
    headings: list[str] = []
    found = []
    for line in text.splitlines():
        heading = re.fullmatch(r"(#+) (.*)", line)
        if heading:
            headings = [*headings[: len(heading[1]) - 1], heading[2].strip()]
        elif BULLET.sub("", line).strip():
            found.append((" / ".join(headings), BULLET.sub("", line).strip()))
    return found


def rows() -> dict[tuple[str, str], str]:
    """The table: a note with its headings, and where it is practised."""
    heading, found = "", {}
    for line in TABLE.read_text().splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        elif line.startswith("| ") and not line.startswith("| note |"):
            note, where, _ = (cell.strip() for cell in line.strip("|").split(" | "))
            found[heading, note.replace("&#124;", "|")] = where
    return found


def unknown(where: str) -> list[str]:
    """What a cell names that is neither an exercise, nor a question, nor a chapter of the course."""
    known = {one.id for each in registry.chapters() for one in (*each.exercises, *each.questions)}
    names = re.findall(r"[a-z]+\.q?\d+", where)
    chapters = [name for part in re.findall(r"chapter ([a-z, ]+)", where) for name in part.split(", ")]
    assert names or chapters, f"{where!r} names nothing"
    return [name for name in names if name not in known] + [name for name in chapters if name not in CHAPTERS]


def test_every_line_of_the_notes_is_in_the_table_and_no_other():
    assert list(rows()) == statements(NOTES.read_text())


@pytest.mark.parametrize("where", sorted(set(rows().values())))
def test_what_practises_a_note_exists(where):
    assert unknown(where) == []


def test_chapters_that_are_there_are_chapters_of_the_course():
    assert {path.name for path in registry.OURS.iterdir() if (path / "__init__.py").is_file()} <= CHAPTERS


@pytest.mark.skipif(not ORIGINAL.exists(), reason="the original of the notes is not beside the repository")
def test_the_notes_are_those_that_the_course_began_with():
    assert NOTES.read_text() == ORIGINAL.read_text()


@pytest.mark.parametrize(("where", "wrong"), [("start.1", []), ("start.99", ["start.99"]), ("chapter cde", ["cde"])])
def test_a_wrong_name_is_found(where, wrong):
    assert unknown(where) == wrong
