"""How often one caller may call: a sliding minute per address, per API key, and per address for
calls that were not let in.

All processes count together, in PostgreSQL. A process takes a twentieth of a quota at once and
gives it out: one statement for each twentieth, none for a caller that was refused. So nobody gets
more than the quota, and somebody whose calls are spread over many processes may get a few
twentieths less.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from limits import RateLimitItemPerMinute
from limits.storage.base import SlidingWindowCounterSupport, Storage
from limits.strategies import SlidingWindowCounterRateLimiter

from service.domain.errors import Unavailable
from service.platform.db import Database, fetch

SHARE = 20
"""The part of a quota that a process takes at once: a twentieth."""
REMEMBERED = 20_000
"""As many callers a process remembers; whoever has not called for longest is forgotten, and asked
for anew.
"""

_TAKE = "SELECT rate_take(%s, %s, %s, %s) AS taken"
_WINDOWS = "SELECT * FROM rate_windows(%s, %s)"


@dataclass(frozen=True)
class Standing:
    """After one more call: the quota of a minute, what is left of it, and in how many seconds it is
    whole again.
    """

    allowed: bool
    quota: int
    left: int
    resets_in: int

    @property
    def headers(self) -> dict[str, str]:
        """The RateLimit fields of the HTTPAPI draft (structured fields)."""
        return {
            "RateLimit-Policy": f'"minute";q={self.quota};w=60',
            "RateLimit": f'"minute";r={self.left};t={self.resets_in}',
        }


class PostgresStorage(Storage, SlidingWindowCounterSupport):
    """Where the library's sliding windows are kept."""

    STORAGE_SCHEME = None
    base_exceptions = Exception

    def __init__(self, db: Database) -> None:
        super().__init__(None)
        self._db = db

    def acquire_sliding_window_entry(
        self, key: str, limit: int, expiry: int, amount: int = 1
    ) -> bool:
        with self._db.reading() as session:
            return bool(fetch(session, _TAKE, (key, limit, expiry, amount))[0].taken)

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        with self._db.reading() as session:
            row = fetch(session, _WINDOWS, (key, expiry))[0]
            return row.previous, row.previous_left, row.present, row.present_left

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        raise NotImplementedError("Counts end by themselves.")

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        raise NotImplementedError("Windows slide here.")

    get = get_expiry = check = reset = clear = incr  # type: ignore[assignment]


@dataclass
class _Share:
    """What this process may give out to a caller until an instant (monotonic); none left means:
    refused until then.
    """

    left: int
    until: float
    beyond: int = 0
    """What was left of the quota behind it."""


class RateLimiter:
    """One kind of limit. `per_minute` 0 switches it off. Its callers are opaque texts."""

    def __init__(self, name: str, per_minute: int, storage: Storage) -> None:
        self.per_minute = per_minute
        self._name = name
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._item = RateLimitItemPerMinute(max(1, per_minute), namespace=name)
        self._shares: OrderedDict[str, _Share] = OrderedDict()
        self._lock = threading.Lock()

    def hit(self, caller: str) -> Standing:
        """Count one call."""
        standing = self._of_share(caller, take=True)
        if standing is not None:
            return standing
        fresh = self._taken(caller)
        with self._lock:
            self._shares[caller] = fresh
            self._shares.move_to_end(caller)
            while len(self._shares) > REMEMBERED:
                self._shares.popitem(last=False)
        return self._of_share(caller, take=True) or self._standing(fresh, allowed=False)

    def refused(self, caller: str) -> Standing | None:
        """The standing of a caller that this process knows to be beyond the quota; it asks
        nobody.
        """
        standing = self._of_share(caller, take=False)
        return standing if standing is not None and not standing.allowed else None

    def _of_share(self, caller: str, *, take: bool) -> Standing | None:
        with self._lock:
            share = self._shares.get(caller)
            if share is None or share.until <= time.monotonic():
                return None
            if share.left == 0:
                return None if share.beyond else self._standing(share, allowed=False)
            share.left -= take
            return self._standing(share, allowed=True)

    def _standing(self, share: _Share, *, allowed: bool) -> Standing:
        resets_in = max(1, math.ceil(share.until - time.monotonic()))
        return Standing(allowed, self.per_minute, share.left + share.beyond, resets_in)

    def _taken(self, caller: str) -> _Share:
        try:
            return self._asked_for(caller)
        except Unavailable:
            # Without the database the call itself will say what is wrong; what needs none is
            # answered.
            return _Share(1, time.monotonic() + 1, 0)

    def _asked_for(self, caller: str) -> _Share:
        wanted = max(1, self.per_minute // SHARE)
        took = wanted if self._limiter.hit(self._item, caller, cost=wanted) else 0
        window = self._limiter.get_window_stats(self._item, caller)
        if not took and window.remaining:
            rest = min(wanted, window.remaining)
            took = rest if self._limiter.hit(self._item, caller, cost=rest) else 0
            window = self._limiter.get_window_stats(self._item, caller)
        lasts = min(60.0, max(1.0, window.reset_time - time.time()))
        return _Share(
            took, time.monotonic() + (60.0 if took else lasts), window.remaining if took else 0
        )


@dataclass(frozen=True)
class Limits:
    """The three limits of a call, before anything about it is believed."""

    addresses: RateLimiter
    keys: RateLimiter
    failures: RateLimiter

    @classmethod
    def of(cls, storage: Storage, *, per_address: int, per_key: int, failures: int) -> Limits:
        return cls(
            RateLimiter("address", per_address, storage),
            RateLimiter("key", per_key, storage),
            RateLimiter("failure", failures, storage),
        )
