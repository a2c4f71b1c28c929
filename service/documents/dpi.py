"""The platform operator's report as DPI XML: DAC7 (the French schema, `urn:oecd:ties:dpi`) and the
OECD's own for the United Kingdom.

Amounts are whole units of their currency. A correction names the document it corrects; no schema
can check that it exists, so whoever makes one takes the reference from what was prepared before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from xml.etree import ElementTree as ET

from service.documents.dpi_parties import Address, Operator, SellerIdentity
from service.documents.invoice_facts import Node, document

NEW, CORRECTED, DELETED, AGAIN = "1", "2", "3", "0"


@dataclass(frozen=True)
class Profile:
    """How one tax office wants it.

    `prefix` begins every reference; `tax` is the element's name before the quarter.
    """

    prefix: str
    namespace: str
    types: str
    version: str
    tax: str


PROFILES = {
    "eu_dac7": Profile("OP", "urn:oecd:ties:dpi", "urn:oecd:ties:dpistf", "1.0", "TaxesQ"),
    "uk_mrdp": Profile("MRDP", "urn:oecd:ties:dpi:v1", "urn:oecd:ties:dpistf:v1", "1.0", "TaxQ"),
}


@dataclass(frozen=True)
class Seller:
    """`identity` is what was declared; figures are whole units by quarter.

    `indicator` with a reference, and what it corrects.
    """

    identity: SellerIdentity
    currency: str
    consideration: list[int]
    fees: list[int]
    taxes: list[int]
    activities: list[int]
    doc_ref: str
    indicator: str = NEW
    corrects: str | None = None


@dataclass(frozen=True)
class DpiMessage:
    """`test`: the indicators of a trial, which no tax office takes for real."""

    regime: str
    year: int
    reference: str
    kind: str
    made_at: datetime
    operator: Operator
    operator_ref: str
    operator_indicator: str
    test: bool
    sellers: list[Seller] = field(default_factory=list)

    def indicator(self, digit: str) -> str:
        return f"OECD1{digit}" if self.test else f"OECD{digit}"


def render(message: DpiMessage) -> bytes:
    profile = PROFILES[message.regime]
    country = message.operator.country
    receiver = "GB" if message.regime == "uk_mrdp" else country
    spaces = {"dpi": profile.namespace, "stf": profile.types}
    made = document(
        "dpi:DPI_OECD",
        spaces,
        [
            (
                "dpi:MessageSpec",
                [
                    ("dpi:TransmittingCountry", receiver),
                    ("dpi:ReceivingCountry", receiver),
                    ("dpi:MessageType", "DPI"),
                    ("dpi:MessageRefId", message.reference),
                    ("dpi:MessageTypeIndic", message.kind),
                    ("dpi:ReportingPeriod", f"{message.year}-12-31"),
                    ("dpi:Timestamp", f"{message.made_at:%Y-%m-%dT%H:%M:%S}.000"),
                ],
            ),
            (
                "dpi:DPIBody",
                [
                    ("dpi:PlatformOperator", _operator(message)),
                    *(
                        ("dpi:ReportableSeller", _seller(message, profile, one))
                        for one in message.sellers
                    ),
                ],
            ),
        ],
    )
    root = ET.fromstring(made)  # noqa: S314  our own bytes, for one attribute more
    root.set("version", profile.version)
    for prefix, uri in spaces.items():
        ET.register_namespace(prefix, uri)
    body: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return body + b"\n"


def _operator(message: DpiMessage) -> list[Node | None]:
    who = message.operator
    return [
        ("dpi:ResCountryCode", who.country),
        ("dpi:TIN", who.tin, {"issuedBy": who.tin_issued_by}),
        ("dpi:VAT", who.vat_id),
        ("dpi:Name", who.legal_name),
        ("dpi:PlatformBusinessName", who.trading_name),
        ("dpi:Address", _address(who.country, who.street, who.building, who.postcode, who.city)),
        ("dpi:Nexus", "RPONEX1"),
        ("dpi:AssumedReporting", "false"),
        (
            "dpi:DocSpec",
            [
                ("stf:DocTypeIndic", message.indicator(message.operator_indicator)),
                ("stf:DocRefId", message.operator_ref),
            ],
        ),
    ]


def _address(
    country: str, street: str, building: str, postcode: str, city: str
) -> list[Node | None]:
    parts: list[Node | None] = [
        ("dpi:Street", street),
        ("dpi:BuildingIdentifier", building),
        ("dpi:PostCode", postcode),
        ("dpi:City", city),
    ]
    return [("dpi:CountryCode", country), ("dpi:AddressFix", parts)]


def _home(at: Address) -> list[Node | None]:
    return _address(
        at["country"],
        at.get("street", ""),
        at.get("building", ""),
        at.get("postcode", ""),
        at.get("city", ""),
    )


def _seller(message: DpiMessage, profile: Profile, seller: Seller) -> list[Node | None]:
    who = seller.identity
    standard = [
        ("dpi:EntSellerID" if who["seller_kind"] == "entity" else "dpi:IndSellerID", _person(who)),
        _account(who),
    ]
    kind = "dpi:EntitySeller" if who["seller_kind"] == "entity" else "dpi:IndividualSeller"
    return [
        ("dpi:Identity", [(kind, [("dpi:Standard", standard)])]),
        (
            "dpi:RelevantActivities",
            [
                (
                    "dpi:PersonalServices",
                    [
                        (
                            "dpi:Consideration",
                            _quarters("ConsQ", seller.consideration, seller.currency),
                        ),
                        ("dpi:NumberOfActivities", _quarters("NumbQ", seller.activities)),
                        ("dpi:Fees", _quarters("FeesQ", seller.fees, seller.currency)),
                        ("dpi:Taxes", _quarters(profile.tax, seller.taxes, seller.currency)),
                    ],
                )
            ],
        ),
        (
            "dpi:DocSpec",
            [
                ("stf:DocTypeIndic", message.indicator(seller.indicator)),
                ("stf:DocRefId", seller.doc_ref),
                ("stf:CorrDocRefId", seller.corrects) if seller.corrects else None,
            ],
        ),
    ]


def _quarters(name: str, values: list[int], currency: str | None = None) -> list[Node | None]:
    attributes = {"currCode": currency} if currency else {}
    return [
        (f"dpi:{name}{number}", str(value), attributes) for number, value in enumerate(values, 1)
    ]


def _person(who: SellerIdentity) -> list[Node | None]:
    found: list[Node | None] = [
        ("dpi:ResCountryCode", who["country"]),
        ("dpi:TIN", who["tin"], {"issuedBy": who.get("tin_issued_by") or who["country"]}),
    ]
    found.append(("dpi:VAT", who["vat_id"]) if who.get("vat_id") else None)
    if who["seller_kind"] == "entity":
        return [*found, ("dpi:Name", who["legal_name"]), ("dpi:Address", _home(who["address"]))]
    place = who.get("birth_place")
    born = [
        ("dpi:BirthDate", who["birth_date"]),
        (
            "dpi:BirthPlace",
            [
                ("dpi:City", place["city"]),
                ("dpi:CountryInfo", [("dpi:CountryCode", place["country"])]),
            ],
        )
        if place
        else None,
    ]
    name = [("dpi:FirstName", who["first_name"]), ("dpi:LastName", who["last_name"])]
    return [
        *found,
        ("dpi:Name", name, {"nameType": "OECD202"}),
        ("dpi:Address", _home(who["address"])),
        ("dpi:BirthInfo", born),
    ]


def _account(who: SellerIdentity) -> Node | None:
    account = who.get("account")
    if not account:
        return None
    kind = {"AccountNumberType": account["kind"]}
    return (
        "dpi:FinancialIdentifier",
        [("dpi:Identifier", account["number"], kind), ("dpi:AccountHolderName", account["holder"])],
    )
