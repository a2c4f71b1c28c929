"""Where silence decides, whoever is silent hears of it once more before, and only they."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from service.domain.states.timeouts import TIMEOUTS, Timeout
from tests.states.test_disputes import by_client, by_freelancer, client_page, proposed
from tests.states.test_milestones import ONE, ask_back
from tests.world import World

CLIENT, FREELANCER = "charles@babbage.example", "ada@lovelace.example"
DECIDES = {"offer_expiry", "fund_expiry", "auto_release", "refund_request_due", "holding_limit"}
"""Timers after which a contract ends or money moves because nobody answered."""

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


@pytest.mark.parametrize(
    "one",
    [t for t in TIMEOUTS if t.job in DECIDES or t.code in ("D4", "D10")],
    ids=lambda t: t.code,
)
def test_nothing_is_decided_by_silence_without_a_word_before(one: Timeout) -> None:
    """The kind: every timer that decides has another one, earlier in the same state, that tells
    whoever is silent.
    """
    same = [t for t in TIMEOUTS if t.machine == one.machine and set(t.states) & set(one.states)]
    assert [t for t in same if "reminded" in t.then or "told" in t.then], one
