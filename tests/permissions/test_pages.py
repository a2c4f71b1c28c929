"""Link role by page of a contract, cell by cell, against a table that was written by hand:
pages.csv.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from service.app import _routes
from service.pages.link_roles import OPENED_BY, REFUSALS, LinkRole
from tests.crawling import crawl
from tests.databases import clone
from tests.journey import Person
from tests.world import World

TABLE = Path(__file__).with_name("pages.csv")
ROWS = list(csv.DictReader(TABLE.open()))
CELLS = [
    (row["method"], row["page"], role, row[role] == "yes") for row in ROWS for role in LinkRole
]
_UNKNOWN = "01m82jfcv7et69qsget0gz6yqr"


@dataclass(frozen=True)
class Scene:
    """A contract with something on each of its pages, and somebody with each kind of link."""

    world: World
    contract: dict[str, Any]
    people: dict[str, Person]
    names: dict[str, str]


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with clone() as world:
        contract, client = world.submitted_contract(
            milestones=[("First part", 10_000), ("Second part", 20_000)]
        )
        people = f"/c/{contract['id']}/people"
        for role in ("pay_only", "viewer"):
            assert (
                client.decide(
                    people, choice="pass_on", email=f"{role}@babbage.example", role=role
                ).status
                == 303
            )
        world.work()
        found = {"payer": client}
        for role in ("pay_only", "viewer"):
            found[role] = world.client(f"{role}@babbage.example")
            found[role].open("passed a contract")
        first = contract["milestones"][0]["id"]
        assert (
            client.decide(
                f"/c/{contract['id']}/milestones/{first}/dispute", claim="Half of it is missing."
            ).status
            == 303
        )
        world.work()
        dispute = world.program().get(f"/v1/contracts/{contract['id']}/disputes")["data"][0]["id"]
        payment = world.sql("SELECT typeid_text('pay', id) AS id FROM payment LIMIT 1")[0].id
        names = {
            "contract_id": contract["id"],
            "milestone_id": first,
            "dispute_id": dispute,
            "payment_id": payment,
            "amendment_id": f"amd_{_UNKNOWN}",
            "case_id": f"cas_{_UNKNOWN}",
            "file_id": f"fil_{_UNKNOWN}",
            "hold_id": f"hld_{_UNKNOWN}",
        }
        yield Scene(world, contract, found, names)


def address(page: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        page = page.replace(f"<{name}>", value)
    return page


def test_the_table_has_every_page_and_nothing_else() -> None:
    rules = [rule for rule in _routes().url_map.iter_rules() if rule.rule.startswith("/c/")]
    served = {
        (m, rule.rule) for rule in rules for m in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert served == {(row["method"], row["page"]) for row in ROWS}
    assert len(ROWS) == len(served)
    assert {rule.endpoint for rule in rules} == set(OPENED_BY)


@pytest.mark.parametrize(("method", "page", "role", "allowed"), CELLS, ids=str)
def test_the_cell(scene: Scene, method: str, page: str, role: str, allowed: bool) -> None:
    """A link of a colleague is refused before the form is looked at; the client's own is never told
    that it may not.
    """
    person, path = scene.people[role], address(page, scene.names)
    body = urlencode(
        {
            "choice": "close",
            "confirm": "yes",
            "reason": "x",
            "method": "card",
            "milestone": scene.names["milestone_id"],
        }
    )
    sent = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
    reply = person.http.request(
        method,
        path,
        body=body.encode() if method == "POST" else None,
        headers=sent if method == "POST" else None,
    )
    refused = reply.status == 403 and any(words in reply.text for words in REFUSALS.values())
    assert refused is not allowed, f"{reply.status} {reply.text[:300]}"
    assert reply.status < 500


def rows_of(world: World) -> dict[str, int]:
    """How many rows each table has."""
    tables = [
        r.name for r in world.sql("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'hf'")
    ]
    return {name: world.sql(f"SELECT count(*) AS n FROM {name}")[0].n for name in tables}


@pytest.mark.parametrize("role", ["pay_only", "viewer"])
def test_a_refused_post_leaves_nothing(scene: Scene, role: str) -> None:
    """With a form's own token, as a colleague who saves a page and changes its address would send
    it.
    """
    person, before = scene.people[role], rows_of(scene.world)
    states = (
        scene.world.sql("SELECT id, state FROM contract ORDER BY id"),
        scene.world.sql("SELECT id, state FROM payment ORDER BY id"),
    )
    for method, page, who, allowed in CELLS:
        if method == "POST" and who == role and not allowed:
            sent = {
                "Content-Type": "application/x-www-form-urlencoded",
                "Sec-Fetch-Site": "same-origin",
            }
            body = urlencode(
                {
                    "form_token": _token(scene, role),
                    "choice": "close",
                    "confirm": "yes",
                    "method": "card",
                }
            )
            assert (
                person.http.request(
                    method, address(page, scene.names), body=body.encode(), headers=sent
                ).status
                == 403
            )
    assert rows_of(scene.world) == before
    assert states == (
        scene.world.sql("SELECT id, state FROM contract ORDER BY id"),
        scene.world.sql("SELECT id, state FROM payment ORDER BY id"),
    )


def _token(scene: Scene, role: str) -> str:
    """A good token of this person's own session."""
    found = scene.world.sql(
        "SELECT typeid_text('ses', g.session_id) AS id FROM session_grant g WHERE g.role = :role "
        "LIMIT 1",
        role=role,
    )
    return scene.world.runtime.tokens.sign(
        "form", {"s": found[0].id, "k": f"a-key-that-is-used-once-{role}"}
    )


