"""What will be known in the future cannot be asked: 422 wherever somebody may name an instant, and
nothing is written.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from service.cli import cli
from service.domain.errors import Invalid
from service.exports import generation, registry
from service.exports.definitions import ExportRequest
from tests.finance.test_identities import DAC7
from tests.world import World

ROOT = Path(__file__).resolve().parents[2]
BODIES = {
    ("post", "/v1/exports"): {"name": "transactions", "period": "2026"},
    ("post", "/v1/tax-filings"): {"regime": "eu_dac7", "year": 2026},
}


def now_of(world: World) -> datetime:
    return datetime.fromisoformat(world.sandbox.now())


def test_every_place_that_takes_an_instant_is_tried() -> None:
    found = set()
    spec = yaml.safe_load((ROOT / "openapi.yaml").read_text())
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            if method == "parameters":
                continue
            if "as_of" in str(operation.get("parameters")) or "as_of" in str(
                _body(spec, operation)
            ):
                found.add((method, path))
    assert found == set(BODIES)


def _body(spec: dict[str, Any], operation: dict[str, Any]) -> Any:
    schemas = spec["components"]["schemas"]
    content = operation.get("requestBody", {}).get("content", {}).values()
    return [
        schemas.get(str(one["schema"].get("$ref", "")).rpartition("/")[2], one["schema"])
        for one in content
    ]


@pytest.mark.parametrize(("method", "path"), BODIES)
@pytest.mark.parametrize("ahead", [timedelta(seconds=90), timedelta(days=1), timedelta(days=3_650)])
def test_the_api_refuses_the_future(world: World, method: str, path: str, ahead: timedelta) -> None:
    finance = world.program("finance")
    body = BODIES[method, path] | {"as_of": (now_of(world) + ahead).isoformat()}
    refused = finance.call(method.upper(), path, body)
    assert refused.status == 422, refused.text
    assert [(e["pointer"], e["code"]) for e in refused.json()["errors"]] == [
        ("/as_of", "in_the_future")
    ]
    assert (
        world.sql(
            "SELECT (SELECT count(*) FROM finance_export) + (SELECT count(*) FROM tax_filing) AS n"
        )[0].n
        == 0
    )


def test_the_past_and_the_present_are_answered(world: World) -> None:
    for as_of in (None, now_of(world).isoformat(), "2020-01-01T00:00:00+05:30"):
        made = world.program("finance").post(
            "/v1/exports", BODIES["post", "/v1/exports"] | {"as_of": as_of}
        )
        assert datetime.fromisoformat(made["as_of"]) <= now_of(world)


@pytest.mark.parametrize("query", ["as_of=2099-01-01T00:00:00Z", "as_of=2020-01-01T00:00:00Z"])
@pytest.mark.parametrize(
    "path",
    [
        "/v1/reports/transactions",
        "/v1/ledger/accounts",
        "/v1/ledger/entries",
        "/v1/ledger/verify",
        "/v1/balance",
    ],
)
def test_where_no_instant_can_be_named_none_is_ignored(world: World, path: str, query: str) -> None:
    assert world.program("finance").call("GET", f"{path}?{query}").status in (403, 404, 422)


def test_whoever_makes_an_export_past_the_door_is_refused_too(world: World, tmp_path: Path) -> None:
    asked = ExportRequest(
        date(2026, 1, 1), date(2026, 12, 31), now_of(world) + timedelta(hours=1), zone="UTC"
    )
    with world.db.transaction() as session, pytest.raises(Invalid, match="nobody knows yet"):
        generation.make(
            session,
            registry.find("transactions"),
            asked,
            "csv",
            tmp_path,
            world.settings.signing_key,
        )


def test_the_command_refuses_the_future(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "MODE": "sandbox",
        "DATABASE_URL": world.settings.database_url,
        "SECRET_KEYS": world.settings.secret_keys[0],
        "SIGNING_KEY": world.settings.signing_key,
        "STRIPE_WEBHOOK_SECRETS": world.settings.stripe_webhook_secrets[0],
        "MAIL_EVENTS_SECRET": "mail-secret",
    }.items():
        monkeypatch.setenv(f"HOLDFAST_{name}", value)
    world.program().post("/v1/tax-identity", DAC7)

    def export(as_of: str) -> Any:
        return CliRunner().invoke(
            cli,
            [
                "export",
                "transactions",
                "--period",
                "2026",
                "--as-of",
                as_of,
                "--out",
                str(tmp_path / "books"),
            ],
        )

    tomorrow = export((now_of(world) + timedelta(days=1)).isoformat())
    assert isinstance(tomorrow.exception, Invalid)
    assert not list(tmp_path.rglob("*.csv"))
    for unreadable in ("soon", "2026-01-01", "2026-01-01T00:00:00"):
        assert "instant with its zone" in export(unreadable).output
    assert export(datetime(2026, 1, 1, tzinfo=UTC).isoformat()).exit_code == 0
