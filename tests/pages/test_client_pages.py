"""The client's way in and through: links, sessions, codes, forms that act once, and nothing that a
scanner could set off.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest

from service.domain.identity.typeid import encode
from tests.journey import WsgiHttp, path_of
from tests.world import World


def everything(world: World) -> dict[str, Any]:
    """Every row of the product's tables: for comparing before and after."""
    tables = [
        r.tablename
        for r in world.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'hf' ORDER BY 1")
    ]
    return {
        t: sorted(str(r.row) for r in world.sql(f"SELECT to_jsonb(x)::text AS row FROM {t} x"))
        for t in tables
    }


def test_a_mail_scanner_changes_nothing(world: World) -> None:
    """A robot follows every link of every mail by GET and HEAD, and every link of the pages it
    gets.
    """
    world.submitted_contract()
    letters = world.sandbox.mail("charles@babbage.example")
    before = everything(world)
    http = WsgiHttp(world.app)
    followed = 0
    for letter in letters:
        for link in letter["links"]:
            for method in ("HEAD", "GET"):
                reply = http.request(method, path_of(link), headers={"Sec-Purpose": "prefetch"})
                assert reply.status == 200
                followed += 1
            for inner in reply.page.links:
                if inner.startswith("/"):
                    http.request("GET", inner)
    assert followed >= 8
    assert everything(world) == before


def test_the_link_says_what_it_is(world: World) -> None:
    world.sent_contract()
    client = world.client()
    page = client.get(path_of(client.letter("sent you a contract")["links"][0]))
    assert "Open your contract with Ada Lovelace" in page.text
    assert "c•••@babbage.example" in page.text
    assert "charles@babbage.example" not in page.text


@pytest.mark.parametrize("damage", ["cut", "other key", "other salt", "empty", "id only"])
def test_a_damaged_link(world: World, damage: str) -> None:
    world.sent_contract()
    client = world.client()
    token = path_of(client.letter("sent you a contract")["links"][0]).removeprefix("/l/")
    broken = {
        "cut": token[:-2],
        "other key": token.split(".")[0] + "." + "A" * 43,
        "other salt": world.runtime.tokens.sign("form", {"l": "lnk_x", "r": 1}),
        "empty": "x",
        "id only": world.runtime.tokens.sign(
            "link", {"l": "lnk_01h455vb4pex5vsknk084sn02q", "r": 1}
        ),
    }[damage]
    page = client.get(f"/l/{broken}", expect=404)
    assert "Part of the address may be missing" in page.text or "do not recognise" in page.text


def test_an_expired_link_mails_a_new_one(world: World) -> None:
    world.sent_contract()
    client = world.client()
    old = path_of(client.letter("sent you a contract")["links"][0])
    world.sql_owner("UPDATE client_link SET expires_at = created_at")
    page = client.get(old, expect=410)
    assert "This link has expired" in page.text
    assert (
        client.press(old, client.get(old.replace("/l/", "/l/"), expect=410).forms[0]).status == 200
    )
    page = client.open("new link")
    assert "Notes on the Analytical Engine" in page.title
    assert client.http.request("POST", old, headers={"Sec-Fetch-Site": "same-origin"}).status == 410


def test_a_revoked_link_closes_the_door(world: World) -> None:
    contract = world.sent_contract()
    client = world.client()
    client.open()
    world.sql_owner("UPDATE client_link SET revoked_at = now()")
    assert client.http.request("GET", f"/c/{contract['id']}").status == 403


def test_without_a_session_nothing_is_shown(world: World) -> None:
    contract = world.sent_contract()
    stranger = world.client("stranger@example.com")
    page = stranger.get(f"/c/{contract['id']}", expect=403)
    assert "Open this page from your e-mail" in page.text
    assert "Analytical" not in page.text
    assert stranger.get("/c/ctr_nope", expect=404)


def test_a_session_opens_its_own_contract_only(world: World) -> None:
    first = world.sent_contract()
    second = world.sent_contract(client="john@herschel.example")
    client = world.client()
    client.open()
    assert client.http.request("GET", f"/c/{first['id']}").status == 200
    assert client.http.request("GET", f"/c/{second['id']}").status == 403


def test_sessions_end(world: World) -> None:
    contract = world.sent_contract()
    client = world.client()
    client.open()
    world.advance("3h")
    assert client.http.request("GET", f"/c/{contract['id']}").status == 403


