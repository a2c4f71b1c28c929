"""The client on hold, and the client of somebody on hold: what the pages say, and the appeal
through them.
"""

from __future__ import annotations

from tests.safety.test_holds import WHY, freeze
from tests.world import World


def test_the_client_of_somebody_on_hold_reads_a_neutral_page(world: World) -> None:
    contract, client = world.submitted_contract(milestones=[("Work", 10_000)])
    freeze(world, world.ada_id, scopes=["release", "outflow"], facts="Her passport has expired.")
    page = client.get(f"/c/{contract['id']}")
    assert "This contract is on hold for the moment" in page.text
    page = client.get(f"/c/{contract['id']}/hold")
    assert "100.00" in page.text
    assert "The next decision is made by" in page.text
    for private in ("passport", "Terms 7.2"):
        assert private not in page.text
    assert not [f for f in page.forms if "appeal" in (f.action or "")]
    refused = client.approve(contract["milestones"][0]["id"])
    assert refused.status == 403
    assert "No money has moved" in refused.page.text
    assert "passport" not in refused.page.text


def test_a_client_on_hold_reads_why_and_appeals(world: World) -> None:
    contract, client = world.submitted_contract(milestones=[("Work", 10_000)])
    suspended = world.program("safety").post(
        "/v1/staff/suspensions", WHY | {"person": contract["client"]["id"], "level": "blocked"}
    )
    world.work()
    letter = next(
        m for m in world.sandbox.mail("charles@babbage.example") if "on hold" in m["subject"]
    )
    for part in (
        WHY["facts"],
        WHY["clause"],
        suspended["hold"]["id"],
        "approving work and releasing money",
    ):
        assert part in letter["text"], part
    assert (
        WHY["facts"]
        not in next(
            m for m in world.sandbox.mail("ada@lovelace.example") if "on hold" in m["subject"]
        )["text"]
    )
    path = f"/c/{contract['id']}/hold"
    page = client.get(path)
    for part in (WHY["facts"], WHY["clause"], "Still possible", suspended["hold"]["id"], "Appeal"):
        assert part in page.text, part
    form = next(f for f in page.forms if "appeal" in (f.action or ""))
    sent = client.press(path, form, statement="I do exist.")
    if sent.status == 303 and "/code" in sent.headers["location"]:
        client.code(path)
        form = next(f for f in client.get(path).forms if "appeal" in (f.action or ""))
        sent = client.press(path, form, statement="I do exist.")
    assert sent.status == 303, sent.page.text[:300]
    assert "a decision comes by" in client.get(path).text
    waiting = world.program("reviewer").get("/v1/staff/appeals")["data"]
    assert [a["statement"] for a in waiting] == ["I do exist."]
    world.program("reviewer").post(
        f"/v1/staff/appeals/{waiting[0]['id']}/decide",
        {"outcome": "reversed", "reasons": "She does."},
    )
    assert "Everything goes its way" in client.get(path).text
    assert client.approve(contract["milestones"][0]["id"]).status == 303


def test_the_figures_of_a_quarter(world: World) -> None:
    now = world.program().get("/v1/me")["now"]
    year, quarter = int(now[:4]), (int(now[5:7]) + 2) // 3
    hold, other = freeze(world, world.ada_id), freeze(world, world.mary_id, reason_code="identity")
    filed = world.program().post(f"/v1/holds/{hold['id']}/appeals", {"statement": "No."})
    world.program("reviewer").post(
        f"/v1/staff/appeals/{filed['id']}/decide", {"outcome": "reversed", "reasons": "Indeed not."}
    )
    found = world.program().get(f"/v1/transparency?year={year}&quarter={quarter}")
    assert [(h["reason_code"], h["placed"], h["ended"]) for h in found["holds"]] == [
        ("identity", 1, 0),
        ("terms", 1, 1),
    ]
    assert (found["appeals"]["decided"], found["appeals"]["overturned_percent"]) == (1, 100)
    assert other["id"]
    assert world.program().get("/v1/transparency?year=2001&quarter=4")["holds"] == []
