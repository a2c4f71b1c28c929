"""Every field of the API's document by every nasty value: no 5xx, a refusal writes nothing, and
nothing of it is in the log.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from sqlalchemy import select

from service.models import Contract
from tests.incoming.api_fields import (
    Operation,
    Way,
    body_fields,
    body_of,
    leaves,
    operations,
    refused_fields,
    with_value,
)
from tests.incoming.everything import ROLES, Watch, everything, key_of
from tests.incoming.nasty import MARK, TEXTS, VALUES, named
from tests.journey import Reply, WsgiHttp

HEADERS = (
    "Accept-Language",
    "Authorization",
    "Content-Type",
    "Cookie",
    "Holdfast-Version",
    "Idempotency-Key",
    "If-Match",
    "Origin",
    "Request-Id",
    "Sec-Fetch-Site",
    "User-Agent",
    "X-Forwarded-For",
)


class Caller:
    """Sends, with a key that may, and has each answer judged."""

    def __init__(self, watch: Watch) -> None:
        self.world, self.watch, self.http = watch.world, watch, WsgiHttp(watch.world.app)
        self._keys = [*self._freelancer(), *(self.world.keys[role] for role in ROLES)]
        self._chosen: dict[str, str] = {}
        self.cells = self.fields = 0
        self.operations = operations(self.world)
        self.watch.look()

    def _freelancer(self) -> Iterator[str]:
        with self.world.db.transaction() as session:
            whose = session.execute(select(Contract.freelancer_id).limit(1)).scalar_one()
        yield key_of(self.world, whose).key

    def key_for(self, operation: Operation) -> str:
        """The first of ours that has the scope: looked for with ids of nothing."""
        if operation.name not in self._chosen:
            nothing = dict.fromkeys(operation.ids, "nothing")
            for key in self._keys:
                reply = self._send(
                    operation,
                    operation.address(**nothing) + operation.query(),
                    operation.example,
                    key,
                )
                if reply.status not in (401, 403) or reply.json()["code"] != "missing_scope":
                    break
            self._chosen[operation.name] = key
            self.watch.look()
        return self._chosen[operation.name]

    def _send(
        self, operation: Operation, target: str, body: object, key: str, **headers: str
    ) -> Reply:
        data, kind = body_of(operation, body)
        sent = (
            {
                "Authorization": f"Bearer {key}",
                "If-Match": '"v1"',
                "Idempotency-Key": str(uuid.uuid4()),
            }
            | kind
            | headers
        )
        return self.http.request(operation.method.upper(), target, body=data, headers=sent)

    def send(
        self,
        operation: Operation,
        what: str,
        *,
        target: str = "",
        body: object = None,
        **headers: str,
    ) -> Reply:
        target = target or operation.address() + operation.query()
        reply = self._send(
            operation,
            target,
            operation.example if body is None else body,
            self.key_for(operation),
            **headers,
        )
        self.watch.judge(f"{operation.name} {what}", reply)
        return reply


@pytest.fixture(scope="module")
def caller() -> Iterator[Caller]:
    with everything() as watch:
        yield Caller(watch)


def left_over(ways: list[Way], reply: Reply) -> list[Way]:
    """Those that an answer to all at once did not name: each is sent alone."""
    named_ones = refused_fields(reply)
    return (
        ways
        if named_ones is None
        else [way for way in ways if not any(way[: len(one)] == one for one in named_ones)]
    )


def test_every_field_of_every_body(caller: Caller) -> None:
    for operation in caller.operations:
        ways = body_fields(operation)
        single = leaves(ways)
        holders = [way for way in ways if way not in single]
        caller.fields += len(ways)
        for value in VALUES:
            together = operation.example
            for way in single:
                together = with_value(together, way, value)
            if not ways:
                continue
            reply = caller.send(operation, f"all = {named(value)}", body=together)
            alone = left_over(single, reply) + holders
            for way in alone:
                caller.send(
                    operation,
                    f"{way} = {named(value)}",
                    body=with_value(operation.example, way, value),
                )
            caller.cells += len(ways)
    print_and_judge(caller, "body")


def test_every_query(caller: Caller) -> None:
    for operation in caller.operations:
        names = [p["name"] for p in operation.queries]
        caller.fields += len(names)
        for value in TEXTS if names else ():
            text = value[:4_000]
            reply = caller.send(
                operation,
                f"? all = {named(text)}",
                target=operation.address() + operation.query(**dict.fromkeys(names, text)),
            )
            for (name,) in left_over([(n,) for n in names], reply):
                caller.send(
                    operation,
                    f"?{name} = {named(text)}",
                    target=operation.address() + operation.query(**{str(name): text}),
                )
            caller.cells += len(names)
    print_and_judge(caller, "query")


def test_every_part_of_an_address(caller: Caller) -> None:
    for operation in caller.operations:
        caller.fields += len(operation.ids)
        for name in operation.ids:
            for value in TEXTS:
                text = value[:4_000] or " "
                caller.send(
                    operation,
                    f"{name} = {named(text)}",
                    target=operation.address(**{name: text}) + operation.query(),
                )
                caller.cells += 1
    print_and_judge(caller, "address")


def test_every_header(caller: Caller) -> None:
    chosen = [o for o in caller.operations if o.path in ("/v1/contracts/{contract_id}", "/v1/me")]
    for operation in chosen:
        for name in HEADERS:
            caller.fields += 1
            for value in TEXTS:
                # A server takes no line break in a header, and hands the rest over as Latin-1.
                text = (
                    value.encode("utf-8", "surrogatepass")
                    .decode("latin-1")[:4_000]
                    .replace("\r", "")
                    .replace("\n", "")
                )
                caller.send(operation, f"{name}: {named(text)}", **{name: text})
                caller.cells += 1
    print_and_judge(caller, "header")


def test_what_was_taken_can_be_worked_with(caller: Caller) -> None:
    """Whatever of it all was accepted: every letter is sent or put before a person, and no job ends
    in a bug.
    """
    caller.world.work()
    bugs = caller.world.sql(
        "SELECT kind, subject, last_error FROM job WHERE last_error IS NOT NULL AND last_error "
        "NOT LIKE '%: %'"
    )
    assert bugs == []


def test_nothing_of_it_is_in_the_log(caller: Caller) -> None:
    found = [
        line[:300]
        for line in caller.watch.log.getvalue().splitlines()
        if MARK in line or quote(MARK) in line
    ]
    assert found[:5] == []


def print_and_judge(caller: Caller, what: str) -> None:
    print(
        f"\n{what}: {caller.fields} fields, {caller.cells} cells, answers "
        f"{dict(sorted(caller.watch.answered.items()))}"
    )
    caller.fields = caller.cells = 0
    caller.watch.answered.clear()
    wrong, caller.watch.wrong = caller.watch.wrong, []
    assert not wrong, f"{len(wrong)} in all:\n" + "\n".join(wrong[:20])
