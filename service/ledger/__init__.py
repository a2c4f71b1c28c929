"""The books: `accounts` by what they are, `entries` by business event, `journal` that writes them,
balances to read.

Nothing else writes the ledger's tables, and PostgreSQL sees to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from service.domain.identity import typeid
from service.domain.money.causes import Cause
from service.domain.money.chart import AccountCode
from service.ledger.accounts import Account, Owner
from service.ledger.journal import Entry, Line, post
from service.models.money.ledger import CheckedTotal

__all__ = [
    "Account",
    "Balance",
    "Cause",
    "Entry",
    "Line",
    "Owner",
    "TrialLine",
    "balance",
    "balances",
    "post",
    "totals",
    "trial_balance",
]


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
           CASE a.normal_side WHEN 'credit' THEN b.credits - b.debits ELSE b.debits - b.credits END
               AS amount_minor,
           b.hold_release + b.hold_refund + b.hold_outflow > 0 AS held
      FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id
     WHERE a.owner = ANY (:owners) AND a.kind = ANY (:kinds)
""")


def balances(session: Session, kinds: Sequence[AccountCode], owners: list[str]) -> list[Balance]:
    """The balances of the given kinds that belong to any of the owners; accounts never opened are
    absent.
    """
    asked = {"owners": [typeid.decode(o) for o in owners], "kinds": [kind.value for kind in kinds]}
    rows = session.execute(_BALANCES, asked)
    return [Balance(*row) for row in rows]


def balance(session: Session, account: Account, currency: str) -> int:
    """One bounded account's balance in minor units; 0 before its first posting."""
    assert account.owner is not None, "the platform's own accounts are summed, not kept"
    found = balances(session, [account.code], [account.owner.id])
    return next((b.amount_minor for b in found if b.currency == currency), 0)


_TRIAL_BALANCE = text("""
    SELECT a.currency, a.kind, a.normal_side,
           coalesce(sum(p.debit), 0)::bigint AS debits, coalesce(sum(p.credit), 0)::bigint
               AS credits
      FROM ledger_account a
      LEFT JOIN (SELECT debit_account AS account, amount AS debit, 0 AS credit FROM posting
                 UNION ALL SELECT credit_account, 0, amount FROM posting) p ON p.account = a.id
     GROUP BY a.currency, a.kind, a.normal_side ORDER BY a.currency, a.kind
""")


@dataclass(frozen=True)
class TrialLine:
    """All accounts of one kind in one currency, summed from the postings themselves."""

    currency: str
    kind: AccountCode
    normal_side: str
    debits_minor: int
    credits_minor: int

    @classmethod
    def of(cls, row: CheckedTotal) -> TrialLine:
        """As a check of the books has kept it."""
        return cls(
            row["currency"],
            AccountCode(row["kind"]),
            row["normal_side"],
            row["debits_minor"],
            row["credits_minor"],
        )

    @property
    def balance_minor(self) -> int:
        """On the account's normal side."""
        difference = self.debits_minor - self.credits_minor
        return difference if self.normal_side == "debit" else -difference


def trial_balance(session: Session) -> list[TrialLine]:
    """Every kind of account with its totals, by currency."""
    rows = session.execute(_TRIAL_BALANCE)
    return [
        TrialLine(row.currency, AccountCode(row.kind), row.normal_side, row.debits, row.credits)
        for row in rows
    ]


_SINCE = text("""
    WITH fresh AS (
        SELECT id FROM journal_entry WHERE position > :after AND position <= :upto
        UNION ALL SELECT id FROM journal_entry WHERE position IS NULL AND :unplaced
    ), side AS (
        SELECT p.debit_account AS account, p.amount AS debit, 0 AS credit FROM fresh f
            JOIN posting p ON p.entry_id = f.id
        UNION ALL SELECT p.credit_account, 0, p.amount FROM fresh f JOIN posting p
            ON p.entry_id = f.id
    )
    SELECT a.currency, a.kind, a.normal_side, sum(s.debit)::bigint AS debits, sum(s.credit)::bigint
        AS credits
      FROM side s JOIN ledger_account a ON a.id = s.account GROUP BY 1, 2, 3
""")
_LAST = 2**62


def totals(
    session: Session, known: list[TrialLine], after: int, upto: int | None = None
) -> list[TrialLine]:
    """The trial balance from what it was at position `after`, and what was posted since.

    Up to a position, or to now: then what has no position yet is in it as well.
    """
    given = {"after": after, "upto": _LAST if upto is None else upto, "unplaced": upto is None}
    found = {(line.currency, line.kind): line for line in known}
    for row in session.execute(_SINCE, given):
        key = row.currency, AccountCode(row.kind)
        before = found.get(key)
        debited = row.debits + (before.debits_minor if before else 0)
        credited = row.credits + (before.credits_minor if before else 0)
        found[key] = TrialLine(*key, row.normal_side, debited, credited)
    return [found[key] for key in sorted(found)]
