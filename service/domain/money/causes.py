"""What a row of the books or a paper is about: another row, and which of its lines, rounds or
holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from service.domain.identity import typeid
from service.domain.identity.typeid import ObjectKind


@dataclass(frozen=True)
class Cause:
    """A row by its id; `sequence` where one row causes several of a kind: a case's line, a
    chargeback's round, a payout's hold.
    """

    id: str
    sequence: int | None = None

    @property
    def type(self) -> ObjectKind:
        """What kind of row, as rows keep it."""
        return typeid.kind_of(self.id)

    @property
    def uuid(self) -> UUID:
        return typeid.decode(self.id)
