"""An export as Parquet, for programs that compute: typed columns, amounts exact.

Needs the extra `holdfast[parquet]`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

from service.exports.definitions import Cell, Export
from service.exports.reading import BATCH, Columns

_GROUP_ROWS = 20_000
OFFERED = find_spec("pyarrow") is not None
"""pyarrow is larger than everything else together: only who wants the format installs it."""


def as_parquet(export: Export, batches: Iterable[Columns], target: Path) -> None:
    """Amounts are decimals with three digits after the point, the most that a currency has.

    The same rows give the same bytes.
    """
    import pyarrow as pa  # noqa: PLC0415  an extra
    import pyarrow.parquet as pq  # noqa: PLC0415

    kinds = {
        "amount": pa.decimal128(21, 3),
        "decimal": pa.decimal128(31, 10),
        "number": pa.int64(),
        "day": pa.date32(),
        "instant": pa.timestamp("us", tz="UTC"),
    }
    schema = pa.schema(
        [(column.name, kinds.get(column.kind, pa.string())) for column in export.columns]
    )
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for cells in _larger(batches):
            arrays = [
                pa.array(
                    [_typed(column.kind, text) for text in texts], schema.field(column.name).type
                )
                for column, texts in zip(export.columns, cells, strict=True)
            ]
            writer.write_table(pa.table(arrays, schema=schema))


def _larger(batches: Iterable[Columns]) -> Iterator[Columns]:
    """As many as make a group of rows in the file."""
    every = iter(batches)
    while some := list(islice(every, _GROUP_ROWS // BATCH)):
        yield [[text for batch in some for text in batch[place]] for place in range(len(some[0]))]


def _typed(kind: str, text: str) -> Cell:
    if not text:
        return None
    if kind in ("amount", "decimal"):
        return Decimal(text)
    if kind == "number":
        return int(text)
    if kind == "day":
        return date.fromisoformat(text)
    return (
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
        if kind == "instant"
        else text
    )
