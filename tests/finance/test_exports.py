"""Exports as people ask for them: by the API, in the finance pages, on the command line; whose they
are, what stops them, what a cell may contain.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from service.cli import cli
from service.core.repository import EVERYONE
from service.domain.identity.names import NameKind, objection
from service.exports import generation, inline, manifest, reading, registry
from service.exports.definitions import Column, Export
from service.exports.formats import delimited
from service.operations.finance import export_requests
from tests.console import colleague
from tests.faults.test_releases import release
from tests.journey import Reply
from tests.world import World

NASTY = [
    '=HYPERLINK("http://evil.example")',
    "+1",
    "-1+2",
    "@SUM(A1)",
    "＝1",
    "a\u202eb",
    "two\nlines",
    'quo"te',
    "semi;colon",
    "back\\slash\\n, and more",
    "é" * 60,
]


def ready(world: World, who: str, body: dict[str, Any]) -> dict[str, Any]:
    asked = world.program(who).post("/v1/exports", body)
    world.work()
    found: dict[str, Any] = world.program(who).get(f"/v1/exports/{asked['id']}")
    return found


def files(world: World, who: str, export: dict[str, Any], folder: Path) -> Path:
    for address in export["files"]:
        (folder / address.rpartition("/")[2]).write_bytes(
            world.program(who).call("GET", address).text.encode()
        )
    return folder


def test_finance_asks_and_a_stranger_verifies(world: World, tmp_path: Path) -> None:
    world.released_contract(milestones=[("Work", 10_000)])
    year = world.sandbox.now()[:4]
    found = ready(world, "finance", {"name": "general_journal", "period": year})
    assert (found["state"], found["problem"], found["rows_done"]) == (
        "ready",
        None,
        found["manifest"]["files"][0]["rows"],
    )
    assert found["manifest"]["checks"][0]["result"] == "equal"
    folder = files(
        world, "finance", {"files": [f for f in found["files"] if not f.endswith(".sig")]}, tmp_path
    )
    with world.runtime.context("test") as ctx:
        one = export_requests.find(ctx.session, found["id"], party=EVERYONE)
        (folder / "manifest.sig").write_bytes(
            export_requests.piece(ctx.session, one.id, "manifest.sig", 0)
        )
    assert manifest.verify(folder, found["manifest"]["public_key"]) == []
    again = world.program("finance").post(
        "/v1/exports", {"name": "journal", "period": year, "as_of": found["as_of"]}
    )
    assert again["id"] == found["id"], "the same question about the same knowledge"
    for bad, status in (
        ({"name": "M99", "period": year}, 404),
        ({"name": "general_journal", "period": "soon"}, 422),
        ({"name": "trial_balance", "period": year, "format": "hledger"}, 422),
    ):
        assert world.program("finance").call("POST", "/v1/exports", bad).status == status


def test_everybody_gets_their_own(world: World) -> None:
    world.released_contract(milestones=[("Work", 10_000)])
    year = world.sandbox.now()[:4]
    mine = ready(world, "ada", {"name": "transactions", "period": year, "party": world.mary_id})
    assert (mine["state"], mine["party"]) == ("ready", world.ada_id), "whatever was asked for"
    text = world.program().call("GET", mine["files"][0]).text
    assert "release" in text
    assert world.program("mary").call("GET", mine["files"][0]).status == 404
    assert world.program("mary").get("/v1/exports")["data"] == []
    earned = world.program().get(f"/v1/reports/earnings?period={year}")["data"]
    assert [(r["gross_released"], r["platform_fees"], r["net_credited"]) for r in earned] == [
        ("100.00", "5.00", "95.00")
    ]
    for code in ("escrow_balances", "general_journal", "trial_balance", "safety_register"):
        assert world.program().call("GET", f"/v1/reports/{code}").status == 422, "about everybody"
    for who in ("platform", "safety"):
        assert world.program(who).call("GET", f"/v1/reports/earnings?period={year}").status == 403
    assert (
        world.program("approver")
        .call("POST", "/v1/exports", {"name": "transactions", "period": year})
        .status
        == 403
    )


def test_too_many_rows_for_an_answer_on_the_spot(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest is left unread, and the connection that had it is of use to the next."""
    world.released_contract(milestones=[("Work", 10_000)])
    path = f"/v1/reports/transactions?period={world.sandbox.now()[:4]}"
    program = world.program("finance")
    rows = len(program.get(path)["data"])
    monkeypatch.setattr(reading, "BATCH", 2)
    monkeypatch.setattr(inline, "BATCH", 2)
    for most in (rows - 1, rows, rows + 1, 2):
        monkeypatch.setattr(inline, "INLINE_ROWS", most)
        reply = program.call("GET", path)
        assert reply.status == (200 if most >= rows else 422), most
        assert most >= rows or reply.json()["errors"][0]["code"] == "too_many_rows"


