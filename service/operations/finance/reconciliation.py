"""The books beside Stripe, and what follows from a difference; whether they are right by themselves
`ledger.checks` says.

Reports differences and never repairs them. A difference stops payouts until a person has looked.
"""

from __future__ import annotations

import json
from collections import defaultdict

from sqlalchemy import text
from sqlalchemy.orm import Session

from service.core import four_eyes
from service.core.context import Context
from service.domain.errors import Forbidden, StateConflict
from service.domain.money.chart import AccountCode
from service.domain.money.money import from_stripe, sayable
from service.ledger import TrialLine, checks, entries, post
from service.ledger.checks import Check
from service.models import FloatMovement, Installation


def stripe_side(lines: list[TrialLine]) -> dict[str, int]:
    """What must lie at Stripe per currency: trust plus operating."""
    expected: dict[str, int] = defaultdict(int)
    for line in lines:
        if line.kind in ("psp_trust", "psp_operating"):
            expected[line.currency] += line.balance_minor
    return dict(expected)


_ELSEWHERE = text("""
    SELECT currency, sum(minor)::bigint FROM (
        SELECT p.currency, s.amount_minor AS minor FROM payout p JOIN payout_source s
            ON s.payout_id = p.id
         WHERE p.state = 'in_transit' AND s.state = 'sent'
        UNION ALL
        SELECT currency, amount_minor FROM refund WHERE state IN ('pending', 'requires_action')
            AND stripe_refund_id IS NOT NULL
    ) AS elsewhere GROUP BY currency
""")


def at_stripe_but_not_platform(session: Session) -> dict[str, int]:
    """Money that has left the platform's balance and has not arrived: legs of payouts (at a
    connected account, or on the bank's road) and refunds, which Stripe takes at once and the books
    when the client has them.
    """
    return {row.currency: int(row[1]) for row in session.execute(_ELSEWHERE)}


def at_stripe(session: Session, told: dict[str, int]) -> dict[str, int]:
    """What Stripe says of the platform's balance, in our minor units, with what it holds of ours
    elsewhere.

    An amount that our minor units cannot say stands as Stripe said it: the books know no such
    money, so it is a difference.
    """
    found = {
        code: from_stripe(amount, code) if sayable(amount, code) else amount
        for code, amount in told.items()
    }
    elsewhere = at_stripe_but_not_platform(session)
    return {code: found.get(code, 0) + elsewhere.get(code, 0) for code in {*found, *elsewhere}}


def compare_with_stripe(session: Session, at_stripe_minor: dict[str, int]) -> Check:
    """Platform balance plus what `at_stripe_but_not_platform` names, against trust plus
    operating.
    """
    expected = stripe_side(checks.present_totals(session))
    currencies = sorted(set(expected) | {c for c, amount in at_stripe_minor.items() if amount})
    wrong = [
        {"currency": c, "books": expected.get(c, 0), "stripe": at_stripe_minor.get(c, 0)}
        for c in currencies
        if expected.get(c, 0) != at_stripe_minor.get(c, 0)
    ]
    return Check("Stripe's balance equals trust plus operating", len(currencies), wrong)


def stop_payouts(ctx: Context, found: list[Check]) -> bool:
    """Put on the brake when a check failed.

    Taking it off is a person's action. Returns whether payouts are stopped.
    """
    installation = ctx.session.execute(Installation.__table__.select()).one()
    failed = [check.name for check in found if not check.ok]
    if failed and installation.payouts_stopped is None:
        ctx.session.execute(
            text("UPDATE installation SET payouts_stopped = :why"), {"why": "; ".join(failed)}
        )
    return bool(failed or installation.payouts_stopped)


def resume_payouts(ctx: Context) -> None:
    """A person has looked and takes the brake off."""
    ctx.session.execute(text("UPDATE installation SET payouts_stopped = NULL"))


def watch_floor(ctx: Context) -> list[str]:
    """Currencies in which the platform's own money is below the policy's floor; written down, so
    that payouts in them wait.
    """
    own = [
        line
        for line in checks.present_totals(ctx.session)
        if line.kind is AccountCode.PSP_OPERATING
    ]
    below = sorted(
        line.currency
        for line in own
        if line.balance_minor < ctx.policies.operating_floor_minor(line.currency)
    )
    ctx.session.execute(
        text("UPDATE installation SET below_floor = CAST(:below AS jsonb)"),
        {"below": json.dumps(below)},
    )
    return below


def move_float(ctx: Context, movement: FloatMovement) -> None:
    """A second person approves that the platform's own money is put in or taken out.

    Raises Forbidden, StateConflict.
    """
    if movement.approved_by is not None:
        raise StateConflict(
            "This movement is approved already.",
            {"current_state": "approved", "allowed_actions": []},
        )
    if four_eyes.is_one_of(ctx, movement.asked_by):
        raise Forbidden("Another person has to approve.")
    movement.approved_by, movement.approved_at = ctx.actor, ctx.now
    out = movement.direction == "out"
    post(
        ctx,
        entries.float_movement(
            movement.id,
            movement.amount_minor,
            movement.currency,
            out=out,
            reference=movement.reference,
        ),
    )
