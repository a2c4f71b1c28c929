"""The first lines of many stories: steps that bring the stage to where a test begins."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select

from service.domain.identity.actors import Actor
from service.domain.money.psp import AccountSnapshot, ChargebackSnapshot
from service.models import Release
from service.operations.contracts import milestones
from service.operations.disputes import chargebacks, negotiation, opening
from service.operations.payments import refund_requests
from service.operations.payouts import payout_accounts, payout_requests, payout_sending
from service.operations.safety import holds
from service.shared.hold_checks import HoldTerms
from service.workflows import chargeback_received
from tests.operations.stage import Stage

BANK = "ba_first"


def submitted(stage: Stage) -> None:
    """The work is handed over."""
    with stage.on(stage.freelancer) as (ctx, contract, milestone):
        milestones.submit(ctx, contract, milestone, "It is done.")


def released(stage: Stage, amount_minor: int | None = None) -> None:
    """Handed over and approved by the client, wholly or in part."""
    submitted(stage)
    with stage.on(stage.client) as (ctx, contract, milestone):
        milestones.approve(ctx, contract, milestone, amount_minor)


def released_by_silence(stage: Stage) -> None:
    """Released by the end of the review window: the client never said that the work was good."""
    submitted(stage)
    stage.later(days=14)
    with stage.on(stage.system) as (ctx, contract, milestone):
        milestones.approve(ctx, contract, milestone)


def available(stage: Stage, release: Callable[[Stage], None] = released) -> None:
    """Released, and the five days of the security period are over: 95.00 are available."""
    release(stage)
    stage.later(days=5)
    with stage.acting(stage.system) as ctx:
        for release_id in ctx.session.execute(select(Release.id)).scalars().all():
            milestones.settle_pending(ctx, release_id)


def with_account(stage: Stage, bank: str = BANK, status: str = "active") -> None:
    """The freelancer's payout account, as Stripe says it is."""
    with stage.acting(stage.freelancer) as ctx:
        payout_accounts.open_account(ctx, stage.ada)
        ctx.session.flush()
        payout_accounts.attach_account(ctx, stage.ada, "acct_ada")
        ctx.session.flush()
        snapshot = AccountSnapshot("acct_ada", status, [], closed=False, bank_reference=bank)
        payout_accounts.apply_account(ctx, stage.ada, snapshot)


def payout(stage: Stage, amount_minor: int = 9_500) -> str:
    """Asked for by the freelancer; its id."""
    with stage.acting(stage.freelancer) as ctx:
        return payout_requests.request(ctx, stage.ada, amount_minor, "USD").id


def sent(stage: Stage, release: Callable[[Stage], None] = released) -> str:
    """A payout of all 95.00 that Stripe has been told of; its id."""
    available(stage, release)
    with_account(stage)
    payout_id = payout(stage)
    with stage.on_payout(stage.system, payout_id) as (ctx, found):
        assert payout_sending.begin_sending(ctx, found)
        payout_sending.record_transfer(found, 1, "tr_1")
        payout_sending.record_bank_payout(found, "po_1")
    return payout_id


def asked_back(stage: Stage, amount_minor: int | None = None) -> str:
    """The client asks for a refund; the request's id."""
    with stage.on(stage.client) as (ctx, contract, milestone):
        return refund_requests.ask(ctx, contract, milestone, amount_minor, "It is too late.").id


def disputed(
    stage: Stage,
    side: str = "client",
    amount_minor: int | None = None,
    refund_minor: int | None = None,
) -> str:
    """Opened by one of the two; the dispute's id."""
    actor = stage.client if side == "client" else stage.freelancer
    with stage.on(actor) as (ctx, contract, milestone):
        return opening.start(
            ctx, contract, milestone, side, amount_minor, refund_minor, "Half of it is missing."
        ).id


def negotiating(stage: Stage) -> str:
    """The client wants all of 100.00 back, the freelancer has answered with nothing."""
    dispute_id = disputed(stage)
    with stage.on_dispute(stage.freelancer, dispute_id) as (ctx, contract, dispute):
        negotiation.answer(ctx, contract, dispute, "freelancer", "It is all there.", 0)
    return dispute_id


def held(
    stage: Stage,
    *scopes: str,
    subject: str | None = None,
    by: Actor | None = None,
    amount_minor: int | None = None,
    reason: str = "other",
) -> str:
    """A hold by Florence of the safety team, over the freelancer unless said; its id."""
    terms = HoldTerms(
        subject or stage.ada,
        reason,
        "Terms, section 4",
        "We were told something.",
        scopes=scopes,
        amount_minor=amount_minor,
        currency="USD" if amount_minor else None,
    )
    with stage.acting(by or stage.staff("Florence")) as ctx:
        return holds.place(ctx, terms).id


def bank_says(stage: Stage, status: str, amount_minor: int = 10_000) -> str:
    """What Stripe says of the bank's dispute about the payment; the chargeback's id."""
    snapshot = ChargebackSnapshot(
        "dp_1", status, "fraudulent", amount_minor, "USD", "pi_1", fee=1_500
    )

    with stage.on_payment(stage.system) as (ctx, contract, payment):
        chargeback_received.take_in(ctx, contract, payment, snapshot)
        ctx.session.flush()
        found = chargebacks.by_stripe_id(ctx.session, "dp_1")
        assert found is not None
        return found.id
