"""The releases behind a certificate of earnings, and the payouts that carried them."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple
from uuid import UUID

from service.core.context import Context
from service.documents import Table
from service.documents.wording import money, say
from service.domain.errors import Invalid
from service.domain.identity import typeid
from service.exports.definitions import ExportRequest
from service.platform.db import fetch

MOST_LINES = 2_000
_LINES = """
    WITH earned AS (
        SELECT l.entry_id, l.currency, sum(l.amount_minor) AS amount_minor, sum(sum(l.amount_minor))
            OVER (PARTITION BY l.currency ORDER BY l.number) AS upto
          FROM party_line l
         WHERE l.party = 'freelancer' AND l.party_id = %(person)s
             AND l.type NOT IN ('payout', 'payout_failed', 'payout_held')
             AND l.position <= %(placed)s
         GROUP BY l.number, l.entry_id, l.currency
    ), drawn AS (
        -- By its newest request, and only while its money has not come back: a hold or a bank may
        -- have stopped it.
        SELECT p.id, p.currency, p.amount_minor, p.number, sum(p.amount_minor)
            OVER (PARTITION BY p.currency ORDER BY p.number) AS upto
          FROM (SELECT l.cause_id AS id, l.currency, -sum(l.amount_minor) AS amount_minor,
              max(l.number) FILTER (WHERE l.type = 'payout') AS number
                  FROM party_line l
                 WHERE l.party = 'freelancer' AND l.party_id = %(person)s
                     AND l.type IN ('payout', 'payout_failed', 'payout_held')
                     AND l.position <= %(placed)s
                 GROUP BY l.cause_id, l.currency HAVING sum(l.amount_minor) < 0) p
    )
    SELECT e.posted_on, coalesce(v.text ->> 'title', k.title) AS title,
        coalesce(v.text -> 'client' ->> 'name', k.client_name) AS client_name, k.client_country,
        r.currency, r.gross_minor, r.fee_minor + r.processing_minor AS fee_minor, r.withheld_minor,
        r.net_minor,
           ARRAY(SELECT d.id FROM drawn d WHERE d.currency = r.currency
               AND d.upto > w.upto - w.amount_minor AND d.upto - d.amount_minor < w.upto
               ORDER BY d.number) AS payout_ids
      FROM release r JOIN journal_entry e ON e.kind = 'release' AND e.cause_id = r.id
          JOIN contract k ON k.id = r.contract_id
      JOIN earned w ON w.entry_id = e.id AND w.currency = r.currency
      LEFT JOIN LATERAL (SELECT t.text FROM contract_text t WHERE t.contract_id = k.id
          AND t.made_at <= e.recorded_at ORDER BY t.text_version DESC LIMIT 1) v ON true
     WHERE r.freelancer_id = %(person)s AND e.posted_on BETWEEN %(first)s AND %(last)s
         AND e.position <= %(placed)s ORDER BY e.number LIMIT 2001
"""
"""Money leaves in the order in which it was earned, so a release may be carried by two payouts, and
one payout carry many.
"""
_PAYOUTS = """
    SELECT o.id, o.currency, o.amount_minor, o.stripe_payout_id,
           (SELECT max(g.posted_on) FROM ledger_leg g WHERE g.account = 'payout_in_flight'
               AND g.owner = o.id AND g.kind = 'payout_paid' AND g.position <= %s) AS arrived_on
      FROM payout o WHERE o.id = ANY (%s)
"""


class ReleaseLine(NamedTuple):
    """A release of the period, as `_LINES` selects it, with the payouts that carried it."""

    posted_on: date
    title: str
    client_name: str
    client_country: str | None
    currency: str
    gross_minor: int
    fee_minor: int
    withheld_minor: int
    net_minor: int
    payout_ids: list[UUID]


class PayoutLine(NamedTuple):
    """A payout, as `_PAYOUTS` selects it; `arrived_on` is empty while it is on its way."""

    id: UUID
    currency: str
    amount_minor: int
    stripe_payout_id: str | None
    arrived_on: date | None


def releases(ctx: Context, asked: ExportRequest, person: UUID, placed: int) -> list[ReleaseLine]:
    """Raises Invalid for more than a certificate lists."""
    question = {
        "person": person,
        "placed": placed,
        "first": asked.first_day,
        "last": asked.last_day,
    }
    lines = [ReleaseLine._make(row) for row in fetch(ctx.session, _LINES, question)]
    if len(lines) > MOST_LINES:
        raise Invalid.one(
            "/period",
            "too_many_rows",
            f"A certificate lists at most {MOST_LINES:,} releases; take a shorter period.",
        )
    return lines


def payouts(ctx: Context, placed: int, ids: list[UUID]) -> dict[UUID, PayoutLine]:
    rows = fetch(ctx.session, _PAYOUTS, (placed, ids))
    return {one.id: one for one in (PayoutLine._make(row) for row in rows)}


def tables(lines: list[ReleaseLine], payouts: dict[UUID, PayoutLine], language: str) -> list[Table]:
    """Each release with the payouts that carried it, and those payouts as a bank knows them."""
    if not lines:
        return []
    places = {
        payout_id: str(place)
        for place, payout_id in enumerate(
            dict.fromkeys(one for line in lines for one in line.payout_ids), 1
        )
    }
    found = [_releases_table(lines, places, language)]
    return [*found, _payouts_table(places, payouts, language)] if places else found


def _releases_table(lines: list[ReleaseLine], places: dict[UUID, str], language: str) -> Table:
    amounts = (
        "gross_minor",
        "fee_minor",
        *(("withheld_minor",) if any(line.withheld_minor for line in lines) else ()),
        "net_minor",
    )
    words = {
        "gross_minor": "gross",
        "fee_minor": "fee_short",
        "withheld_minor": "tax_withheld",
        "net_minor": "net",
    }
    columns = [
        say(word, language)
        for word in ("day", "contract", "client", *(words[name] for name in amounts), "payout")
    ]
    releases = [
        [
            str(line.posted_on),
            line.title,
            f"{line.client_name} ({line.client_country})"
            if line.client_country
            else line.client_name,
            *(money(getattr(line, name), line.currency, language) for name in amounts),
            ", ".join(places[one] for one in line.payout_ids) or "–",
        ]
        for line in lines
    ]
    return Table(say("releases", language), columns, releases, tuple(range(3, 4 + len(amounts))))


def _payouts_table(
    places: dict[UUID, str], payouts: dict[UUID, PayoutLine], language: str
) -> Table:
    heads = [
        say(word, language)
        for word in ("payout", "payout_id", "psp_reference", "at_the_bank", "amount")
    ]
    rows = [
        [
            place,
            typeid.encode("pyo", one),
            payouts[one].stripe_payout_id or "–",
            str(payouts[one].arrived_on or "–"),
            money(payouts[one].amount_minor, payouts[one].currency, language),
        ]
        for one, place in places.items()
    ]
    return Table(say("payouts", language), heads, rows, (4,), (1, 2, 3))
