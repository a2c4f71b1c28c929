"""Tax identities: taken in whole, sealed, shown masked, never leaked; duties are decided by people;
rates never change.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from service.cli import cli
from service.domain.errors import Invalid, Unavailable
from service.domain.identity import tax_forms
from service.exports.formats import form_1099k_iris
from service.operations.finance import fx_rates
from service.operations.tax import reencryption, tax_filings
from service.platform.encryption import FieldEncryption
from tests.console import colleague
from tests.world import World

HOME = {
    "street": "Main Street",
    "building": "1",
    "postcode": "02108",
    "city": "Boston",
    "country": "US",
}
W9 = {
    "form": "w9",
    "country": "US",
    "region": "MA",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "tin": "123-45-1234",
    "signed_as": "Ada Lovelace",
    "address": HOME,
}
DAC7 = W9 | {
    "form": "dac7",
    "country": "FR",
    "region": None,
    "tin": "3023217600053",
    "birth_date": "1815-12-10",
}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"tin": "12-34"}, "/tin"),
        ({"tin": 123_456_789}, "/tin"),
        ({"region": None}, "/region"),
        ({"region": "Massachusetts"}, "/region"),
        ({"country": "FR"}, "/country"),
        ({"first_name": None}, "/first_name"),
        ({"first_name": "A\u202eda"}, "/first_name"),
        ({"form": "w10"}, "/form"),
        ({"form": "w8ben"}, "/country"),
        ({"form": "w8ben_e", "country": "FR"}, "/seller_kind"),
        ({"form": "dac7", "country": "FR", "tin": None}, "/tin"),
        ({"form": "dac7", "country": "FR"}, "/birth_date"),
        ({"address": None}, "/address"),
        ({"signed_as": ""}, "/signed_as"),
        ({"extra": 1}, "/extra"),
        ({"first_name": "A" * 300}, "/first_name"),
        (DAC7 | {"vat_id": "FR40123456789", "invoices_by_mandate": True}, "/invoices_by_mandate"),
    ],
)
def test_a_wrong_declaration_is_refused_whole(
    world: World, change: dict[str, Any], pointer: str
) -> None:
    answer = world.program().call("POST", "/v1/tax-identity", W9 | change)
    assert answer.status == 422, answer.text
    assert any(error["pointer"].startswith(pointer) for error in answer.json()["errors"]), (
        answer.text
    )
    assert world.sql("SELECT count(*) FROM tax_identity")[0][0] == 0
    assert "123-45-1234" not in answer.text


def test_it_is_sealed_masked_and_every_reading_is_written_down(world: World) -> None:
    ada = world.program()
    assert ada.get("/v1/tax-identity")["status"] == "missing"
    answer = ada.call("POST", "/v1/tax-identity", W9)
    assert (answer.status, answer.json()["tin_masked"]) == (201, "XXX-XX-1234")
    everywhere = (
        str(world.sql("SELECT t::text FROM tax_identity t"))
        + str(world.sql("SELECT e::text FROM event e"))
        + str(world.sql("SELECT i::text FROM idempotency_record i"))
    )
    for secret in ("123-45-1234", "123451234", "123-45"):
        assert secret not in everywhere + answer.text
    assert (
        world.program("mary").call("GET", f"/v1/tax-identity?freelancer={world.ada_id}").status
        == 403
    )
    assert (
        world.program("platform").get(f"/v1/tax-identity?freelancer={world.ada_id}")["tin_masked"]
        == "XXX-XX-1234"
    )
    ada.post("/v1/tax-identity", DAC7)
    assert [
        tuple(row)
        for row in world.sql("SELECT form, replaced_at IS NULL FROM tax_identity ORDER BY id")
    ] == [("w9", False), ("dac7", True)]


def test_a_w8_ends_with_the_third_year_after_it() -> None:
    assert tax_forms.expires_on("w8ben", date(2026, 1, 1)) == date(2029, 12, 31)
    assert tax_forms.expires_on("w9", date(2026, 1, 1)) is None
    assert tax_forms.masked("30 232 1760-0053", "FR") == "…0053"
    assert tax_forms.masked(None, "FR") is None


def test_keys_are_changed_without_losing_anything(world: World) -> None:
    world.program().post("/v1/tax-identity", DAC7)
    world.released_contract()
    old, new = "1f" * 32, "2e" * 32
    finance = world.program("finance")
    filed = finance.post(
        "/v1/tax-filings",
        {"regime": "eu_dac7", "year": int(world.sandbox.now()[:4]), "home": "USD"},
    )["data"][0]
    both = FieldEncryption((old, new))
    with world.runtime.context("test") as ctx:
        assert reencryption.reencrypt(ctx, both) == 2
    with world.runtime.context("test") as ctx:
        assert reencryption.reencrypt(ctx, both) == 0
        assert b"3023217600053" in FieldEncryption((new,)).decrypt(
            tax_filings.find(ctx.session, filed["id"]).sealed
        )
        with pytest.raises(Unavailable):
            FieldEncryption((old,)).decrypt(tax_filings.find(ctx.session, filed["id"]).sealed)
    with pytest.raises(Unavailable, match="HOLDFAST_TAX_KEYS"):
        FieldEncryption(()).encrypt(b"x")


def test_a_duty_is_somebody_s_decision_with_a_reason(world: World, tmp_path: Path) -> None:
    finance = world.program("finance")
    assert finance.get("/v1/tax-scopes")["us_1099k"] is None
    reason = "Counsel's opinion of 3 March: we match nobody"
    assert (
        finance.call(
            "POST", "/v1/tax-scopes", {"regime": "us_1099k", "in_scope": False, "reason": reason}
        ).status
        == 403
    )
    world.program("approver").post(
        "/v1/tax-scopes", {"regime": "us_1099k", "in_scope": False, "reason": reason}
    )
    assert finance.get("/v1/tax-scopes")["us_1099k"]["reason"] == reason
    person = colleague(world, "approver")
    page = person.get("/finance/tax")
    assert reason in page.text
    form = next(f for f in page.forms if "Record the decision" in f.text)
    assert (
        person.press("/finance/tax", form, regime="eu_dac7", in_scope="yes", reason="Short").status
        == 422
    )
    done = person.press(
        "/finance/tax",
        form,
        regime="eu_dac7",
        in_scope="yes",
        reason="The tax adviser's letter of 4 May says so",
    )
    assert done.status == 303
    assert "letter of 4 May" in person.get("/finance/tax").text


def test_a_report_is_prepared_on_the_page(world: World) -> None:
    world.program().post("/v1/tax-identity", DAC7)
    world.released_contract()
    person = colleague(world, "finance")
    page = person.get("/finance/tax")
    form = next(f for f in page.forms if "Prepare the file" in f.text)
    assert person.press("/finance/tax", form, regime="eu_dac7", year="next").status == 422
    assert (
        person.press("/finance/tax", form, regime="eu_dac7", year=world.sandbox.now()[:4]).status
        == 409
    ), "no rate of USD to EUR"
    assert (
        person.press(
            "/finance/tax", form, regime="eu_dac7", year=world.sandbox.now()[:4], home="usd"
        ).status
        == 303
    )
    shown = person.get("/finance/tax")
    link = next(link for link in shown.links if link.endswith(".xml"))
    assert b"3023217600053" in person.http.request("GET", link).raw
    assert world.sql("SELECT count(*) FROM event WHERE type = 'tax_filing.read'")[0][0] == 1


# Rates

ECB = b"""<?xml version="1.0"?><gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
<Cube><Cube time="2026-01-05"><Cube currency="USD" rate="1.25"/><Cube currency="INR" rate="100.00"/><Cube currency="XXX" rate="2"/></Cube></Cube></gesmes:Envelope>"""


def test_a_central_bank_s_file_crosses_currencies(world: World) -> None:
    with world.runtime.context("test") as ctx:
        rates = fx_rates.from_ecb(ECB)
        assert rates == [
            ("EUR", "USD", Decimal("1.25"), date(2026, 1, 5)),
            ("EUR", "INR", Decimal("100.00"), date(2026, 1, 5)),
        ]
        assert fx_rates.add(ctx, rates, "ECB") == 2
        assert fx_rates.add(ctx, rates, "ECB") == 0, "what is known stays as it is"
    later = datetime(2026, 12, 31, tzinfo=UTC).isoformat()

    def rate(base: str, quote: str, day: str) -> Any:
        return world.sql(f"SELECT rate FROM fx_on('{base}', '{quote}', '{day}', '{later}')")[0][0]

    assert rate("USD", "INR", "2026-01-05") == 80
    assert rate("INR", "EUR", "2026-01-07") == Decimal("0.01")
    assert rate("USD", "INR", "2026-01-04") is None, "never a rate of a later day"
    assert rate("USD", "INR", "2026-01-16") is None, "nor one that is too old"
    for wrong in (b"", b"<a/>", b"<!DOCTYPE a><a/>", ECB.replace(b"1.25", b"x")):
        with pytest.raises(Invalid):
            fx_rates.from_ecb(wrong)


@pytest.mark.parametrize(
    "change",
    [
        {"rate": "0"},
        {"rate": "-1"},
        {"rate": 1.5},
        {"rate": "1e3"},
        {"base": "USD"},
        {"quote": "ZZZ"},
        {"day": "2999-01-01"},
        {"day": "x"},
    ],
)
def test_a_wrong_rate_is_refused(world: World, change: dict[str, Any]) -> None:
    rate = {"base": "EUR", "quote": "USD", "rate": "1.10", "day": "2026-01-05"} | change
    answer = world.program("finance").call(
        "POST", "/v1/fx-rates", {"source": "hand", "rates": [rate]}
    )
    assert answer.status == 422
    assert world.sql("SELECT count(*) FROM fx_rate")[0][0] == 0


# The tax office's own template


def test_a_template_s_columns_are_filled_by_name_or_the_file_stops(world: World) -> None:
    ada = world.program()
    ada.post("/v1/tax-identity", W9)
    world.released_contract(milestones=[("Engine drawings", 120_000)])
    year, header = (
        int(world.sandbox.now()[:4]),
        (
            "Form Type,Tax Year,Recipient Taxpayer ID Number,Recipient Last Name (Surname),Box 1b - "
            "Card not present transactions"
        ),
    )
    with world.runtime.context("test") as ctx:
        column = "Box 1a - Gross amount of payment card/third party network transactions"
        (made,) = form_1099k_iris.render(
            ctx, world.runtime.encryption, f"{header},{column}\r\n", year, ctx.now, "MA"
        )
        assert made.decode().splitlines()[1] == f"1099-K,{year},123-45-1234,Lovelace,,1200.00"
        assert form_1099k_iris.render(ctx, world.runtime.encryption, header, year, ctx.now) == [], (
            "too little for the federal office"
        )
        with pytest.raises(Invalid, match="Box 99"):
            form_1099k_iris.render(
                ctx, world.runtime.encryption, f"{header},Box 99", year, ctx.now, "MA"
            )


def test_the_command_line(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.program().post("/v1/tax-identity", DAC7)
    world.released_contract(milestones=[("Engine drawings", 120_000)])
    for name, value in {
        "MODE": "sandbox",
        "DATABASE_URL": world.settings.database_url,
        "SECRET_KEYS": world.settings.secret_keys[0],
        "SIGNING_KEY": world.settings.signing_key,
        "STRIPE_WEBHOOK_SECRETS": world.settings.stripe_webhook_secrets[0],
        "MAIL_EVENTS_SECRET": "mail-secret",
        "TAX_KEYS": ",".join(world.settings.tax_keys),
    }.items():
        monkeypatch.setenv(f"HOLDFAST_{name}", value)
    run, year, day = CliRunner(), world.sandbox.now()[:4], world.sandbox.now()[:10]
    (tmp_path / "ecb.xml").write_bytes(ECB.replace(b"2026-01-05", day.encode()))
    assert (
        "2 rates read, 2 of them new"
        in run.invoke(cli, ["fx", "import", str(tmp_path / "ecb.xml")]).output
    )
    done = run.invoke(
        cli,
        ["export", "earnings", "--period", year, "--home", "INR", "--out", str(tmp_path / "books")],
    )
    assert done.exit_code == 0, done.output
    assert (
        ",INR,96000.00,0.00,4800.00,91200.00,0"
        in next((tmp_path / "books").glob("*.csv")).read_text()
    )
    assert (
        run.invoke(
            cli,
            [
                "export",
                "general_journal",
                "--period",
                year,
                "--home",
                "INR",
                "--out",
                str(tmp_path / "x"),
            ],
        ).exit_code
        != 0
    )
    paper = run.invoke(
        cli,
        [
            "export",
            "earnings",
            "--period",
            year,
            "--format",
            "pdf",
            "--language",
            "es",
            "--out",
            str(tmp_path / "paper"),
        ],
    )
    assert paper.exit_code == 0, paper.output
    assert run.invoke(cli, ["verify", str(tmp_path / "paper")]).exit_code == 0
    assert (
        run.invoke(
            cli, ["tax", "decide", "eu_dac7", "yes", "The tax adviser's letter of 4 May says so"]
        ).exit_code
        == 0
    )
    assert run.invoke(cli, ["tax", "decide", "eu_dac7", "yes", "Because"]).exit_code != 0
    filed = run.invoke(cli, ["tax", "file", "eu_dac7", year, "--out", str(tmp_path / "filings")])
    assert "DPI401, 1 sellers" in filed.output.replace("\n", ""), filed.output
    assert "0 sealed anew" in run.invoke(cli, ["tax", "reseal"]).output
    monkeypatch.setenv("HOLDFAST_TAX_KEYS", ",".join([*world.settings.tax_keys, "2e" * 32]))
    assert "2 sealed anew" in run.invoke(cli, ["tax", "reseal"]).output
