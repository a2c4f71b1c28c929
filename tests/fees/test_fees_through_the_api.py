"""Fees as people meet them: quoted, frozen, charged at release, given back after a refund; with
every kind and the historic schedules.
"""

from __future__ import annotations

from typing import Any

import pytest

from service.policies import FOLDER
from tests.databases import clone
from tests.journey import Person, contract_body
from tests.world import World

HISTORY = (FOLDER / "examples" / "fees-history.yaml").read_text()


def quoted(world: World, **query: Any) -> dict[str, Any]:
    asked = "&".join(f"{k}={v}" for k, v in ({"currency": "USD"} | query).items())
    found: dict[str, Any] = world.program().get(f"/v1/fee-quote?{asked}")
    return found


def of_kind(
    world: World,
    kind: str,
    amounts: list[int],
    client: str = "charles@babbage.example",
    **more: Any,
) -> tuple[dict[str, Any], Person]:
    """A contract of any kind, created by the marketplace, sent, accepted, paid and handed over."""
    body = contract_body(
        client,
        [(f"Part {i}", a) for i, a in enumerate(amounts)],
        kind=kind,
        freelancer=world.ada_id,
        **more,
    )
    contract = world.program("platform").post("/v1/contracts", body)
    world.program().post(f"/v1/contracts/{contract['id']}/send")
    world.work()
    person = world.client(client)
    person.open()
    assert person.contract_id == contract["id"]
    assert person.accept().status == 303
    world.work()
    contract = world.read(contract)
    person.pay([m["id"] for m in contract["milestones"]])
    world.work()
    for milestone in contract["milestones"]:
        world.program().post(f"/v1/milestones/{milestone['id']}/submissions", {"note": "Done."})
    world.work()
    return world.read(contract), person


VECTORS = [
    ("marketplace", "2017-01-01", 60_000, 0, 11_000),
    ("marketplace", "2017-01-01", 50_000, 0, 10_000),
    ("marketplace", "2017-01-01", 50_001, 0, 10_000),
    ("marketplace", "2017-01-01", 1_000_000, 0, 105_000),
    ("marketplace", "2017-01-01", 1_000_001, 0, 105_000),
    ("marketplace", "2017-01-01", 1_200_000, 0, 115_000),
    ("marketplace", "2017-01-01", 10_000, 45_000, 1_500),
    ("marketplace", "2017-01-01", 20_000, 990_000, 1_500),
    ("marketplace", "2017-01-01", 20_000, 40_000, 3_000),
    ("marketplace", "2023-05-03", 26_664, 0, 2_666),
    ("marketplace", "2023-05-03", 33_336, 0, 3_334),
    ("marketplace", "2023-05-03", 50_000, 0, 5_000),
    ("direct", "2021-01-01", 10_000, 0, 340),
    ("direct", "2021-01-01", 60_000, 0, 2_040),
    ("direct", "2021-01-01", 100_000, 0, 3_400),
    ("direct", "2021-01-01", 500, 0, 17),
    ("direct", "2021-01-01", 9_999, 0, 340),
    ("direct", "2024-04-22", 15_000, 0, 750),
    ("direct", "2024-04-22", 60_000, 0, 3_000),
    ("direct", "2024-04-22", 1_200_000, 0, 60_000),
    ("direct", "2024-04-22", 500, 0, 25),
    ("direct", "2024-04-22", 1_050, 0, 53),
]


def test_every_published_price_by_the_quote() -> None:
    with clone(fees=HISTORY) as world:
        for kind, on, amount, before, fee in VECTORS:
            found = quoted(world, kind=kind, on=on, amount=amount, billed_before=before)
            assert found["fee"] == fee, (kind, on, amount, before, found)
            assert found["net"] == amount - fee
            assert found["applied"] == kind
        assert (
            quoted(world, kind="direct", on="2021-01-01", amount=10_000)["comparison"]["byoc"]
            is None
        ), "no such price in this history"
        refused = world.program().call(
            "GET", "/v1/fee-quote?kind=direct&currency=USD&amount=1000&on=2018-01-01"
        )
        assert (refused.status, refused.json()["errors"][0]["code"]) == (422, "kind_not_offered")
        lifetime = quoted(
            world, kind="direct", on="2024-04-22", amount=100_000, billed_before=2_000_000
        )
        assert (lifetime["fee"], lifetime["normal_fee"], lifetime["applied"]) == (
            5_000,
            10_000,
            "direct",
        )


