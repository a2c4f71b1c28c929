"""What waits for a person: tasks of staff, one open at a time for each cause and object."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TypedDict

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from service.core.context import Context
from service.models import StaffTask
from service.models.base import new_id

Detail = str | int | bool | None | list[str] | dict[str, int]


class TaskType(StrEnum):
    """Why a person has to look, by the code that rows and the API keep; codes are never reused."""

    APPEAL_FIRST_ANSWER = "appeal_first_answer"
    APPEAL_OVERDUE = "appeal_overdue"
    APPROVE_CLOSE = "approve_close"
    APPROVE_EXPLANATION = "approve_explanation"
    APPROVE_FLOAT = "approve_float"
    AUTO_RELEASE_WITHOUT_NOTICE = "auto_release_without_notice"
    BOOKS_DIFFER = "books_differ"
    CASE_CHARGEBACK_WON = "case_chargeback_won"
    CHARGEBACK = "chargeback"
    CHARGEBACK_NOT_OURS = "chargeback_not_ours"
    CHARGEBACK_RESERVE_OVER = "chargeback_reserve_over"
    CHARGEBACK_UNKNOWN_STATUS = "chargeback_unknown_status"
    DISPUTE_DECISION = "dispute_decision"
    DISPUTE_DECISION_OVERDUE = "dispute_decision_overdue"
    DISPUTE_HARD_STOP = "dispute_hard_stop"
    DISPUTE_MEDIATION = "dispute_mediation"
    DISPUTE_MEDIATION_OVERDUE = "dispute_mediation_overdue"
    EARLY_FRAUD_WARNING = "early_fraud_warning"
    EMAIL_CHANGE_STOPPED = "email_change_stopped"
    EVENT_NOT_ANNOUNCED = "event_not_announced"
    EVIDENCE_WITHOUT_PAPER = "evidence_without_paper"
    EXPORT_FAILED = "export_failed"
    HOLD_REVIEW_DUE = "hold_review_due"
    HOLDING_LIMIT_NEAR = "holding_limit_near"
    HOLDING_LIMIT_REACHED = "holding_limit_reached"
    JOB_DEAD = "job_dead"
    LETTER_REFUSED = "letter_refused"
    MAIL_COMPLAINT = "mail_complaint"
    OFFERS_PAUSED = "offers_paused"
    OPERATING_BELOW_FLOOR = "operating_below_floor"
    PAYMENT_CLOSED = "payment_closed"
    PAYMENT_DOUBLE = "payment_double"
    PAYMENT_WRONG_AMOUNT = "payment_wrong_amount"
    PAYMENT_WRONG_CURRENCY = "payment_wrong_currency"
    PAYOUT_HELD = "payout_held"
    PAYOUT_WAITS = "payout_waits"
    PSP_ROW_DIFFERS = "psp_row_differs"
    PSP_ROW_UNSAYABLE = "psp_row_unsayable"
    REFUND_FAILED = "refund_failed"
    REFUND_OUTSIDE = "refund_outside"
    RELEASE_ON_HOLD = "release_on_hold"
    REQUIREMENT_GIVEN = "requirement_given"
    RULE_FIRED = "rule_fired"
    STRIPE_DIFFERS = "stripe_differs"
    SUSPENSION_LONG = "suspension_long"
    SWEEP_REFUSED = "sweep_refused"
    TRANSFER_REVERSED_OUTSIDE = "transfer_reversed_outside"
    UNKNOWN_PERSON = "unknown_person"


class OpenTask(TypedDict):
    """`subject` is the id of what it is about."""

    kind: str
    subject: str
    detail: dict[str, Detail]
    opened_at: datetime


def open_task(ctx: Context, task: TaskType, subject: str, /, **detail: Detail) -> None:
    """Something that a person must look at; one open task per (task, subject)."""
    statement = insert(StaffTask).values(
        id=new_id("tsk"), kind=task, subject=subject, detail=detail, opened_at=ctx.now
    )
    ctx.session.execute(statement.on_conflict_do_nothing())


_CLOSE_TASK = text(
    "UPDATE staff_task SET closed_at = :now WHERE kind = :kind AND subject = :subject AND "
    "closed_at IS NULL"
)


def close_task(ctx: Context, task: TaskType, subject: str) -> None:
    """What a person had to look at is done."""
    ctx.session.execute(_CLOSE_TASK, {"now": ctx.now, "kind": task, "subject": subject})


_TASKS = text(
    "SELECT kind, subject, detail, opened_at FROM staff_task WHERE closed_at IS NULL ORDER BY "
    "opened_at LIMIT :limit"
)


def open_tasks(session: Session, limit: int = 100) -> list[OpenTask]:
    """What waits for a person, longest first."""
    return [
        OpenTask(kind=row.kind, subject=row.subject, detail=row.detail, opened_at=row.opened_at)
        for row in session.execute(_TASKS, {"limit": limit})
    ]
