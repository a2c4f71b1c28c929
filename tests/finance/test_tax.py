"""The golden year for tax offices: every figure of the registers and files, other people's
validators, and their broken twins.
"""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from dac7 import constants as dac7_constants
from lxml import etree

from service.exports import generation, registry
from service.exports.definitions import Export
from tests.finance.golden import Golden, look_again
from tests.finance.reading import EXPECTED, made, rows, schema_accepts
from tests.journey import path_of
from tests.world import World

JANUARY = datetime(2026, 1, 31, 12, tzinfo=UTC)
SUMMER = datetime(2026, 6, 30, 12, tzinfo=UTC)
DPI = {"d": "urn:oecd:ties:dpi", "s": "urn:oecd:ties:dpistf"}


# form_1099k


def test_the_1099k_register(year: Golden, tmp_path: Path) -> None:
    year.world.program().post("/v1/tax-identity", W9)
    later = year.world.program().get("/v1/tax-identity")
    assert (later["status"], later["tin_masked"], later["region"]) == ("valid", "XXX-XX-1234", "MA")
    as_of = datetime.fromisoformat(later["signed_at"])
    for tax_year, expected in EXPECTED["form_1099k"].items():
        (row,) = rows(year, tmp_path, "form_1099k", tax_year, as_of=as_of)
        assert row["box_1a"] == expected["box_1a"]
        assert (row["box_1b"], row["box_3"], row["box_4"]) == (
            "",
            str(expected["box_3"]),
            expected["box_4"],
        )
        assert [row[f"box_5{letter}"] for letter in "abcdefghijkl"] == expected["box_5"]
        assert sum(Decimal(row[f"box_5{letter}"]) for letter in "abcdefghijkl") == Decimal(
            row["box_1a"]
        )
        assert row["federal_required"] == str(expected["federal_required"]).lower()
        assert ("MA" in row["state_required"]) == expected["state_MA_required"]
        assert (row["tin_masked"], row["reason"], row["in_scope"]) == (
            "XXX-XX-1234",
            "",
            "undecided",
        )
    before = rows(year, tmp_path, "form_1099k", "2025", as_of=JANUARY)[0]
    assert (before["reason"], before["state_required"]) == ("foreign_no_w8", "")


W9 = {
    "form": "w9",
    "country": "US",
    "region": "MA",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "tin": "123-45-1234",
    "signed_as": "Ada Lovelace",
    "address": {
        "street": "Main Street",
        "building": "1",
        "postcode": "02108",
        "city": "Boston",
        "country": "US",
    },
}


# dac7


@pytest.mark.parametrize(
    ("period", "as_of", "name"),
    [
        ("2025", JANUARY, "2025 initial (filed by 2026-01-31)"),
        ("2025", SUMMER, "2025 corrected (after ev-0009)"),
        ("2026", SUMMER, "2026"),
    ],
)
def test_the_register_of_sellers(
    year: Golden, tmp_path: Path, period: str, as_of: datetime, name: str
) -> None:
    (row,) = rows(year, tmp_path, "dac7", period, as_of=as_of)
    for number in range(1, 5):
        expected = EXPECTED["dac7"][name][f"Q{number}"]
        assert (row[f"cons_q{number}"], row[f"fees_q{number}"], row[f"taxes_q{number}"]) == (
            expected["consideration"],
            expected["fees"],
            expected["taxes"],
        )
        assert row[f"numb_q{number}"] == str(expected["activities"])
    assert (row["regime"], row["excluded_reason"], row["tin_masked"]) == ("eu_dac7", "", "…8903")


def schema() -> etree.XMLSchema:
    """The tax office's own, as it is published with the `dac7` package."""
    folder = Path(dac7_constants.__file__).parent / "schemas"
    return etree.XMLSchema(etree.parse(str(next(folder.glob("DPIXML*.xsd")))))


