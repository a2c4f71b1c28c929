"""Issuing a certificate of earnings: the totals of the period and every release behind them, as a
signed PDF with its rows inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypedDict

from service.core import repository
from service.core.context import Context
from service.documents import Document, Table, signing
from service.documents.wording import LANGUAGES, day, money, say
from service.domain.errors import Invalid
from service.domain.identity import typeid
from service.domain.money.money import currency
from service.exports import inline
from service.exports.definitions import ExportRequest
from service.exports.documents import certificate_lines
from service.exports.formats.delimited import as_csv
from service.exports.registry.people import EARNINGS, TRANSACTIONS
from service.ledger import hash_chain
from service.models import Certificate
from service.operations.reputation import certificates
from service.platform.db import fetch

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
_HEAD = (
    "SELECT position, encode(hash, 'hex') AS hash FROM ledger_seal ORDER BY position DESC LIMIT 1"
)


class CertificateContent(TypedDict):
    """What is kept of a certificate and printed on it; `totals` are rows of the earnings export."""

    person: str
    first_day: str
    last_day: str
    totals: list[dict[str, str]]
    releases: int
    code: str
    ledger_position: int
    ledger_head: str


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
    totals = inline.records(ctx.session, EARNINGS, asked)
    placed = hash_chain.position_at(ctx.session, ctx.now)
    lines = certificate_lines.releases(ctx, asked, typeid.decode(freelancer_id), placed)
    carried_by = [one for line in lines for one in line.payout_ids]
    payouts = certificate_lines.payouts(ctx, placed, carried_by)
    head = next(iter(fetch(ctx.session, _HEAD)), None)
    code = certificates.new_code()
    content: CertificateContent = {
        "person": person.display_name,
        "first_day": str(first_day),
        "last_day": str(last_day),
        "totals": totals,
        "releases": len(lines),
        "code": code,
        "ledger_position": head.position if head else 0,
        "ledger_head": head.hash if head else "",
    }
    transactions = inline.columns(ctx.session, TRANSACTIONS, asked)
    inside = b"".join(as_csv(TRANSACTIONS, transactions)).decode()
    pdf = _paper(
        issuer, content, certificate_lines.tables(lines, payouts, language), language, inside
    ).pdf(ctx.now)
    if issuer.key_pem:
        pdf = signing.sign(
            pdf, issuer.key_pem, issuer.certificate_pem, say("certificate", language)
        )
    return certificates.keep(
        ctx, freelancer_id, code, first_day, last_day, language, dict(content), pdf
    )


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


def _paper(
    issuer: Issuer, content: CertificateContent, listed: list[Table], language: str, inside: str
) -> Document:
    first, last = (
        day(date.fromisoformat(text), language)
        for text in (content["first_day"], content["last_day"])
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
