"""Emails that came back, and emails that somebody called a nuisance, as the mail provider tells
it.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from service.core import staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.identity import typeid
from service.domain.identity.typeid import ObjectKind
from service.domain.states.names import MessageState
from service.models import Message

NEWS = ("bounced", "complained")
LONGEST = timedelta(days=30)
"""Providers tell within hours, at most days. What comes later is a copy of something old."""


def take(ctx: Context, message_id: str, news: str) -> bool:
    """Mark the email.

    Returns False when that was known, or the email is not ours or long gone: then nothing changes.
    """
    own = message_id.strip("<>").partition("@")[0]
    if not typeid.is_typeid(own, ObjectKind.MESSAGE):
        return False
    query = select(Message).where(Message.id == own, Message.created_at > ctx.now - LONGEST)
    found = ctx.session.execute(query.with_for_update()).scalar_one_or_none()
    if found is None or found.state not in (MessageState.QUEUED, MessageState.SENT):
        return False
    found.state, found.bounced_at = "bounced", ctx.now
    if news == "complained":
        staff_tasks.open_task(ctx, TaskType.MAIL_COMPLAINT, found.id, template=found.template)
    return True
