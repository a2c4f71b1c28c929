"""When the two do not agree about a milestone's money: requests for a refund, disputes, offers,
evidence.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.domain.identity.actors import Actor
from service.domain.states.lifecycle import DISPUTE, REFUND_REQUEST
from service.models.base import Base, TypeID, one_of

SIDES = ("freelancer", "client")


class RefundRequest(Base):
    """The client asks for escrowed money back, or for released money (`after_release`).

    Silence has a meaning: `silence_means`.
    """

    __tablename__ = "refund_request"
    __table_args__ = (
        one_of("state", REFUND_REQUEST.states),
        one_of("silence_means", ("refund", "dispute", "nothing")),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        Index(
            "refund_request_one_open_idx",
            "milestone_id",
            unique=True,
            postgresql_where="state = 'open'",
        ),
    )

    id: Mapped[str] = mapped_column(TypeID("rrq"), primary_key=True)
    contract_id: Mapped[str] = mapped_column(TypeID("ctr"), ForeignKey("contract.id"))
    milestone_id: Mapped[str] = mapped_column(TypeID("mst"), ForeignKey("milestone.id"))
    state: Mapped[str]
    amount_minor: Mapped[int]
    reason: Mapped[str]
    after_release: Mapped[bool]
    silence_means: Mapped[str]
    milestone_was: Mapped[str]
    """The milestone's state when it was asked: it goes back there when the request is refused or
    withdrawn.
    """
    review_left_seconds: Mapped[int | None]
    asked_at: Mapped[datetime]
    answer_by: Mapped[datetime]
    answered_at: Mapped[datetime | None]


class Dispute(Base):
    """A claim over an exact amount of a milestone; that amount is locked and nothing else.

    `refund_minor` is the outcome.
    """

    __tablename__ = "dispute"
    __table_args__ = (
        one_of("state", DISPUTE.states),
        one_of("opened_by", SIDES),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint(
            "claimed_refund_minor BETWEEN 0 AND amount_minor", name="claim_within_amount"
        ),
        CheckConstraint(
            "refund_minor IS NULL OR refund_minor BETWEEN 0 AND amount_minor",
            name="outcome_within_amount",
        ),
        CheckConstraint(
            "(refund_minor IS NOT NULL) = (state IN ('executed', 'settled', 'defaulted', "
            "'decided'))",
            name="outcome_known",
        ),
        Index(
            "dispute_one_open_idx",
            "milestone_id",
            unique=True,
            postgresql_where="closed_at IS NULL",
        ),
        Index("dispute_by_contract_idx", "contract_id", "id"),
    )

    id: Mapped[str] = mapped_column(TypeID("dsp"), primary_key=True)
    contract_id: Mapped[str] = mapped_column(TypeID("ctr"), ForeignKey("contract.id"))
    milestone_id: Mapped[str] = mapped_column(TypeID("mst"), ForeignKey("milestone.id"))
    state: Mapped[str]
    opened_by: Mapped[str]
    amount_minor: Mapped[int]
    claimed_refund_minor: Mapped[int]
    claim: Mapped[str]
    answer: Mapped[str | None]
    answered_refund_minor: Mapped[int | None]
    milestone_was: Mapped[str]
    review_left_seconds: Mapped[int | None]
    refund_minor: Mapped[int | None]
    reasons: Mapped[str | None]
    mediator: Mapped[Actor | None]
    decider: Mapped[Actor | None]
    opened_at: Mapped[datetime]
    deadline_at: Mapped[datetime | None]
    hard_stop_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    offers: Mapped[list[DisputeOffer]] = relationship(
        order_by="DisputeOffer.number", lazy="selectin"
    )


class DisputeOffer(Base):
    """A number that one side, or the mediator, could live with: how much goes back to the client.

    Append-only but its answers.
    """

    __tablename__ = "dispute_offer"
    __table_args__ = (
        one_of("made_by", (*SIDES, "mediator")),
        CheckConstraint("refund_minor >= 0", name="amount_not_negative"),
        Index("dispute_offer_number_idx", "dispute_id", "number", unique=True),
    )

    id: Mapped[str] = mapped_column(TypeID("dof"), primary_key=True)
    dispute_id: Mapped[str] = mapped_column(TypeID("dsp"), ForeignKey("dispute.id"))
    number: Mapped[int]
    made_by: Mapped[str]
    refund_minor: Mapped[int]
    blind: Mapped[bool]
    """Not shown to the other side; two blind offers that meet or cross settle the dispute."""
    reasons: Mapped[str]
    made_at: Mapped[datetime]
    freelancer_agreed_at: Mapped[datetime | None]
    client_agreed_at: Mapped[datetime | None]
    rejected_by: Mapped[str | None]


class DisputeEvidence(Base):
    """What a side shows: words or a file, with the hash of it. Append-only."""

    __tablename__ = "evidence"
    __table_args__ = (
        one_of("shown_by", (*SIDES, "staff")),
        Index("evidence_by_dispute_idx", "dispute_id", "id"),
    )

    id: Mapped[str] = mapped_column(TypeID("evd"), primary_key=True)
    dispute_id: Mapped[str] = mapped_column(TypeID("dsp"), ForeignKey("dispute.id"))
    shown_by: Mapped[str]
    words: Mapped[str]
    file_id: Mapped[str | None] = mapped_column(TypeID("fil"), ForeignKey("file.id"))
    sha256: Mapped[str]
    shown_at: Mapped[datetime]


class File(Base):
    """An uploaded file of a contract or a hold: its type was read from its bytes; it is never
    changed and always served as a download.
    """

    __tablename__ = "file"
    __table_args__ = (
        Index("file_by_contract_idx", "contract_id"),
        Index("file_by_hold_idx", "hold_id"),
        CheckConstraint("(contract_id IS NULL) <> (hold_id IS NULL)", name="one_place"),
        CheckConstraint("byte_count BETWEEN 1 AND 20971520", name="size"),
    )

    id: Mapped[str] = mapped_column(TypeID("fil"), primary_key=True)
    contract_id: Mapped[str | None] = mapped_column(TypeID("ctr"), ForeignKey("contract.id"))
    hold_id: Mapped[str | None] = mapped_column(TypeID("hld"), ForeignKey("hold.id"))
    name: Mapped[str]
    media_type: Mapped[str]
    byte_count: Mapped[int]
    sha256: Mapped[str]
    uploaded_by: Mapped[Actor]
    uploaded_at: Mapped[datetime]


class FileChunk(Base):
    """A part of a file, so that stateless web and worker processes share it through the
    database.
    """

    __tablename__ = "file_chunk"

    file_id: Mapped[str] = mapped_column(TypeID("fil"), ForeignKey("file.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    data: Mapped[bytes] = mapped_column(LargeBinary)
