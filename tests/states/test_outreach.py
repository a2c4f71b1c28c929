"""How often a freelancer may have us write to somebody, counted in the database; and the pause
after "I do not know this person".
"""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from service.policies import Windows
from tests.console import colleague
from tests.journey import Program, WsgiHttp, contract_body
from tests.world import World


def limited(world: World, monkeypatch: pytest.MonkeyPatch, **numbers: int) -> None:
    """The same policies with other numbers, as an operator would set them."""
    windows: Windows = replace(world.runtime.policies.windows, **numbers)
    changed = replace(world.runtime, policies=replace(world.runtime.policies, windows=windows))
    monkeypatch.setitem(world.app.extensions, "holdfast", changed)


def drafts(ada: Program, count: int, client: str = "charles@babbage.example") -> list[str]:
    return [ada.post("/v1/contracts", contract_body(client=client))["id"] for _ in range(count)]


def test_forty_offers_in_a_minute(world: World) -> None:
    """As it was tried: the mailbox gets twenty letters within the hour, the rest is refused, told
    when, and goes nowhere.
    """
    ada = world.program()
    made = drafts(ada, 40)
    replies = [ada.call("POST", f"/v1/contracts/{one}/send", {}) for one in made]
    assert [r.status for r in replies] == [200] * 20 + [429] * 20
    refused = replies[-1]
    assert refused.json()["code"] == "outreach_limited"
    assert 0 < int(refused.headers["retry-after"]) <= 3600
    assert ada.get(f"/v1/contracts/{made[-1]}")["state"] == "draft", "nothing was written"
    world.work()
    assert len(world.sandbox.mail("charles@babbage.example")) == 20
    world.advance("61m")
    assert ada.call("POST", f"/v1/contracts/{made[-1]}/send", {}).status == 200


def test_one_mailbox_however_it_is_written_and_whoever_writes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited(world, monkeypatch, letters_to_mailbox_per_hour=3)
    ada, mary = world.program(), world.program("mary")
    spelled = [
        "charles@babbage.example",
        "Charles+work@babbage.example",
        "charles+x@Babbage.example",
        "charles+y@babbage.example",
    ]
    statuses = [
        who.call("POST", f"/v1/contracts/{drafts(who, 1, client)[0]}/send", {}).status
        for who, client in zip((ada, mary, ada, mary), spelled, strict=True)
    ]
    assert statuses == [200, 200, 200, 429]
    assert (
        ada.call(
            "POST", f"/v1/contracts/{drafts(ada, 1, 'george@boole.example')[0]}/send", {}
        ).status
        == 200
    ), "others are written to meanwhile"


@pytest.mark.parametrize(
    "rule",
    [
        "letters_per_hour",
        "letters_per_day",
        "letters_to_mailbox_per_hour",
        "letters_to_mailbox_per_day",
    ],
)
def test_each_rule_by_itself_and_every_letter_that_a_freelancer_causes(
    world: World, monkeypatch: pytest.MonkeyPatch, rule: str
) -> None:
    """An offer, a new version, a reminder, a link: all count, and each is refused by code when
    there is no room.
    """
    limited(world, monkeypatch, **{rule: 4})
    ada = world.program()
    path = f"/v1/contracts/{drafts(ada, 1)[0]}"
    ada.post(f"{path}/send")
    edited = ada.call(
        "PATCH",
        path,
        contract_body(title="Other notes"),
        headers={"If-Match": ada.call("GET", path).headers["etag"]},
    )
    assert edited.status == 200
    ada.post(f"{path}/remind")
    ada.post(f"{path}/links")
    more = [
        ada.call("POST", f"{path}/links", {}),
        ada.call(
            "PATCH",
            path,
            contract_body(title="More notes"),
            headers={"If-Match": ada.call("GET", path).headers["etag"]},
        ),
        ada.call("POST", f"/v1/contracts/{drafts(ada, 1)[0]}/send", {}),
    ]
    assert [(r.status, r.json()["code"]) for r in more] == [(429, "outreach_limited")] * 3
    span = 3600 if rule.endswith("hour") else 86400
    assert all(span - 120 < int(r.headers["retry-after"]) <= span + 1 for r in more)
    assert [r.n for r in world.sql("SELECT count(*) AS n FROM outreach")] == [4]


