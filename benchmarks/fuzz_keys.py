"""Which key the fuzzer calls each operation with: one whose role may.

Schemathesis loads this by `SCHEMATHESIS_HOOKS`.

With the platform's key alone, a third of the operations would answer 403 to everything and show
nothing of what lies behind.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import schemathesis

from service.api.framework.endpoints import needs
from service.app import create_app
from service.cli.admin import blank
from service.domain.identity.permissions import ROLE_PERMISSIONS

KEYS = {
    "platform": "platform_key",
    "finance": "finance_key",
    "safety": "safety_key",
    "approver": "approver_key",
    "reviewer": "reviewer_key",
    "admin": "admin_key",
    "freelancer": "freelancer_key",
}
"""By role, the first that may is taken: how the demo's file of keys calls it."""


@cache
def role_for(method: str, path: str) -> str:
    """The role that calls an operation of `openapi.yaml`."""
    app = create_app(blank())
    rules = {
        _as_in_openapi(rule.rule): rule
        for rule in app.url_map.iter_rules()
        if method in (rule.methods or ())
    }
    needed = set(needs(app.view_functions[rules[path].endpoint]) or ())
    return next(role for role in KEYS if not needed or needed.intersection(ROLE_PERMISSIONS[role]))


def _as_in_openapi(rule: str) -> str:
    """`/v1/keys/<key_id>` as `/v1/keys/{key_id}`, whatever converter the rule names."""
    return "/".join(
        "{" + part.strip("<>").rpartition(":")[2] + "}" if part.startswith("<") else part
        for part in rule.split("/")
    )


@cache
def _known() -> dict[str, str]:
    """The demo's file of keys, by the names that it has there."""
    found: dict[str, str] = json.loads(Path(os.environ["FUZZ_KEYS"]).read_text())
    return found


@schemathesis.auth(refresh_interval=None)
class KeyOfARole:
    """Schemathesis asks it before every call."""

    def get(self, case: Any, _context: Any) -> str:
        return _known()[KEYS[role_for(case.method.upper(), case.path)]]

    def set(self, case: Any, key: str, _context: Any) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {key}"}
