"""each reversal of a transfer with its own amount, and exports by the days of a person's own zone

Revision ID: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Until now a leg had the ids of its reversals and no amounts. One alone took back the whole leg; of several the processor's
# own rows say how much each was. Where these are not there yet, the first stands for what is left.
_CARRIED = """
    INSERT INTO transfer_reversal (id, payout_id, number, amount_minor, seen_at)
    SELECT v.id, s.payout_id, s.number,
           coalesce(p.amount_minor, CASE WHEN v.place = 1 THEN s.reversed_minor - coalesce(k.known, 0) ELSE 0 END),
           coalesce(p.created_at, o.sent_at, o.requested_at)
      FROM payout_source s
      JOIN payout o ON o.id = s.payout_id
     CROSS JOIN LATERAL jsonb_array_elements_text(s.reversal_ids) WITH ORDINALITY AS v (id, place)
      LEFT JOIN LATERAL (SELECT sum(amount_minor) AS amount_minor, min(created_at) AS created_at
                           FROM psp_row WHERE source = v.id HAVING count(*) > 0) p ON true
      LEFT JOIN LATERAL (SELECT sum(amount_minor) AS known FROM psp_row
                          WHERE source IN (SELECT jsonb_array_elements_text(s.reversal_ids))) k ON true
     WHERE coalesce(p.amount_minor, CASE WHEN v.place = 1 THEN s.reversed_minor - coalesce(k.known, 0) ELSE 0 END) > 0
"""


def upgrade() -> None:
    op.create_table(
        "transfer_reversal",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("payout_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name="transfer_reversal_amount_positive"),
        sa.ForeignKeyConstraint(
            ["payout_id", "number"],
            ["payout_source.payout_id", "payout_source.number"],
            name="transfer_reversal_payout_id_number_fkey",
        ),
        sa.PrimaryKeyConstraint("id", name="transfer_reversal_pkey"),
    )
    op.create_index("transfer_reversal_payout_id_number_idx", "transfer_reversal", ["payout_id", "number"])
    op.execute(_CARRIED)
    op.add_column("finance_export", sa.Column("zone", sa.Text(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("Restore the backup made before the upgrade.")
