"""How a contract's text came to be what it is: every version that was sent, what the client asked
to change, amendments.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from service.domain.states.lifecycle import AMENDMENT
from service.models.base import Base, TypeID, one_of


class ContractText(Base):
    """A version of the text as it was sent or amended, with the hash of the one before it.

    Append-only.
    """

    __tablename__ = "contract_text"

    contract_id: Mapped[str] = mapped_column(
        TypeID("ctr"), ForeignKey("contract.id"), primary_key=True
    )
    text_version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[dict[str, object]]
    text_hash: Mapped[str]
    previous_hash: Mapped[str | None]
    made_at: Mapped[datetime]


class ChangeRequest(Base):
    """The client would agree to something else: which topics, and in their words."""

    __tablename__ = "change_request"
    __table_args__ = (Index("change_request_by_contract_idx", "contract_id"),)

    id: Mapped[str] = mapped_column(TypeID("chr"), primary_key=True)
    contract_id: Mapped[str] = mapped_column(TypeID("ctr"), ForeignKey("contract.id"))
    text_version: Mapped[int]
    topics: Mapped[list[str]]
    words: Mapped[str]
    asked_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    answer: Mapped[str | None]


class Amendment(Base):
    """New terms for an accepted contract, proposed by one and binding once the other agrees.

    One is open at a time.
    """

    __tablename__ = "amendment"
    __table_args__ = (
        one_of("state", AMENDMENT.states),
        one_of("proposed_by", ("freelancer", "client")),
        CheckConstraint("converts_to IN ('byoc', 'marketplace')", name="converts_to_known"),
        Index(
            "amendment_one_open_idx",
            "contract_id",
            unique=True,
            postgresql_where="state = 'proposed'",
        ),
    )

    id: Mapped[str] = mapped_column(TypeID("amd"), primary_key=True)
    contract_id: Mapped[str] = mapped_column(TypeID("ctr"), ForeignKey("contract.id"))
    state: Mapped[str]
    proposed_by: Mapped[str]
    base_text_version: Mapped[int]
    note: Mapped[str]
    milestones: Mapped[list[dict[str, object]]]
    """The whole list as it shall be: {id?, title, amount, due_on}; milestones that are left out are
    dropped.
    """
    differences: Mapped[list[dict[str, object]]]
    converts_to: Mapped[str | None]
    """The kind of the new contract in which the unpaid milestones shall go on; None for an ordinary
    amendment.
    """
    proposed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
