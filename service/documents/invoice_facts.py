"""What an electronic invoice says, in EN 16931's terms and with amounts as printed texts; the same
facts become UBL, CII and the PDF.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from xml.etree import ElementTree as ET

from service.domain.text.texts import xml

INVOICE, CREDIT_NOTE = "380", "381"
REASONS = {"AE": ("VATEX-EU-AE", "Reverse charge"), "O": ("VATEX-EU-O", "Not subject to VAT")}
"""Why no tax is charged: code and words of the norm."""
Node = tuple[str, object] | tuple[str, object, dict[str, str]]


@dataclass(frozen=True)
class Party:
    name: str
    country: str
    street: str = ""
    building: str = ""
    postcode: str = ""
    city: str = ""
    vat_id: str = ""
    registration_no: str = ""
    identifier: str = ""
    """Ours for them: a seller needs one of the three (BR-CO-26)."""

    @property
    def line(self) -> str:
        return " ".join(part for part in (self.street, self.building) if part)


@dataclass(frozen=True)
class InvoiceFacts:
    """`type_code` 380 or 381 (BT-3).

    Everything was paid when it was issued, so nothing is due (BT-113 = BT-112, BT-115 = 0).
    """

    number: str
    type_code: str
    issued_on: date
    delivered_on: date
    currency: str
    contract: str
    seller: Party
    buyer: Party
    item: str
    net: str
    tax: str
    total: str
    nothing: str
    """0 with the currency's digits."""
    category: str
    rate: str
    corrects: str | None = None
    corrects_issued_on: date | None = None

    @property
    def exempt(self) -> tuple[str, str] | None:
        return REASONS.get(self.category)

    @property
    def names_vat(self) -> bool:
        """Outside the tax's scope the norm allows no VAT number of either party (BR-O-02,
        BR-O-03).
        """
        return self.category != "O"


def document(root: str, namespaces: dict[str, str], children: list[Node | None]) -> bytes:
    """An XML document from nested (prefixed name, content, attributes); what is None or empty is
    left out.
    """
    top = ET.Element(
        root, {f"xmlns:{prefix}" if prefix else "xmlns": uri for prefix, uri in namespaces.items()}
    )
    _fill(top, children)
    ET.indent(top)
    body: bytes = ET.tostring(top, encoding="utf-8", xml_declaration=True)
    return body + b"\n"


def _fill(parent: ET.Element, children: object) -> None:
    if not isinstance(children, list):
        parent.text = xml(str(children))
        return
    for child in children:
        if child is None or child[1] in ("", None, []):
            continue
        made = ET.SubElement(parent, child[0], child[2] if len(child) > 2 else {})
        _fill(made, child[1])
