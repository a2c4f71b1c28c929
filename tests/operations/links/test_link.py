"""The link in a client's e-mail: whose it is, how long it opens, and how it ends."""

from __future__ import annotations

import pytest

from service.core import repository
from service.core.repository import EVERYONE
from service.domain.errors import Gone, Invalid, TooManyRequests
from service.domain.identity import typeid
from service.operations.client_access import access, links, sessions
from tests.operations.offers import sent
from tests.operations.stage import Stage


def _link(stage: Stage) -> str:
    with stage.on(stage.system) as (ctx, contract, _):
        return links.current_link(ctx, contract).id


def _open(stage: Stage, link_id: str) -> str:
    """The cookie of a browser that came by the link."""
    with stage.acting(stage.system) as ctx:
        link = links.link_of(ctx.session, link_id, 1)
        links.require_open(ctx, link)
        return sessions.open_session(ctx, link, "", "a browser")


def _sees(stage: Stage, cookie: str) -> bool:
    with stage.acting(stage.system) as ctx:
        return sessions.visitor(ctx, cookie, typeid.decode(stage.contract)) is not None


def test_it_opens_the_contract(stage: Stage) -> None:
    """The link lets a browser in, for two hours without a look."""
    cookie = _open(stage, _link(stage))
    assert _sees(stage, cookie)
    stage.later(hours=2, minutes=1)
    assert not _sees(stage, cookie)


def test_it_ends(stage: Stage) -> None:
    """A link opens for its time and is gone afterwards."""
    link_id = _link(stage)
    stage.later(days=121)
    with stage.refused(Gone):
        _open(stage, link_id)


def test_a_revoked_link_ends_its_browsers_too(stage: Stage) -> None:
    """From the moment a link is revoked nobody who came by it sees anything."""
    link_id = _link(stage)
    cookie = _open(stage, link_id)
    with stage.on(stage.client) as (ctx, contract, _):
        access.revoke(ctx, contract, link_id)
    assert not _sees(stage, cookie)
    with stage.refused(Gone):
        _open(stage, link_id)


@pytest.mark.parametrize("role", ["pay_only", "viewer"])
def test_a_colleague_never_decides(stage: Stage, role: str) -> None:
    """A link that is passed on opens in the colleague's name, never in the client's."""
    with stage.on(stage.client) as (ctx, contract, _):
        link_id = access.pass_on(ctx, contract, "accounts@babbage.example", role).id
    cookie = _open(stage, link_id)
    with stage.acting(stage.system) as ctx:
        who = sessions.visitor(ctx, cookie, typeid.decode(stage.contract))
        assert who is not None
        assert who.role == role
        assert who.actor != stage.client


def test_nobody_is_passed_the_right_to_decide(stage: Stage) -> None:
    """There is no link for a colleague with which they could decide."""
    with stage.refused(Invalid, "unknown_role"), stage.on(stage.client) as (ctx, contract, _):
        access.pass_on(ctx, contract, "accounts@babbage.example", "payer")


def test_another_mailbox(stage: Stage) -> None:
    """When the client moves to another address, what was sent to the old one opens nothing."""
    link_id = _link(stage)
    cookie = _open(stage, link_id)
    with stage.on(stage.client) as (ctx, contract, _):
        access.change_email(ctx, contract, "charles@engines.example")
    assert not _sees(stage, cookie)
    with stage.refused(Gone):
        _open(stage, link_id)
    assert stage.money() == {"escrow": 10_000}, "the contract is the same"


def test_one_browser_two_clients(stage: Stage) -> None:
    """The link of another client, opened in the same browser, closes what the browser forgets."""
    cookie = _open(stage, _link(stage))
    other = sent(stage, email="lovelace@engines.example")
    with stage.acting(stage.system) as ctx:
        contract = repository.contract(ctx.session, other, owner=EVERYONE)
        link = links.current_link(ctx, contract)
        ctx.session.flush()
        fresh = sessions.open_session(ctx, link, cookie, "a browser")
    assert fresh != cookie
    assert not _sees(stage, cookie)


def test_three_links_an_hour(stage: Stage) -> None:
    """Nobody fills a mailbox with links: the contract's fourth within the hour is refused."""
    stage.later(hours=2)
    link_id = _link(stage)
    for _ in range(3):
        with stage.acting(stage.system) as ctx:
            contract = repository.contract(ctx.session, stage.contract, owner=EVERYONE)
            links.renew(ctx, links.link_of(ctx.session, link_id, 1), contract)
    with stage.refused(TooManyRequests), stage.acting(stage.system) as ctx:
        contract = repository.contract(ctx.session, stage.contract, owner=EVERYONE)
        links.renew(ctx, links.link_of(ctx.session, link_id, 1), contract)
