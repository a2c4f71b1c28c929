"""Who does something: a kind and, where there are several of a kind, an id.

Rows keep the text; code has the type.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class ActorKind(StrEnum):
    """The words before the colon, as rows keep them; none is ever renamed."""

    FREELANCER = "freelancer"
    CLIENT = "client"
    COLLEAGUE = "colleague"
    PLATFORM = "platform"
    STAFF = "staff"
    SYSTEM = "system"
    PSP = "psp"


_ONE_OF_ITS_KIND: Final = frozenset({ActorKind.SYSTEM, ActorKind.PSP})
_FOR_A_PARTY: Final = frozenset(
    {ActorKind.FREELANCER, ActorKind.CLIENT, ActorKind.COLLEAGUE, ActorKind.PLATFORM}
)
_ACTS_AS: Final = {ActorKind.PLATFORM: ActorKind.FREELANCER, ActorKind.COLLEAGUE: ActorKind.CLIENT}


@dataclass(frozen=True, slots=True)
class Actor:
    """One person or process.

    `str(actor)` is what a row keeps: `freelancer:frl_…`, `staff:key_…`, `system`.
    """

    kind: ActorKind
    id: str = ""

    def __post_init__(self) -> None:
        if (self.kind in _ONE_OF_ITS_KIND) == bool(self.id):
            raise ValueError(f"an actor of kind {self.kind} has {'no' if self.id else 'an'} id")

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}" if self.id else str(self.kind)

    @classmethod
    def parse(cls, stored: str) -> Actor:
        """What a row keeps, read back; for nothing else.

        Raises ValueError for a text that no actor writes.
        """
        kind, _, own = stored.partition(":")
        return cls(ActorKind(kind), own)

    @property
    def role(self) -> ActorKind:
        """The part in the lifecycle tables: a marketplace's key acts for the freelancer, a
        colleague for the client.
        """
        return _ACTS_AS.get(self.kind, self.kind)

    @property
    def for_a_party(self) -> bool:
        """One of a contract's two people does it, themselves, through the marketplace's key or a
        colleague: a sign of life.
        """
        return self.kind in _FOR_A_PARTY


def text(actor: Actor | None) -> str | None:
    """For an answer that may name nobody yet."""
    return None if actor is None else str(actor)


SYSTEM: Final = Actor(ActorKind.SYSTEM)
PSP: Final = Actor(ActorKind.PSP)


def freelancer(freelancer_id: str) -> Actor:
    return Actor(ActorKind.FREELANCER, freelancer_id)


def client(client_id: str) -> Actor:
    return Actor(ActorKind.CLIENT, client_id)


def colleague(link_id: str) -> Actor:
    """Somebody to whom the client passed the contract on, by their link."""
    return Actor(ActorKind.COLLEAGUE, link_id)


def platform(key_id: str) -> Actor:
    return Actor(ActorKind.PLATFORM, key_id)


def staff(key_id: str) -> Actor:
    """A person of staff, by their key; `cli` for whoever runs the command line."""
    return Actor(ActorKind.STAFF, key_id)
