"""Money to the freelancer: the payout account at Stripe, payouts, and the charges each payout draws
from.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.domain.states.lifecycle import PAYOUT, PAYOUT_ACCOUNT
from service.models.base import Base, TypeID, one_of


class PayoutAccount(Base):
    """A freelancer's connected account. Needed only when there is something to pay out."""

    __tablename__ = "payout_account"
    __table_args__ = (
        one_of("state", PAYOUT_ACCOUNT.states),
        one_of("schedule", ("manual", "weekly", "monthly")),
    )

    freelancer_id: Mapped[str] = mapped_column(
        TypeID("frl"), ForeignKey("freelancer.id"), primary_key=True
    )
    state: Mapped[str]
    stripe_account_id: Mapped[str | None] = mapped_column(unique=True)
    requirements: Mapped[list[str]]
    schedule: Mapped[str] = mapped_column(default="manual")
    bank_reference: Mapped[str | None]
    """Stripe's id of the bank account that receives payouts."""
    instruments: Mapped[list[str]] = mapped_column(default=list)
    """Stripe's fingerprints of the bank accounts and cards behind it, comparable with a payment's.
    """
    bank_changed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Payout(Base):
    __tablename__ = "payout"
    __table_args__ = (
        one_of("state", PAYOUT.states),
        one_of("asked_by", ("freelancer", "schedule", "forced")),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        Index("payout_by_freelancer_idx", "freelancer_id", "id"),
    )

    id: Mapped[str] = mapped_column(TypeID("pyo"), primary_key=True)
    freelancer_id: Mapped[str] = mapped_column(TypeID("frl"), ForeignKey("freelancer.id"))
    state: Mapped[str]
    currency: Mapped[str]
    amount_minor: Mapped[int]
    stripe_payout_id: Mapped[str | None] = mapped_column(unique=True)
    stripe_account_id: Mapped[str]
    failure_code: Mapped[str | None]
    waiting_for: Mapped[str | None]
    asked_by: Mapped[str] = mapped_column(default="freelancer")
    """`freelancer`, `schedule`, or `forced`: money that has lain too long."""
    attempt: Mapped[int] = mapped_column(default=1)
    holds: Mapped[int] = mapped_column(default=0)
    """How often a hold has stopped it."""
    requested_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    arrived_at: Mapped[datetime | None]

    sources: Mapped[list[PayoutSource]] = relationship(
        order_by="PayoutSource.number", cascade="all, delete-orphan", lazy="selectin"
    )


class PayoutSource(Base):
    """One leg of a payout: one Stripe transfer out of one charge, so no client's money pays
    another's work.
    """

    __tablename__ = "payout_source"
    __table_args__ = (
        one_of("state", ("planned", "sent", "reversed")),
        CheckConstraint(
            "amount_minor > 0 AND reversed_minor BETWEEN 0 AND amount_minor", name="amounts"
        ),
        Index("payout_source_by_payment_idx", "payment_id"),
    )

    payout_id: Mapped[str] = mapped_column(TypeID("pyo"), ForeignKey("payout.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    payment_id: Mapped[str] = mapped_column(TypeID("pay"), ForeignKey("payment.id"))
    amount_minor: Mapped[int]
    state: Mapped[str]
    transfer_id: Mapped[str | None] = mapped_column(unique=True)
    reversed_minor: Mapped[int] = mapped_column(default=0)
    reversal_ids: Mapped[list[str]] = mapped_column(default=list)
    attempt: Mapped[int] = mapped_column(default=1)


class TransferReversal(Base):
    """A part of a leg that was taken back, or all of it, by Stripe's id. Append-only."""

    __tablename__ = "transfer_reversal"
    __table_args__ = (
        ForeignKeyConstraint(
            ["payout_id", "number"],
            ["payout_source.payout_id", "payout_source.number"],
            name="transfer_reversal_payout_id_number_fkey",
        ),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        Index("transfer_reversal_payout_id_number_idx", "payout_id", "number"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    payout_id: Mapped[str] = mapped_column(TypeID("pyo"))
    number: Mapped[int]
    amount_minor: Mapped[int]
    seen_at: Mapped[datetime]
    """When we learned of it."""


class StaffTask(Base):
    """Something that a person must look at: named, counted, closed with a note."""

    __tablename__ = "staff_task"
    __table_args__ = (
        Index(
            "staff_task_open_idx",
            "kind",
            "subject",
            unique=True,
            postgresql_where="closed_at IS NULL",
        ),
    )

    id: Mapped[str] = mapped_column(TypeID("tsk"), primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[dict[str, object]]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
