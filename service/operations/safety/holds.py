"""Freeze: one transaction, from whose commit no debit passes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from service.core import events, queue, repository
from service.core.context import Context
from service.domain.errors import Invalid, NotFound
from service.domain.identity import typeid
from service.domain.identity.actors import SYSTEM
from service.domain.identity.typeid import ObjectKind
from service.domain.states.calendar import add_business_days
from service.domain.states.job_types import JobType
from service.domain.states.lifecycle import CONTRACT
from service.domain.states.names import ContractState, HoldState, RequirementState
from service.domain.states.restrictions import SCOPES, SUBJECTS, stops
from service.escrow import freezing
from service.escrow.milestone_money import escrowed_minor
from service.models import (
    Client,
    ClientAlias,
    Contract,
    Hold,
    Milestone,
    Payment,
    Requirement,
    new_id,
)
from service.policies.reasons import HoldReason
from service.shared import hold_checks
from service.shared.hold_checks import HoldTerms

_MOST_TOLD = 200


def place(ctx: Context, terms: HoldTerms) -> Hold:
    """Freeze, at once and alone; a second person confirms what is large.

    Raises NotFound, Invalid, NotEnough.
    """
    reason = _reason(ctx, terms)
    subject = _subject(ctx, terms.subject)
    hold = _placed(
        ctx,
        terms,
        reason,
        subject,
        expires_at=_end_of(ctx, terms, reason),
    )
    hold.requirements = _required(ctx, terms, reason)
    return begin(ctx, hold)


def _end_of(ctx: Context, terms: HoldTerms, reason: HoldReason) -> datetime | None:
    """As asked, within what the reason allows, or a rule; None: until it is lifted.

    Raises Invalid.
    """
    longest = (
        ctx.now + timedelta(hours=ctx.policies.windows.rule_hold_hours)
        if terms.rule_id is not None
        else ctx.now + timedelta(days=reason.days)
        if reason.days
        else None
    )
    if terms.expires_at is not None and (
        terms.expires_at <= ctx.now or (longest and terms.expires_at > longest)
    ):
        raise Invalid.one(
            "/expires_at",
            "out_of_range",
            f"Between now and {longest.isoformat() if longest else 'whenever it is lifted'}.",
        )
    return terms.expires_at or longest


def _placed(
    ctx: Context,
    terms: HoldTerms,
    reason: HoldReason,
    subject: tuple[str, str, str | None],
    expires_at: datetime | None,
) -> Hold:
    kind, subject_id, freelancer_id = subject
    windows, automated = ctx.policies.windows, terms.rule_id is not None
    return Hold(
        id=new_id("hld"),
        subject_kind=kind,
        subject_id=typeid.decode(subject_id),
        freelancer_id=freelancer_id,
        state=HoldState.ACTIVE,
        scopes=[scope for scope in SCOPES if scope in (terms.scopes or reason.scopes)],
        amount_minor=terms.amount_minor,
        currency=terms.currency,
        reason_code=reason.code,
        clause=terms.clause,
        facts=terms.facts,
        internal_note=terms.internal_note,
        disclosure=terms.disclosure,
        automated=automated,
        rule_id=terms.rule_id,
        opened_by=ctx.actor,
        confirm_by=ctx.now + timedelta(hours=windows.confirm_hours)
        if kind in ("freelancer", "client") and not automated
        else None,
        confirmed_by=None,
        starts_at=ctx.now,
        expires_at=expires_at,
        review_due_at=add_business_days(
            ctx.now, windows.first_answer_business_days, ctx.policies.stripe_country
        ),
        appeal_until=ctx.now + timedelta(days=windows.appeal_days),
        ended_at=None,
        ended_by=None,
        end_reason=None,
    )


def _required(ctx: Context, terms: HoldTerms, reason: HoldReason) -> list[Requirement]:
    wanted = reason.requires if terms.requires is None else terms.requires
    due_at = ctx.now + timedelta(days=ctx.policies.windows.requirement_days)
    return [
        Requirement(
            id=new_id("req"),
            number=i,
            kind=one,
            state=RequirementState.OPEN,
            due_at=due_at,
            answer=None,
            answered_at=None,
        )
        for i, one in enumerate(wanted, 1)
    ]


def begin(ctx: Context, hold: Hold) -> Hold:
    _apply(ctx, hold)
    subject = typeid.encode(SUBJECTS[hold.subject_kind], hold.subject_id)
    contract = ctx.session.get(Contract, subject) if hold.subject_kind == "contract" else None
    events.record(
        ctx,
        "hold.placed",
        hold,
        contract=contract,
        to_state=HoldState.ACTIVE,
        scopes=hold.scopes,
        reason=hold.reason_code,
        about=subject,
    )
    _plan(ctx, hold)
    return hold


def _notify(ctx: Context, hold: Hold, contracts: list[Contract]) -> None:
    """Whose money or work it touches is told neutrally what happens to theirs, and by when
    something is decided.

    A freelancer whom it is about has an email of their own (`hold.placed`); a client has no address
    but by a contract.
    """
    contracts = [c for c in contracts if c.state not in (ContractState.DRAFT, *CONTRACT.final)]
    if hold.subject_kind == "client" and contracts:
        events.record(
            ctx.as_(SYSTEM), "contract.client_on_hold", contracts[-1], public=False, hold=hold.id
        )
    by = "client" if hold.subject_kind == "client" else "freelancer"
    for contract in contracts[:_MOST_TOLD]:
        escrowed = sum(escrowed_minor(m) for m in contract.milestones)
        until = hold_checks.next_decision_at(hold).isoformat()
        events.record(
            ctx.as_(SYSTEM),
            "contract.on_hold",
            contract,
            by=by,
            held=escrowed,
            scopes=list(hold.scopes),
            next_decision_at=until,
        )


def lock(ctx: Context, hold: Hold) -> list[Contract]:
    """The person, then the contracts: whoever works on these right now finishes first, whoever
    comes next meets what is decided here.
    """
    if hold.freelancer_id is not None:
        repository.freelancer(ctx.session, hold.freelancer_id, lock=True)
    return freezing.contracts_of(ctx, hold)


def _apply(ctx: Context, hold: Hold) -> None:
    freelancer_id = hold.freelancer_id
    contracts = lock(ctx, hold)
    ctx.session.add(hold)
    if hold.amount_minor is not None:
        ctx.session.flush()
        freezing.reserve(ctx, hold, freelancer_id or "")
        return
    freezing.refresh_gates(ctx, hold)
    _notify(ctx, hold, contracts)
    stopped = stops(hold.subject_kind, hold.scopes)
    if "inflow" in stopped:
        freezing.close_payment_pages(ctx, hold, contracts)
    if "outflow" in stopped and freelancer_id is not None:
        only = typeid.encode("pyo", hold.subject_id) if hold.subject_kind == "payout" else None
        freezing.stop_payouts(ctx, hold, freelancer_id, only)


def _plan(ctx: Context, hold: Hold) -> None:
    if hold.confirm_by is not None and hold.confirmed_by is None:
        queue.enqueue(ctx, JobType.HOLD_UNCONFIRMED, hold.id, hold.confirm_by)
    if hold.expires_at is not None:
        queue.enqueue(ctx, JobType.HOLD_EXPIRY, hold.id, hold.expires_at)
    queue.enqueue(ctx, JobType.HOLD_REVIEW_DUE, hold.id, hold.review_due_at)


def _reason(ctx: Context, terms: HoldTerms) -> HoldReason:
    reason = ctx.policies.reasons.get(terms.reason_code)
    if reason is None:
        raise Invalid.one(
            "/reason_code", "unknown_reason", f"One of {', '.join(ctx.policies.reasons)}."
        )
    if terms.amount_minor is not None and (
        terms.currency is None or not typeid.is_typeid(terms.subject, ObjectKind.FREELANCER)
    ):
        raise Invalid.one(
            "/amount",
            "amount_of_a_person",
            "An amount is held of a freelancer's balance in one currency; a contract is held "
            "whole.",
        )
    return reason


def _subject(ctx: Context, subject: str) -> tuple[str, str, str | None]:
    """(kind, id, the freelancer whom it concerns).

    A client may be named by the platform's id or by any freelancer's alias.
    """
    kind = next(
        (kind for kind, prefix in SUBJECTS.items() if typeid.is_typeid(subject, prefix)), None
    )
    session = ctx.session
    if kind == "freelancer":
        return kind, subject, repository.freelancer(session, subject).id
    if kind == "client":
        alias = session.get(ClientAlias, subject)
        client = session.get(Client, alias.client_id if alias else subject)
        if client is None:
            raise NotFound("There is no such client.")
        return kind, client.id, None
    if kind == "payout":
        payout = repository.payout(session, subject, owner=repository.EVERYONE)
        return kind, payout.id, payout.freelancer_id
    found: Any = (
        session.get(
            {"contract": Contract, "milestone": Milestone, "payment": Payment}[kind], subject
        )
        if kind
        else None
    )
    if found is None or kind is None:
        raise NotFound("There is no such object.")
    contract = (
        found if isinstance(found, Contract) else session.get_one(Contract, found.contract_id)
    )
    return kind, subject, contract.freelancer_id


def reaching(ctx: Context, contract: Contract) -> list[Hold]:
    """Every hold that reaches a contract now, for its pages and its papers."""
    return hold_checks.in_force(
        ctx.session, hold_checks.subjects_of(contract, *(m.id for m in contract.milestones))
    )
