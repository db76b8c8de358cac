"""Look for what is easily overlooked: imports that nothing uses, missing docstrings, overlong lines."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

FOLDERS = ("shop", "tests", "tools", "scripts")
LONGEST_LINE = 120


def findings(path: Path) -> Iterator[str]:
    """What is wrong in one file, each as `file:line: what`."""
    source = path.read_text()
    tree = ast.parse(source, str(path))
    for number, line in enumerate(source.splitlines(), 1):
        if len(line) > LONGEST_LINE:
            yield f"{path}:{number}: this line has {len(line)} characters; {LONGEST_LINE} are allowed"
    yield from (f"{path}:{line}: {name!r} is imported and not used" for name, line in unused_imports(tree))
    if path.parts[0] == "shop":
        yield from (f"{path}:{line}: {name!r} has no docstring" for name, line in undocumented(tree))


def unused_imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Names that an import brings in and no expression mentions."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                name = (alias.asname or alias.name).partition(".")[0]
                if name not in used:
                    yield name, node.lineno


def undocumented(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Functions and classes without a docstring, apart from private ones."""
    for node in ast.walk(tree):
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef)) or node.name.startswith("_"):
            continue
        if not ast.get_docstring(node):
            yield node.name, node.lineno


def main() -> None:
    """Print every finding; end with an error if there are any."""
    files = sorted(path for folder in FOLDERS for path in Path(folder).rglob("*.py"))
    found = [finding for path in files for finding in findings(path)]
    print("\n".join(found) or f"Nothing to complain about in {len(files)} files.")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
