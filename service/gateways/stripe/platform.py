"""The platform's own: its balance and settings, and what Stripe tells it."""

from __future__ import annotations

import json
from datetime import datetime
from itertools import islice

from stripe import RequestOptions

from service.domain.money.psp import BalanceRow, InboundEvent
from service.domain.text.incoming import keepable, whole_number
from service.gateways import BadWebhook
from service.gateways.stripe import snapshots
from service.gateways.stripe.transport import PAGE, Connection, signed, translated

MAX_PAGES = 50
_TYPES_PER_CALL = 20

ENABLED_EVENTS = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "payment_intent.processing",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "payment_intent.requires_action",
    "charge.succeeded",
    "charge.failed",
    "charge.updated",
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "transfer.created",
    "transfer.updated",
    "transfer.reversed",
    "payout.created",
    "payout.paid",
    "payout.failed",
    "payout.canceled",
    "payout.updated",
    "topup.succeeded",
    "account.updated",
    "account.external_account.created",
    "account.external_account.updated",
    "account.external_account.deleted",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "radar.early_fraud_warning.created",
    "radar.early_fraud_warning.updated",
)
THIN_EVENTS = (
    "v2.core.account[configuration.recipient].capability_status_updated",
    "v2.core.account[requirements].updated",
    "v2.core.account[configuration.recipient].updated",
    "v2.core.account.closed",
)


def _on_behalf_of(account_id: str | None) -> RequestOptions:
    """The platform itself, or one of its connected accounts."""
    return {"stripe_account": account_id} if account_id else {}


class Platform(Connection):
    """Balance, settings, top-ups, events and webhooks."""

    # The platform's own

    def set_manual_payouts(self, account_id: str | None = None) -> None:
        """No automatic payouts: Stripe would otherwise sweep escrowed money to a bank.

        For the platform, or a connected account.
        """
        options = _on_behalf_of(account_id)
        with translated():
            self._client.v1.balance_settings.update(
                {"payments": {"payouts": {"schedule": {"interval": "manual"}}}}, options
            )

    def payouts_are_manual(self) -> bool:
        with translated():
            found = self._client.v1.balance_settings.retrieve()
        schedule = (
            found.payments.payouts.schedule if found.payments and found.payments.payouts else None
        )
        return bool(schedule and schedule.interval == "manual")

    def balance(self, account_id: str | None = None) -> dict[str, int]:
        """Available plus pending per upper-case currency, in Stripe's units."""
        options = _on_behalf_of(account_id)
        with translated():
            found = self._client.v1.balance.retrieve(None, options)
        totals: dict[str, int] = {}
        parts = [(part.currency.upper(), part.amount) for part in found.available]
        parts += [(part.currency.upper(), part.amount) for part in found.pending]
        for currency, amount in parts:
            totals[currency] = totals.get(currency, 0) + amount
        return totals

    def balance_rows(self, since: datetime) -> list[BalanceRow]:
        """Every row of the platform's balance since then, newest first, at most 5,000: the other
        side of a reconciliation.
        """
        with translated():
            page = self._client.v1.balance_transactions.list(
                {"created": {"gte": int(since.timestamp())}, "limit": PAGE}
            )
            return [
                snapshots.balance_row(row)
                for row in islice(page.auto_paging_iter(), PAGE * MAX_PAGES)
            ]

    def top_up(self, amount: int, currency: str, key: str) -> str:
        """Put the platform's own money in."""
        with translated():
            made = self._client.v1.topups.create(
                {"amount": amount, "currency": currency.lower()},
                {"idempotency_key": f"topup:{key}"},
            )
        return str(made.id)

    # What Stripe tells

    def receive(self, body: bytes, signature: str | None) -> InboundEvent:
        """Check a webhook against every current secret and against its age.

        Raises BadWebhook.

        The SDK accepts timestamps from the future; a signed body must not become a promise to be
        cashed in later.
        """
        if not any(signed(body, signature, secret) for secret in self._secrets):
            raise BadWebhook("no signature of this body fits a current secret")
        try:
            # A signed event comes once more for days, and then never: what we cannot keep of it
            # must not refuse it.
            payload = keepable(json.loads(body, parse_int=whole_number))
        except (ValueError, RecursionError) as error:
            raise BadWebhook("the body is not JSON") from error
        if (
            not isinstance(payload, dict)
            or not isinstance(payload.get("id"), str)
            or not isinstance(payload.get("type"), str)
        ):
            raise BadWebhook("the body is no event")
        if bool(payload.get("livemode")) != self._live:
            raise BadWebhook("the event is of the other mode")
        return snapshots.inbound(payload)

    def events_since(self, instant: datetime) -> list[InboundEvent]:
        """What happened at Stripe since then, oldest first, for webhooks that never came."""
        found: dict[str, InboundEvent] = {}
        # Stripe takes at most twenty types in one call.
        for start in range(0, len(ENABLED_EVENTS), _TYPES_PER_CALL):
            types = list(ENABLED_EVENTS[start : start + _TYPES_PER_CALL])
            with translated():
                page = self._client.v1.events.list(
                    {"created": {"gte": int(instant.timestamp())}, "limit": PAGE, "types": types}
                )
                for event in islice(page.auto_paging_iter(), PAGE * MAX_PAGES):
                    found[event.id] = snapshots.inbound(event.to_dict())
        return sorted(found.values(), key=lambda event: int(str(event.payload["created"])))
