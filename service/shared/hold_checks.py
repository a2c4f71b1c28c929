"""Which hold stops something now, and the refusal that says so.

The ledger has its own gates: this is what people are told first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from service.core.context import Context
from service.domain.errors import OnHold
from service.domain.identity import actors, typeid
from service.domain.identity.actors import ActorKind
from service.domain.states.restrictions import SCOPES
from service.models import Contract, Hold
from service.platform.db import fetch


@dataclass(frozen=True)
class HoldTerms:
    """What a hold is to be.

    `subject` is an id of a freelancer, client, contract, milestone, payment or payout; empty scopes
    mean the reason's.
    """

    subject: str
    reason_code: str
    clause: str
    facts: str
    scopes: tuple[str, ...] = ()
    amount_minor: int | None = None
    currency: str | None = None
    expires_at: datetime | None = None
    disclosure: str = "full"
    internal_note: str = ""
    rule_id: str | None = None
    requires: tuple[str, ...] | None = None


_STOPPING = """
    SELECT id FROM hold
     WHERE subject_id IN (SELECT unnest(%(given)s::uuid[]) UNION ALL SELECT payment_id
         FROM payment_line WHERE funded AND milestone_id = ANY (%(given)s))
       AND scopes ?| %(scopes)s AND amount_minor IS NULL
           AND state IN ('active', 'in_review', 'converted')
     ORDER BY starts_at, id LIMIT %(most)s
"""
NEUTRAL = (
    "This is not possible at the moment. We are looking into something that concerns this contract."
)


def subjects_of(contract: Contract, *more: str) -> list[str]:
    """Everything whose holds reach a contract: itself, both people, and whatever is named
    besides.
    """
    return [contract.id, contract.freelancer_id, contract.client_id, *more]


def stopping(session: Session, scope: str, subjects: list[str]) -> Hold | None:
    """The oldest hold in force that stops `scope` for any of the subjects (ids of any kind)."""
    found = _in_force(session, subjects, [scope], 1)
    return found[0] if found else None


def _in_force(session: Session, subjects: list[str], scopes: list[str], most: int) -> list[Hold]:
    """Holds that reach the subjects; a milestone is reached by those on the payment that funded it
    as well.
    """
    given = {"given": [typeid.decode(one) for one in subjects], "scopes": scopes, "most": most}
    return [
        session.get_one(Hold, typeid.encode("hld", row.id))
        for row in fetch(session, _STOPPING, given)
    ]


def refuse(ctx: Context, scope: str, subjects: list[str]) -> None:
    """Raises OnHold while a hold stops this; whom it is about is told the reason, anybody else that
    it is so and until when.
    """
    hold = stopping(ctx.session, scope, subjects)
    if hold is None:
        return
    own = hold.freelancer_id is not None and ctx.actor == actors.freelancer(hold.freelancer_id)
    raise on_hold(hold, concerns_reader=own or ctx.actor.kind is ActorKind.STAFF)


def on_hold(hold: Hold, *, concerns_reader: bool) -> OnHold:
    """The refusal: whom it concerns reads the reason and which hold it is; anybody else a neutral
    sentence and the date.
    """
    extra: dict[str, Any] = {"next_decision_at": next_decision_at(hold).isoformat()}
    if not concerns_reader or hold.disclosure == "restricted":
        return OnHold(
            NEUTRAL,
            extra | {"public_reason": NEUTRAL} | ({"hold": hold.id} if concerns_reader else {}),
        )
    return OnHold(
        f"This is on hold: {hold.reason_code.replace('_', ' ')}.",
        extra | {"hold": hold.id, "public_reason": hold.facts},
    )


def next_decision_at(hold: Hold) -> datetime:
    """By when something is decided: its review, its confirmation, or its end, whichever comes
    first.
    """
    return min(
        at for at in (hold.review_due_at, hold.confirm_by, hold.expires_at) if at is not None
    )


def in_force(session: Session, subjects: list[str]) -> list[Hold]:
    """Every hold that reaches any of the subjects now, oldest first, at most 100."""
    return _in_force(session, subjects, list(SCOPES), 100)