def test_binding_needs_the_code(world: World) -> None:
    contract = world.sent_contract()
    client = world.client()
    client.open()
    reply = client.http.request("GET", f"/c/{contract['id']}/accept")
    assert (reply.status, "/code" in reply.headers["location"]) == (303, True)
    forged = client.http.request(
        "POST",
        f"/c/{contract['id']}/accept",
        body=urlencode(
            {"full_name": "X", "agree": "yes", "confirm": "1", "text_version": "1"}
        ).encode(),
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "Sec-Fetch-Site": "same-origin",
        },
    )
    assert forged.status == 303
    assert world.read(contract)["state"] == "sent"


def test_a_code_has_five_tries(world: World) -> None:
    contract = world.sent_contract()
    client = world.client()
    client.open()
    path = f"/c/{contract['id']}/code"
    client.press(path, client.get(path).forms[0])
    code = client.letter("your code")["code"]
    wrong = "000000" if code != "000000" else "111111"
    for left in (4, 3, 2, 1, 0):
        page = client.get(path + "?sent=1")
        reply = client.press(path, page.forms[0], code=wrong)
        assert reply.status == 422
        assert f"You have {left}" in reply.page.text
    late = client.press(path, client.get(path + "?sent=1").forms[0], code=code)
    assert late.status in (303, 403), "the right code does not help any more"
    assert client.http.request("GET", f"/c/{contract['id']}/accept").status == 303


def test_codes_are_limited_and_stored_nowhere(world: World) -> None:
    contract = world.sent_contract()
    client = world.client()
    client.open()
    path, statuses = f"/c/{contract['id']}/code", []
    for _ in range(6):
        statuses.append(client.press(path, client.get(path).forms[0]).status)
        world.advance("61s")
    assert statuses == [303, 303, 303, 303, 303, 429]
    code = client.letter("your code")["code"]
    dump = str(everything(world))
    assert not re.search(rf"\b{code}\b", dump), "neither the challenge nor the message holds it"
    assert "/l/" not in dump, "no link is stored either"


def test_a_code_expires(world: World) -> None:
    contract = world.sent_contract()
    client = world.client()
    client.open()
    path = f"/c/{contract['id']}/code"
    client.press(path, client.get(path).forms[0])
    code = client.letter("your code")["code"]
    world.advance("11m")
    client.press(path, client.get(path + "?sent=1").forms[0], code=code)
    assert client.http.request("GET", f"/c/{contract['id']}/accept").status == 303


def test_a_verified_browser_must_verify_again_after_half_an_hour(world: World) -> None:
    contract = world.sent_contract()
    client = world.client()
    client.open()
    client.through_code(f"/c/{contract['id']}/accept")
    world.advance("31m")
    assert client.http.request("GET", f"/c/{contract['id']}/accept").status == 303


def test_forged_and_repeated_forms(world: World) -> None:
    contract = world.sent_contract()
    client = world.client()
    client.open()
    path = f"/c/{contract['id']}/accept"
    page = client.through_code(path)
    check = client.press(path, page.forms[0], full_name="Charles Babbage", agree="yes")
    form = check.page.forms[0]
    other_site = client.http.request(
        "POST",
        path,
        body=urlencode(form.fields).encode(),
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "Sec-Fetch-Site": "cross-site",
        },
    )
    assert other_site.status == 403
    without = client.press(path, form, form_token="")
    assert without.status == 403
    assert world.read(contract)["state"] == "sent"
    assert client.press(path, form).status == 303
    assert client.press(path, form).status == 303, (
        "pressing again goes to the contract and does nothing"
    )
    assert world.sql("SELECT count(*) AS n FROM acceptance")[0].n == 1


def test_nothing_is_preselected_that_binds(world: World) -> None:
    contract = world.sent_contract()
    client = world.client()
    client.open()
    path = f"/c/{contract['id']}/accept"
    page = client.through_code(path)
    blind = client.press(path, page.forms[0])
    assert blind.status == 422
    assert "Write your full name" in blind.page.text
    assert "Tick the box" in blind.page.text
    assert blind.page.title.startswith("Error: ")


