"""The one ownership filter and the one order of locks.

Every read of a person's object comes through here with its owner; an object of somebody else is not
found, exactly as one that does not exist. Locks are taken in this order and no other: freelancer,
contract, payment or payout, and then the ledger's balances by account id inside `ledger.post`. A
contract's lock covers its milestones and payments.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session, joinedload

from service.domain.errors import NotFound
from service.domain.identity import typeid
from service.models import (
    Chargeback,
    Contract,
    Dispute,
    Freelancer,
    Milestone,
    Payment,
    Payout,
    Refund,
    RefundRequest,
    TaxIdentity,
)


class Everyone(Enum):
    """The one value that stands for all owners; no id, no None and no forgotten argument is it."""

    EVERYONE = "everyone"

    def __bool__(self) -> bool:
        """Raises TypeError: `if owner` would read "somebody" where everybody is meant."""
        raise TypeError("ask `owner is EVERYONE`")


EVERYONE: Final = Everyone.EVERYONE
"""As owner: a platform key, staff, or the system. Said explicitly at each call."""

Owner = str | Everyone
"""Whose objects are looked at: those of one freelancer, by their id, or EVERYONE's."""


def _one(session: Session, query: Select[Any], lock: bool) -> Any:
    if lock:
        # Stronger than a foreign key's check, weaker than a delete: inserts of child rows do not
        # wait for it.
        query = query.with_for_update(
            key_share=True, of=query.column_descriptions[0]["entity"]
        ).execution_options(populate_existing=True)
    found = session.execute(query).scalar_one_or_none()
    if found is None:
        raise NotFound("There is no such object.")
    return found


def one_or_none(session: Session, query: Select[Any] | None, *, lock: bool) -> Any:
    """The one row of a query, or None; locked: as it is now, whatever was read before, but nothing
    of this action's own writing is lost.
    """
    if query is None:
        return None
    if lock:
        session.flush()
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.execute(query).scalar_one_or_none()


def _known(text: str, prefix: str) -> str:
    if not typeid.is_typeid(text, prefix):
        raise NotFound("There is no such object.")
    return text


def owned(
    session: Session,
    kind: type[Any],
    prefix: str,
    object_id: str,
    *,
    owner: Owner,
    missing: str,
    lock: bool = False,
    only: ColumnElement[bool] | None = None,
    whose: InstrumentedAttribute[Any] | None = None,
) -> Any:
    """A row of a table that names its freelancer, or in the column `whose` another owner.

    Raises NotFound with the sentence `missing`.

    Whose it is, and `only` (what its owner may see of it), is asked in the same statement: an
    object of somebody else takes the same way and the same time as one that does not exist.
    """
    if not typeid.is_typeid(object_id, prefix):
        raise NotFound(missing)
    query = select(kind).where(kind.id == object_id)
    if owner is not EVERYONE:
        query = query.where((kind.freelancer_id if whose is None else whose) == owner)
        query = query if only is None else query.where(only)
    found = one_or_none(session, query, lock=lock)
    if found is None:
        raise NotFound(missing)
    return found


def _contract_of(session: Session, query: Select[Any], owner: Owner) -> str:
    """The contract's id that a child's query selects, if it is the owner's. Raises NotFound."""
    if owner is not EVERYONE:
        query = query.join(Contract).where(Contract.freelancer_id == owner)
    found: str | None = session.execute(query).scalar_one_or_none()
    if found is None:
        raise NotFound("There is no such object.")
    return found


def freelancer(session: Session, freelancer_id: str, *, lock: bool = False) -> Freelancer:
    """Raises NotFound."""
    found: Freelancer = _one(
        session, select(Freelancer).where(Freelancer.id == _known(freelancer_id, "frl")), lock
    )
    return found


def contract(session: Session, contract_id: str, *, owner: Owner, lock: bool = False) -> Contract:
    """The contract if `owner` (a freelancer's id, or EVERYONE) has it.

    Locked: milestones read afterwards are current.
    """
    # Nearly every reader shows both people: one statement instead of three.
    query = (
        select(Contract)
        .options(joinedload(Contract.client), joinedload(Contract.freelancer))
        .where(Contract.id == _known(contract_id, "ctr"))
    )
    if owner is not EVERYONE:
        query = query.where(Contract.freelancer_id == owner)
    found: Contract = _one(session, query, lock)
    if lock:
        # What was read before the lock may be old: a verb that looked first and locked then would
        # work on yesterday's amounts.
        for one in [
            m
            for m in session.identity_map.values()
            if isinstance(m, Milestone) and m.contract_id == found.id
        ]:
            session.expire(one)
        session.expire(found, ["milestones"])
    return found


