"""The platform operator's report: one currency, the operator's own, at stored rates; a missing rate
is named and nothing is filed.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from service import policies
from service.domain.errors import Conflict
from service.exports.formats import form_1099k_iris
from service.policies.entity import EU
from tests.databases import clone
from tests.finance.test_identities import DAC7, W9
from tests.world import World, make_settings

ENTITY = (policies.FOLDER / "entity.yaml").read_text()
UK = DAC7 | {
    "country": "GB",
    "tin": "QQ123456C",
    "address": {
        "street": "Dorset Street",
        "building": "1",
        "city": "London",
        "postcode": "W1U 4EF",
        "country": "GB",
    },
}


def operator_in(country: str) -> dict[str, Any]:
    return {"entity": ENTITY.replace("country: FR\n", f"country: {country}\n", 1)}


def released(world: World, currency: str, amount: int, client: str) -> date:
    """A contract of one milestone, released whole; returns the day of the books."""
    world.released_contract(milestones=[("Work", amount)], currency=currency, client=client)
    return datetime.fromisoformat(world.sandbox.now()).date()


def rate(world: World, base: str, quote: str, value: str, day: date) -> None:
    world.program("finance").post(
        "/v1/fx-rates",
        {
            "source": "ECB",
            "rates": [{"base": base, "quote": quote, "rate": value, "day": day.isoformat()}],
        },
    )


def file(world: World, regime: str, **more: Any) -> Any:
    year = int(world.sandbox.now()[:4])
    return world.program("finance").call(
        "POST", "/v1/tax-filings", {"regime": regime, "year": year} | more
    )


def figures(reply: Any) -> dict[str, Any]:
    assert reply.status == 201, reply.text
    (filing,) = reply.json()["data"]
    (document,) = filing["documents"]
    return {
        name: value if name == "currency" else sum(value)
        for name, value in document["figures"].items()
    }


def test_two_currencies_are_summed_in_the_operator_s(world: World) -> None:
    """1,000.00 dollars at 1.25 a euro and 500.00 euros, less 5 per cent: 760.00 + 475.00, fees
    40.00 + 25.00.
    """
    world.program().post("/v1/tax-identity", DAC7)
    day = released(world, "USD", 100_000, "charles@babbage.example")
    released(world, "EUR", 50_000, "grace@hopper.example")
    rate(world, "EUR", "USD", "1.25", day)
    assert figures(file(world, "eu_dac7")) == {
        "currency": "EUR",
        "cons": 1_235,
        "fees": 65,
        "taxes": 0,
        "numb": 2,
    }
    register = world.program("finance").get(f"/v1/reports/dac7?period={day.year}")["data"]
    assert {(row["currency"], row["consideration"]) for row in register} == {
        ("USD", "950.00"),
        ("EUR", "475.00"),
    }, "the originals stay in the register"


def test_the_united_kingdom_is_told_in_pounds(world: World) -> None:
    world.program().post("/v1/tax-identity", UK)
    day = released(world, "USD", 100_000, "charles@babbage.example")
    released(world, "GBP", 50_000, "grace@hopper.example")
    rate(world, "USD", "GBP", "0.8", day)
    assert figures(file(world, "uk_mrdp")) == {
        "currency": "GBP",
        "cons": 760 + 475,
        "fees": 40 + 25,
        "taxes": 0,
        "numb": 2,
    }


@pytest.mark.parametrize(
    ("regime", "who", "currency"), [("eu_dac7", DAC7, "EUR"), ("uk_mrdp", UK, "GBP")]
)
def test_a_missing_rate_is_named_by_day_and_pair(
    world: World, regime: str, who: dict[str, Any], currency: str
) -> None:
    world.program().post("/v1/tax-identity", who)
    first = released(world, "USD", 100_000, "charles@babbage.example")
    world.advance("14d")
    second = released(world, "INR", 5_000_000, "grace@hopper.example")
    refused = file(world, regime)
    assert refused.status == 409
    assert f"USD to {currency} on {first.isoformat()}" in refused.json()["detail"]
    assert refused.json()["missing_rates"] == [
        {"base": "USD", "quote": currency, "day": first.isoformat()},
        {"base": "INR", "quote": currency, "day": second.isoformat()},
    ]
    rate(world, "USD", currency, "0.8", first - timedelta(days=3))
    assert file(world, regime).json()["missing_rates"] == [
        {"base": "INR", "quote": currency, "day": second.isoformat()}
    ]
    assert world.sql("SELECT count(*) AS n FROM tax_filing")[0].n == 0
    rate(world, "INR", currency, "0.01", second)
    assert figures(file(world, regime))["cons"] == 760 + 475


def test_a_currency_can_still_be_named(world: World) -> None:
    world.program().post("/v1/tax-identity", DAC7)
    released(world, "USD", 100_000, "charles@babbage.example")
    assert figures(file(world, "eu_dac7", home="USD"))["currency"] == "USD"


@pytest.mark.parametrize(
    ("country", "code"),
    [("DK", "unknown_currency"), ("US", "no_reporting_currency"), ("IN", "no_reporting_currency")],
)
def test_an_operator_whose_currency_is_not_known_names_one(country: str, code: str) -> None:
    with clone(**operator_in(country)) as world:
        world.program().post("/v1/tax-identity", DAC7)
        day = released(world, "USD", 100_000, "charles@babbage.example")
        refused = file(world, "eu_dac7")
        assert (
            refused.status,
            refused.json()["errors"][0]["pointer"],
            refused.json()["errors"][0]["code"],
        ) == (422, "/home", code)
        rate(world, "EUR", "USD", "1.25", day)
        assert figures(file(world, "eu_dac7", home="EUR"))["cons"] == 760


def test_each_member_state_has_its_currency() -> None:
    own = {"CZ": "CZK", "DK": "DKK", "HU": "HUF", "PL": "PLN", "RO": "RON", "SE": "SEK"}
    for country in EU:
        entity = policies.load(make_settings("postgresql://nowhere", **operator_in(country))).entity
        assert entity.reporting_currency("eu_dac7", 2026) == own.get(country, "EUR")
        assert entity.reporting_currency("uk_mrdp", 2026) == "GBP"
        assert entity.reporting_currency("eu_dac7", 2025) == (
            "BGN" if country == "BG" else own.get(country, "EUR")
        ), "Bulgaria has the euro from 2026"


def test_a_form_1099_k_without_a_rate_is_not_written(world: World) -> None:
    """Without the rate the sum would be too small, perhaps below a threshold: refused, and
    named.
    """
    world.program().post("/v1/tax-identity", W9)
    day = released(world, "EUR", 90_000, "charles@babbage.example")
    with (
        world.runtime.context("test") as ctx,
        pytest.raises(Conflict, match=f"EUR to USD on {day.isoformat()}"),
    ):
        form_1099k_iris.render(ctx, world.runtime.encryption, "Tax Year\n", day.year, ctx.now)
    rate(world, "EUR", "USD", "1.25", day)
    with world.runtime.context("test") as ctx:
        assert (
            form_1099k_iris.render(ctx, world.runtime.encryption, "Tax Year\n", day.year, ctx.now)
            == []
        ), "below the threshold, and that is sure now"
