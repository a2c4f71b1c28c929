"""What a receipt says, in a shape that a row keeps and every reader of it shares."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class ReceiptLine:
    """A milestone as it was called when it was paid, in minor units of the receipt's currency."""

    title: str
    amount_minor: int


@dataclass(frozen=True)
class ReceiptContent:
    """Written down with the payment.

    `buyer`: the lines of the address; amounts in minor units; `held`: it reached its milestones.
    """

    buyer: tuple[str, ...]
    purchase_order: str | None
    locale: str
    seller: str
    contract: str
    title: str
    currency: str
    lines: tuple[ReceiptLine, ...]
    client_fee_minor: int
    surcharge_minor: int
    received_minor: int
    received_currency: str
    held: bool
    card_last4: str | None

    def stored(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, stored: dict[str, Any]) -> ReceiptContent:
        """Of a row, and of nothing else."""
        lines = tuple(ReceiptLine(**line) for line in stored["lines"])
        return cls(**(stored | {"buyer": tuple(stored["buyer"]), "lines": lines}))
