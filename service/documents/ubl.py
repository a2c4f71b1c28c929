"""An invoice or credit note as UBL 2.1, EN 16931."""

from __future__ import annotations

from service.documents.invoice_facts import CREDIT_NOTE, InvoiceFacts, Node, Party, document

_OASIS = "urn:oasis:names:specification:ubl:schema:xsd:"
_VAT: Node = ("cac:TaxScheme", [("cbc:ID", "VAT")])


def render(facts: InvoiceFacts) -> bytes:
    credit = facts.type_code == CREDIT_NOTE
    name = "CreditNote" if credit else "Invoice"
    spaces = {
        "": f"{_OASIS}{name}-2",
        "cac": f"{_OASIS}CommonAggregateComponents-2",
        "cbc": f"{_OASIS}CommonBasicComponents-2",
    }
    children: list[Node | None] = [
        ("cbc:CustomizationID", "urn:cen.eu:en16931:2017"),
        ("cbc:ID", facts.number),
        ("cbc:IssueDate", facts.issued_on),
        None if credit else ("cbc:DueDate", facts.issued_on),
        ("cbc:CreditNoteTypeCode" if credit else "cbc:InvoiceTypeCode", facts.type_code),
        ("cbc:DocumentCurrencyCode", facts.currency),
        _corrects(facts),
        ("cac:ContractDocumentReference", [("cbc:ID", facts.contract)]),
        ("cac:AccountingSupplierParty", [_party(facts.seller, facts.names_vat)]),
        ("cac:AccountingCustomerParty", [_party(facts.buyer, facts.names_vat)]),
        ("cac:Delivery", [("cbc:ActualDeliveryDate", facts.delivered_on)]),
        _tax(facts),
        (
            "cac:LegalMonetaryTotal",
            [
                _money("cbc:LineExtensionAmount", facts.net, facts),
                _money("cbc:TaxExclusiveAmount", facts.net, facts),
                _money("cbc:TaxInclusiveAmount", facts.total, facts),
                _money("cbc:PrepaidAmount", facts.total, facts),
                _money("cbc:PayableAmount", facts.nothing, facts),
            ],
        ),
        _line(facts, credit),
    ]
    return document(name, spaces, children)


def _corrects(facts: InvoiceFacts) -> Node | None:
    if facts.corrects is None:
        return None
    return (
        "cac:BillingReference",
        [
            (
                "cac:InvoiceDocumentReference",
                [("cbc:ID", facts.corrects), ("cbc:IssueDate", facts.corrects_issued_on)],
            )
        ],
    )


def _tax(facts: InvoiceFacts) -> Node:
    return (
        "cac:TaxTotal",
        [
            _money("cbc:TaxAmount", facts.tax, facts),
            (
                "cac:TaxSubtotal",
                [
                    _money("cbc:TaxableAmount", facts.net, facts),
                    _money("cbc:TaxAmount", facts.tax, facts),
                    ("cac:TaxCategory", _category(facts, reasons=True)),
                ],
            ),
        ],
    )


def _line(facts: InvoiceFacts, credit: bool) -> Node:
    return (
        "cac:CreditNoteLine" if credit else "cac:InvoiceLine",
        [
            ("cbc:ID", "1"),
            (
                "cbc:CreditedQuantity" if credit else "cbc:InvoicedQuantity",
                "1",
                {"unitCode": "C62"},
            ),
            _money("cbc:LineExtensionAmount", facts.net, facts),
            (
                "cac:Item",
                [
                    ("cbc:Name", facts.item),
                    ("cac:ClassifiedTaxCategory", _category(facts, reasons=False)),
                ],
            ),
            ("cac:Price", [_money("cbc:PriceAmount", facts.net, facts)]),
        ],
    )


def _money(name: str, amount: str, facts: InvoiceFacts) -> Node:
    return (name, amount, {"currencyID": facts.currency})


def _party(party: Party, names_vat: bool) -> Node:
    address = [
        ("cbc:StreetName", party.line),
        ("cbc:CityName", party.city),
        ("cbc:PostalZone", party.postcode),
        ("cac:Country", [("cbc:IdentificationCode", party.country)]),
    ]
    vat = (
        ("cac:PartyTaxScheme", [("cbc:CompanyID", party.vat_id), _VAT])
        if party.vat_id and names_vat
        else None
    )
    legal = (
        "cac:PartyLegalEntity",
        [("cbc:RegistrationName", party.name), ("cbc:CompanyID", party.registration_no)],
    )
    known = (
        ("cac:PartyIdentification", [("cbc:ID", party.identifier)]) if party.identifier else None
    )
    return ("cac:Party", [known, ("cac:PostalAddress", address), vat, legal])


def _category(facts: InvoiceFacts, *, reasons: bool) -> list[Node | None]:
    code, words = facts.exempt or ("", "")
    return [
        ("cbc:ID", facts.category),
        None if facts.category == "O" else ("cbc:Percent", facts.rate),
        ("cbc:TaxExemptionReasonCode", code) if reasons else None,
        ("cbc:TaxExemptionReason", words) if reasons else None,
        _VAT,
    ]
