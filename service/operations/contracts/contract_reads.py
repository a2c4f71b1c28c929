"""Contracts as they are shown: one, a page, what happened, who accepted.

Nothing here writes.

Contracts are read far more often than anything else, so these two statements go straight to the
driver and give rows with the model's attribute names; a page of fifty through the ORM costs ten
times as much.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.repository import EVERYONE, Owner
from service.domain.errors import NotFound
from service.domain.identity import typeid
from service.models import Acceptance, Chargeback, Contract, ContractText, Event
from service.platform.db import fetch

_CONTRACT = """
    SELECT c.id, c.kind, c.state, c.version, c.freelancer_id, c.client_alias_id, c.client_name,
        c.client_company, c.client_country, c.title, c.description,
           c.relation, c.fee_rate, c.converted_from, c.currency, c.review_period_days,
               c.processing_borne_by, c.metadata AS metadata_, c.text_version, c.text_hash, c.quote,
           c.created_at, c.updated_at, c.sent_at, c.offer_expires_at, c.viewed_at, c.accepted_at,
               c.fund_by, c.closed_at, cl.email AS client_email
      FROM contract c JOIN client cl ON cl.id = c.client_id
"""
_MILESTONES = """
    SELECT id, contract_id, number, state, title, amount_minor, due_on, funded_minor,
        released_minor, refunded_minor, refunding_minor,
           refunded_after_release_minor, disputed_minor, charged_back_minor, confiscated_minor,
               fee_taken_minor, round, auto_release_at, hold_limit_at
      FROM milestone WHERE contract_id = ANY (%s) ORDER BY contract_id, number
"""


def one(session: Session, contract_id: str, *, owner: Owner) -> SimpleNamespace:
    """A contract with its milestones, if `owner` (a freelancer's id, or EVERYONE) has it.

    Raises NotFound.
    """
    if not typeid.is_typeid(contract_id, "ctr"):
        raise NotFound("There is no such object.")
    found = _read(session, {"c.id = %s": typeid.decode(contract_id)}, owner, 1)
    if not found:
        raise NotFound("There is no such object.")
    return found[0]


def find_many(
    session: Session,
    *,
    owner: Owner,
    state: str | None,
    external: str | None,
    after: str | None,
    limit: int,
) -> list[SimpleNamespace]:
    """Newest first, one more than `limit` when there are more.

    `external` matches metadata.external_ref.
    """
    given = {
        "c.state = %s": state,
        "c.metadata ->> 'external_ref' = %s": external,
        "c.id < %s": typeid.decode(after) if after else None,
    }
    return _read(
        session, {condition: value for condition, value in given.items() if value}, owner, limit + 1
    )


def _read(
    session: Session, conditions: dict[str, Any], owner: Owner, limit: int
) -> list[SimpleNamespace]:
    if owner is not EVERYONE:
        conditions = conditions | {"c.freelancer_id = %s": typeid.decode(owner)}
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    rows = fetch(
        session,
        f"{_CONTRACT}{where} ORDER BY c.id DESC LIMIT {limit:d}",
        tuple(conditions.values()),
    )
    by_id = {row.id: _contract(row) for row in rows}
    for row in fetch(session, _MILESTONES, (list(by_id),)) if by_id else ():
        milestone = SimpleNamespace(**row._asdict())
        milestone.id = typeid.encode("mst", row.id)
        by_id[row.contract_id].milestones.append(milestone)
    for contract in by_id.values():
        contract.total_minor = sum(m.amount_minor for m in contract.milestones)
    return list(by_id.values())


def _contract(row: Any) -> SimpleNamespace:
    shown = SimpleNamespace(**row._asdict())
    shown.id, shown.freelancer_id = (
        typeid.encode("ctr", row.id),
        typeid.encode("frl", row.freelancer_id),
    )
    shown.converted_from = typeid.encode("ctr", row.converted_from) if row.converted_from else None
    shown.client_alias_id = typeid.encode("cli", row.client_alias_id)
    shown.client = SimpleNamespace(email=row.client_email)
    shown.milestones = []
    return shown


def timeline(session: Session, contract_id: str, after: int, limit: int) -> list[Event]:
    """What happened, oldest first: one row per public fact, one more than `limit` when there are
    more.
    """
    query = (
        select(Event)
        .where(Event.contract_id == contract_id, Event.public, Event.number > after)
        .order_by(Event.number)
        .limit(limit + 1)
    )
    return list(session.execute(query).scalars())


def versions_of(session: Session, contract_id: str) -> list[ContractText]:
    """Every version of the text, oldest first."""
    query = (
        select(ContractText)
        .where(ContractText.contract_id == contract_id)
        .order_by(ContractText.text_version)
        .limit(100)
    )
    return list(session.execute(query).scalars())


def acceptance_of(session: Session, contract: Contract) -> Acceptance | None:
    """The evidence of the acceptance of the present text."""
    return session.get(Acceptance, (contract.id, contract.text_version))


def chargebacks_of(session: Session, contract_id: str) -> list[Chargeback]:
    """All of a contract, newest first, at most 100."""
    return list(
        session.execute(
            select(Chargeback)
            .where(Chargeback.contract_id == contract_id)
            .order_by(Chargeback.id.desc())
            .limit(100)
        ).scalars()
    )
