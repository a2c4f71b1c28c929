"""The acceptance script: only HTTP, the pages and the mailbox, from the first API call to three
payouts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.journey import Http, Person, Program, Sandbox, contract_body, path_of

NETS = (114000, 76047, 221666)
FEES = [6000, 4003, 11667]


@dataclass
class Actors:
    """Who acts, each with a browser or program of their own."""

    ada: Program
    finance: Program
    sandbox: Sandbox
    charles: Person


def actors(make_http: Callable[[], Http], info: dict[str, str], email: str) -> Actors:
    sandbox = Sandbox(make_http())
    return Actors(
        ada=Program(make_http(), info["freelancer_key"]),
        finance=Program(make_http(), info["finance_key"]),
        sandbox=sandbox,
        charles=Person(make_http(), sandbox, email),
    )


def until(what: str, check: Callable[[], bool], seconds: float = 120) -> None:
    """Wait for something that the worker does."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.1)


def run(who: Actors) -> dict[str, Any]:
    """Drive the main job to three payouts; returns the contract as it ended."""
    ada, charles = who.ada, who.charles
    contract = ada.post(
        "/v1/contracts", contract_body(client=charles.email), key="mainjob-contract-0001"
    )
    path = f"/v1/contracts/{contract['id']}"
    ada.post(f"{path}/send", key="mainjob-send-000001")
    charles.open()
    _again_until(lambda: ada.get(path)["state"] != "sent", charles.accept)
    first, second, third = (m["id"] for m in ada.get(path)["milestones"])
    for chosen in ([first], [second, third]):
        _pay(ada, charles, path, chosen)
    for number, milestone in enumerate((first, second, third)):
        ada.post(
            f"/v1/milestones/{milestone}/submissions",
            {"note": f"Part {number + 1} is done."},
            key=f"mainjob-submit-{number:06d}",
        )
        _again_until(
            lambda m=milestone: _state(ada, path, m) == "released",
            lambda m=milestone: charles.approve(m),
        )  # type: ignore[misc]
    who.sandbox.advance("6d")
    until("the balance", lambda: _available(ada) >= sum(NETS))
    _onboard(who)
    for number, net in enumerate(NETS):
        payout = ada.post(
            "/v1/payouts", {"amount": net, "currency": "USD"}, key=f"mainjob-payout-{number:06d}"
        )
        until(
            "the transfer",
            lambda p=payout: ada.get(f"/v1/payouts/{p['id']}")["state"] != "requested",
        )  # type: ignore[misc]
        who.sandbox.advance("3d")
        until("the payout", lambda p=payout: ada.get(f"/v1/payouts/{p['id']}")["state"] == "paid")  # type: ignore[misc]
    found: dict[str, Any] = ada.get(path)
    return found


def _state(ada: Program, path: str, milestone_id: str) -> str:
    return next(str(m["state"]) for m in ada.get(path)["milestones"] if m["id"] == milestone_id)


def _available(ada: Program) -> int:
    return sum(
        int(r["available"]) for r in ada.get("/v1/balance")["data"] if r["currency"] == "USD"
    )


def _again_until(done: Callable[[], bool], step: Callable[[], Any]) -> None:
    """What a person does whose page broke: look whether it happened, and otherwise do it again."""
    for _ in range(6):
        if done():
            return
        try:
            step()
        except AssertionError:
            if done():
                return
            time.sleep(0.5)
    assert done()


def _pay(ada: Program, charles: Person, path: str, chosen: list[str]) -> None:
    _again_until(
        lambda: all(
            _state(ada, path, m) not in ("planned", "awaiting_funding", "funding") for m in chosen
        ),
        lambda: _pay_once(charles, chosen),
    )
    until("the money", lambda: all(_state(ada, path, m) == "funded" for m in chosen))


def _pay_once(charles: Person, chosen: list[str]) -> None:
    charles.pay(chosen)
    time.sleep(0.3)


def _onboard(who: Actors) -> None:
    url = who.ada.post("/v1/payout-account/onboarding")["url"]
    path = path_of(url)
    who.charles.press(path, who.charles.get(path).forms[0], outcome="active")
    until("the payout account", lambda: who.ada.get("/v1/payout-account")["state"] == "active")


def check_own(who: Actors, contract: dict[str, Any]) -> None:
    """What the freelancer sees of it, to the cent: the fees, three payouts, and nothing left
    over.
    """
    assert contract["state"] == "completed", contract["state"]
    fees = [m["fee_taken"] for m in contract["milestones"]]
    assert fees == FEES, fees
    payouts = sorted(
        p["amount"] for p in who.ada.get("/v1/payouts")["data"] if p["state"] == "paid"
    )
    assert payouts == sorted(NETS), payouts
    assert not any(
        v for r in who.ada.get("/v1/balance")["data"] for k, v in r.items() if k != "currency"
    )
    verdict = who.finance.get("/v1/ledger/verify")
    assert verdict["ok"], verdict


def check(who: Actors, contract: dict[str, Any], float_minor: int = 0) -> dict[str, Any]:
    """Every figure, to the cent. `float_minor` is what the platform had put in before."""
    check_own(who, contract)
    trial = {
        r["account"]: r["balance"]
        for r in who.finance.get("/v1/ledger/accounts")["data"]
        if r["currency"] == "USD" and r["balance"]
    }
    expected = {
        "platform_fees": sum(FEES),
        "psp_fees": 12628,
        "psp_operating": sum(FEES) - 12628 + float_minor,
    }
    assert trial == expected | ({"platform_equity": float_minor} if float_minor else {}), trial
    stripe = who.sandbox.balance().get("USD", 0)
    assert stripe == trial["psp_operating"] + trial.get("psp_trust", 0), (stripe, trial)
    dump = who.sandbox.dump()
    assert not any(dump["total"].values()), dump["total"]
    transfers = [o for o in dump["objects"] if o["object"] == "transfer"]
    charges = [o for o in dump["objects"] if o["object"] == "charge"]
    assert sum(c["amount"] for c in charges) == 433383, "no charge was made twice"
    assert sum(t["amount"] - t["amount_reversed"] for t in transfers) == sum(NETS)
    return {
        "fees": FEES,
        "payouts": sorted(NETS),
        "trial_balance": trial,
        "stripe": stripe,
        "charges": len(charges),
        "transfers": len(transfers),
    }
