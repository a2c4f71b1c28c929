"""Cases as tests need them: drafted, agreed to by two, carried out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from service.core.context import Context
from service.operations.safety import case_drafts
from service.operations.safety.case_drafts import CaseRequest
from service.workflows import staff_actions
from tests.operations.arranging import held
from tests.operations.stage import Stage


def draft_under(stage: Stage, hold_id: str, *lines: CaseRequest) -> str:
    with by(stage, "Florence") as ctx:
        hold = staff_actions.hold(ctx, hold_id)
        return case_drafts.open_case(
            ctx, hold, "USD", "Terms, section 9", "The work was stolen.", [], list(lines)
        ).id


def draft(stage: Stage, *lines: CaseRequest) -> str:
    """A hold and a case of these lines under it, both by Florence; the case's id."""
    return draft_under(stage, held(stage, "release", "refund", "outflow"), *lines)


def from_escrow(stage: Stage, amount_minor: int = 10_000, target: str = "client") -> CaseRequest:
    return CaseRequest("escrow", amount_minor, target, stage.milestone)


@contextmanager
def by(stage: Stage, who: str) -> Iterator[Context]:
    with stage.acting(stage.staff(who)) as ctx:
        yield ctx


def approved(stage: Stage, *lines: CaseRequest) -> str:
    """Noticed, the time to answer over, and agreed to by Mary and Olympe."""
    case_id = draft(stage, *lines)
    with by(stage, "Florence") as ctx:
        staff_actions.notice(ctx, case_id)
    stage.later(days=14)
    for who in ("Mary", "Olympe"):
        with by(stage, who) as ctx:
            staff_actions.approve(ctx, case_id)
    return case_id


def executed(stage: Stage, *lines: CaseRequest) -> str:
    case_id = approved(stage, *lines)
    with by(stage, "Mary") as ctx:
        staff_actions.execute(ctx, case_id)
    return case_id