@pytest.mark.parametrize("role", ["payer", "pay_only", "viewer"])
def test_nobody_is_led_to_a_refusal(scene: Scene, role: str) -> None:
    """Whatever a page offers to somebody, it opens for them: no decision is shown to who may not
    decide.
    """
    seen = crawl(scene.people[role], [f"/c/{scene.contract['id']}"])
    assert len(seen) > 3
    assert {path: status for path, status in seen.items() if status >= 400} == {}


@pytest.mark.parametrize("state", ["sent", "accepted", "funded", "amended", "closing", "completed"])
@pytest.mark.parametrize("role", ["pay_only", "viewer"])
def test_a_colleague_sees_no_decision_in_any_state(world: World, role: str, state: str) -> None:
    contract, client = _in(world, state)
    if state == "sent":
        client.open()
    reply = client.decide(
        f"/c/{contract['id']}/people", choice="pass_on", email="accounts@babbage.example", role=role
    )
    assert reply.status == 303
    world.work()
    colleague = world.client("accounts@babbage.example")
    link = colleague.letter("passed a contract")["links"][0]
    assert (
        "a•••@babbage.example" in colleague.get(link.removeprefix("http://127.0.0.1:8000")).text
    ), "their own mailbox"
    page = colleague.open("passed a contract")
    assert [form.action for form in page.forms if form.method == "post"] == ["/sign-out"]
    seen = crawl(colleague, [f"/c/{contract['id']}"])
    assert {path: status for path, status in seen.items() if status >= 400} == {}
    pays = any(path.endswith("/pay") for path in seen)
    assert pays is (role == "pay_only" and state in ("accepted", "funded", "amended"))


def _in(world: World, state: str) -> tuple[dict[str, Any], Person]:
    parts = {"milestones": [("First part", 10_000), ("Second part", 20_000)]}
    if state == "sent":
        contract = world.sent_contract(**parts)
        return contract, world.client(contract["client"]["email"])
    if state == "accepted":
        return world.accepted_contract(**parts)
    if state == "completed":
        return world.released_contract(milestones=[("Only part", 10_000)])
    contract, client = world.funded_contract(everything=False, **parts)
    path = f"/v1/contracts/{contract['id']}"
    if state == "amended":
        kept = [
            {"id": m["id"], "title": m["title"], "amount": m["amount"]}
            for m in contract["milestones"]
        ]
        wanted = {"note": "One more.", "milestones": [*kept, {"title": "Third", "amount": 5_000}]}
        world.program().post(f"{path}/amendments", wanted)
    if state == "closing":
        world.program().post(f"{path}/end", {"reason": "I have fallen ill."})
    world.work()
    return contract, client


