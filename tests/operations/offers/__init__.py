"""Offers: see the tests beside; `terms` is what they offer."""

from __future__ import annotations

from service.domain.states.terms import ClientTerms, ContractTerms, MilestoneTerms


def terms(amount_minor: int = 20_000, currency: str = "USD", **more: str) -> ContractTerms:
    """One milestone for a client who is new to the freelancer."""
    return ContractTerms(
        client=ClientTerms(more.pop("email", "mary@somerville.example"), "Mary Somerville"),
        title="Mechanism of the Heavens",
        description="A translation.",
        currency=currency,
        milestones=[MilestoneTerms("The first volume", amount_minor)],
        **more,
    )
