"""Reading the golden year's exports."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import frictionless

from service.exports import generation, periods, registry
from service.exports.definitions import Column, ExportRequest
from tests.finance.golden import Golden

EXPECTED: dict[str, Any] = json.loads((Path(__file__).parent / "expected.json").read_text())


def now_of(year: Golden) -> datetime:
    """Everything is known that happened; of what is later nothing can be asked."""
    return datetime.fromisoformat(year.world.sandbox.now())


def made(
    year: Golden,
    folder: Path,
    code: str,
    period: str,
    *,
    form: str = "csv",
    as_of: datetime | None = None,
    party: str | None = None,
) -> generation.ExportFile:
    """The file of an export; as known now when no instant is said."""
    asked = ExportRequest(
        *periods.parse(period), as_of or now_of(year), party, zone=year.world.settings.book_zone
    )
    with year.world.db.transaction() as session:
        return generation.make(
            session, registry.find(code), asked, form, folder, year.world.settings.signing_key
        )


def rows(year: Golden, folder: Path, code: str, period: str, **more: Any) -> list[dict[str, str]]:
    with made(year, folder, code, period, **more).path.open(newline="") as file:
        return list(csv.DictReader(file))


def cents(text: str) -> int:
    """'-12.34' is -1234."""
    assert text[-3] == "."
    return int(text.replace(".", ""))


def schema_accepts(done: generation.ExportFile, code: str) -> None:
    """A table schema made of the export's columns accepts the file, which has rows, and refuses a
    decimal comma or a day that is none.
    """
    export, folder = registry.find(code), str(done.path.parent)
    assert done.rows
    schema = frictionless.Schema.from_descriptor(
        {"fields": [_field(column) for column in export.columns]}
    )
    assert (
        frictionless.Resource(path=done.path.name, basepath=folder, schema=schema).validate().valid
    )
    lines = list(csv.reader(done.path.open(newline="")))
    place = next(
        i
        for i, column in enumerate(export.columns)
        if column.kind in ("amount", "decimal", "day") and lines[1][i]
    )
    lines[1][place] = lines[1][place].replace(".", ",") if "." in lines[1][place] else "31.12.2025"
    with (done.path.parent / "twin.csv").open("w", newline="") as file:
        csv.writer(file).writerows(lines)
    assert (
        not frictionless.Resource(path="twin.csv", basepath=folder, schema=schema).validate().valid
    )


def _field(column: Column) -> dict[str, Any]:
    kinds = {"amount": "number", "decimal": "number", "number": "integer", "day": "date"}
    return {"name": column.name, "type": kinds.get(column.kind, "string")}
