"""Tax: who somebody is to a tax office (sealed), what was decided about our duties, what was
prepared for filing, and rates of exchange.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Numeric,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.domain.identity.actors import Actor
from service.models.agreements.contracts import Release
from service.models.base import Base, TypeID, one_of

TAX_FORMS = ("w9", "w8ben", "w8ben_e", "dac7")
WITHHOLDING_REGIMES = ("in_194o", "in_gst_tcs", "us_backup")
FILING_REGIMES = ("eu_dac7", "uk_mrdp")
TAX_REGIMES = ("us_1099k", *FILING_REGIMES, *WITHHOLDING_REGIMES)


class TaxIdentity(Base):
    """What a freelancer has declared about themselves, one form after the other; the newest counts.

    Names, birth, address, account and numbers are in `sealed` only, encrypted with keys of the
    settings; what stands beside it is what reports are grouped by, and the number as its owner may
    see it again.
    """

    __tablename__ = "tax_identity"
    __table_args__ = (
        one_of("form", TAX_FORMS),
        one_of("seller_kind", ("individual", "entity")),
        CheckConstraint("length(country) = 2", name="country"),
        Index(
            "tax_identity_present_idx",
            "freelancer_id",
            unique=True,
            postgresql_where=text("replaced_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(TypeID("txi"), primary_key=True)
    freelancer_id: Mapped[str] = mapped_column(TypeID("frl"), ForeignKey("freelancer.id"))
    form: Mapped[str]
    seller_kind: Mapped[str]
    country: Mapped[str]
    """Of tax residence."""
    region: Mapped[str | None]
    """Within it, where it matters: a state of the United States."""
    tin_masked: Mapped[str | None]
    vat_id: Mapped[str | None]
    printed: Mapped[dict[str, str]]
    """Name and address as invoices show them to the other side; their owner gave them for that."""
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_with: Mapped[str]
    """Which key: the first eight characters of its SHA-256."""
    invoices_by_mandate: Mapped[bool]
    signed_at: Mapped[datetime]
    expires_on: Mapped[date | None]
    replaced_at: Mapped[datetime | None]


class TaxScope(Base):
    """Whether the platform has a duty, decided by a person with a reason.

    The newest decision of a regime counts. Append-only.
    """

    __tablename__ = "tax_scope"
    __table_args__ = (
        one_of("regime", TAX_REGIMES),
        CheckConstraint("length(reason) >= 10", name="reason"),
    )

    id: Mapped[str] = mapped_column(TypeID("tsc"), primary_key=True)
    regime: Mapped[str]
    in_scope: Mapped[bool]
    reason: Mapped[str]
    decided_by: Mapped[Actor]
    decided_at: Mapped[datetime]


class TaxDue(Base):
    """What is owed to a tax office for a month, in one currency: the account `tax_withheld` is per
    such a row. Paid once, when the month is over.
    """

    __tablename__ = "tax_due"
    __table_args__ = (
        one_of("regime", WITHHOLDING_REGIMES),
        UniqueConstraint("regime", "month", "currency"),
        CheckConstraint(
            "(remitted_at IS NULL) = (reference IS NULL) AND (remitted_at IS NULL) = "
            "(remitted_by IS NULL)",
            name="remitted",
        ),
    )

    id: Mapped[str] = mapped_column(TypeID("txd"), primary_key=True)
    regime: Mapped[str]
    month: Mapped[date]
    """Its first day."""
    currency: Mapped[str]
    due_on: Mapped[date]
    remitted_at: Mapped[datetime | None]
    reference: Mapped[str | None]
    """The office's own: a challan number, an EFTPS confirmation."""
    remitted_by: Mapped[Actor | None]


class Withholding(Base):
    """What a duty did to a release, also when that was nothing, with the reason.

    Append-only; the freelancer sees it.
    """

    __tablename__ = "withholding"
    __table_args__ = (
        one_of("reason", ("number_on_file", "no_number_on_file", "below_threshold")),
        CheckConstraint(
            "amount_minor >= 0 AND share_minor >= 0 AND gross_minor > 0", name="not_negative"
        ),
        Index(
            "withholding_by_freelancer_idx", "freelancer_id", "regime", "currency", "withheld_at"
        ),
        Index("withholding_by_due_idx", "due_id"),
    )

    release_id: Mapped[str] = mapped_column(
        TypeID("rls"), ForeignKey("release.id"), primary_key=True
    )
    due_id: Mapped[str] = mapped_column(TypeID("txd"), ForeignKey("tax_due.id"), primary_key=True)
    freelancer_id: Mapped[str] = mapped_column(TypeID("frl"), ForeignKey("freelancer.id"))
    regime: Mapped[str]
    currency: Mapped[str]
    gross_minor: Mapped[int]
    rate: Mapped[str]
    """As a decimal text: '0.001'."""
    share_minor: Mapped[int]
    """The rate on this release, half-up."""
    amount_minor: Mapped[int]
    """What was taken: the share, what earlier releases still lacked, and never more than is left of
    the release.
    """
    reason: Mapped[str]
    legal_ref: Mapped[str]
    withheld_at: Mapped[datetime]
    release: Mapped[Release] = relationship()


class TaxFiling(Base):
    """A file that was prepared for a tax office; people file it.

    `docs`: per seller, its reference, what it corrects, and its figures.

    A correction names the document it corrects, so nothing here is ever changed. Append-only.
    """

    __tablename__ = "tax_filing"
    __table_args__ = (
        one_of("regime", FILING_REGIMES),
        one_of("message_type", ("DPI401", "DPI402", "DPI403")),
    )

    id: Mapped[str] = mapped_column(TypeID("flg"), primary_key=True)
    regime: Mapped[str]
    year: Mapped[int]
    message_ref: Mapped[str] = mapped_column(unique=True)
    message_type: Mapped[str]
    as_of: Mapped[datetime]
    docs: Mapped[list[dict[str, object]]]
    sha256: Mapped[str]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    """The file itself, encrypted: it has full names and numbers."""
    sealed_with: Mapped[str]
    made_by: Mapped[Actor]
    made_at: Mapped[datetime]


class FxRate(Base):
    """How much of `quote` one unit of `base` was on a day, by a named source.

    Append-only: a book is never converted twice in two ways.
    """

    __tablename__ = "fx_rate"
    __table_args__ = (
        UniqueConstraint("base", "quote", "rate_date", "source"),
        CheckConstraint("rate > 0 AND base <> quote", name="rate"),
    )

    id: Mapped[str] = mapped_column(TypeID("fxr"), primary_key=True)
    base: Mapped[str]
    quote: Mapped[str]
    rate: Mapped[Decimal] = mapped_column(Numeric(20, 10))
    rate_date: Mapped[date]
    source: Mapped[str]
    fetched_at: Mapped[datetime]


class AccountantLink(Base):
    """A freelancer lets somebody read their figures, without an account, until a day."""

    __tablename__ = "accountant_link"

    id: Mapped[str] = mapped_column(TypeID("acl"), primary_key=True)
    freelancer_id: Mapped[str] = mapped_column(
        TypeID("frl"), ForeignKey("freelancer.id"), index=True
    )
    name: Mapped[str]
    """Whom it was given to, in the freelancer's words."""
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class AccountantVisit(Base):
    """Each time such a link was used, and what was read. Append-only."""

    __tablename__ = "accountant_visit"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    link_id: Mapped[str] = mapped_column(
        TypeID("acl"), ForeignKey("accountant_link.id"), index=True
    )
    what: Mapped[str]
    user_agent: Mapped[str]
    at: Mapped[datetime]
