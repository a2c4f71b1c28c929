"""The worker: place what is new, do what is due, rest when there is nothing.

A job that fails is tried again later, then set aside.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

import structlog

from service.core import queue, staff_tasks
from service.core.queue import ClaimedJob
from service.core.runtime import Runtime
from service.core.staff_tasks import TaskType
from service.domain.errors import HoldfastError, OnHold
from service.gateways import GatewayError
from service.platform.failpoint import failpoint
from service.worker import handlers, recurring, sequencer

_REST_SECONDS = 0.1
_log = structlog.get_logger()


class ExtraWork(Protocol):
    """Work of another kind that the same loop does: the sandbox's."""

    def run_one(self) -> bool: ...


class Worker:
    """One loop. Any number of them may run, in threads or processes."""

    def __init__(self, runtime: Runtime, extra: ExtraWork | None = None) -> None:
        self._ctx, self._extra = runtime, extra

    def run_one(self) -> bool:
        """One piece of work. Returns False when nothing is due."""
        did = sequencer.run_one(self._ctx)
        did = self._job() or did
        return (self._extra is not None and self._extra.run_one()) or did

    def drain(self, limit: int = 100_000) -> bool:
        """Work until nothing is due. Returns False when `limit` pieces were not enough."""
        for _ in range(limit):
            if not self.run_one():
                return True
        return False

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; the piece in hand is finished first.

        A database that is away is waited for.
        """
        while not stop.is_set():
            try:
                if not self.run_one():
                    stop.wait(_REST_SECONDS)
            except HoldfastError as error:
                _log.warning("worker.waits", code=error.code)
                stop.wait(1)

    def _job(self) -> bool:
        with self._ctx.db.transaction() as session:
            job = queue.claim(session)
        if job is None:
            return False
        failpoint("after_claim")
        try:
            handlers.run(self._ctx, job)
        except OnHold as error:
            with self._ctx.context(f"job:{job.id}") as ctx:
                queue.park(ctx.session, job, ctx.now, f"OnHold: {error}")
        except (HoldfastError, GatewayError) as error:
            # Expected: a race that somebody else won, Stripe away.
            self._failed(job, f"{type(error).__name__}: {error}", expected=True)
        except Exception as error:
            # A bug must not stop the other jobs; it is logged with its trace and ends among the
            # dead jobs.
            _log.exception("job.failed", kind=job.code, subject=job.subject)
            self._failed(job, f"{type(error).__name__}", expected=False)
        return True

    def _failed(self, job: ClaimedJob, error: str, *, expected: bool) -> None:
        with self._ctx.context(f"job:{job.id}") as ctx:
            dead = queue.fail(ctx.session, job, ctx.now, error)
            if dead:
                staff_tasks.open_task(
                    ctx,
                    TaskType.JOB_DEAD,
                    str(job.id),
                    kind=job.code,
                    subject=job.subject,
                    error=error,
                )
            if dead and job.code in recurring.NEXT:
                recurring.plan(ctx, job.type)
        _log.warning(
            "job.retry" if not dead else "job.dead",
            kind=job.code,
            subject=job.subject,
            attempts=job.attempts,
            error=error,
            expected=expected,
        )


def run_threads(make: Callable[[], Worker], count: int, stop: threading.Event) -> None:
    """Run `count` loops until `stop` is set."""
    threads = [
        threading.Thread(target=make().run, args=(stop,), name=f"worker-{i}") for i in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
