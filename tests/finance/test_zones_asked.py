"""A zone that somebody asks for counts the same by the API, an accountant, the command line."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.test_releases import release
from tests.finance.test_papers import inside
from tests.world import World

HOUSE = Path(__file__).resolve().parents[2]
KOLKATA, UTC = "Asia/Kolkata", "UTC"


@pytest.fixture
def new_year(world: World) -> tuple[World, int]:
    """100.00 released at 20:00 UTC of 31 December: on 1 January in Kolkata. With the old year."""
    contract, _ = world.submitted_contract(milestones=[("Work", 10_000)])
    year = int(world.sandbox.now()[:4])
    world.sql_owner(
        f"UPDATE job SET due_at = '{year + 3}-01-01' WHERE kind IN ('auto_release', 'review_notice')"
    )
    world.sandbox.post("clock", {"to": f"{year}-12-31T20:00:00+00:00"})
    assert release(world, contract["milestones"][0]["id"]) == "ok"
    world.sandbox.post("clock", {"to": f"{year + 1}-01-02T12:00:00+00:00"})
    world.work()
    return world, year


def gross(text: str) -> list[str]:
    return [
        row["gross_released"]
        for row in csv.DictReader(io.StringIO(text))
        if row["gross_released"] != "0.00"
    ]


@pytest.mark.parametrize(
    ("zone", "expected"), [(UTC, [["100.00"], []]), (KOLKATA, [[], ["100.00"]])]
)
def test_three_ways_to_ask_for_a_year_give_one_figure(
    new_year: tuple[World, int], tmp_path: Path, zone: str, expected: list[list[str]]
) -> None:
    world, year = new_year
    luca = inside(world, world.program().post("/v1/accountant-links", {"name": "Luca Pacioli"}))
    for asked, figures in zip((year, year + 1), expected, strict=True):
        told = world.program().get(f"/v1/reports/earnings?period={asked}&zone={zone}")["data"]
        assert [row["gross_released"] for row in told if row["gross_released"] != "0.00"] == figures
        file = luca.http.request(
            "GET", f"/accountant/exports/earnings.csv?period={asked}&zone={zone}"
        )
        assert gross(file.text) == figures
        page = luca.get(f"/accountant?period={asked}&zone={zone}").text
        assert ("100.00" in page) is bool(figures)
        assert gross(by_command(world, tmp_path / f"{asked}", str(asked), zone)) == figures


def test_a_zone_that_there_is_not_is_refused_by_each(
    new_year: tuple[World, int], tmp_path: Path
) -> None:
    world, year = new_year
    luca = inside(world, world.program().post("/v1/accountant-links", {"name": "Luca Pacioli"}))
    assert (
        world.program().call("GET", f"/v1/reports/earnings?period={year}&zone=Mars/Olympus").status
        == 422
    )
    assert luca.http.request("GET", f"/accountant?period={year}&zone=Mars/Olympus").status == 422
    done = command(world, tmp_path, str(year), "Mars/Olympus")
    assert done.returncode != 0
    assert "Name the zone as in the IANA database" in done.stderr
    assert not list(tmp_path.rglob("*.csv"))


def command(world: World, folder: Path, period: str, zone: str) -> subprocess.CompletedProcess[str]:
    settings = world.settings
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(HOUSE),
        "HOLDFAST_MODE": "sandbox",
        "HOLDFAST_DATABASE_URL": settings.database_url,
        "HOLDFAST_PUBLIC_URL": settings.public_url,
        "HOLDFAST_SECRET_KEYS": settings.secret_keys[0],
        "HOLDFAST_SIGNING_KEY": settings.signing_key,
        "HOLDFAST_TAX_KEYS": settings.tax_keys[0],
        "HOLDFAST_STRIPE_WEBHOOK_SECRETS": settings.stripe_webhook_secrets[0],
    }
    line = [
        "export",
        "earnings",
        "--party",
        world.ada_id,
        "--period",
        period,
        "--zone",
        zone,
        "--out",
        str(folder),
    ]
    return subprocess.run(
        [sys.executable, "-m", "service.cli", *line],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def by_command(world: World, folder: Path, period: str, zone: str) -> str:
    """The file that the command wrote."""
    done = command(world, folder, period, zone)
    assert done.returncode == 0, done.stderr
    (file,) = folder.rglob("*.csv")
    return file.read_text()