def test_the_file_its_correction_and_what_it_corrects(year: Golden) -> None:
    finance = year.world.program("finance")

    def prepare(for_year: int, as_of: datetime) -> dict[str, Any]:
        # The worked year reckons in dollars; an operator in France reports in euros when nothing is
        # said.
        body = {"regime": "eu_dac7", "year": for_year, "as_of": as_of.isoformat(), "home": "USD"}
        (made,) = finance.post("/v1/tax-filings", body)["data"]
        return made

    first = prepare(2025, datetime(2026, 1, 10, tzinfo=UTC))
    same = finance.call(
        "POST",
        "/v1/tax-filings",
        {"regime": "eu_dac7", "year": 2025, "as_of": JANUARY.isoformat(), "home": "USD"},
    )
    assert same.status == 409, "what was refunded before any release corrects nothing"
    corrected, second = prepare(2025, SUMMER), prepare(2026, SUMMER)
    for filing, name in (
        (first, "2025 initial (filed by 2026-01-31)"),
        (corrected, "2025 corrected (after ev-0009)"),
        (second, "2026"),
    ):
        answer = finance.call("GET", filing["file"])
        tree = etree.parse(io.BytesIO(answer.raw))
        schema().assertValid(tree)
        for number in range(1, 5):
            expected = EXPECTED["dac7"][name][f"Q{number}"]
            assert (
                int(tree.findtext(f".//d:ConsQ{number}", namespaces=DPI))
                == expected["xml_consideration"]
            )
            assert int(tree.findtext(f".//d:FeesQ{number}", namespaces=DPI)) == expected["xml_fees"]
            assert (
                int(tree.findtext(f".//d:NumbQ{number}", namespaces=DPI)) == expected["activities"]
            )
        broken = answer.raw.replace(b">950<", b">950.00<").replace(b">1140<", b">1140.00<")
        assert not schema().validate(etree.parse(io.BytesIO(broken)))
    assert (first["message_type"], corrected["message_type"]) == ("DPI401", "DPI402")
    assert corrected["documents"][0]["corrects"] == first["documents"][0]["ref"]
    assert tree.findtext(".//s:DocTypeIndic", namespaces=DPI) == "OECD11", (
        "a trial's indicator in the sandbox"
    )
    again = finance.call(
        "POST",
        "/v1/tax-filings",
        {"regime": "eu_dac7", "year": 2026, "as_of": SUMMER.isoformat(), "home": "USD"},
    )
    assert (again.status, "Nothing has changed" in again.json()["detail"]) == (409, True)
    facts = year.world.sql(
        "SELECT type FROM event WHERE type IN ('tax_identity.read', 'tax_filing.read')"
    )
    assert len(facts) >= 6, "every reading of names and numbers is written down"


# Rates, India


def test_the_year_in_rupees(year: Golden, tmp_path: Path) -> None:
    expected = EXPECTED["india_inr"]
    found = rows(year, tmp_path, "india_statement", "IN2025-26", party=year.world.ada_id)
    names = {m["id"]: f"C1-M{m['number']}" for m in year.contract["milestones"]}
    shown = [
        {
            "date": r["posted_on"],
            "fee_inr": r["fee_inr"],
            "gross_inr": r["gross_inr"],
            "milestone": names[r["milestone_id"]],
            "net_inr": r["net_inr"],
            "rate": f"{Decimal(r['fx_rate']):.2f}",
            "type": r["type"],
        }
        for r in found
    ]
    assert shown == expected["rows"]
    assert [row["payout_id"] for row in found] == [
        year.payouts[0],
        year.payouts[1],
        year.payouts[1],
    ]
    (summary,) = year.world.program().get("/v1/reports/earnings?period=IN2025-26&home=INR")["data"]
    assert summary["home_gross"] == expected["gross_inr"]
    assert summary["home_refunds"] == expected["refunds_inr"]
    assert (summary["home_fees"], summary["home_net"], summary["lines_without_rate"]) == (
        expected["fees_inr"],
        expected["net_inr"],
        "0",
    )
    lines = year.world.program().get("/v1/reports/transactions?period=IN2025-26&home=INR")["data"]
    converted = [
        Decimal(line["fx_amount"])
        for line in lines
        if line["type"]
        in ("release", "platform_fee", "refund_after_release", "platform_fee_refund")
    ]
    assert sum(converted) == Decimal(expected["net_inr"]), "line by line, then summed"
    assert sum(round(Decimal(line["amount"]) * Decimal("85.8"), 2) for line in lines) != sum(
        converted
    )


