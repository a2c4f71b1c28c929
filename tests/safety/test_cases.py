"""Confiscation by due process: who may do what and when, the waterfall, and the whole story from
suspension to restoration.
"""

from __future__ import annotations

import io
import json
import math
import tempfile
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from service.domain.identity import typeid
from service.exports import manifest
from tests.databases import clone
from tests.faults.test_payments import at_once
from tests.safety.test_holds import WHY, freeze
from tests.states.test_chargebacks import contest
from tests.world import World

fault = pytest.mark.fault
CASE = {
    "currency": "USD",
    "clause": "Terms 9.1",
    "facts": "The invoices were forged.",
    "evidence": ["Letter of the client, 3 May"],
}


def money_everywhere(world: World) -> tuple[dict[str, Any], dict[str, Any]]:
    """(a contract with 100.00 in protection, another of which 950.00 are available)."""
    paid, _ = world.released_contract(milestones=[("Paid", 100_000)], client="grace@hopper.example")
    world.advance("6d")
    held, _ = world.submitted_contract(milestones=[("Held", 10_000)])
    return held, paid


def line(
    account: str, amount: int, target: str, contract: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "account": account,
        "amount": amount,
        "target": target,
        "milestone": contract["milestones"][0]["id"] if contract else None,
    }


def drafted(
    world: World, lines: list[dict[str, Any]], **more: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(the hold, the case in draft)."""
    hold = freeze(world, world.ada_id, scopes=["release", "refund", "outflow"], **more)
    world.program("approver").post(f"/v1/staff/holds/{hold['id']}/confirm")
    return hold, world.program("safety").post(
        "/v1/staff/confiscations", CASE | {"hold": hold["id"], "lines": lines}
    )


def step(
    world: World, who: str, case: dict[str, Any], verb: str, body: Any = None
) -> dict[str, Any]:
    found: dict[str, Any] = world.program(who).post(
        f"/v1/staff/confiscations/{case['id']}/{verb}", body or {}
    )
    world.check_books()
    return found


def heard(world: World, case: dict[str, Any]) -> None:
    """The time to answer passes."""
    until = world.program("safety").get(f"/v1/staff/confiscations/{case['id']}")["answer_until"]
    left = datetime.fromisoformat(until) - datetime.fromisoformat(world.sandbox.now())
    world.advance(f"{math.ceil(left / timedelta(hours=1))}h")


def test_the_whole_story(world: World) -> None:
    """Suspend, freeze, partial lift, case, notice, answer, two approvals, four lines, appeal,
    overturn, restore.
    """
    held, paid = money_everywhere(world)
    suspended = world.program("platform").post(
        "/v1/staff/suspensions", WHY | {"person": world.ada_id, "level": "blocked"}
    )
    extra = freeze(world, held["id"], scopes=["release"])
    world.program("safety").post(
        f"/v1/staff/holds/{extra['id']}/lift", {"reason": "One hold is enough."}
    )
    hold = suspended["hold"]
    world.program("approver").post(f"/v1/staff/holds/{hold['id']}/confirm")
    lines = [
        line("escrow", 10_000, "client", held),
        line("available", 30_000, "same_contract_refund", paid),
        line("available", 5_000, "proven_loss"),
        line("available", 60_000, "remainder_to_person"),
    ]
    case = world.program("safety").post(
        "/v1/staff/confiscations", CASE | {"hold": hold["id"], "lines": lines}
    )
    assert world.program().call("GET", f"/v1/cases/{case['id']}").status == 404, (
        "a draft is nobody's to read"
    )
    preview = world.program("approver").get(f"/v1/staff/confiscations/{case['id']}/preview")[
        "postings"
    ]
    step(world, "safety", case, "notice")
    ada = world.program()
    told = ada.get(f"/v1/cases/{case['id']}")
    assert (told["total"], told["clause"], told["evidence"]) == (
        105_000,
        "Terms 9.1",
        CASE["evidence"],
    )
    ada.post(
        f"/v1/cases/{case['id']}/answer",
        {"words": "They are genuine; my accountant has the originals."},
    )
    step(world, "approver2", case, "approve")
    assert step(world, "reviewer", case, "approve")["state"] == "approved"
    heard(world, case)
    before = world.trial_balance()
    done = step(world, "safety", case, "execute")
    assert (done["state"], len(done["approved_by"])) == ("executed", 2)
    posted = world.sql(
        "SELECT j.kind, d.kind AS debit, c.kind AS credit, p.amount FROM journal_entry j JOIN "
        "posting p ON p.entry_id = j.id"
        " JOIN ledger_account d ON d.id = p.debit_account JOIN ledger_account c ON c.id = "
        "p.credit_account"
        f" WHERE j.cause_id = '{typeid.decode(case['id'])}' ORDER BY j.number, p.line_no"
    )
    shown = [(p["entry"], p["debit"], p["credit"], p["amount"]) for p in preview]
    assert sorted((p.kind, p.debit, p.credit, p.amount) for p in posted) == sorted(shown), (
        "what was previewed, and nothing else"
    )
    assert ada.get(f"/v1/holds/{hold['id']}")["state"] == "released", "it has served its purpose"
    assert world.balance()["available"] == 60_000
    assert (before["escrow"], world.trial_balance().get("escrow", 0)) == (10_000, 0)
    assert [world.read(c)["milestones"][0]["state"] for c in (held, paid)] == [
        "confiscated",
        "released",
    ]
    refunds = world.sql("SELECT amount_minor, state FROM refund ORDER BY amount_minor")
    assert [tuple(r) for r in refunds] == [(10_000, "succeeded"), (30_000, "succeeded")]
    # Both sides read the same sums.
    mine = next(
        m for m in world.sandbox.mail("ada@lovelace.example") if "was carried out" in m["subject"]
    )
    theirs = next(
        m
        for m in world.sandbox.mail("charles@babbage.example")
        if "About your money" in m["subject"]
    )
    assert "USD 100.00 to the client" in mine["text"]
    assert "USD 100.00" in theirs["text"]
    signed_statements_agree(world, case, held)
    # The appeal, by somebody who has decided nothing so far.
    filed = ada.post(f"/v1/holds/{hold['id']}/appeals", {"statement": "Here are the originals."})
    decision = {"outcome": "reversed", "reasons": "They are genuine.", "at_platform_cost": True}
    for who in ("safety", "approver2", "reviewer"):
        assert (
            world.program(who)
            .call("POST", f"/v1/staff/appeals/{filed['id']}/decide", decision)
            .status
            == 403
        ), who
    world.keys["another"] = world.staff_key("reviewer", "Emilie du Chatelet")
    assert (
        world.program("another").post(f"/v1/staff/appeals/{filed['id']}/decide", decision)["state"]
        == "decision_reversed"
    )
    world.check_books()
    back = ada.get(f"/v1/cases/{case['id']}")
    assert (back["state"], [(one["restored"], one["note"]) for one in back["lines"]]) == (
        "reversed",
        [
            (0, "not restorable: the client has it back, by the way it came"),
            (30_000, "at the platform's cost"),
            (5_000, "back where it came from"),
            (60_000, "was the person's again already"),
        ],
    )
    assert world.balance()["available"] == 95_000, "exactly what was there before"


def signed_statements_agree(world: World, case: dict[str, Any], held: dict[str, Any]) -> None:
    """Both parties' papers: signed, with the same sum for the same line, and nothing of the
    other's.
    """
    mine = opened(
        world.program()
        .http.request(
            "GET",
            f"/v1/cases/{case['id']}/statement",
            headers={"Authorization": f"Bearer {world.keys['ada']}"},
        )
        .raw
    )
    client = world.client()
    client.open("About your money")
    page = client.get(f"/c/{held['id']}")
    theirs = opened(
        client.http.request("GET", next(link for link in page.links if "/cases/" in link)).raw
    )
    assert [line["amount_minor"] for line in mine["lines"]] == [10_000, 30_000, 5_000, 60_000]
    assert theirs["lines"] == mine["lines"][:1], "the client's contract, and no other"
    assert world.program("mary").call("GET", f"/v1/cases/{case['id']}/statement").status == 404
    again = opened(
        world.program()
        .http.request(
            "GET",
            f"/v1/cases/{case['id']}/statement",
            headers={"Authorization": f"Bearer {world.keys['ada']}"},
        )
        .raw
    )
    assert again == mine, "the same bytes twice"


def opened(content: bytes) -> dict[str, Any]:
    """A statement's manifest, after everything in it was verified as a stranger would."""
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(io.BytesIO(content)).extractall(folder)
        assert manifest.verify(Path(folder)) == []
        assert (Path(folder) / "statement.pdf").read_bytes().startswith(b"%PDF")
        found: dict[str, Any] = json.loads((Path(folder) / "manifest.json").read_text())
        return found


@fault("FRZ-04")
def test_one_person_cannot_confiscate(world: World) -> None:
    held, _ = money_everywhere(world)
    _, case = drafted(world, [line("escrow", 10_000, "client", held)])
    early = world.program("approver").call(
        "POST", f"/v1/staff/confiscations/{case['id']}/approve", {}
    )
    assert early.json()["code"] == "state_conflict", "not before the person was told"
    step(world, "safety", case, "notice")
    step(world, "approver", case, "approve")
    again = world.program("approver").call(
        "POST", f"/v1/staff/confiscations/{case['id']}/approve", {}
    )
    assert again.status == 403
    assert (
        world.program("safety")
        .call("POST", f"/v1/staff/confiscations/{case['id']}/approve", {})
        .status
        == 403
    )
    assert (
        world.program("safety")
        .call("POST", f"/v1/staff/confiscations/{case['id']}/execute", {})
        .status
        == 409
    )
    opener = world.sql("SELECT opened_by FROM confiscation")[0].opened_by
    with pytest.raises(psycopg.errors.CheckViolation, match="cannot approve it"):
        world.sql_owner(f"INSERT INTO case_approval SELECT id, '{opener}', now() FROM confiscation")
    with pytest.raises(psycopg.errors.CheckViolation, match="two approvals"):
        world.sql_owner("UPDATE confiscation SET state = 'approved'")
    step(world, "approver2", case, "approve")
    waiting = world.program("safety").call(
        "POST", f"/v1/staff/confiscations/{case['id']}/execute", {}
    )
    assert "still has time to answer" in waiting.json()["detail"]
    world.advance("14d")
    assert step(world, "safety", case, "execute")["state"] == "executed"


@fault("FRZ-05")
def test_two_approve_or_execute_at_once(world: World) -> None:
    held, _ = money_everywhere(world)
    _, case = drafted(world, [line("escrow", 10_000, "client", held)])
    step(world, "safety", case, "notice")
    world.program().post(f"/v1/cases/{case['id']}/answer", {"words": "No."})
    path = f"/v1/staff/confiscations/{case['id']}"
    both = at_once(
        2,
        lambda i: (
            world.program(["approver", "approver2"][i]).call("POST", f"{path}/approve", {}).status
        ),
    )  # type: ignore[misc]
    assert sorted(both) == [200, 200]  # type: ignore[type-var]
    heard(world, case)
    twice = at_once(2, lambda _: world.program("safety").call("POST", f"{path}/execute", {}).status)
    assert sorted(twice) == [200, 409]  # type: ignore[type-var]
    assert world.sql("SELECT count(*) AS n FROM journal_entry WHERE kind = 'confiscate'")[0].n == 1
    world.check_books()


def test_a_case_that_is_dropped_ends_its_hold(world: World) -> None:
    held, _ = money_everywhere(world)
    hold, case = drafted(world, [line("escrow", 10_000, "client", held)])
    step(world, "safety", case, "notice")
    world.advance("40d")
    assert world.program().get(f"/v1/holds/{hold['id']}")["state"] == "converted", (
        "expiry does not run meanwhile"
    )
    assert (
        step(world, "safety", case, "drop", {"reason": "The originals were shown."})["state"]
        == "dropped"
    )
    assert world.program().get(f"/v1/holds/{hold['id']}")["state"] == "released"
    assert world.balance()["available"] == 95_000


def test_a_case_is_about_what_is_there(world: World) -> None:
    held, paid = money_everywhere(world)
    hold = freeze(world, world.ada_id)
    safety = world.program("safety")
    for lines, code in (
        ([line("escrow", 10_001, "client", held)], "more_than_there_is"),
        (
            [line("available", 60_000, "authority"), line("available", 60_000, "authority")],
            "more_than_there_is",
        ),
        ([line("available", 100, "client")], "milestone_needed"),
        ([line("available", 100, "forfeit")], "forfeit_is_off"),
    ):
        refused = safety.call(
            "POST", "/v1/staff/confiscations", CASE | {"hold": hold["id"], "lines": lines}
        )
        assert (refused.status, refused.json()["errors"][0]["code"]) == (422, code)
    assert paid["id"]
    assert world.sql("SELECT count(*) AS n FROM confiscation")[0].n == 0


def test_an_authority_s_money_waits_and_can_come_back(world: World) -> None:
    money_everywhere(world)
    hold, case = drafted(world, [line("available", 20_000, "authority")], reason_code="legal_order")
    step(world, "safety", case, "notice")
    world.advance("49h")
    for who in ("approver", "approver2"):
        step(world, who, case, "approve")
    step(world, "safety", case, "execute")
    assert world.trial_balance()["authority_payable"] == 20_000
    own = world.program("safety").call(
        "POST", f"/v1/staff/confiscations/{case['id']}/restore", {"reason": "Quashed."}
    )
    assert own.status == 403
    step(world, "reviewer", case, "restore", {"reason": "The order was quashed."})
    assert "authority_payable" not in world.trial_balance()
    assert world.balance()["available"] == 95_000
    assert hold["id"]


@pytest.mark.row("A3")
def test_nothing_is_forfeited_without_a_basis_and_before_the_appeal_is_over() -> None:
    with clone(forfeit_legal_basis="Statute of Uses 1536") as world:
        money_everywhere(world)
        _, case = drafted(world, [line("available", 20_000, "forfeit")])
        step(world, "safety", case, "notice")
        world.program().post(f"/v1/cases/{case['id']}/answer", {"words": "No."})
        for who in ("approver", "approver2"):
            step(world, who, case, "approve")
        heard(world, case)
        step(world, "safety", case, "execute")
        assert (world.trial_balance()["confiscated"], "forfeitures" in world.trial_balance()) == (
            20_000,
            False,
        ), "a liability until it is final"
        world.advance("165d")
        assert "forfeitures" not in world.trial_balance()
        world.advance("2d")
        world.check_books()
        assert (world.trial_balance()["forfeitures"], "confiscated" in world.trial_balance()) == (
            20_000,
            False,
        )


def test_what_was_to_be_forfeited_comes_back_whole() -> None:
    with clone(forfeit_legal_basis="Statute of Uses 1536") as world:
        money_everywhere(world)
        hold, case = drafted(world, [line("available", 20_000, "forfeit")])
        step(world, "safety", case, "notice")
        world.program().post(f"/v1/cases/{case['id']}/answer", {"words": "No."})
        for who in ("approver", "approver2"):
            step(world, who, case, "approve")
        heard(world, case)
        step(world, "safety", case, "execute")
        filed = world.program().post(
            f"/v1/holds/{hold['id']}/appeals", {"statement": "It was mine."}
        )
        world.program("reviewer").post(
            f"/v1/staff/appeals/{filed['id']}/decide", {"outcome": "reversed", "reasons": "It was."}
        )
        world.check_books()
        assert world.balance()["available"] == 95_000
        world.advance("181d")
        assert "forfeitures" not in world.trial_balance(), "nothing is left to become final"


def stolen_card(world: World) -> tuple[dict[str, Any], dict[str, Any], str]:
    """100.00 released and in its security period, and a bank that takes all of it back: (contract,
    chargeback, Stripe's id).
    """
    contract, _ = world.released_contract(milestones=[("Work", 10_000)])
    dispute = contest(world)
    return (
        contract,
        world.program().get(f"/v1/contracts/{contract['id']}/chargebacks")["data"][0],
        dispute,
    )


def chargeback_line(
    chargeback: dict[str, Any], amount: int = 9_500, account: str = "reserve"
) -> dict[str, Any]:
    return line(account, amount, "same_contract_chargeback") | {"chargeback": chargeback["id"]}


def carried_out(world: World, lines: list[dict[str, Any]]) -> dict[str, Any]:
    _, case = drafted(world, lines, reason_code="stolen_card")
    step(world, "safety", case, "notice")
    world.program().post(
        f"/v1/cases/{case['id']}/answer", {"words": "The card was not mine to know."}
    )
    for who in ("approver2", "reviewer"):
        step(world, who, case, "approve")
    heard(world, case)
    return step(world, "safety", case, "execute")


@pytest.mark.parametrize("part", [9_500, 4_000])
@pytest.mark.parametrize("decision", ["lost", "won"])
def test_a_chargeback_s_own_reserve_pays_for_it(world: World, part: int, decision: str) -> None:
    """What the bank pulled was 100.00 of the platform's; 95.00 of it are set aside.

    The case takes them and clears that much.
    """
    _, chargeback, dispute = stolen_card(world)
    assert world.balance()["reserved"] == 9_500
    before = world.trial_balance()
    carried_out(world, [chargeback_line(chargeback, part)])
    after = world.trial_balance()
    assert (world.balance()["reserved"], after.get("confiscated", 0)) == (9_500 - part, 0)
    assert after["psp_operating"] - before["psp_operating"] == part, (
        "the platform has that much of it back"
    )
    assert after.get("chargeback_receivable", 0) == 10_000 - part
    world.sandbox.post(f"disputes/{dispute}/{decision}", {})
    world.work()
    world.check_books()
    done, mine = world.trial_balance(), world.balance()
    assert (done.get("chargeback_receivable", 0), mine["reserved"]) == (0, 0)
    if decision == "lost":
        # The freelancer had done all that could be asked of them: what the case left is theirs, and
        # the platform bears the rest.
        assert (done["psp_operating"] - before["psp_operating"], done["losses"]) == (
            part,
            10_000 - part,
        )
        assert mine["available"] == 9_500 - part
    else:
        assert (mine["available"] + mine["pending"], done.get("confiscated", 0)) == (
            9_500 - part,
            part,
        )
        tasks = world.program("finance").get("/v1/staff/tasks")["data"]
        assert [t["kind"] for t in tasks if t["kind"] == "case_chargeback_won"] == [
            "case_chargeback_won"
        ]


def test_a_line_for_a_chargeback_is_checked(world: World) -> None:
    """Somebody else's, one that is over, more than is set aside, another target, none named: each
    with its pointer.
    """
    _, chargeback, dispute = stolen_card(world)
    hold = freeze(world, world.ada_id, scopes=["outflow"])
    world.program("approver").post(f"/v1/staff/holds/{hold['id']}/confirm")

    def refused(one: dict[str, Any], under: str = hold["id"]) -> tuple[str, str]:
        reply = world.program("safety").call(
            "POST", "/v1/staff/confiscations", CASE | {"hold": under, "lines": [one]}
        )
        assert reply.status == 422, reply.text
        return reply.json()["errors"][0]["pointer"], reply.json()["errors"][0]["code"]

    assert refused(chargeback_line(chargeback, 9_501)) == ("/lines/0/amount", "more_than_there_is")
    assert refused(chargeback_line(chargeback, 600, "available")) == (
        "/lines/0/amount",
        "more_than_there_is",
    )
    assert refused(chargeback_line(chargeback) | {"chargeback": None}) == (
        "/lines/0/chargeback",
        "chargeback_needed",
    )
    assert refused(chargeback_line(chargeback) | {"target": "proven_loss"}) == (
        "/lines/0/target",
        "chargeback_pays_itself",
    )
    others = freeze(world, world.mary_id, scopes=["outflow"])
    world.program("approver").post(f"/v1/staff/holds/{others['id']}/confirm")
    assert refused(chargeback_line(chargeback), others["id"]) == (
        "/lines/0/chargeback",
        "chargeback_needed",
    )
    world.sandbox.post(f"disputes/{dispute}/won", {})
    world.work()
    assert refused(chargeback_line(chargeback)) == ("/lines/0/chargeback", "chargeback_over")
    world.check_books()


def test_a_reversed_case_says_that_the_bank_has_it(world: World) -> None:
    """Undecided: it paid what was pulled.

    At the platform's cost it is the person's again; else the line says why not.
    """
    _, chargeback, _ = stolen_card(world)
    case = carried_out(world, [chargeback_line(chargeback)])
    back = step(
        world,
        "approver",
        case,
        "restore",
        {"reason": "The letter was forged.", "at_platform_cost": True},
    )
    assert (back["lines"][0]["restored"], back["lines"][0]["note"]) == (
        9_500,
        "at the platform's cost",
    )
    assert world.balance()["available"] == 9_500
