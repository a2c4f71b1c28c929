"""The metric firewall: direct contracts, however many and whatever became of them, move neither job
success nor feedback.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from service.domain.money.money import round_half_up
from service.domain.states.scores import ScoreInputs, job_success, result_of
from service.operations.reputation import metrics
from tests.fees.test_fees_through_the_api import of_kind
from tests.fees.test_promise import SEED
from tests.journey import Person
from tests.world import World

Outcome = Callable[[World, dict[str, Any], Person], None]


def released(world: World, contract: dict[str, Any], client: Person) -> None:
    client.approve(contract["milestones"][0]["id"])


def refunded(world: World, contract: dict[str, Any], client: Person) -> None:
    world.program().post(
        f"/v1/milestones/{contract['milestones'][0]['id']}/refunds", {"reason": "Not done."}
    )


def refunded_after_release(world: World, contract: dict[str, Any], client: Person) -> None:
    released(world, contract, client)
    world.program().post(
        f"/v1/milestones/{contract['milestones'][0]['id']}/refunds", {"reason": "Not good."}
    )


def disputed(world: World, contract: dict[str, Any], client: Person) -> None:
    client.decide(
        f"/c/{contract['id']}/milestones/{contract['milestones'][0]['id']}/dispute",
        amount="",
        refund="",
        claim="Half is missing.",
    )
    newest = world.program().get(f"/v1/contracts/{contract['id']}/disputes")["data"][0]
    world.program().post(f"/v1/disputes/{newest['id']}/accept")


def charged_back(world: World, contract: dict[str, Any], client: Person) -> None:
    charge = next(
        o
        for o in world.sandbox.dump()["objects"]
        if o["object"] == "charge" and o["metadata"].get("contract_id") == contract["id"]
    )
    opened = world.sandbox.post("disputes", {"charge": charge["id"]})
    world.work()
    world.sandbox.post(f"disputes/{opened['id']}/lost", {})


def confiscated(world: World, contract: dict[str, Any], client: Person) -> None:
    safety, milestone = world.program("safety"), contract["milestones"][0]["id"]
    hold = safety.post(
        "/v1/staff/holds",
        {
            "subject": contract["id"],
            "reason_code": "stolen_card",
            "clause": "9.1",
            "facts": "A stolen card.",
        },
    )
    lines = [{"account": "escrow", "amount": 10_000, "target": "client", "milestone": milestone}]
    body = {
        "hold": hold["id"],
        "currency": "USD",
        "clause": "9.1",
        "facts": "A stolen card.",
        "lines": lines,
    }
    case = f"/v1/staff/confiscations/{safety.post('/v1/staff/confiscations', body)['id']}"
    safety.post(f"{case}/notice")
    world.program().post(
        f"/v1/cases/{case.rpartition('/')[2]}/answer", {"words": "I did not know."}
    )
    for who in ("approver", "approver2"):
        world.program(who).post(f"{case}/approve")
    world.advance("49h")
    safety.post(f"{case}/execute")


OUTCOMES: dict[str, Outcome] = {
    "released": released,
    "refunded": refunded,
    "refunded after release": refunded_after_release,
    "disputed": disputed,
    "charged back": charged_back,
    "confiscated": confiscated,
}


def make(world: World, kind: str, outcome: str, number: int) -> dict[str, Any]:
    email = f"client{number}@babbage.example"
    if kind == "direct":
        contract, client = world.submitted_contract(milestones=[("Work", 10_000)], client=email)
    else:
        contract, client = of_kind(world, kind, [10_000], client=email)
    OUTCOMES[outcome](world, contract, client)
    world.work()
    return world.read(contract)


def answers(world: World) -> list[str]:
    """Everything that a score or a review could be read from, byte by byte."""
    platform, ada = world.program("platform"), world.ada_id
    return [
        platform.call("GET", f"/v1/freelancers/{ada}/{what}").text
        for what in ("job-success", "feedback")
    ]


def history(world: World, chance: random.Random) -> list[dict[str, Any]]:
    """A marketplace history with feedback on some of it."""
    made = [
        make(world, chance.choice(["marketplace", "byoc"]), outcome, n)
        for n, outcome in enumerate(chance.sample(sorted(OUTCOMES), 3))
    ]
    for contract in [c for c in made if c["state"] in ("completed", "cancelled")][:2]:
        world.program("platform").post(
            f"/v1/contracts/{contract['id']}/feedback",
            {"rating": chance.randint(1, 5), "words": "As agreed."},
        )
    world.work()
    return made


def test_no_direct_contract_moves_a_score(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Any history, then direct contracts with every outcome, one after the other: the same bytes
    after each. Without the filter: not.
    """
    chance = random.Random(SEED)
    with capsys.disabled():
        print(f"\nseed {SEED}", end=" ")
    history(world, chance)
    before = answers(world)
    for number, outcome in enumerate([*OUTCOMES, *chance.choices(sorted(OUTCOMES), k=3)]):
        make(world, "direct", outcome, 100 + number)
        assert answers(world) == before, outcome
    direct = [
        row
        for row in world.program("platform").get("/v1/metrics/outcomes?limit=100")["data"]
        if row["kind"] == "direct"
    ]
    assert len(direct) >= len(OUTCOMES)
    assert {(row["included"], row["why"]) for row in direct} == {
        (False, "Direct contracts never count, whatever their outcome.")
    }
    # The control: with the one filter open, the same history has another score.
    kinds = world.runtime.policies.kinds
    kinds["direct"] = replace(kinds["direct"], counts_toward_job_success=True)
    assert answers(world)[0] != before[0]


