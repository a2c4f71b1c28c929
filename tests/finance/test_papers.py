"""Papers that people hand on: certificates anybody can check, summaries in three languages, an
accountant's page, invoices by mandate.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from service.documents import signing
from service.documents.wording import LANGUAGES, all_keys, money, say
from service.domain.identity import typeid
from service.exports import inline
from tests.databases import clone
from tests.finance.test_invoices import failed_rules
from tests.journey import Person, WsgiHttp, path_of
from tests.world import World

GERMAN = {"en": "1,140.00 USD", "de": "1.140,00 USD", "es": "1.140,00 USD"}


@pytest.fixture(scope="module")
def earned() -> Iterator[World]:
    """One milestone of 1,200.00 released, with a signing key for papers."""
    key, certificate = signing.self_signed("Holdfast tests")
    with clone(paper_key=key, paper_certificate=certificate) as world:
        world.released_contract(milestones=[("Engine drawings", 120_000)])
        yield world


def program_of(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Poppler's programs come with the system; CI has them always."""
    if shutil.which(name) is None and os.environ.get("CI"):
        pytest.fail(f"{name} is not installed: apt-get install poppler-utils")
    if shutil.which(name) is None:
        pytest.skip(f"NO {name.upper()}: apt-get install poppler-utils")
    return subprocess.run(
        [name, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def words_of(pdf: bytes, folder: Path) -> str:
    (folder / "a.pdf").write_bytes(pdf)
    return re.sub(
        r"\s+", " ", program_of("pdftotext", "-layout", str(folder / "a.pdf"), "-").stdout
    )


def today(world: World) -> str:
    return world.sandbox.now()[:10]


def issued(world: World, language: str = "en", **more: Any) -> dict[str, Any]:
    body = {"period": f"2026-01-01..{today(world)}", "language": language} | more
    found: dict[str, Any] = world.program().post("/v1/certificates", body)
    return found


def test_a_certificate_is_signed_and_one_changed_byte_is_seen(
    earned: World, tmp_path: Path
) -> None:
    made = issued(earned)
    pdf = earned.program().call("GET", made["file"]).raw
    (tmp_path / "right.pdf").write_bytes(pdf)
    assert "Signature is Valid" in program_of("pdfsig", str(tmp_path / "right.pdf")).stdout
    broken = bytearray(pdf)
    broken[pdf.find(b"stream") + 40] ^= 1
    (tmp_path / "broken.pdf").write_bytes(bytes(broken))
    assert "Digest Mismatch" in program_of("pdfsig", str(tmp_path / "broken.pdf")).stdout
    text = words_of(pdf, tmp_path)
    assert made["code"] in text
    assert GERMAN["en"] in text
    assert "Charles Babbage" in text
    with pikepdf.open(tmp_path / "right.pdf") as document:
        inside = document.attachments["transactions.csv"].get_file().read_bytes().decode()
    assert "platform_fee" in inside
    assert "1200.00" in inside


def test_anybody_can_check_it_and_sees_when_it_is_over(earned: World) -> None:
    stranger = Person(WsgiHttp(earned.app), earned.sandbox, "bank@pacioli.example", earned.work)
    first = issued(earned, period=f"2026-02-01..{today(earned)}")
    address = path_of(first["verify_url"])
    shown = stranger.get(address)
    assert "Valid" in shown.text
    assert "1140.00 USD" in shown.text
    assert first["sha256"] in shown.text
    assert stranger.get("/verify").forms[0].method == "get"
    typed = stranger.http.request("GET", f"/verify?code={first['code'].lower()}")
    assert path_of(typed.headers["location"]) == address
    second = issued(earned, period=f"2026-02-01..{today(earned)}")
    assert "Superseded" in stranger.get(address).text
    revoked = earned.program("finance").post(
        f"/v1/certificates/{second['id']}/revoke", {"reason": "Asked for by mistake"}
    )
    assert revoked["state"] == "revoked"
    assert "Asked for by mistake" in stranger.get(path_of(second["verify_url"])).text
    again = earned.program("finance").call(
        "POST", f"/v1/certificates/{second['id']}/revoke", {"reason": "Asked for by mistake"}
    )
    assert again.status == 409
    assert "There is no certificate" in stranger.get("/verify/AAAA-BBBB-CCCC", expect=404).text


def test_a_certificate_says_which_payouts_carried_a_release(world: World, tmp_path: Path) -> None:
    """Net 1,140.00, 760.47 and 2,216.66; drawn as 1,000.00, 600.00 and 1,500.00: the first is in
    two payouts, the second in two, the third in one.
    """
    contract, client = world.funded_contract()
    for milestone in (m["id"] for m in contract["milestones"]):
        world.program().post(f"/v1/milestones/{milestone}/submissions", {"note": "Done."})
        assert client.approve(milestone).status == 303
    world.work()
    world.advance("6d")
    world.onboarded()
    ids = []
    for amount in (100_000, 60_000, 150_000):
        ids.append(world.program().post("/v1/payouts", {"amount": amount, "currency": "USD"})["id"])
        world.advance("1d")
    world.advance("7d")
    text = words_of(world.program().call("GET", issued(world)["file"]).raw, tmp_path)
    for net, carried in (("1,140.00", "1, 2"), ("760.47", "2, 3"), ("2,216.66", "3")):
        assert f"{net} USD {carried} " in text, net
    for place, (number, amount) in enumerate(
        zip(ids, ("1,000.00", "600.00", "1,500.00"), strict=True), 1
    ):
        assert re.search(rf"{place} {number} po_\w+ \d{{4}}-\d\d-\d\d {amount} USD", text), (
            place,
            text,
        )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_certificate_in_every_language(earned: World, tmp_path: Path, language: str) -> None:
    made = issued(earned, language, period=f"2026-03-01..{today(earned)}")
    text = words_of(earned.program().call("GET", made["file"]).raw, tmp_path)
    assert say("certificate", language) in text
    assert GERMAN[language] in text


def test_every_word_exists_in_every_language() -> None:
    for key in all_keys():
        said = {language: say(key, language, **dict.fromkeys(BLANKS, "")) for language in LANGUAGES}
        assert all(said.values()), key
    assert money(-114_000, "KWD", "de") == "-114,000 KWD"
    assert money(5, "JPY", "es") == "5 JPY"


BLANKS = (
    "rate",
    "id",
    "platform",
    "seller",
    "title",
    "amount",
    "person",
    "url",
    "code",
    "position",
    "head",
    "last4",
    "currency",
)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", ["earnings", "client_statement", "reconciliation"])
def test_every_figure_of_a_summary_is_on_its_paper(
    earned: World, tmp_path: Path, code: str, language: str
) -> None:
    finance = earned.program("finance")
    body = {
        "name": code,
        "period": f"2026-01-01..{today(earned)}",
        "format": "pdf",
        "language": language,
    }
    asked = finance.post("/v1/exports", body)
    earned.work()
    made = finance.get(f"/v1/exports/{asked['id']}")
    assert made["state"] == "ready", made["problem"]
    pdf = finance.call("GET", next(f for f in made["files"] if f.endswith(".pdf"))).raw
    text = words_of(pdf, tmp_path)
    (row,) = finance.get(f"/v1/reports/{code}?period=2026-01-01..{today(earned)}")["data"]
    figures = [
        Decimal(value) for value in row.values() if value and re.fullmatch(r"-?\d+\.\d\d", value)
    ]
    assert len(figures) >= 8
    for figure in figures:
        assert money(int(figure * 100), "USD", language) in text
    assert say(code, language) in text
    with pikepdf.open(tmp_path / "a.pdf") as document:
        assert b"<pdfaid:part>2</pdfaid:part>" in document.Root.Metadata.read_bytes()
        assert document.Root.MarkInfo.Marked


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"period": "2026", "language": "fr"}, "/language"),
        ({"period": "2199"}, "/period"),
        ({"period": "soon"}, "/period"),
        ({"period": "2026", "freelancer": "frl_01m82jfcv7et69qsget0gz6yqr"}, None),
    ],
)
def test_what_no_certificate_is_made_of(
    earned: World, body: dict[str, Any], pointer: str | None
) -> None:
    answer = earned.program().call("POST", "/v1/certificates", body)
    assert answer.status == (422 if pointer else 403)
    if pointer:
        assert answer.json()["errors"][0]["pointer"] == pointer


