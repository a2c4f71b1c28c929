"""The JSON API under /v1, and the machine endpoints beside it.

Views only translate; what happens is in `operations`.
"""

from __future__ import annotations

from flask import Flask, Response, jsonify

from service.api.contracts import (
    amendments,
    chargebacks,
    contract_records,
    contracts,
    disputes,
    files,
    metrics,
    milestones,
    refunds,
)
from service.api.finance import differences, documents, exports, fees, payouts, tax
from service.api.framework.document import Document
from service.api.framework.openapi import finished
from service.api.framework.problem_api import make_api
from service.api.platform import health, platform, staff, staff_members, webhooks
from service.api.safety import cases, holds, safety
from service.platform.once import Once

_MODULES = (
    cases,
    contracts,
    contract_records,
    milestones,
    differences,
    amendments,
    refunds,
    disputes,
    files,
    chargebacks,
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
    for blueprint in dict.fromkeys(module.blueprint for module in _MODULES):
        api.register_blueprint(blueprint)
    app.register_blueprint(webhooks.blueprint)
    app.register_blueprint(health.blueprint)
    # Made when somebody first asks: a worker and most web processes never do.
    app.extensions["openapi"] = Once(lambda: finished(api)).get
    app.add_url_rule("/openapi.json", "openapi", lambda: _spec(app))


def _spec(app: Flask) -> Response:
    spec: Document = app.extensions["openapi"]()
    return jsonify(spec)
