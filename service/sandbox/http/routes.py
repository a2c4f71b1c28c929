"""Stripe's HTTP: every call that the gateway makes, with Stripe's parsing, checking, idempotency,
errors and faults.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import stripe
from flask import Blueprint, Response, current_app, request
from sqlalchemy import text

from service.domain.text.incoming import is_digits
from service.sandbox.errors import StripeRefusal
from service.sandbox.store import PLATFORM, Store
from service.sandbox.stripe import accounts as connect
from service.sandbox.stripe import checkout, disputes
from service.sandbox.stripe.contract import (
    RESOURCES,
    ContractDrift,
    check_object,
    check_params,
    params_class,
)

blueprint = Blueprint("stripe", __name__, url_prefix="/_sandbox/stripe")
_SDK = stripe.StripeClient("sk_test_unused")
Body = dict[str, Any]
_BROKEN = json.dumps({"error": {"type": "api_error", "message": "An unknown error occurred"}})


@dataclass(frozen=True)
class StripeCall:
    """One call: where it is, whose parameters it takes (a path into the SDK's client), and what it
    does.
    """

    method: str
    path: str
    sdk: str
    act: Callable[[Store, Body, str, str], Body]

    @property
    def pattern(self) -> re.Pattern[str]:
        return re.compile("^" + re.sub(r"\{\w+\}", "([^/]+)", self.path) + "$")


def _list(kind: str, *fields: str) -> Callable[[Store, Body, str, str], Body]:
    def act(store: Store, query: Body, _: str, account: str) -> Body:
        wanted = {name: query[name] for name in fields if name in query}
        found = store.find(kind, account, **wanted)
        after = query.get("starting_after")
        if after:
            ids = [doc["id"] for doc in found]
            found = found[ids.index(after) + 1 :] if after in ids else []
        limit = int(query.get("limit", 10))
        return {
            "object": "list",
            "data": found[:limit],
            "has_more": len(found) > limit,
            "url": request.path.removeprefix("/_sandbox/stripe"),
        }

    return act


def _events(store: Store, query: Body, _: str, account: str) -> Body:
    since = (
        int(query.get("created", {}).get("gte", 0)) if isinstance(query.get("created"), dict) else 0
    )
    listed = _list("event")(store, {"limit": 1000}, "", account)["data"]
    data = [
        e for e in listed if e["created"] >= since and e["type"] in query.get("types", [e["type"]])
    ]
    return {"object": "list", "data": data[:100], "has_more": False, "url": "/v1/events"}


def _balance_rows(store: Store, query: Body, _: str, account: str) -> Body:
    since = (
        int(query.get("created", {}).get("gte", 0)) if isinstance(query.get("created"), dict) else 0
    )
    found = _list("balance_transaction")(store, {**query, "limit": 1000}, "", account)["data"]
    recent, limit = [row for row in found if row["created"] >= since], int(query.get("limit", 10))
    return {
        "object": "list",
        "data": recent[:limit],
        "has_more": len(recent) > limit,
        "url": "/v1/balance_transactions",
    }


def _get(kind: str) -> Callable[[Store, Body, str, str], Body]:
    return lambda store, _, object_id, account: store.get(object_id, kind, account)


CALLS = [
    StripeCall(
        "POST",
        "/v1/checkout/sessions",
        "v1.checkout.sessions.create",
        lambda s, b, _, __: checkout.create_session(s, b),
    ),
    StripeCall(
        "GET",
        "/v1/checkout/sessions",
        "v1.checkout.sessions.list",
        _list("checkout.session", "payment_intent"),
    ),
    StripeCall(
        "GET",
        "/v1/checkout/sessions/{id}",
        "v1.checkout.sessions.retrieve",
        _get("checkout.session"),
    ),
    StripeCall(
        "POST",
        "/v1/checkout/sessions/{id}/expire",
        "v1.checkout.sessions.expire",
        lambda s, _, i, __: checkout.expire_session(s, i),
    ),
    StripeCall(
        "POST", "/v1/refunds", "v1.refunds.create", lambda s, b, _, __: checkout.create_refund(s, b)
    ),
    StripeCall("GET", "/v1/refunds", "v1.refunds.list", _list("refund", "payment_intent")),
    StripeCall("GET", "/v1/refunds/{id}", "v1.refunds.retrieve", _get("refund")),
    StripeCall(
        "GET", "/v1/disputes", "v1.disputes.list", _list("dispute", "charge", "payment_intent")
    ),
    StripeCall("GET", "/v1/disputes/{id}", "v1.disputes.retrieve", _get("dispute")),
    StripeCall(
        "POST",
        "/v1/disputes/{id}",
        "v1.disputes.update",
        lambda s, b, i, _: disputes.update(s, i, b),
    ),
    StripeCall(
        "POST",
        "/v1/disputes/{id}/close",
        "v1.disputes.close",
        lambda s, _, i, __: disputes.concede(s, i),
    ),
    StripeCall(
        "POST", "/v1/files", "v1.files.create", lambda s, b, _, __: disputes.create_file(s, b)
    ),
    StripeCall(
        "GET",
        "/v1/radar/early_fraud_warnings/{id}",
        "v1.radar.early_fraud_warnings.retrieve",
        _get("radar.early_fraud_warning"),
    ),
    StripeCall(
        "GET",
        "/v1/accounts/{id}/external_accounts",
        "v1.accounts.external_accounts.list",
        lambda s, _, i, __: connect.external_accounts(s, i),
    ),
    StripeCall(
        "POST",
        "/v1/transfers",
        "v1.transfers.create",
        lambda s, b, _, __: connect.create_transfer(s, b),
    ),
    StripeCall("GET", "/v1/transfers", "v1.transfers.list", _list("transfer", "transfer_group")),
    StripeCall("GET", "/v1/transfers/{id}", "v1.transfers.retrieve", _get("transfer")),
    StripeCall(
        "POST",
        "/v1/transfers/{id}/reversals",
        "v1.transfers.reversals.create",
        lambda s, b, i, _: connect.reverse_transfer(s, i, b),
    ),
    StripeCall(
        "POST",
        "/v1/payouts",
        "v1.payouts.create",
        lambda s, b, _, a: connect.create_payout(s, b, a),
    ),
    StripeCall("GET", "/v1/payouts", "v1.payouts.list", _list("payout")),
    StripeCall(
        "POST",
        "/v1/payouts/{id}/cancel",
        "v1.payouts.cancel",
        lambda s, _, i, __: connect.cancel_payout(s, i),
    ),
    StripeCall("GET", "/v1/payouts/{id}", "v1.payouts.retrieve", _get("payout")),
    StripeCall(
        "GET", "/v1/balance", "v1.balance.retrieve", lambda s, _, __, a: connect.balance_view(s, a)
    ),
    StripeCall("GET", "/v1/balance_transactions", "v1.balance_transactions.list", _balance_rows),
    StripeCall(
        "GET",
        "/v1/balance_settings",
        "v1.balance_settings.retrieve",
        lambda s, _, __, a: connect.balance_settings(s, a),
    ),
    StripeCall(
        "POST",
        "/v1/balance_settings",
        "v1.balance_settings.update",
        lambda s, b, _, a: connect.balance_settings(s, a, b),
    ),
    StripeCall("POST", "/v1/topups", "v1.topups.create", lambda s, b, _, __: connect.top_up(s, b)),
    StripeCall("GET", "/v1/events", "v1.events.list", _events),
    StripeCall(
        "POST",
        "/v2/core/accounts",
        "v2.core.accounts.create",
        lambda s, b, _, __: connect.create_account(s, b),
    ),
    StripeCall(
        "GET",
        "/v2/core/accounts/{id}",
        "v2.core.accounts.retrieve",
        lambda s, b, i, _: connect.account_view(s, i, _as_list(b.get("include"))),
    ),
    StripeCall(
        "POST",
        "/v2/core/account_links",
        "v2.core.account_links.create",
        lambda s, b, _, __: connect.create_account_link(s, b),
    ),
]


def _as_list(value: Any) -> list[str]:
    return list(value.values()) if isinstance(value, dict) else list(value or [])


@blueprint.route("/v1/<path:rest>", methods=["GET", "POST", "DELETE"])
@blueprint.route("/v2/<path:rest>", methods=["GET", "POST", "DELETE"])
def answer(rest: str) -> Response:  # noqa: ARG001  the route needs it, the path is read whole
    """One request of the SDK: fault, authentication, parameters, idempotency, the call, the
    answer's shape.
    """
    path = request.path.removeprefix("/_sandbox/stripe")
    with current_app.extensions["database"].transaction() as session:
        fault = _fault(Store(session), path)
    with current_app.extensions["database"].transaction() as session:
        store = Store(session)
        try:
            if fault in ("reset_before", "429", "503", "409"):
                return _faulty(fault)
            status, body, replayed = _once(store, path, fails=fault == "500")
        except StripeRefusal as refusal:
            status, body, replayed = refusal.status, json.dumps(refusal.body), False
        if any(store.total().values()):
            raise AssertionError("the sandbox's money does not add up to zero")
    if fault == "timeout_after":
        request.environ["holdfast.sandbox.drop"] = True
    return _reply(status, body, replayed=replayed)


def _once(store: Store, path: str, *, fails: bool) -> tuple[int, str, bool]:
    """Idempotency as Stripe does it: the same key replays (a stored 500 too), other parameters are
    refused, validation failures are not kept.
    """
    if request.headers.get("Authorization") != f"Bearer {current_app.config['STRIPE_KEY']}":
        raise StripeRefusal(401, "api_key_invalid", "Invalid API Key provided.")
    key, account = (
        request.headers.get("Idempotency-Key"),
        request.headers.get("Stripe-Account", PLATFORM),
    )
    if request.method != "POST" or not key:
        return (500, _BROKEN, False) if fails else (200, _do(store, path, account), False)
    # A multipart body has another boundary each time.
    sent = (
        json.dumps(_body()).encode()
        if request.mimetype == "multipart/form-data"
        else request.get_data()
    )
    fingerprint = hashlib.sha256(f"{path}\n".encode() + sent).hexdigest()
    row = store.session.execute(
        text(
            "SELECT fingerprint, status, body FROM sandbox.idempotency WHERE account = :account "
            "AND key = :key AND created_at > :since"
        ),
        {"account": account, "key": key, "since": store.now - timedelta(hours=24)},
    ).one_or_none()
    if row:
        if row.fingerprint != fingerprint:
            message = (
                "Keys for idempotent requests can only be used with the same parameters "
                "they were first used with."
            )
            raise StripeRefusal(400, "idempotency_key_reused", message, "idempotency_error")
        return row.status, row.body, True
    status, body = (500, _BROKEN) if fails else (200, _do(store, path, account))
    _keep(store, account, key, fingerprint, status, body)
    return status, body, False


def _keep(
    store: Store,
    account: str,
    key: str,
    fingerprint: str,
    status: int,
    body: str,
) -> None:
    """Remember the answer to a key, for a day."""
    store.session.execute(
        text(
            "INSERT INTO sandbox.idempotency VALUES (:account, :key, :fingerprint, :status, "
            ":body, :now)"
            " ON CONFLICT (account, key) DO UPDATE SET fingerprint = excluded.fingerprint, "
            "status = excluded.status, body = excluded.body, created_at = excluded.created_at"
        ),
        {
            "account": account,
            "key": key,
            "fingerprint": fingerprint,
            "status": status,
            "body": body,
            "now": store.now,
        },
    )


def _do(store: Store, path: str, account: str) -> str:
    for call in CALLS:
        match = call.pattern.match(path)
        if match and call.method == request.method:
            break
    else:
        raise StripeRefusal(
            404, "url_invalid", f"Unrecognized request URL ({request.method}: {path})."
        )
    given = _body()
    expand = _as_list(given.pop("expand", None))
    _check(call, given)
    made = call.act(store, given, match[1] if match.groups() else "", account)
    for wanted in expand:
        made = _expanded(store, made, wanted.split("."))
    made = {
        k: v
        for k, v in made.items()
        if not (made["object"] == "v2.core.account_link" and k == "id")
    }
    if made["object"] != "list":
        check_object(made, RESOURCES[made["object"]])
    else:
        for item in made["data"]:
            check_object(item, RESOURCES[item["object"]])
    return json.dumps(made)


def _check(call: StripeCall, given: Body) -> None:
    method: Any = _SDK
    for part in call.sdk.split("."):
        method = getattr(method, part)
    try:
        check_params(given, params_class(method))
    except ContractDrift as drift:
        raise StripeRefusal(400, "parameter_unknown", str(drift)) from drift


def _expanded(store: Store, doc: Body, path: list[str]) -> Body:
    value = doc.get(path[0])
    if isinstance(value, str):
        value = store.get(value)
    if isinstance(value, dict) and len(path) > 1:
        value = _expanded(store, value, path[1:])
    return doc | {path[0]: value}


def _body() -> Body:
    if request.method == "GET":
        return _nested(parse_qsl(request.query_string.decode(), keep_blank_values=True))
    if request.mimetype == "multipart/form-data":
        sent = request.files["file"]
        return dict(request.form) | {
            "file": {"name": sent.filename or "file", "size": len(sent.read())}
        }
    if request.mimetype == "application/json":
        parsed = json.loads(request.get_data() or b"{}")
        return parsed if isinstance(parsed, dict) else {}
    return _nested(parse_qsl(request.get_data().decode(), keep_blank_values=True))


def _nested(pairs: list[tuple[str, str]]) -> Body:
    """`a[b][0][c]=x` to hashes and lists, as Stripe reads forms."""
    root: Body = {}
    for name, value in pairs:
        keys = [part for part in re.split(r"[\[\]]+", name) if part != ""] + (
            [""] if name.endswith("[]") else []
        )
        node = root
        for key in keys[:-1]:
            node = node.setdefault(key, {})
        node[keys[-1] or str(len(node))] = value
    return {key: _lists(value) for key, value in root.items()}


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {key: _lists(item) for key, item in value.items()}
    if inner and all(is_digits(key) for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner


def _fault(store: Store, path: str) -> str | None:
    """The next armed fault for this call, used up by being met."""
    row = store.session.execute(
        text(
            "SELECT id, kind, skip FROM sandbox.fault WHERE times > 0 AND method IN ('*', "
            ":method) AND :path LIKE path ORDER BY id LIMIT 1"
        ),
        {"method": request.method, "path": path},
    ).one_or_none()
    if row is None:
        return None
    column = "skip" if row.skip else "times"
    store.session.execute(
        text(f"UPDATE sandbox.fault SET {column} = {column} - 1 WHERE id = :id"), {"id": row.id}
    )
    return None if row.skip else str(row.kind)


def _faulty(fault: str) -> Response:
    if fault == "reset_before":
        request.environ["holdfast.sandbox.drop"] = True
        return _reply(502, "{}", replayed=False)
    kind, code = {
        "429": ("invalid_request_error", "rate_limit"),
        "503": ("api_error", "unavailable"),
        "409": ("idempotency_error", "idempotency_key_in_use"),
    }[fault]
    return _reply(
        int(fault),
        json.dumps({"error": {"type": kind, "code": code, "message": f"Fault {fault}"}}),
        replayed=False,
    )


def _reply(status: int, body: str, *, replayed: bool) -> Response:
    made = Response(body, status, mimetype="application/json")
    made.headers["Request-Id"] = f"req_{hashlib.sha256(body.encode()).hexdigest()[:14]}"
    if replayed:
        made.headers["Idempotent-Replayed"] = "true"
    return made
