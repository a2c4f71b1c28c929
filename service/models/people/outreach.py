"""What a freelancer has us write to somebody, and the pause after somebody said that they do not
know them.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from service.domain.identity.actors import Actor
from service.models.base import Base, TypeID, one_of

PAUSE_OUTCOMES = ("lifted", "kept")


class Outreach(Base):
    """One email that was caused: counted by sender and by mailbox, over all processes."""

    __tablename__ = "outreach"
    __table_args__ = (
        Index("outreach_by_sender_idx", "freelancer_id", "at"),
        Index("outreach_by_mailbox_idx", "mailbox", "at"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    freelancer_id: Mapped[str] = mapped_column(TypeID("frl"), ForeignKey("freelancer.id"))
    mailbox: Mapped[str]
    """Where it goes, without what makes two addresses of one mailbox."""
    kind: Mapped[str]
    at: Mapped[datetime]


class OfferPause(Base):
    """A freelancer's new offers wait until a person of staff has looked.

    Kept, they wait on; lifted, it is over.
    """

    __tablename__ = "offer_pause"
    __table_args__ = (
        one_of("outcome", PAUSE_OUTCOMES),
        CheckConstraint(
            "num_nulls(outcome, words, decided_by, decided_at) IN (0, 4)", name="decided_whole"
        ),
        Index(
            "offer_pause_one_running_key",
            "freelancer_id",
            unique=True,
            postgresql_where="outcome IS DISTINCT FROM 'lifted'",
        ),
    )

    id: Mapped[str] = mapped_column(TypeID("ofp"), primary_key=True)
    freelancer_id: Mapped[str] = mapped_column(TypeID("frl"), ForeignKey("freelancer.id"))
    contract_id: Mapped[str] = mapped_column(TypeID("ctr"), ForeignKey("contract.id"))
    started_at: Mapped[datetime]
    outcome: Mapped[str | None]
    words: Mapped[str | None]
    """Why it was lifted or kept; the freelancer reads it."""
    decided_by: Mapped[Actor | None]
    decided_at: Mapped[datetime | None]
