"""Signing out wherever a link let somebody in, coming back by a new link, and secrets that are
shown once.
"""

from __future__ import annotations

import uuid

from service.domain.identity import typeid
from tests.crawling import crawl
from tests.journey import WsgiHttp, path_of
from tests.world import World


def _sign_out(http: WsgiHttp, path: str) -> None:
    form = next(f for f in http.request("GET", path).page.forms if f.action == "/sign-out")
    assert form.method == "post"
    left = http.request("POST", form.action)
    assert (left.status, left.headers["location"]) == (303, "/signed-out")
    assert "signed out" in http.request("GET", "/signed-out").page.text


def test_a_client_signs_out_on_every_page(world: World) -> None:
    contract, client = world.funded_contract()
    own = f"/c/{contract['id']}"
    pages = [
        path
        for path, status in crawl(client, [own]).items()
        if status == 200
        and client.http.request("GET", path).headers["content-type"].startswith("text/html")
    ]
    assert len(pages) >= 12
    for path in pages:
        assert "/sign-out" in [f.action for f in client.http.request("GET", path).page.forms], path
    assert client.http.request("GET", "/sign-out").status == 405
    foreign = client.http.request(
        "POST",
        "/sign-out",
        headers={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    )
    assert (foreign.status, client.http.request("GET", own).status) == (403, 200), (
        "another site cannot do it"
    )
    cookie = world.sql("SELECT count(*) AS n FROM client_session WHERE closed_at IS NULL")[0].n
    _sign_out(client.http, own)
    assert client.http.request("GET", own).status == 403
    assert (
        world.sql("SELECT count(*) AS n FROM client_session WHERE closed_at IS NULL")[0].n
        == cookie - 1
    ), "a stolen cookie is worth nothing"
    assert "/sign-out" not in [f.action for f in client.http.request("GET", "/").page.forms]


def test_a_freelancer_with_a_letter_signs_out(world: World) -> None:
    world.program("safety").post(
        "/v1/staff/holds",
        {
            "subject": world.ada_id,
            "scopes": ["outflow"],
            "reason_code": "identity",
            "clause": "Terms 9",
            "facts": "Words.",
        },
    )
    world.work()
    letter = next(
        m for m in world.sandbox.mail("ada@lovelace.example") if "on hold" in m["subject"]
    )
    ada = world.client("ada@lovelace.example")
    path = path_of(letter["links"][0])
    inside = ada.press(path, ada.get(path).forms[0]).headers["location"]
    copy = dict(ada.http.cookies)
    _sign_out(ada.http, path_of(inside))
    assert ada.http.request("GET", path_of(inside)).status == 403
    ada.http.cookies = copy
    assert ada.http.request("GET", path_of(inside)).status == 403, (
        "a stolen cookie is worth nothing"
    )


def test_an_accountant_signs_out_and_the_address_is_no_part_of_a_replay(world: World) -> None:
    ada, key = world.program(), str(uuid.uuid4())
    first = ada.call("POST", "/v1/accountant-links", {"name": "Mary Fairfax", "days": 3}, key=key)
    again = ada.call("POST", "/v1/accountant-links", {"name": "Mary Fairfax", "days": 3}, key=key)
    assert (again.status, again.headers["idempotent-replayed"]) == (201, "true")
    assert "url" in first.json()
    assert again.json() == {name: value for name, value in first.json().items() if name != "url"}
    visitor = world.client()
    path = path_of(first.json()["url"])
    visitor.press(path, visitor.get(path).forms[0])
    copy = dict(visitor.http.cookies)
    _sign_out(visitor.http, "/accountant")
    assert visitor.http.request("GET", "/accountant").status == 403
    visitor.http.cookies = copy
    assert visitor.http.request("GET", "/accountant").status == 403, (
        "a stolen cookie is worth nothing"
    )


def test_what_is_shown_once_is_found_in_no_replay(world: World) -> None:
    platform, key = world.program("platform"), str(uuid.uuid4())
    body = {"freelancer": world.ada_id, "scopes": ["contracts:read"], "expires_at": None}
    first = platform.call("POST", "/v1/keys", body, key=key)
    assert first.json()["secret"].startswith("hf_test_")
    assert "secret" not in platform.call("POST", "/v1/keys", body, key=key).json()


def test_a_new_link_lets_the_same_browser_in(world: World) -> None:
    """After the old link was taken back: what was proved by it is proved no more, what the new one
    opens is open.
    """
    contract, client = world.accepted_contract()
    own = f"/c/{contract['id']}"
    assert client.http.request("GET", own).status == 200
    world.program().post(f"/v1/contracts/{contract['id']}/links", {"revoke_old": True})
    assert client.http.request("GET", own).status == 403, "the old link's end ends its sessions"
    client.open("new link")
    assert client.http.request("GET", own).status == 200
    grant = world.sql(
        "SELECT link_id, role, verified_at FROM session_grant WHERE contract_id = CAST(:c AS uuid)",
        c=str(typeid.decode(contract["id"])),
    )
    assert [(g.role, g.verified_at) for g in grant] == [("payer", None)]
    assert client.http.request("GET", f"{own}/people").status == 303, "a code is asked for anew"
    world.program().post(f"/v1/contracts/{contract['id']}/links", {"revoke_old": False})
    client.open("new link")
    assert client.http.request("GET", own).status == 200
