"""Whether the books are right: everything once, from the first entry."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from service.domain.money.chart import ACCOUNTS
from service.ledger import TrialLine, hash_chain, totals, trial_balance
from service.models import LedgerCheck


@dataclass(frozen=True)
class Check:
    """One question, how much was compared, and every difference found (at most 20 are listed)."""

    name: str
    compared: int
    differences: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.differences


@dataclass(frozen=True)
class Books:
    """The books at an instant: what the checks say, the totals, and up to which entry the chain is
    proved.

    `kept_at`: when the check was made that all of this goes on from; None when it begins with the
    first entry.
    """

    checks: list[Check]
    lines: list[TrialLine]
    proved: hash_chain.ChainCheck
    head: int
    kept_at: datetime | None

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)


_WHOLE_COUNTERS_DIFFER = """
    SELECT a.id, a.kind, a.currency, b.debits, b.credits, coalesce(p.debits, 0) AS summed_debits,
        coalesce(p.credits, 0) AS summed_credits
      FROM ledger_balance b JOIN ledger_account a ON a.id = b.account_id
      LEFT JOIN (SELECT account, sum(debit)::bigint AS debits, sum(credit)::bigint AS credits
                   FROM (SELECT debit_account AS account, amount AS debit, 0 AS credit FROM posting
                         UNION ALL SELECT credit_account, 0, amount FROM posting) sides
                             GROUP BY account) p ON p.account = a.id
     WHERE b.debits <> coalesce(p.debits, 0) OR b.credits <> coalesce(p.credits, 0) LIMIT 20
"""


_MILESTONES = """
    FROM milestone m
    LEFT JOIN (SELECT a.owner, b.credits - b.debits AS held FROM ledger_account a
        JOIN ledger_balance b ON b.account_id = a.id WHERE a.kind = 'escrow') e
           ON e.owner = m.id
    LEFT JOIN (SELECT a.owner, b.credits - b.debits AS held FROM ledger_account a
        JOIN ledger_balance b ON b.account_id = a.id WHERE a.kind = 'disputed') d
           ON d.owner = m.id
"""


MILESTONE_COLUMNS = """
    SELECT m.id, m.funded_minor, m.released_minor, m.refunded_minor, m.refunding_minor,
        m.disputed_minor,
           coalesce(e.held, 0) AS escrow, coalesce(d.held, 0) AS disputed
"""


MILESTONES_DIFFER = """
    WHERE coalesce(d.held, 0) <> m.disputed_minor
       OR coalesce(e.held, 0) <> m.funded_minor - m.released_minor - m.refunded_minor
                                 - m.refunding_minor - m.confiscated_minor - m.charged_back_minor
                                 - m.disputed_minor LIMIT 20
"""


_GATES_DIFFER = """
    SELECT a.kind, a.owner, b.hold_release, b.hold_refund, b.hold_outflow, g.release, g.refund,
        g.outflow
      FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id CROSS
          JOIN LATERAL hold_gates(a.kind, a.owner) g
     WHERE (b.hold_release + b.hold_refund + b.hold_outflow > 0
         OR a.owner IN (SELECT hold_owners(h.subject_id) FROM hold h WHERE h.ended_at IS NULL))
       AND (b.hold_release, b.hold_refund, b.hold_outflow) IS DISTINCT
           FROM (g.release, g.refund, g.outflow)
     LIMIT 20
"""


WITHOUT_LINES = (
    "SELECT f.id FROM {} f WHERE NOT EXISTS (SELECT 1 FROM posting p WHERE "
    "p.entry_id = f.id) LIMIT 20"
)


def verify(session: Session) -> list[Check]:
    """Every check of the books, from the first entry on."""
    return whole(session).checks


def whole(session: Session) -> Books:
    lines, proved = trial_balance(session), hash_chain.check_chain(session)
    found = [
        counted(
            session,
            "counters equal the sums of postings",
            "SELECT count(*) FROM ledger_balance",
            _WHOLE_COUNTERS_DIFFER,
        ),
        counted(
            session,
            "milestones equal their escrow accounts",
            "SELECT count(*) FROM milestone",
            MILESTONE_COLUMNS + _MILESTONES + MILESTONES_DIFFER,
        ),
        gates(session),
        counted(
            session,
            "every entry has lines",
            "SELECT count(*) FROM journal_entry",
            WITHOUT_LINES.format("journal_entry"),
        ),
        *sums(lines, proved),
    ]
    return Books(found, lines, proved, hash_chain.head(session).position, None)


def gates(session: Session) -> Check:
    return counted(
        session,
        "gates agree with the holds in force",
        "SELECT count(*) FROM hold WHERE ended_at IS NULL",
        _GATES_DIFFER,
    )


def sums(lines: list[TrialLine], proved: hash_chain.ChainCheck) -> list[Check]:
    chain = Check("the chain of seals is whole", proved.compared, proved.broken)
    return [_debits_equal_credits(lines), trust_identity(lines), chain]


def present_totals(session: Session) -> list[TrialLine]:
    """The trial balance of now: what the last check kept, and what came since."""
    base = newest(session, ok=True)
    return totals(session, lines(base), base.position) if base else trial_balance(session)


def newest(session: Session, *, ok: bool | None = None) -> LedgerCheck | None:
    query = select(LedgerCheck).order_by(LedgerCheck.id.desc()).limit(1)
    return session.execute(query.where(LedgerCheck.ok) if ok else query).scalar_one_or_none()


def lines(base: LedgerCheck) -> list[TrialLine]:
    return [TrialLine.of(row) for row in base.totals]


def counted(session: Session, name: str, total: str, query: str, **given: Any) -> Check:
    compared = session.execute(text(total), given).scalar_one()
    return Check(
        name,
        compared,
        [
            {k: str(v) for k, v in row.items()}
            for row in session.execute(text(query), given).mappings()
        ],
    )


def _debits_equal_credits(lines: list[TrialLine]) -> Check:
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for line in lines:
        sums[line.currency][0] += line.debits_minor
        sums[line.currency][1] += line.credits_minor
    wrong = [{"currency": c, "debits": d, "credits": k} for c, (d, k) in sums.items() if d != k]
    return Check("all debits equal all credits", len(sums), wrong)


def trust_identity(lines: list[TrialLine]) -> Check:
    """psp_trust equals the sum of everything it belongs to, per currency."""
    sides: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for line in lines:
        trust_side = ACCOUNTS[line.kind].trust_side
        if trust_side:
            sides[line.currency][0 if trust_side > 0 else 1] += line.balance_minor
    wrong = [{"currency": c, "trust": t, "owned": o} for c, (t, o) in sides.items() if t != o]
    return Check("trust equals what it belongs to", len(sides), wrong)
