"""Make an export: read in one snapshot, write as the rows come, prove the sums by another way,
sign. Constant memory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import text
from sqlalchemy.orm import Session

from service import __version__
from service.documents.wording import LANGUAGES
from service.domain.errors import Invalid
from service.domain.money.money import CURRENCIES
from service.exports import manifest
from service.exports.definitions import Export, ExportRequest, plain_amount
from service.exports.documents import summary
from service.exports.formats import parquet, plain_text_accounting
from service.exports.formats.delimited import as_csv, as_jsonl, as_texts, as_upwork, rows_in
from service.exports.formats.workbook import as_xlsx
from service.exports.proofs import Proof, difference
from service.exports.reading import BATCH, Columns, parameters, typed_rows, written
from service.ledger import hash_chain

FORMATS = ("csv", "xlsx", "jsonl")
INLINE_ROWS = 10_000
_PROGRESS_ROWS = 5_000
Progress = Callable[[int], None]


class CheckFailed(Exception):
    """The export's own check found a difference: it is not given to anybody."""


@dataclass(frozen=True)
class ExportFile:
    """One file with what the manifest says of it.

    `totals`: per currency, per column, in minor units.
    """

    path: Path
    rows: int
    totals: dict[str, dict[str, int]]


def formats_of(export: Export) -> tuple[str, ...]:
    """The journal also as plain-text accounting, summaries also as papers, the history also as
    importers of Upwork's file know it.
    """
    more = {"journal": tuple(plain_text_accounting.FORMATS), "history": ("upwork",)}.get(
        export.name, ()
    )
    return (
        *FORMATS,
        *(("parquet",) if parquet.OFFERED else ()),
        *more,
        *(("pdf",) if export.pdf else ()),
    )


def make(
    session: Session,
    export: Export,
    asked: ExportRequest,
    form: str,
    folder: Path,
    signing_key_hex: str,
    progress: Progress = lambda _: None,
) -> ExportFile:
    """Write the export and its manifest into `folder`.

    `session` must be new: the snapshot begins here.

    Raises Invalid for a format or a party that the export does not have, CheckFailed when its sums
    cannot be proved.
    """
    check(
        export, form, asked.party, home=asked.home, language=asked.language, own_zone=asked.own_zone
    )
    # On a connection of its own: the snapshot of this one has to begin afterwards.
    with session.get_bind().engine.connect() as waiting:
        hash_chain.await_sequencer(waiting)
    session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
    # One statement lasts as long as its file is written, and a sheet is packed when its last row is
    # there: a million rows take minutes.
    session.execute(text("SET LOCAL statement_timeout = '1h'"))
    session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '10min'"))
    folder.mkdir(parents=True, exist_ok=True)
    counted = _Counted(export, progress)
    ending = "upwork.csv" if form == "upwork" else form
    name = f"{export.code.lower()}-{export.name}-{asked.first_day}-{asked.last_day}.{ending}"
    target = folder / name
    _write(session, export, asked, form, target, counted)
    made = ExportFile(target, counted.rows, counted.totals())
    _check_sums(session, export, asked, counted)
    manifest.write(folder, _content(export, asked, made, form, _head(session)), signing_key_hex)
    return made


def check(
    export: Export,
    form: str,
    party: str | None,
    *,
    own: bool = False,
    home: str | None = None,
    language: str = "en",
    own_zone: str | None = None,
) -> None:
    """Raises Invalid for a format, party, currency, language or zone that the export does not have;
    `own`: somebody may see only their own figures.
    """
    if form not in formats_of(export):
        raise Invalid.one(
            "/format", "unknown_format", f"{export.code} comes as {', '.join(formats_of(export))}."
        )
    if (party or own) and not export.for_party:
        raise Invalid.one("/party", "not_per_party", f"{export.code} is about everybody.")
    if home is not None and home not in CURRENCIES:
        raise Invalid.one(
            "/home", "unknown_currency", "Name the currency as in ISO 4217, such as INR."
        )
    if home is not None and not export.converts:
        raise Invalid.one("/home", "not_converted", f"{export.code} stays in its own currencies.")
    if language not in LANGUAGES:
        raise Invalid.one(
            "/language", "unknown_language", f"Papers come in {', '.join(LANGUAGES)}."
        )
    if own_zone is not None and own_zone not in available_timezones():
        raise Invalid.one(
            "/zone", "unknown_zone", "Name the zone as in the IANA database, such as Asia/Kolkata."
        )
    if own_zone is not None and not export.own_zone:
        raise Invalid.one("/zone", "not_by_zone", f"{export.code} is by the days of the books.")


