"""A journal entry and the one way into the books: PostgreSQL's `ledger_post`, in the caller's
transaction.

One round trip a movement. The function checks the chart, opens accounts on first use with what they
belong to, locks the bounded ones in one global order, checks holds under that lock, keeps the trust
identity and the closed months, and lets CHECKs refuse what would overdraw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from service.core.context import Context
from service.domain.errors import AlreadyPosted, HoldfastError, NotEnough, OnHold
from service.domain.identity import typeid
from service.domain.money.causes import Cause
from service.domain.money.chart import EntryType
from service.ledger.accounts import Account
from service.models import new_id
from service.platform.db import constraint_of

_POST = (
    "SELECT ledger_post(%s::uuid, %s, %s, %s::uuid, %s::int, %s::uuid, %s, %s, %s, %s, %s, %s, %s,"
    " %s::text[], %s::text[], %s::uuid[], %s::text[], %s::text[], %s::uuid[], %s::bigint[])"
)

_REFUSALS: dict[str, type[HoldfastError]] = {
    "journal_entry_kind_cause_key": AlreadyPosted,
    "ledger_balance_not_overdrawn": NotEnough,
    "ledger_account_held": OnHold,
}


@dataclass(frozen=True)
class Line:
    """`amount_minor` moves from `credit` to `debit` in bookkeeping's sense.

    Lines of zero are left out when posted.
    """

    debit: Account
    credit: Account
    amount_minor: int


@dataclass(frozen=True)
class Entry:
    """One business event; made by the builders of `ledger.entries`.

    (type, cause) can be posted once.
    """

    type: EntryType
    cause: Cause
    currency: str
    lines: tuple[Line, ...]
    description: str
    contract_id: str | None = None


def post(ctx: Context, entry: Entry) -> str:
    """Write the entry; returns its id.

    Raises AlreadyPosted, NotEnough, OnHold; the transaction is then over.
    """
    ctx.session.flush()
    entry_id = new_id("jnl")
    try:
        ctx.session.connection().exec_driver_sql(_POST, _parameters(ctx, entry, entry_id))
    except IntegrityError as error:
        refusal = _REFUSALS.get(constraint_of(error) or "")
        if refusal is None:
            raise
        raise refusal from error
    return entry_id


def _parameters(ctx: Context, entry: Entry, entry_id: str) -> tuple[Any, ...]:
    lines = [line for line in entry.lines if line.amount_minor]
    day = ctx.today
    return (
        typeid.decode(entry_id),
        entry.type,
        entry.cause.type,
        entry.cause.uuid,
        entry.cause.sequence,
        typeid.decode(entry.contract_id) if entry.contract_id else None,
        str(ctx.actor),
        ctx.now,
        day,
        ctx.recorded_at,
        day,
        entry.description,
        entry.currency,
        *_sides([line.debit for line in lines]),
        *_sides([line.credit for line in lines]),
        [line.amount_minor for line in lines],
    )


def _sides(accounts: Sequence[Account]) -> tuple[list[str], list[str | None], list[UUID | None]]:
    owners = [account.owner for account in accounts]
    return (
        [account.code.value for account in accounts],
        [owner.type.value if owner else None for owner in owners],
        [owner.uuid if owner else None for owner in owners],
    )
