"""One call of the JSON API: its transaction with key and idempotency, who makes it, what it
answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from flask import Response, current_app, request

from service.api.framework import cursors, idempotency
from service.api.framework.endpoints import allowed_while_blocked, needs, takes_query
from service.api.framework.problems import problem
from service.api.schemas.responses import Out
from service.core.context import Context
from service.core.repository import EVERYONE, Owner
from service.domain.errors import (
    BadVersion,
    HoldfastError,
    Invalid,
    MissingScope,
    PreconditionRequired,
    Stale,
)
from service.domain.identity import actors
from service.domain.states.feed import Reader
from service.http import web
from service.models import Contract
from service.operations.people import people
from service.operations.people.people import Principal
from service.shared import hold_checks

VERSIONS = ("2026-11-22",)
_STORED_REFUSALS = range(402, 500)


@dataclass
class ApiCall:
    """One authenticated call: its context, who makes it, and what it will answer."""

    ctx: Context
    principal: Principal
    response: Response | None = None
    once: frozenset[str] = frozenset()
    """What the answer shows this once: a secret is no part of a replay."""

    @property
    def owner(self) -> Owner:
        """Whose objects this caller may see: a freelancer's own, or everybody's.

        Raises MissingScope for a freelancer's key that names nobody, which the table forbids too.
        """
        if self.principal.freelancer_id is not None:
            return self.principal.freelancer_id
        if self.principal.role == "freelancer":
            raise MissingScope("This key acts for nobody.")
        return EVERYONE

    @property
    def staff(self) -> Context:
        """The context in the name of the person of staff; for two people to be two, the marketplace
        counts as one of them.
        """
        who = self.principal.staff_id or self.principal.key_id
        return self.ctx.as_(actors.staff(who))

    @property
    def reader(self) -> Reader:
        """As whom this caller reads what happened."""
        roles = {"freelancer": Reader.FREELANCER, "platform": Reader.PLATFORM}
        return (
            Reader.FREELANCER
            if self.principal.freelancer_id
            else roles.get(self.principal.role, Reader.STAFF)
        )

    def owner_or(self, freelancer_id: str | None) -> Owner:
        """For platform keys that name a freelancer; freelancer keys may not."""
        if freelancer_id and self.owner not in (EVERYONE, freelancer_id):
            raise MissingScope("A freelancer's key acts for that freelancer only.")
        return freelancer_id or self.owner

    def answer(
        self, schema: Out, shown: object, status: int = 200, *, etag: str | None = None
    ) -> Response:
        """The answer as JSON, made while the transaction is open."""
        return self.json(schema.shown(shown), status, etag=etag)

    def secret(self, body: Mapping[str, object], status: int, *once: str) -> Response:
        """As `json`, for an answer that shows the fields `once` to the first caller alone."""
        self.once = frozenset(once)
        return self.json(body, status)

    def json(
        self, body: Mapping[str, object], status: int = 200, *, etag: str | None = None
    ) -> Response:
        self.response = Response(
            json.dumps(body, separators=(",", ":"), ensure_ascii=False) + "\n",
            status,
            mimetype="application/json",
        )
        if etag:
            self.response.headers["ETag"] = f'"{etag}"'
        return self.response

    def whole_list(self, data: Sequence[Mapping[str, object]], status: int = 200) -> Response:
        """A list that has one page only."""
        return self._list(data, None, status)

    def listing(self, shown: Sequence[Mapping[str, object]], limit: int) -> Response:
        """As `page`, of rows that are shown already."""
        more = len(shown) > limit
        return self._list(shown[:limit], cursors.sign(shown[limit - 1]["id"]) if more else None)

    def page(self, schema: Out, rows: Sequence[object], limit: int, key: str = "id") -> Response:
        """A list: `limit` rows of the `limit + 1` that were read, and a cursor when there are
        more.
        """
        more = len(rows) > limit
        cursor = cursors.sign(getattr(rows[limit - 1], key)) if more else None
        return self._list(schema.all_shown(rows[:limit]), cursor)

    def _list(
        self, data: Sequence[Mapping[str, object]], cursor: str | None, status: int = 200
    ) -> Response:
        return self.json(
            {
                "object": "list",
                "data": data,
                "has_more": cursor is not None,
                "next_cursor": cursor,
            },
            status,
        )


@contextmanager
def api_call(*, reads: bool = False) -> Iterator[ApiCall]:
    """One transaction: authenticate, check the permission that the route names, honour the
    idempotency key, do the work, keep the answer.

    The record of the answer commits with the work. A refusal (4xx) rolls the work back and is kept
    on its own. `reads`: the call only reads, by statements that need no common transaction; what is
    read most often is spared one.
    """
    _check_version()
    _check_query()
    runtime = web.runtime()
    held: idempotency.Held | None = None
    try:
        with runtime.db.reading() if reads else runtime.db.transaction() as session:
            principal, now = people.authenticate(session, web.bearer())
            _check_permission(principal)
            ctx = Context(session, principal.actor, now, web.request_id(), runtime.policies, now)
            if (
                principal.freelancer_id
                and request.method not in ("GET", "HEAD")
                and not allowed_while_blocked(current_app.view_functions[request.endpoint or ""])
            ):
                hold_checks.refuse(ctx, "login", [principal.freelancer_id])
            call = ApiCall(ctx, principal)
            if request.method == "POST":
                held = idempotency.hold(ctx, principal.key_id)
            yield call
            if held and call.response is not None:
                session.flush()
                idempotency.keep(ctx, held, call.response, call.once)
    except HoldfastError as refusal:
        if held and refusal.status in _STORED_REFUSALS and refusal.status != 429:
            with web.context() as ctx:
                idempotency.keep(ctx, held, problem(refusal))
        raise


def _check_permission(principal: Principal) -> None:
    needed = needs(current_app.view_functions[request.endpoint or ""])
    if needed is None:
        raise RuntimeError(f"{request.endpoint} was registered without a permission")
    if needed and not principal.scopes.intersection(needed):
        raise MissingScope(f"The key needs the scope {' or '.join(needed)}.")


def _check_query() -> None:
    """Parameters of a call that takes none are not overlooked: whoever sent them would take the
    answer for theirs.
    """
    view = current_app.view_functions.get(request.endpoint or "")
    if request.args and not takes_query(view):
        raise Invalid.one(
            f"/{next(iter(request.args))}", "unknown_field", "This call takes no parameters."
        )


def _check_version() -> None:
    version = request.headers.get("Holdfast-Version")
    if version is not None and version not in VERSIONS:
        raise BadVersion(f"Known versions: {', '.join(VERSIONS)}.")


def if_match(contract: Contract) -> int:
    """The version that the caller read. Raises PreconditionRequired, Stale."""
    etag = request.headers.get("If-Match")
    if etag is None:
        raise PreconditionRequired("Edits carry the ETag that was read.")
    if etag.strip('"') != f"v{contract.version}":
        raise Stale("The contract has changed since it was read.")
    return contract.version
