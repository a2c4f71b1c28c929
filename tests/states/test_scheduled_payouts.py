"""Money that nobody asked for: never before its time, everybody's by themselves, in every
currency.
"""

from __future__ import annotations

import itertools
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from service import policies
from service.domain.identity import typeid
from service.domain.money.money import CURRENCIES
from service.operations.payouts import scheduled_payouts
from service.policies import FOLDER, PolicyError
from tests.databases import clone
from tests.journey import contract_body
from tests.states.test_milestones import ONE
from tests.world import World, make_settings

row = pytest.mark.row
_numbers = itertools.count()


def payouts(world: World, who: str = "ada") -> list[tuple[int, str, str]]:
    found = world.program(who).get("/v1/payouts")["data"]
    return [(p["amount"], p["asked_by"], p["state"]) for p in reversed(found)]


@row("O3")
def test_a_refund_of_long_ago_does_not_hurry_a_new_release(world: World) -> None:
    """A release of 100.00 (net 95.00) less a refund is paid out; 100 days later the next one's
    money is new all the same.
    """
    world.onboarded()
    contract, _ = world.released_contract(milestones=ONE)
    world.advance("6d")
    world.program().post(
        f"/v1/milestones/{contract['milestones'][0]['id']}/refunds", {"amount": 4_000}
    )
    world.work()
    assert world.balance()["available"] == 5_700, "95.00 less 38.00, the freelancer's part of 40.00"
    world.program().post("/v1/payouts", {"amount": 5_700, "currency": "USD"})
    world.work()
    world.advance("100d")
    world.released_contract(milestones=[("More", 20_000)], client="grace@hopper.example")
    world.advance("6d")
    assert world.balance()["available"] == 19_000
    world.advance("80d")
    assert payouts(world) == [(5_700, "freelancer", "paid")], (
        "81 days after it matured nothing is forced"
    )
    world.advance("10d")
    assert [p[:2] for p in payouts(world)] == [(5_700, "freelancer"), (19_000, "forced")]
    world.check_books()


@row("O3")
def test_only_what_has_lain_is_forced(world: World) -> None:
    """95.00 of day 5 and 190.00 of day 65: on day 95 the first goes, on day 155 the second."""
    world.onboarded()
    world.released_contract(milestones=ONE)
    world.advance("60d")
    world.released_contract(milestones=[("More", 20_000)], client="grace@hopper.example")
    world.advance("38d")
    assert payouts(world) == [(9_500, "forced", "paid")]
    assert world.balance()["available"] == 19_000
    world.advance("60d")
    assert payouts(world) == [(9_500, "forced", "paid"), (19_000, "forced", "paid")]
    world.check_books()


@row("O3")
def test_small_money_waits_twice_as_long(world: World) -> None:
    """9.50 is less than the smallest payout of 10.00: 180 days."""
    world.onboarded()
    world.released_contract(milestones=[("Little", 1_000)])
    world.advance("180d")
    assert payouts(world) == []
    world.advance("8d")
    assert [p[:2] for p in payouts(world)] == [(950, "forced")]
    world.check_books()


@row("O3", "O6")
def test_a_failed_payout_is_not_aged_anew(world: World) -> None:
    """Available since day 5, asked for on day 40 and returned: forced on day 95 all the same."""
    world.onboarded(outcome="bank_fails")
    world.released_contract(milestones=ONE)
    world.advance("40d")
    world.program().post("/v1/payouts", {"amount": 9_500, "currency": "USD"})
    world.advance("5d")
    assert payouts(world) == [(9_500, "freelancer", "failed")]
    world.advance("48d")
    assert len(payouts(world)) == 1
    world.advance("6d")
    assert payouts(world)[1][:2] == (9_500, "forced")
    world.check_books()


def test_a_schedule_under_a_hold_asks_once(world: World) -> None:
    """Monday after Monday under a hold: what waits for it is spoken for, and no job dies of it."""
    world.onboarded()
    world.released_contract(milestones=[("More", 20_000)])
    world.advance("6d")
    body = {
        "subject": world.ada_id,
        "reason_code": "account_security",
        "clause": "Terms, 7",
        "facts": "A log-in from a new place.",
        "scopes": ["outflow"],
    }
    placed = world.program("safety").post("/v1/staff/holds", body)
    world.program("approver").post(f"/v1/staff/holds/{placed['id']}/confirm")
    world.program().post("/v1/payout-account/schedule", {"schedule": "weekly"})
    world.advance("21d")
    assert [p[1:] for p in payouts(world)] == [("schedule", "held")]
    assert not world.sql("SELECT 1 FROM job WHERE state = 'dead' OR last_error LIKE 'NotEnough%'")