def test_acceptance_is_evidence(world: World) -> None:
    contract, _ = world.accepted_contract()
    row = world.sql("SELECT * FROM acceptance")[0]
    assert (row.full_name, row.email, row.text_version) == (
        "Charles Babbage",
        "charles@babbage.example",
        1,
    )
    assert row.text_hash == contract["text_hash"]
    assert row.quote == contract["fee_quote"]
    document = world.program().get(f"/v1/contracts/{contract['id']}/document")
    assert document["sha256"] == contract["text_hash"]
    assert row.code_verified_at <= row.accepted_at


def test_declining(world: World) -> None:
    contract = world.sent_contract()
    client = world.client()
    client.open()
    path = f"/c/{contract['id']}/decline"
    page = client.through_code(path)
    assert client.press(path, page.forms[0]).status == 422, "a reason must be chosen"
    assert (
        client.press(path, client.get(path).forms[0], reason="price", note="Too dear.").status
        == 303
    )
    assert world.read(contract)["state"] == "declined"
    world.work()
    assert (
        "Too dear."
        in next(
            m for m in world.sandbox.mail("ada@lovelace.example") if "declined" in m["subject"]
        )["text"]
    )


def test_approving_a_part_and_the_rest(world: World) -> None:
    contract, client = world.submitted_contract(milestones=[("Work", 10_000)])
    milestone = contract["milestones"][0]["id"]
    assert client.approve(milestone, "33.33").status == 303
    found = world.read(contract)["milestones"][0]
    assert (found["state"], found["released"], found["fee_taken"]) == ("funded", 3_333, 167)
    for amount, fee in (("33.33", 333), (None, 500)):
        world.program().post(f"/v1/milestones/{milestone}/submissions", {"note": "more"})
        assert client.approve(milestone, amount).status == 303
        assert world.read(contract)["milestones"][0]["fee_taken"] == fee
    assert world.read(contract)["state"] == "completed"
    world.check_books()


BETWEEN = "Enter an amount between USD 0.01 and USD 99.99."


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("", "Enter an amount."),
        ("0", BETWEEN),
        ("-5", "Leave out the sign."),
        ("abc", "This is not an amount."),
        ("100.00", BETWEEN),
        ("100.001", "USD has 2 decimals."),
        ("1e9", "This is not an amount."),
        ("9" * 30, "This amount is too large."),
    ],
)
def test_a_part_must_be_a_part(world: World, amount: str, said: str) -> None:
    contract, client = world.submitted_contract(milestones=[("Work", 10_000)])
    path = f"/c/{contract['id']}/milestones/{contract['milestones'][0]['id']}/review"
    reply = client.press(path, client.through_code(path).forms[0], choice="part", amount=amount)
    assert reply.status == 422
    assert said in reply.page.text.replace("\xa0", " ")
    assert dict(reply.page.forms[0].fields)["amount"] == amount, "what was typed is kept"


def test_asking_for_changes_stops_the_clock(world: World) -> None:
    contract, client = world.submitted_contract(milestones=[("Work", 10_000)])
    milestone = contract["milestones"][0]["id"]
    path = f"/c/{contract['id']}/milestones/{milestone}/review"
    check = client.press(
        path, client.through_code(path).forms[0], choice="changes", what="Please number the pages."
    )
    assert client.press(path, check.page.forms[0]).status == 303
    world.advance("60d")
    found = world.read(contract)["milestones"][0]
    assert (found["state"], found["auto_release_at"], found["released"]) == (
        "changes_requested",
        None,
        0,
    )
    world.program().post(f"/v1/milestones/{milestone}/submissions", {"note": "Numbered."})
    assert world.read(contract)["milestones"][0]["state"] == "submitted"


@pytest.mark.parametrize(
    ("card", "heading"),
    [
        ("4000 0000 0000 0002", "declined"),
        ("4000 0000 0000 9995", "declined"),
        ("4000 0000 0000 0069", "declined"),
        ("1234 5678 9012", "declined"),
    ],
)
def test_a_declined_card(world: World, card: str, heading: str) -> None:
    contract, client = world.accepted_contract()
    page = client.pay([contract["milestones"][0]["id"]], card)
    assert heading in page.text
    assert "No money has been taken" in page.text
    back = client.get(f"/c/{contract['id']}/payments/{payment_id(world)}")
    assert "No money has been taken" in back.text
    assert "generic_decline" not in back.text
    assert "Payment received" in client.pay([contract["milestones"][0]["id"]]).text


def payment_id(world: World) -> str:
    return encode("pay", world.sql("SELECT id FROM payment ORDER BY id DESC LIMIT 1")[0].id)


