"""Act of the console by role, cell by cell, against a table that was written by hand:
console.csv.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from service.app import _routes
from service.pages.staff.actions import ACTIONS
from tests.console import Colleague
from tests.databases import clone
from tests.journey import WsgiHttp, path_of
from tests.world import World

ROWS = list(csv.DictReader(Path(__file__).with_name("console.csv").open()))
ROLES = ("finance", "safety", "approver", "reviewer", "admin")
CELLS = [(row["what"], role, row[role] == "yes") for row in ROWS for role in ROLES]
_OPEN = {
    "entrance.enter",
    "entrance.come_in",
    "entrance.link",
    "entrance.use_link",
    "entrance.leave",
}
"""Coming in and leaving are everybody's."""
_THROUGH_ACTS = {("GET", "/staff/do/<name>/<object_id>"), ("POST", "/staff/do/<name>/<object_id>")}
"""One address for every act: each act is a row of the table."""
_VALUES = {"month": "2026-01", "any(approve, refuse):decision": "approve", "name": "data.csv"}


@pytest.fixture(scope="module")
def desks() -> Iterator[tuple[World, dict[str, Colleague]]]:
    with clone() as world:
        found = {}
        for role in ROLES:
            found[role] = Colleague(
                WsgiHttp(world.app), world.sandbox, f"{role}@holdfast.example", world.work
            )
            entrance = found[role].get("/staff/enter")
            came = found[role].press("/staff/enter", entrance.forms[0], key=world.keys[role])
            assert came.status == 303
            assert path_of(came.headers["location"]) == (
                "/finance" if role == "finance" else "/staff"
            )
        yield world, found


def request_of(what: str) -> tuple[str, str]:
    """(method, path), of objects that are not there."""
    if what.startswith("act "):
        return "GET", f"/staff/do/{what.removeprefix('act ')}/hld_01m82jfcv7et69qsget0gz6yqr"
    method, _, route = what.partition(" ")
    if route == "/finance/month":
        return method, f"{route}?month=2026-01"
    return method, re.sub(
        r"<([^>]+)>", lambda m: _VALUES.get(m[1], "hld_01m82jfcv7et69qsget0gz6yqr"), route
    )


def test_the_table_has_every_act_and_every_page() -> None:
    served = {
        (method, rule.rule)
        for rule in _routes().url_map.iter_rules()
        if rule.rule.startswith(("/staff", "/finance")) and rule.endpoint not in _OPEN
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    acts = {row["what"].removeprefix("act ") for row in ROWS if row["what"].startswith("act ")}
    pages = {
        (row["what"].partition(" ")[0], row["what"].partition(" ")[2])
        for row in ROWS
        if not row["what"].startswith("act ")
    }
    assert acts == set(ACTIONS)
    assert pages == served - _THROUGH_ACTS


@pytest.mark.parametrize(("what", "role", "allowed"), CELLS, ids=str)
def test_the_cell(
    desks: tuple[World, dict[str, Colleague]], what: str, role: str, allowed: bool
) -> None:
    _, colleagues = desks
    method, path = request_of(what)
    sent = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
    body = urlencode(
        {
            "reason": "Because it is so, as everybody knows.",
            "regime": "eu_dac7",
            "in_scope": "yes",
            "reference": "x",
            "year": "2025",
            "export": "general_journal",
        }
    )
    reply = colleagues[role].http.request(
        method,
        path,
        body=body.encode() if method == "POST" else None,
        headers=sent if method == "POST" else None,
    )
    refused = reply.status == 403 and "This needs the right" in reply.text
    assert refused is not allowed, f"{reply.status} {reply.text[:300]}"
    assert reply.status < 500


@pytest.mark.parametrize("role", ROLES)
def test_no_page_offers_what_is_refused(
    desks: tuple[World, dict[str, Colleague]], role: str
) -> None:
    """Every form of the pages that somebody's role opens leads to something that their role may
    do.
    """
    _, colleagues = desks
    for what, who, allowed in CELLS:
        if who != role or not allowed or not what.startswith("GET ") or "<" in what:
            continue
        page = colleagues[role].get(request_of(what)[1])
        for form in page.forms:
            if form.method == "post" and form.action and "leave" not in form.action:
                reply = colleagues[role].http.request(
                    "POST",
                    path_of(form.action),
                    body=b"",
                    headers={
                        "Content-Type": "application/x-www-form-urlencoded",
                        "Sec-Fetch-Site": "same-origin",
                    },
                )
                assert "This needs the right" not in reply.text, (what, form.action)


def test_how_many_cells_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(
            f"\nconsole act × role: {len(CELLS)} cells, {sum(cell[2] for cell in CELLS)} of them "
            "allowed"
        )
    assert len(CELLS) == len(ROWS) * len(ROLES)
