"""The golden year's books and papers: every export gives the expected figures, proves itself, and
other people's programs accept it, but not its broken twin.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from service.domain.errors import Invalid
from service.domain.identity import typeid
from service.exports import generation, manifest, periods, registry
from service.exports.definitions import Export, ExportRequest
from service.exports.formats import plain_text_accounting
from tests.finance.golden import Golden
from tests.finance.reading import EXPECTED, cents, made, now_of, rows, schema_accepts

ENDS = {
    "2025-12-31": date(2025, 12, 31),
    "2026-03-31": date(2026, 3, 31),
    "2026-12-31": date(2026, 12, 31),
}


@pytest.mark.parametrize(
    ("ours", "period"),
    [("2025", "2025"), ("2026", "2026"), ("FY2025-26", "IN2025-26"), ("FY2026-27", "IN2026-27")],
)
def test_what_the_freelancer_earned(year: Golden, tmp_path: Path, ours: str, period: str) -> None:
    expected = (EXPECTED["seller_calendar"] | EXPECTED["seller_india_fy"])[ours]
    found = rows(year, tmp_path, "earnings", period, party=year.world.ada_id)[0]
    names = {"platform_fees_net": "platform_fees"}
    figures = {key: found[names.get(key, key)] for key in expected if key != "period"}
    assert figures == {key: str(value) for key, value in expected.items() if key != "period"}
    assert [found["period_start"], found["period_end"]] == expected["period"]
    assert found["other"] == "0.00"


@pytest.mark.parametrize("period", ["2025", "2026"])
def test_what_was_held_for_the_client(year: Golden, tmp_path: Path, period: str) -> None:
    expected = EXPECTED["client"][period]
    found = rows(year, tmp_path, "client_statement", period, party=None)[0]
    names = {"frozen_closing": "of_which_locked"}
    assert {key: found[names.get(key, key)] for key in expected if key != "year"} == {
        key: value for key, value in expected.items() if key != "year"
    }


@pytest.mark.parametrize("day", list(ENDS))
def test_the_books_at_the_end_of(year: Golden, tmp_path: Path, day: str) -> None:
    """The trial balance and what is held for others, in the golden year's own account names."""
    found: dict[str, int] = {}
    for row in rows(year, tmp_path, "trial_balance", f"2025-11-01..{day}"):
        name = {
            "psp_trust": "Assets:PSP:Trust",
            "payout_in_flight": "Assets:PSP:Trust",
            "psp_operating": "Assets:PSP:Operating",
            "platform_equity": "Equity:Opening",
        }
        name |= {
            "chargeback_receivable": "Assets:Chargebacks",
            "psp_fees": "Expenses:PSPFees",
            "dispute_fees": "Expenses:DisputeFees",
        }
        name |= {
            "platform_fees": "Income:PlatformFees",
            "forfeitures": "Income:Forfeitures",
            "escrow": "Liabilities:Escrow:C1-M2",
        }
        name |= {
            "disputed": "Liabilities:Frozen:C1-M3",
            "confiscated": "Liabilities:Confiscated:C1-M3",
        }
        key = name.get(row["account"], row["account"])
        found[key] = found.get(key, 0) + cents(row["closing"])
    assert {name: f"{amount / 100:.2f}" for name, amount in found.items() if amount} == EXPECTED[
        "trial_balance"
    ][day]
    held: dict[str, int] = {}
    for row in rows(year, tmp_path, "escrow_balances", f"2025-11-01..{day}"):
        held[row["state"]] = held.get(row["state"], 0) + cents(row["amount"])
    expected = EXPECTED["three_way"][day]
    assert f"{held.pop('payout_in_flight', 0) / 100:.2f}" == expected["outstanding_payouts"]
    assert f"{sum(held.values()) / 100:.2f}" == expected["subledger_total"]


@pytest.mark.parametrize("day", list(ENDS))
def test_the_three_ways(year: Golden, tmp_path: Path, day: str) -> None:
    found = rows(year, tmp_path, "reconciliation", f"2025-11-01..{day}")[0]
    expected = EXPECTED["three_way"][day]
    names = {"psp_statement_total": "statement_total"}
    assert {key: found[names.get(key, key)] for key in expected if key != "subledgers"} == {
        key: value for key, value in expected.items() if key != "subledgers"
    }
    assert (found["difference_bank_book"], found["difference_book_sub"], found["unmatched"]) == (
        "0.00",
        "0.00",
        "0",
    )
    results = {r["result"] for r in rows(year, tmp_path, "tie_out", "2025-11-01..2026-12-31")}
    assert results == {"equal"}