def test_one_person_s_trouble_is_not_another_s(world: World) -> None:
    """Mary's account at Stripe cannot be named: her payout is tried again and again, Ada's is paid
    the same night.
    """
    for who in ("ada", "mary"):
        world.onboarded(who)
        world.program(who).post("/v1/payout-account/schedule", {"schedule": "weekly"})
    world.released_contract(milestones=[("Ada's", 20_000)])
    other = world.program("mary")
    contract = other.post("/v1/contracts", _body("grace@hopper.example"))
    _through(world, "mary", contract, "grace@hopper.example")
    world.sql_owner(
        "UPDATE hf.payout_account SET stripe_account_id = NULL WHERE freelancer_id <> "
        f"'{typeid.decode(world.ada_id)}'"
    )
    world.advance("14d")
    assert payouts(world) == [(19_000, "schedule", "paid")]
    assert payouts(world, "mary") == []
    waiting = world.sql(
        "SELECT kind, last_error FROM job WHERE last_error IS NOT NULL AND state <> 'done'"
    )
    assert {(job.kind, job.last_error.partition(":")[0]) for job in waiting} == {
        ("payout_by_itself", "PayoutAccountNotReady")
    }


def _body(client: str, currency: str = "USD", amount: int = 20_000) -> dict[str, Any]:
    return contract_body(client=client, milestones=[("Work", amount)], currency=currency)


def _through(world: World, who: str, contract: dict[str, Any], email: str) -> None:
    """Sent, accepted, paid, submitted and approved."""
    program = world.program(who)
    program.post(f"/v1/contracts/{contract['id']}/send")
    world.work()
    client = world.client(email)
    client.open()
    client.accept()
    world.work()
    client.pay([m["id"] for m in contract["milestones"]], "4242 4242 4242 4242")
    world.work()
    program.post(
        f"/v1/milestones/{contract['milestones'][0]['id']}/submissions", {"note": "It is done."}
    )
    world.work()
    client.approve(contract["milestones"][0]["id"])
    world.work()


@pytest.mark.parametrize("code", ["CAD", "HUF", "TND"])
def test_a_weekly_schedule_in_any_currency_that_can_be_settled(code: str) -> None:
    """Settled in USD and one other: on Monday that person is paid, and so is everybody else."""
    with clone(settlement_currencies=("USD", code)) as world:
        for who in ("ada", "mary"):
            world.onboarded(who)
            world.program(who).post("/v1/payout-account/schedule", {"schedule": "weekly"})
        much = 2 * world.runtime.policies.payout_schedule_minimum_minor(code)
        _through(
            world,
            "ada",
            world.program().post("/v1/contracts", _body("charles@babbage.example", code, much)),
            "charles@babbage.example",
        )
        _through(
            world,
            "mary",
            world.program("mary").post("/v1/contracts", _body("grace@hopper.example")),
            "grace@hopper.example",
        )
        world.runtime.policies.windows.operating_floor_minor[code] = -(10**12)
        world.advance("14d")
        assert payouts(world, "mary") == [(19_000, "schedule", "paid")]
        assert [p[1:] for p in payouts(world)] == [("schedule", "paid")]
        assert not world.sql("SELECT kind, last_error FROM job WHERE last_error IS NOT NULL")
        world.check_books()


TABLES = {
    "windows.yaml": (
        "payout_minimum_usd_like",
        "payout_schedule_minimum_usd_like",
        "operating_floor_minor",
    ),
    "processing.yaml": ("fixed_minor",),
}


@pytest.mark.parametrize(
    ("file", "table"), [(file, table) for file, tables in TABLES.items() for table in tables]
)
@pytest.mark.parametrize("code", ["CAD", "USD", "TND"])
@pytest.mark.parametrize("how", ["left out", "empty", "negative", "a float"])
def test_an_amount_that_is_missing_stops_the_start(
    file: str, table: str, code: str, how: str, tmp_path: Path
) -> None:
    shutil.copytree(FOLDER, tmp_path / "policies")
    broken, found = tmp_path / "policies" / file, 0
    lines = broken.read_text().splitlines(keepends=True)
    inside = False
    for number, line in enumerate(lines):
        inside = line.lstrip().startswith(f"{table}:") or (inside and "}" not in lines[number - 1])
        if inside and f"{code}: " in line and not found:
            value = line.split(f"{code}: ")[1].split(",")[0].split("}")[0]
            new = {
                "left out": "",
                "empty": f"{code}: ",
                "negative": f"{code}: -1",
                "a float": f"{code}: 1.5",
            }[how]
            lines[number] = (
                line.replace(f"{code}: {value}", new, 1)
                .replace(", ,", ",")
                .replace("{, ", "{")
                .replace(", }", "}")
            )
            found += 1
    assert found == 1
    broken.write_text("".join(lines))
    with pytest.raises(PolicyError, match=f"{file}.*{code}"):
        policies.load(
            make_settings("postgresql://nowhere", settlement_currencies=("USD", "CAD")),
            tmp_path / "policies",
        )


