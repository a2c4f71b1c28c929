"""who paid: the client, or a colleague to whom the contract was passed on

Revision ID: 0014
"""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE payment ADD COLUMN payer text")


def downgrade() -> None:
    raise NotImplementedError("Restore the backup made before the upgrade.")
