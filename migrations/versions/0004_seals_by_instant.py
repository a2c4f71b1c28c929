"""what was known at an instant is found by the seals' own time

Revision ID: 0004
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ledger_seal_by_instant_idx", "ledger_seal", ["sealed_at", "position"])


def downgrade() -> None:
    op.drop_index("ledger_seal_by_instant_idx", "ledger_seal")