def test_the_bank_s_own_step(world: World) -> None:
    contract, client = world.accepted_contract()
    away = client.start_payment([contract["milestones"][0]["id"]])
    path = path_of(away.headers["location"])
    step = client.press(path, client.get(path).forms[0], number="4000 0025 0000 3155")
    assert "Your bank asks you to confirm" in step.page.text
    assert (
        "Your bank needs you to confirm"
        in client.get(f"/c/{contract['id']}/payments/{payment_id(world)}").text
    )
    done = client.press(path, step.page.forms[0], challenge="pass")
    assert done.status == 303
    assert "Payment received" in client.get(path_of(done.headers["location"])).text


def test_leaving_stripe_s_page(world: World) -> None:
    contract, client = world.accepted_contract()
    path = path_of(client.start_payment([contract["milestones"][0]["id"]]).headers["location"])
    left = client.http.request("GET", path + "/leave")
    page = client.get(path_of(left.headers["location"]))
    assert "You left before paying" in page.text


def test_stripe_away_while_coming_back(world: World) -> None:
    contract, client = world.accepted_contract()
    path = path_of(client.start_payment([contract["milestones"][0]["id"]]).headers["location"])
    paid = client.press(path, client.get(path).forms[0], number="4242424242424242")
    world.sandbox.post(
        "faults", {"method": "GET", "path": "/v1/checkout/sessions/%", "kind": "503", "times": 3}
    )
    page = client.get(path_of(paid.headers["location"]))
    assert "We are checking your payment" in page.text
    assert "Do not pay again" in page.text
    world.work()
    assert "Payment received" in client.get(path_of(paid.headers["location"])).text


def test_receipts(world: World) -> None:
    contract, client = world.funded_contract()
    page = client.get(f"/c/{contract['id']}/receipts")
    receipt = client.get(next(link for link in page.links if "/receipts/pay_" in link))
    assert "USD\xa04,333.83" in receipt.text
    assert "card ending 4242" in receipt.text
    assert (
        client.http.request(
            "GET", f"/c/{contract['id']}/receipts/pay_01h455vb4pex5vsknk084sn02q"
        ).status
        == 404
    )


def test_markup_in_texts_stays_text(world: World) -> None:
    nasty = '<script>alert(1)</script><img src=x onerror=alert(1)> {{ 7*7 }} "quoted"'
    contract = world.sent_contract(title=nasty, description=nasty + "\nhttps://evil.example")
    client = world.client()
    client.open()
    html = client.http.request("GET", f"/c/{contract['id']}").text
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "{{ 7*7 }}" in html
    assert 'href="https://evil.example"' not in html
    letter = client.letter("sent you a contract")
    assert "<script>alert" not in letter["html"]


def test_mails_say_who_and_reply_to_the_freelancer(world: World) -> None:
    world.sent_contract()
    headers = world.client().letter("sent you a contract")["headers"]
    assert headers["From"] == "Ada Lovelace via Holdfast <contracts@holdfast.example>"
    assert headers["Reply-To"] == "ada@lovelace.example"
    assert headers["Message-ID"].startswith("<msg_")


def test_proof_of_notice_decides_about_the_clock(world: World) -> None:
    """Every letter bounces and the page is never opened: nothing is released, the window grows
    twice, then a person decides.
    """
    contract, _ = world.submitted_contract(milestones=[("Work", 10_000)])
    for _ in range(40):
        world.sql_owner(
            "UPDATE message SET state = 'bounced' WHERE template IN ('work_submitted', "
            "'review_notice')"
        )
        world.advance("20h")
    found = world.read(contract)["milestones"][0]
    assert (found["state"], found["released"]) == ("submitted", 0)
    assert "auto_release_without_notice" in [
        t["kind"] for t in world.program("finance").get("/v1/staff/tasks")["data"]
    ]


def test_the_clock_releases_with_proof(world: World) -> None:
    contract, _ = world.submitted_contract(milestones=[("Work", 10_000)])
    world.advance("13d")
    subjects = [m["subject"] for m in world.sandbox.mail("charles@babbage.example")]
    assert [s for s in subjects if "left to review" in s] == [
        "1 day left to review milestone 1",
        "3 days left to review milestone 1",
        "7 days left to review milestone 1",
    ]
    assert world.read(contract)["milestones"][0]["state"] == "submitted"
    world.advance("25h")
    assert world.read(contract)["milestones"][0]["state"] == "released"
    assert world.balance()["pending"] == 9_500
    world.check_books()