@pytest.mark.parametrize("size", [0, 1, 50])
def test_any_number_of_rows_of_any_outcome(size: int) -> None:
    """The same over thousands of made-up histories, on the formula itself."""
    chance = random.Random(SEED)
    for _ in range(2_000):
        normal, direct = (
            [_facts(chance) for _ in range(chance.randint(0, most))] for most in (20, size)
        )
        alone = job_success(result_of(f)[0] for f in normal)
        mixed = [("marketplace", f) for f in normal] + [("direct", f) for f in direct]
        chance.shuffle(mixed)
        assert (
            job_success(result_of(f)[0] for kind, f in mixed if kind in ("marketplace", "byoc"))
            == alone
        )


def _facts(chance: random.Random) -> ScoreInputs:
    paid = chance.choice([0, chance.randint(1, 10**6)])
    gone, back = chance.randint(0, paid), chance.choice([0, paid])
    return ScoreInputs(
        paid,
        gone,
        min(gone, back),
        chance.choice([0, 0, paid]),
        chance.choice([0, 0, paid]),
        chance.choice([None, 1, 2, 3, 4, 5]),
    )


def test_the_figure_can_be_computed_again_from_the_feed(world: World) -> None:
    history(world, random.Random(7))
    make(world, "direct", "refunded", 50)
    platform, rows, cursor = world.program("platform"), [], ""
    while True:
        page = platform.get(f"/v1/metrics/outcomes?limit=2&freelancer={world.ada_id}{cursor}")
        rows += page["data"]
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert [r["position"] for r in rows] == sorted(r["position"] for r in rows)
    assert len({r["contract"] for r in rows}) == len(rows)
    counted = [r["result"] for r in rows if r["included"] and r["result"] != "neutral"]
    good = counted.count("positive")
    figure = platform.get(f"/v1/freelancers/{world.ada_id}/job-success")
    assert figure["percent"] == round_half_up(100 * good, len(counted))
    assert (figure["positive"], figure["negative"]) == (good, len(counted) - good)
    assert platform.get("/v1/metrics/outcomes?since=2100-01-01T00:00:00Z")["data"] == []


