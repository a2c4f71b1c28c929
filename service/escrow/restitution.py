"""A review decision was wrong: what can be given back goes where it was taken from."""

from __future__ import annotations

from service.core.context import Context
from service.domain.states.lifecycle import MILESTONE
from service.escrow import confiscation
from service.ledger import Account, accounts, balance, entries, post
from service.models import (
    CaseLine,
    Confiscation,
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
    origin = _origin(case, line, touched, amount_minor)
    post(ctx, entries.restore(case, line, amount_minor, source, origin))
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


def _origin(
    case: Confiscation, line: CaseLine, touched: confiscation.Milestones, amount_minor: int
) -> Account:
    """Where it came from.

    A reserve has ended, and pending money has aged meanwhile: both are available now. A closed
    milestone takes nothing any more: its money is owed to the client.
    """
    if line.account != "escrow":
        return accounts.available(case.freelancer_id)
    contract, milestone = touched[line.milestone_id or ""]
    if milestone.state in MILESTONE.final:
        return accounts.unclaimed(contract.client_id)
    milestone.confiscated_minor -= amount_minor
    return accounts.escrow(milestone.id)