@pytest.mark.parametrize(
    ("rate", "parts", "fees"),
    [
        ("0.05", [3_333, 3_333, 3_334], [167, 166, 167]),
        ("0.05", [1_010, 1_010, 1_010], [51, 50, 51]),
        ("0.034", [25, 25, 25, 25, 400], [1, 1, 1, 0, 14]),
    ],
)
def test_parts_of_a_release_take_the_fee_of_the_whole(
    rate: str, parts: list[int], fees: list[int]
) -> None:
    file = (FOLDER / "fees.yaml").read_text().replace('rate: "0.05"', f'rate: "{rate}"')
    with clone(fees=file) as world:
        contract, client = world.submitted_contract(milestones=[("Work", sum(parts))])
        milestone, taken = contract["milestones"][0]["id"], []
        for part in parts:
            state = world.read(contract)["milestones"][0]
            if state["state"] == "funded":
                world.program().post(f"/v1/milestones/{milestone}/submissions", {"note": "More."})
                world.work()
            whole = state["amount"] - state["released"] == part
            assert (
                client.approve(milestone, amount=None if whole else f"{part / 100:.2f}").status
                == 303
            )
            taken.append(world.read(contract)["milestones"][0]["fee_taken"] - state["fee_taken"])
        assert taken == fees
        world.check_books()


def test_lifetime_tiers_go_on_from_what_was_billed() -> None:
    """20 % to 500.00, then 10 %: the second contract with the same client begins where the first
    one ended.
    """
    normal = (
        "tiers: [{up_to_minor: 50000, rate: '0.20'}, {up_to_minor: 1000000, rate: '0.10'}, "
        "{rate: '0.05'}]\n    base: lifetime"
    )
    file = (
        (FOLDER / "fees.yaml")
        .read_text()
        .replace('rate: "0.10"', normal)
        .replace('"0.07"', '"0.05"')
    )
    with clone(fees=file) as world:
        first, one = of_kind(world, "marketplace", [45_000])
        one.approve(first["milestones"][0]["id"])
        alias = first["client"]["id"]
        assert quoted(world, kind="marketplace", amount=10_000, client=alias)["fee"] == 1_500
        assert (
            quoted(world, kind="marketplace", amount=10_000, client="charles@babbage.example")[
                "fee"
            ]
            == 1_500
        )
        assert (
            world.program("mary")
            .call("GET", f"/v1/fee-quote?currency=USD&amount=500&client={alias}")
            .status
            == 404
        ), "somebody else's client"
        second, two = of_kind(world, "marketplace", [10_000])
        assert second["fee_quote"]["fee"] == 1_500
        two.approve(second["milestones"][0]["id"])
        assert [world.read(c)["milestones"][0]["fee_taken"] for c in (first, second)] == [
            9_000,
            1_500,
        ]
        stranger, three = of_kind(world, "marketplace", [10_000], client="grace@hopper.example")
        three.approve(stranger["milestones"][0]["id"])
        assert world.read(stranger)["milestones"][0]["fee_taken"] == 2_000, (
            "another client begins anew"
        )
        world.check_books()


def test_where_a_normal_contract_would_cost_less_that_is_what_it_costs() -> None:
    normal = 'tiers: [{up_to_minor: 50000, rate: "0.20"}, {rate: "0.02"}]\n    base: lifetime'
    direct = 'rate: "0.05"\n    cap_minor: 10000'
    file = (
        (FOLDER / "fees.yaml")
        .read_text()
        .replace('rate: "0.10"', normal)
        .replace('rate: "0.05"', direct)
        .replace('"0.07"', '"0.02"')
    )
    with clone(fees=file) as world:
        first, one = of_kind(world, "marketplace", [100_000])
        one.approve(first["milestones"][0]["id"])
        told = quoted(world, kind="direct", amount=100_000, client="charles@babbage.example")
        assert (told["fee"], told["normal_fee"], told["applied"]) == (2_000, 2_000, "marketplace")
        contract, client = world.submitted_contract(milestones=[("Work", 100_000)])
        assert contract["fee_quote"]["applied"] == "marketplace"
        client.approve(contract["milestones"][0]["id"])
        assert world.read(contract)["milestones"][0]["fee_taken"] == 2_000, (
            "not the 5 % of a direct contract"
        )


