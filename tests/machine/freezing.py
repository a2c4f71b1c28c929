"""The part of the machine that freezes and lifts: people, contracts, milestones, payments, at any
moment, in any order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from service.domain.identity import typeid
from tests.safety.test_holds import WHY

if TYPE_CHECKING:
    from tests.world import World

SCOPES = ("inflow", "release", "refund", "outflow", "amend")
SUBJECTS = {
    "frl": "freelancer",
    "cli": "client",
    "ctr": "contract",
    "mst": "milestone",
    "pay": "payment",
}


class Freezing(RuleBasedStateMachine):
    """Whatever is stopped is refused by name, and the books' own check compares every gate with the
    holds after each step.
    """

    world: World

    def frozen(self, scope: str) -> bool:
        return bool(
            self.world.sql(
                "SELECT 1 FROM hold WHERE scopes ? :scope AND ended_at IS NULL LIMIT 1", scope=scope
            )
        )

    @rule(
        prefix=st.sampled_from(sorted(SUBJECTS)),
        nth=st.integers(0, 9),
        scopes=st.sets(st.sampled_from(SCOPES), min_size=1),
    )
    def freeze(self, prefix: str, nth: int, scopes: set[str]) -> None:
        ids = self.world.sql(f"SELECT id FROM {SUBJECTS[prefix]} ORDER BY id")
        if ids:
            subject = typeid.encode(prefix, ids[nth % len(ids)].id)
            made = self.world.program("safety").call(
                "POST", "/v1/staff/holds", WHY | {"subject": subject, "scopes": sorted(scopes)}
            )
            assert made.status in (201, 409), made.text

    @rule(nth=st.integers(0, 9))
    def lift(self, nth: int) -> None:
        ids = self.world.sql("SELECT id FROM hold WHERE ended_at IS NULL ORDER BY id")
        if ids:
            hold = typeid.encode("hld", ids[nth % len(ids)].id)
            assert (
                self.world.program("safety")
                .call("POST", f"/v1/staff/holds/{hold}/lift", {"reason": "r"})
                .status
                == 200
            )

    @rule(amount=st.integers(1, 50_000))
    def set_aside(self, amount: int) -> None:
        body = WHY | {"subject": self.world.ada_id, "amount": amount, "currency": "USD"}
        assert self.world.program("safety").call("POST", "/v1/staff/holds", body).status in (
            201,
            409,
        )