@pytest.mark.parametrize("period", ["2025", "2026"])
def test_profit_and_loss(year: Golden, tmp_path: Path, period: str) -> None:
    moved = {
        r["account"]: cents(r["credits"]) - cents(r["debits"])
        for r in rows(year, tmp_path, "trial_balance", period)
    }
    names = {"Income:PlatformFees": "platform_fees", "Income:Forfeitures": "forfeitures"}
    costs = {"Expenses:PSPFees": "psp_fees", "Expenses:DisputeFees": "dispute_fees"}
    found = {ours: moved.get(kind, 0) for ours, kind in names.items()} | {
        ours: -moved.get(kind, 0) for ours, kind in costs.items()
    }
    found["net"] = sum(found[n] for n in names) - sum(found[n] for n in costs)
    assert {name: f"{amount / 100:.2f}" for name, amount in found.items() if amount} == EXPECTED[
        "profit_and_loss"
    ][period]


def test_the_lines_of_the_history(year: Golden, tmp_path: Path) -> None:
    mine = rows(year, tmp_path, "transactions", "2025-11-01..2026-12-31", party=year.world.ada_id)
    assert [(r["posted_on"], r["type"], r["amount"], r["running_balance"]) for r in mine] == [
        ("2025-12-29", "release", "1200.00", "1200.00"),
        ("2025-12-29", "platform_fee", "-60.00", "1140.00"),
        ("2025-12-30", "payout", "-1140.00", "0.00"),
        ("2026-02-20", "release", "1000.10", "1000.10"),
        ("2026-02-20", "platform_fee", "-50.01", "950.09"),
        ("2026-02-22", "refund_after_release", "-200.00", "750.09"),
        ("2026-02-22", "platform_fee_refund", "10.00", "760.09"),
        ("2026-02-24", "payout", "-760.09", "0.00"),
    ]
    assert [r["payout_id"] for r in mine if r["type"] == "payout"] == year.payouts
    theirs = rows(year, tmp_path, "transactions", "2025-11-01..2026-12-31", party=client_of(year))
    by_type: dict[str, int] = {}
    for row in theirs:
        by_type[row["type"]] = by_type.get(row["type"], 0) + cents(row["amount"])
    assert by_type == {
        "funding": 433_383,
        "release": -220_010,
        "refund_from_escrow": -163_373,
        "confiscation": -50_000,
        # Given back after its release: held for the client until it had arrived.
        "returned_by_freelancer": 20_000,
        "refund_after_release": -20_000,
        # What was disputed was locked and is no other money.
        "dispute_lock": 0,
        "dispute_settle": 0,
    }
    assert [(r["type"], r["locked"]) for r in theirs if r["locked"] != "0.00"] == [
        ("dispute_lock", "2333.33"),
        ("dispute_settle", "-2333.33"),
    ]
    assert theirs[-1]["running_balance"] == "0.00"


def client_of(year: Golden) -> str:
    return typeid.encode("cli", year.world.sql("SELECT client_id FROM contract")[0].client_id)


def test_the_register(year: Golden, tmp_path: Path) -> None:
    found = {
        r["kind"]: r for r in rows(year, tmp_path, "safety_register", "2025-11-01..2026-12-31")
    }
    case = found["confiscation"]
    assert (
        case["amount"],
        case["confiscated"],
        case["still_open"],
        case["final_on"],
        case["state"],
    ) == ("500.00", "500.00", "0.00", "2026-06-10", "executed")
    assert len(case["approved_by"].split()) == 2
    assert (
        found["dispute"]["amount"],
        found["dispute"]["state"],
        found["chargeback"]["state"],
    ) == ("2333.33", "withdrawn", "won")
    before = {r["kind"]: r for r in rows(year, tmp_path / "b", "safety_register", "2025")}
    assert (before["dispute"]["state"], before["dispute"]["still_open"]) == ("open", "2333.33"), (
        "as it stood at the end of the year"
    )


@pytest.mark.parametrize("code", list(registry.EXPORTS))
@pytest.mark.parametrize("form", ["csv", "xlsx", "jsonl"])
def test_a_past_year_gives_the_same_bytes_whenever_it_is_asked_for(
    year: Golden, tmp_path: Path, code: str, form: str
) -> None:
    early = made(
        year, tmp_path / "a", code, "2025", form=form, as_of=datetime(2026, 1, 31, tzinfo=UTC)
    )
    late = made(year, tmp_path / "b", code, "2025", form=form)
    same = manifest.digest(early.path) == manifest.digest(late.path)
    # A late refund corrects the sellers' year itself, by law; rates and papers on file are what is
    # known, not what was posted.
    assert same == (code not in ("dac7", "fx_rates"))


