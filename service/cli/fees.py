"""Fee files: `fees check FILE` proves one before anybody runs on it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from service.cli import show
from service.domain.money.fees import Schedule
from service.domain.money.money import plain
from service.domain.money.promise import strictly_lower_from
from service.platform.config import Settings
from service.policies import FOLDER, NORMAL, PolicyError
from service.policies.contract_types import kinds_of
from service.policies.quotes import decimal
from service.policies.reading import read
from service.policies.schedules import schedules_of


@click.group()
def fees() -> None:
    """Fee schedules."""


@fees.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True)
def check(file: Path, as_json: bool) -> None:
    """Prove a file of schedules: no gap, no overlap, its own examples right, and at no amount
    dearer than a normal contract.
    """
    kinds = list(kinds_of(read((FOLDER / "kinds.yaml").read_text(), "kinds.yaml")))
    try:
        table = read(file.read_text(), file.name)
        schedules = schedules_of(table, kinds, Settings.settlement_currencies)
    except PolicyError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    show.table(file.name, [_row(s, schedules) for s in schedules], as_json)
    if not as_json:
        examples = len(table.get("vectors") or [])
        click.echo(
            f"{len(schedules)} schedules, {examples} examples, all right. A contract of another "
            f"kind never costs more than a {NORMAL} one."
        )


def _row(schedule: Schedule, schedules: tuple[Schedule, ...]) -> dict[str, str]:
    normal = [
        s for s in schedules if s.kind == NORMAL and s.effective_from <= schedule.effective_from
    ]
    lower = (
        strictly_lower_from(schedule, normal[-1]) if normal and schedule.kind != NORMAL else None
    )
    rates = schedule.rate_range or tuple(t.rate for t in schedule.tiers)
    return {
        "schedule": schedule.id,
        "from": schedule.effective_from.isoformat() + (" (about)" if schedule.approximate else ""),
        "rates": " ".join(f"{decimal(100 * r)}%" for r in rates),
        "counted by": schedule.base,
        "strictly lower from": plain(lower, "USD") if lower else "",
    }