def test_old_outcomes_leave_the_window(world: World) -> None:
    make(world, "marketplace", "released", 1)
    address = f"/v1/freelancers/{world.ada_id}/job-success"
    assert world.program().get(address)["percent"] == 100
    world.sql_owner(
        "ALTER TABLE event DISABLE TRIGGER ALL; UPDATE event SET occurred_at = occurred_at - "
        "interval '731 days'"
    )
    assert world.program().get(address)["percent"] is None
    assert world.program("mary").call("GET", address).status == 404, "somebody else's"


def test_feedback_on_a_direct_contract_is_refused_by_name(world: World) -> None:
    direct = make(world, "direct", "released", 1)
    for who in ("ada", "platform"):
        for body in ({}, {"rating": 5}, {"rating": 5, "text": "Splendid"}):
            refused = world.program(who).call(
                "POST", f"/v1/contracts/{direct['id']}/feedback", body
            )
            assert (refused.status, refused.json()["code"]) == (409, "feedback_not_accepted")
    with pytest.raises(psycopg.errors.CheckViolation, match="never_on_a_direct_contract"):
        world.sql_owner(
            "INSERT INTO feedback SELECT id, kind, freelancer_id, 5, '', now() FROM contract"
        )
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        world.sql_owner(
            "INSERT INTO feedback SELECT id, 'marketplace', freelancer_id, 5, '', now() FROM "
            "contract"
        )
    assert world.program().get(f"/v1/freelancers/{world.ada_id}/feedback")["count"] == 0


def test_feedback_on_a_marketplace_contract(world: World) -> None:
    contract, client = of_kind(world, "marketplace", [10_000])
    platform, address = world.program("platform"), f"/v1/contracts/{contract['id']}/feedback"
    assert platform.call("POST", address, {"rating": 5}).json()["code"] == "state_conflict", (
        "not before its end"
    )
    client.approve(contract["milestones"][0]["id"])
    world.work()
    assert world.program().call("POST", address, {"rating": 5}).status == 403, (
        "not by the freelancer"
    )
    assert platform.call("POST", address, {}).json()["errors"][0]["code"] == "required"
    assert (
        platform.call("POST", address, {"rating": 5, "text": "x"}).json()["errors"][0]["code"]
        == "unknown_field"
    )
    assert platform.post(address, {"rating": 2, "words": "Late."})["rating"] == 2
    assert platform.call("POST", address, {"rating": 5}).status == 409, "once"
    found = world.program().get(f"/v1/freelancers/{world.ada_id}/feedback")
    assert (found["count"], found["average_hundredths"]) == (1, 200)
    assert world.program().get(f"/v1/freelancers/{world.ada_id}/job-success")["percent"] == 0, (
        "rated 2 of 5"
    )


def test_every_event_says_whether_it_counts(world: World) -> None:
    make(world, "marketplace", "released", 1)
    make(world, "direct", "released", 2)
    world.work()
    rows = world.program("platform").get("/v1/events?limit=100")["data"]
    kinds = {r.id: r.kind for r in world.sql("SELECT 'ctr' AS id, kind FROM contract")}
    assert kinds
    blocks = {(r["type"], str(r["metrics"])) for r in rows if r["type"] == "contract.completed"}
    assert blocks == {
        ("contract.completed", str({"job_success": "included", "feedback": "accepted"})),
        ("contract.completed", str({"job_success": "excluded", "feedback": "excluded"})),
    }


def test_earnings_are_never_mixed(world: World) -> None:
    make(world, "marketplace", "released", 1)
    make(world, "direct", "released", 2)
    make(world, "direct", "refunded after release", 3)
    earned = world.program().get("/v1/earnings")["data"][0]
    assert earned["currency"] == "USD"
    assert (
        earned["direct"]["released"],
        earned["direct"]["fee"],
        earned["direct"]["refunded_after_release"],
    ) == (20_000, 1_000, 10_000)
    assert (
        earned["marketplace"]["released"],
        earned["marketplace"]["net"],
        earned["byoc"]["contracts"],
    ) == (10_000, 9_000, 0)


def test_the_filter_is_one_function(world: World) -> None:
    assert metrics.counting(world.runtime.policies) == ["byoc", "marketplace"]
