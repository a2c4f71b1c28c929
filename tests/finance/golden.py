"""The worked year of the finance research, driven by API, pages and clock: one contract, a year
end, a dispute, a partial case, refunds, a chargeback that is won.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from service.cli.books import post_float
from service.domain.money.money import to_stripe
from service.models import new_id
from tests.journey import Person, contract_body, path_of
from tests.world import World

MILESTONES = [("Engine drawings", 120_000), ("Mill and store", 80_050), ("First run", 233_333)]

DECLARED = {
    "form": "dac7",
    "country": "DE",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "birth_date": "1815-12-10",
    "birth_place": {"city": "London", "country": "GB"},
    "address": {
        "street": "Invalidenstraße",
        "building": "43",
        "postcode": "10115",
        "city": "Berlin",
        "country": "DE",
    },
    "tin": "12345678903",
    "tin_issued_by": "DE",
    "vat_id": "DE123456789",
    "account": {"kind": "IBAN", "number": "DE02120300000000202051", "holder": "Ada Lovelace"},
    "signed_as": "Ada Lovelace",
}
RATES = [
    {"base": "USD", "quote": "INR", "rate": "85.50", "day": "2025-12-29"},
    {"base": "USD", "quote": "INR", "rate": "86.10", "day": "2026-02-20"},
    {"base": "USD", "quote": "GBP", "rate": "0.75", "day": "2025-12-29"},
    {"base": "USD", "quote": "GBP", "rate": "0.75", "day": "2026-02-20"},
]


@dataclass
class Golden:
    """What the tests ask about afterwards."""

    world: World
    contract: dict[str, Any]
    client_id: str
    payouts: list[str]


def begin(world: World) -> None:
    """The world's clock goes back to where the year starts; the scenario's own windows; the
    platform's 2,000.00.
    """
    world.sql_owner(
        "UPDATE installation SET clock_offset = timestamptz '2025-11-01T09:00:00Z' - "
        "clock_timestamp()"
    )
    world.sql_owner("UPDATE job SET due_at = timestamptz '2025-11-01T09:00:00Z' + (due_at - now())")
    own_windows(world)
    world.sandbox.post("chaos", {"payout_business_days": 2})
    cause = new_id("flt")
    world.runtime.stripe.top_up(to_stripe(200_000, "USD"), "USD", cause)
    post_float(world.runtime, cause, 200_000, "USD", out=False, reference="Opening operating float")
    world.work()


def own_windows(world: World) -> None:
    policies = world.runtime.policies
    windows = replace(
        policies.windows, security_days={"card": 0, "us_bank_account": 0}, appeal_days=120
    )
    object.__setattr__(policies, "windows", windows)


def at(world: World, day: str) -> None:
    """Ten in the morning of that day; everything that was due before has happened.

    After each step the books are right.
    """
    world.sandbox.post("clock", {"to": f"{day}T10:00:00+00:00"})
    world.check_books()


def look_again(client: Person) -> str:
    """A page that has been closed for weeks opens from the newest letter; returns its path."""
    client.settle()
    link = path_of(
        next(m for m in client.sandbox.mail(client.email) if m["links"] and "/l/" in m["links"][0])[
            "links"
        ][0]
    )
    came = client.press(link, client.get(link).forms[0])
    assert came.status == 303, came.page.text[:300]
    return path_of(came.headers["location"])


def drive(world: World) -> Golden:
    begin(world)
    ada = world.program()
    ada.post("/v1/tax-identity", DECLARED)
    at(world, "2025-11-09")
    world.onboarded()
    contract = ada.post(
        "/v1/contracts",
        contract_body(milestones=MILESTONES, country="US", processing_borne_by="platform"),
    )
    ada.post(f"/v1/contracts/{contract['id']}/send")
    client = world.client()
    client.open()
    assert client.accept().status == 303
    first, second, third = (m["id"] for m in contract["milestones"])
    for day, milestone in (("2025-11-10", first), ("2025-12-01", second), ("2025-12-20", third)):
        at(world, day)
        look_again(client)
        client.pay([milestone])
        world.work()
    at(world, "2025-12-28")
    look_again(client)
    asked = client.decide(
        f"/c/{contract['id']}/milestones/{third}/dispute",
        amount="2333.33",
        refund="2333.33",
        claim="It does not run.",
        words="It does not run.",
    )
    assert asked.status == 303, asked.page.text[:500]
    dispute = ada.get(f"/v1/contracts/{contract['id']}/disputes")["data"][0]["id"]
    ada.post(f"/v1/disputes/{dispute}/answer", {"words": "It ran in my workshop.", "refund": 0})
    at(world, "2025-12-29")
    look_again(client)
    assert client.approve(first).status == 303
    world.work()
    at(world, "2025-12-30")
    payouts = [ada.post("/v1/payouts", {"amount": 114_000, "currency": "USD"})["id"]]
    world.work()
    at(world, "2026-01-15")
    ada.post(f"/v1/milestones/{second}/refunds", {"amount": 80_050})
    world.work()
    hold = _hold(world, third)
    at(world, "2026-02-17")
    look_again(client)
    client.code(f"/c/{contract['id']}")
    path = f"/c/{contract['id']}/disputes/{dispute}"
    assert (
        client.press(
            path, next(f for f in client.get(path).forms if "Withdraw" in f.text), choice="withdraw"
        ).status
        == 303
    )
    case = _case(world, hold, third)
    at(world, "2026-02-20")
    _carried_out(world, case)
    look_again(client)
    client.code(f"/c/{contract['id']}")
    assert client.approve(third, "1000.10").status == 303
    world.work()
    ada.post(f"/v1/milestones/{third}/refunds", {"amount": 83_323})
    world.work()
    at(world, "2026-02-22")
    ada.post(f"/v1/milestones/{first}/refunds", {"amount": 20_000})
    world.work()
    at(world, "2026-02-24")
    payouts.append(ada.post("/v1/payouts", {"amount": 76_009, "currency": "USD"})["id"])
    world.work()
    at(world, "2026-03-15")
    charge = next(
        o
        for o in world.sandbox.dump()["objects"]
        if o["object"] == "charge" and o["amount"] == 120_000
    )
    contested = world.sandbox.post("disputes", {"charge": charge["id"], "amount": 100_000})
    world.work()
    at(world, "2026-05-20")
    world.sandbox.post(f"disputes/{contested['id']}/won", {})
    world.work()
    at(world, "2026-12-31")
    world.program("finance").post("/v1/fx-rates", {"source": "fixture", "rates": RATES})
    client_id = world.program("safety").get(f"/v1/contracts/{contract['id']}")["client"]["id"]
    return Golden(world, contract, client_id, payouts)


def _hold(world: World, milestone: str) -> dict[str, Any]:
    """Placed on 10 February, so that the time for an appeal (120 days here) ends on 10 June."""
    at(world, "2026-02-10")
    why = {"reason_code": "legal_order", "clause": "Order 7", "facts": "A court orders it."}
    found: dict[str, Any] = world.program("safety").post(
        "/v1/staff/holds", why | {"subject": milestone, "scopes": ["outflow"]}
    )
    return found


def _case(world: World, hold: dict[str, Any], milestone: str) -> str:
    """500.00 of what is held shall be taken; by a court's order there are 48 hours to answer."""
    lines = [{"account": "escrow", "amount": 50_000, "target": "forfeit", "milestone": milestone}]
    body = {
        "hold": hold["id"],
        "currency": "USD",
        "clause": "Order 7",
        "facts": "A court orders it.",
        "lines": lines,
    }
    case = world.program("safety").post("/v1/staff/confiscations", body)
    address = f"/v1/staff/confiscations/{case['id']}"
    world.program("safety").post(f"{address}/notice")
    world.program().post(f"/v1/cases/{case['id']}/answer", {"words": "So be it."})
    return address


def _carried_out(world: World, address: str) -> None:
    """By two people, after the time to answer; it becomes final with the time for an appeal."""
    for who in ("approver", "approver2"):
        world.program(who).post(f"{address}/approve")
    world.program("safety").post(f"{address}/execute")
    world.work()
