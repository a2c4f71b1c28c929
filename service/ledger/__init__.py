"""The only writer of the books. `post` hands one journal entry to PostgreSQL's `ledger_post` in the caller's transaction.

One round trip per movement. The function checks the chart, opens accounts on first use, locks the bounded ones in one
global order, checks holds under that lock, keeps the trust identity, and lets CHECKs refuse what would overdraw.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from service.act import Act
from service.db import constraint_of
from service.domain import typeid
from service.domain.errors import AlreadyPosted, HoldfastError, NotEnough, OnHold
from service.models import new_id

_POST = "SELECT ledger_post(%s::uuid, %s, %s, %s::uuid, %s, %s, %s, %s, %s, %s, %s, %s::text[], %s::uuid[], %s::text[], %s::uuid[], %s::bigint[])"

_REFUSALS: dict[str, type[HoldfastError]] = {
    "journal_entry_kind_cause_key": AlreadyPosted,
    "ledger_balance_not_overdrawn": NotEnough,
    "ledger_account_held": OnHold,
}


@dataclass(frozen=True)
class Account:
    """An account by what it is: its kind and the id of what owns it (None for the platform's unbounded accounts)."""

    kind: str
    owner: str | None = None

    @property
    def owner_uuid(self) -> UUID | None:
        return typeid.decode(self.owner) if self.owner else None


TRUST = Account("psp_trust")
OPERATING = Account("psp_operating")
PLATFORM_FEES = Account("platform_fees")
FEE_TAX = Account("fee_tax_payable")
PROCESSING_RECOVERED = Account("processing_recovered")
PSP_FEES = Account("psp_fees")
PLATFORM_EQUITY = Account("platform_equity")
LOSSES = Account("losses")
DISPUTE_FEES = Account("dispute_fees")


@dataclass(frozen=True)
class Line:
    """`amount_minor` moves from `credit` to `debit` in bookkeeping's sense. Lines of zero are left out when posted."""

    debit: Account
    credit: Account
    amount_minor: int


@dataclass(frozen=True)
class Entry:
    """One business event. `cause` is the id of the row that caused it; (kind, cause) can be posted once."""

    kind: str
    cause: str
    currency: str
    lines: list[Line]
    description: str
    contract_id: str | None = None
    occurred_at: datetime | None = None


def post(act: Act, entry: Entry) -> str:
    """Write the entry; returns its id. Raises AlreadyPosted, NotEnough, OnHold; the transaction is then over."""
    lines = [line for line in entry.lines if line.amount_minor]
    occurred_at = entry.occurred_at or act.now
    posted_on = act.now.astimezone(act.policies.book_zone).date()
    entry_id = new_id("jnl")
    parameters = (
        typeid.decode(entry_id), entry.kind, entry.cause, typeid.decode(entry.contract_id) if entry.contract_id else None, act.actor,
        occurred_at, posted_on, act.now, min(posted_on, occurred_at.astimezone(act.policies.book_zone).date()), entry.description, entry.currency,
        [line.debit.kind for line in lines], [line.debit.owner_uuid for line in lines],
        [line.credit.kind for line in lines], [line.credit.owner_uuid for line in lines], [line.amount_minor for line in lines],
    )  # fmt: skip
    act.session.flush()
    try:
        act.session.connection().exec_driver_sql(_POST, parameters)
    except IntegrityError as error:
        refusal = _REFUSALS.get(constraint_of(error) or "")
        if refusal is None:
            raise
        raise refusal from error
    return entry_id


@dataclass(frozen=True)
class Balance:
    """A bounded account's running totals, in minor units."""

    kind: str
    owner: UUID
    currency: str
    amount_minor: int
    held: bool


_BALANCES = text("""
    SELECT a.kind, a.owner, a.currency,
           CASE a.normal_side WHEN 'credit' THEN b.credits - b.debits ELSE b.debits - b.credits END AS amount_minor,
           b.hold_release + b.hold_refund + b.hold_outflow > 0 AS held
      FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id
     WHERE a.owner = ANY (:owners) AND a.kind = ANY (:kinds)
""")


def balances(session: Session, kinds: list[str], owners: list[str]) -> list[Balance]:
    """The balances of the given kinds that belong to any of the owners; accounts never opened are absent."""
    rows = session.execute(_BALANCES, {"owners": [typeid.decode(o) for o in owners], "kinds": kinds})
    return [Balance(*row) for row in rows]


def balance(session: Session, kind: str, owner: str, currency: str) -> int:
    """One bounded account's balance in minor units; 0 before its first posting."""
    found = [b.amount_minor for b in balances(session, [kind], [owner]) if b.currency == currency]
    return found[0] if found else 0


_TRIAL_BALANCE = text("""
    SELECT a.currency, a.kind, a.normal_side,
           coalesce(sum(p.debit), 0)::bigint AS debits, coalesce(sum(p.credit), 0)::bigint AS credits
      FROM ledger_account a
      LEFT JOIN (SELECT debit_account AS account, amount AS debit, 0 AS credit FROM posting
                 UNION ALL SELECT credit_account, 0, amount FROM posting) p ON p.account = a.id
     GROUP BY a.currency, a.kind, a.normal_side ORDER BY a.currency, a.kind
""")


@dataclass(frozen=True)
class TrialLine:
    """All accounts of one kind in one currency, summed from the postings themselves."""

    currency: str
    kind: str
    normal_side: str
    debits_minor: int
    credits_minor: int

    @property
    def balance_minor(self) -> int:
        """On the account's normal side."""
        difference = self.debits_minor - self.credits_minor
        return difference if self.normal_side == "debit" else -difference


def trial_balance(session: Session) -> list[TrialLine]:
    """Every kind of account with its totals, by currency."""
    return [TrialLine(*row) for row in session.execute(_TRIAL_BALANCE)]
