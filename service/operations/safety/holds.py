"""Freeze and lift: one act, one transaction, from whose commit no debit passes.

Every hold has a reason, an end and a way to answer.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import events, four_eyes, queue, repository, staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.errors import Forbidden, Invalid, NotFound, StateConflict
from service.domain.identity import typeid
from service.domain.identity.actors import SYSTEM
from service.domain.identity.typeid import ObjectKind
from service.domain.states.calendar import add_business_days
from service.domain.states.job_types import JobType
from service.domain.states.lifecycle import CONTRACT
from service.domain.states.restrictions import SCOPES, SUBJECTS
from service.escrow import freezing
from service.escrow.money import held_minor
from service.models import (
    Client,
    ClientAlias,
    Contract,
    Hold,
    Milestone,
    Payment,
    Requirement,
    Suspension,
    new_id,
)
from service.policies.reasons import HoldReason
from service.shared import holds
from service.shared.holds import HoldTerms

_MOST_TOLD = 200
_KEPT = (
    "subject_kind",
    "subject_id",
    "freelancer_id",
    "amount_minor",
    "currency",
    "reason_code",
    "clause",
    "facts",
    "internal_note",
    "disclosure",
    "automated",
    "rule_id",
    "opened_by",
    "confirm_by",
    "confirmed_by",
    "renewals",
    "renewed_by",
    "starts_at",
    "expires_at",
    "appeal_until",
)


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
    return _begin(ctx, hold)


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
        state="active",
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
            state="open",
            due_at=due_at,
            answer=None,
            answered_at=None,
        )
        for i, one in enumerate(wanted, 1)
    ]


def _begin(ctx: Context, hold: Hold) -> Hold:
    _apply(ctx, hold)
    subject = typeid.encode(SUBJECTS[hold.subject_kind], hold.subject_id)
    contract = ctx.session.get(Contract, subject) if hold.subject_kind == "contract" else None
    events.record(
        ctx,
        "hold.placed",
        hold,
        contract=contract,
        to_state="active",
        scopes=hold.scopes,
        reason=hold.reason_code,
        about=subject,
    )
    _plan(ctx, hold)
    return hold


def _notify(ctx: Context, hold: Hold, contracts: list[Contract]) -> None:
    """Whose money or work it touches is told neutrally what happens to theirs, and by when
    something is decided.

    A freelancer whom it is about has a letter of their own (`hold.placed`); a client has no address
    but by a contract.
    """
    contracts = [c for c in contracts if c.state not in ("draft", *CONTRACT.final)]
    if hold.subject_kind == "client" and contracts:
        events.record(
            ctx.as_(SYSTEM), "contract.client_on_hold", contracts[-1], public=False, hold=hold.id
        )
    by = "client" if hold.subject_kind == "client" else "freelancer"
    for contract in contracts[:_MOST_TOLD]:
        held = sum(held_minor(m) for m in contract.milestones)
        until = holds.next_decision_at(hold).isoformat()
        events.record(
            ctx.as_(SYSTEM),
            "contract.on_hold",
            contract,
            by=by,
            held=held,
            scopes=list(hold.scopes),
            next_decision_at=until,
        )


def _lock(ctx: Context, hold: Hold) -> list[Contract]:
    """The person, then the contracts: whoever works on these right now finishes first, whoever
    comes next meets what is decided here.
    """
    if hold.freelancer_id is not None:
        repository.freelancer(ctx.session, hold.freelancer_id, lock=True)
    return freezing.contracts_of(ctx, hold)


def _apply(ctx: Context, hold: Hold) -> None:
    freelancer_id = hold.freelancer_id
    contracts = _lock(ctx, hold)
    ctx.session.add(hold)
    if hold.amount_minor is not None:
        ctx.session.flush()
        freezing.reserve(ctx, hold, freelancer_id or "")
        return
    freezing.refresh_gates(ctx, hold)
    _notify(ctx, hold, contracts)
    if "inflow" in hold.scopes:
        freezing.close_payment_pages(ctx, hold, contracts)
    if (
        "outflow" in hold.scopes
        and freelancer_id is not None
        and hold.subject_kind in ("freelancer", "payout")
    ):
        only = typeid.encode("pyo", hold.subject_id) if hold.subject_kind == "payout" else None
        freezing.stop_payouts(ctx, hold, freelancer_id, only)


def _plan(ctx: Context, hold: Hold) -> None:
    if hold.confirm_by is not None and hold.confirmed_by is None:
        queue.enqueue(ctx, JobType.HOLD_UNCONFIRMED, hold.id, hold.confirm_by)
    if hold.expires_at is not None:
        queue.enqueue(ctx, JobType.HOLD_EXPIRY, hold.id, hold.expires_at)
    queue.enqueue(ctx, JobType.HOLD_REVIEW_DUE, hold.id, hold.review_due_at)


def confirm(ctx: Context, hold: Hold) -> Hold:
    """A second person stands behind it.

    Raises Forbidden for the first one, StateConflict when it is over or confirmed.
    """
    _alive(hold)
    if four_eyes.is_one_of(ctx, hold.opened_by):
        raise Forbidden("Another person has to confirm.")
    if hold.confirm_by is None or hold.confirmed_by is not None:
        raise StateConflict(
            "This hold needs no confirmation.", {"current_state": hold.state, "allowed_actions": []}
        )
    hold.confirmed_by = ctx.actor
    queue.cancel(ctx, [JobType.HOLD_UNCONFIRMED], hold.id)
    events.record(ctx, "hold.confirmed", hold, public=False)
    return hold


def renew(ctx: Context, hold: Hold, days: int) -> Hold:
    """Another person makes it last longer: to 90 days, and 180 at most without a legal ground.

    Raises Forbidden, Invalid, StateConflict.
    """
    _alive(hold)
    if four_eyes.is_one_of(ctx, hold.opened_by, hold.confirmed_by):
        raise Forbidden("Somebody who has not decided about this hold yet has to renew it.")
    if hold.automated or hold.expires_at is None or hold.state == "converted":
        raise StateConflict(
            "This hold is not renewed: a rule's ends, a legal one lasts until it is lifted.",
            {"current_state": hold.state, "allowed_actions": []},
        )
    windows = ctx.policies.windows
    most = windows.hold_days_renewed if hold.renewals == 0 else windows.hold_days_max
    wanted = hold.expires_at + timedelta(days=days)
    if wanted > hold.starts_at + timedelta(days=most):
        raise Invalid.one("/days", "too_long", f"{most} days from its start at most.")
    hold.expires_at, hold.renewals = wanted, hold.renewals + 1
    hold.renewed_by = ctx.actor
    queue.enqueue(ctx, JobType.HOLD_EXPIRY, hold.id, wanted)
    events.record(ctx, "hold.renewed", hold, expires_at=wanted.isoformat())
    return hold


def review(ctx: Context, hold: Hold) -> Hold:
    """A person has it in hand. Raises StateConflict."""
    events.transition(ctx, hold, "review")
    queue.cancel(ctx, [JobType.HOLD_REVIEW_DUE], hold.id)
    return hold


def lift(ctx: Context, hold: Hold, reason: str) -> Hold:
    """End this hold and no other.

    What waited for it goes on, if nothing else holds it. Raises StateConflict.
    """
    _end(ctx, hold, "lift", reason)
    return hold


def narrow(ctx: Context, hold: Hold, scopes: tuple[str, ...], reason: str) -> Hold | None:
    """End this hold and go on with less of it, on the same facts; None when nothing is left of it.

    Raises StateConflict, Invalid.
    """
    left = tuple(scope for scope in hold.scopes if scope in scopes)
    if hold.state == "converted":
        raise StateConflict(
            "A case needs the whole of its hold; drop the case first.",
            {"current_state": hold.state, "allowed_actions": []},
        )
    if len(left) == len(hold.scopes) or hold.amount_minor is not None:
        raise Invalid.one("/scopes", "nothing_changed", "Name fewer scopes than the hold has.")
    _end(ctx, hold, "lift", reason)
    if not left:
        return None
    ctx.session.flush()
    # The same decision, smaller: whoever opened and confirmed it still did, and no clock begins
    # anew.
    kept = {name: getattr(hold, name) for name in _KEPT}
    fresh = Hold(
        id=new_id("hld"),
        state="active",
        scopes=list(left),
        review_due_at=add_business_days(
            ctx.now, ctx.policies.windows.first_answer_business_days, ctx.policies.stripe_country
        ),
        ended_at=None,
        ended_by=None,
        end_reason=None,
        **kept,
    )
    return _begin(ctx, fresh)


def expire(ctx: Context, hold: Hold, why: str) -> bool:
    """Its time is over, or nobody confirmed it. Returns False when that is not so any more."""
    if hold.state not in ("active", "in_review"):
        return False
    if why == "expired" and (hold.expires_at is None or hold.expires_at > ctx.now):
        return False
    if why == "unconfirmed" and hold.confirmed_by is not None:
        return False
    _end(ctx.as_(SYSTEM), hold, "expire", why)
    return True


def _end(ctx: Context, hold: Hold, event: str, reason: str) -> None:
    _lock(ctx, hold)
    events.transition(ctx, hold, event, reason=reason)
    hold.ended_at, hold.ended_by, hold.end_reason = ctx.now, ctx.actor, reason
    queue.cancel(
        ctx, [JobType.HOLD_UNCONFIRMED, JobType.HOLD_EXPIRY, JobType.HOLD_REVIEW_DUE], hold.id
    )
    for task in (TaskType.REQUIREMENT_GIVEN, TaskType.HOLD_REVIEW_DUE, TaskType.RULE_FIRED):
        staff_tasks.close_task(ctx, task, hold.id)
    _end_suspension(ctx, hold, reason)
    if hold.amount_minor is not None:
        ctx.session.flush()
        freezing.return_reserve(ctx, hold, hold.freelancer_id or "")
    else:
        freezing.refresh_gates(ctx, hold)
        freezing.resume_reviews(ctx, hold)
    queue.wake_parked(ctx)
    if hold.freelancer_id is not None and "outflow" in hold.scopes:
        queue.enqueue(ctx, JobType.PAYOUTS_RESUME, hold.freelancer_id)


def _end_suspension(ctx: Context, hold: Hold, reason: str) -> None:
    query = select(Suspension).where(Suspension.hold_id == hold.id, Suspension.ended_at.is_(None))
    found = ctx.session.execute(query).scalar_one_or_none()
    if found is not None:
        found.ended_at, found.ended_by, found.end_reason = ctx.now, ctx.actor, reason


def find(session: Session, hold_id: str, *, owner: str | None, lock: bool = False) -> Hold:
    """Staff see all, a freelancer those that concern them. Raises NotFound."""
    found: Hold = repository.owned(
        session, Hold, "hld", hold_id, owner=owner, missing="There is no such hold.", lock=lock
    )
    return found


def listed(
    session: Session, *, owner: str | None, in_force_only: bool, after: str | None, limit: int
) -> list[Hold]:
    """Newest first, one more than `limit` when there are more."""
    query = select(Hold).order_by(Hold.id.desc()).limit(limit + 1)
    for condition in (
        Hold.freelancer_id == owner if owner else None,
        Hold.ended_at.is_(None) if in_force_only else None,
        Hold.id < after if after else None,
    ):
        query = query.where(condition) if condition is not None else query
    return list(session.execute(query).scalars())


def _alive(hold: Hold) -> None:
    if hold.ended_at is not None:
        raise StateConflict(
            "This hold is over.", {"current_state": hold.state, "allowed_actions": []}
        )


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
    return holds.in_force(
        ctx.session, holds.subjects_of(contract, *(m.id for m in contract.milestones))
    )
