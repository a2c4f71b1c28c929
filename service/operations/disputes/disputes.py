"""A dispute over held money: a claim, an answer, offers, a mediator's proposal, a decision.

Exactly the disputed amount is locked.

An outcome is one number, what goes back to the client; the rest is released. It is carried out in
the act that decides it, by the same lines as any release and refund.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import events, four_eyes, queue, staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.errors import Forbidden, Invalid, NotFound, StateConflict
from service.domain.identity.actors import SYSTEM
from service.domain.money.money import plain
from service.domain.states.calendar import add_business_days
from service.domain.states.job_types import JobType
from service.escrow import money, states
from service.ledger import Entry
from service.models import Contract, Dispute, DisputeOffer, Milestone, new_id

UNDECIDED = ("open", "answered", "negotiation", "mediation", "proposal", "arbitration")
MOST_OFFERS = 40


def start(
    ctx: Context,
    contract: Contract,
    milestone: Milestone,
    side: str,
    amount_minor: int | None,
    refund_minor: int | None,
    claim: str,
) -> Dispute:
    """Lock `amount_minor` of what is held (all of it when left out) and claim that `refund_minor`
    of it goes to the client.

    Raises StateConflict when nothing is held, Invalid for an amount out of range.
    """
    _check_disputable(ctx.session, milestone)
    amount, wanted = _disputed_and_claimed(contract, milestone, side, amount_minor, refund_minor)
    dispute = _opened(ctx, contract, milestone, side, amount, wanted, claim)
    entry = money.lock(contract, milestone, amount, dispute.id)
    if money.held_minor(milestone) == 0:
        dispute.milestone_was, dispute.review_left_seconds = states.pause(
            ctx, contract, milestone, "dispute", dispute=dispute.id
        )
    ctx.session.add(dispute)
    events.record(
        ctx,
        "dispute.opened",
        dispute,
        contract=contract,
        to_state="open",
        amount=amount,
        currency=contract.currency,
        refund=wanted,
        by=side,
        milestone=milestone.id,
    )
    queue.enqueue(ctx, JobType.DISPUTE_HARD_STOP, dispute.id, dispute.hard_stop_at)
    _deadline(ctx, dispute, _answer_by(ctx), reminded=True)
    states.touch(ctx, contract)
    money.post_all(ctx, [entry])
    return dispute


def _check_disputable(session: Session, milestone: Milestone) -> None:
    if (
        milestone.state not in (*states.OPEN_TO_THE_CLIENT, "refund_requested")
        or money.held_minor(milestone) == 0
    ):
        raise StateConflict(
            "Only money that is still held can be disputed.",
            {"current_state": milestone.state, "allowed_actions": []},
        )
    if of_milestone(session, milestone.id) is not None:
        raise StateConflict(
            "This milestone is in dispute already.",
            {"current_state": milestone.state, "allowed_actions": []},
        )


def _disputed_and_claimed(
    contract: Contract,
    milestone: Milestone,
    side: str,
    amount_minor: int | None,
    refund_minor: int | None,
) -> tuple[int, int]:
    """How much is disputed, and how much of it the claim sends back to the client."""
    held = money.held_minor(milestone)
    amount = held if amount_minor is None else amount_minor
    wanted = (amount if side == "client" else 0) if refund_minor is None else refund_minor
    if not 1 <= amount <= held:
        raise Invalid.one(
            "/amount",
            "amount_out_of_range",
            f"Up to {plain(held, contract.currency)} can be disputed.",
        )
    if not 0 <= wanted <= amount:
        raise Invalid.one(
            "/refund",
            "amount_out_of_range",
            "The refund that you claim lies between nothing and the disputed amount.",
        )
    return amount, wanted


def _opened(
    ctx: Context,
    contract: Contract,
    milestone: Milestone,
    side: str,
    amount_minor: int,
    claimed_minor: int,
    claim: str,
) -> Dispute:
    return Dispute(
        id=new_id("dsp"),
        contract_id=contract.id,
        milestone_id=milestone.id,
        state="open",
        opened_by=side,
        amount_minor=amount_minor,
        claimed_refund_minor=claimed_minor,
        claim=claim,
        answer=None,
        answered_refund_minor=None,
        milestone_was=milestone.state,
        review_left_seconds=states.review_left(ctx.now, milestone),
        refund_minor=None,
        reasons=None,
        mediator=None,
        decider=None,
        opened_at=ctx.now,
        deadline_at=_answer_by(ctx),
        hard_stop_at=ctx.now + timedelta(days=ctx.policies.windows.dispute_hard_stop_days),
        closed_at=None,
    )


def _answer_by(ctx: Context) -> datetime:
    return add_business_days(
        ctx.now, ctx.policies.windows.dispute_answer_business_days, ctx.policies.stripe_country
    )


def accept_claim(ctx: Context, contract: Contract, dispute: Dispute, side: str) -> None:
    """The other side agrees to the claim. Raises StateConflict, Forbidden for the opener."""
    _only(dispute, side, opener=False)
    _carry_out(ctx, contract, dispute, "accept_claim", dispute.claimed_refund_minor)


def answer(
    ctx: Context, contract: Contract, dispute: Dispute, side: str, words: str, refund_minor: int
) -> None:
    """The other side's account of it, and the number they could live with.

    Negotiation begins. Raises StateConflict, Invalid.
    """
    _only(dispute, side, opener=False)
    _check_amount(dispute, refund_minor)
    events.transition(ctx, dispute, "answer", contract=contract, by=side, refund=refund_minor)
    dispute.answer, dispute.answered_refund_minor = words, refund_minor
    events.transition(ctx.as_(SYSTEM), dispute, "negotiate", contract=contract)
    _deadline(ctx, dispute, ctx.now + timedelta(days=ctx.policies.windows.dispute_negotiation_days))
    states.touch(ctx, contract)


def offer(
    ctx: Context,
    contract: Contract,
    dispute: Dispute,
    side: str,
    refund_minor: int,
    reasons: str,
    *,
    blind: bool,
) -> DisputeOffer:
    """A number on the table, open or blind.

    Two that meet or cross settle the dispute in the middle. Raises StateConflict, Invalid.
    """
    if dispute.state not in ("negotiation", "mediation"):
        raise _not_now(dispute)
    _check_amount(dispute, refund_minor)
    made = _offer(ctx, contract, dispute, side, refund_minor, reasons, blind=blind)
    other = _newest(dispute, "client" if side == "freelancer" else "freelancer")
    if other is not None and other.blind == blind:
        for_client, for_freelancer = (
            (refund_minor, other.refund_minor)
            if side == "client"
            else (other.refund_minor, refund_minor)
        )
        # The client would take this little, the freelancer would give that much: they have met.
        if for_client <= for_freelancer:
            _carry_out(ctx, contract, dispute, "agree", (for_client + for_freelancer) // 2)
    return made


def _offer(
    ctx: Context,
    contract: Contract,
    dispute: Dispute,
    side: str,
    refund_minor: int,
    reasons: str,
    *,
    blind: bool,
) -> DisputeOffer:
    _check_offers_left(dispute)
    made = DisputeOffer(
        id=new_id("dof"),
        number=len(dispute.offers) + 1,
        made_by=side,
        refund_minor=refund_minor,
        blind=blind,
        reasons=reasons,
        made_at=ctx.now,
        freelancer_agreed_at=None,
        client_agreed_at=None,
        rejected_by=None,
    )
    dispute.offers.append(made)
    shown: dict[str, Any] = {} if blind else {"refund": refund_minor}
    events.record(
        ctx,
        "dispute.offer_made",
        dispute,
        contract=contract,
        by=side,
        blind=blind,
        offer=made.id,
        **shown,
    )
    states.touch(ctx, contract)
    return made


def _check_offers_left(dispute: Dispute) -> None:
    if len(dispute.offers) >= MOST_OFFERS:
        raise StateConflict(
            "There have been enough offers; ask for mediation.",
            {"current_state": dispute.state, "allowed_actions": ["mediate"]},
        )


def agree_to(ctx: Context, contract: Contract, dispute: Dispute, offer_id: str, side: str) -> None:
    """Say yes to an open offer of the other side, or to the mediator's proposal.

    Raises StateConflict, NotFound.
    """
    found = next(
        (o for o in dispute.offers if o.id == offer_id and (not o.blind or o.made_by == side)), None
    )
    if found is None:
        raise NotFound("There is no such offer.")
    if (
        found.made_by == side
        or found is not _newest(dispute, found.made_by)
        or dispute.state not in ("negotiation", "mediation", "proposal")
    ):
        raise _not_now(dispute)
    setattr(found, f"{side}_agreed_at", ctx.now)
    events.record(ctx, "dispute.offer_agreed", dispute, contract=contract, by=side, offer=found.id)
    states.touch(ctx, contract)
    if found.made_by != "mediator" or (found.client_agreed_at and found.freelancer_agreed_at):
        _carry_out(ctx, contract, dispute, "agree", found.refund_minor)


def reject_proposal(ctx: Context, contract: Contract, dispute: Dispute, side: str) -> None:
    """One side does not accept the mediator's proposal: a second person decides.

    Raises StateConflict.
    """
    events.transition(ctx, dispute, "arbitrate", contract=contract, by=side)
    dispute.offers[-1].rejected_by = side
    _to_decision(ctx, contract, dispute)


def ask_mediation(ctx: Context, contract: Contract, dispute: Dispute) -> None:
    """A person shall propose. Raises StateConflict."""
    events.transition(ctx, dispute, "mediate", contract=contract)
    _deadline(
        ctx,
        dispute,
        add_business_days(
            ctx.now,
            ctx.policies.windows.dispute_proposal_business_days,
            ctx.policies.stripe_country,
        ),
    )
    staff_tasks.open_task(ctx, TaskType.DISPUTE_MEDIATION, dispute.id, contract=contract.id)
    states.touch(ctx, contract)


def propose(
    ctx: Context, contract: Contract, dispute: Dispute, refund_minor: int, reasons: str
) -> DisputeOffer:
    """The mediator's number, with reasons. Raises StateConflict, Invalid."""
    _check_amount(dispute, refund_minor)
    events.transition(ctx, dispute, "propose", contract=contract, refund=refund_minor)
    dispute.mediator = ctx.actor
    made = _offer(ctx, contract, dispute, "mediator", refund_minor, reasons, blind=False)
    windows = ctx.policies.windows
    _deadline(
        ctx,
        dispute,
        add_business_days(
            ctx.now, windows.dispute_answer_to_proposal_business_days, ctx.policies.stripe_country
        ),
        reminded=True,
    )
    staff_tasks.close_task(ctx, TaskType.DISPUTE_MEDIATION, dispute.id)
    return made


