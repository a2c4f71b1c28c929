"""Are the books right? Stored totals against postings, milestones against their accounts, trust against its owners, Stripe against both.

Reports differences and never repairs them. A difference stops payouts until a person has looked.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from service.act import Act
from service.db import fetch
from service.domain.chart import ACCOUNTS
from service.domain.errors import Forbidden, StateConflict
from service.domain.money import from_stripe, sayable
from service.ledger import TrialLine, entries, post, seals, trial_balance
from service.models import FloatMovement, Installation


@dataclass(frozen=True)
class Check:
    """One question, how much was compared, and every difference found (at most 20 are listed)."""

    name: str
    compared: int
    differences: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.differences


_COUNTERS = text("""
    SELECT a.id, a.kind, a.currency, b.debits, b.credits, coalesce(p.debits, 0) AS summed_debits, coalesce(p.credits, 0) AS summed_credits
      FROM ledger_balance b JOIN ledger_account a ON a.id = b.account_id
      LEFT JOIN (SELECT account, sum(debit)::bigint AS debits, sum(credit)::bigint AS credits
                   FROM (SELECT debit_account AS account, amount AS debit, 0 AS credit FROM posting
                         UNION ALL SELECT credit_account, 0, amount FROM posting) sides GROUP BY account) p ON p.account = a.id
     WHERE b.debits <> coalesce(p.debits, 0) OR b.credits <> coalesce(p.credits, 0) LIMIT 20
""")
_MILESTONES = text("""
    SELECT m.id, m.funded_minor, m.released_minor, m.refunded_minor, m.refunding_minor, m.disputed_minor,
           coalesce(e.held, 0) AS escrow, coalesce(d.held, 0) AS disputed
      FROM milestone m
      LEFT JOIN (SELECT a.owner, b.credits - b.debits AS held FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id WHERE a.kind = 'escrow') e
             ON e.owner = m.id
      LEFT JOIN (SELECT a.owner, b.credits - b.debits AS held FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id WHERE a.kind = 'disputed') d
             ON d.owner = m.id
     WHERE coalesce(d.held, 0) <> m.disputed_minor
        OR coalesce(e.held, 0) <> m.funded_minor - m.released_minor - m.refunded_minor - m.refunding_minor - m.confiscated_minor - m.charged_back_minor
                                  - m.disputed_minor LIMIT 20
""")
_UNBALANCED = text("SELECT e.id FROM journal_entry e WHERE NOT EXISTS (SELECT 1 FROM posting p WHERE p.entry_id = e.id) LIMIT 20")


_GATES = text("""
    SELECT a.kind, a.owner, b.hold_release, b.hold_refund, b.hold_outflow, g.release, g.refund, g.outflow
      FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id CROSS JOIN LATERAL hold_gates(a.kind, a.owner) g
     WHERE (b.hold_release + b.hold_refund + b.hold_outflow > 0 OR a.owner IN (SELECT hold_owners(h.subject_id) FROM hold h WHERE h.ended_at IS NULL))
       AND (b.hold_release, b.hold_refund, b.hold_outflow) IS DISTINCT FROM (g.release, g.refund, g.outflow)
     LIMIT 20
""")


def verify(session: Session) -> list[Check]:
    """Every check of the books by themselves; Stripe's side is `compare_with_stripe`."""
    lines = trial_balance(session)
    return [
        _counted(session, "counters equal the sums of postings", "SELECT count(*) FROM ledger_balance", _COUNTERS),
        _counted(session, "milestones equal their escrow accounts", "SELECT count(*) FROM milestone", _MILESTONES),
        _counted(session, "gates agree with the holds in force", "SELECT count(*) FROM hold WHERE ended_at IS NULL", _GATES),
        _counted(session, "every entry has lines", "SELECT count(*) FROM journal_entry", _UNBALANCED),
        _debits_equal_credits(lines),
        trust_identity(lines),
        _chain(session),
    ]


def _counted(session: Session, name: str, total: str, query: Any) -> Check:
    compared = session.execute(text(total)).scalar_one()
    return Check(name, compared, [{k: str(v) for k, v in row.items()} for row in session.execute(query).mappings()])


def _debits_equal_credits(lines: list[TrialLine]) -> Check:
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for line in lines:
        totals[line.currency][0] += line.debits_minor
        totals[line.currency][1] += line.credits_minor
    wrong = [{"currency": c, "debits": d, "credits": k} for c, (d, k) in totals.items() if d != k]
    return Check("all debits equal all credits", len(totals), wrong)


def trust_identity(lines: list[TrialLine]) -> Check:
    """psp_trust equals the sum of everything it belongs to, per currency."""
    sides: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for line in lines:
        trust_side = ACCOUNTS[line.kind].trust_side
        if trust_side:
            sides[line.currency][0 if trust_side > 0 else 1] += line.balance_minor
    wrong = [{"currency": c, "trust": t, "owned": o} for c, (t, o) in sides.items() if t != o]
    return Check("trust equals what it belongs to", len(sides), wrong)


