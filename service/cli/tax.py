"""Tax and rates from the command line: `fx import`, `tax decide|file|iris|reseal`."""

from __future__ import annotations

from pathlib import Path

import click

from service.cli import show
from service.domain.errors import Invalid
from service.exports.documents import filings
from service.exports.formats import form_1099k_iris
from service.models import FILING_REGIMES, TAX_REGIMES
from service.operations.finance import fx_rates
from service.operations.tax import reencryption, tax_filings, tax_scopes


@click.group()
def fx() -> None:
    """Rates of exchange."""


@fx.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def import_rates(file: Path) -> None:
    """Keep the reference rates of the ECB's own file (eurofxref-daily.xml,
    eurofxref-hist-90d.xml).
    """
    with show.context(show.runtime()) as ctx:
        rates = fx_rates.from_ecb(file.read_bytes())
        new = fx_rates.add(ctx, rates, "ECB")
    click.echo(f"{len(rates):,} rates read, {new:,} of them new.")


@click.group()
def tax() -> None:
    """Duties, files for tax offices, and the keys of what is sealed."""


@tax.command()
@click.argument("regime", type=click.Choice(TAX_REGIMES))
@click.argument("answer", type=click.Choice(["yes", "no"]))
@click.argument("reason")
def decide(regime: str, answer: str, reason: str) -> None:
    """Record whether a regime asks something of the platform, and why."""
    if len(reason) < 10:
        raise click.UsageError("Give the reason in a sentence: whose opinion, of which day.")
    with show.context(show.runtime()) as ctx:
        tax_scopes.decide(ctx, regime, answer == "yes", reason)
    click.echo("Recorded.")


@tax.command("file")
@click.argument("regime", type=click.Choice(FILING_REGIMES))
@click.argument("year", type=click.IntRange(2023, 2100))
@click.option(
    "--home",
    help="Convert every line to this currency by stored rates, instead of the operator's own.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("filings"),
    help="The folder for the XML.",
)
def prepare(regime: str, year: int, home: str | None, out: Path) -> None:
    """Prepare the platform operator's report of a year, or what has changed since the last one."""
    made = show.runtime()
    with show.context(made) as ctx:
        found = filings.prepare(
            ctx, made.encryption, regime, year, None, home, test=made.settings.sandbox
        )
        out.mkdir(parents=True, exist_ok=True)
        for one in found:
            path = out / f"{one.message_ref}.xml"
            path.write_bytes(tax_filings.file_of(ctx, made.encryption, one))
            click.echo(f"{path}: {one.message_type}, {len(one.docs)} sellers")


@tax.command("iris")
@click.argument("year", type=click.IntRange(2023, 2100))
@click.option(
    "--template",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="The IRS's CSV template of Form 1099-K for the year.",
)
@click.option("--state", help="For one state's office instead of the federal one, as MA.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("filings"),
    help="The folder for the files.",
)
def iris_files(year: int, template: Path, state: str | None, out: Path) -> None:
    """Write Form 1099-K in the columns of the tax office's template, at most 100 rows in a file."""
    made = show.runtime()
    with show.context(made) as ctx:
        found = form_1099k_iris.render(
            ctx, made.encryption, template.read_text(encoding="utf-8-sig"), year, ctx.now, state
        )
    if not found:
        raise Invalid.one("/year", "nothing", "Nobody has to be reported for that year.")
    out.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(found, 1):
        path = out / f"1099-K-{year}-{state or 'federal'}-{number}.csv"
        path.write_bytes(data)
        click.echo(str(path))


@tax.command()
def reseal() -> None:
    """Seal everything anew with the newest of HOLDFAST_TAX_KEYS; then the older ones can go."""
    made, total = show.runtime(), 0
    while True:
        with show.context(made) as ctx:
            done = reencryption.reencrypt(ctx, made.encryption)
        if not done:
            break
        total += done
    click.echo(f"{total} sealed anew.")
