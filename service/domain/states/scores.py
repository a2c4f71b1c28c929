"""What a closed contract's outcome is, and the job-success figure: a published formula that anybody
can compute again.

A closed contract is *neutral* when nothing was ever paid into it. Otherwise it is *negative* when
any of it was confiscated or taken back by the client's bank, when the client rated it 1 or 2 of 5,
or when in the end nothing that was released stayed with the freelancer. Everything else is
*positive*.

job success = half-up(100 x positive / (positive + negative)) over the counted contracts that closed
within the last 730 days; null when there is none. Only kinds that count are ever looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from service.domain.money.money import round_half_up

POSITIVE, NEGATIVE, NEUTRAL = "positive", "negative", "neutral"
WINDOW_DAYS = 730
LOWEST_GOOD_RATING = 3


@dataclass(frozen=True)
class ScoreInputs:
    """Of one closed contract; amounts in minor units."""

    paid_minor: int
    released_minor: int
    refunded_after_release_minor: int
    charged_back_minor: int
    confiscated_minor: int
    rating: int | None


@dataclass(frozen=True)
class Score:
    """`percent` is None while there is nothing to count."""

    percent: int | None
    positive: int
    negative: int
    neutral: int


def result_of(facts: ScoreInputs) -> tuple[str, str]:
    """(positive, negative or neutral; the sentence that says why)."""
    if not facts.paid_minor:
        return NEUTRAL, "Nothing was ever paid in."
    if facts.confiscated_minor:
        return NEGATIVE, "Some of its money was confiscated."
    if facts.charged_back_minor:
        return NEGATIVE, "The client's bank took some of its money back."
    if facts.rating is not None and facts.rating < LOWEST_GOOD_RATING:
        return NEGATIVE, f"The client rated it {facts.rating} of 5."
    if facts.released_minor <= facts.refunded_after_release_minor:
        return NEGATIVE, "Nothing that was paid in stayed with the freelancer."
    return POSITIVE, "Work was paid for, and stayed paid."


def job_success(results: Iterable[str]) -> Score:
    """The figure over the results of counted contracts."""
    found = Counter(results)
    counted = found[POSITIVE] + found[NEGATIVE]
    percent = round_half_up(100 * found[POSITIVE], counted) if counted else None
    return Score(percent, found[POSITIVE], found[NEGATIVE], found[NEUTRAL])
