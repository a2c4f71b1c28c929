"""Everything that a request brings, judged before any view sees it.

That is address, query, headers, form and names of files. JSON bodies are judged where they are
read, `service.api.framework.bodies`, by the same rule: `service.domain.text.incoming`. What others
sign (Stripe's events) is not refused here: a signed event is never lost.
"""

from __future__ import annotations

import ipaddress
import re

from flask import request

from service.domain.errors import BadRequest, FieldError, Invalid, NotFound
from service.domain.text.incoming import (
    SENTENCES,
    SEVERAL_LINES,
    Fault,
    fault,
    is_header_text,
    name_fault,
)
from service.domain.text.texts import printable

_LONGEST_PART = 1_000
"""Characters of one part of an address: the longest are signed tokens."""
_LONGEST_VALUE = 1_000
"""Characters of one value of a query: more than a list's cursor or any name has."""
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_JUDGED = ("Authorization", "Content-Type", "Stripe-Signature")
"""Compared or parsed as they are; other headers that decide have a list or shape of their own."""
_LANGUAGE = re.compile("[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,3}")
_LONGEST_BROWSER = 300


def judge() -> None:
    """Raises NotFound for an address, BadRequest for a header, Invalid for a value."""
    _judge_path()
    _judge_headers()
    _judge_query()
    if request.mimetype in _FORMS and request.method not in ("GET", "HEAD"):
        _judge_form()


def _judge_path() -> None:
    for part in (request.view_args or {}).values():
        if isinstance(part, str) and (fault(part) or len(part) > _LONGEST_PART):
            raise NotFound("There is nothing at this address.")


def _judge_headers() -> None:
    for name in _JUDGED:
        if not is_header_text(request.headers.get(name, "")):
            raise BadRequest(f"The header {name} may hold printable ASCII only.")


def _judge_query() -> None:
    found = []
    for name, value in request.args.items(multi=True):
        if name_fault(name):
            raise Invalid.one("", "parameter_name", "The name of a parameter is not one of ours.")
        wrong = fault(value) or (Fault.LENGTH if len(value) > _LONGEST_VALUE else None)
        if wrong:
            found.append(FieldError(f"/{name}", wrong, SENTENCES[wrong]))
    if found:
        raise Invalid(detail=found[0].message, errors=found[:50])


def _judge_form() -> None:
    if request.path.startswith("/v1/"):
        # Idempotency compares the bytes; once a form has been read they are gone.
        request.get_data(cache=True)
    found = []
    for name, value in request.form.items(multi=True):
        if name_fault(name):
            raise Invalid.one("", "field_name", "The form is not one of ours. Open the page again.")
        wrong = fault(value, lines=name in SEVERAL_LINES)
        if wrong:
            found.append(FieldError(f"/{name}", wrong, SENTENCES[wrong]))
    for name, sent in request.files.items(multi=True):
        wrong = name_fault(name) or name_fault(sent.filename or "")
        if wrong:
            found.append(FieldError("/file", wrong, f"The name of the file: {SENTENCES[wrong]}"))
    if found:
        raise Invalid(detail=_sentence(found[0]), errors=found[:50])


def _sentence(first: FieldError) -> str:
    """For a person: which field, and what is wrong with it."""
    field = first.pointer.strip("/").replace("_", " ").capitalize()
    return f"{field}: {first.message} Go back, take it out, and send the form again."


def cookie(name: str) -> str:
    """A cookie's value; empty for none, and for one that we cannot have set."""
    value = request.cookies.get(name, "")
    return value if is_header_text(value) else ""


def browser() -> str:
    """What the browser calls itself: up to 300 characters, the invisible ones shown by number."""
    return printable(request.user_agent.string)[:_LONGEST_BROWSER]


def language() -> str:
    """The language that the browser asks for first; 'en' when it names none."""
    wanted = request.accept_languages.best or ""
    return wanted if _LANGUAGE.fullmatch(wanted) else "en"


def caller_address() -> str:
    """The caller's IP address, or 'unknown': behind a proxy somebody wrote it into a header."""
    try:
        return str(ipaddress.ip_address(request.remote_addr or ""))
    except ValueError:
        return "unknown"
