"""Codes that rows keep: each has one meaning and something that acts on it."""

from __future__ import annotations

import re
from pathlib import Path

from service.core.staff_tasks import TaskType
from service.domain.states.job_types import JobType
from service.domain.states.timeouts import TIMEOUTS
from service.worker import recurring
from service.worker.handlers import DATABASE, OUTSIDE

SOURCES = [
    path
    for path in Path("service").rglob("*.py")
    if path.name not in ("job_types.py", "staff_tasks.py")
]


def test_each_job_has_one_handler() -> None:
    assert DATABASE.keys() | OUTSIDE.keys() == set(JobType)
    assert not DATABASE.keys() & OUTSIDE.keys()


def _named(enum: str) -> set[str]:
    pattern = re.compile(rf"\b{enum}\.([A-Z_0-9]+)\b")
    return {name for path in SOURCES for name in pattern.findall(path.read_text())}


def test_each_job_is_asked_for_by_somebody() -> None:
    """Asked for, not only handled: the handlers' own list is left out."""
    pattern = re.compile(r"\bJobType\.([A-Z_0-9]+)\b")
    asked = {
        name
        for path in SOURCES
        if path.name not in ("handlers.py", "timeouts.py")
        for name in pattern.findall(path.read_text())
    }
    assert asked == {one.name for one in JobType}


def test_each_task_is_opened_somewhere() -> None:
    """Those of money that does not fit are made of the reason why it does not."""
    made_of_reasons = {one.name for one in TaskType if one.name.startswith("PAYMENT_")}
    assert _named("TaskType") | made_of_reasons == {one.name for one in TaskType}


def test_a_time_out_and_recurring_work_name_jobs_that_exist() -> None:
    assert {one.job for one in TIMEOUTS if one.job} <= set(DATABASE) | set(OUTSIDE)
    assert recurring.NEXT.keys() <= set(JobType)
