"""Are the books right by themselves?

Whole from the first entry, or from the last check that found them right.

What a check found is kept (`ledger_check`): the position and hash up to which the chain is proved,
and the totals of the books there. Whoever looks afterwards adds what came since, and proves the
chain from there. What a check found wrong stays so until a whole one finds it right. Nothing is
repaired here.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from service.core.context import Context
from service.domain.money.chart import ACCOUNTS
from service.ledger import TrialLine, hash_chain, totals, trial_balance
from service.models import LedgerCheck

AT_A_GLANCE = 2_000
"""As many new entries a page or a call proves; a night has more, and the nightly check all of them.
"""


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


_FRESH = """
    WITH fresh AS (
        SELECT id FROM journal_entry WHERE position > :after UNION ALL SELECT id FROM journal_entry
            WHERE position IS NULL
    ), touched AS (
        SELECT p.debit_account AS id FROM fresh f JOIN posting p ON p.entry_id = f.id
        UNION SELECT p.credit_account FROM fresh f JOIN posting p ON p.entry_id = f.id
    )
"""
# Of every account that something was posted to since: its counters beside the sums of all of its
# postings.
_COUNTERS = """
    FROM touched t JOIN ledger_balance b ON b.account_id = t.id JOIN ledger_account a ON a.id = t.id
   CROSS JOIN LATERAL (SELECT coalesce((SELECT sum(amount) FROM posting WHERE debit_account = t.id),
       0)::bigint AS debits,
                              coalesce((SELECT sum(amount) FROM posting
                                  WHERE credit_account = t.id), 0)::bigint AS credits) p
"""
_COUNTERS_DIFFER = (
    "SELECT a.id, a.kind, a.currency, b.debits, b.credits, p.debits AS summed_debits, p.credits "
    "AS summed_credits"
    + _COUNTERS
    + " WHERE b.debits <> p.debits OR b.credits <> p.credits LIMIT 20"
)
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
_MILESTONES_TOUCHED = """
    FROM (SELECT DISTINCT a.owner FROM touched t JOIN ledger_account a ON a.id = t.id
        WHERE a.kind IN ('escrow', 'disputed')) o
    JOIN milestone m ON m.id = o.owner
    LEFT JOIN LATERAL (SELECT b.credits - b.debits AS held FROM ledger_account a
        JOIN ledger_balance b ON b.account_id = a.id
                        WHERE a.kind = 'escrow' AND a.owner = m.id) e ON true
    LEFT JOIN LATERAL (SELECT b.credits - b.debits AS held FROM ledger_account a
        JOIN ledger_balance b ON b.account_id = a.id
                        WHERE a.kind = 'disputed' AND a.owner = m.id) d ON true
"""
_MILESTONE_COLUMNS = """
    SELECT m.id, m.funded_minor, m.released_minor, m.refunded_minor, m.refunding_minor,
        m.disputed_minor,
           coalesce(e.held, 0) AS escrow, coalesce(d.held, 0) AS disputed
"""
_MILESTONES_DIFFER = """
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
_WITHOUT_LINES = (
    "SELECT f.id FROM {} f WHERE NOT EXISTS (SELECT 1 FROM posting p WHERE "
    "p.entry_id = f.id) LIMIT 20"
)


def verify(session: Session) -> list[Check]:
    """Every check of the books, from the first entry on."""
    return _whole(session).checks


def _whole(session: Session) -> Books:
    lines, proved = trial_balance(session), hash_chain.check_chain(session)
    found = [
        _counted(
            session,
            "counters equal the sums of postings",
            "SELECT count(*) FROM ledger_balance",
            _WHOLE_COUNTERS_DIFFER,
        ),
        _counted(
            session,
            "milestones equal their escrow accounts",
            "SELECT count(*) FROM milestone",
            _MILESTONE_COLUMNS + _MILESTONES + _MILESTONES_DIFFER,
        ),
        _gates(session),
        _counted(
            session,
            "every entry has lines",
            "SELECT count(*) FROM journal_entry",
            _WITHOUT_LINES.format("journal_entry"),
        ),
        *_sums(lines, proved),
    ]
    return Books(found, lines, proved, hash_chain.head(session).position, None)