def test_an_export_that_differs_from_the_books_reaches_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.released_contract(milestones=[("Work", 10_000)])
    right = registry.EXPORTS["trial_balance"]
    wrong = type(
        "Wrong",
        (Export,),
        {
            "statement": property(
                lambda _: right.statement.replace(
                    "amount_minor > 0), 0)", "amount_minor > 500), 0)", 1
                )
            )
        },
    )(**vars(right))
    monkeypatch.setitem(registry.EXPORTS, "trial_balance", wrong)
    found = ready(world, "finance", {"name": "trial_balance", "period": world.sandbox.now()[:4]})
    assert (found["state"], found["files"], found["manifest"]) == ("failed", [], None)
    assert "does not prove itself" in found["problem"]
    assert [t["kind"] for t in world.program("finance").get("/v1/staff/tasks")["data"]] == [
        "export_failed"
    ]
    assert (
        world.program("finance")
        .call("GET", f"/v1/exports/{found['id']}/files/manifest.json")
        .status
        == 409
    )


def test_a_worker_that_dies_in_the_middle_begins_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.released_contract(milestones=[("Work", 10_000)])
    real, calls = generation.manifest.write, []

    def dies_once(*given: Any) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise OSError("the disk is full")
        real(*given)

    monkeypatch.setattr(generation.manifest, "write", dies_once)
    found = ready(world, "finance", {"name": "transactions", "period": world.sandbox.now()[:4]})
    assert found["state"] == "running"
    world.advance("10m")
    found = world.program("finance").get(f"/v1/exports/{found['id']}")
    assert (found["state"], len(calls)) == ("ready", 2)


def test_cells_that_would_be_formulas(world: World, tmp_path: Path) -> None:
    """Texts of people reach a spreadsheet as text, numbers as numbers; nothing is lost or cut."""
    for n, title in enumerate(NASTY):
        cleaned = "".join(ch for ch in title if ch.isprintable() and ch != "\u202e")
        if objection("/title", cleaned[:120], NameKind.TITLE, "Holdfast"):
            continue  # A formula that names an address is refused at the door.
        world.funded_contract(
            milestones=[(cleaned[:120], 10_000)],
            title=cleaned[:120],
            client=f"c{n}@babbage.example",
        )
    year = world.sandbox.now()[:4]
    text = (
        world.program("finance")
        .call("GET", ready(world, "finance", {"name": "transactions", "period": year})["files"][0])
        .text
    )
    cells = [
        (r["contract_title"], r["amount"]) for r in csv.DictReader(text.splitlines(keepends=True))
    ]
    assert {title for title, _ in cells if title.startswith("'")} >= {
        "'+1",
        "'-1+2",
        "'@SUM(A1)",
        "'＝1",
    }
    assert {title.removeprefix("'") for title, _ in cells} >= {
        r"back\slash\n, and more",
        'quo"te',
        "semi;colon",
        "é" * 60,
    }
    assert all(amount == "100.00" for _, amount in cells)
    export = Export("x", "X", 1, (Column("t", "text", ""), Column("a", "amount", "")))
    written = b"".join(
        delimited.as_csv(export, [[["=1", "\tx", "plain", ""], ["-60.00", "1.00", "", "-0.01"]]])
    ).decode()
    assert written.splitlines()[1:] == ["'=1,-60.00", "'\tx,1.00", "plain,", ",-0.01"], (
        "a number stays a number"
    )


def test_ten_thousand_characters_and_no_rows() -> None:
    export = Export("x", "X", 1, (Column("t", "text", ""), Column("currency", "text", "")))
    long = "x" * 10_000
    assert b"".join(delimited.as_csv(export, iter([[[long], ["USD"]]]))).count(b"x") == 10_000
    assert b"".join(delimited.as_csv(export, iter([]))) == b"t,currency\r\n"
    assert json.loads(next(iter(delimited.as_jsonl(export, [[[long], [""]]])))) == {
        "t": long,
        "currency": None,
    }


