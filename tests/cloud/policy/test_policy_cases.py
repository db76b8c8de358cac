"""How many cases of our own there are: each operator, modifier, principal form and path is a row in a table."""

import ast
from pathlib import Path

import pytest

from labsupport.cloud.policy.operators import OPERATORS

HERE = Path(__file__).parent
LEAST = 400


def rows(path: Path) -> int:
    """The items of the tables that a file's tests are parametrized by, written there or named by a constant."""
    tree = ast.parse(path.read_text())
    tables = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    found = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.parametrize" and len(node.args) > 1:
            table = node.args[1]
            value = tables.get(table.id) if isinstance(table, ast.Name) else table
            found += len(value.elts) if isinstance(value, ast.List) else 0
    return found


def test_there_are_enough_cases() -> None:
    counted = {path.name: rows(path) for path in HERE.glob("test_policy_*.py")}
    assert sum(counted.values()) >= LEAST, counted


@pytest.mark.parametrize("name", sorted(operator.name for operator in OPERATORS.values()))
def test_each_operator_is_in_the_tables(name: str) -> None:
    text = (HERE / "test_policy_operators.py").read_text()
    assert f'("{name}"' in text or f'"{name}":' in text or f'"{name}"' in text


@pytest.mark.parametrize("kind", ["AWS", "Service", "Federated", "CanonicalUser"])
def test_each_form_of_a_principal_is_in_the_tables(kind: str) -> None:
    assert f'{{"{kind}":' in (HERE / "test_policy_principals.py").read_text()


@pytest.mark.parametrize(
    "reason", ["identity", "resource", "trust", "boundary", "session", "scp", "rcp", "endpoint", "root"]
)
def test_each_reason_is_in_the_tables(reason: str) -> None:
    assert f'"{reason}")' in (HERE / "test_policy_evaluate.py").read_text()
