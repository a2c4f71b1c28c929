"""The same invoice as UN/CEFACT CII, the XML inside a Factur-X (profile EN 16931)."""

from __future__ import annotations

from datetime import date

from service.documents.invoice_facts import InvoiceFacts, Node, Party, document

_UN = "urn:un:unece:uncefact"
_SPACES = {
    "rsm": f"{_UN}:data:standard:CrossIndustryInvoice:100",
    "ram": f"{_UN}:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "udt": f"{_UN}:data:standard:UnqualifiedDataType:100",
    "qdt": f"{_UN}:data:standard:QualifiedDataType:100",
}


def render(facts: InvoiceFacts) -> bytes:
    return document(
        "rsm:CrossIndustryInvoice",
        _SPACES,
        [
            (
                "rsm:ExchangedDocumentContext",
                [
                    (
                        "ram:GuidelineSpecifiedDocumentContextParameter",
                        [("ram:ID", "urn:cen.eu:en16931:2017")],
                    )
                ],
            ),
            (
                "rsm:ExchangedDocument",
                [
                    ("ram:ID", facts.number),
                    ("ram:TypeCode", facts.type_code),
                    ("ram:IssueDateTime", [_day("udt", facts.issued_on)]),
                ],
            ),
            (
                "rsm:SupplyChainTradeTransaction",
                [
                    _line(facts),
                    ("ram:ApplicableHeaderTradeAgreement", _agreement(facts)),
                    ("ram:ApplicableHeaderTradeDelivery", [_delivery(facts)]),
                    ("ram:ApplicableHeaderTradeSettlement", _settlement(facts)),
                ],
            ),
        ],
    )


def _day(space: str, day: date) -> Node:
    return (f"{space}:DateTimeString", f"{day:%Y%m%d}", {"format": "102"})


def _line(facts: InvoiceFacts) -> Node:
    return (
        "ram:IncludedSupplyChainTradeLineItem",
        [
            ("ram:AssociatedDocumentLineDocument", [("ram:LineID", "1")]),
            ("ram:SpecifiedTradeProduct", [("ram:Name", facts.item)]),
            (
                "ram:SpecifiedLineTradeAgreement",
                [("ram:NetPriceProductTradePrice", [("ram:ChargeAmount", facts.net)])],
            ),
            ("ram:SpecifiedLineTradeDelivery", [("ram:BilledQuantity", "1", {"unitCode": "C62"})]),
            (
                "ram:SpecifiedLineTradeSettlement",
                [
                    (
                        "ram:ApplicableTradeTax",
                        [
                            ("ram:TypeCode", "VAT"),
                            ("ram:CategoryCode", facts.category),
                            _percent(facts),
                        ],
                    ),
                    (
                        "ram:SpecifiedTradeSettlementLineMonetarySummation",
                        [("ram:LineTotalAmount", facts.net)],
                    ),
                ],
            ),
        ],
    )


def _agreement(facts: InvoiceFacts) -> list[Node]:
    return [
        ("ram:SellerTradeParty", _party(facts.seller, facts.names_vat)),
        ("ram:BuyerTradeParty", _party(facts.buyer, facts.names_vat)),
        ("ram:ContractReferencedDocument", [("ram:IssuerAssignedID", facts.contract)]),
    ]


def _delivery(facts: InvoiceFacts) -> Node:
    return (
        "ram:ActualDeliverySupplyChainEvent",
        [("ram:OccurrenceDateTime", [_day("udt", facts.delivered_on)])],
    )


def _percent(facts: InvoiceFacts) -> Node | None:
    return None if facts.category == "O" else ("ram:RateApplicablePercent", facts.rate)


def _party(party: Party, names_vat: bool) -> list[Node | None]:
    return [
        ("ram:ID", party.identifier),
        ("ram:Name", party.name),
        ("ram:SpecifiedLegalOrganization", [("ram:ID", party.registration_no)])
        if party.registration_no
        else None,
        (
            "ram:PostalTradeAddress",
            [
                ("ram:PostcodeCode", party.postcode),
                ("ram:LineOne", party.line),
                ("ram:CityName", party.city),
                ("ram:CountryID", party.country),
            ],
        ),
        ("ram:SpecifiedTaxRegistration", [("ram:ID", party.vat_id, {"schemeID": "VA"})])
        if party.vat_id and names_vat
        else None,
    ]


def _settlement(facts: InvoiceFacts) -> list[Node | None]:
    code, words = facts.exempt or ("", "")
    return [
        ("ram:InvoiceCurrencyCode", facts.currency),
        (
            "ram:ApplicableTradeTax",
            [
                ("ram:CalculatedAmount", facts.tax),
                ("ram:TypeCode", "VAT"),
                ("ram:ExemptionReason", words),
                ("ram:BasisAmount", facts.net),
                ("ram:CategoryCode", facts.category),
                ("ram:ExemptionReasonCode", code),
                _percent(facts),
            ],
        ),
        (
            "ram:SpecifiedTradePaymentTerms",
            [("ram:DueDateDateTime", [_day("udt", facts.issued_on)])],
        ),
        (
            "ram:SpecifiedTradeSettlementHeaderMonetarySummation",
            [
                ("ram:LineTotalAmount", facts.net),
                ("ram:TaxBasisTotalAmount", facts.net),
                ("ram:TaxTotalAmount", facts.tax, {"currencyID": facts.currency}),
                ("ram:GrandTotalAmount", facts.total),
                ("ram:TotalPrepaidAmount", facts.total),
                ("ram:DuePayableAmount", facts.nothing),
            ],
        ),
        _corrects(facts),
    ]


def _corrects(facts: InvoiceFacts) -> Node | None:
    if not (facts.corrects and facts.corrects_issued_on):
        return None
    return (
        "ram:InvoiceReferencedDocument",
        [
            ("ram:IssuerAssignedID", facts.corrects),
            ("ram:FormattedIssueDateTime", [_day("qdt", facts.corrects_issued_on)]),
        ],
    )
