"""Every e-mail that the service sent, as a person's mailbox would show it."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import NotRequired, Protocol, TypedDict

from sqlalchemy import text
from sqlalchemy.orm import Session

from service.gateways.mail import Email
from service.platform import clock
from service.platform.db import Database
from service.sandbox.errors import StripeRefusal

_CODE = re.compile(r"\b([0-9]{6})\b")
_SHOWN = 200


def deliver(db: Database, mail: Email) -> None:
    """Take an email in.

    An email that comes twice lies in the mailbox twice, as it would in life.
    """
    mime = mail.as_mime()
    with db.transaction() as session:
        session.execute(
            text(
                "INSERT INTO sandbox.mail (message_id, recipient, subject, body, html, headers, "
                "sent_at)"
                " VALUES (:message_id, :to, :subject, :body, :html, CAST(:headers AS jsonb), :now)"
            ),
            {
                "message_id": mime["Message-ID"],
                "to": mail.to.lower(),
                "subject": mail.subject,
                "body": mail.text,
                "html": mail.html,
                "headers": json.dumps(
                    {k: str(v) for k, v in mime.items() if not k.lower().startswith("content")}
                ),
                "now": clock.now(session),
            },
        )


class MailboxEmail(TypedDict):
    """An email as the mailbox shows it; `code` is the six digits of a code mail."""

    id: int
    to: str
    subject: str
    text: str
    html: str
    links: list[str]
    headers: dict[str, str]
    sent_at: str
    code: NotRequired[str]


class _Row(Protocol):
    id: int
    recipient: str
    subject: str
    body: str
    html: str
    headers: dict[str, str]
    sent_at: datetime


def emails(session: Session, to: str | None, public_url: str) -> list[MailboxEmail]:
    """Newest first, at most 200.

    `links` are the service's own addresses in the text; `code` is the six digits of a code mail.
    """
    query = "SELECT id, recipient, subject, body, html, headers, sent_at FROM sandbox.mail"
    rows = session.execute(
        text(
            f"{query} WHERE CAST(:to AS text) IS NULL OR recipient = :to ORDER BY id DESC LIMIT "
            f"{_SHOWN}"
        ),
        {"to": to.lower() if to else None},
    )
    return [_shown(row, public_url) for row in rows]


def email(session: Session, number: int) -> MailboxEmail:
    row = session.execute(
        text(
            "SELECT id, recipient, subject, body, html, headers, sent_at FROM sandbox.mail WHERE "
            "id = :id"
        ),
        {"id": number},
    ).one_or_none()
    if row is None:
        raise StripeRefusal(404, "not_found", "There is no such letter.")
    return _shown(row, "")


def _shown(row: _Row, public_url: str) -> MailboxEmail:
    code = _CODE.search(row.body) if "code" in row.subject.lower() else None
    links = re.findall(re.escape(public_url) + r"/[^\s<>\"]+", row.body) if public_url else []
    shown: MailboxEmail = {
        "id": row.id,
        "to": row.recipient,
        "subject": row.subject,
        "text": row.body,
        "html": row.html,
        "links": links,
        "headers": row.headers,
        "sent_at": row.sent_at.isoformat(),
    }
    if code:
        shown["code"] = code[1]
    return shown
