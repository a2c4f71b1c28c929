"""The event feed, as each reader may see it; the table is `domain.feed`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from service.domain.identity import typeid
from service.domain.identity.typeid import ObjectKind
from service.domain.states import feed
from service.domain.states.feed import FEED, Reader
from service.models import Contract, Event, Hold


@dataclass(frozen=True)
class SeenEvent:
    """One fact as one reader sees it."""

    id: str
    type: str
    occurred_at: datetime
    contract_id: str | None
    contract_kind: str | None
    sequence: int | None
    actor: str
    data: dict[str, Any]
    number: int
    position: int | None


def page(session: Session, reader: Reader, statement: Select[Event]) -> list[SeenEvent]:
    """The public facts of a statement, each cut to what this reader may know."""
    told = statement.where(Event.public, Event.type.in_(list(FEED)))
    return _seen(session, reader, list(session.execute(told).scalars()))


def timeline(
    session: Session, reader: Reader, contract_id: str, after: int, limit: int
) -> list[SeenEvent]:
    """What happened to a contract, oldest first; one more than `limit` when there are more."""
    query = select(Event).where(Event.contract_id == contract_id, Event.number > after)
    return page(session, reader, query.order_by(Event.number).limit(limit + 1))


def _seen(session: Session, reader: Reader, found: list[Event]) -> list[SeenEvent]:
    aliases = _aliases(session, {event.contract_id for event in found if event.contract_id})
    told = _told(
        session, {e.object_id for e in found if typeid.is_typeid(e.object_id, ObjectKind.HOLD)}
    )
    return [_one(event, reader, aliases.get(event.contract_id or ""), told) for event in found]


def _one(event: Event, reader: Reader, alias: str | None, told: set[str]) -> SeenEvent:
    data = feed.data_for(reader, event.type, event.data, told=event.object_id in told)
    states = {"object": event.object_id, "from": event.from_state, "to": event.to_state}
    return SeenEvent(
        id=event.id,
        type=event.type,
        occurred_at=event.occurred_at,
        contract_id=event.contract_id,
        contract_kind=event.contract_kind,
        sequence=event.sequence,
        actor=feed.actor_for(reader, event.actor, alias),
        data=states | data,
        number=event.number,
        position=event.position,
    )


def _aliases(session: Session, contracts: set[str]) -> dict[str, str]:
    if not contracts:
        return {}
    query = select(Contract.id, Contract.client_alias_id).where(Contract.id.in_(contracts))
    return {row.id: row.client_alias_id for row in session.execute(query)}


def _told(session: Session, holds: set[str]) -> set[str]:
    if not holds:
        return set()
    query = select(Hold.id).where(Hold.id.in_(holds), Hold.disclosure == "full")
    return set(session.execute(query).scalars())
