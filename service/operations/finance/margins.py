"""What the platform keeps of each contract, straight from the books: fees and recovered cost less
what Stripe really took.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from service.domain.identity import typeid
from service.platform.db import fetch

INCOME = ("platform_fees", "processing_recovered")
COST = ("psp_fees", "dispute_fees", "losses")

_MARGINS = """
    SELECT * FROM (
        SELECT j.contract_id AS id, p.currency,
               coalesce(sum(p.signed) FILTER (WHERE p.kind = 'platform_fees'), 0)::bigint
                   AS fees_minor,
               coalesce(sum(p.signed) FILTER (WHERE p.kind = 'processing_recovered'), 0)::bigint
                   AS recovered_minor,
               coalesce(-sum(p.signed) FILTER (WHERE p.kind = 'psp_fees'), 0)::bigint
                   AS processing_minor,
               coalesce(-sum(p.signed) FILTER (WHERE p.kind = 'dispute_fees'), 0)::bigint
                   AS dispute_fees_minor,
               coalesce(-sum(p.signed) FILTER (WHERE p.kind = 'losses'), 0)::bigint AS losses_minor,
               sum(p.signed)::bigint AS margin_minor
          FROM journal_entry j
          JOIN (SELECT po.entry_id, po.currency, a.kind, po.amount AS signed FROM posting po
              JOIN ledger_account a ON a.id = po.credit_account
                UNION ALL
                SELECT po.entry_id, po.currency, a.kind, -po.amount FROM posting po
                    JOIN ledger_account a ON a.id = po.debit_account) p
            ON p.entry_id = j.id
         WHERE j.contract_id IS NOT NULL AND p.kind = ANY (%s)
             AND (%s::uuid IS NULL OR j.contract_id < %s)
         GROUP BY 1, 2) m
     WHERE NOT %s OR margin_minor < 0
     ORDER BY id DESC, currency LIMIT %s
"""


def margins(session: Session, *, after: str | None, losing_only: bool, limit: int) -> list[Any]:
    """Newest contracts first, one more than `limit` when there are more; amounts in minor units of
    each row's currency.
    """
    before = typeid.decode(after) if after else None
    return fetch(session, _MARGINS, [[*INCOME, *COST], before, before, losing_only, limit + 1])
