"""The metric firewall: every closed contract's outcome with whether it counts and why, and figures
over what counts only.

There is one filter, `counting`, and every figure goes through it. A direct contract is of a type
that never counts (`policies/contract_types.py` refuses a file that says otherwise), so no number of
them can move a figure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from service.core.context import Context
from service.core.repository import EVERYONE, Owner
from service.domain.identity import typeid
from service.domain.states.lifecycle import CONTRACT
from service.domain.states.scores import WINDOW_DAYS, Score, ScoreInputs, job_success, result_of
from service.platform.db import fetch
from service.policies import Policies

CLOSING = sorted({move.fact for move in CONTRACT.moves if move.target in CONTRACT.final})
MOST_COUNTED = 10_000

_OUTCOMES = """
    SELECT e.position, e.occurred_at AS closed_at, c.id, c.kind, c.state, c.freelancer_id,
        c.client_alias_id, c.currency, c.accepted_at,
           c.metadata ->> 'external_ref' AS external_ref, c.converted_from, f.rating, m.*,
           (SELECT count(*) FROM dispute d JOIN milestone dm ON dm.id = d.milestone_id
               WHERE dm.contract_id = c.id) AS disputes
      FROM event e JOIN contract c ON c.id = e.contract_id LEFT JOIN feedback f
          ON f.contract_id = c.id
     CROSS JOIN LATERAL (
           SELECT coalesce(sum(funded_minor), 0)::bigint AS paid_minor,
               coalesce(sum(released_minor), 0)::bigint AS released_minor,
                  coalesce(sum(refunded_minor), 0)::bigint AS refunded_minor,
                      coalesce(sum(charged_back_minor), 0)::bigint AS charged_back_minor,
                  coalesce(sum(refunded_after_release_minor), 0)::bigint
                      AS refunded_after_release_minor,
                  coalesce(sum(confiscated_minor), 0)::bigint AS confiscated_minor
             FROM milestone WHERE contract_id = c.id) m
     WHERE e.type = ANY (%s) AND e.position > %s AND e.occurred_at >= %s
"""
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Outcome:
    """One closed contract as it stands now; `position` is where its closing stands in the feed."""

    row: Any
    included: bool
    why: str
    result: str
    result_why: str

    @property
    def position(self) -> int:
        return int(self.row.position)


def counting(policies: Policies) -> list[str]:
    """The kinds that count toward job success: the one filter."""
    return [kind.name for kind in policies.kinds.values() if kind.counts_toward_job_success]


def outcomes(
    ctx: Context, *, owner: Owner, after: int, since: datetime | None, limit: int
) -> list[Outcome]:
    """Closed contracts in the order in which they closed, one more than `limit` when there are
    more.
    """
    whose, more = (
        ("", []) if owner is EVERYONE else ("AND c.freelancer_id = %s", [typeid.decode(owner)])
    )
    rows = fetch(
        ctx.session,
        f"{_OUTCOMES} {whose} ORDER BY e.position LIMIT {limit + 1:d}",
        [CLOSING, after, since or _BEGINNING, *more],
    )
    included = counting(ctx.policies)
    return [
        Outcome(
            row, row.kind in included, ctx.policies.kinds[row.kind].why, *result_of(_facts(row))
        )
        for row in rows
    ]


def job_success_of(ctx: Context, freelancer_id: str) -> Score:
    """The figure by the formula of `domain.scores`, over contracts of counting kinds that closed in
    its window.
    """
    since = ctx.now - timedelta(days=WINDOW_DAYS)
    only = (
        "AND c.freelancer_id = %s AND c.kind = ANY (%s) ORDER BY e.position DESC LIMIT "
        f"{MOST_COUNTED}"
    )
    rows = fetch(
        ctx.session,
        f"{_OUTCOMES} {only}",
        [CLOSING, 0, since, typeid.decode(freelancer_id), counting(ctx.policies)],
    )
    return job_success(result_of(_facts(row))[0] for row in rows)


def _facts(row: Any) -> ScoreInputs:
    return ScoreInputs(
        row.paid_minor,
        row.released_minor,
        row.refunded_after_release_minor,
        row.charged_back_minor,
        row.confiscated_minor,
        row.rating,
    )


_EARNINGS = """
    SELECT c.currency, c.kind, sum(r.gross_minor)::bigint AS gross_minor, sum(r.fee_minor)::bigint
        AS fee_minor,
           sum(r.processing_minor)::bigint AS processing_minor, sum(r.net_minor)::bigint
               AS net_minor, count(DISTINCT c.id) AS contracts
      FROM release r JOIN contract c ON c.id = r.contract_id WHERE r.freelancer_id = %s GROUP BY 1,
          2 ORDER BY 1, 2
"""
_GIVEN_BACK = """
    SELECT c.currency, c.kind, sum(m.refunded_after_release_minor)::bigint AS refunded_minor
      FROM milestone m JOIN contract c ON c.id = m.contract_id
     WHERE c.freelancer_id = %s AND m.refunded_after_release_minor > 0 GROUP BY 1, 2
"""


def earnings_of(ctx: Context, freelancer_id: str) -> list[dict[str, Any]]:
    """Per currency and kind, never mixed: released, fee, processing, net, and what was given back
    after release.
    """
    whose = [typeid.decode(freelancer_id)]
    back = {
        (row.currency, row.kind): row.refunded_minor
        for row in fetch(ctx.session, _GIVEN_BACK, whose)
    }
    by_currency: dict[str, dict[str, Any]] = {}
    for row in fetch(ctx.session, _EARNINGS, whose):
        shown = by_currency.setdefault(
            row.currency,
            {"currency": row.currency} | {kind: _nothing() for kind in ctx.policies.kinds},
        )
        shown[row.kind] = {
            "contracts": row.contracts,
            "released": row.gross_minor,
            "fee": row.fee_minor,
            "processing": row.processing_minor,
            "net": row.net_minor,
            "refunded_after_release": back.get((row.currency, row.kind), 0),
        }
    return list(by_currency.values())


def _nothing() -> dict[str, int]:
    return dict.fromkeys(
        ("contracts", "released", "fee", "processing", "net", "refunded_after_release"), 0
    )
