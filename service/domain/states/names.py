"""The states that objects can be in, by the words that rows and the API keep."""

from __future__ import annotations

from enum import StrEnum


class ContractState(StrEnum):
    DRAFT = "draft"
    SENT = "sent"
    CHANGE_REQUESTED = "change_requested"
    ACCEPTED = "accepted"
    ACTIVE = "active"
    CLOSING = "closing"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class MilestoneState(StrEnum):
    PLANNED = "planned"
    AWAITING_FUNDING = "awaiting_funding"
    FUNDING = "funding"
    FUNDED = "funded"
    SUBMITTED = "submitted"
    CHANGES_REQUESTED = "changes_requested"
    APPROVED = "approved"
    RELEASED = "released"
    REFUND_REQUESTED = "refund_requested"
    REFUNDED = "refunded"
    CANCELLED = "cancelled"
    DISPUTED = "disputed"
    SETTLED = "settled"
    CONFISCATED = "confiscated"
    CHARGED_BACK = "charged_back"


class PaymentState(StrEnum):
    CREATED = "created"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    CHARGED_BACK = "charged_back"
    WON = "won"
    LOST = "lost"


class RefundState(StrEnum):
    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class PayoutState(StrEnum):
    REQUESTED = "requested"
    HELD = "held"
    IN_TRANSIT = "in_transit"
    PAID = "paid"
    FAILED = "failed"
    CANCELED = "canceled"
    REVERSED = "reversed"


class PayoutAccountState(StrEnum):
    ONBOARDING = "onboarding"
    ACTIVE = "active"
    RESTRICTED = "restricted"
    CLOSED = "closed"


class AmendmentState(StrEnum):
    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class RefundRequestState(StrEnum):
    OPEN = "open"
    AGREED = "agreed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    DISPUTED = "disputed"


class DisputeState(StrEnum):
    OPEN = "open"
    ANSWERED = "answered"
    NEGOTIATION = "negotiation"
    MEDIATION = "mediation"
    PROPOSAL = "proposal"
    ARBITRATION = "arbitration"
    DECIDED = "decided"
    EXECUTED = "executed"
    SETTLED = "settled"
    WITHDRAWN = "withdrawn"
    DEFAULTED = "defaulted"


class ChargebackState(StrEnum):
    INQUIRY = "inquiry"
    EVIDENCE_DUE = "evidence_due"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    WON = "won"
    LOST = "lost"
    PREARB = "prearb"
    CLOSED = "closed"


class HoldState(StrEnum):
    ACTIVE = "active"
    IN_REVIEW = "in_review"
    CONVERTED = "converted"
    RELEASED = "released"
    EXPIRED = "expired"


class AppealState(StrEnum):
    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    DECISION_UPHELD = "decision_upheld"
    DECISION_CHANGED = "decision_changed"
    DECISION_REVERSED = "decision_reversed"
    WITHDRAWN = "withdrawn"


class CaseState(StrEnum):
    DRAFTED = "drafted"
    NOTICED = "noticed"
    ANSWERED = "answered"
    APPROVED = "approved"
    EXECUTED = "executed"
    DROPPED = "dropped"
    REVERSED = "reversed"


class PayoutSourceState(StrEnum):
    PLANNED = "planned"
    SENT = "sent"
    REVERSED = "reversed"


class RequirementState(StrEnum):
    OPEN = "open"
    GIVEN = "given"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class MessageState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    BOUNCED = "bounced"
    FAILED = "failed"


class ExportState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
