"""What a freelancer offers: the terms of a contract before anybody has agreed to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from service.domain.identity import names
from service.domain.identity.names import NameKind


@dataclass(frozen=True)
class MilestoneTerms:
    """One milestone as the freelancer writes it."""

    title: str
    amount_minor: int
    due_on: date | None = None


@dataclass(frozen=True)
class ClientTerms:
    email: str
    name: str
    company: str | None = None
    country: str | None = None


@dataclass(frozen=True)
class ContractTerms:
    """What the two agree on, as the freelancer writes it."""

    client: ClientTerms
    title: str
    description: str
    currency: str
    milestones: list[MilestoneTerms]
    kind: str = "direct"
    relation: str | None = None
    fee_rate: str | None = None
    review_period_days: int = 14
    processing_borne_by: str = "platform"
    metadata: dict[str, Any] | None = None

    def check_names(self, platform: str) -> None:
        """Raises Invalid for a name or a title that carries an address or speaks for the
        platform.
        """
        names.check("/client/name", self.client.name, NameKind.PERSON, platform)
        if self.client.company:
            names.check("/client/company", self.client.company, NameKind.COMPANY, platform)
        names.check("/title", self.title, NameKind.TITLE, platform)
        for i, milestone in enumerate(self.milestones):
            names.check(f"/milestones/{i}/title", milestone.title, NameKind.TITLE, platform)
