"""What a request to Stripe carries: forms with `a[b][0][c]=x`, JSON, and uploads."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qsl

from flask import request

from service.domain.text.incoming import is_digits
from service.domain.text.json_types import Json, JsonObject


def body() -> JsonObject:
    """The parameters of this request as Stripe reads them."""
    if request.method == "GET":
        return nested(parse_qsl(request.query_string.decode(), keep_blank_values=True))
    if request.mimetype == "multipart/form-data":
        return _upload()
    if request.mimetype == "application/json":
        parsed: Json = json.loads(request.get_data() or b"{}")
        return parsed if isinstance(parsed, dict) else {}
    return nested(parse_qsl(request.get_data().decode(), keep_blank_values=True))


def _upload() -> JsonObject:
    sent = request.files["file"]
    fields: JsonObject = dict(request.form)
    return fields | {"file": {"name": sent.filename or "file", "size": len(sent.read())}}


def nested(pairs: list[tuple[str, str]]) -> JsonObject:
    """`a[b][0][c]=x` to hashes and lists, as Stripe reads forms."""
    root: JsonObject = {}
    for name, value in pairs:
        keys = [part for part in re.split(r"[\[\]]+", name) if part != ""] + (
            [""] if name.endswith("[]") else []
        )
        node = root
        for key in keys[:-1]:
            inner = node.setdefault(key, {})
            assert isinstance(inner, dict), f"{name} stands for a text and for a hash"
            node = inner
        node[keys[-1] or str(len(node))] = value
    return {key: _lists(value) for key, value in root.items()}


def _lists(value: Json) -> Json:
    if not isinstance(value, dict):
        return value
    inner = {key: _lists(item) for key, item in value.items()}
    if inner and all(is_digits(key) for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner
