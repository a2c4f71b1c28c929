"""people of staff are rows, their keys belong to them, and a key of theirs is made by two of them

Revision ID: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_STAFF = "('finance', 'safety', 'approver', 'reviewer', 'admin')"

# Keys of the same name are one person's: whoever used two of them was one pair of eyes all the time. A key without a name
# says of nobody that they are somebody else, so it is a person of its own, called by its role and its last letters.
_PEOPLE = f"""
    CREATE TEMPORARY TABLE person_of_key ON COMMIT DROP AS
    SELECT k.id AS key_id, k.role, k.created_at, k.revoked_at,
           CASE WHEN btrim(coalesce(k.name, '')) = '' THEN k.role || ' …' || k.hint
                ELSE regexp_replace(btrim(k.name), '\\s+', ' ', 'g') END AS name,
           CASE WHEN btrim(coalesce(k.name, '')) = '' THEN k.id::text
                ELSE lower(regexp_replace(btrim(k.name), '\\s+', ' ', 'g')) END AS same
      FROM hf.api_key k WHERE k.role IN {_STAFF};
    CREATE TEMPORARY TABLE person ON COMMIT DROP AS
    SELECT gen_random_uuid() AS id, same, (array_agg(name ORDER BY created_at, key_id))[1] AS name,
           jsonb_agg(DISTINCT role) AS roles, min(created_at) AS created_at,
           CASE WHEN bool_and(revoked_at IS NOT NULL) THEN max(revoked_at) END AS ended_at
      FROM person_of_key GROUP BY same;
    INSERT INTO hf.staff_member (id, name, email, roles, created_by, created_at, ended_at)
    SELECT id, name, NULL, roles, 'system', created_at, ended_at FROM person;
    UPDATE hf.api_key k SET staff_id = p.id FROM person_of_key o JOIN person p USING (same) WHERE o.key_id = k.id;
    DROP TABLE person, person_of_key;
"""

# A key that has all that its role had has all that its role has now. One that was made for less stays with less: what
# `payments:read` allowed beyond reading is gone from it.
_PERMISSIONS = """
    UPDATE hf.api_key k SET scopes = now_has.scopes
      FROM (VALUES
        ('freelancer', '["contracts:read", "contracts:write", "payments:read", "links:write", "payouts:write", "disputes:write",
                         "webhooks:write", "events:read"]'::jsonb,
         '["certificates:write", "exports:read", "exports:write"]'::jsonb),
        ('platform', '["contracts:read", "contracts:write", "payments:read", "links:write", "payouts:write", "disputes:write",
                       "webhooks:write", "events:read", "keys:write", "suspensions:write", "sandbox"]',
         '["certificates:write", "keys:read"]'),
        ('finance', '["finance:read", "finance:export", "finance:act", "finance:tax", "contracts:read", "payments:read", "events:read"]',
         '["certificates:write", "exports:read", "exports:write", "tax:read"]'),
        ('approver', '["safety:read", "safety:approve", "finance:read", "finance:approve", "disputes:rule"]',
         '["staff:approve", "staff:read"]'),
        ('admin', '["keys:write", "finance:read", "safety:read", "events:read", "contracts:read", "payments:read", "sandbox"]',
         '["keys:read", "staff:approve", "staff:read", "staff:write"]')
      ) AS had (role, scopes, more)
      CROSS JOIN LATERAL (SELECT jsonb_agg(one ORDER BY one) AS scopes
                            FROM jsonb_array_elements_text(had.scopes || had.more) AS one) AS now_has
     WHERE k.role = had.role AND k.scopes @> had.scopes;
    UPDATE hf.api_key SET scopes = scopes || '["exports:read"]'
     WHERE NOT scopes ? 'exports:read' AND scopes ? 'payments:read' AND (role = 'freelancer' OR scopes ? 'finance:export');
    UPDATE hf.api_key SET scopes = scopes || '["exports:write"]' WHERE scopes ? 'finance:export' AND NOT scopes ? 'exports:write';
    UPDATE hf.api_key SET scopes = scopes || '["keys:read"]' WHERE scopes ? 'keys:write' AND NOT scopes ? 'keys:read';
    UPDATE hf.api_key SET scopes = scopes || '["tax:read"]' WHERE scopes ? 'finance:tax' AND NOT scopes ? 'tax:read';
"""


def upgrade() -> None:
    op.create_table(
        "staff_member",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("roles", postgresql.JSONB(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("btrim(name) <> ''", name="staff_member_has_name"),
        sa.PrimaryKeyConstraint("id", name="staff_member_pkey"),
    )
    op.create_index("staff_member_email_key", "staff_member", ["email"], unique=True)
    op.add_column("api_key", sa.Column("staff_id", postgresql.UUID(as_uuid=True), nullable=True))
    op.create_foreign_key("api_key_staff_id_fkey", "api_key", "staff_member", ["staff_id"], ["id"])
    op.create_index("api_key_staff_id_idx", "api_key", ["staff_id"])
    op.execute(_PEOPLE)
    op.execute(_PERMISSIONS)
    op.create_check_constraint("api_key_staff_key_has_person", "api_key", f"(role IN {_STAFF}) = (staff_id IS NOT NULL)")
    op.create_table(
        "key_request",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("staff_id", postgresql.UUID(as_uuid=True), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("key_id", postgresql.UUID(as_uuid=True), nullable=True),
        sa.CheckConstraint(
            "role IN ('platform', 'finance', 'safety', 'approver', 'reviewer', 'admin')",
            name="key_request_role_known",
        ),
        sa.CheckConstraint("num_nulls(approved_by, approved_at, key_id) IN (0, 3)", name="key_request_approved_whole"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_member.id"], name="key_request_staff_id_fkey"),
        sa.ForeignKeyConstraint(["key_id"], ["api_key.id"], name="key_request_key_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="key_request_pkey"),
    )
    op.add_column("hold", sa.Column("renewed_by", sa.Text(), nullable=True))
    op.add_column("confiscation", sa.Column("ended_by", sa.Text(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("Restore the backup made before the upgrade.")
