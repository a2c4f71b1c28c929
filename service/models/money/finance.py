"""Exports that were asked for, and the files that were made: kept in pieces, so that stateless
processes share them through the database.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TypedDict

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.domain.identity.actors import Actor
from service.models.base import Base, TypeID, one_of

EXPORT_STATES = ("queued", "running", "ready", "failed")


class ManifestFile(TypedDict):
    """A file of an export; only what is read again of it."""

    name: str


class Manifest(TypedDict):
    """`manifest.json` as it was signed; only what is read again of it."""

    files: list[ManifestFile]


class FinanceExport(Base):
    """One question to the books.

    The same question about the same knowledge (`question`) is one row: its answer is made once.
    """

    __tablename__ = "finance_export"
    __table_args__ = (
        one_of("state", EXPORT_STATES),
        CheckConstraint("first_day <= last_day", name="period"),
        CheckConstraint("(state = 'ready') = (manifest IS NOT NULL)", name="ready_is_signed"),
        Index("finance_export_by_party_idx", "party", "id"),
    )

    id: Mapped[str] = mapped_column(TypeID("exp"), primary_key=True)
    question: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column("code")
    """What the export is called; in rows of release 0.1 by a number (`registry.FORMER`)."""
    format: Mapped[str]
    first_day: Mapped[date]
    last_day: Mapped[date]
    as_of: Mapped[datetime]
    party: Mapped[str | None]
    home: Mapped[str | None]
    """The currency that lines are converted to as well."""
    language: Mapped[str] = mapped_column(default="en")
    state: Mapped[str]
    rows_done: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str | None]
    manifest: Mapped[Manifest | None] = mapped_column(JSONB(none_as_null=True))
    asked_by: Mapped[Actor]
    asked_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    zone: Mapped[str | None]
    """By whose days, where not by the books'."""


class PspRow(Base):
    """A row of the processor's own account of the platform's balance, as it was told.

    Append-only; amounts in our minor units.
    """

    __tablename__ = "psp_row"
    __table_args__ = (Index("psp_row_by_source_idx", "source"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    source: Mapped[str]
    currency: Mapped[str]
    amount_minor: Mapped[int]
    fee_minor: Mapped[int]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class Explanation(Base):
    """Why the processor has another amount than the books, asked by one person and decided by
    another; the platform bears it.
    """

    __tablename__ = "psp_explanation"
    __table_args__ = (
        one_of("outcome", ("approved", "refused")),
        CheckConstraint("our_minor <> psp_minor", name="differs"),
        CheckConstraint(
            "outcome IS DISTINCT FROM 'approved' OR decided_by <> asked_by", name="two_people"
        ),
        CheckConstraint(
            "num_nulls(outcome, decided_by, decided_at) IN (0, 3)", name="decided_whole"
        ),
        Index(
            "psp_explanation_undecided_key",
            "source",
            "currency",
            unique=True,
            postgresql_where=text("outcome IS NULL"),
        ),
        Index("psp_explanation_source_idx", "source"),
    )

    id: Mapped[str] = mapped_column(TypeID("xpl"), primary_key=True)
    source: Mapped[str]
    currency: Mapped[str]
    our_minor: Mapped[int]
    psp_minor: Mapped[int]
    since: Mapped[datetime]
    reason: Mapped[str]
    asked_by: Mapped[Actor]
    asked_at: Mapped[datetime]
    outcome: Mapped[str | None]
    decided_by: Mapped[Actor | None]
    decided_at: Mapped[datetime | None]

    @property
    def amount_minor(self) -> int:
        """What the processor had more (or, below zero, less) than the books."""
        return self.psp_minor - self.our_minor


class PeriodClose(Base):
    """A month that is asked to be closed, and closed by a second person; from then on PostgreSQL
    refuses entries in it. Never opened again.
    """

    __tablename__ = "period_close"
    __table_args__ = (
        CheckConstraint("closed_by IS DISTINCT FROM asked_by", name="two_people"),
        CheckConstraint("(closed_by IS NULL) = (closed_at IS NULL)", name="closed_whole"),
    )

    month: Mapped[str] = mapped_column(primary_key=True)
    last_day: Mapped[date] = mapped_column(unique=True)
    asked_by: Mapped[Actor]
    asked_at: Mapped[datetime]
    closed_by: Mapped[Actor | None]
    closed_at: Mapped[datetime | None]
    checks: Mapped[list[dict[str, object]]]
    export_ids: Mapped[list[str]]


class ExportPiece(Base):
    """A piece of one file of an export, at most a megabyte. Append-only."""

    __tablename__ = "export_piece"

    export_id: Mapped[str] = mapped_column(
        TypeID("exp"), ForeignKey("finance_export.id"), primary_key=True
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    data: Mapped[bytes] = mapped_column(LargeBinary)
