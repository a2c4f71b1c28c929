"""docs/permissions.md: who may do what, from the code: routes of the API, pages of a contract, acts
of the console.
"""

from __future__ import annotations

from service.api.framework.endpoints import needs
from service.app import _routes
from service.domain.identity.permissions import ROLE_PERMISSIONS, only_reads
from service.pages.link_roles import LinkRole, may
from service.pages.staff.actions import ACTIONS
from service.pages.staff.session import right_of

_STAFF = [role for role in ROLE_PERMISSIONS if role not in ("freelancer", "platform")]


def page() -> str:
    """The three tables; the tests have each of them once more, written by hand, and try every
    cell.
    """
    out = [
        "# Who may do what",
        "",
        (
            "Generated from the code. `tests/permissions` has the same tables written by hand and "
            "tries every cell of them."
        ),
        "",
        *_api(),
        *_pages(),
        *_console(),
    ]
    return "\n".join(out) + "\n"


def _cells(*allowed: bool) -> str:
    return " | ".join("yes" if one else "-" for one in allowed)


def _head(first: str, *names: str) -> list[str]:
    return [f"| {first} | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]


def _api() -> list[str]:
    app = _routes()
    rows = []
    for rule in sorted(app.url_map.iter_rules(), key=lambda one: one.rule):
        needed = needs(app.view_functions[rule.endpoint])
        if needed is None:
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            given = [
                not needed or bool(set(needed).intersection(held))
                for held in ROLE_PERMISSIONS.values()
            ]
            named = " or ".join(f"`{one}`" for one in needed) or "any key"
            rows.append(
                (
                    (
                        f"| `{method} {rule.rule.replace('<', '{').replace('>', '}')}` | {named} | "
                        f"{_cells(*given)} |"
                    ),
                    len(given),
                )
            )
    head = _head("route", "permission", *ROLE_PERMISSIONS)
    cells = sum(count for _, count in rows)
    return [
        "## The API: route by role",
        "",
        (
            f"{len(rows)} routes, {cells} cells. A permission that ends in `:read` changes nothing; "
            "every other one writes."
        ),
        "",
        *head,
        *(text for text, _ in rows),
        "",
        *_permissions(),
    ]


def _permissions() -> list[str]:
    known = sorted({one for held in ROLE_PERMISSIONS.values() for one in held})
    lines = [
        f"| `{one}` | {'reads' if only_reads(one) else 'writes'} | "
        f"{_cells(*(one in held for held in ROLE_PERMISSIONS.values()))} |"
        for one in known
    ]
    return [
        "### What the keys of a role have at most",
        "",
        *_head("permission", "what", *ROLE_PERMISSIONS),
        *lines,
        "",
    ]


def _pages() -> list[str]:
    rules = sorted(
        (rule for rule in _routes().url_map.iter_rules() if rule.rule.startswith("/c/")),
        key=lambda one: one.rule,
    )
    rows = [
        f"| `{method} {rule.rule.replace('<', '{').replace('>', '}')}` | "
        f"{_cells(*(may(role, rule.endpoint) for role in LinkRole))} |"
        for rule in rules
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]
    return [
        "## A contract's pages: page by link",
        "",
        (
            f"{len(rows)} pages and forms, {len(rows) * len(LinkRole)} cells. `payer` is the "
            "client's own link; what binds asks for a code as well."
        ),
        "",
        *_head("page", *LinkRole),
        *rows,
        "",
    ]


def _console() -> list[str]:
    app = _routes()
    rows: list[tuple[str, tuple[str, ...]]] = [
        (f"act `{name}`", (right,)) for name, (right, _) in ACTIONS.items()
    ]
    for rule in sorted(app.url_map.iter_rules(), key=lambda one: one.rule):
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            rights = right_of(app.view_functions[rule.endpoint])
            rows += (
                [(f"`{method} {rule.rule.replace('<', '{').replace('>', '}')}`", rights)]
                if rights
                else []
            )
    lines = [
        f"| {what} | {' or '.join(f'`{one}`' for one in rights)} | "
        f"{_cells(*(bool(set(rights).intersection(ROLE_PERMISSIONS[role])) for role in _STAFF))} |"
        for what, rights in rows
    ]
    return [
        "## The console: act by role",
        "",
        (
            f"{len(rows)} acts and pages, {len(rows) * len(_STAFF)} cells. Acts about money and "
            "people's rights ask for a proof of the last five minutes."
        ),
        "",
        *_head("what", "right", *_STAFF),
        *lines,
        "",
    ]