def decide(
    ctx: Context, contract: Contract, dispute: Dispute, refund_minor: int, reasons: str
) -> None:
    """The last word, by somebody who did not mediate. Raises StateConflict, Forbidden, Invalid."""
    _check_amount(dispute, refund_minor)
    if four_eyes.is_one_of(ctx, dispute.mediator):
        raise Forbidden("Who proposed cannot decide.")
    if dispute.state != "arbitration":
        raise _not_now(dispute)
    dispute.decider, dispute.reasons = ctx.actor, reasons
    events.transition(ctx, dispute, "decide", contract=contract, refund=refund_minor)
    staff_tasks.close_task(ctx, TaskType.DISPUTE_DECISION, dispute.id)
    _carry_out(ctx.as_(SYSTEM), contract, dispute, "execute", refund_minor)


def withdraw(ctx: Context, contract: Contract, dispute: Dispute, side: str) -> None:
    """The opener takes the claim back: everything is as before.

    Raises StateConflict, Forbidden for the other side.
    """
    _only(dispute, side, opener=True)
    events.transition(ctx, dispute, "withdraw", contract=contract)
    milestone = _milestone(contract, dispute)
    entry = money.unlock(contract, milestone, dispute.amount_minor, dispute.id)
    states.resume(ctx, contract, milestone, dispute.milestone_was, dispute.review_left_seconds)
    _close(ctx, contract, dispute)
    money.post_all(ctx, [entry])


