"""The books' own function, called past the service: for attacks, races and states that time would
make.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

POST = """
    SELECT ledger_post(gen_random_uuid(), %(kind)s, %(cause_type)s, %(cause)s::uuid, NULL::int,
        NULL::uuid, 'attacker', now(),
                       coalesce(%(day)s::date, current_date), now(),
                           coalesce(%(day)s::date, current_date), 'x', %(currency)s,
                       %(dk)s::text[], %(dt)s::text[], %(do)s::uuid[], %(ck)s::text[],
                           %(ct)s::text[], %(co)s::uuid[], %(amounts)s::bigint[])
"""
Side = tuple[str, str | None, UUID | None]
"""An account's code, its owner's type, its owner."""


def entry(kind: str, lines: Sequence[tuple[Side, Side, int]], **more: Any) -> dict[str, Any]:
    """The parameters of `POST`: lines of (debit, credit, minor units); `day`, `cause`,
    `cause_type`, `currency` where they matter.
    """
    given: dict[str, Any] = {
        "kind": kind,
        "cause_type": "pay",
        "cause": uuid4(),
        "currency": "USD",
        "day": None,
    }
    for side, (code, owner_type, owner) in (("d", ("k", "t", "o")), ("c", ("k", "t", "o"))):
        of = [line[0 if side == "d" else 1] for line in lines]
        given |= {
            side + code: [a[0] for a in of],
            side + owner_type: [a[1] for a in of],
            side + owner: [a[2] for a in of],
        }
    return given | {"amounts": [line[2] for line in lines]} | more
