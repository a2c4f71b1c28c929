"""Stripe's HTTP: parsing, checking, idempotency, errors and faults around every call."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from operator import attrgetter

import stripe
from flask import Blueprint, Response, current_app, request

from service.domain.text.json_types import JsonObject
from service.sandbox.errors import StripeRefusal
from service.sandbox.extensions import transaction
from service.sandbox.http import faults, idempotency
from service.sandbox.http.bodies import body
from service.sandbox.http.calls import CALLS, StripeCall
from service.sandbox.http.idempotency import Answer
from service.sandbox.store import PLATFORM, Store
from service.sandbox.stripe.contract import (
    RESOURCES,
    ContractDrift,
    check_object,
    check_params,
    params_class,
)
from service.sandbox.stripe.params import Params

blueprint = Blueprint("stripe", __name__, url_prefix="/_sandbox/stripe")
SDK = stripe.StripeClient("sk_test_unused")
_BROKEN = Answer(
    500, json.dumps({"error": {"type": "api_error", "message": "An unknown error occurred"}})
)


@blueprint.route("/v1/<path:rest>", methods=["GET", "POST", "DELETE"])
@blueprint.route("/v2/<path:rest>", methods=["GET", "POST", "DELETE"])
def answer(rest: str) -> Response:  # noqa: ARG001  the route needs it, the path is read whole
    """One request of the SDK: fault, authentication, parameters, idempotency, the call, the
    answer's shape.
    """
    path = request.path.removeprefix("/_sandbox/stripe")
    with transaction() as session:
        fault = faults.take(Store(session), path)
    with transaction() as session:
        store = Store(session)
        try:
            if fault in faults.BEFORE:
                return _reply(faults.answer_of(fault))
            given = _once(store, path, fails=fault == "500")
        except StripeRefusal as refusal:
            given = Answer(refusal.status, json.dumps(refusal.body))
        if any(store.total().values()):
            raise AssertionError("the sandbox's money does not add up to zero")
    if fault == "timeout_after":
        faults.drop_answer()
    return _reply(given)


def _once(store: Store, path: str, *, fails: bool) -> Answer:
    """The call, done once for its key. Raises StripeRefusal."""
    if request.headers.get("Authorization") != f"Bearer {current_app.config['STRIPE_KEY']}":
        raise StripeRefusal(401, "api_key_invalid", "Invalid API Key provided.")
    account = request.headers.get("Stripe-Account", PLATFORM)
    given = request.headers.get("Idempotency-Key")
    if request.method != "POST" or not given:
        return _BROKEN if fails else Answer(200, _do(store, path, account))
    key = idempotency.Key(account, given, _fingerprint(path))
    before = idempotency.kept(store, key)
    if before is not None:
        return before
    made = _BROKEN if fails else Answer(200, _do(store, path, account))
    idempotency.keep(store, key, made)
    return made


def _fingerprint(path: str) -> str:
    # A multipart body has another boundary each time.
    sent = (
        json.dumps(body()).encode()
        if request.mimetype == "multipart/form-data"
        else request.get_data()
    )
    return hashlib.sha256(f"{path}\n".encode() + sent).hexdigest()


def _do(store: Store, path: str, account: str) -> str:
    """The answer as JSON, checked against the SDK's type. Raises StripeRefusal."""
    call, object_id = _find(path)
    given = body()
    expand = Params({"expand": given.pop("expand", None)}).values("expand")
    _check(call, given)
    made = call.action(store, Params(given), object_id, account)
    for wanted in expand:
        made = _expanded(store, made, str(wanted).split("."))
    if made["object"] == "v2.core.account_link":
        made = {name: value for name, value in made.items() if name != "id"}
    data = made.get("data") if made["object"] == "list" else [made]
    for item in data if isinstance(data, list) else []:
        check_object(item, RESOURCES[item["object"]])
    return json.dumps(made)


def _find(path: str) -> tuple[StripeCall, str]:
    """The call at this address, and the id in it. Raises StripeRefusal where there is none."""
    for call in CALLS:
        match = call.pattern.match(path)
        if match and call.method == request.method:
            return call, match[1] if match.groups() else ""
    raise StripeRefusal(404, "url_invalid", f"Unrecognized request URL ({request.method}: {path}).")


def _check(call: StripeCall, given: JsonObject) -> None:
    try:
        check_params(given, params_class(attrgetter(call.sdk)(SDK)))
    except ContractDrift as drift:
        raise StripeRefusal(400, "parameter_unknown", str(drift)) from drift


def _expanded(store: Store, doc: Mapping[str, object], path: list[str]) -> Mapping[str, object]:
    """An object with the ids along a path replaced by what they stand for."""
    value = doc.get(path[0])
    if isinstance(value, str):
        value = store.document(value)
    if isinstance(value, dict) and len(path) > 1:
        value = _expanded(store, value, path[1:])
    return {**doc, path[0]: value}


def _reply(given: Answer) -> Response:
    made = Response(given.body, given.status, mimetype="application/json")
    made.headers["Request-Id"] = f"req_{hashlib.sha256(given.body.encode()).hexdigest()[:14]}"
    if given.replayed:
        made.headers["Idempotent-Replayed"] = "true"
    return made
