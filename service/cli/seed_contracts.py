"""The demo's contracts: one in each state, and the turns that work can take."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select

from service.core import repository
from service.core.context import Context
from service.core.runtime import Runtime
from service.domain.identity import actors
from service.domain.identity.actors import PSP
from service.domain.states.proof import AgreementEvidence, MailboxProof
from service.domain.states.terms import ClientTerms, ContractTerms, MilestoneTerms
from service.gateways.stripe import CheckoutLine, CheckoutOrder
from service.models import Contract, Freelancer
from service.operations.contracts import amendments, contracts, drafts, milestones, offers
from service.operations.contracts.amendment_terms import AmendmentRequest
from service.operations.disputes import opening
from service.operations.payments import checkout, payments, refund_requests
from service.sandbox.store import Store
from service.sandbox.stripe import payments as card_payments
from service.worker.loop import Worker

_WORK: list[tuple[str, str, str, list[tuple[str, int]]]] = [
    (
        "draft",
        "Tables of Bernoulli numbers",
        "Numbers up to B20, checked twice.",
        [("Tables", 30_000)],
    ),
    (
        "sent",
        "A translation from the French",
        "Menabrea's sketch, with notes.",
        [("Translation", 90_000), ("Notes", 160_000)],
    ),
    (
        "accepted",
        "A study of flight",
        "Wings, proportions and a steam-driven horse.",
        [("Study", 120_000)],
    ),
    (
        "active",
        "Drawings for a weaving card",
        "Punched cards for a pattern of leaves.",
        [("First drawings", 80_050), ("Card set", 150_000)],
    ),
    (
        "submitted",
        "An index of star positions",
        "Four hundred entries, sorted by declination.",
        [("Index", 64_000)],
    ),
    (
        "completed",
        "Proofs of a trigonometry text",
        "Corrections in the margin.",
        [("Proofs", 45_000)],
    ),
]


def _as_client(ctx: Context, contract: Contract) -> Context:
    return ctx.as_(actors.client(contract.client_id))


def _as_freelancer(ctx: Context, contract: Contract) -> Context:
    return ctx.as_(actors.freelancer(contract.freelancer_id))


def _amend(ctx: Context, contract: Contract) -> None:
    kept = [AmendmentRequest(m.id, m.title, m.amount_minor, m.due_on) for m in contract.milestones]
    amendments.propose(
        _as_freelancer(ctx, contract),
        contract,
        [*kept, AmendmentRequest(None, "A third part", 25_000, None)],
        "There is more to do than we thought.",
    )


def _ask_back(ctx: Context, contract: Contract) -> None:
    refund_requests.ask(
        _as_client(ctx, contract), contract, contract.milestones[0], None, "We no longer need it."
    )


def _dispute(ctx: Context, contract: Contract) -> None:
    opening.start(
        _as_client(ctx, contract),
        contract,
        contract.milestones[0],
        "client",
        15_000,
        10_000,
        "Two of the figures are not legible.",
    )


_TURNS: list[tuple[str, str, Callable[[Context, Contract], object]]] = [
    (
        "sent",
        "A change is asked for",
        lambda ctx, c: offers.ask_change(
            _as_client(ctx, c), c, ["price", "dates"], "Could it be March, and a little less?"
        ),
    ),
    (
        "sent",
        "An offer that was declined",
        lambda ctx, c: offers.decline(_as_client(ctx, c), c, "timing"),
    ),
    (
        "sent",
        "An offer that was withdrawn",
        lambda ctx, c: offers.withdraw(_as_freelancer(ctx, c), c),
    ),
    (
        "accepted",
        "Ended before it was paid",
        lambda ctx, c: contracts.cancel(_as_client(ctx, c), c, "Another supplier was found."),
    ),
    ("active", "A change is proposed", _amend),
    ("active", "Money is asked back", _ask_back),
    ("submitted", "A dispute", _dispute),
    (
        "active",
        "Ended by the freelancer",
        lambda ctx, c: contracts.end(_as_freelancer(ctx, c), c, "I have fallen ill."),
    ),
]


def contracts_in_each_state(runtime: Runtime, worker: Worker) -> None:
    """One contract per state, with Charles Babbage as the client."""
    with runtime.context("seed") as ctx:
        ada_id = ctx.session.execute(
            select(Freelancer.id).where(Freelancer.external_ref == "ada")
        ).scalar_one()
    for state, title, description, parts in _WORK:
        _until(runtime, worker, state, _draft(runtime, ada_id, title, description, parts))
    for state, title, then in _TURNS:
        contract_id = _draft(
            runtime,
            ada_id,
            title,
            "One of the turns that work can take.",
            [("First part", 40_000), ("Second part", 60_000)],
        )
        _until(runtime, worker, state, contract_id)
        with runtime.context("seed") as ctx:
            then(
                ctx,
                repository.contract(ctx.session, contract_id, owner=repository.EVERYONE, lock=True),
            )
    worker.drain()


def _draft(
    runtime: Runtime, ada_id: str, title: str, description: str, parts: list[tuple[str, int]]
) -> str:
    terms = ContractTerms(
        client=ClientTerms(email="charles@babbage.example", name="Charles Babbage"),
        title=title,
        description=description,
        currency="USD",
        milestones=[MilestoneTerms(name, amount) for name, amount in parts],
    )
    with runtime.context("seed", actors.freelancer(ada_id)) as ctx:
        return drafts.create(ctx, ada_id, terms).id


def _until(runtime: Runtime, worker: Worker, state: str, contract_id: str) -> None:
    order = ["draft", "sent", "accepted", "active", "submitted", "completed"]
    for step in order[1 : order.index(state) + 1]:
        if step == "active":
            _pay_first(runtime, contract_id)
            worker.drain()
            continue
        with runtime.context("seed") as ctx:
            contract = repository.contract(
                ctx.session, contract_id, owner=repository.EVERYONE, lock=True
            )
            _STEPS[step](ctx, contract)


def _send(ctx: Context, contract: Contract) -> None:
    offers.send(ctx.as_(actors.freelancer(contract.freelancer_id)), contract)


def _accept(ctx: Context, contract: Contract) -> None:
    proof = MailboxProof(ctx.now, "127.0.0.1", "the seed of the demo", "en")
    evidence = AgreementEvidence("Charles Babbage", contract.client.email, proof)
    contracts.accept(
        ctx.as_(actors.client(contract.client_id)), contract, contract.text_version, evidence
    )


def _submit(ctx: Context, contract: Contract) -> None:
    milestones.submit(
        ctx.as_(actors.freelancer(contract.freelancer_id)),
        contract,
        contract.milestones[0],
        "It is done; please look at page two first.",
    )


def _approve(ctx: Context, contract: Contract) -> None:
    milestones.approve(ctx.as_(actors.client(contract.client_id)), contract, contract.milestones[0])


_STEPS: dict[str, Callable[[Context, Contract], None]] = {
    "sent": _send,
    "accepted": _accept,
    "submitted": _submit,
    "completed": _approve,
}


def _pay_first(runtime: Runtime, contract_id: str) -> None:
    order = _order(runtime, contract_id)
    made = runtime.stripe.create_checkout(order)
    with runtime.context("seed") as ctx:
        checkout.attach(
            repository.payment(ctx.session, order.payment_id, lock=True)[1],
            made.session_id,
            made.url or "",
            made.expires_at,
        )
    with runtime.db.transaction() as session:
        card_payments.pay_by_card(Store(session), made.session_id, "4242424242424242")
    paid = runtime.stripe.fetch_checkout(made.session_id)
    with runtime.context("seed", PSP) as ctx:
        payments.apply_checkout(ctx, paid)


def _order(runtime: Runtime, contract_id: str) -> CheckoutOrder:
    """A payment of the first milestone, begun."""
    with runtime.context("seed") as ctx:
        contract = repository.contract(
            ctx.session, contract_id, owner=repository.EVERYONE, lock=True
        )
        milestone = contract.milestones[0]
        payment = checkout.start(
            ctx.as_(actors.client(contract.client_id)), contract, [milestone.id]
        ).payment
        assert payment is not None, "nothing else is open in a fresh world"
        back = f"{runtime.settings.public_url}/c/{contract.id}/payments/{payment.id}"
        return CheckoutOrder(
            payment_id=payment.id,
            contract_id=contract.id,
            currency="USD",
            lines=[CheckoutLine(milestone.title, milestone.amount_minor)],
            client_email=contract.client.email,
            method="card",
            success_url=back,
            cancel_url=back,
            expires_at=ctx.now + timedelta(hours=1),
        )
