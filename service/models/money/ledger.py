"""The books.

What PostgreSQL itself refuses about these tables is in migration 0002; the only writer is
`service.ledger`.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TypedDict
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.orm import Mapped, mapped_column

from service.domain.money.chart import CREDIT, DEBIT, GATES
from service.models.base import Base, TypeID, one_of


class ChartAccount(Base):
    """`domain.chart.ACCOUNTS` as rows, so that the database can refuse by them."""

    __tablename__ = "chart_account"

    kind: Mapped[str] = mapped_column(primary_key=True)
    normal_side: Mapped[str]
    bounded: Mapped[bool]
    trust_side: Mapped[int] = mapped_column(SmallInteger)
    owner_types: Mapped[list[str]] = mapped_column(ARRAY(Text()), server_default="{}")
    """What an account of it may belong to; empty for the platform's."""


class ChartLine(Base):
    """`domain.chart.chart_lines()` with each entry's gate: what may be posted at all."""

    __tablename__ = "chart_line"
    __table_args__ = (one_of("gate", GATES),)

    entry_kind: Mapped[str] = mapped_column(primary_key=True)
    debit_kind: Mapped[str] = mapped_column(ForeignKey("chart_account.kind"), primary_key=True)
    credit_kind: Mapped[str] = mapped_column(ForeignKey("chart_account.kind"), primary_key=True)
    gate: Mapped[str]


