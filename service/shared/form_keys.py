"""Keys that work once: a form's, against Back and a double click, and a signed session's, which
signing out uses up. The nightly job forgets them after two days.
"""

from __future__ import annotations

from service.core.context import Context
from service.platform.db import fetch

_USE = """
    INSERT INTO form_key (key, location, used_at) VALUES (%s, %s, %s)
    ON CONFLICT DO NOTHING RETURNING key
"""
_IS_USED = "SELECT key FROM form_key WHERE key = %s"


def use(ctx: Context, key: str, location: str) -> bool:
    """Use up a key. Returns False when it was used before."""
    return bool(fetch(ctx.session, _USE, (key, location, ctx.now)))


def is_used(ctx: Context, key: str) -> bool:
    return bool(fetch(ctx.session, _IS_USED, (key,)))
