"""The part of the machine that decides about duties to withhold tax, and pays what was withheld, at
any moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

if TYPE_CHECKING:
    from tests.world import World

DUTIES = ("in_194o", "in_gst_tcs")


class Taxing(RuleBasedStateMachine):
    """The freelancer lives in India, without a tax number: five per cent of the gross where s.
    194-O is ours. Money withheld is owed until it is paid.
    """

    world: World

    def live_in_india(self) -> None:
        self.world.sql_owner("UPDATE freelancer SET country = 'IN'")

    @rule(regime=st.sampled_from(DUTIES), ours=st.booleans())
    def duty(self, regime: str, ours: bool) -> None:
        self.world.program("approver").post(
            "/v1/tax-scopes",
            {"regime": regime, "in_scope": ours, "reason": "Counsel's opinion of 3 March"},
        )

    @rule(nth=st.integers(0, 9))
    def remit(self, nth: int) -> None:
        dues = self.world.program("finance").get("/v1/tax-dues")["data"]
        if dues:
            due = dues[nth % len(dues)]
            paid = self.world.program("approver").call(
                "POST", f"/v1/tax-dues/{due['id']}/remit", {"reference": "Challan 0510308"}
            )
            over = due["month"] < self.world.sandbox.now()[:7]
            assert paid.status == (
                200 if over and due["withheld"] and not due["remitted_at"] else 409
            ), paid.text
