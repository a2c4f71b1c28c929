"""Where silence decides, whoever is silent hears of it once more before, and only they."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from service.domain.states.timeouts import TIMEOUTS
from tests.states.test_disputes import by_client, by_freelancer, client_page, proposed
from tests.states.test_milestones import ONE, ask_back
from tests.world import World

CLIENT, FREELANCER = "charles@babbage.example", "ada@lovelace.example"
WORD_BEFORE = {
    "C8": "C2",
    "C11": "C9",
    "M9": "M9n",
    "M12": "M12r",
    "M18": "M18a",
    "D4": "D4r",
    "D10": "D10r",
}
"""Timers after which a contract ends or money moves because nobody answered, and who tells them."""
BY_CODE = {one.code: one for one in TIMEOUTS}

row = pytest.mark.row


def until(world: World, deadline: str, *, before: timedelta) -> None:
    """Forward to an instant before a deadline; business days lie differently on each day of the
    week.
    """
    span = datetime.fromisoformat(deadline) - before - datetime.fromisoformat(world.sandbox.now())
    world.advance(f"{int(span.total_seconds())}s")


def reminders(world: World) -> list[str]:
    """Who was told once more that an answer is needed, by the names before the @."""
    world.work()
    return sorted(
        to.partition("@")[0]
        for to in (CLIENT, FREELANCER)
        for m in world.sandbox.mail(to)
        if m["subject"].startswith("Your answer is needed")
    )


@row("D4r")
@pytest.mark.parametrize("who", ["client", "freelancer"])
def test_whoever_has_to_answer_a_dispute_is_reminded(world: World, who: str) -> None:
    _, _, address = by_client(world) if who == "client" else by_freelancer(world)
    deadline = world.program().get(address)["deadline_at"]
    until(world, deadline, before=timedelta(days=2, hours=1))
    assert reminders(world) == [], "too early"
    until(world, deadline, before=timedelta(days=1, hours=23))
    assert reminders(world) == ["ada" if who == "client" else "charles"]
    if who == "freelancer":
        world.client(CLIENT).open("Your answer is needed")
    until(world, deadline, before=timedelta(hours=1))
    assert len(reminders(world)) == 1, "once"
    world.check_books()


@row("D4r")
def test_who_has_answered_hears_no_more(world: World) -> None:
    _, _, address = by_client(world)
    world.program().post(f"{address}/answer", {"words": "All of it is there.", "refund": 0})
    world.advance("6d")
    assert reminders(world) == []


@row("D10r")
@pytest.mark.parametrize(
    ("agreed", "told"),
    [("nobody", ["ada", "charles"]), ("freelancer", ["charles"]), ("client", ["ada"])],
)
def test_whoever_is_silent_about_a_proposal_is_reminded(
    world: World, agreed: str, told: list[str]
) -> None:
    contract, client, address = proposed(world)
    offer = world.program().get(address)["offers"][-1]
    if agreed == "freelancer":
        world.program().post(f"{address}/proposals/{offer['id']}/accept")
    elif agreed == "client":
        assert (
            client.decide(client_page(contract, address), choice="agree", offer=offer["id"]).status
            == 303
        )
    deadline = world.program().get(address)["deadline_at"]
    until(world, deadline, before=timedelta(days=2, hours=1))
    assert reminders(world) == []
    until(world, deadline, before=timedelta(days=1, hours=23))
    assert reminders(world) == told
    letter = next(
        m
        for m in world.sandbox.mail(CLIENT if "charles" in told else FREELANCER)
        if m["subject"].startswith("Your answer is needed")
    )
    assert "The mediator proposed that USD 40.00 goes back" in letter["text"]
    world.check_books()


@row("M12r")
@pytest.mark.parametrize(
    ("handed_over", "says"),
    [(False, "the money goes back to them"), (True, "a dispute opens about it")],
)
def test_a_request_for_money_back_is_recalled_before_silence_answers_it(
    world: World, handed_over: bool, says: str
) -> None:
    contract, client = (
        world.submitted_contract(milestones=ONE)
        if handed_over
        else world.funded_contract(milestones=ONE)
    )
    assert ask_back(client, contract) == 303
    world.advance("4d")
    assert reminders(world) == []
    world.advance("25h")
    assert reminders(world) == ["ada"]
    assert any(
        says in m["text"]
        for m in world.sandbox.mail(FREELANCER)
        if m["subject"].startswith("Your answer is needed")
    )
    world.check_books()


@row("M12r")
def test_released_money_is_not_moved_by_silence_and_nobody_is_reminded(world: World) -> None:
    contract, client = world.submitted_contract(milestones=ONE)
    assert client.approve(contract["milestones"][0]["id"]).status == 303
    assert ask_back(client, contract) == 303
    world.advance("6d")
    assert reminders(world) == []


@pytest.mark.parametrize("code", WORD_BEFORE)
def test_nothing_is_decided_by_silence_without_a_word_before(code: str) -> None:
    """The kind: a timer that decides has one of its own, in the same states, that tells first."""
    decides, tells = BY_CODE[code], BY_CODE[WORD_BEFORE[code]]
    assert tells.machine == decides.machine
    assert set(tells.states) & set(decides.states)
    assert "reminded" in tells.then or "told" in tells.then


def test_every_timer_that_asks_a_person_has_been_thought_of() -> None:
    """A new deadline over money or a contract is in the table above, or is named here."""
    asks = {t.code for t in TIMEOUTS if t.machine in ("contract", "milestone", "dispute")}
    asks |= {t.code for t in TIMEOUTS if t.machine in ("amendment", "refund_request")}
    harmless = {"C1", "C4", "C12", "C18", "C19", "M1", "M1r", "M6", "H6", "D0", "D6", "D7", "D13"}
    assert asks == set(WORD_BEFORE) | set(WORD_BEFORE.values()) | harmless
