"""What an action would do, by doing it and taking it back: the preview that cannot differ from the
action.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from service.core.context import Context
from service.domain.states.notifications import (
    CLIENT,
    FREELANCER,
    NOTICES,
    OTHER_CLIENT,
    OTHER_FREELANCER,
)
from service.platform.db import fetch

MOST = 200

_NEWEST = (
    "SELECT (SELECT max(number) FROM event) AS fact, (SELECT max(number) FROM "
    "journal_entry) AS entry"
)
_FACTS = (
    "SELECT type, object_id, data FROM event WHERE number > %s AND request_id = %s ORDER BY "
    "number LIMIT %s"
)
_POSTINGS = """
    SELECT e.kind AS entry, d.kind AS debit, c.kind AS credit, p.amount AS amount_minor, p.currency
      FROM journal_entry e JOIN posting p ON p.entry_id = e.id
      JOIN ledger_account d ON d.id = p.debit_account JOIN ledger_account c
          ON c.id = p.credit_account
     WHERE e.number > %s AND e.xid = pg_current_xact_id()::text::bigint ORDER BY e.number, p.line_no
         LIMIT %s
"""


@dataclass(frozen=True)
class Preview:
    """Facts that would be recorded (type, object_id, data), postings in their order, emails
    (audience, template), and what `look` saw.
    """

    facts: list[Any]
    postings: list[Any]
    emails: list[tuple[str, str]]
    seen: dict[str, Any]


def preview(
    ctx: Context, do: Callable[[Context], Any], look: Callable[[Any], dict[str, Any]] = lambda _: {}
) -> Preview:
    """Carry `do` out in a savepoint, read what it wrote, and undo it.

    `look` reads more of what `do` returned while it is there. Raises whatever `do` raises: a
    refusal shows before the second click exactly as it would after it.
    """
    ctx.session.flush()
    before = fetch(ctx.session, _NEWEST)[0]
    savepoint = ctx.session.begin_nested()
    try:
        made = do(ctx)
        ctx.session.flush()
        facts = fetch(ctx.session, _FACTS, (before.fact or 0, ctx.request_id, MOST))
        postings = fetch(ctx.session, _POSTINGS, (before.entry or 0, MOST))
        seen = look(made)
    finally:
        savepoint.rollback()
    emails = [email for fact in facts for email in _emails(fact)]
    return Preview(facts, postings, emails, seen)


def _emails(fact: Any) -> Iterator[tuple[str, str]]:
    for audience, template in NOTICES.get(fact.type, ()):
        reader = {OTHER_CLIENT: CLIENT, OTHER_FREELANCER: FREELANCER}.get(audience, audience)
        # Nobody is told of what they did themselves.
        if reader == audience or fact.data.get("by") != reader:
            yield reader, template