@pytest.mark.parametrize("settled", [("USD", "XYZ"), ()])
def test_a_settlement_currency_that_nobody_knows_stops_the_start(settled: tuple[str, ...]) -> None:
    with pytest.raises(PolicyError, match=r"XYZ|none"):
        policies.load(make_settings("postgresql://nowhere", settlement_currencies=settled))


def test_every_currency_has_every_amount() -> None:
    loaded = policies.load(
        make_settings("postgresql://nowhere", settlement_currencies=tuple(CURRENCIES))
    )
    for code, known in CURRENCIES.items():
        assert loaded.payout_minimum_minor(code) >= known.minimum_milestone_minor
        assert loaded.payout_minimum_minor(code) % known.step_minor == 0
        assert loaded.payout_schedule_minimum_minor(code) % known.step_minor == 0
        assert loaded.operating_floor_minor(code) == 0
        assert loaded.processing.price(code).fixed_minor >= 0


class Story:
    """Releases, refunds, payouts, failed payouts and holds of an amount, in any order, and how old
    the money then is.
    """

    def __init__(self, world: World, data: Any) -> None:
        self.world, self.data, self.holds, self.work = world, data, [], []

    def release(self) -> None:
        email = f"client{next(_numbers)}@babbage.example"
        amount = self.data.draw(st.integers(10, 300)) * 100
        contract, _ = self.world.released_contract(milestones=[("Work", amount)], client=email)
        self.work.append(contract["milestones"][0]["id"])

    def refund(self) -> None:
        if self.work:
            path = f"/v1/milestones/{self.data.draw(st.sampled_from(self.work))}/refunds"
            self.world.program().call(
                "POST", path, {"amount": self.data.draw(st.integers(1, 20)) * 100}
            )

    def payout(self) -> None:
        available = self.world.balance().get("available", 0)
        if available >= 1_000:
            amount = self.data.draw(st.integers(1_000, available))
            self.world.program().call("POST", "/v1/payouts", {"amount": amount, "currency": "USD"})

    def hold(self) -> None:
        if self.world.balance().get("available", 0) >= 100:
            body = {
                "subject": self.world.ada_id,
                "reason_code": "account_security",
                "clause": "Terms, 7",
                "facts": "A log-in from a new place.",
                "amount": self.data.draw(st.integers(1, self.world.balance()["available"])),
                "currency": "USD",
            }
            reply = self.world.program("safety").call("POST", "/v1/staff/holds", body)
            if reply.status == 201:
                self.holds.append(reply.json()["id"])

    def lift(self) -> None:
        if self.holds:
            self.world.program("safety").call(
                "POST",
                f"/v1/staff/holds/{self.holds.pop()}/lift",
                {"reason": "It was the freelancer."},
            )


@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(st.data())
def test_no_money_is_forced_out_before_its_time(data: Any) -> None:
    """Whatever happens: each forced payout is of money that has been available for 90 days, and
    what is worth one does not lie.
    """
    with clone() as world:
        outcome = data.draw(st.sampled_from(["active", "bank_fails"]))
        world.onboarded(outcome=outcome)
        story = Story(world, data)
        verbs = [story.release, story.release, story.refund, story.payout, story.hold, story.lift]
        for _ in range(data.draw(st.integers(4, 7))):
            data.draw(st.sampled_from(verbs))()
            world.advance(data.draw(st.sampled_from(["1d", "7d", "30d"])))
        world.advance("7d" if outcome == "bank_fails" else "100d")
        for payout in world.sql(
            "SELECT requested_at, amount_minor FROM payout WHERE asked_by = 'forced' ORDER BY id"
        ):
            assert payout.amount_minor <= _ripe(world, payout.requested_at), payout
        lots = _lots(world)
        assert sum(lot.amount_minor for lot in lots) == world.balance().get("available", 0)
        if outcome == "active":
            old = sum(
                lot.amount_minor for lot in lots if lot.since < _now(world) - timedelta(days=91)
            )
            assert old < 1_000, "enough for a payout, and it lies"
        world.check_books()


def _ripe(world: World, at: datetime) -> int:
    """All that had matured 90 days before, less every payout asked for earlier that was not failed:
    no more can be old enough.
    """
    matured = world.sql(
        "SELECT coalesce(sum(p.amount), 0)::bigint AS n FROM journal_entry e JOIN posting p ON "
        "p.entry_id = e.id"
        " WHERE e.kind = 'mature' AND e.occurred_at <= :old",
        old=at - timedelta(days=90),
    )
    paid = world.sql(
        "SELECT coalesce(sum(amount_minor), 0)::bigint AS n FROM payout WHERE requested_at < :at "
        "AND state NOT IN ('failed', 'canceled', 'held')",
        at=at,
    )
    return int(matured[0].n - paid[0].n)


def _lots(world: World) -> list[Any]:
    with world.runtime.context("test") as ctx:
        return scheduled_payouts.available_lots(ctx.session, world.ada_id, "USD")


def _now(world: World) -> datetime:
    return datetime.fromisoformat(world.sandbox.now())