def test_a_bounce_is_heard(world: World) -> None:
    world.sent_contract()
    message = world.client().letter("sent you a contract")["headers"]["Message-ID"]
    body = f'{{"message_id": "{message}", "event": "bounced"}}'.encode()
    http, headers = WsgiHttp(world.app), {"Content-Type": "application/json"}
    assert http.request("POST", "/mail/events", body=body, headers=headers).status == 401
    assert (
        http.request(
            "POST",
            "/mail/events",
            body=body,
            headers=headers | {"Authorization": "Bearer mail-secret"},
        ).status
        == 200
    )
    assert world.sql("SELECT state FROM message WHERE template = 'offer'")[0].state == "bounced"


def test_offers_remind_and_end(world: World) -> None:
    contract = world.sent_contract()
    world.advance("31d")
    assert world.read(contract)["state"] == "expired"
    subjects = [m["subject"] for m in world.sandbox.mail("charles@babbage.example")]
    assert len([s for s in subjects if s.startswith("Reminder")]) == 4
    assert any("has ended" in s for s in subjects)


def test_not_paid_in_time(world: World) -> None:
    contract, _ = world.accepted_contract()
    world.advance("11d")
    found = world.read(contract)
    assert (found["state"], {m["state"] for m in found["milestones"]}) == (
        "cancelled",
        {"cancelled"},
    )


def test_who_bears_the_processing_cost(world: World) -> None:
    """Borne by the client: an own line, shown before paying, the platform's and never trust."""
    contract, client = world.accepted_contract(
        milestones=[("Work", 10_000)],
        client="c@babbage.example",
        processing_borne_by="client",
        country="US",
    )
    assert "320" in str(contract["fee_quote"]["processing"])
    client.pay([contract["milestones"][0]["id"]])
    world.work()
    assert world.trial_balance() == {
        "psp_trust": 10_000,
        "escrow": 10_000,
        "processing_recovered": 320,
        "psp_fees": 329,
        "psp_operating": 320 - 329,
    }
    world.check_books()


def test_the_freelancer_may_bear_it_too(world: World) -> None:
    contract, client = world.funded_contract(
        milestones=[("Work", 10_000)], client="c@babbage.example", processing_borne_by="freelancer"
    )
    world.program().post(
        f"/v1/milestones/{contract['milestones'][0]['id']}/submissions", {"note": "done"}
    )
    client.approve(contract["milestones"][0]["id"], "50.00")
    assert world.balance()["pending"] == 5_000 - 250 - 160
    world.check_books()


def test_the_contract_page_in_every_state(world: World) -> None:
    """Whatever has happened, the page says where it stands and what comes next."""
    contract, client = world.accepted_contract(milestones=[("One", 10_000), ("Two", 20_000)])
    path, (first, second) = f"/c/{contract['id']}", [m["id"] for m in contract["milestones"]]
    assert "Milestone 1 is not paid yet" in client.get(path).text
    client.pay([first])
    world.work()
    assert "is at work; we write to you" in client.get(path).text
    world.program().post(f"/v1/milestones/{first}/submissions", {"note": "done"})
    assert "Please answer by" in client.get(path).text
    client.approve(first, "40.00")
    assert "USD\xa040.00" in client.get(path).text
    world.program().post(f"/v1/milestones/{first}/submissions", {"note": "rest"})
    client.approve(first)
    assert "The next milestone can start when it is paid" in client.get(path).text
    client.pay([second])
    world.program().post(f"/v1/milestones/{second}/submissions", {"note": "done"})
    client.approve(second)
    page = client.get(path)
    assert "Everything is done and paid" in page.text
    assert "Holdfast's own money" in page.text
    ended, other = world.accepted_contract(client="john@herschel.example")
    form = other.through_code(f"/c/{ended['id']}/cancel").forms[0]
    assert other.press(f"/c/{ended['id']}/cancel", form).status == 303
    assert "No money has been taken" in other.get(f"/c/{ended['id']}").text
    withdrawn = world.sent_contract(client="mary@somerville.example")
    third = world.client("mary@somerville.example")
    third.open()
    world.program().post(f"/v1/contracts/{withdrawn['id']}/withdraw")
    assert "withdrew this contract" in third.get(f"/c/{withdrawn['id']}").text
