"""What a caller's body may be: JSON of bounded depth, each key once, no text or number that nothing
could hold, no field that we do not know.
"""

from __future__ import annotations

import json
import math
from typing import NoReturn, TypeAlias

from flask import Request
from marshmallow import RAISE, Schema
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import UnsupportedMediaType

from service.domain.errors import BadRequest, FieldError, Invalid
from service.domain.text.incoming import SENTENCES, faults

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""What a JSON text can say."""

_DEEPEST = 20
_MOST_DIGITS = 40
"""Of a whole number: more than any field takes, so that the field itself can say its bounds."""


class Parser(FlaskParser):
    """Refuses unknown fields everywhere, wrong media types, duplicate keys, and bodies nested too
    deeply.
    """

    DEFAULT_UNKNOWN_BY_LOCATION = {  # noqa: RUF012  the library has it so
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": RAISE,
        "form": RAISE,
    }

    def load_json(self, req: Request, schema: Schema) -> Json:
        if req.mimetype != "application/json":
            raise UnsupportedMediaType
        try:
            body = _read(req.get_data(cache=True))
        except RecursionError:
            raise Invalid.one("", "too_deep", f"A body has at most {_DEEPEST} levels.") from None
        except ValueError as error:
            raise BadRequest(f"The body is not JSON: {error}.") from None
        _check_depth(body)
        _check_texts(body)
        return body


def _read(body: bytes) -> Json:
    read: Json = json.loads(
        body,
        object_pairs_hook=_no_duplicates,
        parse_constant=_no_constants,
        parse_int=_whole,
        parse_float=_fraction,
    )
    return read


def _no_duplicates(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key stands twice")
    return members


def _no_constants(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError("a number has too many digits")
    return int(text)


def _fraction(text: str) -> float:
    value = float(text)
    if len(text) > _MOST_DIGITS or not math.isfinite(value):
        raise ValueError("a number is too large or has too many digits")
    return value


def _check_texts(body: Json) -> None:
    refused = [
        FieldError("".join(f"/{part}" for part in wrong.where), wrong.fault, SENTENCES[wrong.fault])
        for wrong in faults(body)
    ]
    if refused:
        raise Invalid(detail=refused[0].message, errors=refused[:50])


def _check_depth(value: Json, depth: int = 0) -> None:
    if depth > _DEEPEST:
        raise Invalid.one("", "too_deep", f"A body has at most {_DEEPEST} levels.")
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inner:
        _check_depth(item, depth + 1)
