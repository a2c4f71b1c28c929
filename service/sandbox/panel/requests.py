"""What the panel reads of a request, and what it refuses."""

from __future__ import annotations

import re
from datetime import timedelta

from flask import request

from service.domain.text.json_types import JsonObject
from service.sandbox.errors import StripeRefusal

_SPAN = re.compile("([0-9]{1,5})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def posted() -> JsonObject:
    """A JSON body.

    Browsers cannot send one to another site without asking, so this is also the guard against
    forged forms.
    """
    body = request.get_json(silent=True) if request.mimetype == "application/json" else None
    if not isinstance(body, dict):
        raise StripeRefusal(
            415, "json_only", "Send a JSON object with Content-Type: application/json."
        )
    return body


def only_from_here() -> None:
    """A form of the panel's own. Raises StripeRefusal for one of another site."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        raise StripeRefusal(403, "cross_site", "Forms of other sites are refused.")


def parse_span(words: str) -> timedelta:
    """'14d', '36h', '1w'. Raises StripeRefusal."""
    match = _SPAN.fullmatch(words.strip())
    if match is None:
        raise StripeRefusal(422, "span", "Say how far: 90s, 15m, 36h, 14d or 2w.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
