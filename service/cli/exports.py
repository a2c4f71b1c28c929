"""`export` and `verify`: books and papers as files that other programs take, and their proof."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from service.cli import show
from service.domain.states.instants import known_at
from service.exports import making, manifest, periods, registry
from service.exports.shapes import Asked
from service.platform import clock


@click.command()
@click.argument("code", default="list")
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
    help="A currency that every line is converted to as well, by the stored rates (M1, M2).",
)
@click.option("--zone", "own_zone", help="The days of this zone and not of the books (M1, M2, M4).")
@click.option("--language", default="en", help="Of a PDF: en, de, es.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("export"),
    help="The folder for the file, its manifest and signature.",
)
@click.option("--json", "as_json", is_flag=True)
def export(
    code: str,
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
    """Write an export (M1, M6, … or its name; `list` shows all) with a signed manifest."""
    if code == "list":
        rows = [
            {
                "code": e.code,
                "name": e.name,
                "what": e.title,
                "formats": ", ".join(making.formats_of(e)),
            }
            for e in registry.EXPORTS.values()
        ]
        show.table("Exports", rows, as_json)
        return
    wanted = registry.find(code)
    made = show.runtime()
    with made.db.transaction() as session:
        now = clock.now(session)
    known = known_at(_instant(as_of), now)
    zone = made.policies.book_zone
    first_day, last_day = periods.parse(period or str(now.astimezone(zone).year))
    asked = Asked(
        first_day,
        last_day,
        known,
        party,
        home,
        language,
        made.settings.platform_name,
        zone=zone.key,
        own_zone=own_zone,
    )
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
        done = making.make(
            session,
            wanted,
            asked,
            form,
            out,
            made.settings.signing_key,
            lambda n: bar.update(task, description=f"{wanted.title}: {n:,} rows"),
        )
    show.table(
        "Export",
        [{"file": str(done.path), "rows": done.rows, "bytes": done.path.stat().st_size}],
        as_json,
    )
    click.echo(f"Check it anywhere: holdfast verify {out}", err=True)


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
