"""`make exports`: the journal of a million lines to CSV and XLSX, against `COPY` of the same
statement and XlsxWriter alone, on one server in one run.

Each export is made in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import xlsxwriter
from rich.console import Console
from rich.table import Table

from service.exports import generation, registry
from service.exports.definitions import ExportRequest
from service.platform.db import Database, migrate
from service.platform.db.embedded import EmbeddedServer

ASKED = ExportRequest(
    date(2020, 1, 1), date(2020, 12, 31), datetime(2030, 1, 1, tzinfo=UTC), zone="UTC"
)
KEY = "07" * 32
_FILL = """
    SET search_path = hf;
    SET session_replication_role = replica;
    TRUNCATE posting, journal_entry, ledger_seal CASCADE;
    INSERT INTO ledger_account (kind, owner, currency, normal_side, bounded, opened_at)
         SELECT k.kind, NULL, 'USD', k.normal_side, k.bounded, now() FROM chart_account k
             WHERE k.kind IN ('psp_operating', 'platform_equity') ON CONFLICT DO NOTHING;
    INSERT INTO journal_entry (id, kind, cause_type, cause_id, actor, occurred_at, posted_on,
        recorded_at, effective_on, description, xid, position)
         SELECT gen_random_uuid(), 'float_in', 'flt', gen_random_uuid(), 'system',
             timestamptz '2020-01-01' + n * interval '30 seconds', date '2020-01-01' + n / 3000,
                timestamptz '2020-01-01' + n * interval '30 seconds', date '2020-01-01' + n / 3000,
                    'The platform''s own money, number ' || n, 1, n
                    FROM generate_series(1, {entries}) AS n;
    INSERT INTO posting (entry_id, line_no, debit_account, credit_account, amount, currency)
         SELECT e.id, 1, (SELECT id FROM ledger_account WHERE kind = 'psp_operating'),
             (SELECT id FROM ledger_account WHERE kind = 'platform_equity'), 1 + e.number %% 100000,
             'USD'
           FROM journal_entry e;
    INSERT INTO ledger_seal (position, hash, sealed_at)
        VALUES ({entries}, '', timestamptz '2021-01-01');
    ANALYZE;
"""


def fill(owner: str, lines: int) -> None:
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(_FILL.format(entries=lines // 2).replace("%%", "%"))


def copy(url: str) -> float:
    """Seconds of COPY of the very statement, in CSV, to nowhere."""
    export = registry.EXPORTS["general_journal"]
    columns = ", ".join(c.name for c in export.columns)
    with psycopg.connect(url) as connection:
        connection.execute("SET search_path = hf")
        statement = psycopg.ClientCursor(connection).mogrify(
            export.statement.rstrip().removesuffix("ORDER BY number, line_no"),
            ASKED.parameters(2**62),
        )
        began = time.perf_counter()
        with connection.cursor().copy(
            f"COPY (SELECT {columns} FROM ({statement}) AS x ORDER BY number, line_no) TO STDOUT "
            "(FORMAT csv)"
        ) as out:  # type: ignore[arg-type]
            for _ in out:
                pass
        return time.perf_counter() - began


def one(url: str, form: str) -> None:
    """In a process of its own: make the export and print seconds and peak memory."""
    database = Database(url)
    folder = Path(tempfile.mkdtemp(prefix="holdfast-export-bench-", dir="/var/tmp"))
    began = time.perf_counter()
    with database.transaction() as session:
        made = generation.make(
            session, registry.EXPORTS["general_journal"], ASKED, form, folder, KEY
        )
    seconds = time.perf_counter() - began
    print(f"{seconds} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} {made.rows}")
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def measured(url: str, form: str) -> tuple[float, int, int]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.exports", "--one", form, "--url", url],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    seconds, megabytes, rows = done.stdout.split()
    return float(seconds), int(megabytes), int(rows)


def plain_xlsx(rows: int) -> float:
    """Seconds of XlsxWriter alone for as many rows and columns of constant texts."""
    target = Path(tempfile.mkdtemp(dir="/var/tmp")) / "plain.xlsx"
    width = len(registry.EXPORTS["general_journal"].columns)
    began = time.perf_counter()
    book = xlsxwriter.Workbook(str(target), {"constant_memory": True})
    sheet = book.add_worksheet()
    for number in range(min(rows, 1_048_575)):
        for place in range(width):
            sheet.write_string(number, place, "The platform's own money")
    book.close()
    seconds = time.perf_counter() - began
    target.unlink()
    return seconds


def main() -> None:
    """Fill a server of its own with a tenth, then all of the lines, and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--one")
    parser.add_argument("--url")
    given = parser.parse_args()
    if given.one:
        one(given.url, given.one)
        return
    folder = Path(tempfile.mkdtemp(prefix="holdfast-exports-", dir="/var/tmp"))
    folder.chmod(0o755)
    server = EmbeddedServer(folder / "world")
    (folder / "world").mkdir(mode=0o700)
    server.start()
    try:
        server.create_app_role()
        server.create_database()
        migrate.upgrade(server.url(owner=True), "sandbox")
        fill(server.url(owner=True), given.lines // 10)
        small = {form: measured(server.url(), form) for form in ("csv", "xlsx")}
        fill(server.url(owner=True), given.lines)
        copied = copy(server.url())
        table = Table(title=f"The journal, {given.lines:,} lines")
        for head in (
            "format",
            "seconds",
            "lines a second",
            "against",
            "ratio",
            "peak memory",
            "of a tenth of the lines",
        ):
            table.add_column(head)
        for form, against, name in (
            ("csv", copied, "COPY of the same statement"),
            ("xlsx", plain_xlsx(given.lines), "XlsxWriter alone"),
        ):
            seconds, megabytes, rows = measured(server.url(), form)
            table.add_row(
                form,
                f"{seconds:.1f}",
                f"{rows / seconds:,.0f}",
                f"{name}: {against:.1f} s",
                f"{against / seconds:.2f}",
                f"{megabytes} MiB",
                f"{small[form][1]} MiB",
            )
        Console(width=160).print(table)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
