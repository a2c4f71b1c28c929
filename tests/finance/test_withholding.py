"""Tax withheld from releases: only where somebody decided so, by the rates of the policy, to the
cent, explained to whom it concerns, paid once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from service.escrow import withholding
from service.policies.reading import PolicyError, read
from service.policies.withholding import duties_of
from tests.booking import POST, entry
from tests.console import colleague
from tests.faults.test_payments import at_once
from tests.faults.test_releases import release
from tests.finance.golden import Golden
from tests.finance.reading import made, schema_accepts
from tests.finance.test_identities import W9
from tests.journey import Person
from tests.states.test_milestones import page
from tests.world import World

INDIA = {"street": "Chowringhee Road", "city": "Kolkata", "country": "IN"}
PAN = {
    "form": "dac7",
    "country": "IN",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "birth_date": "1815-12-10",
    "tin": "ABCPL1234D",
    "address": INDIA,
    "signed_as": "Ada Lovelace",
}


def decide(world: World, regime: str, in_scope: bool = True) -> None:
    world.program("approver").post(
        "/v1/tax-scopes",
        {"regime": regime, "in_scope": in_scope, "reason": "Counsel's opinion of 3 March"},
    )


def living_in(world: World, country: str) -> None:
    world.sql_owner(f"UPDATE freelancer SET country = '{country}' WHERE id = '{_uuid(world)}'")


def _uuid(world: World) -> Any:
    return world.sql("SELECT id FROM freelancer WHERE display_name = 'Ada Lovelace'")[0].id


def rupees(world: World, rate: str) -> None:
    today = world.sandbox.now()[:10]
    world.program("finance").post(
        "/v1/fx-rates",
        {
            "source": "SBI TT buying",
            "rates": [{"base": "USD", "quote": "INR", "rate": rate, "day": today}],
        },
    )


def work(world: World, *amounts_minor: int, **more: Any) -> list[str]:
    """A funded contract of milestones of these amounts: their ids."""
    contract, _ = world.funded_contract(
        milestones=[(f"Part {n}", amount) for n, amount in enumerate(amounts_minor)], **more
    )
    return [m["id"] for m in contract["milestones"]]


def taken(world: World) -> list[tuple[str, int, int, str]]:
    """(regime, share, taken, reason) of each release that a duty looked at, in their order."""
    found = world.sql(
        "SELECT regime, share_minor, amount_minor, reason FROM withholding ORDER BY release_id, "
        "regime"
    )
    return [tuple(row) for row in found]


def register(world: World, code: str, period: str) -> list[dict[str, str]]:
    # What is not placed yet is not known yet.
    world.work()
    found: list[dict[str, str]] = world.program("finance").get(
        f"/v1/reports/{code}?period={period}"
    )["data"]
    return found


# India, section 194-O


def test_without_a_number_five_per_cent_of_the_gross(world: World) -> None:
    """5 % of 1,000.10 is 50.005: half-up 50.01; the money stays in trust for the tax office."""
    living_in(world, "IN")
    decide(world, "in_194o")
    (milestone,) = work(world, 100_010)
    assert release(world, milestone) == "ok"
    world.work()
    assert taken(world) == [("in_194o", 5_001, 5_001, "no_number_on_file")]
    books = world.trial_balance()
    assert (books["tax_withheld"], books["platform_fees"], books["pending"]) == (
        5_001,
        5_001,
        90_008,
    )
    letter = world.client("ada@lovelace.example").letter("Released to you")["text"]
    assert "USD 50.01 was withheld for the tax office (5 %," in letter
    assert "no tax number of yours is on file" in letter
    assert "USD 900.08 is yours" in letter
    world.check_books()


def _whole(world: World, client: Person, contract: dict[str, Any]) -> None:
    assert client.approve(contract["milestones"][0]["id"]).status == 303


def _part(world: World, client: Person, contract: dict[str, Any]) -> None:
    assert client.approve(contract["milestones"][0]["id"], "40.00").status == 303


def _silence(world: World, client: Person, contract: dict[str, Any]) -> None:
    world.advance("13d")
    rupees(world, "83.20")
    world.advance("2d")


def _agreement(world: World, client: Person, contract: dict[str, Any]) -> None:
    """A dispute ends with 40.00 of 100.00 given back."""
    assert (
        client.decide(
            page(contract, "dispute"), amount="", refund="", claim="Half of it is missing."
        ).status
        == 303
    )
    world.work()
    newest = world.program().get(f"/v1/contracts/{contract['id']}/disputes")["data"][0]
    world.program().post(
        f"/v1/disputes/{newest['id']}/answer", {"words": "All of it is there.", "refund": 0}
    )
    offer = world.program().post(f"/v1/disputes/{newest['id']}/proposals", {"refund": 4_000})[
        "offers"
    ][0]
    assert (
        client.decide(
            f"/c/{contract['id']}/disputes/{newest['id']}", choice="agree", offer=offer["id"]
        ).status
        == 303
    )


@pytest.mark.parametrize(
    ("ends", "gross"), [(_whole, 10_000), (_part, 4_000), (_silence, 10_000), (_agreement, 6_000)]
)
@pytest.mark.parametrize("number", [None, PAN])
def test_of_handed_over_work_however_it_is_released(
    world: World, ends: Callable[..., None], gross: int, number: dict[str, Any] | None
) -> None:
    """With a number an individual's first releases of the year are exempt (a threshold is asked
    for), without one 5 % is taken.
    """
    living_in(world, "IN")
    decide(world, "in_194o")
    rupees(world, "83.20")
    if number:
        world.program().post("/v1/tax-identity", number)
    contract, client = world.submitted_contract(milestones=[("Work", 10_000)])
    ends(world, client, contract)
    world.work()
    expected = (
        ("in_194o", 0, "below_threshold")
        if number
        else ("in_194o", gross // 20, "no_number_on_file")
    )
    assert [(regime, amount, reason) for regime, _, amount, reason in taken(world)] == [expected]
    assert world.trial_balance().get("tax_withheld", 0) == expected[1]
    world.check_books()


def test_the_registers_name_it(world: World, tmp_path: Path) -> None:
    living_in(world, "IN")
    decide(world, "in_194o")
    (milestone,) = work(world, 100_010)
    release(world, milestone)
    world.work()
    year = world.sandbox.now()[:4]
    (line,) = register(world, "withheld_tax", year)
    assert (
        line["gross"],
        line["rate_percent"],
        line["share"],
        line["withheld"],
        line["remitted_on"],
    ) == ("1000.10", "5", "50.01", "50.01", "")
    (deducted,) = register(world, "tds_194o", f"{year}-01-01..{year}-12-31")
    assert (deducted["tds"], deducted["withheld"], deducted["in_scope"]) == (
        "50.01",
        "50.01",
        "yes",
    )
    assert (deducted["gross_inr"], deducted["tds_inr"]) == ("", ""), (
        "no rate is stored: nothing is guessed"
    )
    rupees(world, "83.20")
    (deducted,) = register(world, "tds_194o", f"{year}-01-01..{year}-12-31")
    assert (deducted["gross_inr"], deducted["tds_inr"]) == ("83208.32", "4160.42"), (
        "what the tax office is told: 1,000.10 at 83.20, 5 per cent"
    )
    (earned,) = register(world, "earnings", year)
    assert (
        earned["gross_released"],
        earned["platform_fees"],
        earned["tax_withheld"],
        earned["net_credited"],
    ) == ("1000.10", "50.01", "50.01", "900.08")
    own = [
        (one["type"], one["amount"])
        for one in world.program().get(f"/v1/reports/transactions?period={year}")["data"]
    ]
    assert sorted(own) == [
        ("platform_fee", "-50.01"),
        ("release", "1000.10"),
        ("tax_withheld", "-50.01"),
    ]
    (rupee_line,) = world.program().get(f"/v1/reports/india_statement?period={year}")["data"]
    assert (rupee_line["fee"], rupee_line["tax_withheld"]) == ("50.01", "50.01")
    for code in (
        "transactions",
        "earnings",
        "escrow_balances",
        "trial_balance",
        "reconciliation",
        "india_statement",
        "tds_194o",
        "withheld_tax",
    ):
        asked = world.program("finance").post("/v1/exports", {"name": code, "period": year})
        world.work()
        assert world.program("finance").get(f"/v1/exports/{asked['id']}")["state"] == "ready", code
    schema_accepts(
        made(
            Golden(world, {}, "", []),
            tmp_path,
            "withheld_tax",
            year,
            as_of=datetime.fromisoformat(world.sandbox.now()),
        ),
        "withheld_tax",
    )


def test_what_was_withheld_is_in_the_report_of_the_country_declared_later(world: World) -> None:
    living_in(world, "IN")
    decide(world, "in_194o")
    (milestone,) = work(world, 100_010)
    release(world, milestone)
    france = {
        "form": "dac7",
        "country": "FR",
        "tin": "3023217600053",
        "address": INDIA | {"country": "FR"},
    }
    world.program().post("/v1/tax-identity", PAN | france)
    (row,) = register(world, "dac7", world.sandbox.now()[:4])
    quarter = (int(world.sandbox.now()[5:7]) + 2) // 3
    assert (row[f"cons_q{quarter}"], row[f"fees_q{quarter}"], row[f"taxes_q{quarter}"]) == (
        "900.08",
        "50.01",
        "50.01",
    )


def test_an_individual_with_a_number_is_exempt_up_to_five_lakh_and_then_owes_for_the_whole_year(
    world: World,
) -> None:
    living_in(world, "IN")
    world.program().post("/v1/tax-identity", PAN)
    decide(world, "in_194o")
    rupees(world, "85.50")
    first, second, third = work(world, 500_000, 100_000, 10_000)
    for milestone in (first, second, third):
        release(world, milestone)
    assert taken(world) == [
        ("in_194o", 500, 0, "below_threshold"),
        ("in_194o", 100, 600, "number_on_file"),
        ("in_194o", 10, 10, "number_on_file"),
    ]
    world.check_books()


def test_what_a_small_release_cannot_bear_the_next_one_does(world: World) -> None:
    """Exactly five lakh is still exempt; the next release owes 5.00 more than it has left."""
    living_in(world, "IN")
    world.program().post("/v1/tax-identity", PAN)
    decide(world, "in_194o")
    rupees(world, "100")
    first, second = work(world, 500_000, 10_100)
    for milestone, amount in ((first, None), (second, 100), (second, 10_000)):
        assert release(world, milestone, amount) == "ok"
    assert [row[2] for row in taken(world)] == [0, 95, 415], (
        "0.95 was left after the fee; 4.05 and 0.10 come from the next"
    )
    world.check_books()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {
                "seller_kind": "entity",
                "first_name": None,
                "last_name": None,
                "legal_name": "Lovelace Engines",
            },
            100,
        ),
        ({}, 100),
    ],
)
def test_nobody_else_is_exempt(world: World, change: dict[str, Any], expected: int) -> None:
    """A company has no exemption; and where no rate is stored nobody knows what was reached, so
    nothing is exempt.
    """
    living_in(world, "IN")
    world.program().post("/v1/tax-identity", PAN | change)
    decide(world, "in_194o")
    if change:
        rupees(world, "85.50")
    release(world, work(world, 100_000)[0])
    assert taken(world) == [("in_194o", expected, expected, "number_on_file")]


def test_nothing_before_a_decision_after_a_no_or_elsewhere(world: World) -> None:
    first, second, third = work(world, 10_000, 10_000, 10_000)
    decide(world, "in_194o")
    release(world, first)
    living_in(world, "IN")
    decide(world, "in_194o", in_scope=False)
    release(world, second)
    assert taken(world) == []
    decide(world, "in_194o")
    release(world, third)
    assert taken(world) == [("in_194o", 500, 500, "no_number_on_file")]
    assert world.trial_balance()["pending"] == 9_500 + 9_500 + 9_000


def test_supplies_within_india_by_the_registered(world: World) -> None:
    living_in(world, "IN")
    decide(world, "in_gst_tcs")
    release(world, work(world, 100_000, client="a@babbage.example", country="IN")[0])
    world.program().post("/v1/tax-identity", PAN | {"vat_id": "19ABCPL1234D1Z5"})
    release(world, work(world, 100_000, client="b@babbage.example", country="GB")[0])
    release(world, work(world, 100_000, client="c@babbage.example", country="IN")[0])
    assert taken(world) == [("in_gst_tcs", 500, 500, "number_on_file")]


# United States, backup withholding


def lower_threshold(world: World, gross_minor: int, count: int) -> None:
    """Two hundred releases are many for a test."""
    rows = [
        replace(d, exempt=replace(d.exempt, gross_to_minor=gross_minor, count_to=count))
        if d.regime == "us_backup" and d.exempt
        else d
        for d in world.runtime.policies.withholdings
    ]
    object.__setattr__(world.runtime.policies, "withholdings", tuple(rows))


def test_without_a_w9_a_quarter_of_what_follows_both_thresholds(world: World) -> None:
    """24 % of 1,000.10 are 240.02; nothing is taken for what was below, and nothing any more once
    the form is there.
    """
    living_in(world, "US")
    decide(world, "us_backup")
    lower_threshold(world, 10_000, 1)
    parts = work(world, 100_010, 100_010, 100_010)
    release(world, parts[0])
    release(world, parts[1])
    world.program().post("/v1/tax-identity", W9)
    release(world, parts[2])
    assert taken(world) == [
        ("us_backup", 0, 0, "below_threshold"),
        ("us_backup", 24_002, 24_002, "no_number_on_file"),
    ]
    (form,) = register(world, "form_1099k", world.sandbox.now()[:4])
    assert (form["box_1a"], form["box_3"], form["box_4"]) == ("3000.30", "3", "240.02")
    world.check_books()


def test_a_foreigner_with_a_form_is_left_alone_until_it_ends(world: World) -> None:
    living_in(world, "US")
    decide(world, "us_backup")
    lower_threshold(world, 0, 0)
    w8 = {key: value for key, value in W9.items() if key not in ("region", "tin")} | {
        "form": "w8ben",
        "country": "FR",
        "tin": "3023217600053",
        "birth_date": "1815-12-10",
    }
    world.program().post("/v1/tax-identity", w8)
    first, second = work(world, 10_000, 10_000)
    release(world, first)
    assert taken(world) == []
    world.sql_owner("UPDATE tax_identity SET expires_on = '2020-12-31'")
    release(world, second)
    assert taken(world) == [("us_backup", 2_400, 2_400, "no_number_on_file")]


# The month is paid


def a_month_of_it(world: World) -> dict[str, Any]:
    living_in(world, "IN")
    decide(world, "in_194o")
    release(world, work(world, 100_010)[0])
    (due,) = world.program("finance").get("/v1/tax-dues")["data"]
    return dict(due)


def test_a_month_is_paid_once_and_when_it_is_over(world: World) -> None:
    due = a_month_of_it(world)
    month = world.sandbox.now()[:7]
    following = f"{int(month[:4]) + int(month[5:]) // 12}-{int(month[5:]) % 12 + 1:02}"
    assert (due["regime"], due["withheld"], due["releases"], due["month"], due["due_on"]) == (
        "in_194o",
        5_001,
        1,
        month,
        f"{following}-07",
    )
    approver, body = world.program("approver"), {"reference": "Challan 0510308"}
    assert approver.call("POST", f"/v1/tax-dues/{due['id']}/remit", body).status == 409, (
        "the month is not over"
    )
    world.sandbox.post("clock", {"to": f"{following}-02T10:00:00+00:00"})
    assert (
        world.program("finance").call("POST", f"/v1/tax-dues/{due['id']}/remit", body).status == 403
    )
    before = world.trial_balance()
    paid = approver.post(f"/v1/tax-dues/{due['id']}/remit", body)
    assert (paid["reference"], paid["withheld"]) == ("Challan 0510308", 5_001)
    after = world.trial_balance()
    assert "tax_withheld" not in after
    moved = {
        name: after.get(name, 0) - before.get(name, 0)
        for name in ("psp_trust", "psp_operating", "platform_equity")
    }
    assert moved == {"psp_trust": -5_001, "psp_operating": 5_001, "platform_equity": 5_001}
    assert approver.call("POST", f"/v1/tax-dues/{due['id']}/remit", body).status == 409
    assert (
        approver.call("POST", "/v1/tax-dues/txd_01m82jfcv7et69qsget0gz6yqr/remit", body).status
        == 404
    )
    (line,) = register(world, "withheld_tax", f"{month}-01..{world.sandbox.now()[:10]}")
    assert (line["remitted_on"], line["reference"]) == (world.sandbox.now()[:10], "Challan 0510308")
    world.check_books()


def test_on_the_page_of_finance(world: World) -> None:
    due = a_month_of_it(world)
    desk = colleague(world, "approver")
    page = desk.get("/finance/tax")
    assert "50.01" in page.text
    assert "overdue" not in page.text
    assert not [form for form in page.forms if due["id"] in form.action], "the month is not over"
    world.advance("40d")
    desk = colleague(world, "approver")
    page = desk.get("/finance/tax")
    assert "overdue" in page.text, "it was to be paid by the seventh"
    (form,) = [form for form in page.forms if due["id"] in form.action]
    assert desk.press("/finance/tax", form, reference="Challan 0510308").status == 303
    page = desk.get("/finance/tax")
    assert "Challan 0510308" in page.text
    assert "overdue" not in page.text
    world.check_books()


def test_the_database_keeps_it_as_it_was(world: World) -> None:
    a_month_of_it(world)
    for attack in (
        "UPDATE withholding SET amount_minor = 0",
        "DELETE FROM withholding",
        "DELETE FROM tax_due",
        "UPDATE tax_due SET due_on = due_on + 365",
        "UPDATE tax_due SET remitted_at = now()",
        "UPDATE release SET withheld_minor = 0",
    ):
        with pytest.raises(Exception, match=r"denied|forbidden|violates"):
            world.sql(attack)


# Two at once


def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has looked at the threshold takes a moment before they act on it."""
    real = withholding._exempt

    def slow(*given: Any) -> bool:
        found = real(*given)
        time.sleep(0.3)
        return found

    monkeypatch.setattr(withholding, "_exempt", slow)


