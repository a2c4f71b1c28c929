"""Somebody else's object and one that does not exist: the same answer, byte for byte, by the same
statements.

Every place of the API that takes an id of ours: parts of addresses, fields of bodies, parameters.
Whoever asks is a freelancer with a key of every scope and nothing of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import select

from service.models import Contract, new_id
from service.operations.people import people
from tests.incoming.api_fields import (
    Operation,
    body_fields,
    kind_ids,
    leaves,
    operations,
    with_value,
)
from tests.incoming.everything import Watch, everything, key_of
from tests.journey import Program, Reply, WsgiHttp
from tests.safety.test_holds import WHY

_ID = re.compile("[a-z]{3}_[0-7][0-9a-hjkmnp-tv-z]{25}")
_INSTANT = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|\+00:00)")
_UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Outsider:
    """A freelancer without anything, each of whose calls is taken down with the statements that it
    made.
    """

    def __init__(self, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world, self.kinds = watch.world, kind_ids(watch.world)
        self.statements: list[str] = []
        self._listen(monkeypatch)
        with self.world.runtime.context("test") as ctx:
            who = people.create_freelancer(
                ctx,
                external_ref="out",
                email="out@sider.example",
                display_name="Out Sider",
                country="GB",
            )
            ctx.session.flush()
            self.program = Program(
                WsgiHttp(self.world.app), people.issue_key(ctx, "freelancer", "sandbox", who.id)[1]
            )

    def _listen(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """At the driver, below SQLAlchemy and beside it: nothing that asks the database goes
        another way.
        """
        execute = psycopg.Cursor.execute

        def noted(cursor: Any, query: Any, *given: Any, **more: Any) -> Any:
            self.statements.append(query if isinstance(query, str) else str(query))
            return execute(cursor, query, *given, **more)

        monkeypatch.setattr(psycopg.Cursor, "execute", noted)

    def ask(self, operation: Operation, address: str, body: Any) -> tuple[int, str, list[str]]:
        self.statements.clear()
        if operation.takes_file:
            reply = self.program.upload(address, "a.txt", b"words")
        else:
            headers = {"If-Match": '"v1"'} if operation.method == "patch" else {}
            reply = self.program.call(operation.method.upper(), address, body, headers=headers)
        return reply.status, _plain(reply), list(self.statements)


def _plain(reply: Reply) -> str:
    """The answer without what differs between any two calls: the call's own number and instant, and
    the ids that were asked for.
    """
    headers = sorted(
        (k, v)
        for k, v in reply.headers.items()
        if k not in ("request-id", "date", "content-length")
    )
    told = _INSTANT.sub("<instant>", f"{reply.text}{headers}")
    return _UUID.sub("<number>", _ID.sub("<id>", re.sub("req_[0-9a-f]+", "<request>", told)))


@pytest.fixture(scope="module")
def watch() -> Iterator[Watch]:
    with everything(log_level="ERROR") as made:
        _one_of_each(made)
        yield made


def _one_of_each(watch: Watch) -> None:
    """What the old release's data has none of, made by its owners."""
    world = watch.world
    with world.db.transaction() as session:
        owner = session.execute(select(Contract.freelancer_id).limit(1)).scalar_one()
    ada = key_of(world, owner)
    ada.post("/v1/accountant-links", {"name": "Luca Pacioli", "days": 30})
    ada.post(
        "/v1/pre-checks",
        {"client": {"email": "charles@babbage.example"}, "relationship": "existing_client"},
    )
    ada.post("/v1/exports", {"name": "transactions", "period": "2026"})
    hold = world.program("safety").post(
        "/v1/staff/holds", WHY | {"subject": owner, "scopes": ["contract_create"]}
    )
    ada.post(f"/v1/holds/{hold['id']}/appeals", {"statement": "Decide again, please."})


def _of_another(outsider: Outsider, prefix: str) -> str | None:
    return outsider.kinds[prefix][1] if prefix in outsider.kinds else None


def _pairs(
    outsider: Outsider, operation: Operation
) -> Iterator[tuple[str, tuple[str, Any], tuple[str, Any]]]:
    """(which field, the call with another's id, the call with nobody's)."""
    for name, example in operation.ids.items():
        real = _of_another(outsider, example[:3]) if _ID.fullmatch(example) else None
        if real:
            calls = [
                (operation.address(**{name: one}) + operation.query(), operation.example)
                for one in (real, new_id(example[:3]))
            ]
            yield name, calls[0], calls[1]
    for way in leaves(body_fields(operation)):
        prefix = _prefix_at(operation, way)
        real = _of_another(outsider, prefix) if prefix else None
        if real:
            target = operation.address() + operation.query()
            yield (
                str(way),
                *(
                    (target, with_value(operation.example, way, one))
                    for one in (real, new_id(prefix))
                ),
            )
    for parameter in operation.queries:
        prefix = _prefix_of(parameter["schema"])
        real = _of_another(outsider, prefix) if prefix else None
        if real:
            name = parameter["name"]
            yield (
                name,
                *(
                    (operation.address() + operation.query(**{name: one}), operation.example)
                    for one in (real, new_id(prefix))
                ),
            )


def _prefix_of(schema: dict[str, Any]) -> str:
    found = re.search(r"\b([a-z]{3})\)?_\[0-7\]", str(schema.get("pattern", "")))
    return found[1] if found else ""


def _prefix_at(operation: Operation, way: tuple[str | int, ...]) -> str:
    """Of a field: what its example is the id of."""
    node: Any = operation.example
    for part in way:
        node = (
            node[part]
            if (isinstance(node, list) and node) or (isinstance(node, dict) and part in node)
            else None
        )
    return node[:3] if isinstance(node, str) and _ID.fullmatch(node) else ""


def test_nobody_learns_that_it_exists(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    outsider, told, seen = Outsider(watch, monkeypatch), [], set[str]()
    compared = 0
    for operation in operations(watch.world):
        for field, theirs, nobodys in _pairs(outsider, operation):
            outsider.ask(operation, *nobodys)  # what is prepared or cached once is not a difference
            outsider.ask(operation, *theirs)
            first, second = outsider.ask(operation, *theirs), outsider.ask(operation, *nobodys)
            compared += 1
            seen.add(field)
            if first[:2] != second[:2]:
                told.append(f"{operation.name} {field}: answers {first[:2]} / {second[:2]}")
            elif first[2] != second[2]:
                told.append(
                    f"{operation.name} {field}: {len(first[2])} / {len(second[2])} statements"
                )
    print(f"\n{compared} places that take an id, {len(outsider.kinds)} kinds of object")
    assert compared > 100
    assert [
        o.name
        for o in operations(watch.world)
        for name, one in o.ids.items()
        if name.endswith("_id") and not _ID.fullmatch(one)
    ] == []
    assert told == []
    assert {
        "contract_id",
        "milestone_id",
        "hold_id",
        "case_id",
        "dispute_id",
        "payout_id",
        "appeal_id",
        "invoice_id",
    } <= seen
