"""The staff console and the freelancer's page of a hold: the whole story by forms, and what keeps
strangers and tired fingers out.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from service.core import staff_tasks
from service.core.staff_tasks import TaskType
from service.domain.identity import actors, typeid
from service.operations.people import people
from service.operations.staff import staff_access
from tests.console import Colleague, colleague, with_letter
from tests.journey import WsgiHttp, path_of
from tests.safety.test_cases import money_everywhere
from tests.safety.test_holds import WHY, freeze
from tests.world import World

fault = pytest.mark.fault
PDF = b"%PDF-1.4 the originals"


def newest(world: World, table: str) -> str:
    """The id of the newest row, as the pages name it."""
    prefix = {"hold": "hld", "confiscation": "cas", "appeal": "apl"}[table]
    return typeid.encode(
        prefix, world.sql(f"SELECT id FROM {table} ORDER BY id DESC LIMIT 1")[0].id
    )


def test_the_story_by_forms_alone(world: World) -> None:
    """Suspend, freeze, lift one, confirm, case, notice, answer, two approvals, four lines, appeal,
    overturn, restore; no call of the API.
    """
    held, paid = money_everywhere(world)
    safety, approver, approver2, reviewer = (
        colleague(world, who) for who in ("safety", "approver", "approver2", "reviewer")
    )
    assert "Nothing is waiting" in safety.get("/staff").text
    found = safety.get("/staff/search?q=ada%40lovelace.example")
    assert any(world.ada_id in link for link in found.links)

    shown = safety.preview("suspend", world.ada_id, level="blocked", **WHY)
    for part in (
        "hold.placed",
        "suspension.started",
        "hold placed",
        "post nothing in the books",
        "1,050.00",
    ):
        assert part in shown.page.text, part
    assert world.sql("SELECT count(*) AS n FROM hold")[0].n == 0, (
        "a rehearsal leaves nothing behind"
    )
    assert safety.confirm("suspend", world.ada_id, shown.page).status == 303
    hold = newest(world, "hold")
    world.check_books()
    assert "blocked since" in safety.get(f"/staff/people/{world.ada_id}").text

    safety.do("freeze", held["id"], scopes=["release"], **WHY)
    extra = newest(world, "hold")
    assert "Lifted" in safety.do("lift", extra, reason="One hold is enough.").text
    assert safety.preview("confirm", hold).status == 403, "the role says no"
    queue = approver.get("/staff")
    assert "A second person has to confirm this hold" in queue.text
    approver.do("confirm", hold)

    lines = {
        "source_1": f"escrow|{held['milestones'][0]['id']}",
        "target_1": f"client|{held['milestones'][0]['id']}",
        "amount_1": "100.00",
        "source_2": "available|",
        "target_2": f"same_contract_refund|{paid['milestones'][0]['id']}",
        "amount_2": "300.00",
        "source_3": "available|",
        "target_3": "proven_loss|",
        "amount_3": "50.00",
        "source_4": "available|",
        "target_4": "remainder_to_person|",
        "amount_4": "600.00",
    }
    words = {
        "clause": "Terms 9.1",
        "facts": "The invoices were forged.",
        "evidence": "Letter of the client, 3 May\nA second one",
    }
    too_much = safety.preview("open-case", hold, **words, **(lines | {"amount_4": "700.00"}))
    assert too_much.status == 422
    assert "95000 minor units are in available" in too_much.page.text
    drafted = safety.do("open-case", hold, **words, **lines)
    assert "Draft: the person has not been told" in drafted.text
    case = newest(world, "confiscation")
    assert "The person has been told" in safety.do("notice", case).text

    ada, page = with_letter(world, "please answer by")
    notice = ada.get(page)
    for part in (WHY["facts"], "The invoices were forged", "1,050.00", "A second one", "Terms 9.1"):
        assert part in notice.text, part
    given = ada.press(
        page, form_to(notice, "/requirement"), words="My passport.", files=[("passport.pdf", PDF)]
    )
    assert given.status == 303, given.page.text[:400]
    assert ada.press(page, form_to(ada.get(page), "/case"), words="They are genuine.").status == 303
    assert "passport.pdf" in safety.get(f"/staff/holds/{hold}").text
    assert "An answer came" in safety.get("/staff?show=holds").text
    safety.do("judge", hold, outcome="accepted")

    approver.do("approve", case)
    refused = approver.preview("approve", case)
    assert (refused.status, "has to be another person" in refused.page.text) == (422, True)
    assert "agreed already" in approver.get(f"/staff/cases/{case}").text
    assert "Two people have agreed" in approver2.do("approve", case).text
    assert safety.preview("execute", case).status == 422, "not before the time to answer is over"
    world.advance("14d")
    for who, colleagues in (
        ("safety", safety),
        ("approver", approver),
        ("approver2", approver2),
        ("reviewer", reviewer),
    ):
        colleagues.enter(world.keys[who])
    ada, page = with_letter(world, "please answer by")
    shown = safety.preview("execute", case)
    before = world.sql("SELECT count(*) AS n FROM journal_entry")[0].n
    previewed = re.findall(r"USD.([\d,.]+)", postings(shown.page.text))
    assert world.sql("SELECT count(*) AS n FROM journal_entry")[0].n == before
    assert safety.confirm("execute", case, shown.page).status == 303
    world.check_books()
    posted = world.sql(
        "SELECT p.amount FROM journal_entry j JOIN posting p ON p.entry_id = j.id WHERE "
        f"j.number > {before} ORDER BY j.number, p.line_no"
    )
    assert [f"{p.amount / 100:,.2f}" for p in posted][: len(previewed)] == previewed, (
        "what was shown is what was posted, in its order"
    )
    assert world.balance()["available"] == 60_000
    world.work()

    letter = ada.letter("was carried out")
    theirs = next(
        m
        for m in world.sandbox.mail("charles@babbage.example")
        if "About your money" in m["subject"]
    )
    for sum_shown, texts in {
        "100.00": (letter["text"], theirs["text"], ada.get(page).text),
        "300.00": (letter["text"], ada.get(page).text),
    }.items():
        assert all(sum_shown in text for text in texts), sum_shown
    assert (
        ada.press(
            page,
            form_to(ada.get(page), "/appeal"),
            statement="Here are the originals.",
            files=[("originals.pdf", PDF)],
        ).status
        == 303
    )
    appeal = newest(world, "appeal")
    assert "somebody else has to decide now" in approver.get(f"/staff/appeals/{appeal}").text
    beside = reviewer.get(f"/staff/appeals/{appeal}")
    assert "Here are the originals" in beside.text
    file = next(link for link in beside.links if "/files/" in link)
    assert reviewer.http.request("GET", file).text == PDF.decode()
    shown = reviewer.preview(
        "decide", appeal, outcome="reversed", reasons="They are genuine.", at_platform_cost="yes"
    )
    assert "restore" in shown.page.text
    assert reviewer.confirm("decide", appeal, shown.page).status == 303
    world.check_books()
    world.work()
    assert world.balance()["available"] == 95_000, "exactly what was there before"
    told = ada.get(page).text
    assert "decision reversed" in told
    assert "given back" in told
    assert "Nothing is waiting" in safety.get("/staff?show=appeals").text


def form_to(page: Any, ending: str) -> Any:
    return next(form for form in page.forms if form.action.endswith(ending))


def postings(text: str) -> str:
    return text[text.index("Entry") :]


@pytest.mark.parametrize(
    ("who", "action", "status"),
    [
        ("safety", "freeze", 200),
        ("reviewer", "freeze", 403),
        ("approver", "suspend", 403),
        ("finance", "freeze", 403),
    ],
)
def test_a_role_does_what_it_may(world: World, who: str, action: str, status: int) -> None:
    desk = Colleague(WsgiHttp(world.app), world.sandbox, "x@holdfast.example", world.work)
    path = "/staff/enter?back=/staff"
    assert desk.press(path, desk.get(path).forms[0], key=world.keys[who]).status == 303
    assert desk.http.request("GET", f"/staff/do/{action}/{world.ada_id}").status == status


def test_only_staff_come_in(world: World) -> None:
    desk = Colleague(WsgiHttp(world.app), world.sandbox, "x@holdfast.example", world.work)
    away = desk.http.request("GET", "/staff/holds/hld_x?a=1")
    assert (away.status, path_of(away.headers["location"])) == (
        303,
        "/staff/enter?back=/staff/holds/hld_x?a%3D1",
    )
    enter = desk.get("/staff/enter")
    for key in ("hf_test_wrong", world.keys["ada"], world.keys["platform"], ""):
        refused = desk.press("/staff/enter", enter.forms[0], key=key)
        assert (refused.status, "This key opens nothing here" in refused.page.text) == (401, True)
    elsewhere = desk.press(
        "/staff/enter", enter.forms[0], key=world.keys["safety"], back="https://evil.example/staff"
    )
    assert elsewhere.headers["location"].endswith("/staff"), "never to another site"


def test_a_link_works_once_within_fifteen_minutes(world: World) -> None:
    with world.owner_context() as ctx:
        key = next(k.key_id for k in staff_access.staff(ctx.session) if k.role == "safety")
        first, late = staff_access.make_link(ctx, key), staff_access.make_link(ctx, key)
    desk = Colleague(WsgiHttp(world.app), world.sandbox, "x@holdfast.example", world.work)
    assert desk.get(f"/staff/enter/{first}").forms[0].method == "post", "looking uses nothing up"
    assert (
        desk.press(f"/staff/enter/{first}", desk.get(f"/staff/enter/{first}").forms[0]).status
        == 303
    )
    assert "What waits" in desk.get("/staff").text
    assert (
        desk.press(f"/staff/enter/{first}", desk.get(f"/staff/enter/{first}").forms[0]).status
        == 410
    )
    world.advance("16m")
    assert (
        desk.press(f"/staff/enter/{late}", desk.get(f"/staff/enter/{late}").forms[0]).status == 410
    )
    assert first not in str(world.sql("SELECT digest FROM staff_link")), "stored as a digest"


def test_an_act_needs_a_proof_of_the_last_minutes_and_keeps_what_was_written(world: World) -> None:
    desk = colleague(world, "safety")
    path = f"/staff/do/freeze/{world.ada_id}"
    form = next(f for f in desk.get(path).forms if "See what" in f.text)
    world.advance("6m")
    assert desk.http.request("GET", path).status == 303, "a form is not opened without it"
    asked = desk.press(path, form, **WHY)
    assert (asked.status, "What you wrote is kept" in asked.page.text) == (401, True)
    prove = asked.page.forms[0]
    assert desk.press(path, prove, proof_key=world.keys["approver"]).status == 401, (
        "somebody else's key is no proof"
    )
    shown = desk.press(path, prove, proof_key=world.keys["safety"])
    assert "this will" in shown.page.text, shown.page.text[:300]
    form = next(f for f in shown.page.forms if ("facts", WHY["facts"]) in f.fields)
    assert [desk.press(path, form, confirm="yes").status for _ in range(2)] == [303, 303]
    assert world.sql("SELECT count(*) AS n FROM hold")[0].n == 1, "a double click acts once"
    world.advance("2h")
    assert desk.http.request("GET", "/staff").status == 303, "an hour without a look"


def test_who_only_reads_closes_no_task(world: World) -> None:
    with world.runtime.context("test") as ctx:
        staff_tasks.open_task(ctx, TaskType.BOOKS_DIFFER, "platform")
    safety, reviewer = colleague(world, "safety"), colleague(world, "reviewer")
    assert not [f for f in reviewer.get("/staff?show=tasks").forms if "Done" in f.text]
    form = next(f for f in safety.get("/staff?show=tasks").forms if "Done" in f.text)
    assert reviewer.press("/staff", form).status == 403
    assert safety.press("/staff", form).status == 303
    assert world.sql("SELECT count(*) AS n FROM staff_task WHERE closed_at IS NULL")[0].n == 0


def test_a_key_that_is_revoked_closes_its_browsers(world: World) -> None:
    desk = colleague(world, "safety")
    with world.runtime.context("test", actors.staff("cli")) as ctx:
        people.revoke_key(
            ctx, next(k.key_id for k in staff_access.staff(ctx.session) if k.role == "safety")
        )
    assert desk.http.request("GET", "/staff").status == 303


def test_a_form_of_another_site_does_nothing(world: World) -> None:
    desk = colleague(world, "safety")
    path = f"/staff/do/freeze/{world.ada_id}"
    shown = desk.preview("freeze", world.ada_id, **WHY)
    form = next(f for f in shown.page.forms if ("facts", WHY["facts"]) in f.fields)
    body = "&".join(f"{k}={v}" for k, v in [*form.fields, ("confirm", "yes")]).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "cross-site"}
    assert desk.http.request("POST", path, body=body, headers=headers).status == 403
    assert world.sql("SELECT count(*) AS n FROM hold")[0].n == 0


def test_search_finds_by_anything(world: World) -> None:
    contract, _ = world.funded_contract(milestones=[("Work", 12_345)])
    desk = colleague(world, "safety")
    payment = world.sql("SELECT id, payment_intent_id, charge_id FROM payment")[0]
    for q in (
        payment.payment_intent_id,
        payment.charge_id,
        "123.45 USD",
        "Babbage",
        "Analytical",
        contract["id"],
        contract["milestones"][0]["id"],
    ):
        found = desk.get(f"/staff/search?q={q.replace(' ', '%20')}")
        assert contract["id"] in str(found.links) or contract["id"] in found.text, q
    assert "No result" in desk.get("/staff/search?q=zz").text
    for bad in ("%25%25%25", "hld_", "'; DROP TABLE hold; --", "x" * 300):
        assert desk.http.request("GET", f"/staff/search?q={bad}").status == 200


def test_wrong_answers_are_told_beside_the_form(world: World) -> None:
    desk = colleague(world, "safety")
    for wrong, sentence in (
        ({"facts": ""}, "Facts: this is needed"),
        ({"reason_code": "because"}, "choose what is offered"),
        ({"expires_at": "soon"}, "write a day"),
        ({"amount": "ten"}, "Only this amount: This is not an amount. Write it like 1,234.50."),
        ({"facts": "x" * 5_001}, "at most 5,000"),
        ({"amount": "12.00"}, "hold the person's payouts instead"),
    ):
        shown = desk.preview("freeze", world.ada_id, **(WHY | wrong))
        assert (shown.status, sentence in shown.page.text) == (422, True), (
            wrong,
            shown.page.text[-600:],
        )
    assert desk.http.request("GET", f"/staff/do/explode/{world.ada_id}").status == 404
    assert world.sql("SELECT count(*) AS n FROM hold")[0].n == 0


def test_the_freelancer_s_page_opens_from_the_letter_only(world: World) -> None:
    hold = freeze(world, world.ada_id)
    other = freeze(world, world.mary_id)
    ada, page = with_letter(world, "is on hold")
    assert page == f"/h/{hold['id']}"
    stranger = world.client("x@y.example")
    assert stranger.http.request("GET", page).status == 403
    assert ada.http.request("GET", f"/h/{other['id']}").status == 403, "one letter, one hold"
    assert ada.http.request("GET", "/f/forged").status == 404
    with_other_right = freeze(world, world.ada_id, disclosure="restricted", reason_code="sanctions")
    person, restricted = with_letter(world, "we may not say why")
    assert restricted == f"/h/{with_other_right['id']}"
    assert WHY["facts"] not in person.get(restricted).text
    form = form_to(ada.get(page), "/appeal")
    world.advance("3h")
    assert ada.press(page, form, statement="Late.").status == 403, (
        "it closes two hours after it was opened"
    )
    refused = [("x.html", b"<html>"), ("x.exe", b"MZ\x00\x01")]
    ada, page = with_letter(world, "is on hold", "mary@somerville.example")
    for file in refused:
        assert (
            ada.press(
                page, form_to(ada.get(page), "/appeal"), statement="With this.", files=[file]
            ).status
            == 422
        )
    assert world.sql("SELECT count(*) AS n FROM appeal")[0].n == 0, (
        "nothing is kept of a refused form"
    )


def test_files_by_the_api(world: World) -> None:
    hold = freeze(world, world.ada_id)
    ada = world.program()
    file = ada.upload(f"/v1/holds/{hold['id']}/files", "originals.pdf", PDF).json()
    ada.post(f"/v1/holds/{hold['id']}/appeals", {"statement": "See.", "files": [file["id"]]})
    assert (
        world.program("safety").call("GET", f"/v1/holds/{hold['id']}/files/{file['id']}").text
        == PDF.decode()
    )
    assert (
        world.program("mary").call("GET", f"/v1/holds/{hold['id']}/files/{file['id']}").status
        == 404
    )
    assert (
        ada.call(
            "POST",
            f"/v1/holds/{hold['id']}/appeals",
            {"statement": "x", "files": ["fil_00000000000000000000000000"]},
        ).status
        == 404
    )
    mine = freeze(world, world.mary_id)
    assert (
        world.program("mary")
        .call("POST", f"/v1/holds/{mine['id']}/appeals", {"statement": "x", "files": [file["id"]]})
        .status
        == 404
    ), "of another hold"


def test_the_figures_for_everybody(world: World) -> None:
    freeze(world, world.ada_id)
    page = world.client().get("/transparency")
    assert "terms" in page.text
    assert world.client().get("/transparency?quarter=2020-Q1").text.count("None were placed") == 1
    assert world.client().get("/transparency?quarter=nonsense").text.count("What we stopped") == 1
    assert (
        "first payment size"
        in colleague(world, "safety").get("/staff/rules?report=first_payment_size").text.lower()
    )