def test_a_rate_of_its_own_within_the_range() -> None:
    with clone(fees=HISTORY) as world:
        body = contract_body(
            milestones=[("Work", 10_000)], kind="marketplace", freelancer=world.ada_id
        )
        platform = world.program("platform")
        assert platform.post("/v1/contracts", body)["fee_quote"]["fee"] == 1_500, (
            "the upper end when nothing is said"
        )
        assert (
            platform.post("/v1/contracts", body | {"fee_rate": "0.08"})["fee_quote"]["fee"] == 800
        )
        refused = platform.call("POST", "/v1/contracts", body | {"fee_rate": "0.16"})
        assert (refused.status, refused.json()["errors"][0]["code"]) == (422, "outside_range")
        own = world.program().call("POST", "/v1/contracts", contract_body(fee_rate="0.01"))
        assert (own.status, own.json()["errors"][0]["code"]) == (422, "platform_only")
        contract, client = of_kind(world, "marketplace", [10_000], fee_rate="0.03")
        client.approve(contract["milestones"][0]["id"])
        assert world.read(contract)["milestones"][0]["fee_taken"] == 300
        later = world.program().post("/v1/contracts", contract_body(milestones=[("More", 10_000)]))
        assert (later["fee_quote"]["fee"], later["fee_quote"]["applied"]) == (300, "marketplace"), (
            "never worse than what these two had"
        )


def test_a_client_fee_is_paid_on_top_and_stays_with_the_platform() -> None:
    file = (
        (FOLDER / "fees.yaml")
        .read_text()
        .replace('rate: "0.10"', 'rate: "0.10"\n    client_rate: "0.03"')
    )
    with clone(fees=file) as world:
        contract, client = of_kind(world, "marketplace", [10_000])
        assert contract["fee_quote"]["client_fee"] == 300
        assert world.trial_balance()["platform_fees"] == 300
        assert [
            o["amount"] for o in world.sandbox.dump()["objects"] if o["object"] == "charge"
        ] == [10_300], "3 % on 100.00: the client pays 103.00"
        client.approve(contract["milestones"][0]["id"])
        assert world.trial_balance()["platform_fees"] == 1_300
        direct, _ = world.funded_contract(
            milestones=[("Work", 10_000)], client="grace@hopper.example"
        )
        assert direct["fee_quote"]["client_fee"] == 0
        world.check_books()


@pytest.mark.parametrize(("mode", "fee", "tax"), [("on_top", 600, 100), ("inside", 500, 83)])
def test_tax_on_the_fee(mode: str, fee: int, tax: int) -> None:
    """Ada lives in Britain: 20 % of 5.00 on top is 1.00; inside, 5.00 holds 0.83."""
    file = (
        (FOLDER / "fees.yaml").read_text().replace('rate: "0.05"', f'rate: "0.05"\n    tax: {mode}')
    )
    with clone(fees=file) as world:
        contract, client = world.submitted_contract(milestones=[("Work", 10_000)])
        told = contract["fee_quote"]["tax"]
        assert (told["name"], told["rate"], told["charged"], told["amount"]) == (
            "VAT",
            "0.2",
            mode,
            tax,
        )
        assert contract["fee_quote"]["net"] == 10_000 - fee
        milestone = contract["milestones"][0]["id"]
        client.approve(milestone)
        books = world.trial_balance()
        assert (books["fee_tax_payable"], books["platform_fees"], books["pending"]) == (
            tax,
            fee - tax,
            10_000 - fee,
        )
        world.program().post(f"/v1/milestones/{milestone}/refunds", {"amount": 5_000})
        world.work()
        books = world.trial_balance()
        assert abs(books["fee_tax_payable"] - tax / 2) < 1
        world.program().post(f"/v1/milestones/{milestone}/refunds", {"amount": 5_000})
        world.work()
        books = world.trial_balance()
        assert "platform_fees" not in books
        assert "fee_tax_payable" not in books, "all of it went back"
        world.check_books()