def milestone(
    session: Session, milestone_id: str, *, owner: Owner, lock: bool = True
) -> tuple[Contract, Milestone]:
    """The milestone with its contract, which is locked unless said otherwise. Raises NotFound."""
    query = select(Milestone.contract_id).where(Milestone.id == _known(milestone_id, "mst"))
    parent = contract(session, _contract_of(session, query, owner), owner=owner, lock=lock)
    return parent, next(m for m in parent.milestones if m.id == milestone_id)


def payment(session: Session, payment_id: str, *, lock: bool = False) -> tuple[Contract, Payment]:
    """The payment with its contract, both locked when asked, the contract first.

    Raises NotFound.
    """
    query = select(Payment).where(Payment.id == _known(payment_id, "pay"))
    contract_id = _one(session, query, False).contract_id
    parent = contract(session, contract_id, owner=EVERYONE, lock=lock)
    found: Payment = _one(session, query, lock)
    return parent, found


def refund(session: Session, refund_id: str) -> tuple[Contract, Payment, Refund]:
    """The refund with payment and contract, locked from the outside in. Raises NotFound."""
    query = select(Refund).where(Refund.id == _known(refund_id, "ref"))
    parent, paid = payment(session, _one(session, query, False).payment_id, lock=True)
    found: Refund = _one(session, query, True)
    return parent, paid, found


def _of_contract(
    session: Session, kind: type[Any], prefix: str, object_id: str, owner: Owner, *, lock: bool
) -> tuple[Contract, Any]:
    known = _known(object_id, prefix)
    contract_id = _contract_of(session, select(kind.contract_id).where(kind.id == known), owner)
    parent = contract(session, contract_id, owner=owner, lock=lock)
    return parent, _one(session, select(kind).where(kind.id == known), lock)


def refund_request(
    session: Session, request_id: str, *, owner: Owner, lock: bool = False
) -> tuple[Contract, RefundRequest]:
    """With its contract, both locked when asked. Raises NotFound."""
    return _of_contract(session, RefundRequest, "rrq", request_id, owner, lock=lock)


def dispute(
    session: Session, dispute_id: str, *, owner: Owner, lock: bool = False
) -> tuple[Contract, Dispute]:
    """With its contract, both locked when asked. Raises NotFound."""
    return _of_contract(session, Dispute, "dsp", dispute_id, owner, lock=lock)


def chargeback(
    session: Session, chargeback_id: str, *, owner: Owner, lock: bool = False
) -> tuple[Contract, Chargeback]:
    """With its contract, both locked when asked. Raises NotFound."""
    return _of_contract(session, Chargeback, "cbk", chargeback_id, owner, lock=lock)


def payout(session: Session, payout_id: str, *, owner: Owner, lock: bool = False) -> Payout:
    """Locked together with its freelancer, who is locked first. Raises NotFound."""
    query = select(Payout).where(Payout.id == _known(payout_id, "pyo"))
    if owner is not EVERYONE:
        query = query.where(Payout.freelancer_id == owner)
    found: Payout = _one(session, query, False)
    if lock:
        freelancer(session, found.freelancer_id, lock=True)
        found = _one(session, query, True)
    return found


def tax_identity(
    session: Session, freelancer_id: str, at: datetime | None = None
) -> TaxIdentity | None:
    """What a freelancer had declared last at an instant; by now when none is said.

    None before anything was.
    """
    query = (
        select(TaxIdentity)
        .where(TaxIdentity.freelancer_id == freelancer_id)
        .order_by(TaxIdentity.signed_at.desc(), TaxIdentity.id.desc())
        .limit(1)
    )
    query = (
        query.where(TaxIdentity.signed_at <= at)
        if at
        else query.where(TaxIdentity.replaced_at.is_(None))
    )
    return session.execute(query).scalar_one_or_none()
