"""A direct contract never costs more than a normal one, and parts are the whole: over any schedules
and amounts.
"""

from __future__ import annotations

import os
import random
from datetime import date
from fractions import Fraction

import pytest

from service import policies
from service.domain.money import money
from service.domain.money.fees import Schedule, Tier, cumulative_fee, fee_on, own_fee
from service.domain.money.promise import break_points, counter_example, strictly_lower_from
from tests.world import make_settings

SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
EXAMPLES = 100_000


def schedule(chance: random.Random, kind: str, *, base: str = "milestone") -> Schedule:
    """Any tiers, minimum and cap, as a file could hold them."""
    ends = sorted(chance.sample(range(1, 2_000_000), chance.randint(0, 3)))
    tiers = tuple(Tier(end, Fraction(chance.randint(0, 400), 1_000)) for end in [*ends, None])
    minimum = chance.choice([0, 0, chance.randint(1, 500)])
    cap = chance.choice([None, None, minimum + chance.randint(1, 100_000)])
    return Schedule(kind, kind, date(2020, 1, 1), tiers, "made up", base, minimum, cap)


def amount(chance: random.Random) -> int:
    return chance.choice(
        [chance.randint(1, 300), chance.randint(1, 100_000), chance.randint(1, 10**9)]
    )


def test_direct_is_never_dearer_and_parts_are_the_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """Random schedules, tiers, lifetime billings, partial releases and currencies."""
    chance = random.Random(SEED)
    with capsys.disabled():
        print(f"\nseed {SEED}, {EXAMPLES} examples", end=" ")
    currencies = sorted(money.CURRENCIES)
    for _ in range(EXAMPLES):
        factor = money.usd_like(chance.choice(currencies))
        own = schedule(chance, "direct").like(factor)
        normal = schedule(
            chance, "marketplace", base=chance.choice(["milestone", "lifetime"])
        ).like(factor)
        before, parts = (
            chance.randint(0, 2_000_000),
            [amount(chance) for _ in range(chance.randint(1, 4))],
        )
        taken = released = 0
        for part in parts:
            released += part
            fee = cumulative_fee(own, normal, released, before) - taken
            assert 0 <= fee <= part + 1, (
                "never backwards; at most the part, give or take its rounding"
            )
            taken += fee
        assert taken == cumulative_fee(own, normal, sum(parts), before), "parts are the whole"
        assert taken <= own_fee(normal, sum(parts), before), "never more than a normal contract"
        assert taken <= own_fee(own, sum(parts), before), "never more than its own schedule"


def test_the_proof_finds_every_broken_promise() -> None:
    """What the proof lets pass is searched for a counter-example by brute force, at random amounts
    and around break-points.
    """
    chance = random.Random(SEED)
    proved = refused = 0
    for _ in range(300):
        own, normal = schedule(chance, "direct"), schedule(chance, "marketplace")
        found = counter_example(own, normal)
        if found is not None:
            refused += 1
            continue
        proved += 1
        marks = [int(mark) for s in (own, normal) for mark in break_points(s)]
        probes = (
            [amount(chance) for _ in range(60)]
            + [max(1, m + d) for m in marks for d in (-1, 0, 1)]
            + list(range(1, 200))
        )
        assert all(fee_on(own, x) <= fee_on(normal, x) for x in probes), (own, normal)
    assert proved > 10
    assert refused > 10


@pytest.mark.parametrize("code", sorted(money.CURRENCIES))
def test_the_shipped_schedules_keep_the_promise_in_every_currency(code: str) -> None:
    loaded = policies.load(make_settings("x"))
    on, normal = date(2026, 11, 22), policies.NORMAL
    for kind in ("direct", "byoc"):
        assert (
            counter_example(
                loaded.schedule_for(kind, on, code), loaded.schedule_for(normal, on, code)
            )
            is None
        )


def test_the_shipped_pair_is_strictly_lower_from_fifteen_cents() -> None:
    loaded = policies.load(make_settings("x"))
    own, normal = (
        loaded.schedule_for(kind, date(2026, 11, 22), "USD") for kind in ("direct", policies.NORMAL)
    )
    assert strictly_lower_from(own, normal) == 15
    equal = [x for x in range(1, 200) if fee_on(own, x) == fee_on(normal, x)]
    assert equal == [1, 2, 3, 4, 10, 11, 12, 13, 14]
