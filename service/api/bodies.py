"""What a caller's body may be: JSON of bounded depth, each key once, no field that we do not know."""

from __future__ import annotations

import json
from typing import Any

from flask import Request
from marshmallow import RAISE, Schema
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import UnsupportedMediaType

from service.domain.errors import BadRequest, Invalid

_DEEPEST = 20


class Parser(FlaskParser):
    """Refuses unknown fields everywhere, wrong media types, duplicate keys, and bodies nested too deeply."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": RAISE, "form": RAISE}  # noqa: RUF012

    def load_json(self, req: Request, schema: Schema) -> Any:
        if req.mimetype != "application/json":
            raise UnsupportedMediaType
        try:
            body = json.loads(req.get_data(cache=True), object_pairs_hook=_no_duplicates, parse_constant=_no_constants)
        except RecursionError:
            raise Invalid.one("", "too_deep", f"A body has at most {_DEEPEST} levels.") from None
        except ValueError as error:
            raise BadRequest(f"The body is not JSON: {error}.") from None
        _check_depth(body)
        return body


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice")
    return made


def _no_constants(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _check_depth(value: Any, depth: int = 0) -> None:
    if depth > _DEEPEST:
        raise Invalid.one("", "too_deep", f"A body has at most {_DEEPEST} levels.")
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inner:
        _check_depth(item, depth + 1)
