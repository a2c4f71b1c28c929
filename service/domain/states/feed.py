"""What the feed tells, event by event and reader by reader.

What is not in this table is told to nobody outside.

A person's event says no more than their own objects and their statement of reasons do: no words of
staff, no key's id, no id of a client that is known beyond this freelancer, and of a hold whose
reason must not be told, not its reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from service.domain.identity import typeid
from service.domain.identity.actors import Actor, ActorKind
from service.domain.identity.typeid import ObjectKind


class Reader(StrEnum):
    """Who reads: a freelancer's key, the marketplace's, or a person of staff."""

    FREELANCER = "freelancer"
    PLATFORM = "platform"
    STAFF = "staff"


@dataclass(frozen=True)
class Projection:
    """The keys of an event's data that leave: to freelancer and marketplace, to the marketplace
    alone, and to both only when the reason of the hold that it is about may be told. Staff read all
    of it.
    """

    shown: frozenset[str] = frozenset()
    to_platform: frozenset[str] = frozenset()
    when_told: frozenset[str] = frozenset()

    def keys(self, reader: Reader, *, told: bool) -> frozenset[str]:
        """The keys that this reader sees; not for staff, who see all."""
        found = self.shown | (self.when_told if told else frozenset())
        return found | self.to_platform if reader is Reader.PLATFORM else found


def _shown(keys: str = "", *, to_platform: str = "", when_told: str = "") -> Projection:
    return Projection(*(frozenset(text.split()) for text in (keys, to_platform, when_told)))


_MONEY = "amount currency"

FEED: Final[dict[str, Projection]] = {
    "freelancer.created": _shown("external_ref"),
    "offers.paused": _shown("pause"),
    "offers.resumed": _shown("pause words"),
    "offers.kept_paused": _shown("pause words"),
    "contract.created": _shown("converted_from"),
    "contract.edited": _shown(),
    "contract.sent": _shown(),
    "contract.offer_reminded": _shown("day"),
    "contract.reminded": _shown("step"),
    "contract.opened": _shown(),
    "contract.change_requested": _shown("topics words"),
    "contract.change_refused": _shown("reason"),
    "contract.change_lapsed": _shown(),
    "contract.revised": _shown("text_version differences"),
    "contract.withdrawn": _shown(),
    "contract.declined": _shown("reason note"),
    "contract.expired": _shown(),
    "contract.accepted": _shown(),
    "contract.carried_over": _shown("converted_from"),
    "contract.activated": _shown(),
    "contract.fund_reminded": _shown("day"),
    "contract.cancelled": _shown("reason"),
    "contract.closing": _shown("reason by"),
    "contract.ended_empty": _shown(),
    "contract.completed": _shown(),
    "contract.dormant": _shown(),
    "contract.dormant_again": _shown(),
    "contract.client_email_changed": _shown(),
    "contract.email_change_asked": _shown("takes_effect_at"),
    "contract.email_change_stopped": _shown(),
    "contract.feedback_given": _shown("rating"),
    "contract.on_hold": _shown("held next_decision_at"),
    "amendment.proposed": _shown("by differences note"),
    "amendment.accepted": _shown(),
    "amendment.rejected": _shown("reason"),
    "amendment.expired": _shown(),
    "amendment.withdrawn": _shown(),
    "payment.created": _shown("amount"),
    "payment.requires_action": _shown(),
    "payment.processing": _shown(),
    "payment.succeeded": _shown(),
    "payment.failed": _shown(to_platform="decline_code"),
    "payment.canceled": _shown(),
    "payment.expired": _shown(),
    "payment.quarantined": _shown(f"why {_MONEY}"),
    "payment.partially_refunded": _shown("amount"),
    "payment.refunded": _shown("amount"),
    "payment.refund_failed": _shown("amount"),
    "payment.charged_back": _shown("amount chargeback"),
    "payment.chargeback_won": _shown("amount chargeback"),
    "payment.chargeback_lost": _shown("amount chargeback"),
    "milestone.awaiting_funding": _shown(),
    "milestone.funding_lapsed": _shown(),
    "milestone.funding_reminded": _shown("day"),
    "milestone.payment_started": _shown("payment"),
    "milestone.payment_ended": _shown("payment"),
    "milestone.funded": _shown("amount payment"),
    "milestone.submitted": _shown("round"),
    "milestone.review_reminded": _shown("days"),
    "milestone.review_extended": _shown("extension"),
    "milestone.changes_requested": _shown("what"),
    "milestone.changes_reminded": _shown(),
    "milestone.approved": _shown("amount"),
    "milestone.approved_early": _shown("amount"),
    "milestone.auto_approved": _shown("amount"),
    "milestone.partly_released": _shown("amount release"),
    "milestone.released": _shown("amount release"),
    "milestone.rolled_on": _shown("amount rest_of"),
    "milestone.share_released": _shown("amount release"),
    "milestone.refund_requested": _shown("amount request refund_request"),
    "milestone.refunded": _shown("amount refund"),
    "milestone.disputed": _shown("amount dispute"),
    "milestone.settled": _shown("amount dispute refund"),
    "milestone.resumed": _shown(),
    "milestone.cancelled": _shown("moved_to"),
    "milestone.charged_back": _shown("amount chargeback"),
    "milestone.confiscated": _shown(_MONEY),
    "milestone.confiscated_from": _shown(_MONEY),
    "milestone.given_back": _shown(_MONEY),
    "milestone.holding_limit_near": _shown("limit"),
    "refund.created": _shown(f"{_MONEY} reason"),
    "refund.requires_action": _shown(_MONEY),
    "refund.succeeded": _shown(_MONEY),
    "refund.failed": _shown(_MONEY, to_platform="failure"),
    "refund.canceled": _shown(_MONEY),
    "refund_request.opened": _shown(f"{_MONEY} reason milestone"),
    "refund_request.agreed": _shown(_MONEY),
    "refund_request.reminded": _shown(_MONEY),
    "refund_request.lapsed": _shown(_MONEY),
    "refund_request.refused": _shown("why amount"),
    "refund_request.withdrawn": _shown("amount"),
    "refund_request.disputed": _shown(),
    "dispute.opened": _shown(f"{_MONEY} refund by milestone"),
    "dispute.answered": _shown("by refund"),
    "dispute.negotiation_opened": _shown(),
    "dispute.offer_made": _shown("by blind offer refund"),
    "dispute.offer_agreed": _shown("by offer"),
    "dispute.evidence_added": _shown("by evidence sha256"),
    "dispute.mediation_opened": _shown(),
    "dispute.proposed": _shown("refund"),
    "dispute.reminded": _shown("by state refund"),
    "dispute.arbitration_opened": _shown("by"),
    "dispute.escalated": _shown(),
    "dispute.decided": _shown("refund"),
    "dispute.defaulted": _shown(),
    "dispute.settled": _shown(f"{_MONEY} refund"),
    "dispute.executed": _shown(f"{_MONEY} refund"),
    "dispute.withdrawn": _shown(),
    "chargeback.inquiry_opened": _shown(f"{_MONEY} reason payment"),
    "chargeback.inquiry_closed": _shown(f"{_MONEY} reason"),
    "chargeback.opened": _shown(f"{_MONEY} reason payment"),
    "chargeback.reopened": _shown(f"{_MONEY} reason"),
    "chargeback.evidence_submitted": _shown(),
    "chargeback.accepted": _shown(),
    "chargeback.won": _shown(f"{_MONEY} reason"),
    "chargeback.lost": _shown(f"{_MONEY} reason"),
    "payout_account.created": _shown(),
    "payout_account.activated": _shown(),
    "payout_account.restricted": _shown("requirements"),
    "payout_account.closed": _shown(),
    "payout_account.bank_changed": _shown(),
    "payout.requested": _shown(_MONEY),
    "payout.held": _shown(_MONEY),
    "payout.resumed": _shown(_MONEY),
    "payout.in_transit": _shown(_MONEY),
    "payout.paid": _shown(_MONEY),
    "payout.failed": _shown(f"{_MONEY} reason"),
    "payout.canceled": _shown(f"{_MONEY} reason"),
    "payout.waits_for_account": _shown("currency"),
    "hold.placed": _shown("scopes about", when_told="reason"),
    "hold.in_review": _shown(),
    "hold.requirement_given": _shown("requirement"),
    "hold.requirement_judged": _shown("requirement accepted"),
    "hold.renewed": _shown("expires_at"),
    "hold.converted": _shown("case"),
    "hold.lifted": _shown(),
    "hold.expired": _shown(),
    "suspension.started": _shown("level suspension"),
    "appeal.filed": _shown("hold decide_by"),
    "appeal.in_review": _shown(),
    "appeal.decided": _shown("hold outcome"),
    "appeal.withdrawn": _shown(),
    "case.noticed": _shown("hold"),
    "case.answered": _shown(),
    "case.approved": _shown(),
    "case.executed": _shown("hold"),
    "case.dropped": _shown(),
    "case.reversed": _shown(),
}  # fmt: skip

PRIVATE: Final = frozenset(
    [
        "accountant_link.ended",
        "accountant_link.given",
        "case.approval",
        "case.changed",
        "case.final",
        "case.opened",
        "certificate.issued",
        "certificate.revoked",
        "code.relied_on",
        "code.requested",
        "contract.client_on_hold",
        "contract.draft_deleted",
        "contract.reported",
        "export.asked",
        "hold.confirmed",
        "key.asked",
        "key.issued",
        "key.revoked",
        "link.passed_on",
        "link.renewed",
        "link.revoked",
        "payment.fraud_warned",
        "payout.held_long",
        "staff.entered",
        "staff.left",
        "staff.link_made",
        "staff.proved",
        "tax_due.remitted",
        "tax_filing.prepared",
        "tax_filing.read",
        "tax_identity.declared",
        "tax_identity.read",
        "tax_scope.decided",
    ]
)
"""Written down and told to nobody by the feed; each by decision, so that a new event is not
forgotten here or there.
"""


def data_for(reader: Reader, type_: str, data: dict[str, Any], *, told: bool) -> dict[str, Any]:
    """What a reader sees of an event's data.

    `told`: the reason of the hold that it is about may be told.
    """
    if reader is Reader.STAFF:
        return data
    keys = FEED.get(type_, Projection()).keys(reader, told=told)
    return {key: value for key, value in data.items() if key in keys and not _names_somebody(value)}


def _names_somebody(value: Any) -> bool:
    """An id by which somebody is known beyond this reader."""
    try:
        return isinstance(value, str) and typeid.kind_of(value) in (
            ObjectKind.CLIENT,
            ObjectKind.KEY,
        )
    except ValueError:
        return False


def actor_for(reader: Reader, actor: Actor, client_alias: str | None) -> str:
    """Who did it, as this reader may know them: staff and colleagues are their kind, a client is
    the alias, a marketplace's key its own only.
    """
    if reader is Reader.STAFF:
        return str(actor)
    if actor.kind is ActorKind.CLIENT:
        return f"{ActorKind.CLIENT}:{client_alias}" if client_alias else str(ActorKind.CLIENT)
    if actor.kind in (ActorKind.STAFF, ActorKind.COLLEAGUE) or (
        actor.kind is ActorKind.PLATFORM and reader is Reader.FREELANCER
    ):
        return str(actor.kind)
    return str(actor)
