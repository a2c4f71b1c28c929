"""Files for tax offices that were prepared: kept sealed, each document with its reference, so that
a correction can name what it corrects.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import events
from service.core.context import Context
from service.domain.errors import NotFound
from service.domain.identity import typeid
from service.models import TaxFiling, new_id
from service.platform import locks
from service.platform.encryption import FieldEncryption

Doc = dict[str, Any]


def alone(ctx: Context, regime: str, year: int) -> list[TaxFiling]:
    """Everything prepared for a regime and year so far, oldest first; nobody else prepares beside
    this action.
    """
    locks.alone(ctx.session, locks.Lock.FILING, f"{regime} {year}")
    query = (
        select(TaxFiling)
        .where(TaxFiling.regime == regime, TaxFiling.year == year)
        .order_by(TaxFiling.made_at, TaxFiling.id)
        .limit(1_000)
    )
    return list(ctx.session.execute(query).scalars())


def newest_docs(filed: list[TaxFiling]) -> dict[str, Doc]:
    """By seller: the last document about them."""
    return {str(doc["seller"]): doc for filing in filed for doc in filing.docs}


def keep(
    ctx: Context,
    encryption: FieldEncryption,
    *,
    regime: str,
    year: int,
    reference: str,
    kind: str,
    as_of: datetime,
    docs: list[Doc],
    xml: bytes,
) -> TaxFiling:
    """Raises Unavailable without keys."""
    made = TaxFiling(
        id=new_id("flg"),
        regime=regime,
        year=year,
        message_ref=reference,
        message_type=kind,
        as_of=as_of,
        docs=docs,
        sha256=hashlib.sha256(xml).hexdigest(),
        sealed=encryption.encrypt(xml),
        sealed_with=encryption.name,
        made_by=ctx.actor,
        made_at=ctx.now,
    )
    ctx.session.add(made)
    events.record(
        ctx,
        "tax_filing.prepared",
        made,
        public=False,
        regime=regime,
        year=year,
        reference=reference,
    )
    return made


def find(session: Session, filing_id: str) -> TaxFiling:
    """Raises NotFound."""
    found = session.get(TaxFiling, filing_id) if typeid.is_typeid(filing_id, "flg") else None
    if found is None:
        raise NotFound("There is no such filing.")
    return found


def file_of(ctx: Context, encryption: FieldEncryption, filing: TaxFiling) -> bytes:
    """The XML; who took it is a fact, since it has full names and numbers."""
    events.record(ctx, "tax_filing.read", filing, public=False)
    return encryption.decrypt(filing.sealed)


def listed(session: Session, after: str | None, limit: int) -> list[TaxFiling]:
    """Newest first, one more than `limit` when there are more."""
    query = select(TaxFiling).order_by(TaxFiling.id.desc()).limit(limit + 1)
    return list(session.execute(query.where(TaxFiling.id < after) if after else query).scalars())
