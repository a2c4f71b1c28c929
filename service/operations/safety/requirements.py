"""What a person on hold is asked for: they give it, and staff take it or ask again."""

from __future__ import annotations

from collections.abc import Sequence

from service.core import events, staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.errors import NotFound, StateConflict
from service.domain.states.names import HoldState, RequirementState
from service.models import File, Hold, Requirement


def _of(hold: Hold, requirement_id: str) -> Requirement:
    found = next((r for r in hold.requirements if r.id == requirement_id), None)
    if found is None:
        raise NotFound("There is no such requirement.")
    return found


def answer(
    ctx: Context, hold: Hold, requirement_id: str, words: str, files: Sequence[File] = ()
) -> Requirement:
    """The person gives what they were asked for. Raises NotFound, StateConflict."""
    if hold.ended_at is not None:
        raise StateConflict(
            "This hold is over.", {"current_state": hold.state, "allowed_actions": []}
        )
    found = _of(hold, requirement_id)
    if found.state not in (RequirementState.OPEN, RequirementState.REFUSED):
        raise StateConflict(
            "This was given already.", {"current_state": found.state, "allowed_actions": []}
        )
    found.state, found.answer, found.file_ids, found.answered_at = (
        "given",
        words,
        [f.id for f in files],
        ctx.now,
    )
    if hold.state == HoldState.ACTIVE:
        events.transition(ctx, hold, "review", requirement=found.kind)
    events.record(ctx, "hold.requirement_given", hold, requirement=found.id)
    staff_tasks.open_task(ctx, TaskType.REQUIREMENT_GIVEN, hold.id, requirement=found.kind)
    return found


def judge(ctx: Context, hold: Hold, requirement_id: str, *, accepted: bool) -> Requirement:
    """Staff take what was given, or ask for it again. Raises NotFound, StateConflict."""
    found = _of(hold, requirement_id)
    if found.state != RequirementState.GIVEN:
        raise StateConflict(
            "Nothing was given yet.", {"current_state": found.state, "allowed_actions": []}
        )
    found.state = RequirementState.ACCEPTED if accepted else RequirementState.REFUSED
    if not any(one.state == RequirementState.GIVEN for one in hold.requirements):
        staff_tasks.close_task(ctx, TaskType.REQUIREMENT_GIVEN, hold.id)
    events.record(ctx, "hold.requirement_judged", hold, requirement=found.id, accepted=accepted)
    return found
