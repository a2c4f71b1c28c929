"""a difference with the processor is explained by one person and approved by another

Revision ID: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "psp_explanation",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("our_minor", sa.BigInteger(), nullable=False),
        sa.Column("psp_minor", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("outcome IN ('approved', 'refused')", name="psp_explanation_outcome_known"),
        sa.CheckConstraint("our_minor <> psp_minor", name="psp_explanation_differs"),
        sa.CheckConstraint(
            "outcome IS DISTINCT FROM 'approved' OR decided_by <> asked_by",
            name="psp_explanation_two_people",
        ),
        sa.CheckConstraint(
            "num_nulls(outcome, decided_by, decided_at) IN (0, 3)",
            name="psp_explanation_decided_whole",
        ),
        sa.PrimaryKeyConstraint("id", name="psp_explanation_pkey"),
    )
    op.create_index(
        "psp_explanation_undecided_key",
        "psp_explanation",
        ["source", "currency"],
        unique=True,
        postgresql_where=sa.text("outcome IS NULL"),
    )
    op.create_index("psp_explanation_source_idx", "psp_explanation", ["source"])
    op.execute("""
        INSERT INTO chart_line (entry_kind, debit_kind, credit_kind, gate) VALUES
            ('psp_difference', 'losses', 'psp_operating', 'none'),
            ('psp_difference', 'psp_operating', 'losses', 'none')
    """)


def downgrade() -> None:
    raise NotImplementedError("Restore the backup made before the upgrade.")
