"""Contracts, their milestones, and what happened to the work: acceptances, submissions,
releases.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.domain.identity.actors import Actor
from service.domain.money.fees import BEARERS
from service.domain.states.lifecycle import CONTRACT, MILESTONE
from service.models.base import Base, TypeID, one_of
from service.models.people.people import Client, Freelancer
from service.policies.quotes import Quote

KINDS = ("direct", "byoc", "marketplace")
RELATIONSHIPS = ("existing_client", "acquaintance", "family", "employer_or_own_company")


class Contract(Base):
    """`version` counts every change (it is the ETag); `text_version` counts texts that were sent to
    the client.
    """

    __tablename__ = "contract"
    __table_args__ = (
        one_of("state", CONTRACT.states),
        one_of("kind", KINDS),
        one_of("processing_borne_by", BEARERS),
        CheckConstraint(f"relation IN {RELATIONSHIPS}", name="relation_known"),
        UniqueConstraint("id", "kind"),
        CheckConstraint("review_period_days BETWEEN 3 AND 30", name="review_period"),
        CheckConstraint(
            "state IN ('draft', 'withdrawn') OR text_hash IS NOT NULL", name="sent_text_is_hashed"
        ),
        CheckConstraint("accepted_at IS NULL OR quote IS NOT NULL", name="accepted_with_quote"),
        Index("contract_by_freelancer_idx", "freelancer_id", "id"),
        Index("contract_by_client_idx", "client_id"),
    )

    id: Mapped[str] = mapped_column(TypeID("ctr"), primary_key=True)
    kind: Mapped[str]
    state: Mapped[str]
    version: Mapped[int]
    freelancer_id: Mapped[str] = mapped_column(TypeID("frl"), ForeignKey("freelancer.id"))
    client_id: Mapped[str] = mapped_column(TypeID("cli"), ForeignKey("client.id"))
    client_alias_id: Mapped[str] = mapped_column(TypeID("cli"), ForeignKey("client_alias.id"))
    client_name: Mapped[str]
    client_company: Mapped[str | None]
    client_country: Mapped[str | None]
    title: Mapped[str]
    description: Mapped[str]
    relation: Mapped[str | None]
    """How the freelancer says they know the client.

    It is asked for their protection and never held against them.
    """
    fee_rate: Mapped[str | None]
    """The rate that this contract was given, where its schedule leaves a range; a decimal text."""
    converted_from: Mapped[str | None] = mapped_column(
        TypeID("ctr"), ForeignKey("contract.id"), unique=True
    )
    currency: Mapped[str]
    review_period_days: Mapped[int]
    processing_borne_by: Mapped[str]
    metadata_: Mapped[dict[str, object]] = mapped_column("metadata")
    policy_version: Mapped[str]
    text_version: Mapped[int]
    text_hash: Mapped[str | None]
    offer_restarts: Mapped[int] = mapped_column(default=0)
    """How often a new version restarted the offer's clock."""
    quote: Mapped[Quote | None] = mapped_column(JSONB)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    offer_expires_at: Mapped[datetime | None]
    viewed_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    fund_by: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    dormant_at: Mapped[datetime | None]

    milestones: Mapped[list[Milestone]] = relationship(
        order_by="Milestone.number", back_populates="contract", cascade="all, delete-orphan"
    )
    freelancer: Mapped[Freelancer] = relationship()
    client: Mapped[Client] = relationship()

    @property
    def total_minor(self) -> int:
        return sum(m.amount_minor for m in self.milestones)


