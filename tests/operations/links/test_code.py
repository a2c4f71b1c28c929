"""The code from the mailbox that makes a decision the client's own.

Six digits that are stored nowhere, good for ten minutes and five tries.
"""

from __future__ import annotations

from service.core import repository
from service.core.context import Context
from service.core.repository import EVERYONE
from service.domain.errors import CodeRequired, TooManyRequests
from service.domain.identity import typeid
from service.operations.client_access import codes, links, sessions
from service.operations.client_access.sessions import Visitor
from tests.operations.stage import Stage


def _come_in(stage: Stage) -> str:
    """The client opens the link of their e-mail: the browser's cookie."""
    with stage.on(stage.system) as (ctx, contract, _):
        link = links.current_link(ctx, contract)
        ctx.session.flush()
        return sessions.open_session(ctx, link, "", "a browser")


def _visitor(stage: Stage, ctx: Context, cookie: str) -> Visitor:
    found = sessions.visitor(ctx, cookie, typeid.decode(stage.contract))
    assert found is not None
    return found


def _ask(stage: Stage, cookie: str) -> str:
    """A code by mail: its six digits."""
    with stage.acting(stage.client) as ctx:
        contract = repository.contract(ctx.session, stage.contract, owner=EVERYONE)
        asked = codes.ask_code(ctx, _visitor(stage, ctx, cookie), contract)
        return codes.code_of(stage.runtime.settings.secret_keys[0], asked.id)


def _type(stage: Stage, cookie: str, typed: str) -> int | None:
    with stage.acting(stage.client) as ctx:
        keys = stage.runtime.settings.secret_keys
        return codes.verify_code(ctx, _visitor(stage, ctx, cookie), keys, typed)


def _wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def _proved(stage: Stage, cookie: str) -> bool:
    with stage.acting(stage.system) as ctx:
        who = _visitor(stage, ctx, cookie)
        return who.verified_within(ctx.now, sessions.BINDS_FRESH)


def test_the_right_code_proves_the_mailbox(stage: Stage) -> None:
    """Whoever types the code that was mailed may decide for half an hour, and not longer."""
    cookie = _come_in(stage)
    assert not _proved(stage, cookie), "the link alone decides nothing"
    assert _type(stage, cookie, _ask(stage, cookie)) is None
    assert _proved(stage, cookie)
    stage.later(minutes=31)
    assert not _proved(stage, cookie)


def test_five_tries(stage: Stage) -> None:
    """A wrong code is counted; after the fifth the right one is refused as well."""
    cookie = _come_in(stage)
    code = _ask(stage, cookie)
    assert [_type(stage, cookie, _wrong(code)) for _ in range(5)] == [4, 3, 2, 1, 0]
    with stage.refused(CodeRequired):
        _type(stage, cookie, code)
    assert not _proved(stage, cookie)


def test_a_right_code_after_a_wrong_one(stage: Stage) -> None:
    """A slip of the finger costs one try and nothing else."""
    cookie = _come_in(stage)
    code = _ask(stage, cookie)
    assert _type(stage, cookie, _wrong(code)) == 4
    assert _type(stage, cookie, code) is None
    assert _proved(stage, cookie)


def test_ten_minutes(stage: Stage) -> None:
    """After ten minutes a code is no longer good, right as it may be."""
    cookie = _come_in(stage)
    code = _ask(stage, cookie)
    stage.later(minutes=10)
    with stage.refused(CodeRequired):
        _type(stage, cookie, code)


def test_once(stage: Stage) -> None:
    """A code that was used is used up."""
    cookie = _come_in(stage)
    code = _ask(stage, cookie)
    assert _type(stage, cookie, code) is None
    with stage.refused(CodeRequired):
        _type(stage, cookie, code)


def test_a_code_is_one_browsers(stage: Stage) -> None:
    """Another browser that came by the same link cannot use this one's code."""
    mine, other = _come_in(stage), _come_in(stage)
    code = _ask(stage, mine)
    with stage.refused(CodeRequired):
        _type(stage, other, code)


def test_five_codes_an_hour(stage: Stage) -> None:
    """Nobody fills a mailbox with codes: the sixth within the hour is refused."""
    # The code with which the client agreed to the contract is older than an hour.
    stage.later(hours=2)
    cookie = _come_in(stage)
    for _ in range(5):
        _ask(stage, cookie)
        stage.later(minutes=2)
    with stage.refused(TooManyRequests):
        _ask(stage, cookie)
    stage.later(minutes=51)
    assert len(_ask(stage, cookie)) == 6


def test_asking_again_at_once_is_the_same_code(stage: Stage) -> None:
    """A double click mails one code."""
    cookie = _come_in(stage)
    assert _ask(stage, cookie) == _ask(stage, cookie)
