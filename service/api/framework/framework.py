"""What every JSON endpoint shares: strict parsing, one call's transaction with key and idempotency,
problems, cursors, ETags.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from flask import Flask, Response, current_app, request
from flask_smorest import Api, Blueprint
from marshmallow import Schema
from werkzeug.exceptions import HTTPException

from service.api.framework import idempotency
from service.api.framework.bodies import Parser
from service.api.framework.problems import problem, refusal_response
from service.core.context import Context
from service.domain.errors import (
    BadVersion,
    HoldfastError,
    Invalid,
    MissingScope,
    PreconditionRequired,
    Stale,
)
from service.domain.identity import actors, permissions
from service.domain.states.feed import Reader
from service.http import web
from service.models import Contract
from service.operations.people import people
from service.operations.people.people import Principal
from service.platform.tokens import BadToken
from service.shared import holds

VERSIONS = ("2026-11-22",)
_STORED_REFUSALS = range(402, 500)


View = TypeVar("View", bound=Callable[..., Any])


_TAKES_QUERY = "takes_query"
_NEEDS = "needs_one_of"
_WHILE_BLOCKED = "allowed_while_blocked"
ANYBODY: tuple[str, ...] = ()
"""The permission of a call that says only who the caller is."""


def allowed_while_blocked(view: Any) -> bool:
    """Whether somebody who may not log in may still do it."""
    return bool(getattr(view, _WHILE_BLOCKED, False))


def needs(view: Any) -> tuple[str, ...] | None:
    """The permissions of a view, one of which a key has to have; None for what is no endpoint of
    this API.
    """
    found: tuple[str, ...] | None = getattr(view, _NEEDS, None)
    return found


class Endpoints(Blueprint):  # type: ignore[misc]  # the library has no types
    """A group of endpoints with our parser; its decorators say what a view takes and answers."""

    ARGUMENTS_PARSER = Parser()

    def route(
        self,
        rule: str,
        *,
        permission: str | tuple[str, ...],
        allowed_while_blocked: bool = False,
        **more: Any,
    ) -> Callable[[View], View]:
        """`permission`: what a key needs for it; of several, one. `ANYBODY`: any key that is good.

        `allowed_while_blocked`: somebody who may not log in may still do it: give money back, end a
        contract, argue a dispute, answer us, ask for a payout that will wait. Reading always is.
        """
        needed = (permission,) if isinstance(permission, str) else permission
        unknown = set(needed) - permissions.KNOWN
        if unknown:
            raise ValueError(f"no role has {', '.join(sorted(unknown))}")
        registered = cast("Callable[[View], View]", super().route(rule, **more))

        def with_permission(view: View) -> View:
            setattr(view, _NEEDS, needed)
            setattr(view, _WHILE_BLOCKED, allowed_while_blocked)
            return registered(view)

        return with_permission

    def arguments(self, *given: Any, **more: Any) -> Callable[[View], View]:
        takes = cast("Callable[[View], View]", super().arguments(*given, **more))
        if more.get("location") != "query":
            return takes

        def with_query(view: View) -> View:
            made = takes(view)
            setattr(made, _TAKES_QUERY, True)
            return made

        return with_query

    def response(self, *given: Any, **more: Any) -> Callable[[View], View]:
        return cast("Callable[[View], View]", super().response(*given, **more))


@dataclass
class ApiCall:
    """One authenticated call: its act, who makes it, and what it will answer."""

    ctx: Context
    principal: Principal
    response: Response | None = None
    once: frozenset[str] = frozenset()
    """What the answer shows this once: a secret is no part of a replay."""

    @property
    def owner(self) -> str | None:
        """Whose objects this caller may see: a freelancer's own, or (None) everybody's."""
        return self.principal.freelancer_id

    @property
    def staff(self) -> Context:
        """The act in the name of the person of staff; for two people to be two, the marketplace
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

    def owner_or(self, freelancer_id: str | None) -> str | None:
        """For platform keys that name a freelancer; freelancer keys may not."""
        if (
            freelancer_id
            and self.principal.freelancer_id
            and freelancer_id != self.principal.freelancer_id
        ):
            raise MissingScope("A freelancer's key acts for that freelancer only.")
        return freelancer_id or self.principal.freelancer_id

    def answer(
        self,
        schema: Schema,
        value: Any,
        status: int = 200,
        *,
        etag: str | None = None,
        many: bool = False,
    ) -> Response:
        """The answer as JSON, made while the transaction is open."""
        return self.json(schema.dump(value, many=many), status, etag=etag)

    def secret(self, body: dict[str, Any], status: int, *once: str) -> Response:
        """As `json`, for an answer that shows the fields `once` to the first caller alone."""
        self.once = frozenset(once)
        return self.json(body, status)

    def json(self, body: Any, status: int = 200, *, etag: str | None = None) -> Response:
        self.response = Response(
            json.dumps(body, separators=(",", ":"), ensure_ascii=False) + "\n",
            status,
            mimetype="application/json",
        )
        if etag:
            self.response.headers["ETag"] = f'"{etag}"'
        return self.response

    def listing(self, shown: list[dict[str, Any]], limit: int) -> Response:
        """As `page`, of rows that are shown already."""
        more = len(shown) > limit
        cursor = (
            web.runtime().tokens.sign("cursor", [request.path, shown[limit - 1]["id"]])
            if more
            else None
        )
        return self.json(
            {"object": "list", "data": shown[:limit], "has_more": more, "next_cursor": cursor}
        )

    def page(self, schema: Schema, found: list[Any], limit: int, key: str = "id") -> Response:
        """A list: `limit` rows of the `limit + 1` that were read, and a cursor when there are
        more.
        """
        rows = found[:limit]
        more = len(found) > limit
        cursor = (
            web.runtime().tokens.sign("cursor", [request.path, getattr(rows[-1], key)])
            if more
            else None
        )
        return self.json(
            {
                "object": "list",
                "data": schema.dump(rows, many=True),
                "has_more": more,
                "next_cursor": cursor,
            }
        )


