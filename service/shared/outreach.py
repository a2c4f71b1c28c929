"""How often a freelancer may have us write to somebody, and whether they may make new offers now.

Counted in PostgreSQL by the service's clock, so it holds over all processes: per freelancer, and
per mailbox whoever writes to it. The numbers are policy data (`windows.yaml`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import events, repository, staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.errors import Invalid, NotFound, OffersPaused, OutreachLimited
from service.domain.identity import typeid
from service.domain.identity.typeid import ObjectKind
from service.models import PAUSE_OUTCOMES, Contract, OfferPause, Outreach, new_id
from service.platform.db import fetch
from service.platform.locks import Lock, alone
from service.shared import clients

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


class EmailKind(StrEnum):
    """What writes to somebody at once: by a freelancer, or by a client to a mailbox that they
    name.
    """

    OFFER = "offer"
    REVISION = "revision"
    REMINDER = "reminder"
    LINK = "link"
    AMENDMENT = "amendment"
    PASSED_ON = "passed_on"
    MOVED = "moved"


@dataclass(frozen=True)
class _Rule:
    column: str
    value: object
    most: int
    span: timedelta
    said: str


def count(ctx: Context, contract: Contract, kind: EmailKind, to: str | None = None) -> None:
    """Count an email to the contract's client, or to the address `to`.

    Raises OutreachLimited with the seconds after which there is room again.
    """
    mailbox = clients.mailbox(to or contract.client.email)
    sender = typeid.decode(contract.freelancer_id)
    # One at a time per sender and per mailbox: whoever comes next counts what was counted before.
    for name in (str(sender), mailbox):
        alone(ctx.session, Lock.OUTREACH, f"outreach:{name}")
    for rule in _rules(ctx, sender, mailbox):
        _refuse(ctx, rule)
    # Written with the rest at the end: a contract that is on its way from one state to another is
    # not flushed here.
    ctx.session.add(
        Outreach(freelancer_id=contract.freelancer_id, mailbox=mailbox, kind=kind, at=ctx.now)
    )


def _rules(ctx: Context, sender: UUID, mailbox: str) -> tuple[_Rule, ...]:
    windows = ctx.policies.windows
    return (
        _Rule(
            "freelancer_id",
            sender,
            windows.letters_per_hour,
            _HOUR,
            "You have written to clients very often within the hour.",
        ),
        _Rule(
            "freelancer_id",
            sender,
            windows.letters_per_day,
            _DAY,
            "You have written to clients very often within a day.",
        ),
        _Rule(
            "mailbox",
            mailbox,
            windows.letters_to_mailbox_per_hour,
            _HOUR,
            "This mailbox has got many letters within the hour.",
        ),
        _Rule(
            "mailbox",
            mailbox,
            windows.letters_to_mailbox_per_day,
            _DAY,
            "This mailbox has got many letters within a day.",
        ),
    )


def _refuse(ctx: Context, rule: _Rule) -> None:
    query = (
        f"SELECT at FROM outreach WHERE {rule.column} = %s AND at > %s ORDER BY at DESC "
        "OFFSET %s LIMIT 1"
    )
    full_since = fetch(ctx.session, query, (rule.value, ctx.now - rule.span, rule.most - 1))
    if full_since:
        wait = max(1, int((full_since[0].at + rule.span - ctx.now).total_seconds()) + 1)
        raise OutreachLimited(f"{rule.said} Nothing was sent.", {"retry_after": wait})


def require_no_pause(session: Session, freelancer_id: str) -> None:
    """Raises OffersPaused, which says what happens next."""
    pause = running_pause(session, freelancer_id)
    if pause is None:
        return
    if pause.outcome == "kept":
        raise OffersPaused(
            f"New offers stay paused. Reason: {pause.words} Contracts that you have go on. Write "
            "to support if that is wrong.",
            {"pause": pause.id, "paused_since": pause.started_at.isoformat(), "looked_at": True},
        )
    raise OffersPaused(
        "Somebody to whom you offered a contract told us that they do not know you. New offers "
        "wait until a person of ours has looked,"
        " usually within two business days; contracts that you have go on, and you get an e-mail.",
        {"pause": pause.id, "paused_since": pause.started_at.isoformat(), "looked_at": False},
    )


def running_pause(session: Session, freelancer_id: str, *, lock: bool = False) -> OfferPause | None:
    """The one that stops this freelancer's new offers, if any; none for what is no freelancer."""
    if not typeid.is_typeid(freelancer_id, ObjectKind.FREELANCER):
        return None
    query = select(OfferPause).where(
        OfferPause.freelancer_id == freelancer_id, OfferPause.outcome.is_distinct_from("lifted")
    )
    return session.execute(query.with_for_update() if lock else query).scalar_one_or_none()


def pause(ctx: Context, contract: Contract) -> None:
    """The client does not know who offers them a contract: new offers of that person wait for a
    person of staff.
    """
    alone(ctx.session, Lock.OUTREACH, f"pause:{contract.freelancer_id}")
    if running_pause(ctx.session, contract.freelancer_id) is not None:
        return
    made = OfferPause(
        id=new_id("ofp"),
        freelancer_id=contract.freelancer_id,
        contract_id=contract.id,
        started_at=ctx.now,
        outcome=None,
        words=None,
        decided_by=None,
        decided_at=None,
    )
    ctx.session.add(made)
    ctx.session.flush()
    events.record(
        ctx,
        "offers.paused",
        repository.freelancer(ctx.session, contract.freelancer_id),
        pause=made.id,
    )
    staff_tasks.open_task(
        ctx, TaskType.OFFERS_PAUSED, contract.freelancer_id, pause=made.id, contract=contract.id
    )


def decide(ctx: Context, freelancer_id: str, outcome: str, words: str) -> OfferPause:
    """Lift the pause, or keep it; the freelancer reads why.

    What was kept can be lifted later. Raises NotFound, Invalid.
    """
    if outcome not in PAUSE_OUTCOMES:
        raise Invalid.one("/outcome", "unknown_outcome", f"One of {', '.join(PAUSE_OUTCOMES)}.")
    found = (
        running_pause(ctx.session, freelancer_id, lock=True)
        if typeid.is_typeid(freelancer_id, "frl")
        else None
    )
    if found is None:
        raise NotFound("New offers of this person are not paused.")
    found.outcome, found.words, found.decided_by, found.decided_at = (
        outcome,
        words,
        ctx.actor,
        ctx.now,
    )
    person = repository.freelancer(ctx.session, freelancer_id)
    events.record(
        ctx,
        "offers.resumed" if outcome == "lifted" else "offers.kept_paused",
        person,
        pause=found.id,
        words=words,
    )
    staff_tasks.close_task(ctx, TaskType.OFFERS_PAUSED, freelancer_id)
    return found
