"""how often somebody has called in a minute, shared by all processes

Revision ID: 0013
"""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Unlogged: a crash forgets counts of the last minutes, and a flood writes no log.
    op.execute("""
        CREATE UNLOGGED TABLE rate_window (
            caller text NOT NULL,
            started_at timestamptz NOT NULL,
            calls bigint NOT NULL,
            CONSTRAINT rate_window_pkey PRIMARY KEY (caller, started_at)
        )
    """)


def downgrade() -> None:
    raise NotImplementedError("Restore the backup made before the upgrade.")
