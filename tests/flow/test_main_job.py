"""The main job, end to end, to the cent: three milestones, three payouts."""

from __future__ import annotations

from tests.world import World


def test_three_milestones_to_three_payouts(world: World) -> None:
    contract, client = world.accepted_contract()
    ada = world.program()
    first, second, third = (m["id"] for m in contract["milestones"])
    client.pay([first])
    client.pay([second, third])
    world.work()
    assert world.read(contract)["state"] == "active"
    assert world.trial_balance() == {
        "psp_trust": 433383,
        "escrow": 433383,
        "psp_fees": 12628,
        "psp_operating": -12628,
    }
    world.check_books()

    for milestone in (first, second, third):
        ada.post(f"/v1/milestones/{milestone}/submissions", {"note": "Done."})
        assert client.approve(milestone).status == 303
        world.work()
        world.check_books()
    assert world.read(contract)["state"] == "completed"
    fees = [m["fee_taken"] for m in world.read(contract)["milestones"]]
    assert fees == [6000, 4003, 11667]
    assert world.balance()["pending"] == 433383 - 21670
    world.advance("5d")
    assert world.balance()["available"] == 433383 - 21670

    world.onboarded()
    for net in (114000, 76047, 221666):
        payout = ada.post("/v1/payouts", {"amount": net, "currency": "USD"})
        world.work()
        world.check_books()
        world.advance("2d")
        assert ada.get(f"/v1/payouts/{payout['id']}")["state"] == "paid"
    assert world.balance() == {
        "currency": "USD",
        "escrow": 0,
        "disputed": 0,
        "pending": 0,
        "available": 0,
        "reserved": 0,
        "in_flight": 0,
        "recoverable": 0,
        "held": 0,
    }
    assert world.trial_balance() == {
        "psp_operating": 21670 - 12628,
        "platform_fees": 21670,
        "psp_fees": 12628,
    }
    assert world.sandbox.balance() == {"USD": 21670 - 12628}
    world.check_books()
