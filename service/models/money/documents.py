"""Papers that carry a number for ever: invoices and credit notes, and certificates that a stranger
can check.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.orm import Mapped, mapped_column

from service.models.base import Base, TypeID, one_of

PAPER_KINDS = ("receipt", "invoice", "case_statement")
INVOICE_KINDS = ("fee", "fee_credit", "work", "work_credit")
TAX_CATEGORIES = ("S", "AE", "O")


class Invoice(Base):
    """An invoice (EN 16931 type 380) or credit note (381), as it was issued: names and addresses of
    that day. Append-only.

    `fee`: the platform's, to the freelancer, for what a release cost. `work`: the freelancer's own,
    to the client, for a release, made by their mandate. `place` counts a series (issuer and year)
    without a gap: PostgreSQL refuses any other.
    """

    __tablename__ = "invoice"
    __table_args__ = (
        one_of("kind", INVOICE_KINDS),
        one_of("tax_category", TAX_CATEGORIES),
        UniqueConstraint("series", "place"),
        UniqueConstraint(
            "kind",
            "cause_id",
            "cause_sequence",
            name="once",
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint(
            "net_minor + tax_minor = total_minor AND total_minor > 0 AND tax_minor >= 0",
            name="adds_up",
        ),
        CheckConstraint(
            "(kind IN ('fee_credit', 'work_credit')) = (corrects_id IS NOT NULL)",
            name="credit_names_invoice",
        ),
        Index("invoice_by_freelancer_idx", "freelancer_id", "id"),
    )

    id: Mapped[str] = mapped_column(TypeID("inv"), primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    series: Mapped[str]
    place: Mapped[int]
    kind: Mapped[str]
    cause_type: Mapped[str]
    cause_id: Mapped[UUID] = mapped_column(PgUUID(as_uuid=True))
    """The release or refund it stands for: a fact has one invoice of a kind."""
    cause_sequence: Mapped[int | None] = mapped_column(Integer)
    """Which one, where the credit for a refund is over several invoices."""
    cause: Mapped[str] = mapped_column(
        Text(), Computed("cause_text(cause_type, cause_id, cause_sequence)")
    )
    corrects_id: Mapped[str | None] = mapped_column(
        TypeID("inv"), ForeignKey("invoice.id"), index=True
    )
    freelancer_id: Mapped[str] = mapped_column(TypeID("frl"), ForeignKey("freelancer.id"))
    contract_id: Mapped[str] = mapped_column(TypeID("ctr"), ForeignKey("contract.id"), index=True)
    milestone_id: Mapped[str] = mapped_column(TypeID("mst"), ForeignKey("milestone.id"), index=True)
    currency: Mapped[str]
    net_minor: Mapped[int]
    tax_minor: Mapped[int]
    total_minor: Mapped[int]
    tax_category: Mapped[str]
    tax_rate: Mapped[str]
    """Per cent, as '19' or '0'."""
    seller: Mapped[dict[str, str]]
    buyer: Mapped[dict[str, str]]
    line: Mapped[str]
    delivered_on: Mapped[date]
    issued_on: Mapped[date] = mapped_column(index=True)
    issued_at: Mapped[datetime]


class Certificate(Base):
    """What a freelancer earned in a period, signed, with a code that anybody can check without an
    account.
    """

    __tablename__ = "certificate"
    __table_args__ = (
        CheckConstraint("first_day <= last_day", name="period"),
        CheckConstraint(
            "(revoked_at IS NULL) = (revoked_reason IS NULL)", name="revoked_with_reason"
        ),
    )

    id: Mapped[str] = mapped_column(TypeID("crt"), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    """Twelve characters that are printed on it; they cannot be guessed."""
    freelancer_id: Mapped[str] = mapped_column(
        TypeID("frl"), ForeignKey("freelancer.id"), index=True
    )
    first_day: Mapped[date]
    last_day: Mapped[date]
    language: Mapped[str]
    content: Mapped[dict[str, object]]
    """Every figure on it, and where the ledger stood."""
    sha256: Mapped[str]
    pdf: Mapped[bytes] = mapped_column(LargeBinary)
    issued_at: Mapped[datetime]
    superseded_by: Mapped[str | None] = mapped_column(
        TypeID("crt"), ForeignKey("certificate.id"), index=True
    )
    revoked_at: Mapped[datetime | None]
    revoked_reason: Mapped[str | None]


class Receipt(Base):
    """What the receipt of a payment says, written with the payment.

    Append-only: later changes of the contract do not reach it.
    """

    __tablename__ = "receipt"

    payment_id: Mapped[str] = mapped_column(
        TypeID("pay"), ForeignKey("payment.id"), primary_key=True
    )
    content: Mapped[dict[str, object]]
    written_at: Mapped[datetime]


class GivenPaper(Base):
    """The very bytes of a paper as somebody got it first.

    Append-only: asked for again, it is this one, whatever makes papers by then.
    """

    __tablename__ = "given_paper"
    __table_args__ = (one_of("kind", PAPER_KINDS),)

    kind: Mapped[str] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(PgUUID(as_uuid=True), primary_key=True)
    """The payment, invoice or case that it is of."""
    form: Mapped[str] = mapped_column(primary_key=True)
    """The file's form and language, and for whom it is where that differs: `pdf:de`,
    `zip:executed:client`.
    """
    data: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[str]
    given_at: Mapped[datetime]
