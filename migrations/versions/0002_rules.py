"""what PostgreSQL itself refuses, and what the application role may do

Revision ID: 0002
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

RULES = Path(__file__).resolve().parents[1] / "sql"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in ("chart", "ledger", "append_only", "lifecycle", "holds", "exports", "rights", "rows"):
        # Straight to the driver: SQLAlchemy would take `:=` and `::` for parameters.
        op.get_bind().connection.dbapi_connection.execute((RULES / f"0002_{name}.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("Going back before the first release means an empty database.")