def superseded(ctx: Context, contract: Contract, dispute: Dispute) -> None:
    """A bank has taken the payment back: what it decides goes before what the two were arguing
    about.
    """
    system = ctx.as_(SYSTEM)
    events.transition(system, dispute, "withdraw", contract=contract, reason="chargeback")
    milestone = _milestone(contract, dispute)
    entry = money.unlock(contract, milestone, dispute.amount_minor, dispute.id)
    states.resume(system, contract, milestone, dispute.milestone_was, dispute.review_left_seconds)
    _close(system, contract, dispute)
    money.post_all(system, [entry])


def due(ctx: Context, contract: Contract, dispute: Dispute, *, heard: bool) -> None:
    """A deadline has passed.

    `heard`: a notice is proved to have reached who was silent; without it nobody is defaulted.
    """
    if (
        dispute.closed_at is not None
        or dispute.deadline_at is None
        or dispute.deadline_at > ctx.now
    ):
        return
    system = ctx.as_(SYSTEM)
    if dispute.state == "open" and heard:
        events.transition(system, dispute, "default", contract=contract)
        _carry_out(system, contract, dispute, "execute", dispute.claimed_refund_minor)
    elif dispute.state in ("open", "negotiation"):
        ask_mediation(system, contract, dispute)
    elif dispute.state == "mediation":
        staff_tasks.open_task(
            ctx, TaskType.DISPUTE_MEDIATION_OVERDUE, dispute.id, contract=contract.id
        )
    elif dispute.state == "proposal":
        agreed = dispute.offers[-1].client_agreed_at or dispute.offers[-1].freelancer_agreed_at
        if agreed or not heard:
            events.transition(system, dispute, "arbitrate", contract=contract, by="silence")
            _to_decision(ctx, contract, dispute)
        else:
            _carry_out(system, contract, dispute, "execute", dispute.offers[-1].refund_minor)
    elif dispute.state == "arbitration":
        staff_tasks.open_task(
            ctx, TaskType.DISPUTE_DECISION_OVERDUE, dispute.id, contract=contract.id
        )