def two_at_once(world: World) -> int:
    """Two releases of 3,000.00 at 100 rupees after one of 10.00: each alone is below five lakh,
    both together are not. Returns what was taken.
    """
    living_in(world, "IN")
    world.program().post("/v1/tax-identity", PAN)
    decide(world, "in_194o")
    rupees(world, "100")
    release(world, work(world, 1_000)[0])
    parts = [work(world, 300_000, client=f"c{n}@babbage.example")[0] for n in range(2)]
    assert at_once(2, lambda i: release(world, parts[i])) == ["ok", "ok"]
    return sum(row[2] for row in taken(world))


def test_two_at_once_are_not_both_the_first_below_a_threshold(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    slowly(monkeypatch)
    assert two_at_once(world) == 601
    world.check_books()


def test_control_without_the_lock_both_are(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    slowly(monkeypatch)
    monkeypatch.setattr(withholding, "alone", lambda *_: None)
    assert two_at_once(world) == 0


# The policy


GOOD = """duties:
  - {regime: us_backup, country: US, from: 2025-01-01, rate: "0", rate_without_number: "0.24", year_begins: 1, due_day: 15, number: w9,
     legal_ref: "IRC s. 3406", source: "31.3406(b)(3)-5(b)", verified_on: 2026-11-23}
"""


def test_a_year_a_due_day_and_no_exemption() -> None:
    (duty,) = duties_of(read(GOOD, "withholding.yaml"))
    assert duty.exempt is None
    assert duty.year_of(date(2026, 1, 1)) == date(2026, 1, 1)
    assert duty.due_on(date(2025, 12, 31)) == date(2026, 1, 15)
    april = replace(duty, year_begins=4)
    assert [april.year_of(day) for day in (date(2026, 3, 31), date(2026, 4, 1))] == [
        date(2025, 4, 1),
        date(2026, 4, 1),
    ]


@pytest.mark.parametrize(
    ("was", "becomes", "words"),
    [
        ('"0.24"', "0.24", "in quotes"),
        ('"0.24"', '"24"', "from 0 up to 1"),
        ("due_day: 15", "due_day: 31", "every month"),
        ("2025-01-01", "soon", "days"),
        ("number: w9", "number: w10", "w9"),
        ("year_begins: 1", "begins: 1", "missing key year_begins"),
        (
            "number: w9",
            (
                "exempt: {currency: XXX, gross_to_minor: 1, count_to: 0, catches_up: true, only: "
                "everyone}"
            ),
            "known",
        ),
    ],
)
def test_a_wrong_policy_is_refused_with_its_line(was: str, becomes: str, words: str) -> None:
    with pytest.raises(PolicyError, match=rf"line 2: .*{words}"):
        duties_of(read(GOOD.replace(was, becomes), "withholding.yaml"))


def test_the_books_refuse_another_months_account(world: World) -> None:
    """An account of withheld tax cannot be overdrawn: a month is paid at most once, whatever the
    code does.
    """
    a_month_of_it(world)
    due = world.sql("SELECT id FROM tax_due")[0].id
    withheld = (("tax_withheld", "tax_due", due), ("platform_equity", None, None), 5_002)
    financed = (("psp_operating", None, None), ("psp_trust", None, None), 5_002)
    with (
        psycopg.connect(world.settings.owner_url, options="-c search_path=hf") as connection,
        pytest.raises(psycopg.errors.CheckViolation),
    ):
        connection.execute(POST, entry("tax_remit", [withheld, financed]))
