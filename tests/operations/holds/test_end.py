"""A hold ends, wholly or in part, and what it stopped goes on as if it had never been."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from service.core.context import Context
from service.core.repository import EVERYONE
from service.domain.errors import Forbidden, Invalid, OnHold, StateConflict
from service.domain.identity.actors import Actor
from service.escrow import freezing
from service.models import Hold, Payout
from service.operations.contracts import milestones
from service.operations.payouts import payouts
from service.operations.safety import hold_ends
from tests.operations.arranging import available, held, payout, with_account
from tests.operations.stage import Stage


@contextmanager
def on_hold(stage: Stage, who: str | Actor, hold_id: str) -> Iterator[tuple[Context, Hold]]:
    actor = stage.staff(who) if isinstance(who, str) else who
    with stage.acting(actor) as ctx:
        yield ctx, hold_ends.find(ctx.session, hold_id, owner=EVERYONE, lock=True)


def _approve(stage: Stage) -> None:
    with stage.on(stage.client) as (ctx, contract, milestone):
        milestones.approve(ctx, contract, milestone)


def test_lifting_lets_it_go_on(stage: Stage) -> None:
    """What a hold stopped is possible again from the moment it is lifted."""
    hold_id = held(stage, "release")
    with stage.refused(OnHold):
        _approve(stage)
    with on_hold(stage, "Florence", hold_id) as (ctx, hold):
        hold_ends.lift(ctx, hold, "It was a mistake.")
    assert stage.state(Hold, hold_id) == "released"
    _approve(stage)
    # 5 % of 100.00 is 5.00.
    assert stage.money() == {"pending": 9_500, "fee": 500}


def test_lifting_one_leaves_the_other(stage: Stage) -> None:
    """Two holds are two decisions: what both stop stays stopped until both are lifted."""
    first, _ = held(stage, "release"), held(stage, "release", subject=stage.contract)
    with on_hold(stage, "Florence", first) as (ctx, hold):
        hold_ends.lift(ctx, hold, "It was a mistake.")
    with stage.refused(OnHold):
        _approve(stage)


def test_what_was_set_aside_is_available_again(stage: Stage) -> None:
    """The end of a hold over an amount gives back exactly that amount."""
    available(stage)
    hold_id = held(stage, "outflow", amount_minor=4_000)
    assert stage.balance() == {"available": 5_500, "reserved": 4_000}
    with on_hold(stage, "Florence", hold_id) as (ctx, hold):
        hold_ends.lift(ctx, hold, "It was a mistake.")
    assert stage.balance() == {"available": 9_500}


def test_a_payout_that_waited_is_sent(stage: Stage) -> None:
    """A payout that a hold stopped before it left goes on when the last hold is lifted."""
    available(stage)
    with_account(stage)
    payout_id = payout(stage)
    hold_id = held(stage, "outflow")
    assert stage.state(Payout, payout_id) == "held"
    assert stage.balance() == {"available": 9_500, "held": 9_500}, "its money is back, and held"
    with on_hold(stage, "Florence", hold_id) as (ctx, hold):
        hold_ends.lift(ctx, hold, "It was a mistake.")
    with stage.acting(stage.system) as ctx:
        waiting = payouts.on_hold_of(ctx.session, stage.ada)
        assert [freezing.resume_payout(ctx, one) for one in waiting] == [True]
    assert stage.state(Payout, payout_id) == "requested"
    assert stage.balance() == {"in_flight": 9_500}


def test_narrowing_frees_what_it_no_longer_names(stage: Stage) -> None:
    """A hold that is narrowed goes on with less: one scope is free, the other stays stopped."""
    hold_id = held(stage, "release", "outflow")
    with on_hold(stage, "Florence", hold_id) as (ctx, hold):
        fresh = hold_ends.narrow(ctx, hold, ("outflow",), "Releases are no risk.")
        assert fresh is not None
        assert fresh.scopes == ["outflow"]
        assert fresh.expires_at == hold.expires_at, "no clock begins anew"
    assert stage.state(Hold, hold_id) == "released"
    _approve(stage)
    # 95.00 are released, and may not be paid out.
    assert stage.balance() == {"pending": 9_500, "held": 9_500}


def test_narrowing_names_less(stage: Stage) -> None:
    """A hold cannot be narrowed to all that it has."""
    hold_id = held(stage, "release", "outflow")
    with (
        stage.refused(Invalid, "nothing_changed"),
        on_hold(stage, "Florence", hold_id) as (ctx, hold),
    ):
        hold_ends.narrow(ctx, hold, ("release", "outflow"), "The same.")


@pytest.mark.parametrize(("days", "ended"), [(29, False), (30, True)])
def test_it_ends_by_itself(stage: Stage, days: int, ended: bool) -> None:
    """A hold of 30 days is over after 30 days and not a day earlier."""
    hold_id = held(stage, "release", subject=stage.contract)
    stage.later(days=days)
    with on_hold(stage, stage.system, hold_id) as (ctx, hold):
        assert hold_ends.expire(ctx, hold, "expired") is ended
    assert stage.state(Hold, hold_id) == ("expired" if ended else "active")


def test_a_persons_hold_needs_a_second_person(stage: Stage) -> None:
    """A hold over a person that nobody confirmed within three days ends."""
    hold_id = held(stage, "release")
    with stage.refused(Forbidden), on_hold(stage, "Florence", hold_id) as (ctx, hold):
        hold_ends.confirm(ctx, hold)
    with on_hold(stage, stage.system, hold_id) as (ctx, hold):
        assert hold.confirm_by == hold.starts_at + timedelta(hours=72)
        assert hold_ends.expire(ctx, hold, "unconfirmed")
    assert stage.state(Hold, hold_id) == "expired"


def test_a_confirmed_hold_stays(stage: Stage) -> None:
    """Once another person stands behind it, a hold does not end for want of one."""
    hold_id = held(stage, "release")
    with on_hold(stage, "Mary", hold_id) as (ctx, hold):
        hold_ends.confirm(ctx, hold)
    with on_hold(stage, stage.system, hold_id) as (ctx, hold):
        assert not hold_ends.expire(ctx, hold, "unconfirmed")
    assert stage.state(Hold, hold_id) == "active"


@pytest.mark.parametrize(
    ("who", "days", "error", "code"),
    [
        ("Florence", 30, Forbidden, ""),
        ("Mary", 61, Invalid, "too_long"),
    ],
)
def test_renewing_has_limits(
    stage: Stage, who: str, days: int, error: type[Forbidden | Invalid], code: str
) -> None:
    """Whoever placed it does not renew it, and nobody beyond 90 days from its start."""
    hold_id = held(stage, "release")
    with stage.refused(error, code), on_hold(stage, who, hold_id) as (ctx, hold):
        hold_ends.renew(ctx, hold, days)


def test_renewing_makes_it_last_longer(stage: Stage) -> None:
    """A renewal by another person moves the end of the hold, which stops as before."""
    hold_id = held(stage, "release")
    with on_hold(stage, "Mary", hold_id) as (ctx, hold):
        hold_ends.renew(ctx, hold, 60)
        assert hold.expires_at == hold.starts_at + timedelta(days=90)
    with stage.refused(OnHold):
        _approve(stage)


def test_an_ended_hold_does_not_end_again(stage: Stage) -> None:
    """What is over is not lifted a second time."""
    hold_id = held(stage, "release")
    with on_hold(stage, "Florence", hold_id) as (ctx, hold):
        hold_ends.lift(ctx, hold, "It was a mistake.")
    with stage.refused(StateConflict), on_hold(stage, "Florence", hold_id) as (ctx, hold):
        hold_ends.lift(ctx, hold, "Once more.")
