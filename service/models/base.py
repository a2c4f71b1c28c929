"""What every table shares: naming of constraints, TypeIDs over UUIDv7, instants with a zone, states
checked by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import uuid_utils
from sqlalchemy import BigInteger, CheckConstraint, DateTime, Dialect, MetaData, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from service.domain.identity import typeid
from service.domain.identity.actors import Actor


class TypeID(TypeDecorator[str]):
    """`ctr_…` in Python, a 16-byte uuid in PostgreSQL.

    A text of another prefix finds nothing and can be stored nowhere.
    """

    impl = PgUUID
    cache_ok = True

    def __init__(self, prefix: str) -> None:
        super().__init__(as_uuid=True)
        self.prefix = typeid.ObjectKind(prefix)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> UUID | None:
        if value is None:
            return None
        if not typeid.is_typeid(value, self.prefix):
            raise ValueError(f"{value[:8]!r} is no id of kind {self.prefix}")
        return typeid.decode(value)

    def process_result_value(self, value: UUID | None, dialect: Dialect) -> str | None:
        return None if value is None else typeid.encode(self.prefix, value)


class ActorText(TypeDecorator[Actor]):
    """An `Actor` in Python, its text in PostgreSQL."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Actor | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Actor | None:
        return None if value is None else Actor.parse(value)


def new_id(prefix: str) -> str:
    """A fresh id; ids made later sort later."""
    return typeid.encode(prefix, UUID(int=uuid_utils.uuid7().int))


def one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    """A CHECK that closes a text column to a list of words."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "pk": "%(table_name)s_pkey",
            "fk": "%(table_name)s_%(column_0_name)s_fkey",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "ix": "%(table_name)s_%(column_0_N_name)s_idx",
            "ck": "%(table_name)s_%(constraint_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012  SQLAlchemy's own name for it
        str: Text(),
        Actor: ActorText(),
        int: BigInteger(),
        datetime: DateTime(timezone=True),
        dict[str, object]: JSONB(),
        dict[str, str]: JSONB(),
        list[str]: JSONB(),
        list[dict[str, object]]: JSONB(),
    }
