"""Files for tax offices have one currency: a line that no stored rate reaches is named and nothing
is filed without it.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from service.domain.errors import Conflict
from service.domain.identity import typeid
from service.exports.definitions import ExportRequest
from service.exports.reading import parameters
from service.platform.db import fetch

_MOST = 20
# What the registers reckon with: everything about work of which something was released in the
# period.
_LINES = """
    SELECT DISTINCT l.posted_on, l.currency FROM party_line l
      LEFT JOIN LATERAL fx_on(l.currency, %(home)s, l.posted_on, %(as_of)s) x ON true
     WHERE l.party = 'freelancer' AND l.party_id = %(seller)s AND l.position <= %(placed)s
         AND l.currency <> %(home)s AND x.rate IS NULL
       AND l.type IN ('release', 'refund_after_release', 'platform_fee', 'platform_fee_refund',
           'fee_tax', 'fee_tax_refund',
                      'processing_cost', 'processing_cost_refund', 'tax_withheld')
       AND l.milestone_id IN (SELECT r.milestone_id FROM party_line r
                               WHERE r.party = 'freelancer' AND r.party_id = %(seller)s
                                   AND r.type = 'release'
                                 AND r.posted_on BETWEEN %(first)s AND %(last)s
                                     AND r.position <= %(placed)s)
     ORDER BY 1, 2 LIMIT %(most)s
"""


def refuse(session: Session, asked: ExportRequest, seller_id: str) -> Conflict:
    """The refusal that names each day and pair without a rate, at most 20, of somebody's lines in
    the period that was asked for.
    """
    given = parameters(session, asked) | {"seller": typeid.decode(seller_id), "most": _MOST}
    lacking = [
        {"base": row.currency, "quote": asked.home, "day": row.posted_on.isoformat()}
        for row in fetch(session, _LINES, given)
    ]
    pairs = "; ".join(f"{one['base']} to {one['quote']} on {one['day']}" for one in lacking[:5])
    more = ", and more" if len(lacking) > 5 else ""
    return Conflict(
        f"No rate is stored for these days or the ten before them: {pairs}{more} ({seller_id}). "
        "Add the rates first.",
        {"missing_rates": lacking},
    )
