"""A new key for what is sealed: rows that an older key sealed are opened and sealed anew, some at a
time.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from service.core.context import Context
from service.models import TaxFiling, TaxIdentity
from service.platform.encryption import FieldEncryption

AT_ONCE = 200


def reencrypt(ctx: Context, encryption: FieldEncryption) -> int:
    """Returns how many were sealed anew; call again until it is 0.

    Raises Unavailable for one whose key is gone.
    """
    older = [*_older(ctx, TaxIdentity, encryption.name), *_older(ctx, TaxFiling, encryption.name)]
    for one in older:
        one.sealed, one.sealed_with = (
            encryption.encrypt(encryption.decrypt(one.sealed)),
            encryption.name,
        )
    return len(older)


def _older(ctx: Context, kept: Any, newest: str) -> list[Any]:
    query = (
        select(kept)
        .where(kept.sealed_with != newest)
        .order_by(kept.id)
        .limit(AT_ONCE)
        .with_for_update()
    )
    return list(ctx.session.execute(query).scalars())
