"""Handing work over and sending it back: no money moves, only the review's clock."""

from __future__ import annotations

from datetime import timedelta

from service.domain.errors import StateConflict
from service.models import Milestone
from service.operations.contracts import milestones
from tests.operations.arranging import released, submitted
from tests.operations.stage import Stage


def test_the_review_window_starts(stage: Stage) -> None:
    """Work that is handed over is released by itself after 14 days unless the client answers."""
    with stage.on(stage.freelancer) as (ctx, contract, milestone):
        milestones.submit(ctx, contract, milestone, "It is done.")
        assert milestone.auto_release_at == ctx.now + timedelta(days=14)
    assert stage.state(Milestone, stage.milestone) == "submitted"
    assert stage.money() == {"escrow": 10_000}


def test_changes_stop_the_clock(stage: Stage) -> None:
    """While changes are asked for nothing is released by itself, and the money stays held."""
    submitted(stage)
    with stage.on(stage.client) as (ctx, contract, milestone):
        milestones.request_changes(ctx, contract, milestone, "The second page is missing.")
        assert milestone.auto_release_at is None
    assert stage.state(Milestone, stage.milestone) == "changes_requested"
    assert stage.money() == {"escrow": 10_000}


def test_work_is_handed_over_again(stage: Stage) -> None:
    """Changed work is a second round with a review window of its own."""
    submitted(stage)
    with stage.on(stage.client) as (ctx, contract, milestone):
        milestones.request_changes(ctx, contract, milestone, "The second page is missing.")
    stage.later(days=10)
    with stage.on(stage.freelancer) as (ctx, contract, milestone):
        milestones.submit(ctx, contract, milestone, "Here it is.")
        assert (milestone.round, milestone.state) == (2, "submitted")
        assert milestone.auto_release_at == ctx.now + timedelta(days=14)


def test_released_work_is_not_handed_over_again(stage: Stage) -> None:
    """What was released is over: a new submission is refused and writes nothing."""
    released(stage)
    with stage.refused(StateConflict), stage.on(stage.freelancer) as (ctx, contract, milestone):
        milestones.submit(ctx, contract, milestone, "Once more.")