def _chain(session: Session) -> Check:
    compared, broken = seals.check_chain(session)
    return Check("the chain of seals is whole", compared, broken)


def stripe_side(lines: list[TrialLine]) -> dict[str, int]:
    """What must lie at Stripe per currency: trust plus operating."""
    expected: dict[str, int] = defaultdict(int)
    for line in lines:
        if line.kind in ("psp_trust", "psp_operating"):
            expected[line.currency] += line.balance_minor
    return dict(expected)


_ELSEWHERE = text("""
    SELECT currency, sum(minor)::bigint FROM (
        SELECT p.currency, s.amount_minor AS minor FROM payout p JOIN payout_source s ON s.payout_id = p.id
         WHERE p.state = 'in_transit' AND s.state = 'sent'
        UNION ALL
        SELECT currency, amount_minor FROM refund WHERE state IN ('pending', 'requires_action') AND stripe_refund_id IS NOT NULL
    ) AS elsewhere GROUP BY currency
""")


def at_stripe_but_not_platform(session: Session) -> dict[str, int]:
    """Money that has left the platform's balance and has not arrived: legs of payouts (at a connected account, or on the bank's
    road) and refunds, which Stripe takes at once and the books when the client has them."""
    return {row.currency: int(row[1]) for row in session.execute(_ELSEWHERE)}


def at_stripe(session: Session, told: dict[str, int]) -> dict[str, int]:
    """What Stripe says of the platform's balance, in our minor units, with what it holds of ours elsewhere.

    An amount that our minor units cannot say stands as Stripe said it: the books know no such money, so it is a difference.
    """
    found = {code: from_stripe(amount, code) if sayable(amount, code) else amount for code, amount in told.items()}
    elsewhere = at_stripe_but_not_platform(session)
    return {code: found.get(code, 0) + elsewhere.get(code, 0) for code in {*found, *elsewhere}}


def compare_with_stripe(session: Session, at_stripe_minor: dict[str, int]) -> Check:
    """Platform balance plus what `at_stripe_but_not_platform` names, against trust plus operating."""
    expected = stripe_side(trial_balance(session))
    currencies = sorted(set(expected) | {c for c, amount in at_stripe_minor.items() if amount})
    wrong = [
        {"currency": c, "books": expected.get(c, 0), "stripe": at_stripe_minor.get(c, 0)} for c in currencies if expected.get(c, 0) != at_stripe_minor.get(c, 0)
    ]
    return Check("Stripe's balance equals trust plus operating", len(currencies), wrong)


def stop_payouts(act: Act, checks: list[Check]) -> bool:
    """Put on the brake when a check failed. Taking it off is a person's act. Returns whether payouts are stopped."""
    installation = act.session.execute(Installation.__table__.select()).one()
    failed = [check.name for check in checks if not check.ok]
    if failed and installation.payouts_stopped is None:
        act.session.execute(text("UPDATE installation SET payouts_stopped = :why"), {"why": "; ".join(failed)})
    return bool(failed or installation.payouts_stopped)


def resume_payouts(act: Act) -> None:
    """A person has looked and takes the brake off."""
    act.session.execute(text("UPDATE installation SET payouts_stopped = NULL"))


_OPERATING = """
    SELECT a.currency, (coalesce((SELECT sum(amount) FROM posting WHERE debit_account = a.id), 0)
                      - coalesce((SELECT sum(amount) FROM posting WHERE credit_account = a.id), 0))::bigint AS minor
      FROM ledger_account a WHERE a.kind = 'psp_operating'
"""


def watch_floor(act: Act) -> list[str]:
    """Currencies in which the platform's own money is below the policy's floor; written down, so that payouts in them wait."""
    below = sorted(row.currency for row in fetch(act.session, _OPERATING) if row.minor < act.policies.operating_floor_minor(row.currency))
    act.session.execute(text("UPDATE installation SET below_floor = CAST(:below AS jsonb)"), {"below": json.dumps(below)})
    return below


def move_float(act: Act, movement: FloatMovement) -> None:
    """A second person approves that the platform's own money is put in or taken out. Raises Forbidden, StateConflict."""
    if movement.approved_by is not None:
        raise StateConflict("This movement is approved already.", {"current_state": "approved", "allowed_actions": []})
    if movement.asked_by == act.actor:
        raise Forbidden("Another person has to approve.")
    movement.approved_by, movement.approved_at = act.actor, act.now
    out = movement.direction == "out"
    post(
        act,
        entries.float_movement(movement.id, movement.amount_minor, movement.currency, out=out, reference=movement.reference),
    )
