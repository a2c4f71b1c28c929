"""Instants that somebody names: what was known at one of them can only be asked of the past."""

from __future__ import annotations

from datetime import datetime

from service.domain.errors import Invalid


def known_at(as_of: datetime | None, now: datetime) -> datetime:
    """The instant whose knowledge is asked for; now when none is said.

    Raises Invalid for one in the future: its answer would change until then, and whoever asks would
    not learn of it.
    """
    if as_of is None:
        return now
    if as_of.tzinfo is None:
        raise Invalid.one("/as_of", "no_zone", "Say the zone as well, as 2026-01-31T00:00:00Z.")
    if as_of > now:
        raise Invalid.one(
            "/as_of",
            "in_the_future",
            f"It is {now:%Y-%m-%dT%H:%M:%SZ} now: nobody knows yet what will be known then.",
        )
    return as_of
