"""A new key for what is sealed: rows that an older key sealed are opened and sealed anew, some at a
time.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from service.core.context import Act
from service.models import TaxFiling, TaxIdentity
from service.platform.encryption import Seals

AT_ONCE = 200


def reseal(act: Act, seals: Seals) -> int:
    """Returns how many were sealed anew; call again until it is 0.

    Raises Unavailable for one whose key is gone.
    """
    older = [*_older(act, TaxIdentity, seals.name), *_older(act, TaxFiling, seals.name)]
    for one in older:
        one.sealed, one.sealed_with = seals.seal(seals.open(one.sealed)), seals.name
    return len(older)


def _older(act: Act, kept: Any, newest: str) -> list[Any]:
    query = (
        select(kept)
        .where(kept.sealed_with != newest)
        .order_by(kept.id)
        .limit(AT_ONCE)
        .with_for_update()
    )
    return list(act.session.execute(query).scalars())
