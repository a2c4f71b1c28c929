"""receipts as they were written, and papers as they were given

Revision ID: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "receipt",
        sa.Column("payment_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name="receipt_payment_id_fkey"),
        sa.PrimaryKeyConstraint("payment_id", name="receipt_pkey"),
    )
    op.create_table(
        "given_paper",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('receipt', 'invoice', 'case_statement')", name="given_paper_kind_known"),
        sa.PrimaryKeyConstraint("kind", "subject_id", "form", name="given_paper_pkey"),
    )


def downgrade() -> None:
    raise NotImplementedError("What was given is not taken back.")
