"""The mutants of the golden year that are no statement of an export: what the books themselves
refuse, and what one rounding changes.
"""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from sqlalchemy.exc import DBAPIError

from service.domain.money import fees
from service.domain.money.causes import Cause
from service.domain.money.chart import EntryType
from service.ledger import Entry, Line, post
from service.ledger.accounts import FORFEITURES, PSP_FEES, TRUST, escrow, pending
from service.models import new_id
from tests.world import World


@pytest.mark.parametrize(
    ("name", "kind", "line"),
    [
        (
            "Stripe's fee out of other people's money",
            "fund",
            lambda *_: Line(PSP_FEES, TRUST, 3_510),
        ),
        (
            "a case as income on the day of its decision",
            "confiscate",
            lambda milestone, _: Line(escrow(milestone), FORFEITURES, 50_000),
        ),
        (
            "a case as the freelancer's income",
            "confiscate",
            lambda milestone, freelancer: Line(escrow(milestone), pending(freelancer), 50_000),
        ),
        (
            "income at funding",
            "fund",
            lambda _, freelancer: Line(TRUST, pending(freelancer), 120_000),
        ),
    ],
)
def test_the_books_refuse_it(world: World, name: str, kind: str, line: object) -> None:
    contract, _ = world.funded_contract(milestones=[("Engine drawings", 120_000)])
    milestone = contract["milestones"][0]["id"]
    before = world.sql("SELECT count(*) FROM posting")[0][0]
    made = line(milestone, world.ada_id)  # type: ignore[operator]
    wrong = Entry(EntryType(kind), Cause(new_id("pay")), "USD", (made,), name, contract["id"])
    with pytest.raises(DBAPIError), world.runtime.context("test") as ctx:
        post(ctx, wrong)
    assert world.sql("SELECT count(*) FROM posting")[0][0] == before
    world.check_books()


def test_half_even_would_be_a_cent_less(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """5 per cent of 1,000.10 is 50.005: the golden year says 50.01."""
    schedule = world.runtime.policies.schedule_for("direct", date(2025, 12, 29), "USD")
    assert schedule.headline_rate * 20 == 1
    assert fees.fee_on(schedule, 100_010) == 5_001
    monkeypatch.setattr(
        fees,
        "round_half_up",
        lambda n, d: int((Decimal(n) / Decimal(d)).quantize(Decimal(1), ROUND_HALF_EVEN)),
    )
    assert fees.fee_on(schedule, 100_010) == 5_000
