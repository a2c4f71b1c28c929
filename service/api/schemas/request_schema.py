"""What every schema of a body, a query or an upload is: it says what its view gets."""

from __future__ import annotations

from typing import Generic, TypeVar

from marshmallow import Schema

Parsed = TypeVar("Parsed")


class RequestSchema(Schema, Generic[Parsed]):
    """`Parsed` is what a view gets of it: a `TypedDict` of `bodies…` beside this module.

    `Endpoints.arguments` takes a view of no other body, and a test compares the two field by field.
    """
