"""What the learner starts from: the shop with three faults to find, and the stock's repository with one."""

import shutil
from pathlib import Path

from labsupport import samples

STOCK = Path(__file__).parent / "material" / "stock"

# In each file of the shop: what stands in the sample, and what the learner gets instead.
CHANGES = {
    "buildspec.yml": [
        (
            "    - SHOP_VERSION                  # later actions of a pipeline can refer to it\n",
            "    - SHOP_VERSION                  # later actions of a pipeline can refer to these\n    - AUDIENCE\n",
        ),
        (
            "  pre_build:\n    commands:\n",
            "  pre_build:\n    commands:\n"
            '      - test -n "$AUDIENCE" || { echo "AUDIENCE is not set, for whom is this release?"; exit 1; }\n',
        ),
    ],
    "appspec.yml": [("  ValidateService:\n    - location: scripts/validate.sh\n      timeout: 60\n", "")],
    "shop/basket.py": [(samples.RIGHT, samples.WRONG)],
    # As many rules, tried on fewer baskets: a learner waits for many builds.
    "tests/test_basket_rules.py": [("HOW_MANY = 15_000", "HOW_MANY = 2_000")],
    "tests/test_load.py": [("BASKETS_EACH = 60", "BASKETS_EACH = 10")],
}


def put_shop(folder: Path) -> None:
    """The shop's files, for the learner to copy into a clone. What is there already stays."""
    if folder.exists():
        return
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    samples.copy_shop(fresh, "1.0.0")
    for name, changes in CHANGES.items():
        _change(fresh / name, changes)
    fresh.rename(folder)


def _change(path: Path, changes: list[tuple[str, str]]) -> None:
    text = path.read_text()
    for old, new in changes:
        if text.count(old) != 1:
            raise ValueError(f"{path.name} should have {old!r} once, and has it {text.count(old)} times.")
        text = text.replace(old, new)
    path.write_text(text)


def stock() -> list[dict[str, object]]:
    """The stock's files as CodeCommit's CreateCommit takes them."""
    return [{"filePath": path.name, "fileContent": path.read_bytes()} for path in sorted(STOCK.iterdir())]
