"""The deadline calendar: for each object what happens next by itself, what silence does, and who
gains by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from service.core.context import Context
from service.domain.states.names import (
    AmendmentState,
    ChargebackState,
    ContractState,
    MilestoneState,
    RefundRequestState,
)
from service.escrow.milestone_money import escrowed_minor
from service.models import (
    Amendment,
    ChangeRequest,
    Chargeback,
    Contract,
    Dispute,
    Milestone,
    RefundRequest,
    Release,
)

CLIENT, FREELANCER, NOBODY = "client", "freelancer", "nobody"


@dataclass(frozen=True)
class Deadline:
    """`object_id`: what it is about. `favours`: who gains when nobody does anything until `at`."""

    object_id: str
    what: str
    at: datetime
    silence: str
    favours: str


def deadlines_of(ctx: Context, contract: Contract) -> list[Deadline]:
    """Every deadline of a contract and of all that belongs to it, next first."""
    found = [
        *_of_offer(ctx, contract),
        *_of_amendments(ctx, contract),
        *_of_milestones(ctx, contract),
        *_of_refund_requests(ctx, contract),
        *_of_disputes(ctx, contract),
        *_of_chargebacks(ctx, contract),
        *_of_releases(ctx, contract),
    ]
    return sorted(found, key=lambda one: (one.at, one.object_id))


def _of_offer(ctx: Context, contract: Contract) -> list[Deadline]:
    found = []
    if (
        contract.state in (ContractState.SENT, ContractState.CHANGE_REQUESTED)
        and contract.offer_expires_at
    ):
        found.append(
            Deadline(
                contract.id,
                "answer the offer",
                contract.offer_expires_at,
                "the offer ends; nothing is owed",
                NOBODY,
            )
        )
    if contract.state == ContractState.CHANGE_REQUESTED:
        found += _of_change(ctx, contract)
    if contract.state == ContractState.ACCEPTED and contract.fund_by:
        found.append(
            Deadline(
                contract.id,
                "pay the first milestone",
                contract.fund_by,
                "the contract ends; nothing is owed",
                NOBODY,
            )
        )
    return found


def _of_change(ctx: Context, contract: Contract) -> list[Deadline]:
    query = select(ChangeRequest).where(
        ChangeRequest.contract_id == contract.id, ChangeRequest.answered_at.is_(None)
    )
    days = timedelta(days=ctx.policies.windows.change_request_days)
    return [
        Deadline(
            asked.id,
            "answer the wish for a change",
            asked.asked_at + days,
            "the offer stands again as it was",
            FREELANCER,
        )
        for asked in ctx.session.execute(query).scalars()
    ]


def _of_amendments(ctx: Context, contract: Contract) -> list[Deadline]:
    proposed = select(Amendment).where(
        Amendment.contract_id == contract.id, Amendment.state == AmendmentState.PROPOSED
    )
    rest = "everything stays as it is"
    return [
        Deadline(one.id, "answer the proposed change", one.expires_at, rest, NOBODY)
        for one in ctx.session.execute(proposed).scalars()
    ]


def _of_milestones(ctx: Context, contract: Contract) -> list[Deadline]:
    windows = ctx.policies.windows
    found = []
    for m in contract.milestones:
        if m.auto_release_at:
            found.append(
                Deadline(
                    m.id,
                    "review the work",
                    m.auto_release_at,
                    "it is released, if a letter is proved to have arrived",
                    FREELANCER,
                )
            )
        if m.hold_limit_at and escrowed_minor(m):
            at = m.hold_limit_at - timedelta(days=windows.holding_refund_days)
            found.append(
                Deadline(
                    m.id,
                    "the law's limit for holding money",
                    at,
                    _at_the_limit(m),
                    FREELANCER if m.state == MilestoneState.SUBMITTED else CLIENT,
                )
            )
    return found


def _at_the_limit(milestone: Milestone) -> str:
    return (
        "a dispute opens about the work"
        if milestone.state == MilestoneState.SUBMITTED
        else "what was not handed over goes back"
    )


def _of_refund_requests(ctx: Context, contract: Contract) -> list[Deadline]:
    found = []
    for request in ctx.session.execute(
        select(RefundRequest).where(
            RefundRequest.contract_id == contract.id, RefundRequest.state == RefundRequestState.OPEN
        )
    ).scalars():
        silence, favours = {
            "refund": ("the money goes back", CLIENT),
            "dispute": ("a dispute opens", NOBODY),
            "nothing": ("nothing changes", FREELANCER),
        }[request.silence_means]
        found.append(
            Deadline(
                request.id, "answer the request for a refund", request.answer_by, silence, favours
            )
        )
    return found


def _of_disputes(ctx: Context, contract: Contract) -> list[Deadline]:
    found = []
    for dispute in ctx.session.execute(
        select(Dispute).where(Dispute.contract_id == contract.id, Dispute.closed_at.is_(None))
    ).scalars():
        if dispute.deadline_at:
            found.append(Deadline(dispute.id, *_of_dispute(dispute)))
        found.append(
            Deadline(
                dispute.id,
                "sixty days of dispute",
                dispute.hard_stop_at,
                "it is put before whoever is responsible",
                NOBODY,
            )
        )
    return found


def _of_chargebacks(ctx: Context, contract: Contract) -> list[Deadline]:
    waiting = select(Chargeback).where(
        Chargeback.contract_id == contract.id,
        Chargeback.state.in_(
            (ChargebackState.INQUIRY, ChargebackState.EVIDENCE_DUE, ChargebackState.PREARB)
        ),
    )
    contested = [one for one in ctx.session.execute(waiting).scalars() if one.submit_by]
    return [
        Deadline(
            c.id,
            "evidence to the bank",
            c.submit_by or c.opened_at,
            "what we have is sent by itself",
            FREELANCER,
        )
        for c in contested
    ]


def _of_dispute(dispute: Dispute) -> tuple[str, datetime, str, str]:
    at = dispute.deadline_at
    assert at is not None, "the caller has looked"
    opener, other = dispute.opened_by, CLIENT if dispute.opened_by == FREELANCER else FREELANCER
    return {
        "open": (
            f"answer the dispute ({other})",
            at,
            "the claim applies, if a letter is proved to have arrived; else a mediator comes",
            opener,
        ),
        "negotiation": ("agree on a number", at, "a mediator comes", NOBODY),
        "mediation": ("a mediator proposes", at, "whoever is responsible is told", NOBODY),
        "proposal": (
            "answer the proposal",
            at,
            "it applies, if letters are proved to have arrived; else a second person decides",
            NOBODY,
        ),
        "arbitration": ("a second person decides", at, "whoever is responsible is told", NOBODY),
    }[dispute.state]


def _of_releases(ctx: Context, contract: Contract) -> list[Deadline]:
    query = select(Release).where(Release.contract_id == contract.id, Release.matured_at.is_(None))
    return [
        Deadline(r.id, "end of the security period", r.matures_at, "it can be paid out", FREELANCER)
        for r in ctx.session.execute(query).scalars()
    ]
