"""What others tell us: Stripe's events and the mail provider's bounces.

Verify, store, answer; act later.
"""

from __future__ import annotations

import hmac
import json

from flask import Blueprint, Response, jsonify, request

from service.domain.errors import BadSignature, Invalid, Unauthenticated
from service.domain.identity.actors import PSP
from service.gateways import BadWebhook
from service.http import web
from service.operations.client_access import returned_mail
from service.operations.payments import inbox

blueprint = Blueprint("webhooks", __name__)


@blueprint.post("/stripe/webhooks")
def stripe() -> Response:
    """200 once the event is stored, for duplicates and unknown types too; 400 for what Stripe did
    not sign just now.
    """
    body = request.get_data(cache=True)
    try:
        event = web.runtime().stripe.receive(body, request.headers.get("Stripe-Signature"))
    except BadWebhook as error:
        raise BadSignature(
            "The event was not accepted: its signature, age, mode or body is not right."
        ) from error
    with web.context(PSP) as ctx:
        fresh = inbox.store(ctx, event)
    return jsonify(received=True, duplicate=not fresh)


@blueprint.post("/mail/events")
def mail() -> Response:
    """A bounce or a complaint: `{"message_id": "msg_…", "event": "bounced" | "complained"}` with
    the shared secret as bearer.

    The same news twice changes nothing, and says so; news of a letter that left long ago is no
    news.
    """
    expected = web.runtime().settings.mail_events_secret
    if not expected or not hmac.compare_digest(web.bearer().encode(), expected.encode()):
        raise Unauthenticated("The secret is not right.")
    body = _read(request.get_data(cache=True))
    told = body if isinstance(body, dict) else {}
    if told.get("event") not in returned_mail.NEWS or not isinstance(told.get("message_id"), str):
        raise Invalid.one(
            "", "shape", 'Send {"message_id": "msg_…", "event": "bounced"} or "complained".'
        )
    with web.context() as ctx:
        fresh = returned_mail.take(ctx, told["message_id"], told["event"])
    return jsonify(received=True, duplicate=not fresh)


def _read(body: bytes) -> object:
    """What a body says; None for what is no JSON, or is nested without end."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
