"""A review decision takes money: the plan of its postings, carrying it out, and its end."""

from __future__ import annotations

from dataclasses import dataclass, replace

from service.core import events
from service.core.context import Context
from service.domain.errors import Conflict
from service.domain.money.chart import AccountCode
from service.escrow import milestone_money, refunds, releases, states
from service.ledger import Account, Entry, accounts, entries
from service.models import (
    CaseLine,
    Chargeback,
    ChargebackLine,
    Confiscation,
    Contract,
    Milestone,
    Refund,
)

REFUNDED = ("client", "same_contract_refund")


Milestones = dict[str, tuple[Contract, Milestone]]
"""Contracts and milestones that a case touches, locked, by milestone id."""


@dataclass(frozen=True)
class PlannedPosting:
    """One posting as it will be made: for the preview before the second click."""

    entry: str
    debit: str
    credit: str
    amount_minor: int
    line: int


def source_of(case: Confiscation, line: CaseLine) -> Account:
    """The account that a line takes from."""
    if line.account == AccountCode.ESCROW:
        return accounts.escrow(line.milestone_id or "")
    if line.account == AccountCode.RESERVE:
        by_chargeback = line.chargeback_id is not None
        return (
            accounts.reserved_by_chargeback(line.chargeback_id or "")
            if by_chargeback
            else accounts.reserved_by_hold(case.hold_id)
        )
    return (
        accounts.pending(case.freelancer_id)
        if line.account == AccountCode.PENDING
        else accounts.available(case.freelancer_id)
    )


def plan(case: Confiscation) -> list[PlannedPosting]:
    """Every posting of the case in its order; the same builders are carried out."""
    taken = _planned(_confiscate(case))
    out = [
        replace(posting, line=line.number) for posting, line in zip(taken, case.lines, strict=True)
    ]
    for line in case.lines:
        out += [
            replace(posting, line=line.number)
            for posting in _planned(_target(case, line, None, line.refund_id or ""))
        ]
    return out


def _planned(entry: Entry) -> list[PlannedPosting]:
    return [
        PlannedPosting(entry.type, line.debit.code, line.credit.code, line.amount_minor, 0)
        for line in entry.lines
    ]


def _confiscate(case: Confiscation) -> Entry:
    return entries.confiscate(
        case, [(source_of(case, line), line.amount_minor) for line in case.lines]
    )


def execute(ctx: Context, case: Confiscation, touched: Milestones) -> None:
    """Take every line and bring it to its target.

    Contracts and their milestones are locked. Raises NotEnough, Conflict.
    """
    system, decided = ctx.as_("system"), [_confiscate(case)]
    for line in case.lines:
        contract, milestone = touched.get(line.milestone_id or "", (None, None))
        if contract is not None and milestone is not None:
            _count(system, contract, milestone, line)
        # Forfeited money stays a liability until nobody can appeal any more: `finish`.
        if line.target != "forfeit":
            decided.append(_carried_out(ctx, case, line, contract, milestone))
    for contract, milestone in touched.values():
        if any(
            line.account == "escrow" and line.milestone_id == milestone.id for line in case.lines
        ):
            states.emptied(system, contract, milestone, "confiscate")
            states.after_change(system, contract)
    milestone_money.post_all(ctx, decided)


def finish(ctx: Context, case: Confiscation) -> int:
    """What was forfeited becomes the platform's, now that the time for an appeal is over.

    Returns minor units; 0 when there is nothing.
    """
    lines = [line for line in case.lines if line.target == "forfeit"]
    milestone_money.post_all(ctx.as_("system"), [entries.forfeit(case, line) for line in lines])
    return sum(line.amount_minor for line in lines)


def _count(ctx: Context, contract: Contract, milestone: Milestone, line: CaseLine) -> None:
    if line.account == "escrow":
        if line.amount_minor > milestone_money.escrowed_minor(milestone):
            raise Conflict(
                "Less than that is held for this milestone now.",
                {"held": milestone_money.escrowed_minor(milestone), "line": line.number},
            )
        milestone.confiscated_minor += line.amount_minor
        events.record(
            ctx,
            "milestone.confiscated_from",
            milestone,
            contract=contract,
            amount=line.amount_minor,
            currency=contract.currency,
        )
    if line.account == "pending":
        releases.take_pending(ctx.session, contract, milestone, line.amount_minor)


_PAID_BY = {"reserve": ("pending", "available")}


_ELSE_PAID = ("paid_out", "platform")


def coverable_minor(chargeback: Chargeback, account: str) -> int:
    """How much of an open chargeback a line from `account` can pay: from the reserve what is set
    aside of the freelancer's, from elsewhere what they would owe or the platform would lose.
    """
    return sum(
        found.amount_minor
        for found in chargeback.found
        if found.place in _PAID_BY.get(account, _ELSE_PAID)
    )


def _clear(chargeback: Chargeback, line: CaseLine) -> None:
    """Write down which parts of the chargeback are paid for.

    Raises Conflict when the bank has decided meanwhile.
    """
    left = line.amount_minor
    if chargeback.closed_at is not None or left > coverable_minor(chargeback, line.account):
        raise Conflict("The bank has decided meanwhile, or less is open.", {"line": line.number})
    for found in [
        one for one in chargeback.found if one.place in _PAID_BY.get(line.account, _ELSE_PAID)
    ]:
        part = min(left, found.amount_minor)
        if part and part < found.amount_minor:
            found.amount_minor -= part
            number = len(chargeback.lines) + 1
            chargeback.lines.append(
                ChargebackLine(
                    number=number, round=chargeback.round, place="cleared", amount_minor=part
                )
            )
        elif part:
            found.place = "cleared"
        left -= part


def _carried_out(
    ctx: Context,
    case: Confiscation,
    line: CaseLine,
    contract: Contract | None,
    milestone: Milestone | None,
) -> Entry:
    if line.chargeback_id is not None:
        _clear(ctx.session.get_one(Chargeback, line.chargeback_id, with_for_update=True), line)
    if line.target not in REFUNDED:
        return _target(case, line, contract, "")
    assert contract is not None, "a refund is of a contract"
    assert milestone is not None, "a refund is of a milestone"
    return _target(case, line, contract, _refund(ctx, contract, milestone, line).id)


def _target(case: Confiscation, line: CaseLine, contract: Contract | None, refund_id: str) -> Entry:
    if line.target in REFUNDED:
        return entries.case_refund(case, line, refund_id, contract)
    if line.target == "forfeit":
        return entries.forfeit(case, line)
    build = {
        "authority": entries.case_authority,
        "remainder_to_person": entries.case_remainder,
        "proven_loss": entries.case_loss,
        "same_contract_chargeback": entries.case_chargeback,
    }[line.target]
    return build(case, line, contract)


def _refund(ctx: Context, contract: Contract, milestone: Milestone, line: CaseLine) -> Refund:
    """To the client by the way it came; a failed attempt is owed to them and tried again like any
    other.
    """
    payment, held = (
        milestone_money.funding_payment(ctx.session, milestone),
        line.account == "escrow",
    )
    refund = refunds.new_refund(
        ctx,
        contract,
        payment,
        milestone,
        "case" if held else "released",
        line.amount_minor,
        "confiscation",
    )
    refund.from_freelancer_minor = 0 if held else line.amount_minor
    ctx.session.flush()
    line.refund_id = refund.id
    return refund
