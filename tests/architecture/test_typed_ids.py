"""Nobody reads a person's or an object's kind off the first letters of a text: `Actor` and
`typeid.kind_of` say it.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from service.domain.identity.actors import ActorKind
from service.domain.identity.typeid import ObjectKind

ROOT = Path(__file__).resolve().parents[2]
READ_TEXT = {
    "service/domain/identity/actors.py",
    "service/domain/identity/typeid.py",
    "service/api/framework/examples.py",
}
"""What takes such a text apart for everybody else; the last makes examples from a pattern's first
letters.
"""

_PREFIXES = {text + end for text in (*ActorKind, *ObjectKind) for end in ("", ":", "_", ":%", "_%")}
_KINDS = "|".join(ActorKind)
_SQL = re.compile(
    rf"LIKE\s+'(?:(?:{_KINDS}):|[a-z]{{3}}\\?_)"
    rf"|~\s*'\^?\(?(?:{_KINDS})\b"
    r"|(?:split_part|left|substr|substring|starts_with)\s*\(\s*[\w.]*(?:actor|_by|\bid|_id)\b",
    re.IGNORECASE,
)


def _strings(node: ast.AST) -> set[str]:
    return {
        one.value
        for one in ast.walk(node)
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    }


def _reads_kind(node: ast.AST) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        said = set().union(*(_strings(argument) for argument in node.args)) if node.args else set()
        if node.func.attr in (
            "startswith",
            "removeprefix",
            "like",
            "not_like",
            "ilike",
            "regexp_match",
        ):
            return bool(said & _PREFIXES) or any(_SQL.search(f"~ '{one}") for one in said)
        owner = node.func.value
        named = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
        return (
            node.func.attr in ("split", "partition")
            and ":" in said
            and bool(re.search(r"actor|_by$", named))
        )
    if isinstance(node, ast.Compare):
        return _three_letters(node.left)
    return isinstance(node, ast.Subscript) and _three_letters(node.slice)


def _three_letters(node: ast.AST) -> bool:
    """`text[:3]`, where something is decided by it."""
    if (
        not isinstance(node, ast.Subscript)
        or not isinstance(node.slice, ast.Slice)
        or node.slice.lower is not None
    ):
        return False
    return isinstance(node.slice.upper, ast.Constant) and node.slice.upper.value == 3


def found_in(path: str, source: str) -> list[str]:
    """The lines of a Python, SQL or template file that read a kind off a text."""
    lines = [
        f"{path}:{number}"
        for number, line in enumerate(source.splitlines(), 1)
        if _SQL.search(line)
    ]
    if path.endswith(".py"):
        lines += [
            f"{path}:{node.lineno}"
            for node in ast.walk(ast.parse(source))
            if _reads_kind(node) and isinstance(node, ast.expr)
        ]
    if path.endswith(".html"):
        apart = re.compile(
            r"(?:actor|_by|\bid|_id)\.(?:split|partition|startswith)\(|(?:actor|_by|_id)\[:\d\]"
        )
        lines += [
            f"{path}:{number}"
            for number, line in enumerate(source.splitlines(), 1)
            if apart.search(line)
        ]
    return lines


def _sources() -> list[Path]:
    inside = [
        p
        for ending in ("*.py", "*.sql", "*.html")
        for top in ("service", "migrations")
        for p in sorted((ROOT / top).rglob(ending))
    ]
    frozen = re.compile(r"000\d_|released_")
    mine = [p for p in inside if "sandbox" not in p.parts and not frozen.match(p.name)]
    return [p for p in mine if str(p.relative_to(ROOT)) not in READ_TEXT]


def test_no_kind_is_read_off_a_text() -> None:
    assert len(_sources()) > 200
    found = [
        one
        for path in _sources()
        for one in found_in(str(path.relative_to(ROOT)), path.read_text())
    ]
    assert found == [], "use Actor.kind or typeid.kind_of"


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("a.py", 'object_id.startswith("pay_")'),
        ("a.py", 'person.startswith(("frl", "cli"))'),
        ("a.py", 'act.actor.split(":")[0]'),
        ("a.py", 'kind, _, reader = hold.opened_by.partition(":")'),
        ("a.py", 'Event.actor.regexp_match("^(freelancer|client):")'),
        ("a.py", 'Release.approved_by.not_like("client:%")'),
        ("a.py", "views[shown[:3]]"),
        ("a.py", 'here if here[:3] in ("hld", "cas") else there'),
        ("a.py", "\"SELECT 1 FROM event WHERE actor LIKE 'freelancer:%'\""),
        ("a.sql", "SELECT 1 FROM event WHERE actor ~ '^(freelancer|client):'"),
        ("a.sql", "SELECT split_part(e.actor, ':', 1) FROM event e"),
        ("a.sql", "SELECT 1 FROM export WHERE party LIKE 'frl_%'"),
        ("a.html", '{{ actor.split(":")[0] }}'),
    ],
)
def test_the_walk_sees(path: str, source: str) -> None:
    assert found_in(path, source)
