"""Money from the client and back: payments, which milestones each one funds, refunds, and Stripe's
events as they came in.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.domain.identity.actors import Actor
from service.domain.states.lifecycle import PAYMENT, REFUND
from service.models.base import Base, TypeID, one_of


class Payment(Base):
    """One attempt of the client to fund one or more milestones; its id is Stripe's idempotency key.

    `judgement` says what became of money that arrived: `funded`, or why it went to suspense.
    """

    __tablename__ = "payment"
    __table_args__ = (
        one_of("state", PAYMENT.states),
        one_of("method", ("card", "us_bank_account")),
        CheckConstraint(
            "amount_minor > 0 AND surcharge_minor >= 0 AND client_fee_minor >= 0", name="amounts"
        ),
        CheckConstraint(
            "judgement IS NULL OR judgement IN ('funded', 'wrong_amount', 'wrong_currency', "
            "'closed', 'double')",
            name="judgement_known",
        ),
        Index("payment_by_contract_idx", "contract_id", "id"),
    )

    id: Mapped[str] = mapped_column(TypeID("pay"), primary_key=True)
    contract_id: Mapped[str] = mapped_column(TypeID("ctr"), ForeignKey("contract.id"))
    state: Mapped[str]
    payer: Mapped[Actor | None]
    """Who went to the page of payment last: the client, or a colleague by their link.

    None where it was begun before this was noted.
    """
    method: Mapped[str]
    currency: Mapped[str]
    amount_minor: Mapped[int]
    surcharge_minor: Mapped[int]
    """The client's part of the processing cost."""
    client_fee_minor: Mapped[int]
    """The platform's fee for the client, where the schedule has one."""
    processing_cost_minor: Mapped[int]
    judgement: Mapped[str | None]
    session_id: Mapped[str | None] = mapped_column(unique=True)
    session_url: Mapped[str | None]
    session_expires_at: Mapped[datetime | None]
    payment_intent_id: Mapped[str | None] = mapped_column(unique=True)
    charge_id: Mapped[str | None] = mapped_column(unique=True)
    received_minor: Mapped[int | None]
    received_currency: Mapped[str | None]
    stripe_fee_minor: Mapped[int | None]
    fee_posted: Mapped[bool] = mapped_column(default=False)
    card_last4: Mapped[str | None]
    instrument: Mapped[str | None]
    """Stripe's fingerprint of the card or bank account: the same one twice is the same purse."""
    decline_code: Mapped[str | None]
    created_at: Mapped[datetime]
    succeeded_at: Mapped[datetime | None]

    lines: Mapped[list[PaymentLine]] = relationship(
        order_by="PaymentLine.milestone_id", cascade="all, delete-orphan", lazy="selectin"
    )

    @property
    def total_minor(self) -> int:
        return self.amount_minor + self.surcharge_minor + self.client_fee_minor


class PaymentLine(Base):
    """A milestone's part of a payment.

    At most one open line per milestone: two tabs cannot pay twice.
    """

    __tablename__ = "payment_line"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        Index(
            "payment_line_one_open_per_milestone",
            "milestone_id",
            unique=True,
            postgresql_where="open",
        ),
    )

    payment_id: Mapped[str] = mapped_column(
        TypeID("pay"), ForeignKey("payment.id"), primary_key=True
    )
    milestone_id: Mapped[str] = mapped_column(
        TypeID("mst"), ForeignKey("milestone.id"), primary_key=True
    )
    amount_minor: Mapped[int]
    processing_minor: Mapped[int]
    open: Mapped[bool]
    funded: Mapped[bool] = mapped_column(default=False)


class Refund(Base):
    """One attempt to give money back to the client; the next attempt after a failure is a row of
    its own with the same `cause`.

    `source`: money that went to suspense, money escrowed for a milestone, money that had been
    released, or money that an earlier attempt could not deliver and that is owed to the client.
    """

    __tablename__ = "refund"
    __table_args__ = (
        one_of("state", REFUND.states),
        one_of("source", ("suspense", "escrow", "released", "unclaimed", "outside", "case")),
        UniqueConstraint("cause", "attempt"),
        CheckConstraint(
            "amount_minor > 0 AND from_freelancer_minor BETWEEN 0 AND amount_minor", name="amounts"
        ),
        Index("refund_by_payment_idx", "payment_id"),
        Index("refund_by_milestone_idx", "milestone_id"),
    )

    id: Mapped[str] = mapped_column(TypeID("ref"), primary_key=True)
    payment_id: Mapped[str] = mapped_column(TypeID("pay"), ForeignKey("payment.id"))
    milestone_id: Mapped[str | None] = mapped_column(TypeID("mst"), ForeignKey("milestone.id"))
    source: Mapped[str]
    cause: Mapped[str]
    """The first refund of the row of attempts, or the payment whose money was in the wrong place.
    """
    attempt: Mapped[int]
    from_freelancer_minor: Mapped[int] = mapped_column(default=0)
    """After a release: what the freelancer bore of it; the rest was the platform's fee."""
    state: Mapped[str]
    currency: Mapped[str]
    amount_minor: Mapped[int]
    reason: Mapped[str]
    key_number: Mapped[int] = mapped_column(default=1)
    """Part of Stripe's idempotency key; a new one only after Stripe answered that it failed."""
    stripe_refund_id: Mapped[str | None] = mapped_column(unique=True)
    failure_reason: Mapped[str | None]
    created_at: Mapped[datetime]


class StripeEvent(Base):
    """Stripe's webhook as it arrived: verified, stored, answered 200; acted upon later from a
    freshly fetched object.
    """

    __tablename__ = "stripe_event"

    id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    object_id: Mapped[str | None]
    account_id: Mapped[str | None]
    payload: Mapped[dict[str, object]]
    received_at: Mapped[datetime]
    handled_at: Mapped[datetime | None]
