"""What others tell us: Stripe's events and the mail provider's bounces. Verify, store, answer; act later."""

from __future__ import annotations

import hmac

from flask import Blueprint, Response, jsonify, request
from sqlalchemy import select

from service import web
from service.domain import typeid
from service.domain.actors import PSP
from service.domain.errors import BadSignature, Invalid, Unauthenticated
from service.domain.typeid import ObjectKind
from service.gateways import BadWebhook
from service.models import Message
from service.operations import inbox

blueprint = Blueprint("webhooks", __name__)


@blueprint.post("/stripe/webhooks")
def stripe() -> Response:
    """200 once the event is stored, for duplicates and unknown types too; 400 for what Stripe did not sign just now."""
    body = request.get_data(cache=True)
    try:
        event = web.runtime().stripe.receive(body, request.headers.get("Stripe-Signature"))
    except BadWebhook as error:
        raise BadSignature("The event was not accepted: its signature, age, mode or body is not right.") from error
    with web.act(PSP) as act:
        fresh = inbox.store(act, event)
    return jsonify(received=True, duplicate=not fresh)


@blueprint.post("/mail/events")
def mail() -> Response:
    """A bounce: `{"message_id": "msg_…", "event": "bounced"}` with the shared secret as bearer."""
    expected = web.runtime().settings.mail_events_secret
    if not expected or not hmac.compare_digest(web.bearer(), expected):
        raise Unauthenticated("The secret is not right.")
    body = request.get_json(silent=True)
    if not isinstance(body, dict) or body.get("event") != "bounced" or not isinstance(body.get("message_id"), str):
        raise Invalid.one("", "shape", 'Send {"message_id": "msg_…", "event": "bounced"}.')
    with web.act() as act:
        message_id = body["message_id"].strip("<>").partition("@")[0]
        known = typeid.is_typeid(message_id, ObjectKind.MESSAGE)
        query = select(Message).where(Message.id == message_id).with_for_update() if known else None
        found = act.session.execute(query).scalar_one_or_none() if query is not None else None
        if found is not None and found.state in ("queued", "sent"):
            found.state, found.bounced_at = "bounced", act.now
    return jsonify(received=True)
