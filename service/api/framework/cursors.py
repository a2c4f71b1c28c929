"""Cursors: where the next page of a list begins, signed by us for that list alone."""

from __future__ import annotations

from flask import request

from service.domain.errors import Invalid
from service.http import web
from service.platform.tokens import BadToken


def sign(position: object) -> str:
    """A cursor of the list that is asked for, behind what stands at `position`."""
    return web.runtime().tokens.sign("cursor", [request.path, position])


def after_id(cursor: str | None) -> str | None:
    """The id that a page of this list begins behind; None for the first page.

    Raises Invalid for a cursor that we did not sign for it.
    """
    return str(_position(cursor)) if cursor else None


def after_position(cursor: str | None) -> int:
    """As `after_id`, of a list whose rows are numbered; 0 for the first page. Raises Invalid."""
    return int(_position(cursor)) if cursor else 0


def _position(cursor: str) -> str | int:
    try:
        path, position = web.runtime().tokens.read("cursor", cursor)
    except (BadToken, ValueError, TypeError):
        raise Invalid.one(
            "/cursor", "bad_cursor", "Use the next_cursor of the page before."
        ) from None
    if path != request.path:
        raise Invalid.one("/cursor", "bad_cursor", "This cursor belongs to another list.")
    signed: str | int = position
    return signed
