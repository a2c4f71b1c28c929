"""letters are counted by sender and by mailbox, and new offers can pause

Revision ID: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ID = postgresql.UUID(as_uuid=True)


def upgrade() -> None:
    op.create_table(
        "outreach",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("freelancer_id", _ID, nullable=False),
        sa.Column("mailbox", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["freelancer_id"], ["freelancer.id"], name="outreach_freelancer_id_fkey"
        ),
        sa.PrimaryKeyConstraint("id", name="outreach_pkey"),
    )
    op.create_index("outreach_by_sender_idx", "outreach", ["freelancer_id", "at"])
    op.create_index("outreach_by_mailbox_idx", "outreach", ["mailbox", "at"])
    op.create_table(
        "offer_pause",
        sa.Column("id", _ID, nullable=False),
        sa.Column("freelancer_id", _ID, nullable=False),
        sa.Column("contract_id", _ID, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("outcome IN ('lifted', 'kept')", name="offer_pause_outcome_known"),
        sa.CheckConstraint(
            "num_nulls(outcome, words, decided_by, decided_at) IN (0, 4)",
            name="offer_pause_decided_whole",
        ),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name="offer_pause_contract_id_fkey"
        ),
        sa.ForeignKeyConstraint(
            ["freelancer_id"], ["freelancer.id"], name="offer_pause_freelancer_id_fkey"
        ),
        sa.PrimaryKeyConstraint("id", name="offer_pause_pkey"),
    )
    op.create_index(
        "offer_pause_one_running_key",
        "offer_pause",
        ["freelancer_id"],
        unique=True,
        postgresql_where=sa.text("outcome IS DISTINCT FROM 'lifted'"),
    )


def downgrade() -> None:
    raise NotImplementedError("Restore the backup made before the upgrade.")
