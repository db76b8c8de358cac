"""What travels through the demo's chain: a sample application, and the documents that the chain is set up with.

`shop/` is the content of a learner's repository. `policies/` holds the trust and permission policies
of the chain's roles, `pipeline.json` the pipeline and `rule.json` the event that starts it. The
documents have placeholders such as `${Bucket}`, which `fill` replaces.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
PLACEHOLDER = re.compile(r"\$\{([A-Za-z]+)\}")  # an IAM policy variable has a colon: ${aws:username} stays as it is

RIGHT = "if amount == 0 or amount >= FREE_SHIPPING_FROM:"
WRONG = "if amount == 0 or amount > FREE_SHIPPING_FROM:"


def copy_shop(folder: Path, version: str = "1.0.0") -> None:
    """Put the sample application into `folder` (made if need be), as release `version`.

    FileExistsError, before anything is written, if one of the application's files is there already:
    nobody's work is overwritten.
    """
    check_version(version)
    source = FOLDER / "shop"
    files = [path.relative_to(source) for path in source.rglob("*") if path.is_file() and not compiled(path)]
    taken = sorted(str(path) for path in files if (folder / path).exists())
    if taken:
        raise FileExistsError(f"{folder} already has {', '.join(taken)}. Choose a folder without them.")
    for path in files:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / path, folder / path)
    set_version(folder, version)


def break_test(folder: Path) -> None:
    """Make the mistake that the unit tests are there for: orders of exactly 50.00 pay for shipping again."""
    replace_line(folder, RIGHT, WRONG)


def mend(folder: Path, version: str) -> None:
    """Undo `break_test`, and call the result `version`."""
    check_version(version)
    replace_line(folder, WRONG, RIGHT)
    set_version(folder, version)


def set_version(folder: Path, version: str) -> None:
    """Write `version`, three numbers such as 1.4.2, into the application's VERSION file."""
    check_version(version)
    (folder / "VERSION").write_text(f"{version}\n")


def fill(name: str, **values: str) -> dict[str, Any]:
    """The document `name` (`codebuild-role-policy`, `pipeline`, `rule`) with its placeholders replaced.

    One set of values serves every document: those that a document doesn't mention are left unused.
    KeyError, naming them, if placeholders are left over; FileNotFoundError if there is no such document.
    """
    text = document(name).read_text()
    missing = sorted(set(PLACEHOLDER.findall(text)) - set(values))
    if missing:
        raise KeyError(f"{name}.json needs a value for {', '.join(missing)}.")
    filled: dict[str, Any] = replaced(json.loads(text), values)
    return filled


def replaced(value: Any, values: dict[str, str]) -> Any:
    """`value` of a document with the placeholders in all its strings replaced."""
    if isinstance(value, dict):
        return {key: replaced(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [replaced(item, values) for item in value]
    if isinstance(value, str):
        return PLACEHOLDER.sub(lambda found: values[found[1]], value)
    return value


def documents() -> list[str]:
    """The names that `fill` knows."""
    return sorted(path.stem for path in [*FOLDER.glob("*.json"), *FOLDER.glob("policies/*.json")])


def document(name: str) -> Path:
    """The file of a document."""
    if name not in documents():
        raise FileNotFoundError(f"There is no document {name!r}. There are {', '.join(documents())}.")
    at_top = FOLDER / f"{name}.json"
    return at_top if at_top.exists() else FOLDER / "policies" / f"{name}.json"


def replace_line(folder: Path, old: str, new: str) -> None:
    """Change one line of shop/basket.py; ValueError if it isn't there."""
    path = folder / "shop" / "basket.py"
    source = path.read_text()
    if source.count(old) != 1:
        raise ValueError(f"{path} should have the line {old!r} once, and has it {source.count(old)} times.")
    path.write_text(source.replace(old, new))


def check_version(version: str) -> None:
    """ValueError unless `version` is three numbers."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version, re.ASCII):
        raise ValueError(f"A version is three numbers such as 1.4.2, and this is {version!r}.")


def compiled(path: Path) -> bool:
    """Whether Python or a build made this file, rather than a person."""
    return "__pycache__" in path.parts or ".pycache" in path.parts or path.name == "build-info.json"
