"""A review decision was wrong: what can be given back goes where it was taken from."""

from __future__ import annotations

from service.core import events
from service.core.context import Context
from service.domain.states.lifecycle import MILESTONE
from service.escrow import confiscation, refunds, states
from service.ledger import Account, accounts, balance, entries, post
from service.models import (
    CaseLine,
    Confiscation,
    Contract,
    Milestone,
)

_KEPT_IN = {"proven_loss": accounts.LOSSES, "forfeit": accounts.FORFEITURES}


def restore(
    ctx: Context,
    case: Confiscation,
    touched: confiscation.Milestones,
    parts: dict[int, int],
    *,
    at_platform_cost: bool,
) -> None:
    """Re-create what was taken, by line in minor units, as far as it is still ours.

    The rest is given back at the platform's cost, or stays with the reason why.
    """
    for line in case.lines:
        amount = parts.get(line.number, 0)
        if amount and line.target == "remainder_to_person":
            line.restored_minor, line.restore_note = (
                line.amount_minor,
                "was the person's again already",
            )
        elif amount:
            _restore(ctx, case, line, amount, touched, at_platform_cost=at_platform_cost)


def _restore(
    ctx: Context,
    case: Confiscation,
    line: CaseLine,
    amount_minor: int,
    touched: confiscation.Milestones,
    *,
    at_platform_cost: bool,
) -> None:
    source = _still_in(ctx, case, line, amount_minor, at_platform_cost=at_platform_cost)
    if source is None:
        line.restore_note = f"not restorable: {_GONE_TO[line.target]}"
        return
    borne = source == accounts.LOSSES and line.target in _GONE_TO
    line.restore_note = "at the platform's cost" if borne else "back where it came from"
    if line.account == "escrow":
        _to_milestone(ctx, case, line, amount_minor, source, *touched[line.milestone_id or ""])
    else:
        # A reserve has ended, and pending money has aged meanwhile: both are available now.
        to = accounts.available(case.freelancer_id)
        post(ctx, entries.restore(case, line, amount_minor, source, to))
    line.restored_minor += amount_minor
    line.restored_parts += 1


_GONE_TO = {
    "client": "the client has it back, by the way it came",
    "same_contract_refund": "the client has it back, by the way it came",
    "same_contract_chargeback": "the client's bank has it",
    "authority": "the authority has it",
}


def _still_in(
    ctx: Context,
    case: Confiscation,
    line: CaseLine,
    amount_minor: int,
    *,
    at_platform_cost: bool,
) -> Account | None:
    """Where a line's money is taken from when it is given back; None when somebody else has it and
    the platform does not bear it.
    """
    kept = (
        accounts.authority_payable(case.id)
        if line.target == "authority"
        else accounts.confiscated(case.id)
    )
    may_be_here = line.target in ("forfeit", "authority", "same_contract_chargeback")
    if may_be_here and balance(ctx.session, kept, case.currency) >= amount_minor:
        return kept
    if line.target in _GONE_TO and line.target != "authority":
        # What a milestone had in escrow went where it belongs all the same: back to the client.
        return accounts.LOSSES if at_platform_cost and line.account != "escrow" else None
    return _KEPT_IN.get(line.target)


def _to_milestone(
    ctx: Context,
    case: Confiscation,
    line: CaseLine,
    amount_minor: int,
    source: Account,
    contract: Contract,
    milestone: Milestone,
) -> None:
    """Held again for the milestone it was taken from. One that is over holds nothing any more: its
    money is the client's, and goes back by the way they paid.
    """
    over = milestone.state in MILESTONE.final
    to = accounts.unclaimed(contract.client_id) if over else accounts.escrow(milestone.id)
    post(ctx, entries.restore(case, line, amount_minor, source, to))
    milestone.confiscated_minor -= amount_minor
    if over:
        milestone.refunded_minor += amount_minor
        sent = refunds.return_owed(ctx, contract, milestone, amount_minor, "a case was reversed")
        line.restore_note = _TO_CLIENT if sent else _OWED
    events.record(
        ctx,
        "milestone.given_back",
        milestone,
        contract=contract,
        amount=amount_minor,
        currency=contract.currency,
    )
    states.touch(ctx, contract)


_TO_CLIENT = "back to the client, by the way it came"
_OWED = "owed to the client; it cannot go back by the way it came, and a person looks at it"
