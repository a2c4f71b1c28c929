"""What the sides of a dispute show: words and files, hashed, never changed, never taken away."""

from __future__ import annotations

import hashlib

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import events
from service.core.context import Context
from service.domain.errors import StateConflict
from service.models import Contract, Dispute, DisputeEvidence, File, new_id

MOST_EVIDENCE = 60


def show(
    ctx: Context, contract: Contract, dispute: Dispute, side: str, words: str, file: File | None
) -> DisputeEvidence:
    """Add evidence: words, or a file, or both.

    It can never be changed or taken away. Raises StateConflict.
    """
    if dispute.closed_at is not None:
        raise StateConflict(
            "The dispute is over.", {"current_state": dispute.state, "allowed_actions": []}
        )
    if len(evidence_of(ctx.session, dispute)) >= MOST_EVIDENCE:
        raise StateConflict(
            "There is enough evidence.", {"current_state": dispute.state, "allowed_actions": []}
        )
    digest = hashlib.sha256(words.encode() + (file.sha256.encode() if file else b"")).hexdigest()
    shown = DisputeEvidence(
        id=new_id("evd"),
        dispute_id=dispute.id,
        shown_by=side,
        words=words,
        file_id=file.id if file else None,
        sha256=digest,
        shown_at=ctx.now,
    )
    ctx.session.add(shown)
    events.record(
        ctx,
        "dispute.evidence_added",
        dispute,
        contract=contract,
        by=side,
        evidence=shown.id,
        sha256=digest,
    )
    return shown


def evidence_of(session: Session, dispute: Dispute) -> list[DisputeEvidence]:
    """Everything that was shown, oldest first."""
    return list(
        session.execute(
            select(DisputeEvidence)
            .where(DisputeEvidence.dispute_id == dispute.id)
            .order_by(DisputeEvidence.id)
            .limit(MOST_EVIDENCE)
        ).scalars()
    )
