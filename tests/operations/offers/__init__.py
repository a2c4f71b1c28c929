"""An offer's way to an agreement, as other tests need it; the tests beside say what it guarantees."""

from __future__ import annotations

from service.core import repository
from service.core.repository import EVERYONE
from service.domain.identity import actors
from service.domain.states.proof import AgreementEvidence, MailboxProof
from service.domain.states.terms import ClientTerms, ContractTerms, MilestoneTerms
from service.operations.contracts import contracts, drafts, offers
from tests.operations.stage import Stage

STRANGER = "mary@somerville.example"


def terms(amount_minor: int = 20_000, *, email: str = STRANGER) -> ContractTerms:
    """One milestone for a client who is new to the freelancer unless said."""
    return ContractTerms(
        client=ClientTerms(email, "Mary Somerville"),
        title="Mechanism of the Heavens",
        description="A translation.",
        currency="USD",
        milestones=[MilestoneTerms("The first volume", amount_minor)],
    )


def drafted(stage: Stage, *, email: str = STRANGER) -> str:
    with stage.acting(stage.freelancer) as ctx:
        return drafts.create(ctx, stage.ada, terms(email=email)).id


def sent(stage: Stage, *, email: str = STRANGER) -> str:
    contract_id = drafted(stage, email=email)
    with stage.acting(stage.freelancer) as ctx:
        contract = repository.contract(ctx.session, contract_id, owner=stage.ada, lock=True)
        offers.send(ctx, contract)
    return contract_id


def accept(stage: Stage, contract_id: str, version: int) -> None:
    """The client agrees to this version of the text."""
    with stage.acting(stage.system) as ctx:
        contract = repository.contract(ctx.session, contract_id, owner=EVERYONE, lock=True)
        proof = MailboxProof(ctx.now, "192.0.2.1", "a browser", "en")
        agreed = AgreementEvidence("Mary Somerville", contract.client.email, proof)
        contracts.accept(ctx.as_(actors.client(contract.client_id)), contract, version, agreed)
