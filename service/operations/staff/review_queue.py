"""What waits for a person of staff, and why it is near the top."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import or_, select

from service.core.context import Context
from service.domain.states.names import CaseState, HoldState, RequirementState
from service.models import (
    Appeal,
    Confiscation,
    Hold,
    Requirement,
)
from service.operations.staff import lookup


@dataclass
class QueueItem:
    """One thing in the queue. Its score is the sum of `parts`, each of which is shown."""

    subject: str
    kind: str
    what: str
    since: datetime
    due_at: datetime | None
    hold_id: str | None = None
    parts: dict[str, int] = field(default_factory=dict)

    @property
    def score(self) -> int:
        return sum(self.parts.values())


def waiting(ctx: Context) -> list[QueueItem]:
    """Holds to confirm or to look at, answers to judge, appeals and cases, the most urgent first;
    at most 200.
    """
    found = [*_holds(ctx), *_answers(ctx), *_appeals(ctx), *_cases(ctx)]
    for one in found:
        one.parts = _parts(ctx.now, one)
    return sorted(found, key=lambda w: (-w.score, w.since))


def _parts(now: datetime, one: QueueItem) -> dict[str, int]:
    """Overdue before nearly due before old: a promise with a date comes first."""
    parts = {"days waiting": min((now - one.since).days, 30)}
    if one.due_at is not None and one.due_at <= now:
        parts["overdue"] = 100
    elif one.due_at is not None and one.due_at <= now + timedelta(hours=24):
        parts["due within a day"] = 50
    if one.kind == "appeals":
        parts["appeal"] = 20
    return {name: points for name, points in parts.items() if points}


def _holds(ctx: Context) -> list[QueueItem]:
    unconfirmed = Hold.confirm_by.is_not(None) & Hold.confirmed_by.is_(None)
    query = (
        select(Hold)
        .where(
            Hold.state.in_((HoldState.ACTIVE, HoldState.IN_REVIEW)),
            or_(unconfirmed, Hold.state == HoldState.ACTIVE),
        )
        .order_by(Hold.id)
        .limit(lookup.MOST)
    )
    out = []
    for hold in ctx.session.execute(query).scalars():
        confirm = hold.confirm_by is not None and hold.confirmed_by is None
        what = (
            "A second person has to confirm this hold"
            if confirm
            else "Nobody has looked at this hold yet"
        )
        out.append(
            QueueItem(
                hold.id,
                "holds",
                what,
                hold.starts_at,
                hold.confirm_by if confirm else hold.review_due_at,
                hold.id,
            )
        )
    return out


def _answers(ctx: Context) -> list[QueueItem]:
    query = (
        select(Requirement)
        .join(Hold)
        .where(Requirement.state == RequirementState.GIVEN, Hold.ended_at.is_(None))
        .order_by(Requirement.answered_at)
        .limit(lookup.MOST)
    )
    return [
        QueueItem(
            r.hold_id,
            "holds",
            f"An answer came: {r.kind.replace('_', ' ')}",
            r.answered_at or ctx.now,
            None,
            r.hold_id,
        )
        for r in ctx.session.execute(query).scalars()
    ]


def _appeals(ctx: Context) -> list[QueueItem]:
    query = (
        select(Appeal)
        .where(Appeal.decided_at.is_(None))
        .order_by(Appeal.filed_at)
        .limit(lookup.MOST)
    )
    return [
        QueueItem(
            a.id,
            "appeals",
            "Decide this appeal" if a.reviewed_by else "Take this appeal in hand",
            a.filed_at,
            a.decide_by if a.reviewed_by else a.first_answer_by,
            a.hold_id,
        )
        for a in ctx.session.execute(query).scalars()
    ]


def _cases(ctx: Context) -> list[QueueItem]:
    query = (
        select(Confiscation)
        .where(
            Confiscation.state.in_(
                (CaseState.DRAFTED, CaseState.NOTICED, CaseState.ANSWERED, CaseState.APPROVED)
            )
        )
        .order_by(Confiscation.id)
        .limit(lookup.MOST)
    )
    out = []
    for case in ctx.session.execute(query).scalars():
        heard = case.answer_until is not None and case.answer_until <= ctx.now
        what = {
            "drafted": "Send the notice of this case, or drop it",
            "approved": "Carry this case out" if heard else "Approved; the time to answer runs",
        }.get(case.state, f"{2 - len(case.agreed)} more people have to agree to this case")
        out.append(
            QueueItem(
                case.id,
                "cases",
                what,
                case.opened_at,
                None if heard else case.answer_until,
                case.hold_id,
            )
        )
    return out
