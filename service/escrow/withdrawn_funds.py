"""Where the money is that a bank has pulled: in escrow, owed to the client, released and here, paid
out; never another client's.

Each part is counted and written down beside the chargeback; the verb that calls this posts the
entries.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from service.core.context import Context
from service.domain.money.chart import AccountCode
from service.domain.states.lifecycle import MILESTONE
from service.domain.states.names import MilestoneState, RefundState
from service.escrow import milestone_money, payout_sources, releases, states
from service.ledger import Account, accounts, balance
from service.models import Chargeback, ChargebackLine, Contract, Milestone, Payment, Refund

Taken = list[tuple[Account, int]]
"""What was taken out of which account, in minor units."""


@dataclass(frozen=True)
class FundsFound:
    """In minor units: `escrowed` is still in escrow, by milestone; `taken` is here otherwise, by
    account.
    """

    escrowed: list[tuple[str, int]]
    taken: Taken


def find(ctx: Context, contract: Contract, payment: Payment, chargeback: Chargeback) -> FundsFound:
    """All of the charged-back amount, from the nearest place to the farthest; what is nowhere is
    the platform's to bear.
    """
    escrowed = _find_escrowed(ctx, contract, payment, chargeback, chargeback.amount_minor)
    left = chargeback.amount_minor - sum(amount for _, amount in escrowed)
    owed = _find_owed(ctx, contract, payment, chargeback, left)
    released, left = _find_released(
        ctx, contract, payment, chargeback, left - sum(amount for _, amount in owed)
    )
    _note(chargeback, "platform", left)
    return FundsFound(escrowed, owed + released)


def _find_escrowed(
    ctx: Context, contract: Contract, payment: Payment, chargeback: Chargeback, left: int
) -> list[tuple[str, int]]:
    """What is still in escrow, by milestone, the last one first."""
    found: list[tuple[str, int]] = []
    mine = {line.milestone_id for line in payment.lines if line.funded}
    for milestone in reversed(
        [m for m in contract.milestones if m.id in mine and m.state not in MILESTONE.final]
    ):
        part = min(left, milestone_money.escrowed_minor(milestone))
        if not part:
            continue
        was, review_left = milestone.state, states.review_left(ctx.now, milestone)
        milestone.disputed_minor += part
        if (
            milestone_money.escrowed_minor(milestone) == 0
            and milestone.state != MilestoneState.DISPUTED
        ):
            was, review_left = states.pause(
                ctx, contract, milestone, "dispute", chargeback=chargeback.id
            )
        _note(chargeback, "escrow", part, milestone.id, was, review_left)
        found.append((milestone.id, part))
        left -= part
    return found


def _find_owed(
    ctx: Context, contract: Contract, payment: Payment, chargeback: Chargeback, left: int
) -> Taken:
    """What a refund of this payment could not deliver is still here for the client: the bank has
    now paid them instead.
    """
    called_off = select(func.coalesce(func.sum(Refund.amount_minor), 0)).where(
        Refund.payment_id == payment.id,
        Refund.state.in_((RefundState.FAILED, RefundState.CANCELED)),
        Refund.source.in_(("escrow", "released", "unclaimed", "case")),
    )
    mine = int(ctx.session.execute(called_off).scalar_one())
    owed = accounts.unclaimed(contract.client_id)
    part = min(left, mine, balance(ctx.session, owed, contract.currency))
    _note(chargeback, "unclaimed", part)
    return [(owed, part)] if part else []


def _find_released(
    ctx: Context, contract: Contract, payment: Payment, chargeback: Chargeback, left: int
) -> tuple[Taken, int]:
    """What the freelancer got for this payment: still here (reserved), or paid out (owed if the
    bank takes it for good).

    Returns what is reserved, and what is left of the amount that none of it covers.
    """
    taken: Taken = []
    net = payout_sources.net_of(ctx.session, payment.id)
    unpaid = min(left, payout_sources.left_of(ctx.session, payment.id))
    for account in (
        accounts.pending(contract.freelancer_id),
        accounts.available(contract.freelancer_id),
    ):
        part = min(unpaid, balance(ctx.session, account, contract.currency))
        if part and account.code is AccountCode.PENDING:
            part = min(part, payout_sources.pending_of(ctx.session, payment.id))
            releases.take_pending(
                ctx.session, contract, _released_milestone(contract, payment), part
            )
        if part:
            taken.append((account, part))
            _note(chargeback, account.code, part)
            unpaid, left, net = unpaid - part, left - part, net - part
    gone = min(left, max(net, 0))
    _note(chargeback, "paid_out", gone)
    return taken, left - gone


def _released_milestone(contract: Contract, payment: Payment) -> Milestone:
    mine = {line.milestone_id for line in payment.lines if line.funded}
    return next(m for m in contract.milestones if m.id in mine and m.released_minor)


def _note(
    chargeback: Chargeback,
    place: str,
    amount: int,
    milestone_id: str | None = None,
    was: str | None = None,
    left: int | None = None,
) -> None:
    if amount:
        chargeback.lines.append(
            ChargebackLine(
                number=len(chargeback.lines) + 1,
                round=chargeback.round,
                place=place,
                milestone_id=milestone_id,
                amount_minor=amount,
                milestone_was=was,
                review_left_seconds=left,
            )
        )
