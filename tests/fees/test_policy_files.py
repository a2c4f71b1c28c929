"""A hostile policy file stops the start, and the message names the line and, where a promise
breaks, the amount.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from service import policies
from service.cli import cli
from service.policies import FOLDER, PolicyError
from tests.world import make_settings

NORMAL = "  - {id: n, kind: marketplace, effective_from: 2020-01-01, rate: '0.10', source: x}\n"
HOSTILE = {
    "direct above normal": (
        "schedules:\n"
        + NORMAL
        + "  - {id: d, kind: direct, effective_from: 2020-01-01, rate: '0.2', source: x}",
        "line 3: d costs more than n: on 3 minor units of USD 1 against 0",
    ),
    "above at one break-point only": (
        (
            "schedules:\n"
            "  - id: n\n    kind: marketplace\n    effective_from: 2020-01-01\n    source: x\n"
            "    tiers: [{up_to_minor: 50000, rate: '0.20'}, {rate: '0.00'}]\n"
            "  - {id: d, kind: direct, effective_from: 2020-01-01, rate: '0.05', cap_minor: "
            "10001, source: x}"
        ),
        "line 7: d costs more than n: on 200010 minor units of USD 10001 against 10000",
    ),
    "a minimum above the normal fee": (
        "schedules:\n"
        + NORMAL
        + "  - {id: d, kind: direct, effective_from: 2020-01-01, rate: '0.01', minimum_minor: "
        "100, source: x}",
        "line 3: d costs more than n: on 1 minor units of USD 1 against 0",
    ),
    "dearer for the client": (
        "schedules:\n"
        + NORMAL
        + "  - {id: d, kind: direct, effective_from: 2020-01-01, rate: '0.05', client_rate: "
        "'0.01', source: x}",
        "line 3: d costs the client more than n",
    ),
    "nothing to compare with": (
        (
            "schedules:\n  - {id: d, kind: direct, effective_from: 2020-01-01, rate: '0.05', source: "
            "x}"
        ),
        "line 2: d begins before any marketplace",
    ),
    "overlap": (
        "schedules:\n" + NORMAL + NORMAL.replace("id: n", "id: m"),
        "line 3: m overlaps n: both are in force on 2020-01-01",
    ),
    "overlap by its end": (
        "schedules:\n"
        + NORMAL.replace("rate", "effective_until: 2021-06-30, rate")
        + NORMAL.replace("id: n", "id: m").replace("2020-01-01", "2021-01-01"),
        "line 3: m overlaps n: both are in force on 2021-01-01",
    ),
    "gap": (
        "schedules:\n"
        + NORMAL.replace("rate", "effective_until: 2020-12-31, rate")
        + NORMAL.replace("id: n", "id: m").replace("2020-01-01", "2021-02-01"),
        "line 3: gap: no marketplace schedule from 2021-01-01 to 2021-01-31",
    ),
    "tiers overlap": (
        "schedules:\n"
        + NORMAL.replace(
            "rate: '0.10'",
            "tiers: [{up_to_minor: 5, rate: '0.1'}, {up_to_minor: 5, rate: '0.1'}, {rate: '0.1'}]",
        ),
        "line 2: tiers overlap",
    ),
    "tiers end": (
        "schedules:\n" + NORMAL.replace("rate: '0.10'", "tiers: [{up_to_minor: 5, rate: '0.1'}]"),
        "line 2: tiers leave a gap",
    ),
    "negative rate": (
        "schedules:\n" + NORMAL.replace("0.10", "-0.1"),
        "line 2: rate lies from 0 up to 1, not -0.1",
    ),
    "a rate of one": (
        "schedules:\n" + NORMAL.replace("0.10", "1.0"),
        "line 2: rate lies from 0 up to 1",
    ),
    "a float": (
        "schedules:\n" + NORMAL.replace("'0.10'", "0.10"),
        "line 2: rate is a decimal number in quotes",
    ),
    "unknown key": (
        "schedules:\n" + NORMAL.replace("source", "surprise: 1, source"),
        "line 2: unknown key surprise",
    ),
    "missing key": (
        "schedules:\n" + NORMAL.replace(", source: x", ""),
        "line 2: missing key source",
    ),
    "unknown kind": (
        "schedules:\n" + NORMAL.replace("marketplace", "barter"),
        "line 2: kind is one of",
    ),
    "two prices": (
        "schedules:\n" + NORMAL.replace("rate", "rate_range: ['0.1', '0.2'], rate"),
        "line 2: one of rate, tiers, rate_range",
    ),
    "a range upside down": (
        "schedules:\n" + NORMAL.replace("rate: '0.10'", "rate_range: ['0.2', '0.1']"),
        "line 2: rate_range holds",
    ),
    "no day": (
        "schedules:\n" + NORMAL.replace("2020-01-01", "soon"),
        "line 2: effective_from is a day",
    ),
    "the same id": (
        "schedules:\n" + NORMAL + NORMAL.replace("2020", "2021"),
        "line 2: n stands twice",
    ),
    "a key twice": ("schedules:\n" + NORMAL + "schedules: []\n", "line 3: schedules stands twice"),
    "a wrong example": (
        "schedules:\n" + NORMAL + "vectors:\n  - {schedule: n, amount_minor: 100, fee_minor: 11}",
        "line 4: n takes 10 of 100, not 11",
    ),
    "no table": ("- a list", "not a table"),
    "no YAML": ("schedules: [", "line 1"),
    "an object of Python's": ("schedules: !!python/object/apply:os.system ['true']", "line 1"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_fee_file_stops_the_start(name: str, tmp_path: Path) -> None:
    text, complaint = HOSTILE[name]
    with pytest.raises(PolicyError) as refused:
        policies.load(make_settings("x", fees=text))
    assert complaint in str(refused.value)
    assert "fees.yaml" in str(refused.value)
    (tmp_path / "mine.yaml").write_text(text)
    checked = CliRunner().invoke(cli, ["fees", "check", str(tmp_path / "mine.yaml")])
    assert checked.exit_code == 1
    assert complaint in checked.output


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_nothing_starts_on_a_hostile_file(command: str, tmp_path: Path) -> None:
    """The programs themselves, as an operator starts them: exit 1, line and amount on stderr,
    nothing served.
    """
    text, complaint = HOSTILE["above at one break-point only"]
    (tmp_path / "mine.yaml").write_text(text)
    settings = make_settings("postgresql://nobody@localhost:1/none")
    environment = {
        "PATH": os.environ["PATH"],
        "HOLDFAST_MODE": "sandbox",
        "HOLDFAST_DATABASE_URL": settings.database_url,
        "HOLDFAST_FEES_FILE": str(tmp_path / "mine.yaml"),
        "HOLDFAST_SECRET_KEYS": "k" * 40,
        "HOLDFAST_SIGNING_KEY": "07" * 32,
        "HOLDFAST_STRIPE_WEBHOOK_SECRETS": "whsec_x",
    }
    ran = subprocess.run(
        [sys.executable, "-m", "service.cli", command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 1
    assert complaint in ran.stderr


KINDS = (FOLDER / "kinds.yaml").read_text()


@pytest.mark.parametrize(
    ("wrong", "right", "complaint"),
    [
        (
            "counts_toward_job_success: true",
            "counts_toward_job_success: false",
            "counts_toward_job_success of a direct contract is false",
        ),
        (
            "accepts_feedback: true",
            "accepts_feedback: false",
            "accepts_feedback of a direct contract is false",
        ),
        ("accepts_feedback: maybe", "accepts_feedback: false", "accepts_feedback is true or false"),
        (
            "created_by: [anybody]",
            "created_by: [freelancer, platform]",
            "created_by lists platform",
        ),
        ("  barter:", "  byoc:", "missing key byoc; unknown key barter"),
    ],
)
def test_no_file_can_make_direct_contracts_count(wrong: str, right: str, complaint: str) -> None:
    with pytest.raises(PolicyError, match=complaint):
        policies.load(make_settings("x", kinds=KINDS.replace(right, wrong, 1)))


@pytest.mark.parametrize(
    "path",
    [FOLDER / "fees.yaml", *sorted((FOLDER / "examples").glob("*.yaml"))],
    ids=lambda path: path.name,
)
def test_what_ships_is_proved(path: Path) -> None:
    checked = CliRunner().invoke(cli, ["fees", "check", str(path)])
    assert checked.exit_code == 0, checked.output
    assert "never costs more" in checked.output