class Milestone(Base):
    """A part of the contract with money of its own.

    Its counters and its escrow account tell the same story (verified).
    """

    __tablename__ = "milestone"
    __table_args__ = (
        one_of("state", MILESTONE.states),
        UniqueConstraint("contract_id", "number", deferrable=True, initially="DEFERRED"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("funded_minor BETWEEN 0 AND amount_minor", name="funded_within_amount"),
        CheckConstraint(
            "released_minor >= 0 AND refunded_minor >= 0 AND confiscated_minor >= 0 AND "
            "charged_back_minor >= 0 AND disputed_minor >= 0 AND refunding_minor >= 0"
            " AND released_minor + refunded_minor + confiscated_minor + charged_back_minor + "
            "disputed_minor + refunding_minor <= funded_minor",
            name="out_within_funded",
        ),
        CheckConstraint("fee_taken_minor BETWEEN 0 AND released_minor", name="fee_within_released"),
        CheckConstraint(
            "fee_returned_minor BETWEEN 0 AND fee_taken_minor", name="fee_returned_within_taken"
        ),
        CheckConstraint(
            "fee_tax_taken_minor BETWEEN 0 AND fee_taken_minor", name="fee_tax_within_fee"
        ),
        CheckConstraint(
            "fee_tax_returned_minor BETWEEN 0 AND fee_tax_taken_minor",
            name="fee_tax_returned_within_taken",
        ),
        CheckConstraint(
            "refunded_after_release_minor BETWEEN 0 AND released_minor",
            name="refunded_within_released",
        ),
        CheckConstraint(
            "processing_taken_minor BETWEEN 0 AND released_minor", name="processing_within_released"
        ),
        CheckConstraint(
            "(state = 'submitted') = (auto_release_at IS NOT NULL)", name="submitted_has_deadline"
        ),
    )

    id: Mapped[str] = mapped_column(TypeID("mst"), primary_key=True)
    contract_id: Mapped[str] = mapped_column(TypeID("ctr"), ForeignKey("contract.id"))
    number: Mapped[int]
    state: Mapped[str]
    title: Mapped[str]
    amount_minor: Mapped[int]
    due_on: Mapped[date | None]
    funded_minor: Mapped[int] = mapped_column(default=0)
    released_minor: Mapped[int] = mapped_column(default=0)
    refunded_minor: Mapped[int] = mapped_column(default=0)
    refunded_after_release_minor: Mapped[int] = mapped_column(default=0)
    refunding_minor: Mapped[int] = mapped_column(default=0)
    """On its way back to the client (`refund_in_flight`)."""
    disputed_minor: Mapped[int] = mapped_column(default=0)
    """Locked by a dispute or chargeback."""
    confiscated_minor: Mapped[int] = mapped_column(default=0)
    charged_back_minor: Mapped[int] = mapped_column(default=0)
    fee_taken_minor: Mapped[int] = mapped_column(default=0)
    fee_returned_minor: Mapped[int] = mapped_column(default=0)
    """What of the fee went back because released money was refunded."""
    fee_tax_taken_minor: Mapped[int] = mapped_column(default=0)
    """The part of `fee_taken_minor` that is tax on the fee; `fee_tax_returned_minor` likewise."""
    fee_tax_returned_minor: Mapped[int] = mapped_column(default=0)
    processing_taken_minor: Mapped[int] = mapped_column(default=0)
    processing_due_minor: Mapped[int] = mapped_column(default=0)
    """The freelancer's part of the processing cost of the payment that funded it; taken in
    proportion at release.
    """
    billed_before_minor: Mapped[int | None]
    """Lifetime billings with this client when the first release happened: where tiers of that base
    go on from.
    """
    round: Mapped[int] = mapped_column(default=0)
    extensions: Mapped[int] = mapped_column(default=0)
    security_days: Mapped[int] = mapped_column(default=0)
    """How long released money waits, by the method that funded it."""
    auto_release_at: Mapped[datetime | None]
    hold_limit_at: Mapped[datetime | None]

    contract: Mapped[Contract] = relationship(back_populates="milestones")


class Acceptance(Base):
    """The evidence of an acceptance: who, when, from where, exactly which text and which fee
    promise. Append-only.
    """

    __tablename__ = "acceptance"

    contract_id: Mapped[str] = mapped_column(
        TypeID("ctr"), ForeignKey("contract.id"), primary_key=True
    )
    text_version: Mapped[int] = mapped_column(primary_key=True)
    text_hash: Mapped[str]
    text: Mapped[dict[str, object]]
    quote: Mapped[Quote] = mapped_column(JSONB)
    full_name: Mapped[str]
    company: Mapped[str | None]
    address: Mapped[str | None]
    vat_id: Mapped[str | None]
    purchase_order: Mapped[str | None]
    email: Mapped[str]
    ip_address: Mapped[str]
    user_agent: Mapped[str]
    locale: Mapped[str]
    code_verified_at: Mapped[datetime]
    accepted_at: Mapped[datetime]


class Submission(Base):
    """Delivered work: the freelancer's note and its hash, one per round."""

    __tablename__ = "submission"
    __table_args__ = (UniqueConstraint("milestone_id", "round"),)

    id: Mapped[str] = mapped_column(TypeID("sub"), primary_key=True)
    milestone_id: Mapped[str] = mapped_column(TypeID("mst"), ForeignKey("milestone.id"))
    round: Mapped[int]
    note: Mapped[str]
    note_hash: Mapped[str]
    submitted_at: Mapped[datetime]


class Release(Base):
    """One movement from escrow to the freelancer, full or part; it is the cause of its journal
    entry.
    """

    __tablename__ = "release"
    __table_args__ = (
        UniqueConstraint("milestone_id", "number"),
        CheckConstraint(
            "gross_minor > 0 AND gross_minor = net_minor + fee_minor + processing_minor + "
            "withheld_minor",
            name="parts_add_up",
        ),
        CheckConstraint(
            "net_minor >= 0 AND fee_minor >= fee_tax_minor AND fee_tax_minor >= 0 AND "
            "processing_minor >= 0 AND withheld_minor >= 0",
            name="parts_not_negative",
        ),
        CheckConstraint(
            "recovered_minor >= 0 AND taken_minor >= 0 AND recovered_minor + taken_minor <= "
            "net_minor",
            name="taken_within_net",
        ),
        Index("release_by_freelancer_idx", "freelancer_id", "currency", "id"),
    )

    id: Mapped[str] = mapped_column(TypeID("rls"), primary_key=True)
    milestone_id: Mapped[str] = mapped_column(TypeID("mst"), ForeignKey("milestone.id"))
    contract_id: Mapped[str] = mapped_column(TypeID("ctr"), ForeignKey("contract.id"))
    freelancer_id: Mapped[str] = mapped_column(TypeID("frl"), ForeignKey("freelancer.id"))
    number: Mapped[int]
    currency: Mapped[str]
    gross_minor: Mapped[int]
    fee_minor: Mapped[int]
    fee_tax_minor: Mapped[int] = mapped_column(default=0)
    """The part of `fee_minor` that is tax on the fee."""
    processing_minor: Mapped[int]
    withheld_minor: Mapped[int] = mapped_column(default=0)
    """For tax offices; one row of `withholding` for each of them."""
    net_minor: Mapped[int]
    recovered_minor: Mapped[int] = mapped_column(default=0)
    """What of the net paid an old debt of the freelancer instead of reaching their balance."""
    taken_minor: Mapped[int] = mapped_column(default=0)
    """What was taken out of it again before it had matured: refunded, or locked by a chargeback."""
    fee_schedule: Mapped[str]
    approved_by: Mapped[Actor]
    released_at: Mapped[datetime]
    matures_at: Mapped[datetime]
    matured_at: Mapped[datetime | None]
