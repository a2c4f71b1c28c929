"""From whom a letter comes and whom a reply reaches, for every template; and what is stored already
speaks for nobody.
"""

from __future__ import annotations

import pytest
from sqlalchemy import text

from service.domain.states.notifications import NOTICES
from service.domain.states.senders import VOICES, Sender
from service.domain.text import inert
from service.models import Contract, Freelancer, Message, new_id
from service.worker.emails.composition import compose, sender
from tests.journey import contract_body
from tests.mail.nasty import NASTY
from tests.states.test_disputes import negotiating
from tests.world import World

FREELANCERS_OWN = {
    "offer",
    "offer_reminder",
    "reminder",
    "offer_revised",
    "change_refused",
    "work_submitted",
    "amendment_proposed",
}
SENSITIVE = (
    "code",
    "payment",
    "refund",
    "hold",
    "dispute",
    "case",
    "appeal",
    "link",
    "released",
    "confiscat",
    "chargeback",
    "email",
    "payout",
    "bank",
)


def test_only_offer_delivery_and_change_carry_a_freelancers_name() -> None:
    assert {name for name, voice in VOICES.items() if voice is Sender.FREELANCER} == FREELANCERS_OWN
    assert {name for name, voice in VOICES.items() if voice is Sender.COLLEAGUE} == {"passed_on"}
    for name, voice in VOICES.items():
        if any(part in name for part in SENSITIVE):
            assert voice is Sender.PLATFORM, name


def test_every_template_in_its_voice(world: World) -> None:
    """The sender of every letter there is, for a contract between two people."""
    contract_id = world.sent_contract()["id"]
    with world.runtime.context("system") as ctx:
        contract = ctx.session.get_one(Contract, contract_id)
        for template in sorted({t for told in NOTICES.values() for _, t in told}):
            said = sender(world.runtime.settings, template, contract.freelancer, contract)
            if VOICES[template] is Sender.FREELANCER:
                assert said == ("Ada Lovelace via Holdfast", "ada@lovelace.example"), template
            elif VOICES[template] is Sender.COLLEAGUE:
                assert said == ("Holdfast", "charles@babbage.example"), template
            else:
                assert said == ("Holdfast", "help@holdfast.example"), template


def test_the_main_jobs_letters_as_they_arrive(world: World) -> None:
    _, client = world.submitted_contract()
    seen = {
        m["subject"]: (m["headers"]["From"], m["headers"]["Reply-To"], len(m["links"]))
        for m in world.sandbox.mail(client.email)
    }
    ours, hers = (
        ("Holdfast <contracts@holdfast.example>", "help@holdfast.example"),
        ("Ada Lovelace via Holdfast <contracts@holdfast.example>", "ada@lovelace.example"),
    )
    for subject, (sender_shown, reply_to, links) in seen.items():
        own = subject.startswith(("Ada Lovelace sent you", "Please review"))
        assert (sender_shown, reply_to) == (hers if own else ours), subject
        assert links == (0 if "code" in subject.lower() else 1), subject
    assert len(seen) >= 5


@pytest.mark.parametrize("worst", NASTY)
def test_stored_names_and_titles_speak_for_nobody(world: World, worst: str) -> None:
    """Rows from before names were judged: the letter goes out, in the platform's name, without a
    link of theirs.
    """
    contract = world.program().post("/v1/contracts", contract_body())
    stored = worst.replace("\x00", "")
    with world.runtime.context("system") as ctx:
        ctx.session.execute(
            text("UPDATE contract SET title = :t, client_name = :t, description = :t"),
            {"t": stored},
        )
        ctx.session.get_one(Freelancer, world.ada_id).display_name = stored
    world.program().post(f"/v1/contracts/{contract['id']}/send")
    world.work()
    letter = next(m for m in world.sandbox.mail("charles@babbage.example"))
    body, subject = letter["text"], letter["subject"]
    assert [link.text for link in inert._LINKS.match(body) or []] == [
        *letter["links"],
        "help@holdfast.example",
    ]
    assert len(letter["links"]) == 1
    assert not inert._LINKS.test(subject)
    assert "@" not in letter["headers"]["From"].replace("<contracts@holdfast.example>", "")
    assert "evil" not in letter["headers"]["From"] or "(dot)" in letter["headers"]["From"]