class LedgerAccount(Base):
    """Never updated: it is what postings refer to.

    `owner` is the milestone, freelancer, payment … that `owner_type` says.

    `freelancer_id`, `client_id`, `contract_id`: whose it is by that, written when it is opened, so
    that no reader has to find out.
    """

    __tablename__ = "ledger_account"
    __table_args__ = (
        UniqueConstraint("kind", "owner", "currency", postgresql_nulls_not_distinct=True),
        UniqueConstraint("id", "currency"),
        CheckConstraint(
            "bounded = (owner IS NOT NULL) AND (owner IS NULL) = (owner_type IS NULL)", name="owned"
        ),
        Index("ledger_account_by_freelancer_idx", "freelancer_id", "kind"),
        Index("ledger_account_by_contract_idx", "contract_id", "kind"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    kind: Mapped[str] = mapped_column(ForeignKey("chart_account.kind"))
    owner_type: Mapped[str | None]
    owner: Mapped[UUID | None] = mapped_column(PgUUID(as_uuid=True))
    freelancer_id: Mapped[str | None] = mapped_column(TypeID("frl"), ForeignKey("freelancer.id"))
    client_id: Mapped[str | None] = mapped_column(TypeID("cli"), ForeignKey("client.id"))
    contract_id: Mapped[str | None] = mapped_column(TypeID("ctr"), ForeignKey("contract.id"))
    currency: Mapped[str]
    normal_side: Mapped[str]
    bounded: Mapped[bool]
    opened_at: Mapped[datetime]


class LedgerBalance(Base):
    """One narrow row per bounded account, tuned for frequent updates; the counts of holds are the
    gates.

    Kept apart from the account: a row that is both updated and referenced by foreign keys collects
    multixacts.
    """

    __tablename__ = "ledger_balance"
    __table_args__ = (
        one_of("normal_side", (DEBIT, CREDIT)),
        CheckConstraint(
            "debits >= 0 AND credits >= 0 AND CASE normal_side WHEN 'credit' THEN credits >= "
            "debits ELSE debits >= credits END",
            name="not_overdrawn",
        ),
        CheckConstraint(
            "hold_release >= 0 AND hold_refund >= 0 AND hold_outflow >= 0", name="holds_counted"
        ),
        {
            "postgresql_with": {
                "fillfactor": "50",
                "autovacuum_vacuum_threshold": "500",
                "autovacuum_vacuum_scale_factor": "0",
            }
        },
    )

    account_id: Mapped[int] = mapped_column(
        ForeignKey("ledger_account.id"), primary_key=True, autoincrement=False
    )
    normal_side: Mapped[str]
    debits: Mapped[int] = mapped_column(server_default="0")
    credits: Mapped[int] = mapped_column(server_default="0")
    hold_release: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    hold_refund: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    hold_outflow: Mapped[int] = mapped_column(SmallInteger, server_default="0")


class JournalEntry(Base):
    """One business event in the books.

    (kind, what caused it) is unique: a thing is posted once.

    Four dates: `occurred_at` when it happened, `posted_on` the day in the books' zone,
    `recorded_at` when we learned it, `effective_on` the earlier day a late event belongs to.
    """

    __tablename__ = "journal_entry"
    __table_args__ = (
        UniqueConstraint(
            "kind",
            "cause_id",
            "cause_sequence",
            name="journal_entry_kind_cause_key",
            postgresql_nulls_not_distinct=True,
        ),
        Index("journal_entry_by_cause_idx", "cause_id"),
        Index("journal_entry_by_contract_idx", "contract_id", "number"),
        Index("journal_entry_unpositioned_idx", "number", postgresql_where="position IS NULL"),
    )

    id: Mapped[str] = mapped_column(TypeID("jnl"), primary_key=True)
    number: Mapped[int] = mapped_column(Identity(always=True), unique=True)
    kind: Mapped[str]
    cause_type: Mapped[str]
    cause_id: Mapped[UUID] = mapped_column(PgUUID(as_uuid=True))
    cause_sequence: Mapped[int | None] = mapped_column(Integer)
    cause: Mapped[str] = mapped_column(
        Text(), Computed("cause_text(cause_type, cause_id, cause_sequence)")
    )
    """As people read it; PostgreSQL writes it, nothing reads it back."""
    contract_id: Mapped[str | None] = mapped_column(TypeID("ctr"), ForeignKey("contract.id"))
    actor: Mapped[str]
    occurred_at: Mapped[datetime]
    posted_on: Mapped[date]
    recorded_at: Mapped[datetime]
    effective_on: Mapped[date]
    description: Mapped[str]
    xid: Mapped[int]
    position: Mapped[int | None] = mapped_column(unique=True)
    """Given once, after commit, by the sequencer; the seal of the same position holds the chain's
    hash.
    """


class Posting(Base):
    """A debit account, a credit account, a positive amount: balanced by its shape. Append-only."""

    __tablename__ = "posting"
    __table_args__ = (
        ForeignKeyConstraint(
            ["debit_account", "currency"],
            ["ledger_account.id", "ledger_account.currency"],
            name="posting_debit_fkey",
        ),
        ForeignKeyConstraint(
            ["credit_account", "currency"],
            ["ledger_account.id", "ledger_account.currency"],
            name="posting_credit_fkey",
        ),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("debit_account <> credit_account", name="two_accounts"),
        Index("posting_debits_idx", "debit_account", "entry_id", postgresql_include=["amount"]),
        Index("posting_credits_idx", "credit_account", "entry_id", postgresql_include=["amount"]),
    )

    entry_id: Mapped[str] = mapped_column(
        TypeID("jnl"), ForeignKey("journal_entry.id"), primary_key=True
    )
    line_no: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    debit_account: Mapped[int]
    credit_account: Mapped[int]
    amount: Mapped[int]
    currency: Mapped[str]


class LedgerSeal(Base):
    """The hash chain over entries in the order in which they became visible, written after commit
    by one sequencer.
    """

    __tablename__ = "ledger_seal"
    __table_args__ = (Index("ledger_seal_by_instant_idx", "sealed_at", "position"),)

    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[datetime]


class LedgerHead(Base):
    """The chain's head at the end of a day, signed (Ed25519), to be kept outside as well."""

    __tablename__ = "ledger_head"

    day: Mapped[date] = mapped_column(primary_key=True)
    position: Mapped[int]
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    signed_at: Mapped[datetime]


class CheckedTotal(TypedDict):
    """All accounts of one kind in one currency, up to a checked position."""

    currency: str
    kind: str
    normal_side: str
    debits_minor: int
    credits_minor: int


class CheckResult(TypedDict):
    """One question about the books, how much was compared, and the differences found."""

    name: str
    compared: int
    differences: list[dict[str, object]]


class LedgerCheck(Base):
    """What a check of the books found: how far the chain is proved, and the totals there.

    Append-only.

    Whoever looks later goes on from the newest one that is `ok`; `whole`: it began with the first
    entry.
    """

    __tablename__ = "ledger_check"
    __table_args__ = (Index("ledger_check_right_idx", "id", postgresql_where="ok"),)

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    position: Mapped[int]
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    totals: Mapped[list[CheckedTotal]] = mapped_column(JSONB)
    checks: Mapped[list[CheckResult]] = mapped_column(JSONB)
    ok: Mapped[bool]
    whole: Mapped[bool]
    checked_at: Mapped[datetime]
