"""Any text comes out of every file: as it is where the format can carry it, else as its code point.

No format stops at a character.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from pathlib import Path
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest
from beancount import loader
from beancount.core.data import Transaction
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.documents import cii, compile_pdf, dpi, ubl
from service.documents.dpi_parties import Address, Operator, SellerIdentity
from service.documents.invoice_facts import INVOICE, InvoiceFacts, Party
from service.domain.text import texts
from service.exports.definitions import Column, Export, Row
from service.exports.formats import delimited, plain_text_accounting
from service.gateways.mail import Email
from tests.papers.test_scripts import AT, NAMES, SHOWN_AS, paper

HARD = [
    *NAMES.values(),
    *(text for text in SHOWN_AS if "\x00" not in text and "\ud800" not in text),
    "=1+1",
    "\\",
    'a"b',
    "a\\",
    "'",
    ";|",
    "#tag ^link",
    "\x01\x1f\x7f\x9f",
    "<b>&amp;]]>",
    "\u2028\u2029\x85",
    "{{ x }}",
    "%s {0}",
    "a" * 200,
    "٣٤",
    "\u200b\u200c\u200d\ufeff",
    "\U0001f468\u200d\U0001f469",
    "é\u0301\u0302",
    "\ufffd\ufffc",
    "\t\n x",
    "\u05ef\ud7a4",
    "a\u2065\ufff0\U000e0080\U000e01f0\U000e0fff",
]
UNDRAWN = ("Cf", "Zs", "Zl", "Zp", "Cc")
anything = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40
) | st.sampled_from(HARD)


def drawn(text: str) -> list[str]:
    """The characters that somebody sees, taken apart and without order."""
    plain = unicodedata.normalize("NFKD", text)
    return [ch for ch in plain if unicodedata.category(ch) not in UNDRAWN and not is_ignorable(ch)]


def is_ignorable(ch: str) -> bool:
    """What Unicode calls default ignorable: variation selectors, fillers, joiners."""
    code = ord(ch)
    places = (
        (0xAD, 0xAD),
        (0x34F, 0x34F),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFFA0, 0xFFA0),
        (0xE0100, 0xE01EF),
    )
    return any(low <= code <= high for low, high in places)


def missing_in(found: str, text: str) -> list[str]:
    """What of `text` is neither seen in `found` nor spelled in it. The brackets around a code point
    stand where the direction of the letters before them puts them.
    """
    seen = set(drawn(found))
    return [
        ch for ch in drawn(text) if ch not in seen and texts.code_point(ch).strip("[]") not in found
    ]


def words_of(pdf: bytes) -> str:
    if shutil.which("pdftotext") is None:
        pytest.skip("NO PDFTOTEXT: apt-get install poppler-utils")
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(pdf)
        file.flush()
        return subprocess.run(
            ["pdftotext", "-raw", file.name, "-"], capture_output=True, timeout=60, check=True
        ).stdout.decode()


@settings(deadline=None)
@given(anything)
def test_a_paper(text: str) -> None:
    assert missing_in(words_of(paper(text)), text) == []


@settings(deadline=None, max_examples=40)
@given(anything)
def test_evidence_and_a_case(text: str) -> None:
    pairs = [[text, text]]
    evidence = {
        "platform": text,
        "chargeback": text,
        "summary": text,
        "dispute": pairs,
        "agreement": pairs,
        "deliveries": [{"title": text, "facts": pairs, "note": text}],
        "releases": [pairs],
        "letters": [[text, text, text]],
        "events": [[text, text, text]],
    }
    case = {
        "platform": text,
        "number": text,
        "title": text,
        "summary": text,
        "facts": pairs,
        "lines": [[text, text, text]],
        "check": text,
    }
    for template, values in (("evidence", evidence), ("case", case)):
        assert missing_in(words_of(compile_pdf(template, values, AT)), text) == []


def texts_in(xml: bytes) -> set[str]:
    return {element.text or "" for element in ET.fromstring(xml).iter()}


def as_read(text: str) -> str:
    """As an XML reader gives it back: it knows one sign for a new line."""
    return texts.xml(text).replace("\r\n", "\n").replace("\r", "\n")


PARTY = Party(
    name="Ada",
    country="GB",
    street="Dorset St",
    building="1",
    postcode="W1",
    city="London",
    identifier="7",
)
FACTS = InvoiceFacts(
    "F-1",
    INVOICE,
    date(2026, 3, 1),
    date(2026, 3, 1),
    "EUR",
    "ctr_1",
    PARTY,
    PARTY,
    "Fee",
    "10.00",
    "0.00",
    "10.00",
    "0.00",
    "O",
    "0",
)


@given(anything.filter(bool))
def test_invoices_as_xml(text: str) -> None:
    party = replace(
        PARTY, name=text, street=text, building="", postcode=text, city=text, registration_no=text
    )
    facts = replace(FACTS, seller=party, buyer=party, item=text)
    for made in (ubl.render(facts), cii.render(facts)):
        assert as_read(text) in texts_in(made)


@given(anything.filter(bool))
def test_reports_to_tax_offices(text: str) -> None:
    address: Address = {
        "street": text,
        "building": "1",
        "postcode": text,
        "city": text,
        "country": "ES",
    }
    who: SellerIdentity = {
        "seller_kind": "individual",
        "country": "ES",
        "tin": text,
        "first_name": text,
        "last_name": text,
        "birth_date": "1815-12-10",
        "address": address,
        "birth_place": {"city": text, "country": "GB"},
        "account": {"kind": "IBAN", "number": text, "holder": text},
    }
    operator = Operator(text, text, "ES", "1", "ES", "", text, "1", text, text)
    seller = dpi.Seller(who, "EUR", [1] * 4, [1] * 4, [1] * 4, [1] * 4, "ref")
    for regime in dpi.PROFILES:
        message = dpi.DpiMessage(
            regime, 2026, "m", "DPI401", AT, operator, "o", dpi.NEW, True, [seller]
        )
        assert as_read(text) in texts_in(dpi.render(message))


EXPORT = Export("x", "X", 1, (Column("a", "text", ""), Column("b", "text", "")))


@given(st.lists(st.tuples(anything, anything), min_size=1, max_size=5))
def test_csv_and_json_lines(rows: list[tuple[str, str]]) -> None:
    columns = [tuple(column) for column in zip(*rows, strict=True)]
    found = list(
        csv.reader(io.StringIO(b"".join(delimited.as_csv(EXPORT, [columns])).decode(), newline=""))
    )
    assert [tuple(row) for row in found[1:]] == [
        tuple(map(delimited._harmless, row)) for row in rows
    ]
    lines = b"".join(delimited.as_jsonl(EXPORT, [columns])).decode().split("\n")[:-1]
    assert [tuple(json.loads(line).values()) for line in lines] == [
        (a or None, b or None) for a, b in rows
    ]


@given(anything)
def test_the_columns_of_the_market_leader(text: str) -> None:
    row: Row = {
        "note": text,
        "counterparty": text,
        "contract_title": text,
        "client_po": text,
        "amount": 100,
        "currency": "USD",
        "fx_rate": None,
        "running_balance": 100,
        "posted_on": date(2026, 3, 1),
        "event_id": UUID(int=7),
        "line_no": 1,
        "type": "release",
    }
    found = list(csv.reader(io.StringIO(b"".join(delimited.as_upwork([row])).decode(), newline="")))
    assert len(found) == 2
    assert found[1].count(delimited._harmless(text)) >= 4


def journal(narrations: list[str]) -> list[Row]:
    """Entries of one cent each, with these narrations."""
    out: list[Row] = []
    for number, text in enumerate(narrations, 1):
        for account, debit, credit in (("psp_trust", 1, 0), ("platform_fees", 0, 1)):
            out.append(
                {
                    "number": number,
                    "posted_on": date(2026, 3, 1),
                    "kind": "fund",
                    "narration": text,
                    "event_id": UUID(int=number),
                    "account": account,
                    "owner": None,
                    "debit": debit,
                    "credit": credit,
                    "currency": "USD",
                }
            )
    return out


@settings(deadline=None, max_examples=10)
@given(st.lists(anything, min_size=20, max_size=60))
@example(HARD)
def test_plain_text_accounting(narrations: list[str]) -> None:
    """The programs themselves read the journal, find every entry, and its words."""
    with tempfile.TemporaryDirectory() as folder:
        for form, program in (
            ("beancount", [str(Path(sys.executable).parent / "bean-check")]),
            ("hledger", ["hledger", "check", "--strict", "-f"]),
        ):
            path = Path(folder) / f"journal.{form}"
            path.write_bytes(
                b"".join(
                    plain_text_accounting.FORMATS[form](journal(narrations), date(2026, 3, 31))
                )
            )
            if shutil.which(program[0]) is None:
                continue
            said = subprocess.run(
                [*program, str(path)], capture_output=True, timeout=120, check=False
            )
            assert said.returncode == 0, (
                form,
                said.stderr.decode()[-2000:],
                said.stdout.decode()[-2000:],
            )
        entries, errors, _ = loader.load_file(str(Path(folder) / "journal.beancount"))
        assert errors == []
        found = [entry.narration for entry in entries if isinstance(entry, Transaction)]
        assert sorted(found) == sorted(plain_text_accounting._words(text) for text in narrations)


@settings(deadline=None)
@given(anything, anything)
def test_an_email(name: str, words: str) -> None:
    sent = Email(
        "msg_1",
        "a@b.example",
        f"{name} via Holdfast",
        "mail@holdfast.example",
        "r@b.example",
        words or "x",
        words,
        f"<p>{len(words)}</p>",
        datetime(2026, 3, 1, tzinfo=UTC),
    )
    made = message_from_bytes(sent.as_mime().as_bytes(policy=policy.SMTP), policy=policy.default)
    assert made["Reply-To"] == "r@b.example"
    assert len(made.keys()) == len(set(made.keys())), "no header of somebody else's"
    body = made.get_body(("plain",))
    assert body is not None
    assert missing_in(body.get_content(), words) == []
    assert missing_in(str(made["Subject"]), words) == []
    assert missing_in(str(made["From"].addresses[0].display_name), name) == []
