"""what a posting is about, and whose it is, in columns

Revision ID: 0003
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = Path(__file__).resolve().parents[1] / "sql" / "0003_typed_ledger.sql"


def upgrade() -> None:
    # Straight to the driver: SQLAlchemy would take `:=` and `::` for parameters.
    op.get_bind().connection.dbapi_connection.execute(STATEMENTS.read_text())


def downgrade() -> None:
    raise NotImplementedError("A ledger is not turned back: restore the backup made before the upgrade.")
