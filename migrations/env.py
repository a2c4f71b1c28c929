"""Alembic's entry. Runs as the schema owner; `service.platform.db.migrate` gives it the connection."""

from __future__ import annotations

from alembic import context
from alembic.autogenerate.api import AutogenContext

from service.models import Base, TypeID


def _ours(name: str | None, kind: str, parents: object) -> bool:
    return kind != "table" or name in Base.metadata.tables


def _plain(kind: str, item: object, autogen: AutogenContext) -> str | bool:
    """A migration stands on its own: our column type is written as what it is in PostgreSQL."""
    if kind == "type" and isinstance(item, TypeID):
        return "postgresql.UUID(as_uuid=True)"
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    version_table_schema="hf",
    include_name=_ours,
    render_item=_plain,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
