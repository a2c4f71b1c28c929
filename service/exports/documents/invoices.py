"""An invoice as its files: the PDF that carries its own XML (Factur-X), the XML alone as UBL or
CII. The same invoice gives the same bytes.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from service.documents import Document, Table, cii, facturx, ubl
from service.documents.invoice_facts import CREDIT_NOTE, INVOICE, InvoiceFacts, Party
from service.documents.wording import day, money, say
from service.domain.errors import Invalid
from service.domain.money.money import CURRENCIES
from service.exports.definitions import plain_amount
from service.models import Contract, Invoice

FORMATS = {"pdf": "application/pdf", "ubl": "application/xml", "cii": "application/xml"}


def render(session: Session, invoice: Invoice, form: str, language: str, platform: str) -> bytes:
    """The file.

    Raises Invalid for XML that the norm could not accept; the PDF then comes without one.
    """
    missing = _outside_the_norm(invoice)
    if form != "pdf" and missing:
        raise Invalid.one("/format", "no_such_format", f"{missing}; take the PDF.")
    if form == "pdf":
        pdf = _paper(session, invoice, language, platform).pdf(invoice.issued_at)
        return pdf if missing else facturx.declared(pdf)
    facts = _facts(session, invoice, language)
    return ubl.render(facts) if form == "ubl" else cii.render(facts)


def _outside_the_norm(invoice: Invoice) -> str:
    """Why there is no XML, or nothing: more than two digits (BR-DEC-09 and following), a buyer of
    no known country (BR-11).
    """
    digits = CURRENCIES[invoice.currency].exponent
    if digits > 2:
        return f"EN 16931 has two digits after the point and {invoice.currency} has {digits}"
    return (
        ""
        if invoice.buyer["country"]
        else "EN 16931 wants the buyer's country and the contract does not name it"
    )


def _facts(session: Session, invoice: Invoice, language: str) -> InvoiceFacts:
    corrected = session.get_one(Invoice, invoice.corrects_id) if invoice.corrects_id else None
    net, tax, total, nothing = (
        plain_amount(minor, invoice.currency)
        for minor in (invoice.net_minor, invoice.tax_minor, invoice.total_minor, 0)
    )
    return InvoiceFacts(
        invoice.number,
        CREDIT_NOTE if corrected else INVOICE,
        invoice.issued_on,
        invoice.delivered_on,
        invoice.currency,
        invoice.contract_id,
        Party(**invoice.seller),
        Party(**invoice.buyer),
        _item(invoice, language),
        net,
        tax,
        total,
        nothing,
        invoice.tax_category,
        invoice.tax_rate,
        corrected.number if corrected else None,
        corrected.issued_on if corrected else None,
    )


def _item(invoice: Invoice, language: str) -> str:
    return (
        say("fee_item", language, title=invoice.line)
        if invoice.kind.startswith("fee")
        else invoice.line
    )


def _paper(session: Session, invoice: Invoice, language: str, platform: str) -> Document:
    facts = _facts(session, invoice, language)
    notes = [say(invoice.tax_category, language)] if facts.exempt else []
    if invoice.kind.startswith("work"):
        notes.append(say("by_mandate", language, platform=platform, seller=facts.seller.name))
    inside = not _outside_the_norm(invoice)
    return Document(
        platform,
        language,
        say(invoice.kind, language),
        invoice.number,
        [
            (say("seller", language), _lines(facts.seller, language)),
            (say("buyer", language), _lines(facts.buyer, language)),
        ],
        facts=_shown(session, invoice, facts, language),
        tables=[_amounts(invoice, facts, language)],
        notes=[*notes, *([say("xml_inside", language)] if inside else [])],
        attachment=(facturx.XML_NAME, cii.render(facts).decode(), "alternative", "Factur-X")
        if inside
        else None,
    )


def _shown(
    session: Session, invoice: Invoice, facts: InvoiceFacts, language: str
) -> list[tuple[str, str]]:
    shown = [
        (say("number", language), invoice.number),
        (say("issued", language), day(invoice.issued_on, language)),
        (say("delivered", language), day(invoice.delivered_on, language)),
        (
            say("contract", language),
            f"{session.get_one(Contract, invoice.contract_id).title} ({invoice.contract_id})",
        ),
    ]
    if facts.corrects and facts.corrects_issued_on:
        shown.append(
            (
                say("corrects", language),
                f"{facts.corrects}, {day(facts.corrects_issued_on, language)}",
            )
        )
    return shown


def _amounts(invoice: Invoice, facts: InvoiceFacts, language: str) -> Table:
    def written(minor: int) -> str:
        return money(minor, invoice.currency, language)

    totals = [
        [say("net", language), written(invoice.net_minor)],
        [say("tax", language, rate=invoice.tax_rate), written(invoice.tax_minor)],
        [say("total", language), written(invoice.total_minor)],
        [say("paid", language), written(invoice.total_minor)],
        [say("due", language), written(0)],
    ]
    return Table(
        say("what", language),
        [say("what", language), say("amount", language)],
        [[facts.item, written(invoice.net_minor)], *totals],
        (1,),
    )


def _lines(party: Party, language: str) -> list[str]:
    place = " ".join(part for part in (party.postcode, party.city) if part)
    return [
        line
        for line in (
            party.name,
            party.line,
            place,
            party.country,
            say("vat_id", language, id=party.vat_id) if party.vat_id else "",
        )
        if line
    ]
