"""which jobs wait for a hold to end: said by a column, not by the text of their last error

Another state of its own would leave two rows where a job is asked for again while it is parked: a
parked job still waits, and is looked at now and then.

Revision ID: 0015
"""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE job ADD COLUMN parked boolean NOT NULL DEFAULT false")
    op.execute(
        "UPDATE job SET parked = true WHERE state = 'waiting' AND last_error LIKE 'OnHold: %'"
    )


def downgrade() -> None:
    raise NotImplementedError("Restore the backup made before the upgrade.")
