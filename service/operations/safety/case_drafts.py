"""A review case is drafted: each of its lines is checked against the money that is there."""

from __future__ import annotations

from dataclasses import dataclass

from service.core import events
from service.core.context import Context
from service.domain.errors import Invalid, StateConflict
from service.domain.money.money import plain
from service.domain.states.names import CaseState, HoldState
from service.escrow import confiscation
from service.ledger import Account, balance
from service.models import (
    CaseLine,
    Chargeback,
    Confiscation,
    Contract,
    Hold,
    Milestone,
    new_id,
)


@dataclass(frozen=True)
class CaseRequest:
    account: str
    amount_minor: int
    target: str
    milestone_id: str | None
    chargeback_id: str | None = None


def open_case(
    ctx: Context,
    hold: Hold,
    currency: str,
    clause: str,
    facts: str,
    evidence: list[str],
    wanted: list[CaseRequest],
) -> Confiscation:
    """A draft; the hold keeps its gate until the case has ended.

    Raises StateConflict, Invalid for lines that are not there.
    """
    if hold.state not in (HoldState.ACTIVE, HoldState.IN_REVIEW) or hold.freelancer_id is None:
        raise StateConflict(
            "A case needs a hold in force about a freelancer's money.",
            {"current_state": hold.state, "allowed_actions": []},
        )
    case = _drafted(
        ctx,
        hold,
        currency,
        clause,
        facts,
        evidence,
    )
    case.lines = _lines(wanted)
    _check(ctx, case)
    ctx.session.add(case)
    ctx.session.flush()
    events.record(ctx, "case.opened", case, public=False, hold=hold.id)
    return case


def _drafted(
    ctx: Context,
    hold: Hold,
    currency: str,
    clause: str,
    facts: str,
    evidence: list[str],
) -> Confiscation:
    return Confiscation(
        id=new_id("cas"),
        hold_id=hold.id,
        freelancer_id=hold.freelancer_id,
        state=CaseState.DRAFTED,
        currency=currency,
        clause=clause,
        facts=facts,
        evidence=evidence,
        opened_by=ctx.actor,
        opened_at=ctx.now,
        noticed_at=None,
        answer_until=None,
        answer=None,
        answered_at=None,
        executed_by=None,
        executed_at=None,
        final_at=None,
        ended_at=None,
        ended_by=None,
        end_reason=None,
    )


def _lines(wanted: list[CaseRequest]) -> list[CaseLine]:
    return [
        CaseLine(
            number=i,
            account=w.account,
            milestone_id=w.milestone_id,
            amount_minor=w.amount_minor,
            target=w.target,
            chargeback_id=w.chargeback_id,
        )
        for i, w in enumerate(wanted, 1)
    ]


def _check(ctx: Context, case: Confiscation) -> None:
    """Every line is of this person, and together they are no more than what is there."""
    needed: dict[Account, int] = {}
    for line in case.lines:
        at = f"/lines/{line.number - 1}"
        if line.target == "forfeit" and not ctx.policies.forfeit_legal_basis:
            raise Invalid.one(
                f"{at}/target",
                "forfeit_is_off",
                "Nothing is forfeited to the platform unless its operator has recorded a legal "
                "basis.",
            )
        if line.target in confiscation.REFUNDED or line.account in ("escrow", "pending"):
            _own_milestone(ctx, case, line, at)
        if line.chargeback_id is not None or line.target == "same_contract_chargeback":
            _own_chargeback(ctx, case, line, at)
        source = confiscation.source_of(case, line)
        needed[source] = needed.get(source, 0) + line.amount_minor
    for account, amount in needed.items():
        there = balance(ctx.session, account, case.currency)
        if amount > there:
            raise Invalid.one(
                "/lines",
                "more_than_there_is",
                f"{there} minor units are in {account.code}, not {amount}.",
            )


def _own_milestone(ctx: Context, case: Confiscation, line: CaseLine, at: str) -> None:
    milestone = ctx.session.get(Milestone, line.milestone_id) if line.milestone_id else None
    contract = ctx.session.get_one(Contract, milestone.contract_id) if milestone else None
    if (
        contract is None
        or contract.freelancer_id != case.freelancer_id
        or contract.currency != case.currency
    ):
        raise Invalid.one(
            f"{at}/milestone",
            "milestone_needed",
            "Name a milestone of this person, in the case's currency, that this money belongs to.",
        )


def _own_chargeback(ctx: Context, case: Confiscation, line: CaseLine, at: str) -> None:
    found = ctx.session.get(Chargeback, line.chargeback_id) if line.chargeback_id else None
    contract = ctx.session.get_one(Contract, found.contract_id) if found else None
    if (
        found is None
        or contract is None
        or contract.freelancer_id != case.freelancer_id
        or found.currency != case.currency
    ):
        raise Invalid.one(
            f"{at}/chargeback",
            "chargeback_needed",
            "Name a chargeback of this person, in the case's currency, that this money is to pay "
            "for.",
        )
    if (
        line.milestone_id is not None
        and found.contract_id != ctx.session.get_one(Milestone, line.milestone_id).contract_id
    ):
        said = "This money was paid in another contract than the chargeback is about."
        raise Invalid.one(f"{at}/chargeback", "other_receiver", said)
    if line.target != "same_contract_chargeback":
        raise Invalid.one(
            f"{at}/target",
            "chargeback_pays_itself",
            "Money for a chargeback goes to `same_contract_chargeback` and nowhere else.",
        )
    if not found.locked or found.closed_at is not None:
        raise Invalid.one(
            f"{at}/chargeback",
            "chargeback_over",
            "The bank has decided about this chargeback; a loss of it is a proven loss.",
        )
    _within_chargeback(case, line, found, at)


def _within_chargeback(case: Confiscation, line: CaseLine, found: Chargeback, at: str) -> None:
    """From one place the case takes no more for a chargeback than can be paid from there."""
    others = sum(
        one.amount_minor
        for one in case.lines
        if one.chargeback_id == line.chargeback_id and one.account == line.account
    )
    most = confiscation.coverable_minor(found, line.account)
    if others > most:
        raise Invalid.one(
            f"{at}/amount",
            "more_than_there_is",
            f"{plain(most, case.currency)} of this chargeback can be paid from there.",
        )
