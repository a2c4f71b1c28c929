"""Whether a tax regime asks something of the platform: never a constant of the code, always
somebody's decision with a reason.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from service.core import events
from service.core.context import Context
from service.models import TAX_REGIMES, TaxScope, new_id


def decide(ctx: Context, regime: str, in_scope: bool, reason: str) -> TaxScope:
    """The newest decision counts; the older ones stay readable."""
    made = TaxScope(
        id=new_id("tsc"),
        regime=regime,
        in_scope=in_scope,
        reason=reason,
        decided_by=ctx.actor,
        decided_at=ctx.now,
    )
    ctx.session.add(made)
    events.record(
        ctx,
        "tax_scope.decided",
        made,
        public=False,
        regime=regime,
        in_scope=in_scope,
        reason=reason,
    )
    return made


def present(session: Session) -> dict[str, TaxScope | None]:
    """By regime; None where nobody has decided."""
    newest = (
        select(TaxScope)
        .ext(distinct_on(TaxScope.regime))
        .order_by(TaxScope.regime, TaxScope.decided_at.desc(), TaxScope.id.desc())
    )
    decided: dict[str, Any] = {one.regime: one for one in session.execute(newest).scalars()}
    return {regime: decided.get(regime) for regime in TAX_REGIMES}
