"""Names in every script come out of papers; what no font has is shown as its code point; a failed
paper stops no deadline.
"""

from __future__ import annotations

import io
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from service import documents
from service.documents import Document, Table
from service.domain.identity import typeid
from service.domain.text import texts
from tests.finance.test_papers import issued, words_of
from tests.states.test_chargebacks import ONE, contest, shown
from tests.world import World

NAMES = {
    "emoji": "Ada 🚀 ❤️ 👩‍👩‍👧",
    "han": "王小明",
    "kana": "やまだ ハナコ",
    "hangul": "김철수",
    "arabic": "محمد",
    "persian": "پرویز",
    "hebrew": "דוד",
    "devanagari": "आदित्य शर्मा",
    "bengali": "সত্যজিৎ রায়",
    "gurmukhi": "ਗੁਰਮੀਤ",
    "gujarati": "મહેશ",
    "oriya": "ସୁବାସ",
    "tamil": "தமிழ்ச்செல்வன்",
    "telugu": "రామారావు",
    "kannada": "ಕುವೆಂಪು",
    "malayalam": "ബഷീർ",
    "sinhala": "නිමල්",
    "thai": "สมชาย",
    "lao": "ສົມໃຈ",
    "khmer": "សុខា",
    "burmese": "အောင်ဆန်း",
    "ethiopic": "አበበ",
    "armenian": "Արամ",
    "georgian": "გიორგი",
    "greek": "Γιώργος",
    "cyrillic": "Пётр Ї",
    "vietnamese": "Nguyễn Thị Ánh",
    "decomposed": "Nguye\u0302\u0303n",
    "rare han": "𠮷野家",
}
SHOWN_AS = {
    "Tibetan, which no font of ours has: བོད": "[U+0F56][U+0F7C][U+0F51]",
    "private \ue000 use": "private [U+E000] use",
    "nobody's yet \u0378": "nobody's yet [U+0378]",
    "turned \u202egpj.exe": "turned [U+202E]gpj.exe",
    "bell \x07": "bell [U+0007]",
    "no text \x00 at all \ud800": "no text [U+0000] at all [U+D800]",
    "hidden \U000e0041": "hidden [U+E0041]",
    "no character \ufffe": "no character [U+FFFE]",
    "covering Z\u0301\u0302\u0303\u0304\u0305": "[U+0305]",
    "lines\r\nand\u2028lines": "lines and lines",
}
AT = datetime(2026, 3, 1, tzinfo=UTC)


def paper(text: str) -> bytes:
    """A paper that has `text` in every place."""
    table = Table(text, ["What", "Amount"], [[text, "1.00 USD"]], (1,))
    return Document(
        platform=text,
        language="en",
        title="Receipt",
        number="7",
        parties=[("Buyer", [text])],
        intro=text,
        facts=[("Name", text)],
        tables=[table],
        notes=[text],
        check=text,
    ).pdf(AT)


def letters(text: str) -> list[str]:
    """The characters without order: a PDF keeps the order of looks for what is written from right
    to left.
    """
    return sorted(ch for ch in unicodedata.normalize("NFKC", text) if not ch.isspace())


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_of_every_script_is_written_in_it(name: str, tmp_path: Path) -> None:
    found = letters(words_of(paper(name), tmp_path))
    for character in letters(name):
        assert found.count(character) >= 7 * letters(name).count(character), character
    assert "[U+" not in words_of(paper(name), tmp_path)


@pytest.mark.parametrize(("text", "shown"), SHOWN_AS.items())
def test_what_no_font_has_is_shown_as_its_code_point(text: str, shown: str, tmp_path: Path) -> None:
    found = words_of(paper(text), tmp_path)
    assert found.count(shown) >= 7
    assert "1.00 USD" in found


def test_only_what_is_missing_is_spelled(tmp_path: Path) -> None:
    found = words_of(paper("Zoë བ 王 Ω ꆈ"), tmp_path)
    assert "Zoë [U+0F56] 王 Ω [U+A188]" in found


@pytest.mark.parametrize("text", [*NAMES.values(), *SHOWN_AS])
def test_it_stays_an_archive_that_can_be_read_aloud_and_the_same_bytes(text: str) -> None:
    made = paper(text)
    assert made == paper(text)
    with pikepdf.open(io.BytesIO(made)) as document:
        assert b"<pdfaid:part>2</pdfaid:part>" in document.Root.Metadata.read_bytes()
        assert document.Root.MarkInfo.Marked


@pytest.mark.parametrize("letter", "WЖΩمदקԱ王한")
def test_a_long_word_stays_on_the_paper(letter: str, tmp_path: Path) -> None:
    """Poppler reads what stands on the page, and nothing beside it."""
    found = words_of(paper(letter * 200), tmp_path)
    assert found.count(letter) >= 7 * 200
    assert "1.00 USD" in found


NAME = "Ada 🚀 王小明 བོད \ue000"


