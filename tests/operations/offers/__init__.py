"""Offers: see the tests beside; `terms` is what they offer."""

from __future__ import annotations

from service.domain.states.terms import ClientTerms, ContractTerms, MilestoneTerms


def terms(
    amount_minor: int = 20_000, *, email: str = "mary@somerville.example"
) -> ContractTerms:
    """One milestone for a client who is new to the freelancer."""
    return ContractTerms(
        client=ClientTerms(email, "Mary Somerville"),
        title="Mechanism of the Heavens",
        description="A translation.",
        currency="USD",
        milestones=[MilestoneTerms("The first volume", amount_minor)],
    )