def test_the_platform_is_told_when_it_would_pay_to_work(world: World) -> None:
    body = contract_body(milestones=[("Small", 500)], freelancer=world.ada_id)
    told = world.program("platform").post("/v1/contracts", body)["warnings"]
    assert [(w["code"], w["margin"]) for w in told] == [("platform_pays", 25 - (15 + 30))]
    assert (
        world.program().post("/v1/contracts", contract_body(milestones=[("Small", 500)]))[
            "warnings"
        ]
        == []
    ), "not the freelancer's concern"
    assert (
        world.program("platform").post(
            "/v1/contracts", body | {"milestones": [{"title": "Big", "amount": 50_000}]}
        )["warnings"]
        == []
    )
    quote = world.program("platform").get("/v1/fee-quote?currency=USD&amount=500")
    assert quote["margin"] == -20


def test_margins_come_from_the_books(world: World) -> None:
    small, one = world.submitted_contract(milestones=[("Small", 500)])
    big, two = world.submitted_contract(milestones=[("Big", 50_000)], client="grace@hopper.example")
    one.approve(small["milestones"][0]["id"])
    two.approve(big["milestones"][0]["id"])
    finance = world.program("finance")
    found = {m["id"]: m for m in finance.get("/v1/margins")["data"]}
    assert (
        found[big["id"]]["fees"],
        found[big["id"]]["processing_cost"],
        found[big["id"]]["margin"],
    ) == (2_500, 1_480, 1_020)
    assert [(m["id"], m["margin"]) for m in finance.get("/v1/margins?losing=true")["data"]] == [
        (small["id"], -20)
    ]
    first = finance.get("/v1/margins?limit=1")
    assert first["has_more"]
    assert (
        finance.get(f"/v1/margins?limit=1&cursor={first['next_cursor']}")["data"][0]["id"]
        == small["id"]
    )
    assert world.program().call("GET", "/v1/margins").status == 403


def test_only_the_marketplace_makes_other_kinds(world: World) -> None:
    ada = world.program()
    draft = ada.post("/v1/contracts", contract_body())
    for kind in ("byoc", "marketplace"):
        refused = ada.call("POST", "/v1/contracts", contract_body(kind=kind))
        assert (refused.status, refused.json()["errors"][0]["code"]) == (422, "platform_only")
        edited = ada.call(
            "PATCH",
            f"/v1/contracts/{draft['id']}",
            contract_body(kind=kind),
            headers={"If-Match": f'"v{draft["version"]}"'},
        )
        assert (edited.status, edited.json()["errors"][0]["code"]) == (422, "platform_only"), (
            "nor by a change of a draft"
        )
        made = world.program("platform").post(
            "/v1/contracts", contract_body(kind=kind, freelancer=world.ada_id)
        )
        assert made["fee_quote"]["rate"] == {"byoc": "0.07", "marketplace": "0.1"}[kind]
    assert {k["name"]: k["counts_toward_job_success"] for k in ada.get("/v1/kinds")["data"]} == {
        "direct": False,
        "byoc": True,
        "marketplace": True,
    }
    assert len(ada.get("/v1/fee-schedules")["data"]) == 3


def test_what_a_payment_costs_depends_on_the_way_of_paying() -> None:
    with clone(bank_debit=True) as world:
        _, client = world.accepted_contract(
            milestones=[("Work", 100_000)], country="US", processing_borne_by="client"
        )
        page = client.get(f"/c/{client.contract_id}/pay")
        assert "29.30" in page.text, "a card"
        assert "5.00 for all together" in page.text, "a bank debit, at its cap"
        assert client.start_payment(method="us_bank_account").status == 303
        assert [
            (p.surcharge_minor, p.processing_cost_minor)
            for p in world.sql("SELECT surcharge_minor, processing_cost_minor FROM payment")
        ] == [(500, 500)]
