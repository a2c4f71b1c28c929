"""Due process that cannot be cut short: the time to answer, what approvals have read, the gate
under an appeal, whose money goes where.
"""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from service.domain.identity import typeid
from service.models import CASE_TARGETS
from tests.console import colleague, with_letter
from tests.databases import clone
from tests.safety.test_cases import (
    chargeback_line,
    drafted,
    heard,
    line,
    money_everywhere,
    step,
    stolen_card,
)
from tests.safety.test_holds import freeze
from tests.world import World


def approved(world: World, lines: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(the hold, the case that two people have agreed to; the time to answer runs)."""
    hold, case = drafted(world, lines, reason_code="legal_order")
    step(world, "safety", case, "notice")
    for who in ("approver2", "reviewer"):
        step(world, who, case, "approve")
    return hold, case


def state(world: World, case: dict[str, Any]) -> str:
    found: str = world.program("safety").get(f"/v1/staff/confiscations/{case['id']}")["state"]
    return found


def execute(world: World, case: dict[str, Any]) -> Any:
    return world.program("safety").call("POST", f"/v1/staff/confiscations/{case['id']}/execute", {})


def answer(world: World, case: dict[str, Any], words: str) -> Any:
    return world.program().call("POST", f"/v1/cases/{case['id']}/answer", {"words": words})


def another_reviewer(world: World) -> Any:
    world.keys["another"] = world.staff_key("reviewer", "Fanny Mendelssohn")
    return world.program("another")


def test_no_answer_shortens_the_time_to_answer(world: World) -> None:
    """Answered at once, approved at once: nothing is taken before the 48 hours of a court's order
    are over, whoever asks.
    """
    money_everywhere(world)
    _, case = drafted(world, [line("available", 20_000, "authority")], reason_code="legal_order")
    step(world, "safety", case, "notice")
    assert answer(world, case, "No.").status == 200
    for who in ("approver2", "reviewer"):
        step(world, who, case, "approve")
    world.advance("47h")
    early = execute(world, case)
    assert (early.status, early.json()["code"], "until" in early.json()) == (
        409,
        "state_conflict",
        True,
    )
    with pytest.raises(psycopg.errors.CheckViolation, match="before the time to answer is over"):
        world.sql_owner(
            "UPDATE confiscation SET state = 'executed', executed_at = noticed_at, executed_by = "
            "'staff:x'"
        )
    assert "authority_payable" not in world.trial_balance()
    world.advance("1h")
    assert execute(world, case).status == 200
    world.check_books()


def test_who_agreed_before_an_addition_agrees_again(world: World) -> None:
    """An answer grows until its time is over; an approval is of the answer that was read."""
    money_everywhere(world)
    _, case = approved(world, [line("available", 20_000, "authority")])
    assert state(world, case) == "approved"
    assert answer(world, case, "They are genuine.").json()["state"] == "answered"
    assert (
        answer(world, case, "My accountant has the originals.").json()["answer"]
        == "They are genuine.\n\nMy accountant has the originals."
    )
    assert answer(world, case, "x" * 9_999).status == 200
    heard(world, case)
    assert execute(world, case).status == 409, "nobody has agreed with the answer before them"
    with pytest.raises(psycopg.errors.CheckViolation, match="two approvals"):
        world.sql_owner("UPDATE confiscation SET state = 'approved'")
    assert step(world, "reviewer", case, "approve")["approved_by"] != []
    assert state(world, case) == "answered"
    assert step(world, "approver2", case, "approve")["state"] == "approved"
    world.advance("1h")
    late = answer(world, case, "One thing more.")
    assert (late.status, late.json()["detail"]) == (409, "The time to answer is over.")
    for change in (
        "answer = 'I agree.'",
        "answered_at = answer_until + interval '1 day'",
        "answer = NULL",
    ):
        with pytest.raises(psycopg.errors.Error):
            world.sql_owner(f"UPDATE confiscation SET {change}")
    assert execute(world, case).status == 200
    world.check_books()


@pytest.mark.parametrize("decision", ["upheld", "withdrawn", "reversed", "changed"])
def test_an_appeal_keeps_the_gate_of_its_case(world: World, decision: str) -> None:
    """Filed before the case was carried out: nothing else of the person's moves before somebody has
    decided about it.
    """
    money_everywhere(world)
    hold, case = approved(world, [line("available", 20_000, "authority")])
    filed = world.program().post(f"/v1/holds/{hold['id']}/appeals", {"statement": "It is mine."})
    heard(world, case)
    lifting = world.program("safety").call(
        "POST", f"/v1/staff/holds/{hold['id']}/lift", {"reason": "Enough."}
    )
    assert (lifting.status, lifting.json()["case"]) == (409, case["id"]), (
        "no hold of a case is lifted beside it"
    )
    with pytest.raises(
        psycopg.errors.CheckViolation, match="until its case and the appeal have ended"
    ):
        world.sql_owner("UPDATE hold SET ended_at = starts_at, state = 'released'")
    assert execute(world, case).status == 200
    assert world.program().get(f"/v1/holds/{hold['id']}")["state"] == "converted"
    assert (
        world.program("safety")
        .call("POST", f"/v1/staff/holds/{hold['id']}/lift", {"reason": "Enough."})
        .status
        == 409
    )
    ruling = {"outcome": decision, "reasons": "We have looked again."} | (
        {"restore": [{"line": 1, "amount": 5_000}]} if decision == "changed" else {}
    )
    if decision == "withdrawn":
        world.program().post(f"/v1/appeals/{filed['id']}/withdraw")
    else:
        another_reviewer(world).post(f"/v1/staff/appeals/{filed['id']}/decide", ruling)
    world.check_books()
    assert world.program().get(f"/v1/holds/{hold['id']}")["state"] == "released"
    back = {"upheld": 0, "withdrawn": 0, "reversed": 20_000, "changed": 5_000}[decision]
    assert world.balance()["available"] == 75_000 + back
    assert world.trial_balance().get("authority_payable", 0) == 20_000 - back
    assert state(world, case) == ("reversed" if decision == "reversed" else "executed")


def test_an_appeal_that_is_right_ends_a_case_that_was_not_carried_out(world: World) -> None:
    money_everywhere(world)
    hold, case = approved(world, [line("available", 20_000, "authority")])
    filed = world.program().post(f"/v1/holds/{hold['id']}/appeals", {"statement": "It is mine."})
    partly = {"outcome": "changed", "reasons": "Less.", "scopes": ["outflow"]}
    refused = another_reviewer(world).call(
        "POST", f"/v1/staff/appeals/{filed['id']}/decide", partly
    )
    assert "drop the case first" in refused.json()["detail"]
    world.program("another").post(
        f"/v1/staff/appeals/{filed['id']}/decide", {"outcome": "reversed", "reasons": "It is."}
    )
    assert (state(world, case), world.program().get(f"/v1/holds/{hold['id']}")["state"]) == (
        "dropped",
        "released",
    )
    heard(world, case)
    assert execute(world, case).status == 409
    assert world.balance()["available"] == 95_000


def test_changed_moves_what_it_says_and_the_rest_can_follow(world: World) -> None:
    """A later appeal, in part right: 30.00 of one line and all of another go back; then somebody
    finds that the rest was wrong too.
    """
    held, _ = money_everywhere(world)
    hold, case = approved(
        world,
        [
            line("available", 20_000, "proven_loss"),
            line("available", 10_000, "authority"),
            line("escrow", 10_000, "client", held),
        ],
    )
    heard(world, case)
    assert execute(world, case).status == 200
    assert world.program().get(f"/v1/holds/{hold['id']}")["state"] == "released", (
        "no appeal was open: the gate ends with the case"
    )
    filed = world.program().post(f"/v1/holds/{hold['id']}/appeals", {"statement": "Not all of it."})
    reviewer, path = another_reviewer(world), f"/v1/staff/appeals/{filed['id']}/decide"
    ruling = {"outcome": "changed", "reasons": "Partly."}
    for restore, code in (
        ([], "nothing_changed"),
        ([{"line": 4, "amount": 1}], "more_than_was_taken"),
        ([{"line": 1, "amount": 20_001}], "more_than_was_taken"),
        ([{"line": 3, "amount": 10_000}], "not_here_any_more"),
    ):
        refused = reviewer.call("POST", path, ruling | {"restore": restore})
        assert (refused.status, refused.json()["errors"][0]["code"]) == (422, code)
    assert world.sql("SELECT count(*) AS n FROM journal_entry WHERE kind = 'restore'")[0].n == 0
    reviewer.post(
        path, ruling | {"restore": [{"line": 1, "amount": 3_000}, {"line": 2, "amount": 10_000}]}
    )
    world.check_books()
    own = world.program().get(f"/v1/cases/{case['id']}")
    assert (own["state"], [one["restored"] for one in own["lines"]]) == (
        "executed",
        [3_000, 10_000, 0],
    )
    assert world.balance()["available"] == 95_000 - 30_000 + 13_000
    step(world, "approver", case, "restore", {"reason": "The letter was forged."})
    assert world.balance()["available"] == 95_000
    assert [one["restored"] for one in world.program().get(f"/v1/cases/{case['id']}")["lines"]] == [
        20_000,
        10_000,
        0,
    ]


def test_whose_money_goes_where_is_said_by_name(world: World) -> None:
    """On the form, on the check page, on the case and in the person's notice; and nothing that was
    chosen is replaced.
    """
    held, paid = money_everywhere(world)
    hold = freeze(
        world, world.ada_id, scopes=["release", "refund", "outflow"], reason_code="legal_order"
    )
    safety = colleague(world, "safety")
    first, other = held["milestones"][0]["id"], paid["milestones"][0]["id"]
    form = safety.get(f"/staff/do/open-case/{hold['id']}")
    words = {
        "clause": "Terms 9.1",
        "facts": "Forged.",
        "evidence": "",
        "amount_1": "100.00",
        "source_1": f"escrow|{first}",
    }
    wrong = safety.preview("open-case", hold["id"], **words, target_1=f"client|{other}")
    assert (wrong.status, "cannot go there" in wrong.page.text) == (422, True)
    shown = safety.preview("open-case", hold["id"], **words, target_1=f"client|{first}")
    said = "“Held” in “Logo and brand”, paid by Charles Babbage"
    receiver = "back to Charles Babbage, who paid it in “Logo and brand”"
    titles = {world.read(c)["title"] for c in (held, paid)}
    assert len(titles) == 1, "the titles alone do not tell them apart"
    for page in (form.text, shown.page.text):
        assert said.replace("Logo and brand", titles.copy().pop()) in page
    assert receiver.replace("Logo and brand", titles.copy().pop()) in shown.page.text
    assert safety.confirm("open-case", hold["id"], shown.page).status == 303
    case = world.sql("SELECT id FROM confiscation")[0].id
    case_id = typeid.encode("cas", case)
    assert (
        receiver.replace("Logo and brand", titles.copy().pop())
        in safety.get(f"/staff/cases/{case_id}").text
    )
    safety.do("notice", case_id)
    ada, page = with_letter(world, "please answer by")
    assert receiver.replace("Logo and brand", titles.pop()) in ada.get(page).text


@pytest.mark.parametrize("target", CASE_TARGETS)
def test_every_target_can_be_read_by_the_person(target: str) -> None:
    """The notice of a case about a chargeback was a page that could not be made."""
    with clone(forfeit_legal_basis="Statute of Uses 1536") as world:
        if target == "same_contract_chargeback":
            _, chargeback, _ = stolen_card(world)
            wanted = chargeback_line(chargeback)
        else:
            _, paid = money_everywhere(world)
            wanted = line(
                "available",
                100,
                target,
                paid if target in ("client", "same_contract_refund") else None,
            )
        _, case = drafted(world, [wanted], reason_code="stolen_card")
        step(world, "safety", case, "notice")
        world.work()
        ada, page = with_letter(world, "please answer by")
        assert "Add to your answer" not in ada.get(page).text
        assert (
            ada.press(
                page,
                next(f for f in ada.get(page).forms if f.action.endswith("/case")),
                words="No.",
            ).status
            == 303
        )
        assert "Add to your answer" in ada.get(page).text
