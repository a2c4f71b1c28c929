"""a case may pay for what a bank has pulled for the same contract

Revision ID: 0005
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE case_line ADD COLUMN chargeback_id uuid CONSTRAINT case_line_chargeback_id_fkey REFERENCES chargeback,
            DROP CONSTRAINT case_line_target_known,
            ADD CONSTRAINT case_line_target_known CHECK (target IN ('client', 'same_contract_refund', 'same_contract_chargeback',
                'authority', 'proven_loss', 'remainder_to_person', 'forfeit')),
            ADD CONSTRAINT case_line_of_a_chargeback CHECK ((target = 'same_contract_chargeback') = (chargeback_id IS NOT NULL))
    """)
    op.execute("CREATE INDEX case_line_chargeback_id_idx ON case_line (chargeback_id)")
    op.execute("""
        ALTER TABLE chargeback_line DROP CONSTRAINT chargeback_line_place_known,
            ADD CONSTRAINT chargeback_line_place_known
                CHECK (place IN ('escrow', 'unclaimed', 'pending', 'available', 'paid_out', 'platform', 'cleared'))
    """)
    op.execute("""
        INSERT INTO chart_line (entry_kind, debit_kind, credit_kind, gate) VALUES
            ('case_chargeback', 'confiscated', 'chargeback_receivable', 'none'),
            ('case_chargeback', 'psp_operating', 'psp_trust', 'none'),
            ('chargeback_won', 'psp_trust', 'confiscated', 'none')
    """)


def downgrade() -> None:
    raise NotImplementedError("Restore the backup made before the upgrade.")