@pytest.mark.parametrize(
    "code", [code for code in registry.EXPORTS if code not in ("tds_194o", "withheld_tax")]
)
def test_a_table_schema_accepts_it_and_not_its_broken_twin(
    year: Golden, tmp_path: Path, code: str
) -> None:
    period = "2026" if code in ("fx_rates", "tax_documents") else "2025-11-01..2026-03-31"
    schema_accepts(
        made(
            year,
            tmp_path,
            code,
            period,
            party=year.world.ada_id if code == "india_statement" else None,
        ),
        code,
    )


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_another_engine_gets_the_summary_from_the_history(
    year: Golden, tmp_path: Path, form: str
) -> None:
    history, summary = (
        made(year, tmp_path, "transactions", "2026", form=form).path,
        made(year, tmp_path, "earnings", "2026").path,
    )
    assert (
        made(year, tmp_path / "again", "transactions", "2026", form=form).path.read_bytes()
        == history.read_bytes()
    )
    engine = duckdb.connect()
    source = (
        "read_csv(?, types={'amount': 'DECIMAL(18,2)'})" if form == "csv" else "read_parquet(?)"
    )
    query = f"""
        SELECT sum(amount) FILTER (WHERE type = 'release') AS gross, -sum(amount)
            FILTER (WHERE type = 'refund_after_release') AS refunds,
               -sum(amount) FILTER (WHERE type LIKE 'platform_fee%') AS fees FROM {source}
                   WHERE party = 'freelancer'
    """
    found = engine.execute(query, [str(history)]).fetchone()
    told = next(csv.DictReader(summary.open(newline="")))
    assert tuple(f"{value:.2f}" for value in found or ()) == (
        told["gross_released"],
        told["refunds_after_release"],
        told["platform_fees"],
    )


@pytest.mark.parametrize("form", ["beancount", "hledger"])
def test_plain_text_accounting_accepts_the_journal_and_not_its_broken_twin(
    year: Golden, tmp_path: Path, form: str
) -> None:
    done = made(year, tmp_path, "general_journal", "2025-11-01..2026-12-31", form=form)
    assert _accepted(form, done.path).returncode == 0, _accepted(form, done.path).stderr
    text = done.path.read_text()
    assert ("~ 0.00" in text) == (form == "beancount")
    twin = tmp_path / f"twin.{form}"
    twin.write_text(
        text.replace("1200.00 USD", "1200.01 USD", 1).replace("-1200.00 USD", "-1200.01 USD", 1)
    )
    assert _accepted(form, twin).returncode != 0, (
        "a cent that balances within its entry is found by the assertions"
    )


def _accepted(form: str, path: Path) -> subprocess.CompletedProcess[str]:
    bean_check = str(Path(sys.executable).parent / "bean-check")
    command = (
        [bean_check, str(path)]
        if form == "beancount"
        else [_hledger(), "-f", str(path), "check", "--strict"]
    )
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def _hledger() -> str:
    """It comes with the system, not with Python; CI has it always."""
    program = shutil.which("hledger")
    if program is None and os.environ.get("CI"):
        pytest.fail("hledger is not installed: apt-get install hledger")
    if program is None:
        pytest.skip("NO HLEDGER: the journal was not shown to it; apt-get install hledger")
    return program


