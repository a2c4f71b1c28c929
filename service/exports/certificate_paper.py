"""Issuing a certificate of earnings: the totals of the period and every release behind them, as a signed PDF with its rows inside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from service import rows
from service.act import Act
from service.db import fetch
from service.domain import typeid
from service.domain.errors import Invalid
from service.domain.money import currency
from service.exports import making, registry
from service.exports.formats import as_csv, as_texts
from service.exports.shapes import Asked
from service.models import Certificate
from service.operations import certificates
from service.papers import Paper, Table, signing
from service.papers.words import LANGUAGES, day, money, say

MOST_LINES = 2_000
_SUMS = ("gross_released", "refunds_after_release", "platform_fees", "fee_tax", "processing_cost", "net_credited", "payouts_initiated", "payouts_arrived")
_LINES = """
    SELECT e.posted_on, k.title, k.client_name, k.client_country, r.currency, r.gross_minor, r.fee_minor + r.processing_minor AS fee_minor, r.net_minor
      FROM release r JOIN journal_entry e ON e.kind = 'release' AND typeid_uuid(e.cause) = r.id JOIN contract k ON k.id = r.contract_id
     WHERE r.freelancer_id = %s AND e.posted_on BETWEEN %s AND %s AND e.recorded_at <= %s ORDER BY e.number LIMIT 2001
"""
_HEAD = "SELECT position, encode(hash, 'hex') AS hash FROM ledger_seal ORDER BY position DESC LIMIT 1"


@dataclass(frozen=True)
class Issuer:
    """Who issues, where it can be checked, and what it is signed with (empty: only its hash proves it)."""

    platform: str
    public_url: str
    key_pem: str = ""
    certificate_pem: str = ""


def issue(act: Act, issuer: Issuer, freelancer_id: str, first_day: date, last_day: date, language: str) -> Certificate:
    """Raises Invalid for a language that papers do not come in, a period without an end, or one with more than 2,000 releases."""
    if language not in LANGUAGES:
        raise Invalid.one("/language", "unknown_language", f"Papers come in {', '.join(LANGUAGES)}.")
    if last_day > act.now.date():
        raise Invalid.one("/period", "not_over", "A certificate is about days that have been: end it today at the latest.")
    person = rows.freelancer(act.session, freelancer_id)
    asked = Asked(first_day, last_day, act.now, freelancer_id)
    totals = making.inline(act.session, registry.find("M2"), asked)
    lines = fetch(act.session, _LINES, (typeid.decode(freelancer_id), first_day, last_day, act.now))
    if len(lines) > MOST_LINES:
        raise Invalid.one("/period", "too_many_rows", f"A certificate lists at most {MOST_LINES:,} releases; take a shorter period.")
    head = next(iter(fetch(act.session, _HEAD)), None)
    code = certificates.new_code()
    content = {
        "person": person.display_name, "first_day": str(first_day), "last_day": str(last_day), "totals": totals, "releases": len(lines), "code": code,
        "ledger_position": head.position if head else 0, "ledger_head": head.hash if head else "",
    }  # fmt: skip
    history = registry.find("M1")
    inside = b"".join(as_csv(history, as_texts(history, making.rows_of(act.session, history, asked)))).decode()
    pdf = _paper(issuer, content, lines, language, inside).pdf(act.now)
    if issuer.key_pem:
        pdf = signing.sign(pdf, issuer.key_pem, issuer.certificate_pem, say("certificate", language))
    return certificates.keep(act, freelancer_id, code, first_day, last_day, language, content, pdf)


def _paper(issuer: Issuer, content: dict[str, Any], lines: list[Any], language: str, inside: str) -> Paper:
    first, last = (day(date.fromisoformat(content[name]), language) for name in ("first_day", "last_day"))
    tables = [Table(row["currency"], [say("what", language), say("amount", language)], _sums(row, language), (1,)) for row in content["totals"]]
    if lines:
        columns = [say(word, language) for word in ("day", "contract", "client", "country", "gross", "fee_short", "net")]
        listed = [
            [
                str(r.posted_on),
                r.title,
                r.client_name,
                r.client_country or "",
                *(money(minor, r.currency, language) for minor in (r.gross_minor, r.fee_minor, r.net_minor)),
            ]
            for r in lines
        ]
        tables.append(Table(say("releases", language), columns, listed, (4, 5, 6)))
    url = f"{issuer.public_url}/verify"
    return Paper(
        issuer.platform, language, say("certificate", language), content["code"], intro=say("certify", language, platform=issuer.platform, person=content["person"]),
        facts=[(say("holder", language), content["person"]), (say("period", language), f"{first} – {last}")], tables=tables,
        notes=[say("nothing", language)] * (not content["totals"]) + [say("not_advice", language)],
        check=say("check_certificate", language, url=url, code=content["code"], position=content["ledger_position"], head=content["ledger_head"][:16] or "–"),
        attachment=("transactions.csv", inside, "source", "The transactions of the period"),
    )  # fmt: skip


def _sums(row: dict[str, str], language: str) -> list[list[str]]:
    digits = currency(row["currency"]).exponent
    return [[say(name, language), money(int(Decimal(row[name]).scaleb(digits)), row["currency"], language)] for name in _SUMS]
