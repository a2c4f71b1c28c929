"""What we did with people's money and rights, per quarter: computed from the rows, never typed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from service.domain.money.money import round_half_up
from service.platform.db import fetch

_HOLDS = """
    SELECT reason_code, automated, count(*) AS placed, count(*) FILTER (WHERE ended_at IS NOT NULL)
        AS ended,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch
               FROM ended_at - starts_at) / 3600) FILTER (WHERE ended_at IS NOT NULL)
               AS median_hours
      FROM hold WHERE starts_at >= %s AND starts_at < %s GROUP BY 1, 2 ORDER BY 1, 2
"""
_APPEALS = """
    SELECT count(*) AS decided, count(*) FILTER (WHERE state <> 'decision_upheld') AS overturned,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch
               FROM decided_at - filed_at) / 3600) AS median_hours
      FROM appeal WHERE decided_at >= %s AND decided_at < %s AND state <> 'withdrawn'
"""
_CASES = """
    SELECT c.currency, sum(l.amount_minor) FILTER (WHERE l.target <> 'remainder_to_person')::bigint
        AS confiscated_minor, sum(l.restored_minor)
        FILTER (WHERE l.target <> 'remainder_to_person')::bigint AS restored_minor,
           count(DISTINCT c.id) AS cases
      FROM confiscation c JOIN case_line l ON l.case_id = c.id WHERE c.executed_at >= %s
          AND c.executed_at < %s GROUP BY 1 ORDER BY 1
"""
_HELD_NOW = """
    SELECT a.currency, sum(b.credits - b.debits)::bigint AS held_minor FROM ledger_balance b
        JOIN ledger_account a ON a.id = b.account_id
     WHERE b.hold_release + b.hold_refund + b.hold_outflow > 0
         OR (a.kind = 'reserve' AND a.owner_type = 'hold' AND b.credits > b.debits) GROUP BY 1
         HAVING sum(b.credits - b.debits) > 0 ORDER BY 1
"""


def bounds(year: int, quarter: int) -> tuple[datetime, datetime]:
    """First instant of a quarter and of the next one, UTC."""
    return datetime(year, 3 * quarter - 2, 1, tzinfo=UTC), datetime(
        year + quarter // 4, 3 * quarter % 12 + 1, 1, tzinfo=UTC
    )


def quarter(session: Session, start: datetime, end: datetime) -> dict[str, Any]:
    """Holds by reason with the median time to their end, appeals with the share that was
    overturned, money held now, taken and given back.
    """
    appeals = fetch(session, _APPEALS, (start, end))[0]
    return {
        "from": start.date().isoformat(),
        "until": end.date().isoformat(),
        "holds": [
            {
                "reason_code": r.reason_code,
                "automated": r.automated,
                "placed": r.placed,
                "ended": r.ended,
                "median_hours": _hours(r.median_hours),
            }
            for r in fetch(session, _HOLDS, (start, end))
        ],
        "appeals": {
            "decided": appeals.decided,
            "overturned": appeals.overturned,
            "median_hours": _hours(appeals.median_hours),
            "overturned_percent": round_half_up(100 * appeals.overturned, appeals.decided)
            if appeals.decided
            else None,
        },
        "confiscations": [
            {
                "currency": r.currency,
                "cases": r.cases,
                "confiscated": r.confiscated_minor or 0,
                "restored": r.restored_minor or 0,
            }
            for r in fetch(session, _CASES, (start, end))
        ],
        "held_now": [
            {"currency": r.currency, "amount": r.held_minor} for r in fetch(session, _HELD_NOW)
        ],
    }


def _hours(value: Any) -> int | None:
    return None if value is None else round(float(value))
