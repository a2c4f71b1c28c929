"""A group of endpoints: what each needs, takes and answers, said by decorators on its view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar, cast

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema

from service.api.framework.bodies import Parser
from service.api.schemas.request_schema import RequestSchema
from service.domain.identity import permissions

Parsed = TypeVar("Parsed")
Names = ParamSpec("Names")
View = Callable[Names, Response]
"""A view, by what its address names."""

_TAKES_QUERY = "takes_query"
_NEEDS = "needs_one_of"
_WHILE_BLOCKED = "allowed_while_blocked"
ANYBODY: tuple[str, ...] = ()
"""The permission of a call that says only who the caller is."""


def allowed_while_blocked(view: object) -> bool:
    """Whether somebody who may not log in may still do it."""
    return bool(getattr(view, _WHILE_BLOCKED, False))


def takes_query(view: object) -> bool:
    """Whether a view takes parameters in its address."""
    return bool(getattr(view, _TAKES_QUERY, False))


def needs(view: object) -> tuple[str, ...] | None:
    """The permissions of a view, one of which a key has to have; None for what is no endpoint of
    this API.
    """
    permissions_of_view: tuple[str, ...] | None = getattr(view, _NEEDS, None)
    return permissions_of_view


class Endpoints(Blueprint):  # type: ignore[misc]  # the library has no types
    """A group of endpoints with our parser; its decorators say what a view takes and answers."""

    ARGUMENTS_PARSER = Parser()

    def route(
        self,
        rule: str,
        *,
        methods: list[str],
        permission: str | tuple[str, ...],
        endpoint: str | None = None,
        allowed_while_blocked: bool = False,
    ) -> Callable[[View[Names]], View[Names]]:
        """`permission`: what a key needs for it; of several, one. `ANYBODY`: any key that is good.

        `allowed_while_blocked`: somebody who may not log in may still do it: give money back, end a
        contract, argue a dispute, answer us, ask for a payout that will wait. Reading always is.
        """
        needed = (permission,) if isinstance(permission, str) else permission
        unknown = set(needed) - permissions.KNOWN
        if unknown:
            raise ValueError(f"no role has {', '.join(sorted(unknown))}")
        register = cast(
            "Callable[[View[Names]], View[Names]]",
            super().route(rule, methods=methods, endpoint=endpoint),
        )

        def with_permission(view: View[Names]) -> View[Names]:
            setattr(view, _NEEDS, needed)
            setattr(view, _WHILE_BLOCKED, allowed_while_blocked)
            return register(view)

        return with_permission

    def arguments(
        self, schema: type[RequestSchema[Parsed]], *, location: str = "json"
    ) -> Callable[[Callable[Concatenate[Parsed, Names], Response]], View[Names]]:
        """The view's first argument is what `schema` makes of a body, a query or files."""
        parse = cast(
            "Callable[[Callable[Concatenate[Parsed, Names], Response]], View[Names]]",
            super().arguments(schema, location=location),
        )

        def with_arguments(view: Callable[Concatenate[Parsed, Names], Response]) -> View[Names]:
            parsing = parse(view)
            if location == "query":
                setattr(parsing, _TAKES_QUERY, True)
            return parsing

        return with_arguments

    def response(
        self,
        status: int,
        schema: type[Schema] | None = None,
        *,
        content_type: str | None = None,
    ) -> Callable[[Callable[Names, Response]], Callable[Names, Response]]:
        """What the view answers when all is well; the description says it, nothing is converted."""
        return cast(
            "Callable[[Callable[Names, Response]], Callable[Names, Response]]",
            super().response(status, schema, content_type=content_type),
        )
