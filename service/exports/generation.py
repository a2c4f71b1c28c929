"""Make an export: read in one snapshot, write as the rows come, prove the sums by another way,
sign. Constant memory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from service import __version__
from service.exports import availability, manifest
from service.exports.definitions import Export, ExportRequest, Row, plain_amount
from service.exports.documents import summary
from service.exports.formats import parquet, plain_text_accounting
from service.exports.formats.delimited import as_csv, as_jsonl, as_texts, as_upwork
from service.exports.formats.workbook import as_xlsx
from service.exports.manifest import ExportManifest, LedgerHead
from service.exports.proofs import Proof, difference, expected, number
from service.exports.reading import Columns, typed_rows, written
from service.ledger import hash_chain

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
    availability.check(
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
    name = f"{export.name}-{asked.first_day}-{asked.last_day}.{ending}"
    target = folder / name
    _write(session, export, asked, form, target, counted)
    made = ExportFile(target, counted.rows, counted.totals())
    _check_sums(session, export, asked, counted)
    manifest.write(folder, _content(export, asked, made, form, _head(session)), signing_key_hex)
    return made


class _Counted:
    """Counts and sums rows on their way past."""

    def __init__(self, export: Export, progress: Progress) -> None:
        self._export, self._progress, self.rows = export, progress, 0
        self._totals: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(export.sums, 0))
        self.proof = Proof(export) if export.control else None

    def typed(self, rows: Iterator[Row]) -> Iterator[Row]:
        for row in rows:
            self.rows += 1
            for name in self._export.sums if row["currency"] else ():
                self._totals[str(row["currency"])][name] += int(number(row[name]))
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
    differs = difference(counted.proof, expected(session, export, asked))
    if differs:
        raise CheckFailed(f"{export.name} does not prove itself: {differs}")


def _head(session: Session) -> LedgerHead:
    row = session.execute(
        text(
            "SELECT position, encode(hash, 'hex') AS hash FROM ledger_seal ORDER BY position "
            "DESC LIMIT 1"
        )
    ).one_or_none()
    return {"position": row.position, "hash": row.hash} if row else {"position": 0, "hash": ""}


def _content(
    export: Export, asked: ExportRequest, made: ExportFile, form: str, head: LedgerHead
) -> ExportManifest:
    totals = {
        currency: {name: plain_amount(amount, currency) for name, amount in sums.items()}
        for currency, sums in made.totals.items()
    }
    return {
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