def test_hledger_s_own_balance_is_the_trial_balance(year: Golden, tmp_path: Path) -> None:
    journal = made(year, tmp_path, "general_journal", "2025", form="hledger").path
    program = shutil.which("hledger")
    assert program
    out = subprocess.run(
        [program, "-f", str(journal), "balance", "-O", "csv", "--flat", "--no-elide"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    theirs = {
        r[0]: r[1].removesuffix(" USD")
        for r in list(csv.reader(out.splitlines()))[1:]
        if r[1] not in ("0", "") and r[0] != "total"
    }
    ours = {r["account"]: r["closing"] for r in rows(year, tmp_path, "trial_balance", "2025")}
    summed = {
        plain_text_accounting.account_name(kind, None): ours[kind]
        for kind in ("psp_trust", "psp_operating", "psp_fees", "platform_fees", "platform_equity")
    }
    assert {name: theirs[name] for name in summed} == summed


MUTANTS = {
    "income at funding": (
        "earnings",
        "2025",
        "type = 'release'), 0) AS gross",
        "type IN ('release', 'payout')), 0) AS gross",
    ),
    "income at payout": (
        "earnings",
        "2025",
        "type = 'release'), 0) AS gross",
        "type = 'payout_failed'), 0) AS gross",
    ),
    "fees not given back": (
        "earnings",
        "2026",
        "('platform_fee', 'platform_fee_refund')",
        "('platform_fee')",
    ),
    "the year by recording only": (
        "earnings",
        "2025",
        "l.posted_on) <= %(last)s",
        "l.posted_on) <= '2027-01-01'",
    ),
    "refund of the next year in this one": (
        "client_statement",
        "2025",
        "FROM line WHERE day <= %(last)s",
        "FROM line",
    ),
    "confiscation as a refund": (
        "client_statement",
        "2026",
        "('refund_from_escrow', 'refund_from_escrow_failed')",
        "('refund_from_escrow', 'refund_from_escrow_failed', 'confiscation')",
    ),
    "locked money forgotten": (
        "escrow_balances",
        "2025",
        "c.trust_side = -1",
        "c.trust_side = -1 AND account <> 'disputed'",
    ),
    "a payout on its way forgotten": (
        "escrow_balances",
        "2025",
        "c.trust_side = -1",
        "c.trust_side = -1 AND account <> 'payout_in_flight'",
    ),
    "a chargeback restates the old year": (
        "trial_balance",
        "2025",
        "posted_on <= %(last)s AND position",
        "position",
    ),
    "half a posting": (
        "general_journal",
        "2025",
        "greatest(-amount_minor, 0) AS credit",
        "greatest(-amount_minor, 0) / 2 AS credit",
    ),
    "a fee that is no line of its own": (
        "transactions",
        "2025",
        "WHERE h.day BETWEEN %(first)s",
        "WHERE h.type <> 'platform_fee' AND h.day BETWEEN %(first)s",
    ),
}


@pytest.mark.parametrize("name", list(MUTANTS))
def test_a_wrong_statement_cannot_be_downloaded(year: Golden, tmp_path: Path, name: str) -> None:
    """The export's own check stops it, or its figures differ from the golden year's; no mutant
    survives both.
    """
    code, period, right, wrong = MUTANTS[name]
    export = registry.find(code)
    assert right in export.statement, "the mutant has to change something"
    mutant = type(
        "Mutant",
        (Export,),
        {"statement": property(lambda _: export.statement.replace(right, wrong, 1))},
    )(**vars(export))
    asked = ExportRequest(*periods.parse(period), now_of(year), zone="UTC")
    with year.world.db.transaction() as session:
        try:
            done = generation.make(
                session, mutant, asked, "csv", tmp_path / "mutant", year.world.settings.signing_key
            )
        except generation.CheckFailed:
            done = None
    if done is None:
        assert not (tmp_path / "mutant" / manifest.NAME).exists(), "nothing is signed"
        return
    assert manifest.digest(done.path) != manifest.digest(made(year, tmp_path, code, period).path)


def test_the_manifest_finds_what_was_changed(year: Golden, tmp_path: Path) -> None:
    done = made(year, tmp_path, "general_journal", "2025")
    content = json.loads((tmp_path / manifest.NAME).read_text())
    assert (
        manifest.verify(tmp_path)
        == manifest.verify(tmp_path / manifest.NAME, content["public_key"])
        == []
    )
    assert manifest.verify(tmp_path, "00" * 32) == ["it was signed with another key"]
    whole = done.path.read_bytes()
    done.path.write_bytes(whole.replace(b"1200.00", b"1300.00", 1))
    assert manifest.verify(tmp_path) == [f"{done.path.name} has been changed"]
    done.path.unlink()
    assert manifest.verify(tmp_path) == [f"{done.path.name} is missing"]
    done.path.write_bytes(whole)
    text = (tmp_path / manifest.NAME).read_text()
    (tmp_path / manifest.NAME).write_text(text.replace('"rows"', '"Rows"', 1))
    assert manifest.verify(tmp_path) == ["the signature does not fit the manifest"]
    (tmp_path / manifest.NAME).write_text("{")
    assert "cannot be read" in manifest.verify(tmp_path)[0]


def test_questions_that_have_no_answer(year: Golden, tmp_path: Path) -> None:
    for words in (
        "",
        "2025-13",
        "2025-Q5",
        "IN2025-27",
        "2025-12-31..2025-01-01",
        "yesterday",
        "0001",
        "2025-02-30..2025-03-01",
    ):
        with pytest.raises(Invalid, match="Say a period"):
            periods.parse(words)
    assert periods.parse("UK2025-26") == (date(2025, 4, 6), date(2026, 4, 5))
    assert periods.parse("au2025-26") == (date(2025, 7, 1), date(2026, 6, 30))
    assert periods.parse("2024-02") == (date(2024, 2, 1), date(2024, 2, 29))
    assert periods.parse("2025-Q4") == (date(2025, 10, 1), date(2025, 12, 31))
    with pytest.raises(Invalid, match="trial_balance comes as"):
        made(year, tmp_path, "trial_balance", "2025", form="beancount")
    with pytest.raises(Invalid, match="about everybody"):
        made(year, tmp_path, "general_journal", "2025", party=year.world.ada_id)


@pytest.mark.parametrize("code", list(registry.EXPORTS))
def test_a_period_in_which_nothing_happened(year: Golden, tmp_path: Path, code: str) -> None:
    done = made(year, tmp_path, code, "2024")
    assert done.rows == 0
    assert len(done.path.read_text().splitlines()) == 1, "the header is there all the same"
    assert replace(registry.find(code)).columns[0].name in done.path.read_text()
