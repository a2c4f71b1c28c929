"""Figures in small situations, each worked out by hand: what a file says of a day, whatever
happened afterwards.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from service.domain.identity import typeid
from service.exports import generation, registry
from service.exports.definitions import ExportRequest
from tests.console import colleague
from tests.faults.test_refunds import back, refunds
from tests.faults.test_releases import release
from tests.finance.test_exports import ready
from tests.finance.test_papers import issued, words_of
from tests.safety.test_holds import freeze, lift
from tests.states.test_chargebacks import contest, paid_out
from tests.states.test_milestones import ONE
from tests.world import World

PENDS, FAILS_LATER = "4000 0000 0000 7726", "4000 0000 0000 5126"


def turn_of_the_year(world: World) -> int:
    """It is the morning of 29 December; returns the year that ends."""
    year = int(world.sandbox.now()[:4])
    world.sandbox.post("clock", {"to": f"{year}-12-29T10:00:00+00:00"})
    return year


def client_id(world: World) -> str:
    return typeid.encode("cli", world.sql("SELECT id FROM client")[0].id)


def report(world: World, code: str, period: object, **more: str) -> list[dict[str, str]]:
    asked = "".join(f"&{name}={value}" for name, value in more.items())
    found: list[dict[str, str]] = world.program("finance").get(
        f"/v1/reports/{code}?period={period}{asked}"
    )["data"]
    return found


def statement(world: World, period: object, **more: str) -> dict[str, str]:
    """What moved and what stands in the client statement, without the words and the zeros."""
    (row,) = report(world, "client_statement", period, **more)
    return {
        name: value
        for name, value in row.items()
        if value
        and value.replace(".", "").replace("-", "").isdigit()
        and value.strip("-0.")
        and "period" not in name
    }


def lines(world: World, period: object, party: str) -> list[tuple[str, str, str]]:
    return [
        (r["type"], r["amount"], r["running_balance"])
        for r in report(world, "transactions", period, party=party)
    ]


def proves(world: World, year: int) -> None:
    """Every export of the year, and of the next, is ready: it has proved itself."""
    for code in (
        "transactions",
        "earnings",
        "client_statement",
        "escrow_balances",
        "reconciliation",
        "payouts",
        "safety_register",
        "reversals",
        "tie_out",
    ):
        for period in (year, year + 1):
            made = ready(world, "finance", {"name": code, "period": str(period)})
            assert made["state"] == "ready", (code, period, made["problem"])


# A refund counts when it succeeds


@pytest.mark.parametrize("arrives", [True, False])
def test_a_refund_over_the_turn_of_the_year(world: World, arrives: bool) -> None:
    """100.00 paid in, 40.00 asked back on 29 December: held for the client on the 31st, whatever
    becomes of it in January.
    """
    contract, _ = world.funded_contract(milestones=ONE, card=PENDS)
    year = turn_of_the_year(world)
    back(world, contract, 4_000)
    world.work()
    before = {"funded": "100.00", "held_closing": "100.00", "of_which_on_its_way": "40.00"}
    assert statement(world, year) == before
    (refund,) = refunds(world)
    # A bank that takes five days longer than the sandbox's.
    world.sql_owner(
        "UPDATE sandbox.timer SET due_at = due_at + interval '5 days' WHERE kind = 'refund.succeed'"
    )
    world.sandbox.post("clock", {"to": f"{year + 1}-01-02T10:00:00+00:00"})
    world.check_books()
    if not arrives:
        world.sql_owner("DELETE FROM sandbox.timer WHERE kind = 'refund.succeed'")
        world.sandbox.post(f"refunds/{refund['id']}/fail", {})
    world.sandbox.post("clock", {"to": f"{year + 1}-01-06T10:00:00+00:00"})
    world.work()
    world.check_books()
    assert statement(world, year) == before, "whatever became of it"
    gone = (
        {"refunded_from_escrow": "40.00", "held_closing": "60.00"}
        if arrives
        else {"held_closing": "100.00"}
    )
    assert statement(world, year + 1) == {"held_opening": "100.00"} | gone
    moved = [("refund_from_escrow", "-40.00", "60.00")] if arrives else []
    assert lines(world, f"{year}-01-01..{year + 1}-12-31", client_id(world)) == [
        ("funding", "100.00", "100.00"),
        *moved,
    ]
    assert [
        r["amount"]
        for r in report(world, "escrow_balances", year)
        if r["state"] == "refund_in_flight"
    ] == ["40.00"]
    (three,) = report(world, "reconciliation", year)
    assert (three["refunds_on_their_way"], three["difference_bank_book"], three["unmatched"]) == (
        "40.00",
        "0.00",
        "0",
    )
    proves(world, year)


def test_a_refund_that_came_back_is_held_again(world: World) -> None:
    """Succeeded on the 29th, failed in January: given back in the old year, held again in the new
    one.
    """
    contract, _ = world.funded_contract(milestones=ONE, card=FAILS_LATER)
    year = turn_of_the_year(world)
    world.sandbox.post("clock", {"to": f"{year}-12-31T20:00:00+00:00"})
    back(world, contract, 4_000)
    world.work()
    world.sandbox.post("clock", {"to": f"{year + 1}-01-02T10:00:00+00:00"})
    world.work()
    assert statement(world, year) == {
        "funded": "100.00",
        "refunded_from_escrow": "40.00",
        "held_closing": "60.00",
    }
    assert statement(world, year + 1) == {
        "held_opening": "60.00",
        "refunded_from_escrow": "-40.00",
        "held_closing": "100.00",
    }
    assert lines(world, f"{year}-01-01..{year + 1}-12-31", client_id(world)) == [
        ("funding", "100.00", "100.00"),
        ("refund_from_escrow", "-40.00", "60.00"),
        ("refund_from_escrow_failed", "40.00", "100.00"),
    ]
    proves(world, year)


def test_a_refund_of_a_closed_milestone_that_is_sent_again(world: World) -> None:
    """All 100.00 given back, bounced, owed to the client and sent again: one refund in the end, and
    held between.
    """
    contract, _ = world.funded_contract(milestones=ONE, card=FAILS_LATER)
    year = turn_of_the_year(world)
    back(world, contract)
    world.work()
    world.advance("26h")
    assert statement(world, year) == {"funded": "100.00", "refunded_from_escrow": "100.00"}
    types = [line[0] for line in lines(world, year, client_id(world))]
    assert types == [
        "funding",
        "refund_from_escrow",
        "refund_from_escrow_failed",
        "refund_from_escrow",
    ]
    proves(world, year)


def test_a_refund_after_release_is_the_client_s_until_it_arrives(world: World) -> None:
    contract, _ = world.released_contract(milestones=ONE, card=PENDS)
    year = turn_of_the_year(world)
    back(world, contract, 3_000)
    world.work()
    assert statement(world, year) == {
        "funded": "100.00",
        "released": "100.00",
        "returned_by_freelancers": "30.00",
        "held_closing": "30.00",
        "of_which_on_its_way": "30.00",
    }
    world.advance("2d")
    assert statement(world, year)["refunded_after_release"] == "30.00"
    proves(world, year)


def test_a_refund_made_at_stripe_without_us(world: World) -> None:
    """It has gone already when we hear of it: 25.00 of 100.00."""
    world.funded_contract(milestones=ONE)
    year = int(world.sandbox.now()[:4])
    world.sandbox.post(
        f"charges/{next(o['id'] for o in world.sandbox.dump()['objects'] if o['object'] == 'charge')}/refund",
        {"amount": 2_500},
    )
    world.work()
    assert statement(world, year) == {
        "funded": "100.00",
        "refunded_from_escrow": "25.00",
        "held_closing": "75.00",
    }
    proves(world, year)


# Money that has left Stripe's balance and has not arrived


def test_a_refund_on_its_way_over_a_night_differs_from_nothing(world: World) -> None:
    contract, _ = world.funded_contract(milestones=ONE, card=PENDS)
    world.advance("20h")
    back(world, contract, 4_000)
    world.work()
    day = world.sandbox.now()[:10]
    world.sandbox.post("clock", {"to": f"{day}T23:50:00+00:00"})
    world.advance("40m")
    assert world.sql("SELECT state FROM refund")[0].state == "pending", "the night comes first"
    assert "stripe_differs" not in [
        t["kind"] for t in world.program("finance").get("/v1/staff/tasks")["data"]
    ]
    world.check_books()


# Reversals


@pytest.mark.parametrize("released", [False, True])
def test_a_lost_chargeback_is_counted_once(world: World, released: bool) -> None:
    """400.00 in escrow, or released with a code and so protected: the bank took 400.00, not
    800.00.
    """
    work = [("Work", 40_000)]
    contract, _ = (
        world.released_contract(milestones=work)
        if released
        else world.funded_contract(milestones=work)
    )
    dispute = contest(world)
    world.sandbox.post(f"disputes/{dispute}/lost", {})
    world.work()
    year = int(world.sandbox.now()[:4])
    assert [(r["kind"], r["gross"], r["net"]) for r in report(world, "reversals", year)] == [
        ("chargeback_open", "400.00", "400.00"),
        ("chargeback_lost", "400.00", "400.00"),
    ]
    (entry,) = [r for r in report(world, "safety_register", year) if r["kind"] == "chargeback"]
    assert (entry["refunded"], entry["still_open"], entry["state"], entry["fee"]) == (
        "400.00",
        "0.00",
        "lost",
        "15.00",
    )
    assert (entry["debt"], entry["loss"]) == ("0.00", "400.00" if released else "0.00")
    assert contract
    proves(world, year)


def test_a_lost_chargeback_of_what_was_paid_out_is_a_debt(world: World) -> None:
    """95.00 net are at the freelancer's bank, released by the clock: they owe 95.00, the fee of
    5.00 is the platform's loss.
    """
    paid_out(world)
    dispute = contest(world)
    world.sandbox.post(f"disputes/{dispute}/lost", {})
    world.work()
    year = int(world.sandbox.now()[:4])
    (entry,) = [r for r in report(world, "safety_register", year) if r["kind"] == "chargeback"]
    assert (entry["debt"], entry["loss"], entry["fee"]) == ("95.00", "5.00", "15.00")
    (earned,) = report(world, "earnings", year)
    assert (earned["owed_to_platform"], earned["recovered"], earned["closing_balance"]) == (
        "95.00",
        "0.00",
        "0.00",
    )
    world.released_contract(milestones=[("More", 50_000)], client="grace@hopper.example")
    (earned,) = report(world, "earnings", year)
    assert (earned["owed_to_platform"], earned["recovered"], earned["closing_balance"]) == (
        "0.00",
        "95.00",
        "380.00",
    )
    assert ("recovery", "-95.00") in [line[:2] for line in lines(world, year, world.ada_id)]
    proves(world, year)


# Payouts


def with_money(world: World) -> None:
    """95.00 of a release and nothing else, to be paid out."""
    world.released_contract(milestones=ONE)
    world.onboarded()
    world.advance("6d")


def payout_lines(world: World) -> dict[str, list[tuple[str, str, str]]]:
    """By payout: its lines with their status; they sum to the payout, or the export would not be
    there.
    """
    year = int(world.sandbox.now()[:4])
    assert (
        ready(world, "finance", {"name": "payouts", "period": f"{year - 1}-01-01..{year}-12-31"})[
            "state"
        ]
        == "ready"
    )
    found: dict[str, list[tuple[str, str, str]]] = {}
    for row in report(world, "payouts", f"{year - 1}-01-01..{year}-12-31"):
        found.setdefault(row["payout_id"], []).append((row["status"], row["type"], row["net"]))
    return found


def earned(status: str) -> list[tuple[str, str, str]]:
    return [(status, "release", "100.00"), (status, "platform_fee", "-5.00")]


def ask(world: World, amount: int = 9_500) -> str:
    return str(world.program().post("/v1/payouts", {"amount": amount, "currency": "USD"})["id"])


@pytest.mark.parametrize("times", [1, 2])
def test_a_payout_that_a_hold_delayed(world: World, times: int) -> None:
    """Requested, stopped by a hold before it left, paid when the hold was gone; once and twice."""
    with_money(world)
    payout = ask(world)
    for _ in range(times):
        hold = freeze(world, world.ada_id, scopes=["outflow"])
        assert world.program().get(f"/v1/payouts/{payout}")["state"] == "held"
        assert payout_lines(world) == {payout: earned("held")}
        world.program("safety").post(
            f"/v1/staff/holds/{hold['id']}/lift", {"reason": "It is cleared up."}
        )
    world.advance("3d")
    assert payout_lines(world) == {payout: earned("arrived")}
    year = int(world.sandbox.now()[:4])
    named = {
        r["payout_id"]
        for r in report(
            world, "transactions", f"{year - 1}-01-01..{year}-12-31", party=world.ada_id
        )
        if r["type"].startswith("payout")
    }
    assert named == {payout}
    proves(world, year)


def test_a_certificate_names_the_payout_that_carried_it(world: World, tmp_path: Path) -> None:
    """One was taken back, one was stopped by a hold and paid afterwards: the second is named, with
    the day at the bank.
    """
    with_money(world)
    first = ask(world)
    world.program().post(f"/v1/payouts/{first}/cancel")
    second = ask(world)
    hold = freeze(world, world.ada_id, scopes=["outflow"])

    def certified() -> str:
        made = issued(world, period=f"2020-01-01..{world.sandbox.now()[:10]}")
        return words_of(world.program().call("GET", made["file"]).raw, tmp_path).replace(" ", "")

    text = certified()
    assert (first in text, second in text) == (False, False), "nothing has carried it yet"
    lift(world, hold)
    world.advance("3d")
    text = certified()
    assert (first in text, second in text) == (False, True)


def test_a_payout_asked_for_under_a_hold(world: World) -> None:
    with_money(world)
    hold = freeze(world, world.ada_id, scopes=["outflow"])
    payout = ask(world)
    assert payout_lines(world) == {}, "nothing has moved"
    lift(world, hold)
    world.advance("3d")
    assert payout_lines(world) == {payout: earned("arrived")}


def test_a_payout_taken_back_by_the_freelancer(world: World) -> None:
    with_money(world)
    first = ask(world)
    world.program().post(f"/v1/payouts/{first}/cancel")
    second = ask(world)
    world.advance("3d")
    assert payout_lines(world) == {first: earned("failed"), second: earned("arrived")}


def test_a_payout_that_fails_and_is_paid_by_a_later_one(world: World) -> None:
    """The first shows its lines, and the next shows them again with what came since."""
    with_money(world)
    account = world.sql("SELECT stripe_account_id FROM payout_account")[0].stripe_account_id
    world.sandbox.post(f"accounts/{account}", {"bank_fails": True})
    first = ask(world)
    world.advance("3d")
    assert world.program().get(f"/v1/payouts/{first}")["state"] == "failed"
    world.sandbox.post(f"accounts/{account}", {"bank_fails": False})
    world.released_contract(milestones=[("More", 20_000)], client="grace@hopper.example")
    world.advance("6d")
    second = ask(world, 28_000)
    world.advance("3d")
    more = [
        ("arrived", "release", "200.00"),
        ("arrived", "platform_fee", "-10.00"),
        ("arrived", "carried_over", "-5.00"),
    ]
    assert payout_lines(world) == {first: earned("failed"), second: earned("arrived") + more}
    proves(world, int(world.sandbox.now()[:4]))


def test_a_payout_that_bounces_after_another(world: World) -> None:
    """50.00, then 45.00, both arrived; the first comes back: a third one carries the first's
    lines.
    """
    with_money(world)
    first = ask(world, 5_000)
    world.advance("3d")
    second = ask(world, 4_500)
    world.advance("3d")
    stripe_id = world.sql("SELECT stripe_payout_id FROM payout ORDER BY id")[0].stripe_payout_id
    world.sandbox.post(f"payouts/{stripe_id}/fail", {})
    world.work()
    third = ask(world, 5_000)
    world.advance("3d")
    found = payout_lines(world)
    assert found[first] == [*earned("failed"), ("failed", "carried_over", "-45.00")]
    assert found[second] == [("arrived", "carried_in", "45.00")]
    assert found[third] == [("arrived", "carried_in", "-45.00"), *earned("arrived")], (
        "the 45.00 of them went with the second"
    )
    proves(world, int(world.sandbox.now()[:4]))


# What stands in a file of a past day stays


def test_a_past_day_is_not_changed_by_what_came_later(world: World, tmp_path: Path) -> None:
    """Holds that ended, a payout that failed, a refund that failed, a chargeback decided: the files
    of the day say the same.
    """
    contract, _ = world.released_contract(
        milestones=[("Work", 50_000), ("More", 20_000)], card=FAILS_LATER
    )
    world.onboarded()
    world.advance("6d")
    account = world.sql("SELECT stripe_account_id FROM payout_account")[0].stripe_account_id
    world.sandbox.post(f"accounts/{account}", {"bank_fails": True})
    ask(world, 10_000)
    world.program().post(
        f"/v1/milestones/{contract['milestones'][1]['id']}/refunds", {"amount": 5_000}
    )
    world.work()
    dispute = contest(world, amount=6_000)
    hold = freeze(world, world.ada_id, scopes=["release"])
    world.advance("5m")
    day, then = world.sandbox.now()[:10], datetime.fromisoformat(world.sandbox.now())
    world.advance("1m")
    asked = ExportRequest(date(2020, 1, 1), date.fromisoformat(day), then, zone="UTC")

    def told(name: str) -> dict[str, bytes]:
        found = {}
        for export in registry.EXPORTS.values():
            with world.db.transaction() as session:
                found[export.name] = generation.make(
                    session, export, asked, "csv", tmp_path / name, "07" * 32
                ).path.read_bytes()
        return found

    before = told("before")
    lift(world, hold)
    world.sandbox.post(f"disputes/{dispute}/lost", {})
    world.advance("3d")
    assert {
        r.state for r in world.sql("SELECT state FROM payout UNION SELECT state FROM refund")
    } == {"failed"}
    after = told("after")
    assert [code for code in before if before[code] != after[code]] == []


# Days of a person's own


def test_a_summary_by_the_days_of_where_somebody_lives(world: World) -> None:
    """Released at 20:00 UTC on 31 December: next year's for somebody in Kolkata, this year's in the
    books and in Los Angeles.
    """
    contract, client = world.submitted_contract(milestones=ONE)
    year = int(world.sandbox.now()[:4])
    world.sql_owner(
        "UPDATE job SET due_at = due_at + interval '1 year' WHERE kind IN ('auto_release', "
        "'review_notice')"
    )
    world.sandbox.post("clock", {"to": f"{year}-12-31T20:00:00+00:00"})
    assert release(world, contract["milestones"][0]["id"]) == "ok"
    world.work()
    gross = [
        [
            row["gross_released"]
            for row in report(world, "earnings", year + n, zone=zone)
            if row["releases"] != "0"
        ]
        for zone in ("Asia/Kolkata", "America/Los_Angeles", "UTC")
        for n in (0, 1)
    ]
    assert gross == [[], ["100.00"], ["100.00"], [], ["100.00"], []]
    held = [statement(world, year, zone=zone) for zone in ("Asia/Kolkata", "UTC")]
    assert held == [
        {"funded": "100.00", "held_closing": "100.00"},
        {"funded": "100.00", "released": "100.00"},
    ]
    for code in ("transactions", "earnings", "client_statement"):
        made = ready(world, "finance", {"name": code, "period": str(year), "zone": "Asia/Kolkata"})
        assert (made["state"], made["zone"], made["manifest"]["period"]["zone"]) == (
            "ready",
            "Asia/Kolkata",
            "Asia/Kolkata",
        ), made["problem"]
    for code, zone, word in (
        ("earnings", "Mars/Olympus", "unknown_zone"),
        ("trial_balance", "Asia/Kolkata", "not_by_zone"),
    ):
        for answer in (
            world.program("finance").call("GET", f"/v1/reports/{code}?period={year}&zone={zone}"),
            world.program("finance").call(
                "POST", "/v1/exports", {"name": code, "period": str(year), "zone": zone}
            ),
        ):
            assert (answer.status, answer.json()["errors"][0]["code"]) == (422, word)
    luca = colleague(world, "finance")
    assert (
        "100.00"
        not in luca.get(
            f"/finance/answers?who=Lovelace&period={year}&zone=Asia%2FKolkata"
        ).text.partition("Held for clients")[0]
    )
    assert luca.http.request("GET", f"/finance/answers?period={year}&zone=Nowhere").status == 422
    assert client.email


# Reversals of a transfer by unequal parts


def test_a_transfer_taken_back_by_unequal_parts(world: World) -> None:
    """The bank refuses 95.00; somebody takes back 10.00 of it at Stripe before we take back 85.00:
    each row is equal to its own.
    """
    with_money(world)
    ask(world)
    world.work()
    world.sandbox.post(
        f"payouts/{world.sql('SELECT stripe_payout_id FROM payout')[0].stripe_payout_id}/fail", {}
    )
    world.runtime.stripe.reverse_transfer(
        world.sql("SELECT transfer_id FROM payout_source")[0].transfer_id, 1_000, "by hand"
    )
    world.advance("4d")
    assert [
        r.amount_minor for r in world.sql("SELECT amount_minor FROM transfer_reversal ORDER BY 1")
    ] == [1_000, 8_500]
    year = int(world.sandbox.now()[:4])
    found = report(world, "tie_out", f"{year - 1}-01-01..{year}-12-31")
    assert {r["result"] for r in found} == {"equal"}
    assert {"10.00", "85.00"} <= {r["ours"] for r in found}
    proves(world, year)
    world.check_books()