@given(
    st.lists(
        st.tuples(st.text(max_size=20), st.text('ab=",\r\n', max_size=6)), min_size=1, max_size=20
    )
)
def test_a_strangers_reader_gets_back_every_text(pairs: list[tuple[str, str]]) -> None:
    """Quotes, commas and line ends anywhere: the standard reader finds the same cells, but for the
    ' before a formula.
    """
    export = Export("x", "X", 1, (Column("t", "text", ""), Column("u", "text", "")))
    written = b"".join(delimited.as_csv(export, [list(zip(*pairs, strict=True))])).decode()
    for row, pair in zip(
        list(csv.reader(io.StringIO(written, newline="")))[1:], pairs, strict=True
    ):
        assert all(cell in (text, f"'{text}") for cell, text in zip(row, pair, strict=True)), (
            row,
            pair,
        )


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York", "Pacific/Auckland"])
def test_the_year_ends_once_wherever_the_reader_is(
    world: World, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The books have one zone: a release at 23:59:59 UTC on 31 December is of that year, one second
    later of the next, for everybody.
    """
    monkeypatch.setenv("TZ", zone)
    name = world.sql("SELECT current_database() AS name")[0].name
    world.sql_owner(f"ALTER DATABASE \"{name}\" SET timezone = '{zone}'")
    world.db.engine.dispose()
    year = int(world.sandbox.now()[:4])
    contract, client = world.submitted_contract(milestones=[("Old", 10_000), ("New", 20_000)])
    world.program().post(
        f"/v1/milestones/{contract['milestones'][1]['id']}/submissions", {"note": "Done."}
    )
    for number, instant in enumerate(
        (f"{year}-12-31T23:59:50+00:00", f"{year + 1}-01-01T00:00:05+00:00")
    ):
        world.sql_owner(
            f"UPDATE job SET due_at = '{year + 3}-01-01' WHERE kind IN ('auto_release', "
            "'review_notice')"
        )
        world.sandbox.post("clock", {"to": instant})
        assert release(world, contract["milestones"][number]["id"]) == "ok"
    world.work()
    gross = {
        p: world.program().get(f"/v1/reports/earnings?period={p}")["data"] for p in (year, year + 1)
    }
    assert [gross[p][0]["gross_released"] for p in gross] == ["100.00", "200.00"]
    assert client.email


def test_somebody_who_has_never_seen_it_finds_the_figures(world: World) -> None:
    """In the finance pages: what Ada earned in a year, and what was held for her client on its last
    day.
    """
    world.released_contract(milestones=[("Work", 10_000), ("More", 20_000)])
    year = world.sandbox.now()[:4]
    luca = colleague(world, "finance")
    home = luca.get("/finance")
    assert "equal" in home.text
    assert "USD" in home.text
    path = "/finance/answers"
    answer = luca.get(f"{path}?who=Lovelace&period={year}")
    for part in ("100.00", "5.00", "95.00", "Ada Lovelace", "Held in their contracts", "200.00"):
        assert part in answer.text, part
    held = luca.get(f"{path}?who=charles%40babbage.example&period={year}")
    assert "200.00" in held.text
    assert luca.http.request("GET", f"{path}?period=whenever").status == 422
    assert "Nobody is known by" in luca.get(f"{path}?who=Nobodaddy&period={year}").text
    form = next(f for f in home.forms if "Make the export" in f.text)
    assert luca.press("/finance", form, export="earnings", period=year, format="xlsx").status == 303
    world.work()
    page = luca.get("/finance")
    file = next(link for link in page.links if link.endswith(".xlsx"))
    assert luca.http.request("GET", file).status == 200
    assert world_refuses(luca.press("/finance", form, export="earnings", period=year, party="Ada"))
    assert colleague(world, "approver").get("/finance").text.count("Make the export") == 0
    reviewer = colleague(world, "reviewer")
    assert reviewer.http.request("GET", "/finance").status == 403


def world_refuses(reply: Reply) -> bool:
    return reply.status == 422 and "No money has moved" in reply.page.text


def test_the_command_line(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.released_contract(milestones=[("Work", 10_000)])
    year = world.sandbox.now()[:4]
    for name, value in {
        "MODE": "sandbox",
        "DATABASE_URL": world.settings.database_url,
        "SECRET_KEYS": world.settings.secret_keys[0],
        "SIGNING_KEY": world.settings.signing_key,
        "STRIPE_WEBHOOK_SECRETS": world.settings.stripe_webhook_secrets[0],
        "MAIL_EVENTS_SECRET": "mail-secret",
    }.items():
        monkeypatch.setenv(f"HOLDFAST_{name}", value)
    run = CliRunner()
    listed = run.invoke(cli, ["export", "--json"])
    assert [row["name"] for row in json.loads(listed.stdout)] == list(registry.EXPORTS), (
        listed.output
    )
    out = tmp_path / "books"
    done = run.invoke(
        cli,
        [
            "export",
            "earnings",
            "--period",
            year,
            "--party",
            world.ada_id,
            "--out",
            str(out),
            "--json",
        ],
    )
    assert done.exit_code == 0, done.output
    row = next(csv.DictReader(next(out.glob("*.csv")).open(newline="")))
    assert (row["gross_released"], row["net_credited"]) == ("100.00", "95.00")
    assert run.invoke(cli, ["verify", str(out)]).exit_code == 0
    next(out.glob("*.csv")).write_text("changed")
    assert run.invoke(cli, ["verify", str(out)]).exit_code == 1
    assert (
        run.invoke(
            cli,
            ["export", "earnings", "--period", year, "--as-of", "2026-01-01", "--out", str(out)],
            standalone_mode=False,
        ).exit_code
        != 0
    )