def remind(ctx: Context, contract: Contract, dispute: Dispute) -> None:
    """Silence is about to decide.

    `by` is who has said what they have to say: only the other one, or both, are told.
    """
    if dispute.deadline_at is None or dispute.deadline_at - ctx.now > timedelta(
        days=ctx.policies.windows.silence_reminder_days
    ):
        return
    if dispute.state == "open":
        events.record(
            ctx,
            "dispute.reminded",
            dispute,
            contract=contract,
            by=dispute.opened_by,
            state=dispute.state,
        )
    elif dispute.state == "proposal":
        offer = dispute.offers[-1]
        answered = (
            "client"
            if offer.client_agreed_at
            else "freelancer"
            if offer.freelancer_agreed_at
            else "nobody"
        )
        events.record(
            ctx,
            "dispute.reminded",
            dispute,
            contract=contract,
            by=answered,
            state=dispute.state,
            refund=offer.refund_minor,
        )


def hard_stop(ctx: Context, contract: Contract, dispute: Dispute) -> None:
    """Sixty days: whoever is responsible hears of it."""
    if dispute.closed_at is None:
        staff_tasks.open_task(
            ctx, TaskType.DISPUTE_HARD_STOP, dispute.id, contract=contract.id, state=dispute.state
        )
        events.record(ctx, "dispute.escalated", dispute, contract=contract)


def _to_decision(ctx: Context, contract: Contract, dispute: Dispute) -> None:
    _deadline(
        ctx,
        dispute,
        add_business_days(
            ctx.now,
            ctx.policies.windows.dispute_decision_business_days,
            ctx.policies.stripe_country,
        ),
    )
    staff_tasks.open_task(ctx, TaskType.DISPUTE_DECISION, dispute.id, contract=contract.id)
    states.touch(ctx, contract)


