"""Stripe: the only importer of the SDK. One client per process, everything it must know said here.

Separate charges and transfers. The fee is what is not transferred, so our ledger is its only record. Every call that
changes something takes a key that was stored before; every amount is explicit.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import stripe
from werkzeug.test import Client as WsgiClient

from service.domain.psp import AccountSnapshot, BankPayoutSnapshot, CheckoutSnapshot, InboundEvent, RefundSnapshot, TransferSnapshot
from service.gateways import BadWebhook, GatewayFailed, GatewayRefused, GatewayUnavailable, GatewayUnknownOutcome

API_VERSION = "2026-10-28.endive"
_TOLERANCE_SECONDS = 300
_ACCOUNT_FIELDS: list[Any] = ["configuration.recipient", "requirements", "identity", "defaults"]
_PAYMENT_EXPANSION = ["payment_intent.latest_charge.balance_transaction"]
_PAGE = 100
_MAX_PAGES = 50

stripe.enable_telemetry = False

ENABLED_EVENTS = (
    "checkout.session.completed", "checkout.session.async_payment_succeeded", "checkout.session.async_payment_failed", "checkout.session.expired",
    "payment_intent.processing", "payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled",
    "payment_intent.requires_action", "charge.succeeded", "charge.failed", "charge.updated", "charge.refunded",
    "refund.created", "refund.updated", "refund.failed", "transfer.created", "transfer.updated", "transfer.reversed",
    "payout.created", "payout.paid", "payout.failed", "payout.canceled", "payout.updated", "topup.succeeded", "account.updated",
)  # fmt: skip
THIN_EVENTS = (
    "v2.core.account[configuration.recipient].capability_status_updated",
    "v2.core.account[requirements].updated",
    "v2.core.account.closed",
)


@dataclass(frozen=True)
class CheckoutLine:
    name: str
    amount: int


@dataclass(frozen=True)
class CheckoutOrder:
    """A Checkout Session to make. `payment_id` is the idempotency key; amounts are in Stripe's units of `currency`."""

    payment_id: str
    contract_id: str
    currency: str
    lines: list[CheckoutLine]
    client_email: str
    method: str
    success_url: str
    cancel_url: str
    expires_at: datetime
    locale: str = "auto"


class InProcessHTTP(stripe.HTTPClient):
    """Reaches a WSGI application without a socket: the sandbox, from the same process (a server that calls itself runs out of threads)."""

    name = "in-process"

    def __init__(self, application: Callable[..., Any]) -> None:
        super().__init__()
        self._client = WsgiClient(application, use_cookies=False)

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, *, _usage: list[str] | None = None
    ) -> tuple[Any, int, Any]:
        path = "/" + url.split("//", 1)[1].split("/", 1)[1]
        try:
            answer = self._client.open(path, method=method.upper(), headers=dict(headers or {}), data=post_data)
        except ConnectionError as lost:
            raise stripe.APIConnectionError(str(lost)) from lost  # type: ignore[no-untyped-call]
        return answer.get_data(), answer.status_code, answer.headers

    def _sleep_time_seconds(self, num_retries: int, response: Any = None) -> float:
        return 0.0

    def close(self) -> None:
        pass