# The mutants of the statements: each of them would be a wrong figure that looks right

MUTANTS = {
    "1099-K net of fee": (
        "form_1099k",
        "2025",
        "l.type = 'release'",
        "l.type IN ('release', 'platform_fee')",
    ),
    "1099-K less refunds": (
        "form_1099k",
        "2026",
        "l.type = 'release'",
        "l.type IN ('release', 'refund_after_release')",
    ),
    "DAC7 gross of fees": (
        "dac7",
        "2025",
        "posted_on, sum(amount_minor) AS net",
        "posted_on, sum(amount_minor) FILTER (WHERE type = 'release') AS net",
    ),
    "refund set against its own year": (
        "dac7",
        "2025",
        "WHERE kind = 'refund_after_release' GROUP",
        "WHERE kind = 'refund_after_release' AND posted_on <= %(last)s GROUP",
    ),
    "fee lost from a payout": (
        "payouts",
        "2025",
        "WHERE l.type NOT IN ('payout',",
        "WHERE l.type NOT IN ('platform_fee', 'payout',",
    ),
    "an invoice lost": (
        "invoices",
        "2026",
        "WHERE i.issued_on",
        "WHERE i.kind <> 'fee_credit' AND i.issued_on",
    ),
    "rupees of the refund forgotten": (
        "india_statement",
        "IN2025-26",
        "l.kind IN ('release', 'refund_after_release')",
        "l.kind IN ('release')",
    ),
}


