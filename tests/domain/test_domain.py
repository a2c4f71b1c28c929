"""The pure core: money, fees, states, ids. Tables and properties."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import policies
from service.domain.errors import Invalid, StateConflict, catalogue
from service.domain.identity import typeid
from service.domain.money import fees, money
from service.domain.money.chart import ACCOUNTS, ENTRIES
from service.domain.money.fees import Schedule, Tier
from service.domain.states import lifecycle
from service.domain.states.capabilities import STOPPED_BY, capabilities
from service.domain.states.restrictions import SCOPES
from service.policies.quotes import Pair, QuoteRequest, quote, surcharge
from tests.world import make_settings


def flat(rate: str, kind: str = "direct") -> Schedule:
    return Schedule(f"{kind}/x", kind, date(2024, 1, 1), (Tier(None, Fraction(rate)),), "test")


TIERED = Schedule(
    "marketplace/2016",
    "marketplace",
    date(2016, 6, 21),
    (
        Tier(50_000, Fraction("0.20")),
        Tier(1_000_000, Fraction("0.10")),
        Tier(None, Fraction("0.05")),
    ),
    "published",
    base="lifetime",
)

PUBLISHED = [
    ("0.10", 26_664, 2_666),
    ("0.10", 33_336, 3_334),
    ("0.10", 50_000, 5_000),
    ("0.034", 10_000, 340),
    ("0.034", 60_000, 2_040),
    ("0.034", 100_000, 3_400),
    ("0.034", 500, 17),
    ("0.034", 9_999, 340),
    ("0.05", 15_000, 750),
    ("0.05", 60_000, 3_000),
    ("0.05", 1_200_000, 60_000),
    ("0.05", 500, 25),
    ("0.05", 1_050, 53),
]


@pytest.mark.parametrize(("rate", "amount", "fee"), PUBLISHED)
def test_published_cents(rate: str, amount: int, fee: int) -> None:
    assert fees.fee_on(flat(rate), amount) == fee


@pytest.mark.parametrize(
    ("amount", "fee"),
    [
        (60_000, 11_000),
        (50_000, 10_000),
        (50_001, 10_000),
        (1_000_000, 105_000),
        (1_000_001, 105_000),
        (1_200_000, 115_000),
    ],
)
def test_tiers(amount: int, fee: int) -> None:
    assert fees.fee_on(TIERED, amount) == fee


@pytest.mark.parametrize(
    ("before", "amount", "fee"), [(45_000, 10_000, 1_500), (990_000, 20_000, 1_500)]
)
def test_tiers_by_lifetime(before: int, amount: int, fee: int) -> None:
    assert fees.cumulative_fee(flat("0.99"), TIERED, amount, before) == fee


@pytest.mark.parametrize(
    ("rate", "parts", "taken"),
    [
        ("0.05", [3_333, 3_333, 3_334], [167, 166, 167]),
        ("0.05", [1_010] * 3, [51, 50, 51]),
        ("0.034", [25] * 4, [1, 1, 1, 0]),
    ],
)
def test_parts_add_up(rate: str, parts: list[int], taken: list[int]) -> None:
    own, found, released = flat(rate), [], 0
    for part in parts:
        released += part
        found.append(fees.cumulative_fee(own, flat("0.10"), released) - sum(found))
    assert found == taken


@given(
    st.lists(st.integers(1, 10**9), min_size=1, max_size=12),
    st.fractions(0, Fraction(3, 10)),
    st.fractions(0, Fraction(3, 10)),
)
def test_any_split_pays_the_fee_of_the_whole_and_never_more_than_normal(
    parts: list[int], rate: Fraction, other: Fraction
) -> None:
    own = Schedule("a", "direct", date(2024, 1, 1), (Tier(None, rate),), "")
    normal = Schedule("b", "marketplace", date(2024, 1, 1), (Tier(None, other),), "")
    taken = released = 0
    for part in parts:
        released += part
        step = fees.cumulative_fee(own, normal, released) - taken
        assert 0 <= step <= part
        taken += step
    assert taken == fees.cumulative_fee(own, normal, sum(parts)) <= fees.fee_on(normal, sum(parts))


@given(
    st.integers(0, 10**12),
    st.lists(st.integers(0, 10**9), min_size=1, max_size=9).filter(lambda w: sum(w) > 0),
)
def test_a_split_adds_up_and_is_fair(total: int, weights: list[int]) -> None:
    parts = money.split_by_largest_remainder(total, weights)
    assert sum(parts) == total
    assert all(
        abs(part - Fraction(total * weight, sum(weights))) < 1
        for part, weight in zip(parts, weights, strict=True)
    )


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"),
    [(1, 2, 1), (3, 2, 2), (5, 2, 3), (-1, 2, -1), (-5, 2, -3), (1, 3, 0), (2, 3, 1), (0, 7, 0)],
)
def test_halves_go_away_from_zero(numerator: int, denominator: int, rounded: int) -> None:
    assert money.round_half_up(numerator, denominator) == rounded


@given(st.sampled_from(sorted(money.CURRENCIES)), st.integers(0, 10**12))
def test_stripe_s_units_and_back(code: str, amount: int) -> None:
    assert money.from_stripe(money.to_stripe(amount, code), code) == amount


@pytest.mark.parametrize(
    ("code", "minor", "stripe"),
    [
        ("USD", 1_050, 1_050),
        ("JPY", 10_000, 10_000),
        ("KWD", 18_600, 18_600),
        ("ISK", 500, 50_000),
        ("UGX", 20_000, 2_000_000),
    ],
)
def test_stripe_s_own_exponents(code: str, minor: int, stripe: int) -> None:
    assert money.to_stripe(minor, code) == stripe


def test_a_rest_that_iso_cannot_say() -> None:
    with pytest.raises(ValueError, match="no whole number"):
        money.from_stripe(50_050, "ISK")


@pytest.mark.parametrize(
    ("amount", "code", "text"),
    [
        (120_050, "USD", "USD 1,200.50"),
        (-5, "USD", "USD -0.05"),
        (750, "JPY", "JPY 750"),
        (18_600, "KWD", "KWD 18.600"),
    ],
)
def test_plain(amount: int, code: str, text: str) -> None:
    assert money.plain(amount, code) == text


@pytest.mark.parametrize(
    ("amount", "code", "part"),
    [(18_605, "KWD", 18_600), (10_050, "HUF", 10_000), (12_345, "USD", 12_345)],
)
def test_payouts_round_down_and_carry_the_rest(amount: int, code: str, part: int) -> None:
    assert money.payable_part(amount, code) == part


def test_amount_rules_name_the_rule() -> None:
    with pytest.raises(Invalid, match="multiples of 10"):
        money.check_contract_amount(1_505, "KWD", "/a")


@pytest.mark.parametrize(
    ("cost", "bearer", "client", "freelancer"),
    [
        (3_301, "client", 3_301, 0),
        (3_301, "split", 1_651, 1_650),
        (3_301, "freelancer", 0, 3_301),
        (3_301, "platform", 0, 0),
    ],
)
def test_who_bears_what(cost: int, bearer: str, client: int, freelancer: int) -> None:
    assert (fees.borne_by_client(cost, bearer), fees.borne_by_freelancer(cost, bearer)) == (
        client,
        freelancer,
    )


@given(st.uuids())
def test_typeids_round_trip(uuid: object) -> None:
    text = typeid.encode("ctr", uuid)  # type: ignore[arg-type]
    assert typeid.decode(text) == uuid
    assert typeid.is_typeid(text, "ctr")
    assert not typeid.is_typeid(text, "mst")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ctr_",
        "ctr_8zzzzzzzzzzzzzzzzzzzzzzzzz",
        "CTR_01h455vb4pex5vsknk084sn02q",
        "ctr_01h455vb4pex5vsknk084sn02i",
        "ct_01h455vb4pex5vsknk084sn02q",
        None,
        5,
    ],
)
def test_what_is_no_typeid(text: object) -> None:
    assert not typeid.is_typeid(text, "ctr")


def test_the_specification_s_vector() -> None:
    assert (
        typeid.encode("pre", UUID("01890a5d-ac96-774b-bcce-b302099a8057"))
        == "pre_01h455vb4pex5vsknk084sn02q"
    )


@pytest.mark.parametrize("machine", sorted(lifecycle.MACHINES))
def test_every_state_can_be_reached_and_left(machine: str) -> None:
    """No dead end: from each state that moves lead into, something leads on unless it is final."""
    made = lifecycle.MACHINES[machine]
    reached = {made.states[0]} | {m.target for m in made.moves}
    sources = {s for m in made.moves for s in m.sources}
    assert {m.target for m in made.moves} | sources <= set(made.states)
    stuck = {s for s in reached - made.final if s not in sources}
    assert not stuck


def test_a_refused_move_says_what_is_possible() -> None:
    with pytest.raises(StateConflict) as refused:
        lifecycle.allowed_transition("contract", "draft", "accept", "client")
    assert refused.value.extra == {"current_state": "draft", "allowed_actions": []}
    with pytest.raises(StateConflict) as refused:
        lifecycle.allowed_transition("contract", "sent", "send", "freelancer")
    assert refused.value.extra["allowed_actions"] == ["withdraw", "revise"]


def test_capabilities_are_states_less_holds() -> None:
    assert capabilities("contract", "sent", "client") == ["ask_change", "decline", "accept"]
    assert capabilities("contract", "sent", "client", frozenset({"accept"})) == [
        "ask_change",
        "decline",
    ], "nobody is kept from saying no"
    assert capabilities("milestone", "funded", "freelancer", frozenset(SCOPES)) == [
        "submit",
        "refund",
        "dispute",
    ], "nor from handing work over"
    known = {
        (machine, move.event) for machine, made in lifecycle.MACHINES.items() for move in made.moves
    }
    assert set(STOPPED_BY) <= known
    assert set(STOPPED_BY.values()) <= set(SCOPES)


def test_every_entry_keeps_the_trust_identity_possible() -> None:
    for entry in ENTRIES.values():
        sides = {
            (ACCOUNTS[d].trust_side != 0) - (ACCOUNTS[c].trust_side != 0) for d, c in entry.lines
        }
        assert sides == {0} or {1, -1} <= sides, entry.name


def test_codes_are_unique_and_advised() -> None:
    found = catalogue()
    assert len(found) >= 25
    assert all(
        error.title and error.advice and 400 <= error.status < 600 for error in found.values()
    )


@pytest.mark.parametrize("bearer", fees.BEARERS)
def test_a_quote_adds_up(bearer: str) -> None:
    loaded = policies.load(make_settings("x"))
    on = date(2026, 1, 1)
    pair = Pair(*(loaded.schedule_for(kind, on, "USD") for kind in ("direct", policies.NORMAL)))
    made = quote(
        loaded, pair, QuoteRequest("direct", "USD", [120_000, 80_050, 233_333], bearer, on)
    )
    assert [m["fee"] for m in made["milestones"]] == [6_000, 4_003, 11_667]
    assert made["fee"] == 21_670
    cost, client, shares = surcharge(loaded, "USD", [120_000, 80_050, 233_333], bearer)
    assert made["net"] == 433_383 - 21_670 - sum(shares)
    assert client + sum(shares) == (0 if bearer == "platform" else cost)


@pytest.mark.parametrize(
    ("method", "amount", "cost"),
    [
        ("card", 10_000, 320),
        ("us_bank_account", 10_000, 80),
        ("us_bank_account", 1_000_000, 500),
        ("unknown", 10_000, 320),
    ],
)
def test_what_stripe_takes_depends_on_the_way_of_paying(
    method: str, amount: int, cost: int
) -> None:
    loaded = policies.load(make_settings("x"))
    assert fees.processing_cost(loaded.processing.price("USD", method), amount) == cost
    assert surcharge(loaded, "USD", [amount], "client", method)[:2] == (cost, cost)
