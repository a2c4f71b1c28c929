"""The JSON API under /v1, and the machine endpoints beside it.

Views only translate; what happens is in `operations`.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, jsonify

from service.api.contracts import contracts, disputes, metrics
from service.api.finance import differences, documents, exports, fees, payouts, tax
from service.api.framework.framework import make_api
from service.api.framework.openapi import finished
from service.api.platform import health, platform, staff, staff_members, webhooks
from service.api.safety import cases, holds, safety
from service.platform.once import Once

_AREAS = (
    cases,
    contracts,
    differences,
    disputes,
    exports,
    fees,
    holds,
    metrics,
    documents,
    payouts,
    platform,
    staff,
    staff_members,
    safety,
    tax,
)


def register(app: Flask) -> None:
    api = make_api(app)
    for module in _AREAS:
        api.register_blueprint(module.blueprint)
    app.register_blueprint(webhooks.blueprint)
    app.register_blueprint(health.blueprint)
    # Made when somebody first asks: a worker and most web processes never do.
    app.extensions["openapi"] = Once(lambda: finished(api)).get
    app.add_url_rule("/openapi.json", "openapi", lambda: _spec(app))


def _spec(app: Flask) -> Response:
    spec: dict[str, Any] = app.extensions["openapi"]()
    return jsonify(spec)
