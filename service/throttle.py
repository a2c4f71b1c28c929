"""How often one caller may call: a sliding minute per API key, or per address for pages, counted in each web process.

It bounds what one caller can take from this process; the limits that guard money and mailboxes (codes, links, reminders)
are counted in the database and hold over all processes.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter


@dataclass(frozen=True)
class Standing:
    """After one more call: the quota of a minute, what is left of it, and in how many seconds it is whole again."""

    allowed: bool
    quota: int
    left: int
    resets_in: int

    @property
    def headers(self) -> dict[str, str]:
        """The RateLimit fields of the HTTPAPI draft (structured fields)."""
        return {"RateLimit-Policy": f'"minute";q={self.quota};w=60', "RateLimit": f'"minute";r={self.left};t={self.resets_in}'}


class Throttle:
    """`per_minute` 0 switches it off."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._item = RateLimitItemPerMinute(max(1, per_minute))

    def hit(self, caller: str) -> Standing:
        """Count one call of `caller`, an opaque text."""
        allowed = self._limiter.hit(self._item, caller)
        window = self._limiter.get_window_stats(self._item, caller)
        return Standing(allowed, self.per_minute, max(0, window.remaining), max(1, math.ceil(window.reset_time - time.time())))