class StripeGateway:
    """Every call to Stripe that the product makes. Raises GatewayUnavailable, GatewayUnknownOutcome, GatewayRefused."""

    def __init__(
        self, key: str, webhook_secrets: tuple[str, ...], *, live: bool, in_process: Callable[..., Any] | None = None, base: str | None = None
    ) -> None:
        self._key, self._secrets, self._live = key, webhook_secrets, live
        self._in_process, self._base = in_process, base
        self._made: tuple[int, stripe.StripeClient] | None = None

    @property
    def _client(self) -> stripe.StripeClient:
        """Made lazily per process: a forked server must not share a connection pool."""
        if self._made is None or self._made[0] != os.getpid():
            http = InProcessHTTP(self._in_process) if self._in_process else stripe.RequestsClient(timeout=(3.05, 20))
            bases: Any = {} if not self._base else dict.fromkeys(("api", "files", "connect", "meter_events"), self._base)
            # The client's own default is no retry at all.
            client = stripe.StripeClient(self._key, http_client=http, max_network_retries=2, stripe_version=API_VERSION, base_addresses=bases)
            self._made = (os.getpid(), client)
        return self._made[1]

    # The client pays

    def create_checkout(self, order: CheckoutOrder) -> CheckoutSnapshot:
        """A hosted payment page. The same `payment_id` gives the same session for a day."""
        ours = {"payment_id": order.payment_id, "contract_id": order.contract_id}
        with _translated():
            session = self._client.v1.checkout.sessions.create(
                {
                    "mode": "payment",
                    "ui_mode": "hosted_page",
                    "submit_type": "pay",
                    "client_reference_id": order.payment_id,
                    "customer_email": order.client_email,
                    "line_items": [
                        {"quantity": 1, "price_data": {"currency": order.currency.lower(), "unit_amount": line.amount, "product_data": {"name": line.name}}}
                        for line in order.lines
                    ],
                    "success_url": order.success_url,
                    "cancel_url": order.cancel_url,
                    "expires_at": int(order.expires_at.timestamp()),
                    # A Dashboard setting would otherwise let the client pay in another currency.
                    "adaptive_pricing": {"enabled": False},
                    "allowed_payment_method_types": ["us_bank_account"] if order.method == "us_bank_account" else ["card", "link"],
                    "metadata": ours,
                    # The session's metadata is not copied to the intent and the charge.
                    "payment_intent_data": {"transfer_group": order.contract_id, "metadata": ours, "description": f"Protected payment {order.payment_id}"},
                },
                {"idempotency_key": f"checkout:{order.payment_id}:1"},
            )
        return _checkout(session)

    def fetch_checkout(self, session_id: str) -> CheckoutSnapshot:
        """The session as it stands, with intent, charge and balance transaction."""
        with _translated():
            return _checkout(self._client.v1.checkout.sessions.retrieve(session_id, {"expand": _PAYMENT_EXPANSION}))

    def find_checkout(self, payment_intent_id: str) -> CheckoutSnapshot | None:
        """The session that made a PaymentIntent; None when it is not one of ours."""
        with _translated():
            found = self._client.v1.checkout.sessions.list({"payment_intent": payment_intent_id, "limit": 1})
        return self.fetch_checkout(found.data[0].id) if found.data else None

    def expire_checkout(self, session_id: str) -> CheckoutSnapshot:
        """Close an open session; one that was paid in the last instant is returned as paid."""
        try:
            with _translated():
                self._client.v1.checkout.sessions.expire(session_id)
        except GatewayRefused:
            # Complete or expired already: its present state says which.
            return self.fetch_checkout(session_id)
        return self.fetch_checkout(session_id)

    # Back to the client

    def create_refund(self, refund_id: str, attempt: int, payment_intent_id: str, amount: int) -> RefundSnapshot:
        with _translated():
            made = self._client.v1.refunds.create(
                {"payment_intent": payment_intent_id, "amount": amount, "metadata": {"refund_id": refund_id}},
                {"idempotency_key": f"refund:{refund_id}:{attempt}"},
            )
        return _refund(made)

    def find_refund(self, refund_id: str, payment_intent_id: str) -> RefundSnapshot | None:
        """Whether a refund of ours was made: for an outcome that nobody heard."""
        with _translated():
            page = self._client.v1.refunds.list({"payment_intent": payment_intent_id, "limit": _PAGE})
        return next((_refund(r) for r in page.data if _metadata(r, "refund_id") == refund_id), None)

    def fetch_refund(self, stripe_refund_id: str) -> RefundSnapshot:
        with _translated():
            return _refund(self._client.v1.refunds.retrieve(stripe_refund_id))

    # To the freelancer

    def create_account(self, freelancer_id: str, email: str, name: str, country: str) -> AccountSnapshot:
        """A recipient account (Accounts v2). The freelancer's id is the key: there is one."""
        with _translated():
            made = self._client.v2.core.accounts.create(
                {
                    "contact_email": email,
                    "display_name": name,
                    "dashboard": "express",
                    "identity": {"country": country.lower(), "entity_type": "individual"},
                    "configuration": {"recipient": {"capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}}},
                    "defaults": {"responsibilities": {"fees_collector": "application", "losses_collector": "application"}},
                    "include": _ACCOUNT_FIELDS,
                    "metadata": {"freelancer_id": freelancer_id},
                },
                {"idempotency_key": f"account:{freelancer_id}:1"},
            )
        return _account(made)

    def fetch_account(self, account_id: str) -> AccountSnapshot:
        with _translated():
            return _account(self._client.v2.core.accounts.retrieve(account_id, {"include": _ACCOUNT_FIELDS}))

    def onboarding_url(self, account_id: str, refresh_url: str, return_url: str) -> str:
        """A single-use address at Stripe; made for whoever asks with the freelancer's key, never mailed."""
        onboarding: Any = {"refresh_url": refresh_url, "return_url": return_url}
        with _translated():
            link = self._client.v2.core.account_links.create(
                {"account": account_id, "use_case": {"type": "account_onboarding", "account_onboarding": onboarding}}
            )
        return str(link.url)

    def create_transfer(self, payout_id: str, leg: int, attempt: int, *, amount: int, currency: str, charge_id: str, account_id: str) -> TransferSnapshot:
        """One leg of a payout out of one charge. With `source_transaction` it succeeds before the charge is available."""
        with _translated():
            made = self._client.v1.transfers.create(
                {
                    "amount": amount,
                    "currency": currency.lower(),
                    "destination": account_id,
                    "source_transaction": charge_id,
                    "transfer_group": payout_id,
                    "metadata": {"payout_id": payout_id, "leg": str(leg)},
                },
                {"idempotency_key": f"transfer:{payout_id}:{leg}:{attempt}"},
            )
        return _transfer(made)

    def find_transfers(self, payout_id: str) -> dict[int, TransferSnapshot]:
        """The legs of a payout that Stripe has: for an outcome that nobody heard."""
        with _translated():
            page = self._client.v1.transfers.list({"transfer_group": payout_id, "limit": _PAGE})
        return {int(_metadata(t, "leg") or 0): _transfer(t) for t in page.data}

    def fetch_transfer(self, transfer_id: str) -> TransferSnapshot:
        with _translated():
            return _transfer(self._client.v1.transfers.retrieve(transfer_id))

    def reverse_transfer(self, transfer_id: str, amount: int, key: str) -> TransferSnapshot:
        """Take a leg back. Answers with Stripe's total."""
        with _translated():
            self._client.v1.transfers.reversals.create(transfer_id, {"amount": amount}, {"idempotency_key": f"reversal:{key}"})
        return self.fetch_transfer(transfer_id)

    def create_bank_payout(self, payout_id: str, attempt: int, *, amount: int, currency: str, account_id: str) -> BankPayoutSnapshot:
        """From the connected account to the bank."""
        with _translated():
            made = self._client.v1.payouts.create(
                {"amount": amount, "currency": currency.lower(), "metadata": {"payout_id": payout_id}},
                {"idempotency_key": f"payout:{payout_id}:{attempt}", "stripe_account": account_id},
            )
        return _bank_payout(made)

    def fetch_bank_payout(self, stripe_payout_id: str, account_id: str) -> BankPayoutSnapshot:
        with _translated():
            return _bank_payout(self._client.v1.payouts.retrieve(stripe_payout_id, None, {"stripe_account": account_id}))

    def find_bank_payout(self, payout_id: str, account_id: str) -> BankPayoutSnapshot | None:
        with _translated():
            page = self._client.v1.payouts.list({"limit": _PAGE}, {"stripe_account": account_id})
        return next((_bank_payout(p) for p in page.data if _metadata(p, "payout_id") == payout_id), None)

    # The platform's own

    def set_manual_payouts(self, account_id: str | None = None) -> None:
        """No automatic payouts: Stripe would otherwise sweep held money to a bank. For the platform, or a connected account."""
        options: Any = {"stripe_account": account_id} if account_id else {}
        with _translated():
            self._client.v1.balance_settings.update({"payments": {"payouts": {"schedule": {"interval": "manual"}}}}, options)

    def payouts_are_manual(self) -> bool:
        with _translated():
            found = self._client.v1.balance_settings.retrieve()
        schedule = found.payments.payouts.schedule if found.payments and found.payments.payouts else None
        return bool(schedule and schedule.interval == "manual")

    def balance(self, account_id: str | None = None) -> dict[str, int]:
        """Available plus pending per upper-case currency, in Stripe's units."""
        options: Any = {"stripe_account": account_id} if account_id else {}
        with _translated():
            found: Any = self._client.v1.balance.retrieve(None, options)
        totals: dict[str, int] = {}
        for part in [*found.available, *found.pending]:
            totals[part.currency.upper()] = totals.get(part.currency.upper(), 0) + part.amount
        return totals

    def top_up(self, amount: int, currency: str, key: str) -> str:
        """Put the platform's own money in."""
        with _translated():
            made = self._client.v1.topups.create({"amount": amount, "currency": currency.lower()}, {"idempotency_key": f"topup:{key}"})
        return str(made.id)

    # What Stripe tells

    def receive(self, body: bytes, signature: str | None) -> InboundEvent:
        """Check a webhook against every current secret and against its age. Raises BadWebhook.

        The SDK accepts timestamps from the future; a signed body must not become a promise to be cashed in later.
        """
        if not any(_signed(body, signature, secret) for secret in self._secrets):
            raise BadWebhook("no signature of this body fits a current secret")
        try:
            payload = json.loads(body)
        except ValueError as error:
            raise BadWebhook("the body is not JSON") from error
        if not isinstance(payload, dict) or not isinstance(payload.get("id"), str) or not isinstance(payload.get("type"), str):
            raise BadWebhook("the body is no event")
        if bool(payload.get("livemode")) != self._live:
            raise BadWebhook("the event is of the other mode")
        return _inbound(payload)

    def events_since(self, instant: datetime) -> list[InboundEvent]:
        """What happened at Stripe since then, oldest first, for webhooks that never came."""
        found: list[InboundEvent] = []
        with _translated():
            page = self._client.v1.events.list({"created": {"gte": int(instant.timestamp())}, "limit": _PAGE, "types": list(ENABLED_EVENTS[:20])})
            for number, event in enumerate(page.auto_paging_iter()):
                if number >= _PAGE * _MAX_PAGES:
                    break
                found.append(_inbound(event.to_dict()))
        return list(reversed(found))


def _signed(body: bytes, header: str | None, secret: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(body.decode(), header or "", secret, _TOLERANCE_SECONDS)
    except (stripe.SignatureVerificationError, UnicodeDecodeError, ValueError):
        return False
    stamps = [part[2:] for part in (header or "").split(",") if part.startswith("t=")]
    return len(stamps) == 1 and int(stamps[0]) <= time.time() + _TOLERANCE_SECONDS


def sign(body: bytes, secret: str, timestamp: int) -> str:
    """A Stripe-Signature header: what the sandbox sends and tests forge."""
    return str(stripe.WebhookSignature.generate_signature_header(body.decode(), secret, timestamp))


@contextmanager
def _translated() -> Any:
    """Stripe's errors to ours: what was surely not done, what is unknown, what is a definite no."""
    try:
        yield
    except stripe.RateLimitError as error:
        raise GatewayUnavailable("Stripe throttles", error.code) from error
    except stripe.APIConnectionError as error:
        raise GatewayUnknownOutcome("no answer from Stripe") from error
    except stripe.IdempotencyError as error:
        raise GatewayRefused("the key was used with other parameters", "idempotency_error") from error
    except (stripe.InvalidRequestError, stripe.CardError, stripe.AuthenticationError, stripe.PermissionError) as error:
        raise GatewayRefused(str(error.user_message or error), error.code) from error
    except stripe.StripeError as error:
        if error.http_status == 500:
            raise GatewayFailed("Stripe failed", error.code) from error
        # 503, and 409 "key in use": the first call may be running or done.
        raise GatewayUnknownOutcome("Stripe did not say", error.code) from error


def _checkout(session: Any) -> CheckoutSnapshot:
    intent = session.payment_intent if not isinstance(session.payment_intent, str) else None
    charge = intent.latest_charge if intent and not isinstance(intent.latest_charge, str) else None
    transaction = charge.balance_transaction if charge and not isinstance(charge.balance_transaction, str) else None
    card = charge.payment_method_details.card if charge and charge.payment_method_details and hasattr(charge.payment_method_details, "card") else None
    problem = intent.last_payment_error if intent else None
    return CheckoutSnapshot(
        session_id=session.id,
        session_status=session.status,
        paid=session.payment_status == "paid",
        expires_at=datetime.fromtimestamp(session.expires_at, UTC),
        payment_id=_metadata(session, "payment_id"),
        url=session.url,
        payment_intent_id=intent.id if intent else session.payment_intent,
        intent_status=intent.status if intent else None,
        charge_id=charge.id if charge else None,
        received=intent.amount_received if intent else None,
        currency=intent.currency.upper() if intent else None,
        fee=transaction.fee if transaction else None,
        card_last4=card.last4 if card else None,
        decline_code=(getattr(problem, "decline_code", None) or problem.code) if problem else None,
    )


def _refund(refund: Any) -> RefundSnapshot:
    return RefundSnapshot(refund.id, refund.status, getattr(refund, "failure_reason", None))


def _transfer(transfer: Any) -> TransferSnapshot:
    return TransferSnapshot(transfer.id, transfer.amount, transfer.amount_reversed)


def _bank_payout(payout: Any) -> BankPayoutSnapshot:
    return BankPayoutSnapshot(payout.id, payout.status, getattr(payout, "failure_code", None))


def _account(account: Any) -> AccountSnapshot:
    recipient = account.configuration.recipient if account.configuration else None
    transfers = recipient.capabilities.stripe_balance.stripe_transfers if recipient else None
    entries = account.requirements.entries if account.requirements and account.requirements.entries else []
    return AccountSnapshot(
        id=account.id,
        transfers_status=transfers.status if transfers else "pending",
        requirements=[entry.description for entry in entries],
        closed=bool(getattr(account, "closed", False)),
    )


def _metadata(thing: Any, name: str) -> str | None:
    return getattr(thing.metadata, name, None) if thing.metadata else None


def _inbound(payload: Mapping[str, Any]) -> InboundEvent:
    related = payload.get("related_object") or (payload.get("data") or {}).get("object") or {}
    account = payload.get("account")
    return InboundEvent(
        id=payload["id"], type=payload["type"], livemode=bool(payload.get("livemode")), object_id=related.get("id"),
        account_id=account if isinstance(account, str) else None, payload=dict(payload),
    )  # fmt: skip
