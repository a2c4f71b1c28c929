"""The mutants of the golden year that are no statement of an export: what the books themselves refuse, and what one rounding changes."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from sqlalchemy.exc import DBAPIError

from service.domain import fees
from service.ledger import PSP_FEES, TRUST, Account, Entry, Line, post
from service.models import new_id
from tests.world import World

FORFEITURES = Account("forfeitures")


@pytest.mark.parametrize(
    ("name", "kind", "line"),
    [
        ("Stripe's fee out of other people's money", "fund", lambda *_: Line(PSP_FEES, TRUST, 3_510)),
        ("a case as income on the day of its decision", "confiscate", lambda milestone, _: Line(Account("escrow", milestone), FORFEITURES, 50_000)),
        ("a case as the freelancer's income", "confiscate", lambda milestone, freelancer: Line(Account("escrow", milestone), Account("pending", freelancer), 50_000)),
        ("income at funding", "fund", lambda _, freelancer: Line(TRUST, Account("pending", freelancer), 120_000)),
    ],
)  # fmt: skip
def test_the_books_refuse_it(world: World, name: str, kind: str, line: object) -> None:
    contract, _ = world.funded_contract(milestones=[("Engine drawings", 120_000)])
    milestone = contract["milestones"][0]["id"]
    before = world.sql("SELECT count(*) FROM posting")[0][0]
    with pytest.raises(DBAPIError), world.runtime.act("test") as act:
        post(act, Entry(kind, new_id("pay"), "USD", [line(milestone, world.ada_id)], name, contract["id"]))  # type: ignore[operator]
    assert world.sql("SELECT count(*) FROM posting")[0][0] == before
    world.check_books()


def test_half_even_would_be_a_cent_less(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """5 per cent of 1,000.10 is 50.005: the golden year says 50.01."""
    schedule = world.runtime.policies.schedule_for("direct", date(2025, 12, 29), "USD")
    assert schedule.headline_rate * 20 == 1
    assert fees.fee_on(schedule, 100_010) == 5_001
    monkeypatch.setattr(fees, "round_half_up", lambda n, d: int((Decimal(n) / Decimal(d)).quantize(Decimal(1), ROUND_HALF_EVEN)))
    assert fees.fee_on(schedule, 100_010) == 5_000