def after(cursor: str | None) -> Any:
    """What a cursor of this list points behind.

    Raises Invalid for one that we did not sign for it.
    """
    if not cursor:
        return None
    try:
        path, value = web.runtime().tokens.read("cursor", cursor)
    except (BadToken, ValueError, TypeError):
        raise Invalid.one(
            "/cursor", "bad_cursor", "Use the next_cursor of the page before."
        ) from None
    if path != request.path:
        raise Invalid.one("/cursor", "bad_cursor", "This cursor belongs to another list.")
    return value


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
                holds.refuse(ctx, "login", [principal.freelancer_id])
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
    if request.args and not getattr(view, _TAKES_QUERY, False):
        raise Invalid.one(
            f"/{next(iter(request.args))}", "unknown_field", "This call takes no parameters."
        )


def _check_version() -> None:
    wanted = request.headers.get("Holdfast-Version")
    if wanted is not None and wanted not in VERSIONS:
        raise BadVersion(f"Known versions: {', '.join(VERSIONS)}.")


def if_match(contract: Contract) -> int:
    """The version that the caller read. Raises PreconditionRequired, Stale."""
    given = request.headers.get("If-Match")
    if given is None:
        raise PreconditionRequired("Edits carry the ETag that was read.")
    if given.strip('"') != f"v{contract.version}":
        raise Stale("The contract has changed since it was read.")
    return contract.version


class ProblemApi(Api):  # type: ignore[misc]  # the library has no types
    """flask-smorest with our problems instead of its own error bodies, and its document made when
    somebody asks.
    """

    def __init__(self, app: Flask) -> None:
        self._undocumented: list[Blueprint] = []
        super().__init__(app)

    def register_blueprint(self, blueprint: Blueprint) -> None:
        """As the library's, but for the document: making it is most of a process's start, and few
        processes are asked for it.
        """
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blueprint.name] = self
        self._app.register_blueprint(blueprint)
        self._undocumented.append(blueprint)

    def document(self) -> dict[str, Any]:
        """What the library knows of every blueprint.

        It writes as it goes: to be asked once, see `service.platform.once`.
        """
        for blueprint in self._undocumented:
            blueprint.register_views_in_doc(
                self, self._app, self.spec, name=blueprint.name, parameters=None
            )
            self.spec.tag({"name": blueprint.name, "description": blueprint.description})
        found: dict[str, Any] = self.spec.to_dict()
        return found

    def handle_http_exception(self, error: HTTPException) -> Response:
        return refusal_response(error)

    def _register_error_handlers(self) -> None:
        """The application has one handler for everything; see `service.app`."""


def make_api(app: Flask) -> ProblemApi:
    app.config |= {
        "API_TITLE": "Holdfast",
        "API_VERSION": VERSIONS[-1],
        "OPENAPI_VERSION": "3.1.0",
        "OPENAPI_URL_PREFIX": None,
    }
    return ProblemApi(app)