def test_codes_are_counted_by_person(world: World) -> None:
    """Five for one contract within an hour and ten for all of theirs; a colleague asks for none of
    the client's.
    """
    first, client = world.accepted_contract(milestones=[("Work", 10_000)])
    assert (
        client.decide(
            f"/c/{first['id']}/people", choice="pass_on", email="eve@babbage.example", role="viewer"
        ).status
        == 303
    )
    world.work()
    colleague = world.client("eve@babbage.example")
    colleague.open("passed a contract")
    for _ in range(20):
        sent = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Sec-Fetch-Site": "same-origin",
        }
        assert (
            colleague.http.request("POST", f"/c/{first['id']}/code", body=b"", headers=sent).status
            == 403
        )
    world.advance("2h")
    statuses = [_asks(world, client, first) for _ in range(6)]
    assert statuses == [303] * 5 + [429]
    others = []
    for number in range(2):
        contract = world.sent_contract(title=f"Another contract {number}")
        client.open()
        others += [_asks(world, client, contract) for _ in range(4)]
    assert others == [303] * 5 + [429] * 3
    mails = [
        m for m in world.sandbox.mail("charles@babbage.example") if "code" in m["subject"].lower()
    ]
    assert len(mails) <= 12


def _asks(world: World, client: Person, contract: dict[str, Any]) -> int:
    path = f"/c/{contract['id']}/code"
    reply = client.http.request("GET", path)
    if reply.status == 403:  # two hours are over
        client.open()
        reply = client.http.request("GET", path)
    form = next(f for f in reply.page.forms if f.method == "post")
    status = client.press(path, form).status
    world.advance("61s")
    return status


def test_a_fresh_link_opens_in_the_browser_that_had_the_old_one(world: World) -> None:
    contract, _ = world.accepted_contract(milestones=[("Work", 10_000)])
    client = world.client()
    client.open()
    world.program().post(f"/v1/contracts/{contract['id']}/links", {"revoke_old": True})
    world.work()
    assert client.http.request("GET", f"/c/{contract['id']}").status == 403
    assert "Notes" in client.open("new link").text


def test_a_colleague_s_link_takes_nothing_from_the_client_and_gives_no_proof(world: World) -> None:
    """In one browser: the client's own link stays stronger; a link that was a colleague's proves no
    mailbox when it becomes one's own.
    """
    contract, client = world.accepted_contract(milestones=[("Work", 10_000)])
    assert (
        client.decide(
            f"/c/{contract['id']}/people",
            choice="pass_on",
            email="accounts@babbage.example",
            role="viewer",
        ).status
        == 303
    )
    world.work()
    passed = (
        world.client("accounts@babbage.example")
        .letter("passed a contract")["links"][0]
        .removeprefix("http://127.0.0.1:8000")
    )
    assert client.press(passed, client.get(passed).forms[0]).status == 303
    assert client.http.request("GET", f"/c/{contract['id']}/end").status in (200, 303, 409), (
        "still the client's own"
    )
    assert world.sql("SELECT role FROM session_grant ORDER BY role")[0].role == "payer"


def test_a_colleague_who_gets_more_has_it_in_the_browser_that_they_have(world: World) -> None:
    contract, client = world.accepted_contract(milestones=[("Work", 10_000)])
    path, colleague = f"/c/{contract['id']}/people", world.client("accounts@babbage.example")
    for role, status in (("viewer", 403), ("pay_only", 200), ("viewer", 200)):
        assert client.decide(path, choice="pass_on", email=colleague.email, role=role).status == 303
        world.work()
        colleague.open("passed a contract")
        assert colleague.http.request("GET", f"/c/{contract['id']}/pay").status == status, role
        assert colleague.http.request("GET", f"/c/{contract['id']}/end").status == 403
        world.advance("61s")


def test_how_many_cells_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(
            f"\nlink role × page: {len(CELLS)} cells, {sum(cell[3] for cell in CELLS)} of them "
            "allowed"
        )
    assert len(CELLS) == len(ROWS) * len(LinkRole)
