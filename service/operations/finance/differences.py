"""A difference with the processor that a person has understood: one explains it, another approves,
the platform bears it.

What nobody can mend elsewhere (a fee that has no name, a reversal that was never told) would keep a
month open for ever. The explanation is booked against the platform's own money, never against
anybody else's, on the day of the difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import four_eyes, staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.errors import Forbidden, NotFound, StateConflict
from service.domain.identity import typeid
from service.domain.identity.typeid import ObjectKind
from service.ledger import entries, post
from service.models import Explanation, new_id
from service.platform.db import fetch

MOST = 200

_OPEN = """
    SELECT source, currency, our_minor, psp_minor, since, result FROM psp_match
     WHERE result <> 'equal' ORDER BY since, source LIMIT %s
"""
_ONE = """
    SELECT source, currency, our_minor, psp_minor, since, result FROM psp_match
     WHERE result <> 'equal' AND source = %s AND currency = %s
"""
# An entry counts for the comparison once it has its position, which it gets a moment after the
# commit.
_UNDER_WAY = """
    SELECT 1 FROM psp_explanation x LEFT JOIN journal_entry e ON e.cause_id = x.id
     WHERE x.source = %s AND x.currency = %s
       AND (x.outcome IS NULL OR (x.outcome = 'approved' AND e.position IS NULL))
"""


@dataclass(frozen=True)
class Difference:
    """Of one thing at the processor: what our records say it did to the platform's balance, and
    what theirs say.
    """

    source: str
    currency: str
    our_minor: int
    psp_minor: int
    since: datetime
    result: str

    @property
    def amount_minor(self) -> int:
        """What the processor has more (or, below zero, less) than the books."""
        return self.psp_minor - self.our_minor


def present(session: Session) -> list[Difference]:
    """What differs now, oldest first; at most 200."""
    return [Difference(*row) for row in fetch(session, _OPEN, (MOST,))]


def explanations(session: Session) -> list[Explanation]:
    """The newest 200 explanations, whatever became of them."""
    newest = select(Explanation).order_by(Explanation.id.desc()).limit(MOST)
    return list(session.execute(newest).scalars())


def explain(
    ctx: Context, source: str, currency: str, amount_minor: int, reason: str
) -> Explanation:
    """Ask that the platform bears a difference of `amount_minor` (theirs less ours), with the
    reason why.

    Raises NotFound when nothing differs there, StateConflict when it is another amount or an
    explanation is under way.
    """
    found = _difference(ctx.session, source, currency)
    if found.amount_minor != amount_minor:
        raise _changed(found)
    if fetch(ctx.session, _UNDER_WAY, (source, currency)):
        raise StateConflict(
            "This difference has an explanation that is not decided, or was decided a moment ago.",
            {"current_state": "asked", "allowed_actions": ["approve", "refuse"]},
        )
    made = Explanation(
        id=new_id(ObjectKind.EXPLANATION),
        source=source,
        currency=currency,
        our_minor=found.our_minor,
        psp_minor=found.psp_minor,
        since=found.since,
        reason=reason,
        asked_by=ctx.actor,
        asked_at=ctx.now,
    )
    ctx.session.add(made)
    staff_tasks.open_task(
        ctx,
        TaskType.APPROVE_EXPLANATION,
        made.id,
        source=source,
        currency=currency,
        amount=amount_minor,
    )
    return made


def approve(ctx: Context, asked: Explanation) -> None:
    """Another person agrees; the books say from now on what the processor says.

    Raises Forbidden for whoever asked, StateConflict when it is decided or the difference is
    another one by now.
    """
    _decide(ctx, asked, "approved")
    if four_eyes.is_one_of(ctx, asked.asked_by):
        raise Forbidden("Another person has to approve.")
    found = _difference(ctx.session, asked.source, asked.currency)
    if (found.our_minor, found.psp_minor) != (asked.our_minor, asked.psp_minor):
        raise _changed(found)
    post(
        ctx.at(found.since),
        entries.psp_difference(
            asked.id, found.amount_minor, asked.currency, f"{asked.source}: {asked.reason}"
        ),
    )


def refuse(ctx: Context, asked: Explanation) -> None:
    """Not so, or not any more: whoever asked may take it back too. Raises StateConflict."""
    _decide(ctx, asked, "refused")


def find(session: Session, explanation_id: str) -> Explanation:
    """One explanation, locked until the end of the transaction. Raises NotFound."""
    query = select(Explanation).where(Explanation.id == explanation_id).with_for_update()
    known = typeid.is_typeid(explanation_id, ObjectKind.EXPLANATION)
    found = session.execute(query).scalar_one_or_none() if known else None
    if found is None:
        raise NotFound("There is no such explanation.")
    return found


def _decide(ctx: Context, asked: Explanation, outcome: str) -> None:
    if asked.outcome is not None:
        decided: dict[str, Any] = {"current_state": asked.outcome, "allowed_actions": []}
        raise StateConflict("This explanation is decided.", decided)
    asked.outcome, asked.decided_by, asked.decided_at = outcome, ctx.actor, ctx.now
    staff_tasks.close_task(ctx, TaskType.APPROVE_EXPLANATION, asked.id)


def _difference(session: Session, source: str, currency: str) -> Difference:
    rows = fetch(session, _ONE, (source, currency))
    if not rows:
        raise NotFound("Nothing differs there.")
    return Difference(*rows[0])


def _changed(found: Difference) -> StateConflict:
    return StateConflict(
        f"The difference is {found.amount_minor} by now. Look again.",
        {"current_state": found.result, "allowed_actions": [], "amount": found.amount_minor},
    )
