"""What an export is made of: columns with a type and a meaning, one statement, the sums that prove
it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from psycopg.types.json import Jsonb

from service.domain.identity import typeid
from service.domain.money.money import CURRENCIES
from service.policies.entity import EU
from service.policies.us_1099k import thresholds

_SQL = Path(__file__).parent / "sql"

Cell = str | int | Decimal | date | datetime | UUID | None
"""One value of a row, as the database types it; amounts are minor units."""
Row = Mapping[str, Cell]
"""By the names of the statement's columns: those of its export, and what some forms need besides.
"""
Parameter = str | int | date | datetime | UUID | Jsonb | list[str] | None
Parameters = dict[str, Parameter]
"""Of a statement, by name."""


@dataclass(frozen=True)
class Column:
    """`kind`: text, number, day, instant, amount (minor units in the row, printed in the row's
    currency), decimal (printed as the row has it), an id's prefix, or `any id`, whose prefix is the
    row's own `prefix`.
    """

    name: str
    kind: str
    meaning: str

    @property
    def is_amount(self) -> bool:
        return self.kind == "amount"

    @property
    def is_id(self) -> bool:
        return self.kind not in ("text", "number", "decimal", "day", "instant", "amount")

    @property
    def is_figure(self) -> bool:
        """Whether the check of its export has to prove it."""
        return self.kind in ("number", "decimal", "amount")


@dataclass(frozen=True)
class ExportRequest:
    """What somebody wants to know: days in the books, both included; as known at an instant; of one
    party or of all.

    `home`: the currency that lines are converted to as well, by stored rates; `language` is that of
    a PDF.
    """

    first_day: date
    last_day: date
    as_of: datetime
    party: str | None = None
    home: str | None = None
    language: str = "en"
    platform: str = "Holdfast"
    """Its name on a paper."""
    zone: str = field(kw_only=True)
    """The books' own: it says on which day an instant lies."""
    own_zone: str | None = None
    """Where a person lives who wants their days and not the books'; only for an export with
    `own_zone`.
    """

    def parameters(self, placed: int) -> Parameters:
        """Of every statement: what was asked, the small tables that are files and not rows, and
        `placed`, the newest position of the journal that was sealed by `as_of`: what is not placed
        is not known.
        """
        return _TABLES | {
            "first": self.first_day,
            "last": self.last_day,
            "as_of": self.as_of,
            "placed": placed,
            "zone": self.zone,
            "own_zone": self.own_zone,
            "party": typeid.decode(self.party) if self.party else None,
            "home": self.home,
        }


_TABLES: Parameters = {
    "exponents": Jsonb({code: known.exponent for code, known in CURRENCIES.items()}),
    "us_1099k": Jsonb(
        [
            {
                "state": t.state,
                "from_year": t.from_year,
                "gross_minor": t.gross_minor,
                "count": t.count,
            }
            for t in thresholds()
        ]
    ),
    "eu": sorted(EU),
}


@dataclass(frozen=True)
class Export:
    """`name` is what finance calls it: in requests, rows, manifests and on the command line.

    `sums` names the amount columns whose totals per currency go into the manifest.

    `control` is a statement that goes another way and has to give the same sums of every figure
    that the file shows, for each group of rows with the same `keys`. An export with figures has
    one.
    """

    name: str
    title: str
    schema_version: int
    columns: tuple[Column, ...]
    sums: tuple[str, ...] = ()
    control: str | None = None
    keys: tuple[str, ...] = ("currency",)
    for_party: bool = False
    """Whether it can be narrowed to one freelancer or client."""
    converts: bool = False
    """Whether its lines can be had in another currency as well."""
    pdf: bool = False
    """Whether it also comes as a paper."""
    own_zone: bool = False
    """Whether a person can have it by the days of another zone than the books'."""

    @property
    def figures(self) -> tuple[str, ...]:
        """The columns that the check proves."""
        return tuple(column.name for column in self.columns if column.is_figure)

    @property
    def statement(self) -> str:
        return (_SQL / f"{self.name}.sql").read_text()

    @property
    def control_statement(self) -> str | None:
        return (_SQL / f"{self.control}.sql").read_text() if self.control else None


def plain_amount(amount_minor: int, currency: str) -> str:
    """'-1234.50' with exactly the currency's digits, no grouping: a number for every program."""
    return _with_point(str(amount_minor), CURRENCIES[currency].exponent)


def _with_point(minor: str, exponent: int) -> str:
    if not exponent:
        return minor
    if minor[0] == "-":
        return "-" + _with_point(minor[1:], exponent)
    minor = minor.rjust(exponent + 1, "0")
    return f"{minor[:-exponent]}.{minor[-exponent:]}"
