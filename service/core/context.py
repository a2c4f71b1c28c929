"""The context of an action: one person or process doing one thing at one instant.

Every operation takes one, so actor, instant and cause reach each row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from sqlalchemy.orm import Session

from service.domain.identity.actors import Actor, ActorKind
from service.platform import clock
from service.policies import Policies


@dataclass(frozen=True)
class Context:
    """Who acts, and when.

    `now` is of the service's clock: when it happens, or for a timer when it was due. `recorded_at`
    is when it is written down.
    """

    session: Session
    actor: Actor
    now: datetime
    request_id: str
    policies: Policies
    recorded_at: datetime

    @property
    def today(self) -> date:
        """The day in the books' zone: what decides a month, a schedule of fees, a tax year."""
        return self.now.astimezone(self.policies.book_zone).date()

    @property
    def role(self) -> ActorKind:
        """The actor's part in the lifecycle tables."""
        return self.actor.role

    def as_(self, actor: Actor | Literal["system", "psp"]) -> Context:
        """The same action in another's name: what the system or the processor does in
        consequence.
        """
        return replace(self, actor=actor if isinstance(actor, Actor) else Actor(ActorKind(actor)))

    def again(self) -> Context:
        """The same action at the present instant: after it has waited for a lock."""
        now = clock.now(self.session)
        return replace(self, now=now, recorded_at=now)

    def at(self, instant: datetime) -> Context:
        """The same action at the instant at which it was due: a timer that runs late still happens
        on time, and says when it ran.
        """
        return replace(self, now=instant)


def begin(session: Session, actor: Actor, request_id: str, policies: Policies) -> Context:
    """The context of an action at the service's present instant."""
    now = clock.now(session)
    return Context(session, actor, now, request_id, policies, now)
