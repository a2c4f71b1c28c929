"""Tax withheld from a release, where somebody decided that the duty is ours: by the rates of the
policy, with a row that says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from service.core import repository
from service.core.context import Context
from service.domain.identity import typeid
from service.domain.money.money import CURRENCIES, round_half_up
from service.models import (
    WITHHOLDING_REGIMES,
    Contract,
    Release,
    TaxDue,
    TaxIdentity,
    Withholding,
    new_id,
)
from service.platform.locks import Lock, alone
from service.policies.quotes import decimal
from service.policies.withholding import Duty, Exemption


@dataclass(frozen=True)
class Share:
    """What one regime takes of a release, in minor units; `due_id` is the month's account at the
    tax office.
    """

    duty: Duty
    due_id: str
    rate: str
    share_minor: int
    amount_minor: int
    reason: str


# Nearly always the answer is nothing, and this is all that a release pays for it.
_IN_SCOPE = text("""
    SELECT regime FROM (SELECT DISTINCT ON (regime) regime, in_scope FROM tax_scope
        WHERE regime = ANY (:regimes) ORDER BY regime, decided_at DESC, id DESC) newest
     WHERE in_scope ORDER BY regime
""")
_YEAR = text("""
    SELECT count(*) AS releases, bool_or(r.currency <> :into AND x.rate IS NULL) AS unknown,
           coalesce(sum(CASE WHEN r.currency = :into THEN r.gross_minor
                             ELSE round(r.gross_minor / 10.0 ^ (:exponents ->> r.currency)::int
                                        * x.rate * 10.0 ^ (:exponents ->> :into)::int) END), 0)
               ::bigint AS gross_minor
      FROM (SELECT currency, (released_at AT TIME ZONE :zone)::date AS day, gross_minor FROM release
          WHERE freelancer_id = :freelancer
            UNION ALL SELECT :currency, :today, :gross) r
      LEFT JOIN LATERAL fx_on(r.currency, :into, r.day, :now) x ON r.currency <> :into
     WHERE r.day >= :since
""")
_LACKING = text("""
    SELECT coalesce(sum(share_minor) - sum(amount_minor), 0)::bigint FROM withholding
     WHERE freelancer_id = :freelancer AND regime = :regime AND currency = :currency
         AND (withheld_at AT TIME ZONE :zone)::date >= :since
""")


def shares(ctx: Context, contract: Contract, gross_minor: int, room_minor: int) -> list[Share]:
    """What every duty in force takes of a release of `gross_minor`; together at most
    `room_minor`.
    """
    in_scope = list(
        ctx.session.execute(_IN_SCOPE, {"regimes": list(WITHHOLDING_REGIMES)}).scalars()
    )
    found: list[Share] = []
    for regime in in_scope:
        taken = _share(
            ctx,
            contract,
            regime,
            gross_minor,
            room_minor - sum(share.amount_minor for share in found),
        )
        found += [taken] if taken else []
    return found


def keep(ctx: Context, release: Release, taxes: list[Share]) -> None:
    """Write down what was decided about the release, after it."""
    for tax in taxes:
        ctx.session.add(
            Withholding(
                release=release,
                due_id=tax.due_id,
                freelancer_id=release.freelancer_id,
                regime=tax.duty.regime,
                currency=release.currency,
                gross_minor=release.gross_minor,
                rate=tax.rate,
                share_minor=tax.share_minor,
                amount_minor=tax.amount_minor,
                reason=tax.reason,
                legal_ref=tax.duty.legal_ref,
                withheld_at=ctx.now,
            )
        )


def _share(
    ctx: Context, contract: Contract, regime: str, gross_minor: int, room_minor: int
) -> Share | None:
    today = ctx.today
    declared = _declared(ctx, contract, today)
    duty = ctx.policies.withholding(
        regime, declared.country if declared else contract.freelancer.country, today
    )
    if duty is None or duty.client_country not in (None, contract.client_country):
        return None
    known = _has_number(duty, declared)
    rate = duty.rate if known else duty.rate_without_number
    if not rate:
        return None
    # Two releases of one person at once would both believe to be the first beyond a threshold.
    alone(ctx.session, Lock.WITHHOLDING, contract.freelancer_id)
    own = round_half_up(gross_minor * rate.numerator, rate.denominator)
    due_id = _due(ctx, duty, contract.currency, today)
    if duty.exempt and _exempt(
        ctx,
        contract,
        duty,
        duty.exempt,
        gross_minor,
        known and declared is not None and declared.seller_kind == "individual",
    ):
        return Share(
            duty, due_id, decimal(rate), own if duty.exempt.catches_up else 0, 0, "below_threshold"
        )
    lacking = _lacking(ctx, contract, duty)
    return Share(
        duty,
        due_id,
        decimal(rate),
        own,
        min(own + lacking, room_minor),
        "number_on_file" if known else "no_number_on_file",
    )


def _declared(ctx: Context, contract: Contract, today: date) -> TaxIdentity | None:
    """The freelancer's tax identity, unless it has expired."""
    declared = repository.tax_identity(ctx.session, contract.freelancer_id)
    if declared is not None and declared.expires_on is not None and declared.expires_on < today:
        return None
    return declared


def _lacking(ctx: Context, contract: Contract, duty: Duty) -> int:
    """What the year's earlier releases fell short of their share."""
    question = _question(ctx, contract, duty) | {"regime": duty.regime}
    return int(ctx.session.execute(_LACKING, question).scalar_one())


def _has_number(duty: Duty, declared: TaxIdentity | None) -> bool:
    if declared is None or declared.country != duty.country:
        return False
    return {
        "tin": declared.tin_masked is not None,
        "vat_id": declared.vat_id is not None,
        "w9": declared.form == "w9",
    }[duty.number]


def _question(ctx: Context, contract: Contract, duty: Duty) -> dict[str, Any]:
    zone = ctx.policies.book_zone
    since = duty.year_of(ctx.today)
    return {
        "freelancer": typeid.decode(contract.freelancer_id),
        "currency": contract.currency,
        "zone": zone.key,
        "since": since,
    }


def _exempt(
    ctx: Context,
    contract: Contract,
    duty: Duty,
    exempt: Exemption,
    gross_minor: int,
    individual_with_number: bool,
) -> bool:
    """Whether the year's releases, this one included, are still at or below what is exempt.

    Without a rate nobody knows, and nothing is exempt.
    """
    if exempt.only_individuals_with_number and not individual_with_number:
        return False
    question = _question(ctx, contract, duty) | {
        "into": exempt.currency,
        "exponents": Jsonb({code: known.exponent for code, known in CURRENCIES.items()}),
        "now": ctx.now,
        "today": ctx.today,
        "gross": gross_minor,
    }
    year = ctx.session.execute(_YEAR, question).one()
    return not year.unknown and not (
        year.gross_minor > exempt.gross_to_minor and year.releases > exempt.count_to
    )


def _due(ctx: Context, duty: Duty, currency: str, today: date) -> str:
    month = today.replace(day=1)
    query = select(TaxDue.id).where(
        TaxDue.regime == duty.regime, TaxDue.month == month, TaxDue.currency == currency
    )
    found = ctx.session.execute(query).scalar_one_or_none()
    if found is None:
        # Whoever comes second waits here for the first one's commit, and reads what that one made.
        fresh = {
            "id": new_id("txd"),
            "regime": duty.regime,
            "month": month,
            "currency": currency,
            "due_on": duty.due_on(today),
        }
        ctx.session.execute(insert(TaxDue).values(fresh).on_conflict_do_nothing())
        found = ctx.session.execute(query).scalar_one()
    return found
