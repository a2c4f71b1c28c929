"""Whether the books are right, at a glance: only what is new since the last whole check."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy.orm import Session

from service.core.context import Context
from service.ledger import checks, hash_chain, totals
from service.models import LedgerCheck

AT_A_GLANCE = 2_000
"""As many new entries a page or a call proves; a night has more, and the nightly check all of them.
"""


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


def look(session: Session, most: int | None = AT_A_GLANCE) -> checks.Books:
    """The books now, from the last check that found them right; `most` new entries of the chain are
    proved (None: all).

    Without such a check everything begins with the first entry, the chain as far as `most` goes.
    """
    newest, base = checks.newest(session), checks.newest(session, ok=True)
    after = base.position if base else 0
    lines = totals(session, checks.lines(base) if base else [], after)
    proved = hash_chain.check_chain(
        session, hash_chain.Head(after, base.hash if base else hash_chain.GENESIS), most
    )
    found = [*_of_fresh(session, after), *checks.sums(lines, proved)]
    results = _with_old_differences(found, newest)
    return checks.Books(
        results, lines, proved, hash_chain.head(session).position, base.checked_at if base else None
    )


def _of_fresh(session: Session, after: int) -> list[checks.Check]:
    """What was posted to since a position, and every gate."""
    return [
        checks.counted(
            session,
            "counters equal the sums of postings",
            _FRESH + "SELECT count(*)" + _COUNTERS,
            _FRESH + _COUNTERS_DIFFER,
            after=after,
        ),
        checks.counted(
            session,
            "milestones equal their escrow accounts",
            _FRESH + "SELECT count(*)" + _MILESTONES_TOUCHED,
            _FRESH + checks.MILESTONE_COLUMNS + _MILESTONES_TOUCHED + checks.MILESTONES_DIFFER,
            after=after,
        ),
        checks.gates(session),
        checks.counted(
            session,
            "every entry has lines",
            _FRESH + "SELECT count(*) FROM fresh",
            _FRESH + checks.WITHOUT_LINES.format("fresh"),
            after=after,
        ),
    ]


def _with_old_differences(
    found: list[checks.Check], newest: LedgerCheck | None
) -> list[checks.Check]:
    """What the newest check found wrong stays so, though nothing new is."""
    still = (
        {check["name"]: check["differences"] for check in newest.checks if check["differences"]}
        if newest
        else {}
    )
    return [
        checks.Check(c.name, c.compared, still[c.name]) if c.ok and c.name in still else c
        for c in found
    ]


def keep(ctx: Context, *, whole: bool) -> checks.Books:
    """Check to the end of the chain and keep what was found, for whoever looks next.

    `whole`: from the first entry on.
    """
    books = checks.whole(ctx.session) if whole else look(ctx.session, None)
    at = books.proved.position
    base = checks.newest(ctx.session, ok=True)
    # What is kept is of that position, not of now: entries behind it are added by whoever looks.
    lines = totals(
        ctx.session,
        [] if whole or base is None else checks.lines(base),
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