def _carry_out(
    ctx: Context, contract: Contract, dispute: Dispute, event: str, refund_minor: int
) -> None:
    """Unlock, send back, release, in one act; a hold on the accounts refuses all of it."""
    dispute.refund_minor = refund_minor
    events.transition(
        ctx,
        dispute,
        event,
        contract=contract,
        refund=refund_minor,
        amount=dispute.amount_minor,
        currency=contract.currency,
    )
    milestone = _milestone(contract, dispute)
    entries: list[Entry] = [money.unlock(contract, milestone, dispute.amount_minor, dispute.id)]
    if refund_minor:
        entries.append(money.refund_held(ctx, contract, milestone, refund_minor, "dispute")[1])
    if dispute.amount_minor - refund_minor:
        release, entry = money.release(
            ctx, contract, milestone, dispute.amount_minor - refund_minor
        )
        entries.append(entry)
        events.record(
            ctx,
            "milestone.share_released",
            milestone,
            contract=contract,
            amount=release.gross_minor,
            release=release.id,
        )
    states.emptied(ctx.as_(SYSTEM), contract, milestone, "settle")
    _close(ctx, contract, dispute)
    states.after_change(ctx, contract)
    money.post_all(ctx, entries)


def _close(ctx: Context, contract: Contract, dispute: Dispute) -> None:
    dispute.closed_at, dispute.deadline_at = ctx.now, None
    queue.cancel(
        ctx, [JobType.DISPUTE_DUE, JobType.DISPUTE_HARD_STOP, JobType.DISPUTE_REMINDER], dispute.id
    )
    states.touch(ctx, contract)


def _deadline(ctx: Context, dispute: Dispute, instant: datetime, *, reminded: bool = False) -> None:
    """`reminded`: silence decides about money then, so whoever has not answered hears of it once
    more.
    """
    dispute.deadline_at = instant
    queue.enqueue(ctx, JobType.DISPUTE_DUE, dispute.id, instant)
    if reminded:
        queue.enqueue(
            ctx,
            JobType.DISPUTE_REMINDER,
            dispute.id,
            instant - timedelta(days=ctx.policies.windows.silence_reminder_days),
        )


def _only(dispute: Dispute, side: str, *, opener: bool) -> None:
    if (side == dispute.opened_by) != opener:
        raise Forbidden(
            "This is for the side that opened the dispute."
            if opener
            else "This is for the other side to answer."
        )


def _check_amount(dispute: Dispute, refund_minor: int) -> None:
    if not 0 <= refund_minor <= dispute.amount_minor:
        raise Invalid.one(
            "/refund",
            "amount_out_of_range",
            "The refund lies between nothing and the disputed amount.",
        )


def _not_now(dispute: Dispute) -> StateConflict:
    return StateConflict(
        f"The dispute is in {dispute.state}; this is not possible now.",
        {"current_state": dispute.state, "allowed_actions": []},
    )


def _newest(dispute: Dispute, side: str) -> DisputeOffer | None:
    return next((o for o in reversed(dispute.offers) if o.made_by == side), None)


def _milestone(contract: Contract, dispute: Dispute) -> Milestone:
    return next(m for m in contract.milestones if m.id == dispute.milestone_id)


def of_milestone(session: Session, milestone_id: str) -> Dispute | None:
    """The dispute that is not over, if any."""
    return session.execute(
        select(Dispute).where(Dispute.milestone_id == milestone_id, Dispute.closed_at.is_(None))
    ).scalar_one_or_none()


def of_contract(session: Session, contract_id: str) -> list[Dispute]:
    """All disputes of a contract, newest first, at most 100."""
    return list(
        session.execute(
            select(Dispute)
            .where(Dispute.contract_id == contract_id)
            .order_by(Dispute.id.desc())
            .limit(100)
        ).scalars()
    )