def inline(session: Session, export: Export, asked: ExportRequest) -> list[dict[str, str]]:
    """The rows as texts by column, for an answer on the spot.

    Raises Invalid when there are more than 10,000.
    """
    names = [column.name for column in export.columns]
    return [
        dict(zip(names, texts, strict=True)) for texts in rows_in(first(session, export, asked))
    ]


def records(session: Session, export: Export, asked: ExportRequest) -> list[dict[str, str]]:
    """All rows as texts by column, however many: for files that are made of them here."""
    names = [column.name for column in export.columns]
    hash_chain.await_sequencer(session)
    with written(session, export, asked) as batches:
        return [
            dict(zip(names, texts, strict=True)) for texts in rows_in(as_texts(export, batches))
        ]


def first(session: Session, export: Export, asked: ExportRequest) -> list[Columns]:
    """All rows as texts, for an answer on the spot.

    Raises Invalid when there are more than 10,000.
    """
    hash_chain.await_sequencer(session)
    with written(session, export, asked) as batches:
        found = list(islice(as_texts(export, batches), INLINE_ROWS // BATCH + 1))
        _on_the_spot(sum(len(columns[0]) for columns in found))
    return found


def first_typed(session: Session, export: Export, asked: ExportRequest) -> list[Any]:
    """The same for forms that reckon with the rows."""
    hash_chain.await_sequencer(session)
    found = list(islice(typed_rows(session, export, asked), INLINE_ROWS + 1))
    _on_the_spot(len(found))
    return found


def _on_the_spot(rows: int) -> None:
    if rows > INLINE_ROWS:
        raise Invalid.one(
            "/period",
            "too_many_rows",
            f"There are more than {INLINE_ROWS:,} rows; ask for an export, or a shorter period.",
        )


class _Counted:
    """Counts and sums rows on their way past."""

    def __init__(self, export: Export, progress: Progress) -> None:
        self._export, self._progress, self.rows = export, progress, 0
        self._totals: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(export.sums, 0))
        self.proof = Proof(export) if export.control else None

    def typed(self, rows: Iterator[Any]) -> Iterator[Any]:
        for row in rows:
            self.rows += 1
            for name in self._export.sums if row.currency else ():
                self._totals[row.currency][name] += getattr(row, name)
            if self.proof:
                self.proof.typed(row)
            if self.rows % _PROGRESS_ROWS == 0:
                self._progress(self.rows)
            yield row

    def written(self, batches: Iterator[Columns]) -> Iterator[Columns]:
        names = [column.name for column in self._export.columns]
        for columns in batches:
            self.rows += len(columns[0])
            self._sum(names, columns)
            if self.proof:
                self.proof.written(names, columns)
            if self.rows % _PROGRESS_ROWS < len(columns[0]):
                self._progress(self.rows)
            yield columns

    def _sum(self, names: list[str], columns: Columns) -> None:
        for name in self._export.sums:
            currencies, amounts = columns[names.index("currency")], columns[names.index(name)]
            for currency in set(currencies) - {""}:
                # All have the currency's digits, so without the point they are minor units.
                minors = " ".join(
                    [
                        amount
                        for amount, of in zip(amounts, currencies, strict=True)
                        if of == currency
                    ]
                ).replace(".", "")
                self._totals[currency][name] += sum(map(int, minors.split()))

    def totals(self) -> dict[str, dict[str, int]]:
        return {
            currency: sums for currency, sums in sorted(self._totals.items()) if any(sums.values())
        }


def _write(
    session: Session,
    export: Export,
    asked: ExportRequest,
    form: str,
    target: Path,
    counted: _Counted,
) -> None:
    if form == "pdf":
        target.write_bytes(
            summary.render(export, asked, counted.typed(typed_rows(session, export, asked)))
        )
    elif form in plain_text_accounting.FORMATS:
        _save(
            plain_text_accounting.FORMATS[form](
                counted.typed(typed_rows(session, export, asked)), asked.last_day
            ),
            target,
        )
    elif form == "upwork":
        _save(as_upwork(counted.typed(typed_rows(session, export, asked))), target)
    else:
        with written(session, export, asked) as batches:
            _IN_COLUMNS[form](export, as_texts(export, counted.written(batches)), target)


def _save(pieces: Iterable[bytes], target: Path) -> None:
    with target.open("wb") as file:
        file.writelines(pieces)


_IN_COLUMNS: dict[str, Callable[[Export, Iterator[Columns], Path], None]] = {
    "csv": lambda export, texts, target: _save(as_csv(export, texts), target),
    "jsonl": lambda export, texts, target: _save(as_jsonl(export, texts), target),
    "xlsx": as_xlsx,
    "parquet": parquet.as_parquet,
}


def _check_sums(session: Session, export: Export, asked: ExportRequest, counted: _Counted) -> None:
    """The file's figures by a statement that goes another way.

    Raises CheckFailed with what differs.
    """
    if counted.proof is None:
        return
    differs = difference(counted.proof, _expected(session, export, asked))
    if differs:
        raise CheckFailed(f"{export.code} does not prove itself: {differs}")


def proves(session: Session, export: Export, asked: ExportRequest) -> str | None:
    """Whether the export would prove itself, by sums alone and without a file; else what
    differs.
    """
    if export.control_statement is None:
        return None
    columns = [f"{name}::text AS {name}" for name in export.keys]
    columns += [
        f"sum({name})::numeric AS {name}" for name in export.figures if name not in export.keys
    ]
    keys = ", ".join(str(place) for place, _ in enumerate(export.keys, 1))
    own = Proof(export)
    for row in _rows(
        session,
        f"SELECT {', '.join(columns)} FROM ({export.statement}) AS row GROUP BY {keys}",
        asked,
    ):
        own.typed(row)
    return difference(own, _expected(session, export, asked))


def _expected(session: Session, export: Export, asked: ExportRequest) -> Proof:
    assert export.control_statement is not None, "only an export with a control is proved"
    found = Proof(export)
    for row in _rows(session, export.control_statement, asked):
        found.typed(row)
    return found


def _rows(session: Session, statement: str, asked: ExportRequest) -> list[Any]:
    connection: psycopg.Connection[Any] = session.connection().connection.dbapi_connection  # type: ignore[assignment]
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(statement, parameters(session, asked)).fetchall()


def _head(session: Session) -> dict[str, Any]:
    row = session.execute(
        text(
            "SELECT position, encode(hash, 'hex') AS hash FROM ledger_seal ORDER BY position "
            "DESC LIMIT 1"
        )
    ).one_or_none()
    return {"position": row.position, "hash": row.hash} if row else {"position": 0, "hash": ""}


def _content(
    export: Export, asked: ExportRequest, made: ExportFile, form: str, head: dict[str, Any]
) -> dict[str, Any]:
    totals = {
        currency: {name: plain_amount(amount, currency) for name, amount in sums.items()}
        for currency, sums in made.totals.items()
    }
    return {
        "export": export.code,
        "name": export.name,
        "title": export.title,
        "schema_version": export.schema_version,
        "format": form,
        "generator": f"holdfast {__version__}",
        "period": {
            "first_day": asked.first_day.isoformat(),
            "last_day": asked.last_day.isoformat(),
            "zone": asked.own_zone or asked.zone,
        },
        "as_of": asked.as_of.isoformat(),
        "party": asked.party,
        "home": asked.home,
        "language": asked.language,
        "files": [
            {
                "name": made.path.name,
                "bytes": made.path.stat().st_size,
                "sha256": manifest.digest(made.path),
                "rows": made.rows,
                "totals": totals,
            }
        ],
        "checks": [{"name": f"every figure against {export.control}.sql", "result": "equal"}]
        if export.control
        else [],
        "columns": [{"name": c.name, "kind": c.kind, "meaning": c.meaning} for c in export.columns],
        "ledger_head": head,
    }