def test_a_client_who_names_mailboxes_counts_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both people of a contract could be one: passing on to a stranger is a letter to a
    stranger.
    """
    limited(world, monkeypatch, letters_to_mailbox_per_hour=2)
    contract, client = world.accepted_contract()
    path, statuses = f"/c/{contract['id']}/people", []
    for address in (
        "george@boole.example",
        "george+x@boole.example",
        "George@boole.example",
        "mary@boole.example",
    ):
        page = client.through_code(path)
        form = next(f for f in page.forms if "Pass it on" in f.text)
        statuses.append(
            client.press(path, form, email=address, role="viewer", choice="pass_on").status
        )
    assert statuses == [303, 303, 429, 303]


def test_counted_over_all_processes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve at once, each in a connection of its own: three pass."""
    limited(world, monkeypatch, letters_per_hour=3)
    made = drafts(world.program(), 12)
    statuses: list[int] = []

    def send(contract: str) -> None:
        statuses.append(
            Program(WsgiHttp(world.app), world.keys["ada"])
            .call("POST", f"/v1/contracts/{contract}/send", {})
            .status
        )

    threads = [threading.Thread(target=send, args=(one,)) for one in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 3 + [429] * 9


def unknown(world: World) -> str:
    contract = world.sent_contract()
    client = world.client()
    client.open()
    path = f"/c/{contract['id']}/unknown"
    assert client.press(path, client.get(path).forms[0]).status == 303
    world.work()
    return str(contract["id"])


def test_a_stranger_pauses_new_offers_until_somebody_looked(world: World) -> None:
    ada, mary = world.program(), world.program("mary")
    running, _ = world.funded_contract()
    reported = unknown(world)
    draft = drafts(ada, 1)[0]
    refused = ada.call("POST", f"/v1/contracts/{draft}/send", {})
    assert (refused.status, refused.json()["code"], refused.json()["looked_at"]) == (
        403,
        "offers_paused",
        False,
    )
    assert "contracts that you have go on" in refused.json()["detail"]
    assert ada.get(f"/v1/contracts/{draft}")["state"] == "draft"
    ada.post(
        f"/v1/milestones/{running['milestones'][0]['id']}/submissions", {"note": "It is done."}
    )
    mary.post(f"/v1/contracts/{drafts(mary, 1)[0]}/send")
    task = next(
        t
        for t in world.program("finance").get("/v1/staff/tasks")["data"]
        if t["kind"] == "offers_paused"
    )
    assert (task["subject"], task["detail"]["contract"]) == (world.ada_id, reported)
    assert any(
        "paused until we have looked" in m["subject"]
        for m in world.sandbox.mail("ada@lovelace.example")
    )
    decision = {"outcome": "kept", "words": "Three people in a week did not know you."}
    path = f"/v1/staff/freelancers/{world.ada_id}/offer-pause"
    assert ada.call("POST", path, decision).status == 403
    assert world.program("safety").post(path, decision)["outcome"] == "kept"
    kept = ada.call("POST", f"/v1/contracts/{draft}/send", {}).json()
    assert kept["looked_at"] is True
    assert "Three people" in kept["detail"]
    world.work()
    letter = next(
        m for m in world.sandbox.mail("ada@lovelace.example") if "stay paused" in m["subject"]
    )
    assert "Three people" in letter["text"]
    world.program("safety").post(path, {"outcome": "lifted", "words": "They had a new address."})
    assert ada.call("POST", f"/v1/contracts/{draft}/send", {}).status == 200
    assert world.program("safety").call("POST", path, decision).status == 404
    assert "offers_paused" not in [
        t["kind"] for t in world.program("finance").get("/v1/staff/tasks")["data"]
    ]
    world.work()
    types = [e["type"] for e in ada.get("/v1/events?limit=100")["data"]]
    assert [t for t in types if t.startswith("offers.")] == [
        "offers.paused",
        "offers.kept_paused",
        "offers.resumed",
    ]


def test_the_console_decides_about_it(world: World) -> None:
    unknown(world)
    desk = colleague(world, "safety")
    page = desk.get(f"/staff/people/{world.ada_id}")
    assert "New offers are paused" in page.text
    assert f"/staff/do/offers/{world.ada_id}" in page.links
    queue = desk.get("/staff?show=tasks")
    form = next(f for f in queue.forms if ("kind", "offers_paused") in f.fields)
    assert desk.press("/staff?show=tasks", form).status == 409, (
        "a task that is a decision is not just closed"
    )
    after = desk.do(
        "offers", world.ada_id, outcome="lifted", words="They know each other from school."
    )
    assert "New offers are paused" not in after.text
    world.program().post(f"/v1/contracts/{drafts(world.program(), 1)[0]}/send")


def test_two_reports_are_one_pause(world: World) -> None:
    first, second = world.sent_contract(), world.sent_contract()
    client = world.client()
    client.open()
    for contract in (first, second):
        link = next(m for m in world.sandbox.mail(client.email) if contract["id"] in m["text"])[
            "links"
        ][0].removeprefix("http://127.0.0.1:8000")
        client.press(link, client.get(link).forms[0])
        path = f"/c/{contract['id']}/unknown"
        assert client.press(path, client.get(path).forms[0]).status == 303
    assert [r.n for r in world.sql("SELECT count(*) AS n FROM offer_pause")] == [1]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE outreach SET at = at - interval '1 day'",
        "DELETE FROM outreach",
        "DELETE FROM offer_pause",
        "UPDATE offer_pause SET freelancer_id = freelancer_id, started_at = now()",
    ],
)
def test_what_was_counted_stays(world: World, statement: str) -> None:
    unknown(world)
    with pytest.raises(Exception, match=r"forbidden|permission denied|fixed"):
        world.sql(statement)
    with pytest.raises(Exception, match=r"forbidden|fixed"):
        world.sql_owner(statement)
