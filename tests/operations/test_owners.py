"""Whose objects are looked at is always said: nothing that is missing means everybody's."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from service.core.repository import EVERYONE

SERVICE = Path(__file__).resolve().parents[2] / "service"


def test_everyone_is_no_truth() -> None:
    """`if owner` and `owner or …` would take everybody for somebody: they fail at once."""
    with pytest.raises(TypeError, match="is EVERYONE"):
        bool(EVERYONE)


def test_no_owner_may_be_missing() -> None:
    """`owner` is an id or EVERYONE wherever it is asked for; an account of the ledger has another."""
    loose = [
        f"{path.relative_to(SERVICE)}:{node.lineno} {node.name}"
        for path in sorted(SERVICE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and "formats" not in path.parts
        for one in (*node.args.args, *node.args.kwonlyargs)
        if one.arg == "owner"
        and one.annotation is not None
        and "None" in ast.unparse(one.annotation)
    ]
    assert not loose
