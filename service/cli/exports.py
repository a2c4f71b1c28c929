"""`export` and `verify`: books and papers as files that other programs take, and their proof."""

from __future__ import annotations

import sys
from datetime import date, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from service.cli import show
from service.core.runtime import Runtime
from service.domain.states.instants import known_at
from service.exports import availability, generation, manifest, periods, registry
from service.exports.definitions import Export, ExportRequest
from service.platform import clock


@click.command()
@click.argument("name", default="list")
@click.option("--period", default="", help=f"{periods.EXAMPLES}. The present year when not said.")
@click.option("--as-of", help="As it was known at this instant, with its zone; now when not said.")
@click.option("--party", help="Only one freelancer (frl_…) or client (cli_…).")
@click.option(
    "--format",
    "form",
    default="csv",
    help="csv, xlsx, jsonl, parquet where pyarrow is installed; the journal also beancount and "
    "hledger, summaries pdf, the history upwork.",
)
@click.option(
    "--home",
    help="A currency that every line of `transactions` or `earnings` is converted to as well, by "
    "the stored rates.",
)
@click.option(
    "--zone",
    "own_zone",
    help="The days of this zone and not of the books (transactions, earnings, client_statement).",
)
@click.option("--language", default="en", help="Of a PDF: en, de, es.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("export"),
    help="The folder for the file, its manifest and signature.",
)
@click.option("--json", "as_json", is_flag=True)
def export(
    name: str,
    period: str,
    as_of: str | None,
    party: str | None,
    form: str,
    home: str | None,
    own_zone: str | None,
    language: str,
    out: Path,
    as_json: bool,
) -> None:
    """Write an export with a signed manifest; `list` shows the names of all."""
    if name == "list":
        show.table("Exports", _known(), as_json)
        return
    wanted = registry.find(name)
    made = show.runtime()
    known, first_day, last_day = _when(made, as_of, period)
    asked = ExportRequest(
        first_day,
        last_day,
        known,
        party,
        home,
        language,
        made.settings.platform_name,
        zone=made.policies.book_zone.key,
        own_zone=own_zone,
    )
    done = _written(
        made,
        wanted,
        asked,
        form,
        out,
    )
    _show(done, as_json)
    click.echo(f"Check it anywhere: holdfast verify {out}", err=True)


def _known() -> list[dict[str, str]]:
    return [
        {
            "name": e.name,
            "what": e.title,
            "formats": ", ".join(availability.formats_of(e)),
        }
        for e in registry.EXPORTS.values()
    ]


def _when(made: Runtime, as_of: str | None, period: str) -> tuple[datetime, date, date]:
    """(as known when, first day, last day)."""
    with made.db.transaction() as session:
        now = clock.now(session)
    known = known_at(_instant(as_of), now)
    year = now.astimezone(made.policies.book_zone).year
    return known, *periods.parse(period or str(year))


def _written(
    made: Runtime,
    wanted: Export,
    asked: ExportRequest,
    form: str,
    out: Path,
) -> generation.ExportFile:
    """With its progress on the terminal."""
    with (
        Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            console=Console(stderr=True),
            transient=True,
        ) as bar,
        made.db.transaction() as session,
    ):
        task = bar.add_task(f"{wanted.title} …")
        return generation.make(
            session,
            wanted,
            asked,
            form,
            out,
            made.settings.signing_key,
            lambda n: bar.update(task, description=f"{wanted.title}: {n:,} rows"),
        )


def _show(done: generation.ExportFile, as_json: bool) -> None:
    show.table(
        "Export",
        [{"file": str(done.path), "rows": done.rows, "bytes": done.path.stat().st_size}],
        as_json,
    )


def _instant(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        found = None
    if text and (found is None or found.tzinfo is None):
        raise click.UsageError("--as-of is an instant with its zone, as 2026-01-31T00:00:00Z.")
    return found


@click.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.option("--key", help="The public key (hex) that it has to be signed with.")
def verify(path: Path, key: str | None) -> None:
    """Check an export against its manifest and signature. Needs no database and no network."""
    problems = manifest.verify(path, key)
    for problem in problems:
        click.echo(f"not right: {problem}", err=True)
    if problems:
        sys.exit(1)
    click.echo(
        "Right: every file is as it was made"
        + (", by the owner of that key." if key else ". Name --key to know by whom.")
    )
