"""Route by role, and route by permission, of the API, cell by cell over HTTP, against a table
written by hand: api.csv.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.api.framework.endpoints import needs
from service.app import _routes
from service.cli.admin import specification
from service.domain.identity.permissions import ROLE_PERMISSIONS, only_reads
from service.operations.people import people
from tests.databases import clone
from tests.journey import Program, Reply, WsgiHttp
from tests.world import World

ROWS = list(csv.DictReader(Path(__file__).with_name("api.csv").open()))
ROLES = tuple(ROLE_PERMISSIONS)
CELLS = [(row["method"], row["route"], role) for row in ROWS for role in ROLES]
OF_A_FREELANCER = ROLE_PERMISSIONS["freelancer"]
_WHO = {"freelancer": "ada"}
_UNKNOWN = "01m82jfcv7et69qsget0gz6yqr"
_BODIES = {
    "/v1/staff/key-requests": {
        "role": "safety",
        "name": "Mary Seacole",
        "email": "mary@seacole.example",
    }
}
_QUERIES = {"/v1/fee-quote": "?client=charles@babbage.example&amount=10000&currency=USD"}
"""Where a shape has a rule between its fields, or a query has to be there: whatever is refused
earlier proves nothing.
"""
_PREFIXES = {
    "period": "2026-01",
    "month": "2026-01",
    "export_name": "earnings",
    "name": "contract",
    "form": "pdf",
}


@pytest.fixture(scope="module")
def known() -> Iterator[World]:
    with clone() as world:
        yield world


@pytest.fixture(scope="module")
def paths() -> dict[str, Any]:
    found: dict[str, Any] = specification()["paths"]
    return found


def in_document(route: str) -> str:
    return re.sub(r"<(\w+)>", r"{\1}", route)


def call(program: Program, paths: dict[str, Any], row: dict[str, str]) -> Reply:
    """As the API's own document shows it; objects that are not there, so that what is allowed says
    404.
    """
    operation = paths[in_document(row["route"])][row["method"].lower()]
    path = re.sub(r"<(\w+)>", lambda m: _PREFIXES.get(m[1], f"ctr_{_UNKNOWN}"), row["route"])
    if row["method"] == "POST" and path in _BODIES:
        return program.call("POST", path, _BODIES[path])
    return program.send(row["method"], path + _QUERIES.get(path, ""), operation)


def refused_for_permission(reply: Reply) -> bool:
    assert reply.status < 500, f"{reply.status} {reply.text[:300]}"
    assert reply.status not in (400, 401, 405, 415)
    return reply.status == 403 and "The key needs the scope" in reply.text


def test_the_table_has_every_route_and_its_permission() -> None:
    app = _routes()
    served = {
        (method, rule.rule): " or ".join(needs(app.view_functions[rule.endpoint]) or ())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/v1")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert served == {(row["method"], row["route"]): row["permission"] for row in ROWS}


def test_every_permission_says_truly_whether_it_reads_or_writes() -> None:
    """What only looks needs a `:read`, and what does anything needs more."""
    for row in ROWS:
        for permission in filter(None, row["permission"].split(" or ")):
            assert only_reads(permission) is (row["method"] == "GET"), row


@pytest.mark.parametrize("role", ROLES)
def test_each_cell_of_a_role(known: World, paths: dict[str, Any], role: str) -> None:
    program = known.program(_WHO.get(role, role))
    wrong = []
    for row in ROWS:
        reply = call(program, paths, row)
        if refused_for_permission(reply) is (row[role] == "yes"):
            wrong.append((row["method"], row["route"], row[role], reply.status, reply.text[:120]))
    assert wrong == []


@pytest.mark.parametrize("permission", OF_A_FREELANCER)
def test_each_cell_of_a_permission(known: World, paths: dict[str, Any], permission: str) -> None:
    """A key that has this one permission opens the routes that name it, and no other."""
    with known.runtime.context("test") as ctx:
        _, secret = people.issue_key(ctx, "freelancer", "sandbox", known.ada_id, [permission])
    program = Program(WsgiHttp(known.app), secret)
    wrong = []
    for row in ROWS:
        allowed = row["permission"] == "" or permission in row["permission"].split(" or ")
        if refused_for_permission(call(program, paths, row)) is allowed:
            wrong.append((row["method"], row["route"], allowed))
    assert wrong == []


def test_without_a_key_nothing_is_said(known: World, paths: dict[str, Any]) -> None:
    program = Program(WsgiHttp(known.app), "hf_test_nobody")
    assert {call(program, paths, row).status for row in ROWS} <= {401, 422}


def test_what_one_permission_did_beside_reading_is_gone(known: World) -> None:
    """`payments:read` alone issued a certificate."""
    with known.runtime.context("test") as ctx:
        _, secret = people.issue_key(ctx, "freelancer", "sandbox", known.ada_id, ["payments:read"])
    reply = Program(WsgiHttp(known.app), secret).call(
        "POST", "/v1/certificates", {"period": "2026-01"}
    )
    assert (reply.status, reply.json()["code"]) == (403, "missing_scope")
    assert (
        known.sql("SELECT count(*) AS n FROM certificate WHERE freelancer_id <> freelancer_id")[0].n
        == 0
    )


def test_how_many_cells_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    one = len(ROWS) * len(OF_A_FREELANCER)
    allowed = sum(row[role] == "yes" for row in ROWS for role in ROLES)
    with capsys.disabled():
        print(
            f"\nroute × role: {len(CELLS)} cells, {allowed} of them allowed; route × single "
            f"permission: {one} cells"
        )
    assert len(CELLS) == len(ROWS) * len(ROLES)
