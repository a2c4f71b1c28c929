"""The journal as plain-text accounting: Beancount and hledger, with a balance assertion for every
account at the end of each month.

Account names are the chart's, grouped as those programs want: Assets, Liabilities, Equity, Income,
Expenses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from itertools import groupby
from typing import TypedDict, cast
from uuid import UUID

from service.domain.identity import typeid
from service.domain.money.chart import ACCOUNTS
from service.domain.money.money import CURRENCIES
from service.domain.text.texts import printable
from service.exports.definitions import Row, plain_amount

_GROUPS = {
    "psp_trust": "Assets:PSP:Trust",
    "psp_operating": "Assets:PSP:Operating",
    "chargeback_receivable": "Assets:Chargebacks",
    "recoverable": "Assets:Recoverable",
    "platform_fees": "Income:PlatformFees",
    "processing_recovered": "Income:ProcessingRecovered",
    "forfeitures": "Income:Forfeitures",
    "psp_fees": "Expenses:PSPFees",
    "dispute_fees": "Expenses:DisputeFees",
    "losses": "Expenses:Losses",
    "platform_equity": "Equity:Platform",
    "fee_tax_payable": "Liabilities:FeeTaxPayable",
}
Balances = dict[tuple[str, str], int]


class JournalLine(TypedDict):
    """What a journal in plain text needs of a line; debit and credit in minor units.

    `number` counts entries, `owner` is whose account it is.
    """

    number: int
    event_id: UUID
    posted_on: date
    kind: str
    narration: str
    account: str
    owner: UUID | None
    currency: str
    debit: int
    credit: int


def account_name(kind: str, owner: UUID | None) -> str:
    """'Liabilities:Escrow:01M838…': the chart's kind, and whose it is."""
    name = _GROUPS.get(kind) or "Liabilities:" + kind.title().replace("_", "")
    return f"{name}:{typeid.encode('xxx', owner)[4:].upper()}" if owner is not None else name


def _months(
    rows: Iterable[Row],
    entry: Callable[[list[JournalLine]], Iterator[str]],
    assertions: Callable[[date, Balances], Iterator[str]],
    last_day: date,
) -> Iterator[str]:
    """Entries in their order, and after the last one of each month what every account stands at."""
    balances: Balances = defaultdict(int)
    month = None
    legs = (cast("JournalLine", row) for row in rows)
    for _, group in groupby(legs, key=lambda leg: leg["number"]):
        lines = list(group)
        begins = lines[0]["posted_on"].replace(day=1)
        if month is not None and begins > month:
            yield from assertions(_end(month), balances)
        month = max(month or begins, begins)
        for leg in lines:
            balances[account_name(leg["account"], leg["owner"]), leg["currency"]] += (
                leg["debit"] - leg["credit"]
            )
        yield from entry(lines)
    if month is not None:
        yield from assertions(min(_end(month), last_day), balances)


def _end(month: date) -> date:
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _words(text: str) -> str:
    """On one line, with nothing that a reader of text files stumbles over."""
    return " ".join(printable(text).split())


def _quoted(text: str) -> str:
    """Between Beancount's quotes, where a backslash begins an escape."""
    return _words(text).replace("\\", "\\\\").replace('"', '\\"')


def as_beancount(rows: Iterable[Row], last_day: date) -> Iterator[bytes]:
    """Assertions carry a tolerance of zero: Beancount's own default would let a cent pass.

    They stand on the next day, since it asserts mornings.
    """
    opened: set[str] = set()
    yield b'option "title" "Holdfast general journal"\n'

    def entry(lines: list[JournalLine]) -> Iterator[str]:
        first = lines[0]
        for leg in lines:
            name = account_name(leg["account"], leg["owner"])
            if name not in opened:
                opened.add(name)
                yield f"{first['posted_on']} open {name}\n"
        yield f'\n{first["posted_on"]} * "{first["kind"]}" "{_quoted(first["narration"])}"\n'
        yield f'  event_id: "{typeid.encode("jnl", first["event_id"])}"\n'
        for leg in lines:
            amount = plain_amount(leg["debit"] - leg["credit"], leg["currency"])
            yield f"  {account_name(leg['account'], leg['owner'])}  {amount} {leg['currency']}\n"

    def assertions(day: date, balances: Balances) -> Iterator[str]:
        yield "\n"
        for (name, currency), amount in sorted(balances.items()):
            shown, zero = plain_amount(amount, currency), plain_amount(0, currency)
            yield f"{day + timedelta(days=1)} balance {name}  {shown} ~ {zero} {currency}\n"

    # A month's entries are not in the order of their days when a late fact was posted; the program
    # sorts by day, so must the assertions.
    for text in _months(rows, entry, assertions, last_day):
        yield text.encode()


def as_hledger(rows: Iterable[Row], last_day: date) -> Iterator[bytes]:
    """Every account is declared before it is used, so that `hledger check --strict` accepts it;
    assertions are `= amount`.
    """
    known: set[str] = set()

    def entry(lines: list[JournalLine]) -> Iterator[str]:
        first = lines[0]
        for leg in lines:
            if leg["currency"] not in known:
                known.add(leg["currency"])
                digits = CURRENCIES[leg["currency"]].exponent
                yield f"commodity 1000.{'0' * digits} {leg['currency']}\n"
            name = account_name(leg["account"], leg["owner"])
            if name not in known:
                known.add(name)
                yield f"account {name}\n"
        narration = _words(first["narration"]).replace(";", ",")
        yield f"\n{first['posted_on']} * {first['kind']} | {narration}\n"
        yield f"    ; event_id: {typeid.encode('jnl', first['event_id'])}\n"
        for leg in lines:
            amount = plain_amount(leg["debit"] - leg["credit"], leg["currency"])
            yield f"    {account_name(leg['account'], leg['owner'])}  {amount} {leg['currency']}\n"

    def assertions(day: date, balances: Balances) -> Iterator[str]:
        yield f"\n{day} * assertions\n"
        for (name, currency), amount in sorted(balances.items()):
            shown, zero = plain_amount(amount, currency), plain_amount(0, currency)
            yield f"    {name}  {zero} {currency} = {shown} {currency}\n"

    for text in _months(rows, entry, assertions, last_day):
        yield text.encode()


FORMATS = {"beancount": as_beancount, "hledger": as_hledger}
assert set(_GROUPS) <= set(ACCOUNTS), "every group is an account of the chart"
