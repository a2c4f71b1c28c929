"""The security period: released money waits five days before it can be paid out."""

from __future__ import annotations

from sqlalchemy import select

from service.models import Release
from service.operations.contracts import milestones
from tests.operations.arranging import released
from tests.operations.stage import Stage


def _settle(stage: Stage) -> bool:
    with stage.acting(stage.system) as ctx:
        release_id = ctx.session.execute(select(Release.id)).scalar_one()
        return milestones.settle_pending(ctx, release_id)


def test_pending_money_becomes_available_after_five_days(stage: Stage) -> None:
    """At the end of the security period all that is pending is available."""
    released(stage)
    assert stage.balance() == {"pending": 9_500}
    stage.later(days=5)
    assert _settle(stage)
    assert stage.balance() == {"available": 9_500}


def test_not_a_day_earlier(stage: Stage) -> None:
    """Before the security period is over nothing moves, however often it is tried."""
    released(stage)
    stage.later(days=4, hours=23)
    assert not _settle(stage)
    assert stage.balance() == {"pending": 9_500}


def test_once(stage: Stage) -> None:
    """A release that is available already is not made available again."""
    released(stage)
    stage.later(days=5)
    assert _settle(stage)
    assert not _settle(stage)
    assert stage.balance() == {"available": 9_500}
