"""The two sides look for one number, what goes back to the client; when they meet, it is carried
out.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from service.core import events
from service.core.context import Context
from service.domain.errors import NotFound, StateConflict
from service.domain.identity.actors import SYSTEM
from service.domain.states.names import DisputeState
from service.escrow import states
from service.models import Contract, Dispute, DisputeOffer, new_id
from service.operations.disputes import outcome, sides

MOST_OFFERS = 40


def accept_claim(ctx: Context, contract: Contract, dispute: Dispute, side: str) -> None:
    """The other side agrees to the claim. Raises StateConflict, Forbidden for the opener."""
    sides.only_side(dispute, side, opener=False)
    outcome.carry_out(ctx, contract, dispute, "accept_claim", dispute.claimed_refund_minor)


def answer(
    ctx: Context, contract: Contract, dispute: Dispute, side: str, words: str, refund_minor: int
) -> None:
    """The other side's account of it, and the number they could live with.

    Negotiation begins. Raises StateConflict, Invalid.
    """
    sides.only_side(dispute, side, opener=False)
    sides.check_amount(dispute, refund_minor)
    events.transition(ctx, dispute, "answer", contract=contract, by=side, refund=refund_minor)
    dispute.answer, dispute.answered_refund_minor = words, refund_minor
    events.transition(ctx.as_(SYSTEM), dispute, "negotiate", contract=contract)
    sides.set_deadline(
        ctx, dispute, ctx.now + timedelta(days=ctx.policies.windows.dispute_negotiation_days)
    )
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
    if dispute.state not in (DisputeState.NEGOTIATION, DisputeState.MEDIATION):
        raise sides.not_possible_now(dispute)
    sides.check_amount(dispute, refund_minor)
    made = add_offer(ctx, contract, dispute, side, refund_minor, reasons, blind=blind)
    other = _newest(dispute, "client" if side == "freelancer" else "freelancer")
    if other is not None and other.blind == blind:
        for_client, for_freelancer = (
            (refund_minor, other.refund_minor)
            if side == "client"
            else (other.refund_minor, refund_minor)
        )
        # The client would take this little, the freelancer would give that much: they have met.
        if for_client <= for_freelancer:
            outcome.carry_out(ctx, contract, dispute, "agree", (for_client + for_freelancer) // 2)
    return made


def add_offer(
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
        or dispute.state
        not in (DisputeState.NEGOTIATION, DisputeState.MEDIATION, DisputeState.PROPOSAL)
    ):
        raise sides.not_possible_now(dispute)
    setattr(found, f"{side}_agreed_at", ctx.now)
    events.record(ctx, "dispute.offer_agreed", dispute, contract=contract, by=side, offer=found.id)
    states.touch(ctx, contract)
    if found.made_by != "mediator" or (found.client_agreed_at and found.freelancer_agreed_at):
        outcome.carry_out(ctx, contract, dispute, "agree", found.refund_minor)


def reject_proposal(ctx: Context, contract: Contract, dispute: Dispute, side: str) -> None:
    """One side does not accept the mediator's proposal: a second person decides.

    Raises StateConflict.
    """
    events.transition(ctx, dispute, "arbitrate", contract=contract, by=side)
    dispute.offers[-1].rejected_by = side
    outcome.to_decision(ctx, contract, dispute)


def _newest(dispute: Dispute, side: str) -> DisputeOffer | None:
    return next((o for o in reversed(dispute.offers) if o.made_by == side), None)
