"""Issuing a certificate of earnings: the totals of the period and every release behind them, as a
signed PDF with its rows inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from service.core import repository
from service.core.context import Context
from service.documents import Document, Table, signing
from service.documents.wording import LANGUAGES, day, money, say
from service.domain.errors import Invalid
from service.domain.identity import typeid
from service.domain.money.money import currency
from service.exports import generation, registry
from service.exports.definitions import ExportRequest
from service.exports.formats.delimited import as_csv
from service.ledger import hash_chain
from service.models import Certificate
from service.operations.reputation import certificates
from service.platform.db import fetch

MOST_LINES = 2_000
_SUMS = (
    "gross_released",
    "refunds_after_release",
    "platform_fees",
    "fee_tax",
    "processing_cost",
    "tax_withheld",
    "net_credited",
    "payouts_initiated",
    "payouts_arrived",
)
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
_HEAD = (
    "SELECT position, encode(hash, 'hex') AS hash FROM ledger_seal ORDER BY position DESC LIMIT 1"
)


@dataclass(frozen=True)
class Issuer:
    """Who issues, where it can be checked, and what it is signed with (empty: only its hash proves
    it).
    """

    platform: str
    public_url: str
    key_pem: str = ""
    certificate_pem: str = ""


def issue(
    ctx: Context, issuer: Issuer, freelancer_id: str, first_day: date, last_day: date, language: str
) -> Certificate:
    """Raises Invalid for a language that papers do not come in, a period without an end, or one
    with more than 2,000 releases.
    """
    _check_asked(ctx, last_day, language)
    person = repository.freelancer(ctx.session, freelancer_id)
    asked = ExportRequest(
        first_day, last_day, ctx.now, freelancer_id, zone=ctx.policies.book_zone.key
    )
    totals = generation.inline(ctx.session, registry.find("M2"), asked)
    placed = hash_chain.position_at(ctx.session, ctx.now)
    lines = _releases(ctx, asked, typeid.decode(freelancer_id), placed)
    carried_by = [one for line in lines for one in line.payout_ids]
    payouts = {p.id: p for p in fetch(ctx.session, _PAYOUTS, (placed, carried_by))}
    head = next(iter(fetch(ctx.session, _HEAD)), None)
    code = certificates.new_code()
    content = {
        "person": person.display_name,
        "first_day": str(first_day),
        "last_day": str(last_day),
        "totals": totals,
        "releases": len(lines),
        "code": code,
        "ledger_position": head.position if head else 0,
        "ledger_head": head.hash if head else "",
    }
    history = registry.find("M1")
    inside = b"".join(as_csv(history, generation.first(ctx.session, history, asked))).decode()
    pdf = _paper(issuer, content, _listed(lines, payouts, language), language, inside).pdf(ctx.now)
    if issuer.key_pem:
        pdf = signing.sign(
            pdf, issuer.key_pem, issuer.certificate_pem, say("certificate", language)
        )
    return certificates.keep(ctx, freelancer_id, code, first_day, last_day, language, content, pdf)


def _check_asked(ctx: Context, last_day: date, language: str) -> None:
    if language not in LANGUAGES:
        raise Invalid.one(
            "/language", "unknown_language", f"Papers come in {', '.join(LANGUAGES)}."
        )
    if last_day > ctx.today:
        raise Invalid.one(
            "/period",
            "not_over",
            "A certificate is about days that have been: end it today at the latest.",
        )


def _releases(ctx: Context, asked: ExportRequest, person: UUID, placed: int) -> list[Any]:
    """Raises Invalid for more than a certificate lists."""
    question = {
        "person": person,
        "placed": placed,
        "first": asked.first_day,
        "last": asked.last_day,
    }
    lines = fetch(ctx.session, _LINES, question)
    if len(lines) > MOST_LINES:
        raise Invalid.one(
            "/period",
            "too_many_rows",
            f"A certificate lists at most {MOST_LINES:,} releases; take a shorter period.",
        )
    return lines


def _paper(
    issuer: Issuer, content: dict[str, Any], listed: list[Table], language: str, inside: str
) -> Document:
    first, last = (
        day(date.fromisoformat(content[name]), language) for name in ("first_day", "last_day")
    )
    tables = [
        Table(
            row["currency"],
            [say("what", language), say("amount", language)],
            _sums(row, language),
            (1,),
        )
        for row in content["totals"]
    ]
    url = f"{issuer.public_url}/verify"
    return Document(
        issuer.platform,
        language,
        say("certificate", language),
        content["code"],
        intro=say("certify", language, platform=issuer.platform, person=content["person"]),
        facts=[
            (say("holder", language), content["person"]),
            (say("period", language), f"{first} – {last}"),
        ],
        tables=tables + listed,
        notes=[say("nothing", language)] * (not content["totals"]) + [say("not_advice", language)],
        check=say(
            "check_certificate",
            language,
            url=url,
            code=content["code"],
            position=content["ledger_position"],
            head=content["ledger_head"][:16] or "–",
        ),
        attachment=("transactions.csv", inside, "source", "The transactions of the period"),
    )


def _sums(row: dict[str, str], language: str) -> list[list[str]]:
    digits = currency(row["currency"]).exponent
    return [
        [
            say(name, language),
            money(int(Decimal(row[name]).scaleb(digits)), row["currency"], language),
        ]
        for name in _SUMS
    ]


def _listed(lines: list[Any], payouts: dict[Any, Any], language: str) -> list[Table]:
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


def _releases_table(lines: list[Any], places: dict[Any, str], language: str) -> Table:
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


def _payouts_table(places: dict[Any, str], payouts: dict[Any, Any], language: str) -> Table:
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