def test_receipt_certificate_and_evidence_of_such_names(world: World, tmp_path: Path) -> None:
    world.sql(
        "UPDATE freelancer SET display_name = :name WHERE id = :id RETURNING id",
        name=NAME,
        id=typeid.decode(world.ada_id),
    )
    contract, client = world.submitted_contract(title=NAME, milestones=[(NAME, 10_000)])
    payment = world.sql("SELECT id FROM payment WHERE succeeded_at IS NOT NULL")[0][0]
    address = f"/c/{contract['id']}/receipts/{typeid.encode('pay', payment)}"
    receipt = client.http.request(
        "GET", next(link for link in client.get(address).links if ".pdf" in link)
    )
    certificate = world.program().call("GET", issued(world)["file"])
    contest(world)
    found = shown(world, contract)
    evidence = world.program().call(
        "GET", f"/v1/contracts/{contract['id']}/files/{found['evidence_file']}"
    )
    for made in (receipt, certificate, evidence):
        assert made.status == 200, made.text
        words = words_of(made.raw, tmp_path)
        assert "🚀 王小明 [U+0F56][U+0F7C][U+0F51] [U+E000]" in words


def stripes(world: World) -> dict[str, Any]:
    return next(o for o in reversed(world.sandbox.dump()["objects"]) if o["object"] == "dispute")


def tasks(world: World) -> list[str]:
    return [row.kind for row in world.sql("SELECT kind FROM staff_task WHERE closed_at IS NULL")]


@pytest.fixture
def no_template(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The typesetter finds nothing to set: what a broken installation looks like."""
    monkeypatch.setattr(documents, "_FOLDER", tmp_path)


def test_evidence_goes_out_without_a_paper_that_cannot_be_made(
    world: World, no_template: None
) -> None:
    contract, _ = world.released_contract(milestones=ONE)
    contest(world, reason="product_not_received")
    assert shown(world, contract)["evidence_file"] is None
    assert "evidence_without_paper" in tasks(world)
    assert "Mailbox proved by code" in stripes(world)["evidence"]["uncategorized_text"]
    world.advance("18d")
    assert shown(world, contract)["state"] == "submitted"
    assert stripes(world)["evidence_details"]["submission_count"] == 1
    assert "uncategorized_file" not in stripes(world)["evidence"]
    world.check_books()


def test_a_paper_that_can_be_made_later_goes_with_it(
    world: World, no_template: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract, _ = world.released_contract(milestones=ONE)
    contest(world)
    monkeypatch.undo()
    world.advance("18d")
    assert shown(world, contract)["evidence_file"] is not None
    assert stripes(world)["evidence"]["uncategorized_file"]
    assert "evidence_without_paper" not in tasks(world)


def test_evidence_goes_out_when_there_is_no_room_for_its_file(world: World) -> None:
    """200 MiB of files are the most of a contract; the eleventh of 20 MiB less a little leaves no
    room for a paper.
    """
    contract, _ = world.released_contract(milestones=ONE)
    for number in range(10):
        content = b"%PDF-" + bytes([number]) * (20 * 1024 * 1024 - 6)
        kept = world.program().upload(f"/v1/contracts/{contract['id']}/files", "a.pdf", content)
        assert kept.status == 201, kept.text
    contest(world)
    assert "evidence_without_paper" in tasks(world)
    world.advance("18d")
    assert shown(world, contract)["state"] == "submitted"
    assert stripes(world)["evidence_details"]["submission_count"] == 1


def test_new_facts_on_the_same_day_go_to_the_bank_too(world: World) -> None:
    """What is staged and what is submitted an hour later differ; Stripe takes a key for one content
    only.
    """
    contract, client = world.submitted_contract(milestones=[("Work", 10_000), ("More", 5_000)])
    contest(world, amount=5_000)
    before = stripes(world)["evidence"]["uncategorized_text"]
    assert client.approve(contract["milestones"][0]["id"]).status == 303
    world.work()
    chargeback = shown(world, contract)["id"]
    assert (
        world.program("safety")
        .call("POST", f"/v1/staff/chargebacks/{chargeback}/submit", {})
        .status
        == 202
    )
    world.work()
    assert shown(world, contract)["state"] == "submitted"
    assert stripes(world)["evidence"]["uncategorized_text"] != before
    assert not world.sql(
        "SELECT kind FROM job WHERE state <> 'done' AND attempts > 0 AND last_error IS NOT NULL"
    )


def test_what_cannot_be_made_is_said_and_tried_again(world: World, no_template: None) -> None:
    contract, client = world.released_contract(milestones=ONE)
    payment = world.sql("SELECT id FROM payment WHERE succeeded_at IS NOT NULL")[0][0]
    address = f"/c/{contract['id']}/receipts/{typeid.encode('pay', payment)}"
    receipt = client.http.request(
        "GET", next(link for link in client.get(address).links if ".pdf" in link)
    )
    assert receipt.status == 503
    assert "could not be created" in receipt.text
    period = {"period": f"2026-01-01..{world.sandbox.now()[:10]}"}
    refused = world.program().call("POST", "/v1/certificates", period)
    assert (refused.status, refused.json()["code"]) == (503, "paper_not_made")
    asked = world.program("finance").post(
        "/v1/exports", {"name": "earnings", "format": "pdf"} | period
    )
    world.work()
    made = world.program("finance").get(f"/v1/exports/{asked['id']}")
    assert made["state"] == "failed"
    assert "could not be created" in made["problem"]


def test_xml_has_a_sign_for_everything() -> None:
    assert texts.xml("a\x07b\ufffe\t王 🚀") == "a[U+0007]b[U+FFFE]\t王 🚀"
