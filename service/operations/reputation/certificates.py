"""Certificates of earnings: kept as they were issued, checked by anybody with the code, replaced
and revoked with a reason.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import events, repository
from service.core.context import Context
from service.core.repository import EVERYONE, Owner
from service.domain.errors import StateConflict
from service.models import Certificate, new_id

_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_code() -> str:
    """Twelve characters that nobody mixes up or guesses (58 bits)."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3))


def keep(
    ctx: Context,
    freelancer_id: str,
    code: str,
    first_day: date,
    last_day: date,
    language: str,
    content: dict[str, Any],
    pdf: bytes,
) -> Certificate:
    """Keep a new one; one about the same person and period before it is superseded by it."""
    made = Certificate(
        id=new_id("crt"),
        code=code,
        freelancer_id=freelancer_id,
        first_day=first_day,
        last_day=last_day,
        language=language,
        content=content,
        sha256=hashlib.sha256(pdf).hexdigest(),
        pdf=pdf,
        issued_at=ctx.now,
        superseded_by=None,
        revoked_at=None,
        revoked_reason=None,
    )
    ctx.session.add(made)
    ctx.session.flush()
    same = select(Certificate).where(
        Certificate.freelancer_id == freelancer_id,
        Certificate.first_day == first_day,
        Certificate.last_day == last_day,
        Certificate.superseded_by.is_(None),
        Certificate.id != made.id,
    )
    for old in ctx.session.execute(same.with_for_update()).scalars():
        old.superseded_by = made.id
    events.record(ctx, "certificate.issued", made, public=False)
    return made


def revoke(ctx: Context, found: Certificate, reason: str) -> None:
    """It stays readable as revoked, with the reason. Raises StateConflict when it is already."""
    if found.revoked_at is not None:
        raise StateConflict(
            "It is revoked already.", {"current_state": "revoked", "allowed_actions": []}
        )
    found.revoked_at, found.revoked_reason = ctx.now, reason
    events.record(ctx, "certificate.revoked", found, public=False, reason=reason)


def state(found: Certificate) -> str:
    if found.revoked_at:
        return "revoked"
    return "superseded" if found.superseded_by else "valid"


def find(session: Session, certificate_id: str, *, owner: Owner, lock: bool = False) -> Certificate:
    """Raises NotFound."""
    found: Certificate = repository.owned(
        session,
        Certificate,
        "crt",
        certificate_id,
        owner=owner,
        missing="There is no such certificate.",
        lock=lock,
    )
    return found


def by_code(session: Session, code: str) -> Certificate | None:
    """For anybody who holds the paper."""
    return session.execute(
        select(Certificate).where(Certificate.code == code.strip().upper()[:20])
    ).scalar_one_or_none()


def listed(session: Session, *, owner: Owner, after: str | None, limit: int) -> list[Certificate]:
    """Newest first, one more than `limit` when there are more."""
    query = select(Certificate).order_by(Certificate.id.desc()).limit(limit + 1)
    if owner is not EVERYONE:
        query = query.where(Certificate.freelancer_id == owner)
    return list(session.execute(query.where(Certificate.id < after) if after else query).scalars())
