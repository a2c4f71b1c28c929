"""what PostgreSQL itself refuses, and what the application role may do

Revision ID: 0002
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

from service.domain.chart import ACCOUNTS, ENTRIES
from service.domain.lifecycle import MACHINES, hops

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

RULES = Path(__file__).resolve().parents[1] / "sql"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in ("chart", "ledger", "append_only", "lifecycle", "holds", "exports", "rights"):
        # Straight to the driver: SQLAlchemy would take `:=` and `::` for parameters.
        op.get_bind().connection.dbapi_connection.execute((RULES / f"0002_{name}.sql").read_text())
    for account in ACCOUNTS.values():
        op.execute(
            "INSERT INTO chart_account (kind, normal_side, bounded, trust_side)"
            f" VALUES ('{account.name}', '{account.side}', {account.bounded}, {account.trust_side})"
        )
    for entry in ENTRIES.values():
        for debit, credit in entry.lines:
            op.execute(f"INSERT INTO chart_line (entry_kind, debit_kind, credit_kind, gate) VALUES ('{entry.name}', '{debit}', '{credit}', '{entry.gate}')")
    for machine in MACHINES:
        for source, target in hops(machine):
            op.execute(f"INSERT INTO lifecycle_hop (machine, source, target) VALUES ('{machine}', '{source}', '{target}')")


def downgrade() -> None:
    raise NotImplementedError("Going back before the first release means an empty database.")
