"""Asking for exports, finding them, and keeping what was made."""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass, replace
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.core import events, queue, repository, staff_tasks
from service.core.context import Context
from service.core.repository import EVERYONE, Owner
from service.core.staff_tasks import TaskType
from service.domain.errors import NotFound, StateConflict
from service.domain.states.instants import known_at
from service.domain.states.job_types import JobType
from service.domain.states.names import ExportState
from service.models import ExportPiece, FinanceExport, new_id
from service.models.money.finance import Manifest
from service.platform.locks import Lock, alone

PIECE_BYTES = 1024 * 1024


@dataclass(frozen=True)
class ExportQuestion:
    """`first_day` to `last_day`, both included; `home`: converted to this currency as well;
    `language` is that of a paper.
    """

    name: str
    form: str
    first_day: date
    last_day: date
    as_of: datetime | None = None
    party: str | None = None
    home: str | None = None
    language: str = "en"
    zone: str | None = None
    """Whose days, where not the books'."""

    def digest(self) -> str:
        """The same for the same question, since before there were zones."""
        parts = astuple(self) if self.zone else astuple(self)[:-1]
        return hashlib.sha256("|".join(str(part or "") for part in parts).encode()).hexdigest()


def ask(ctx: Context, wanted: ExportQuestion) -> FinanceExport:
    """Ask for an export; the worker makes it.

    The same question about the same knowledge finds the one that was asked for before.

    `as_of` is now when it is not said. Raises Invalid for one in the future.
    """
    known = known_at(wanted.as_of, ctx.now)
    asked = replace(wanted, as_of=known)
    question = asked.digest()
    alone(ctx.session, Lock.EXPORT, question)
    found = ctx.session.execute(
        select(FinanceExport).where(FinanceExport.question == question)
    ).scalar_one_or_none()
    if found is not None:
        return found
    made = FinanceExport(
        id=new_id("exp"),
        question=question,
        name=asked.name,
        format=asked.form,
        first_day=asked.first_day,
        last_day=asked.last_day,
        as_of=known,
        party=asked.party,
        home=asked.home,
        language=asked.language,
        state=ExportState.QUEUED,
        rows_done=0,
        problem=None,
        manifest=None,
        asked_by=ctx.actor,
        asked_at=ctx.now,
        finished_at=None,
        zone=asked.zone,
    )
    ctx.session.add(made)
    events.record(ctx, "export.asked", made, public=False, export=asked.name, party=asked.party)
    queue.enqueue(ctx, JobType.EXPORT_MAKE, made.id)
    return made


def find(session: Session, export_id: str, *, party: Owner) -> FinanceExport:
    """Finance sees all (`party` EVERYONE), a freelancer their own. Raises NotFound."""
    missing, whose = "There is no such export.", FinanceExport.party
    found: FinanceExport = repository.owned(
        session, FinanceExport, "exp", export_id, owner=party, missing=missing, whose=whose
    )
    return found


def listed(session: Session, *, party: Owner, after: str | None, limit: int) -> list[FinanceExport]:
    """Newest first, one more than `limit` when there are more."""
    query = select(FinanceExport).order_by(FinanceExport.id.desc()).limit(limit + 1)
    if party is not EVERYONE:
        query = query.where(FinanceExport.party == party)
    if after:
        query = query.where(FinanceExport.id < after)
    return list(session.execute(query).scalars())


def began(ctx: Context, export_id: str) -> FinanceExport | None:
    """Take it in hand; pieces of an attempt that died are overwritten by the names' new ones.

    None when it is done.
    """
    found = ctx.session.get_one(FinanceExport, export_id, with_for_update=True)
    if found.state in (ExportState.READY, ExportState.FAILED):
        return None
    found.state, found.rows_done = "running", 0
    return found


def progressed(ctx: Context, export_id: str, rows_done: int) -> None:
    ctx.session.get_one(FinanceExport, export_id).rows_done = rows_done


def keep(ctx: Context, export_id: str, name: str, number: int, data: bytes) -> None:
    ctx.session.add(ExportPiece(export_id=export_id, name=name, number=number, data=data))


def finished(ctx: Context, export_id: str, rows_done: int, manifest: Manifest) -> None:
    """It has proved itself, and everything is kept."""
    found = ctx.session.get_one(FinanceExport, export_id)
    found.state, found.rows_done, found.manifest, found.finished_at = (
        "ready",
        rows_done,
        manifest,
        ctx.now,
    )


def failed(ctx: Context, export_id: str, problem: str) -> None:
    """Its own check found a difference: nobody gets it, and somebody has to look."""
    found = refused(ctx, export_id, problem)
    staff_tasks.open_task(
        ctx, TaskType.EXPORT_FAILED, export_id, export=found.name, problem=problem[:300]
    )


def refused(ctx: Context, export_id: str, problem: str) -> FinanceExport:
    """It cannot be had like this, as when a sheet is too small for it; who asked reads why."""
    found = ctx.session.get_one(FinanceExport, export_id)
    found.state, found.problem, found.finished_at = "failed", problem[:2_000], ctx.now
    return found


def pieces(session: Session, export: FinanceExport, name: str) -> int:
    """How many pieces one of its files has.

    Raises NotFound for a name that it does not have, StateConflict before it is ready.
    """
    if export.state != ExportState.READY:
        raise StateConflict(
            "This export cannot be downloaded.",
            {"current_state": export.state, "allowed_actions": []},
        )
    query = (
        select(func.count())
        .select_from(ExportPiece)
        .where(ExportPiece.export_id == export.id, ExportPiece.name == name)
    )
    count = int(session.execute(query).scalar_one())
    if not count:
        raise NotFound("The export has no such file.")
    return count


def piece(session: Session, export_id: str, name: str, number: int) -> bytes:
    return session.get_one(ExportPiece, (export_id, name, number)).data
