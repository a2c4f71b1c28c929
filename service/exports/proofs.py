"""Whether a file's figures are right: sums of every one of them, by the groups that the file shows,
on two ways.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

from sqlalchemy.orm import Session

from service.exports.definitions import Cell, Export, ExportRequest, Row
from service.exports.reading import all_rows

Number = int | Decimal
_TOLD = 3
"""How many groups that differ are named."""


class Proof:
    """Sums of an export's figures by its keys.

    Amounts are minor units; nothing at all counts as zero, wherever it stands.
    """

    def __init__(self, export: Export) -> None:
        self.keys = export.keys
        self.figures = tuple(name for name in export.figures if name not in export.keys)
        self._whole = {column.name for column in export.columns if column.kind != "decimal"}
        self._sums: dict[tuple[str, ...], list[Number]] = defaultdict(
            lambda: [0] * len(self.figures)
        )

    def typed(self, row: Row) -> None:
        """A row by column name, as the database types it."""
        key = tuple(
            "" if value is None else str(value) for value in (row[name] for name in self.keys)
        )
        sums = self._sums[key]
        for place, name in enumerate(self.figures):
            sums[place] += number(row[name])

    def written(self, names: list[str], columns: Sequence[Sequence[str]]) -> None:
        """Some hundred rows, a column at a time, as they are written."""
        groups = self._groups([columns[names.index(name)] for name in self.keys], len(columns[0]))
        for place, name in enumerate(self.figures):
            cells = columns[names.index(name)]
            for key, rows in groups.items():
                mine = cells if rows is None else [cells[row] for row in rows]
                self._sums[key][place] += self._sum(name, mine)

    def _groups(
        self, keys: list[Sequence[str]], rows: int
    ) -> dict[tuple[str, ...], list[int] | None]:
        """Which rows belong to a key; None for all of them."""
        each = list(zip(*keys, strict=True)) if keys else [()] * rows
        if each[0] == each[-1] and len(set(each)) == 1:
            return {each[0]: None}
        found: dict[tuple[str, ...], list[int] | None] = {}
        for row, key in enumerate(each):
            mine = found.setdefault(key, [])
            assert mine is not None, "only a whole batch has none"
            mine.append(row)
        return found

    def _sum(self, name: str, cells: Iterable[str]) -> Number:
        # A text between blanks: empty cells vanish, and without the point an amount is minor units.
        texts = " ".join(cells)
        if name in self._whole:
            return sum(map(int, texts.replace(".", "").split()))
        return sum(map(Decimal, texts.split()), Decimal(0))

    def sums(self) -> dict[tuple[str, ...], tuple[Number, ...]]:
        """Without the groups in which everything is zero."""
        return {key: tuple(sums) for key, sums in self._sums.items() if any(sums)}


def number(value: Cell) -> Number:
    """A figure's value; nothing at all is zero."""
    if value is None:
        return 0
    return value if isinstance(value, int | Decimal) else Decimal(str(value))


def expected(session: Session, export: Export, asked: ExportRequest) -> Proof:
    """The same sums by the export's other statement."""
    assert export.control_statement is not None, "only an export with a control is proved"
    found = Proof(export)
    for row in all_rows(session, export.control_statement, asked):
        found.typed(row)
    return found


def proves(session: Session, export: Export, asked: ExportRequest) -> str | None:
    """Whether the export would prove itself, by sums alone and without a file; else what
    differs.
    """
    if export.control_statement is None:
        return None
    columns = [f"{name}::text AS {name}" for name in export.keys]
    columns += [
        f"sum({name})::numeric AS {name}" for name in export.figures if name not in export.keys
    ]
    keys = ", ".join(str(place) for place, _ in enumerate(export.keys, 1))
    own = Proof(export)
    for row in all_rows(
        session,
        f"SELECT {', '.join(columns)} FROM ({export.statement}) AS row GROUP BY {keys}",
        asked,
    ):
        own.typed(row)
    return difference(own, expected(session, export, asked))


def difference(given: Proof, expected: Proof) -> str | None:
    """What the rows say and the books say otherwise, in words; None when all figures are equal."""
    ours, theirs = given.sums(), expected.sums()
    none = (0,) * len(given.figures)
    told = [
        f"{' '.join(key)}: "
        + ", ".join(
            f"{name} is {a}, the books give {b}"
            for name, a, b in zip(given.figures, mine, theirs_too, strict=True)
            if a != b
        )
        for key in sorted(ours.keys() | theirs.keys())
        if (mine := ours.get(key, none)) != (theirs_too := theirs.get(key, none))
    ]
    return "; ".join(told[:_TOLD]) or None
