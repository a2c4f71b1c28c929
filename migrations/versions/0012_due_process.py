"""approvals of a case say which answer they read; a case may be changed in part, by an appeal

Revision ID: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("confiscation", sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "case_line",
        sa.Column("restored_parts", sa.BigInteger(), nullable=False, server_default="0"),
    )
    op.add_column("case_approval", sa.Column("answer_read_at", sa.DateTime(timezone=True), nullable=True))
    # Until now an answer was given once, and an approval after it had read it.
    op.execute("ALTER TABLE case_approval DISABLE TRIGGER append_only")
    op.execute("""
        UPDATE case_approval a SET answer_read_at = c.answered_at
          FROM confiscation c WHERE c.id = a.case_id
    """)
    op.execute("ALTER TABLE case_approval ENABLE TRIGGER append_only")
    op.execute("""
        ALTER TABLE case_approval DROP CONSTRAINT case_approval_pkey,
            ADD CONSTRAINT case_approval_pkey PRIMARY KEY (case_id, approved_by, approved_at)
    """)
    op.execute("""
        INSERT INTO lifecycle_hop (machine, source, target) VALUES
            ('confiscation', 'answered', 'answered'),
            ('confiscation', 'approved', 'answered')
    """)
    op.execute("UPDATE case_line SET restored_parts = 1 WHERE restored_minor > 0 AND target <> 'remainder_to_person'")


def downgrade() -> None:
    raise NotImplementedError("Restore the backup made before the upgrade.")