@pytest.mark.parametrize("name", list(MUTANTS))
def test_a_wrong_statement_cannot_prove_itself(
    year: Golden, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    code, period, was, becomes = MUTANTS[name]
    right = registry.find(code).statement
    assert was in right, "the mutant has lost its place"
    monkeypatch.setattr(Export, "statement", property(lambda _: right.replace(was, becomes)))
    with pytest.raises(generation.CheckFailed):
        rows(
            year,
            tmp_path,
            code,
            period,
            as_of=SUMMER,
            **({"party": year.world.ada_id} if code == "india_statement" else {}),
        )


def test_half_up_by_line() -> None:
    """712.50 pounds are 713, and 50.005 are 50.01: never half-even."""
    from service.exports.documents.filings import _whole  # noqa: PLC0415

    assert [_whole(text) for text in ("712.50", "712.5675", "950.09", "949.50", "0.00")] == [
        713,
        713,
        950,
        950,
        0,
    ]


def test_the_united_kingdom_in_pounds(year: Golden) -> None:
    body = {
        "form": "dac7",
        "country": "GB",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "birth_date": "1815-12-10",
        "tin": "QQ123456C",
        "signed_as": "Ada Lovelace",
    }
    year.world.program().post(
        "/v1/tax-identity",
        body
        | {
            "address": {
                "street": "Dorset Street",
                "building": "1",
                "city": "London",
                "postcode": "W1U 4EF",
                "country": "GB",
            }
        },
    )
    finance = year.world.program("finance")
    (made,) = finance.post("/v1/tax-filings", {"regime": "uk_mrdp", "year": 2025})["data"]
    assert made["documents"][0]["figures"]["cons"] == [0, 0, 0, 713]
    assert made["documents"][0]["figures"]["currency"] == "GBP"
    xml = finance.call("GET", made["file"]).raw
    assert b"urn:oecd:ties:dpi:v1" in xml
    assert b"TaxQ4" in xml
    assert b"<!--" not in xml


def test_what_changes_an_earlier_year(year: Golden, tmp_path: Path) -> None:
    found = rows(year, tmp_path, "reversals", "2026")
    assert [
        (r["kind"], r["original_posted_on"], r["crosses_years"], r["gross"], r["affects_dac7"])
        for r in found
    ] == [
        ("refund_after_release", "2025-12-29", "yes", "200.00", "corrects_original"),
        ("chargeback_open", "2025-11-10", "yes", "1000.00", "no"),
        ("chargeback_won", "2025-11-10", "yes", "1000.00", "no"),
    ]


def test_tax_deducted_in_india(year: Golden, tmp_path: Path) -> None:
    """Section 8.4 of the research: with a PAN below five lakh rupees nothing, else 0.1 per cent by
    release, without a PAN 5 per cent.
    """
    ada = year.world.program()
    year.world.sql_owner("UPDATE freelancer SET country = 'IN' WHERE display_name = 'Ada Lovelace'")
    home = {"street": "Chowringhee Road", "city": "Kolkata", "country": "IN"}
    year.world.sql_owner(
        "UPDATE tax_identity SET country = 'IN', tin_masked = NULL WHERE replaced_at IS NULL"
    )
    without = made(year, tmp_path / "a", "tds_194o", "IN2025-26")
    shown = list(csv.DictReader(without.path.open(newline="")))
    assert [row["tds"] for row in shown] == ["60.00", "50.01"]
    assert [(row["gross_inr"], row["tds_inr"]) for row in shown] == [
        ("102600.00", "5130.00"),
        ("86108.61", "4305.43"),
    ]
    schema_accepts(without, "tds_194o")
    company = {
        "form": "dac7",
        "seller_kind": "entity",
        "legal_name": "Lovelace Engines",
        "country": "IN",
        "tin": "ABCPL1234D",
        "address": home,
        "signed_as": "Ada Lovelace",
    }
    for body, expected in ((company, ["1.20", "1.00"]), (company | PERSON, ["0.00", "0.00"])):
        signed = datetime.fromisoformat(ada.post("/v1/tax-identity", body)["signed_at"])
        assert [
            row["tds"] for row in rows(year, tmp_path / "b", "tds_194o", "IN2025-26", as_of=signed)
        ] == expected


PERSON = {
    "seller_kind": "individual",
    "legal_name": None,
    "first_name": "Ada",
    "last_name": "Lovelace",
    "birth_date": "1815-12-10",
}


def test_a_refund_takes_the_newest_release_first_and_never_below_zero(world: World) -> None:
    """600.00 in one year and 400.00 in the next, of which 500.00 are given back: the newer year
    ends at zero, the rest corrects the older one.
    """
    contract, client = world.funded_contract(milestones=[("Engine drawings", 100_000)])
    milestone = contract["milestones"][0]["id"]
    assert client.approve(milestone, "600.00").status == 303
    year = int(world.sandbox.now()[:4])
    world.sandbox.post("clock", {"to": f"{year + 1}-01-05T10:00:00+00:00"})
    link = path_of(client.letter("sent you a contract")["links"][0])
    # After so long the letter's link has ended; the page sends a new one to the same address.
    client.press(link, client.get(link, expect=410).forms[0])
    world.work()
    look_again(client)
    assert client.approve(milestone).status == 303
    world.program().post(f"/v1/milestones/{milestone}/refunds", {"amount": 50_000})
    world.work()
    finance = world.program("finance")
    older, newer = (
        finance.get(f"/v1/reports/dac7?period={y}")["data"][0] for y in (year, year + 1)
    )
    assert (older["cons_q4"], older["fees_q4"], older["numb_q4"]) == ("475.00", "25.00", "1")
    assert (newer["cons_q1"], newer["fees_q1"], newer["numb_q1"]) == ("0.00", "0.00", "1")
    for y in (year, year + 1):
        asked = finance.post("/v1/exports", {"name": "dac7", "period": str(y)})
        world.work()
        assert finance.get(f"/v1/exports/{asked['id']}")["state"] == "ready", "and it proves itself"