def test_a_new_version_quotes_what_changed(world: World) -> None:
    """The description's own "button" and "security notice" stay inside the freelancer's box, with a
    warning.
    """
    ada, contract = world.program(), world.sent_contract()
    path = f"/v1/contracts/{contract['id']}"
    evil = (
        "New.\n\nSecurity notice\n\n[button] Confirm the bank transfer\n\nPay to GB82 WEST "
        "1234 5698 7654 32 or see https://evil.example"
    )
    edited = ada.call(
        "PATCH",
        path,
        contract_body(description=evil),
        headers={"If-Match": ada.call("GET", path).headers["etag"]},
    )
    assert edited.status == 200, edited.text
    letter = world.client().letter("changed the contract")
    assert len(letter["links"]) == 1
    assert "[button]" not in letter["text"]
    assert "| Security notice\n" in letter["text"]
    assert "carry a web address and a bank account" in letter["text"]


def test_a_colleagues_letter_and_a_message_with_no_contract(world: World) -> None:
    with world.runtime.context("system") as ctx:
        made = Message(
            id=new_id("msg"),
            cause="test",
            template="bank_changed",
            recipient="ada@lovelace.example",
            contract_id=None,
            params={"object": world.ada_id, "fact": "x"},
            state="queued",
            created_at=ctx.now,
            sent_at=None,
            bounced_at=None,
        )
        letter = compose(world.runtime, ctx, made)
    assert (letter.from_name, letter.reply_to) == ("Holdfast", "help@holdfast.example")


def test_a_mediators_proposal_is_one_letter(world: World) -> None:
    """Not "there is a new offer" beside the proposal itself."""
    _, client, address = negotiating(world)
    ada = world.program()
    ada.post(f"{address}/mediation")
    world.work()
    before = {
        email: len(world.sandbox.mail(email)) for email in (client.email, "ada@lovelace.example")
    }
    dispute = address.rpartition("/")[2]
    world.program("safety").post(
        f"/v1/staff/disputes/{dispute}/proposal",
        {"refund": 100, "reasons": "Half is done.\n\n[button] Pay at https://evil.example"},
    )
    world.work()
    for email, count in before.items():
        letters = world.sandbox.mail(email)[: len(world.sandbox.mail(email)) - count]
        assert [m["subject"].startswith("A proposal for the dispute") for m in letters] == [True], (
            email
        )
        assert (letters[0]["headers"]["From"], letters[0]["headers"]["Reply-To"]) == (
            "Holdfast <contracts@holdfast.example>",
            "help@holdfast.example",
        )


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("client", "Charles Babbage wrote:"),
        ("freelancer", "Ada Lovelace wrote:"),
        ("system", "Holdfast wrote:"),
        (None, "One of you wrote:"),
    ],
)
def test_whose_words_a_reason_is(world: World, by: str | None, said: str) -> None:
    """A message from before the writer was noted is never taken for the platform's own words."""
    contract = world.sent_contract()
    with world.runtime.context("system") as ctx:
        params = {
            "object": contract["id"],
            "fact": "contract.cancelled",
            "reason": "Pay me directly.",
        } | ({"by": by} if by else {})
        made = Message(
            id=new_id("msg"),
            cause="test",
            template="cancelled",
            recipient="charles@babbage.example",
            contract_id=contract["id"],
            params=params,
            state="queued",
            created_at=ctx.now,
            sent_at=None,
            bounced_at=None,
        )
        assert f"{said}\n| Pay me directly." in compose(world.runtime, ctx, made).text