def _gates(session: Session) -> Check:
    return _counted(
        session,
        "gates agree with the holds in force",
        "SELECT count(*) FROM hold WHERE ended_at IS NULL",
        _GATES_DIFFER,
    )


def _sums(lines: list[TrialLine], proved: hash_chain.ChainCheck) -> list[Check]:
    chain = Check("the chain of seals is whole", proved.compared, proved.broken)
    return [_debits_equal_credits(lines), trust_identity(lines), chain]


def look(session: Session, most: int | None = AT_A_GLANCE) -> Books:
    """The books now, from the last check that found them right; `most` new entries of the chain are
    proved (None: all).

    Without such a check everything begins with the first entry, the chain as far as `most` goes.
    """
    newest, base = _newest(session), _newest(session, ok=True)
    after = base.position if base else 0
    lines = totals(session, _lines(base) if base else [], after)
    proved = hash_chain.check_chain(
        session, hash_chain.Head(after, base.hash if base else hash_chain.GENESIS), most
    )
    found = [*_of_fresh(session, after), *_sums(lines, proved)]
    checks = _with_old_differences(found, newest)
    return Books(
        checks, lines, proved, hash_chain.head(session).position, base.checked_at if base else None
    )


def _of_fresh(session: Session, after: int) -> list[Check]:
    """What was posted to since a position, and every gate."""
    return [
        _counted(
            session,
            "counters equal the sums of postings",
            _FRESH + "SELECT count(*)" + _COUNTERS,
            _FRESH + _COUNTERS_DIFFER,
            after=after,
        ),
        _counted(
            session,
            "milestones equal their escrow accounts",
            _FRESH + "SELECT count(*)" + _MILESTONES_TOUCHED,
            _FRESH + _MILESTONE_COLUMNS + _MILESTONES_TOUCHED + _MILESTONES_DIFFER,
            after=after,
        ),
        _gates(session),
        _counted(
            session,
            "every entry has lines",
            _FRESH + "SELECT count(*) FROM fresh",
            _FRESH + _WITHOUT_LINES.format("fresh"),
            after=after,
        ),
    ]


def _with_old_differences(found: list[Check], newest: LedgerCheck | None) -> list[Check]:
    """What the newest check found wrong stays so, though nothing new is."""
    still = (
        {check["name"]: check["differences"] for check in newest.checks if check["differences"]}
        if newest
        else {}
    )
    return [
        Check(c.name, c.compared, still[c.name]) if c.ok and c.name in still else c for c in found
    ]


def present_totals(session: Session) -> list[TrialLine]:
    """The trial balance of now: what the last check kept, and what came since."""
    base = _newest(session, ok=True)
    return totals(session, _lines(base), base.position) if base else trial_balance(session)


def keep(ctx: Context, *, whole: bool) -> Books:
    """Check to the end of the chain and keep what was found, for whoever looks next.

    `whole`: from the first entry on.
    """
    books = _whole(ctx.session) if whole else look(ctx.session, None)
    at = books.proved.position
    base = _newest(ctx.session, ok=True)
    # What is kept is of that position, not of now: entries behind it are added by whoever looks.
    lines = totals(
        ctx.session,
        [] if whole or base is None else _lines(base),
        0 if whole or base is None else base.position,
        at,
    )
    ctx.session.add(
        LedgerCheck(
            position=at,
            hash=books.proved.hash,
            totals=[asdict(line) for line in lines],
            checks=[asdict(check) for check in books.checks],
            ok=books.ok,
            whole=whole,
            checked_at=ctx.now,
        )
    )
    return books


def _newest(session: Session, *, ok: bool | None = None) -> LedgerCheck | None:
    query = select(LedgerCheck).order_by(LedgerCheck.id.desc()).limit(1)
    return session.execute(query.where(LedgerCheck.ok) if ok else query).scalar_one_or_none()


def _lines(base: LedgerCheck) -> list[TrialLine]:
    return [TrialLine.of(row) for row in base.totals]


def _counted(session: Session, name: str, total: str, query: str, **given: Any) -> Check:
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