def inside(world: World, link: dict[str, Any]) -> Person:
    """An accountant who has pressed the button of their link."""
    person = Person(WsgiHttp(world.app), world.sandbox, "luca@pacioli.example", world.work)
    path = path_of(link["url"])
    page = person.get(path)
    assert "1200.00" not in page.text, "opening the address alone shows nothing"
    assert person.press(path, page.forms[0]).status == 303
    return person


def test_an_accountant_reads_and_every_look_is_written_down(
    earned: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = earned.program()
    link = ada.post("/v1/accountant-links", {"name": "Luca Pacioli", "days": 7})
    luca = inside(earned, link)
    shown = luca.get(f"/accountant?period=2026-01-01..{today(earned)}")
    assert "1140.00" in shown.text
    assert all(form.method == "get" or form.action == "/sign-out" for form in shown.forms), (
        "nothing can be changed from here"
    )
    history = luca.http.request(
        "GET", f"/accountant/exports/transactions.csv?period=2026-01-01..{today(earned)}"
    )
    assert b"platform_fee" in history.raw
    address = f"/accountant/exports/earnings.pdf?period=2026-01-01..{today(earned)}&language=de"
    with monkeypatch.context() as smaller:
        smaller.setattr(inline, "INLINE_ROWS", 0)
        assert luca.http.request("GET", address).status == 422, (
            "what is made on the spot has a maximum"
        )
    paper = luca.http.request("GET", address)
    assert GERMAN["de"] in words_of(paper.raw, tmp_path)
    assert luca.http.request("GET", "/accountant/exports/general_journal.csv").status == 404
    assert luca.http.request("GET", "/accountant?period=never").status == 422
    invoice = ada.get("/v1/invoices")["data"][0]
    assert luca.http.request("GET", f"/accountant/invoices/{invoice['id']}.ubl").status == 200
    (listed,) = [one for one in ada.get("/v1/accountant-links")["data"] if one["id"] == link["id"]]
    assert [visit["what"] for visit in reversed(listed["visits"])][:2] == [
        "opened",
        f"summary 2026-01-01..{today(earned)}",
    ]
    assert any("transactions csv" in visit["what"] for visit in listed["visits"])
    assert "url" not in listed
    ada.post(f"/v1/accountant-links/{link['id']}/end")
    assert luca.http.request("GET", "/accountant").status == 410
    assert luca.http.request("GET", path_of(link["url"]) + "x").status == 404


def test_an_accountant_of_one_is_not_the_accountant_of_another(earned: World) -> None:
    grace = earned.program("mary")
    luca = inside(earned, grace.post("/v1/accountant-links", {"name": "Luca Pacioli"}))
    invoice = earned.program().get("/v1/invoices")["data"][0]
    assert luca.http.request("GET", f"/accountant/invoices/{invoice['id']}.pdf").status == 404
    assert "Nothing was earned" in luca.get("/accountant?period=2026").text
    for days, status in ((0, 422), (367, 422), ("7", 422)):
        assert (
            grace.call("POST", "/v1/accountant-links", {"name": "Luca", "days": days}).status
            == status
        )


def test_a_link_ends_on_its_day(world: World) -> None:
    link = world.program().post("/v1/accountant-links", {"name": "Luca Pacioli", "days": 1})
    luca = inside(world, link)
    world.sandbox.advance("2d")
    assert luca.http.request("GET", "/accountant").status in (403, 410)
    page = luca.get(path_of(link["url"]))
    assert luca.press(path_of(link["url"]), page.forms[0]).status == 410


MANDATE = {
    "form": "dac7",
    "country": "ES",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "birth_date": "1815-12-10",
    "tin": "X1234567L",
    "signed_as": "Ada Lovelace",
    "address": {
        "street": "Gran Vía",
        "building": "1",
        "postcode": "28013",
        "city": "Madrid",
        "country": "ES",
    },
    "invoices_by_mandate": True,
}


def test_invoices_for_the_work_by_mandate(world: World, tmp_path: Path) -> None:
    ada = world.program()
    ada.post("/v1/tax-identity", MANDATE)
    contract, _ = world.released_contract(milestones=[("Engine =drawings", 120_000)], country="GB")
    ada.post(f"/v1/milestones/{contract['milestones'][0]['id']}/refunds", {"amount": 20_000})
    world.work()
    found = {one["kind"]: one for one in ada.get("/v1/invoices")["data"]}
    assert set(found) == {"fee", "fee_credit", "work", "work_credit"}
    work, credit = found["work"], found["work_credit"]
    assert (work["total"], credit["total"], credit["corrects"]) == (120_000, 20_000, work["id"])
    assert (work["seller"]["name"], work["seller"]["city"], work["buyer"]["name"]) == (
        "Ada Lovelace",
        "Madrid",
        "Charles Babbage",
    )
    assert work["number"].startswith("W-")
    for one in (work, credit):
        for form in ("ubl", "cii"):
            assert failed_rules(ada.call("GET", one["files"][form]).raw, form)[0] == set()
    text = words_of(ada.call("GET", work["files"]["pdf"] + "?language=es").raw, tmp_path)
    assert "por cuenta de Ada Lovelace" in text
    assert world.program("mary").call("GET", f"/v1/invoices/{work['id']}").status == 404
    assert ada.call("GET", f"/v1/invoices/{work['id']}/files/docx").status == 404
    assert json.loads(json.dumps(work))["tax_category"] == "O"


def test_no_xml_that_the_norm_would_refuse(world: World) -> None:
    """Dinars have three digits and the norm two; a buyer without a country cannot be named by it.

    The PDF comes all the same.
    """
    ada = world.program()
    ada.post("/v1/tax-identity", MANDATE)
    world.released_contract(milestones=[("Engine drawings", 1_200_000)], currency="KWD")
    for one in ada.get("/v1/invoices")["data"]:
        refused = ada.call("GET", one["files"]["ubl"])
        assert (refused.status, refused.json()["errors"][0]["code"]) == (422, "no_such_format")
        with pikepdf.open(io.BytesIO(ada.call("GET", one["files"]["pdf"]).raw)) as document:
            assert not document.attachments


def test_a_receipt_to_keep_in_three_languages(world: World, tmp_path: Path) -> None:
    contract, client = world.funded_contract(milestones=[("Engine drawings", 114_000)])
    payment = world.sql("SELECT id FROM payment WHERE succeeded_at IS NOT NULL")[0][0]
    page = client.get(f"/c/{contract['id']}/receipts/{typeid.encode('pay', payment)}")
    links = [link for link in page.links if ".pdf" in link]
    assert len(links) == 3
    for language, link in zip(LANGUAGES, links, strict=True):
        made = client.http.request("GET", link).raw
        assert made == client.http.request("GET", link).raw
        text = words_of(made, tmp_path)
        assert GERMAN[language] in text
        assert say("receipt_note", language)[:30] in text
    assert client.http.request("GET", links[0].replace("language=en", "language=fr")).status == 404


def test_the_market_leader_s_importers_read_the_history(earned: World) -> None:
    asked = earned.program().post(
        "/v1/exports",
        {"name": "transactions", "period": f"2026-01-01..{today(earned)}", "format": "upwork"},
    )
    earned.work()
    made = earned.program().get(f"/v1/exports/{asked['id']}")
    text = (
        earned.program()
        .call("GET", next(f for f in made["files"] if f.endswith("upwork.csv")))
        .raw.decode()
    )
    found = list(csv.DictReader(io.StringIO(text)))
    assert (
        ",".join(found[0]) == "Date,Ref ID,Type,Description,Agency,Freelancer,Team,Account "
        "Name,PO,Amount,ExchangeRate,Currency,Balance"
    )
    assert [(row["Type"], row["Amount"], row["Balance"]) for row in found] == [
        ("Fixed Price", "1200.00", "1200.00"),
        ("Service Fee", "-60.00", "1140.00"),
    ]
    refused = earned.program().call(
        "POST", "/v1/exports", {"name": "earnings", "period": "2026", "format": "upwork"}
    )
    assert refused.status == 422
