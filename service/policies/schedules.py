"""Fee schedules from their file: read strictly, and proved before the service starts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

from service.domain.money.fees import Schedule, Tier, own_fee
from service.domain.money.money import CURRENCIES, usd_like
from service.domain.money.promise import counter_example
from service.policies.reading import Row

NORMAL = "marketplace"
TAX = ("none", "inside", "on_top")
_REQUIRED = ("id", "kind", "effective_from", "source")
_OPTIONAL = (
    "effective_until",
    "rate",
    "tiers",
    "rate_range",
    "base",
    "minimum_minor",
    "cap_minor",
    "client_rate",
    "tax",
    "approximate",
)


def schedules_of(file: Row, kinds: list[str], currencies: tuple[str, ...]) -> tuple[Schedule, ...]:
    """Every schedule of a file, by kind and day.

    Raises PolicyError for a mistake, a gap, an overlap or a broken promise.
    """
    file.known(["schedules"], ["vectors"])
    rows = _rows(file, "schedules")
    read = [(row, _schedule(row, kinds)) for row in rows]
    _no_gap_no_overlap(read)
    schedules = tuple(sorted((s for _, s in read), key=lambda s: (s.kind, s.effective_from)))
    _keep_the_promise({s.id: row for row, s in read}, schedules, currencies)
    _vectors(file, schedules)
    return schedules


def _rows(file: Row, name: str) -> list[Row]:
    rows = file.get(name) or []
    if not isinstance(rows, list) or not all(isinstance(row, Row) for row in rows):
        raise file.refuse(f"{name} is a list of tables")
    return rows


def _schedule(row: Row, kinds: list[str]) -> Schedule:
    row.known(_REQUIRED, _OPTIONAL)
    if row["kind"] not in kinds:
        raise row.refuse(f"kind is one of {', '.join(kinds)}")
    if type(row["effective_from"]) is not date:
        raise row.refuse("effective_from is a day such as 2024-04-22")
    if sum(name in row for name in ("rate", "tiers", "rate_range")) != 1:
        raise row.refuse("one of rate, tiers, rate_range")
    base, tax = row.get("base", "milestone"), row.get("tax", "none")
    if base not in ("milestone", "lifetime") or tax not in TAX:
        raise row.refuse(f"base is milestone or lifetime, tax is {', '.join(TAX)}")
    minimum, cap = row.minor("minimum_minor") or 0, row.minor("cap_minor")
    if cap is not None and cap < minimum:
        raise row.refuse("cap_minor is not below minimum_minor")
    between = _range(row)
    return Schedule(
        row["id"],
        row["kind"],
        row["effective_from"],
        _tiers(row, between),
        str(row["source"]),
        base,
        minimum,
        cap,
        row.rate("client_rate") if "client_rate" in row else Fraction(0),
        between,
        tax,
        bool(row.get("approximate", False)),
    )


def _range(row: Row) -> tuple[Fraction, Fraction] | None:
    if "rate_range" not in row:
        return None
    given = row["rate_range"]
    if not isinstance(given, list) or len(given) != 2:
        raise row.refuse("rate_range holds the lowest and the highest rate")
    low, high = (row.as_rate(value, "rate_range") for value in given)
    if low > high:
        raise row.refuse("rate_range holds the lowest and the highest rate, in this order")
    return low, high


def _tiers(row: Row, between: tuple[Fraction, Fraction] | None) -> tuple[Tier, ...]:
    if between is not None:
        return (Tier(None, between[1]),)
    if "rate" in row:
        return (Tier(None, row.rate("rate")),)
    rows = _rows(row, "tiers")
    if not rows:
        raise row.refuse("tiers is a list of at least one")
    built = [
        (one, Tier(one.known(["rate"], ["up_to_minor"]).minor("up_to_minor"), one.rate("rate")))
        for one in rows
    ]
    for (_, before), (one, after) in pairwise(built):
        if before.up_to_minor is None or (
            after.up_to_minor is not None and after.up_to_minor <= before.up_to_minor
        ):
            raise one.refuse(
                "tiers overlap: each ends above the one before it, and only the last one has no end"
            )
    if built[-1][1].up_to_minor is not None:
        raise built[-1][0].refuse("tiers leave a gap: the last one has no up_to_minor")
    return tuple(tier for _, tier in built)


def _no_gap_no_overlap(read: list[tuple[Row, Schedule]]) -> None:
    ids = [s.id for _, s in read]
    for row, schedule in read:
        if ids.count(schedule.id) > 1:
            raise row.refuse(f"{schedule.id} stands twice")
    for kind in {s.kind for _, s in read}:
        in_order = sorted(
            ((row, s) for row, s in read if s.kind == kind), key=lambda pair: pair[1].effective_from
        )
        for (before, _), (row, later) in pairwise(in_order):
            end = before.get("effective_until", later.effective_from - timedelta(days=1))
            if later.effective_from == before["effective_from"] or end >= later.effective_from:
                raise row.refuse(
                    f"{later.id} overlaps {before['id']}: both are in force on "
                    f"{later.effective_from}"
                )
            if end < later.effective_from - timedelta(days=1):
                raise row.refuse(
                    f"gap: no {kind} schedule from {end + timedelta(days=1)} to "
                    f"{later.effective_from - timedelta(days=1)}"
                )


def _keep_the_promise(
    rows: dict[str, Row], schedules: tuple[Schedule, ...], currencies: tuple[str, ...]
) -> None:
    for own, normal in _pairs_in_force(rows, schedules):
        row = rows[own.id]
        if own.client_rate > normal.client_rate:
            raise row.refuse(
                f"{own.id} costs the client more than {normal.id}: a rate of {own.client_rate} "
                f"against {normal.client_rate}"
            )
        for code in currencies:
            found = counter_example(own.like(usd_like(code)), normal.like(usd_like(code)))
            if found is not None:
                raise row.refuse(
                    f"{own.id} costs more than {normal.id}: on {found.amount_minor} minor units "
                    f"of {code} {found.own_minor} against {found.normal_minor}"
                )


def _pairs_in_force(
    rows: dict[str, Row], schedules: tuple[Schedule, ...]
) -> Iterator[tuple[Schedule, Schedule]]:
    """Every lower-fee schedule with each normal one that is in force on some day together with
    it.
    """
    for day in sorted({s.effective_from for s in schedules}):
        newest = {s.kind: s for s in schedules if s.effective_from <= day}
        normal = newest.get(NORMAL)
        for kind, own in newest.items():
            if kind != NORMAL and normal is None:
                raise rows[own.id].refuse(
                    f"{own.id} begins before any {NORMAL} schedule to compare it with"
                )
            if kind != NORMAL and normal is not None:
                yield own, normal


def _vectors(file: Row, schedules: tuple[Schedule, ...]) -> None:
    """A file may carry examples of its own: {schedule, amount_minor, billed_before_minor?,
    fee_minor}, in `currency`.
    """
    by_id = {s.id: s for s in schedules}
    for row in _rows(file, "vectors"):
        row.known(
            ["schedule", "amount_minor", "fee_minor"], ["billed_before_minor", "currency", "source"]
        )
        schedule, code = by_id.get(row["schedule"]), row.get("currency", "USD")
        if schedule is None or code not in CURRENCIES:
            raise row.refuse("a vector names a schedule of this file and a currency")
        fee = own_fee(
            schedule.like(usd_like(code)),
            row.minor("amount_minor") or 0,
            row.minor("billed_before_minor") or 0,
        )
        if fee != row["fee_minor"]:
            raise row.refuse(
                f"{schedule.id} takes {fee} of {row['amount_minor']}, not {row['fee_minor']}"
            )
