"""Money that nobody has asked for: due by the freelancer's own schedule, or because it has lain too long."""

from __future__ import annotations

from datetime import timedelta

from service.act import Act
from service.db import fetch
from service.domain import typeid
from service.ledger import accounts, balance
from service.models import PayoutAccount

_LYING = """
    SELECT freelancer_id, currency, min(matured_at) AS since
      FROM (SELECT r.freelancer_id, r.currency, r.matured_at,
                   sum(r.net_minor - r.recovered_minor - r.taken_minor) OVER (PARTITION BY r.freelancer_id, r.currency ORDER BY r.matured_at, r.id) AS so_far,
                   (SELECT coalesce(sum(p.amount_minor), 0) FROM payout p
                     WHERE p.freelancer_id = r.freelancer_id AND p.currency = r.currency AND p.state NOT IN ('failed', 'canceled')) AS paid
              FROM release r WHERE r.matured_at IS NOT NULL) AS lying
     WHERE so_far > paid GROUP BY freelancer_id, currency ORDER BY since LIMIT 500
"""


def by_themselves(act: Act) -> list[tuple[str, str, str]]:
    """(freelancer, currency, `schedule` or `forced`) of payouts that are due without being asked for, at most 500."""
    found = []
    for row in fetch(act.session, _LYING):
        freelancer_id = typeid.encode("frl", row.freelancer_id)
        account = act.session.get(PayoutAccount, freelancer_id)
        available = balance(act.session, accounts.available(freelancer_id), row.currency)
        why = _why_now(act, account.schedule if account else "manual", available, row.currency, act.now - row.since)
        if why:
            found.append((freelancer_id, row.currency, why))
    return found


def _why_now(act: Act, schedule: str, available: int, currency: str, lain: timedelta) -> str | None:
    windows = act.policies.windows
    least = act.policies.payout_minimum_minor(currency)
    if available <= 0:
        return None
    if lain >= timedelta(days=windows.payout_forced_small_days) or (available >= least and lain >= timedelta(days=windows.payout_forced_days)):
        return "forced"
    on_schedule = (schedule == "weekly" and act.now.weekday() == 0) or (schedule == "monthly" and act.now.day == 1)
    return "schedule" if on_schedule and available >= windows.payout_schedule_minimum_usd_like[currency] else None
