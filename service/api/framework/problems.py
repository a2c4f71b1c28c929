"""Refusals as application/problem+json (RFC 9457): of ours, of a shape, of the framework."""

from __future__ import annotations

import json
from collections.abc import Iterator

from flask import Response
from werkzeug.exceptions import HTTPException, UnprocessableEntity

from service.api.framework import idempotency
from service.domain.errors import FieldError, HoldfastError, Invalid
from service.http import web


def problem(error: HoldfastError) -> Response:
    """application/problem+json (RFC 9457)."""
    body: dict[str, object] = {
        "type": f"/problems/{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail or error.title,
        "code": error.code,
        "request_id": web.request_id(),
    }
    if isinstance(error, Invalid):
        body["errors"] = [
            {"pointer": e.pointer, "code": e.code, "message": e.message} for e in error.errors
        ]
    extra = {name: value for name, value in error.extra.items() if name != "retry_after"}
    response = Response(
        json.dumps(body | extra, ensure_ascii=False) + "\n",
        error.status,
        mimetype="application/problem+json",
    )
    response.headers.update(web.waits(error))
    if error.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="holdfast"'
    return response


def refusal_response(error: Exception) -> Response:
    """Any exception as a problem; keeps a framework's own headers such as Allow."""
    if isinstance(error, idempotency.Replayed):
        return error.response
    response = problem(_shape_error(error) or web.as_ours(error))
    if isinstance(error, HTTPException):
        for name, value in error.get_headers():
            if name.lower() not in ("content-type", "content-length"):
                response.headers[name] = value
    return response


def _shape_error(error: Exception) -> Invalid | None:
    if not isinstance(error, UnprocessableEntity):
        return None
    messages = getattr(error, "data", {}).get("messages", {})
    refused = [
        FieldError(pointer, "invalid", text)
        for location in messages.values()
        for pointer, text in _flatten(location, "")
    ]
    return Invalid(
        detail=refused[0].message if refused else "The body is not right.", errors=refused[:50]
    )


def _flatten(value: object, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flatten(
                inner, pointer if key == "_schema" else f"{pointer}/{str(key)[:80]}"
            )
    elif isinstance(value, list):
        for inner in value:
            yield from _flatten(inner, pointer)
    else:
        yield pointer, str(value)
