"""What shows that a client did something themselves: a code from their mailbox, and from where;
shown to a bank in a dispute.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class MailboxProof:
    """`code_verified_at`: the instant at which the six-digit code was typed, not that of the action
    it stands for.
    """

    code_verified_at: datetime
    ip_address: str
    user_agent: str
    locale: str

    def as_data(self) -> dict[str, Any]:
        """As an event keeps it."""
        return asdict(self) | {"code_verified_at": self.code_verified_at.isoformat()}


@dataclass(frozen=True)
class AgreementEvidence:
    """Who agreed to a text, as whom, and how their mailbox was proved: the same for an acceptance,
    an amendment, a conversion.
    """

    full_name: str
    email: str
    proof: MailboxProof
    company: str | None = None
    address: str | None = None
    vat_id: str | None = None
    purchase_order: str | None = None

    def columns(self) -> dict[str, Any]:
        """As an acceptance keeps it."""
        return {name: value for name, value in vars(self).items() if name != "proof"} | vars(
            self.proof
        )
