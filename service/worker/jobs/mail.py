"""Sending an email: compose in a transaction, hand it to the mail server outside, write down that
it left.
"""

from __future__ import annotations

from service.core import staff_tasks
from service.core.queue import ClaimedJob
from service.core.runtime import Runtime
from service.core.staff_tasks import TaskType
from service.domain.states.names import MessageState
from service.gateways import GatewayRefused
from service.models import Message
from service.platform.failpoint import failpoint
from service.worker.emails.composition import compose


def send(runtime: Runtime, job: ClaimedJob) -> None:
    """At least once: after a crash in between an email may come twice, never not at all."""
    with runtime.context(f"job:{job.id}") as ctx:
        message = ctx.session.get_one(Message, job.subject)
        if message.state != MessageState.QUEUED:
            return
        email = compose(runtime, ctx, message)
    try:
        runtime.mail.send(email)
        state = "sent"
    except GatewayRefused:
        state = "bounced"
    failpoint("after_mail_sent")
    with runtime.context(f"job:{job.id}") as ctx:
        message = ctx.session.get_one(Message, job.subject, with_for_update=True)
        if message.state == MessageState.QUEUED:
            message.state = state
            message.sent_at = ctx.now
            message.bounced_at = ctx.now if state == "bounced" else None
            if state == "bounced":
                staff_tasks.open_task(
                    ctx, TaskType.LETTER_REFUSED, message.id, template=message.template
                )
