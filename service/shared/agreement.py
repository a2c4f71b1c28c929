"""The text that two people agree on: its canonical form and hash, every version that was shown, and
the fee quote in its amounts.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date
from fractions import Fraction
from typing import Any

from sqlalchemy.orm import Session

from service.core import repository
from service.core.context import Context
from service.domain.identity import names, typeid
from service.domain.identity.names import NameKind
from service.domain.states.proof import AgreementEvidence
from service.models import Contract, ContractText, Freelancer
from service.platform import locks
from service.platform.db import fetch
from service.platform.locks import Lock
from service.policies import FOLDER as POLICY_FOLDER
from service.policies import NORMAL
from service.policies.fee_tax import FeeTax
from service.policies.quotes import Pair, Quote, QuoteRequest, promised, quote

TERMS_VERSION = "terms-1"
TERMS_TEXT = (POLICY_FOLDER / "terms.md").read_text()
TERMS_HASH = hashlib.sha256(TERMS_TEXT.encode()).hexdigest()


def text_of(contract: Contract) -> dict[str, Any]:
    """The words and numbers that are agreed on.

    Their canonical JSON is what the hash is made of.
    """
    return {
        "contract": contract.id,
        "text_version": contract.text_version,
        "kind": contract.kind,
        "freelancer": contract.freelancer.display_name,
        "client": {
            "name": contract.client_name,
            "company": contract.client_company,
            "email": contract.client.email,
        },
        "title": contract.title,
        "description": contract.description,
        "currency": contract.currency,
        "milestones": [
            {
                "number": m.number,
                "title": m.title,
                "amount": m.amount_minor,
                "due_on": m.due_on.isoformat() if m.due_on else None,
            }
            for m in contract.milestones
        ],
        "review_period_days": contract.review_period_days,
        "processing_borne_by": contract.processing_borne_by,
        "terms": {"version": TERMS_VERSION, "sha256": TERMS_HASH},
    }


def text_hash(agreed: dict[str, Any]) -> str:
    """SHA-256 over sorted, compact, UTF-8 JSON, in hex."""
    return hashlib.sha256(
        json.dumps(agreed, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    ).hexdigest()


def new_version(ctx: Context, contract: Contract) -> dict[str, Any]:
    """Number, hash and keep the present words as the next version; the one before keeps its own
    hash.
    """
    previous = contract.text_hash
    contract.text_version += 1
    words = text_of(contract)
    contract.text_hash = text_hash(words)
    ctx.session.add(
        ContractText(
            contract_id=contract.id,
            text_version=contract.text_version,
            text=words,
            text_hash=contract.text_hash,
            previous_hash=previous,
            made_at=ctx.now,
        )
    )
    return words


def version_of(session: Session, contract: Contract, number: int) -> dict[str, Any] | None:
    """The words of an earlier version."""
    found = session.get(ContractText, (contract.id, number))
    return found.text if found else None


def quote_of(ctx: Context, contract: Any) -> Quote:
    """The fee promise at this moment; the stored one once the contract was sent.

    Takes a contract or a read of one.
    """
    frozen: Quote | None = contract.quote
    return frozen if frozen is not None else fresh_quote(ctx, contract)


def fresh_quote(ctx: Context, contract: Any) -> Quote:
    """What the present words cost; by the schedules that were promised, once there was a promise.

    Raises Invalid.
    """
    on = ctx.today
    pair = (
        promised(contract.quote)
        if contract.quote
        else pair_for(
            ctx, contract.kind, contract.currency, on, contract.client_alias_id, contract.fee_rate
        )
    )
    asked = QuoteRequest(
        kind=contract.kind,
        currency=contract.currency,
        amounts_minor=[m.amount_minor for m in contract.milestones],
        bearer=contract.processing_borne_by,
        on=on,
        billed_before_minor=billed_before(ctx, contract.client_alias_id, contract.currency)
        if pair.lifetime
        else 0,
        fee_tax=fee_tax_of(ctx, contract.freelancer_id, on) if pair.own.tax != "none" else None,
    )
    return quote(ctx.policies, pair, asked)


def fee_tax_of(ctx: Context, freelancer_id: str, on: date) -> FeeTax | None:
    """The tax that is charged on a freelancer's fee: none to a business that owes it itself, by
    what it has declared.
    """
    declared = repository.tax_identity(ctx.session, freelancer_id)
    if declared is not None and ctx.policies.entity.reverse_charges(
        declared.country, declared.vat_id
    ):
        return None
    return ctx.policies.fee_tax(ctx.session.get_one(Freelancer, freelancer_id).country, on)


def pair_for(
    ctx: Context,
    kind: str,
    currency: str,
    on: date,
    client_alias_id: str | None,
    fee_rate: str | None = None,
) -> Pair:
    """The schedules in force on a day that these two people's contract is measured by.

    Raises Invalid where there is none.
    """
    own = ctx.policies.schedule_for(kind, on, currency)
    normal = ctx.policies.schedule_for(NORMAL, on, currency)
    if normal.rate_range:
        given = fee_rate if kind == NORMAL else _lowest_rate_given(ctx, client_alias_id)
        normal = normal.at(Fraction(given)) if given else normal
    return Pair(normal if kind == NORMAL else own, normal)


_RATES = """
    SELECT fee_rate FROM contract WHERE client_alias_id = %s AND kind = %s AND fee_rate IS NOT NULL
        AND accepted_at IS NOT NULL
"""


def _lowest_rate_given(ctx: Context, client_alias_id: str | None) -> str | None:
    """Where normal contracts have rates of their own: the lowest one that these two people have
    had.
    """
    found = (
        fetch(ctx.session, _RATES, (typeid.decode(client_alias_id), NORMAL))
        if client_alias_id
        else []
    )
    return min((row.fee_rate for row in found), key=Fraction, default=None)


_BILLED = """
    SELECT coalesce(sum(m.released_minor - m.refunded_after_release_minor), 0)::bigint
        AS billed_minor
      FROM contract c JOIN milestone m ON m.contract_id = c.id WHERE c.client_alias_id = %s
          AND c.currency = %s
"""


def billed_before(ctx: Context, client_alias_id: str, currency: str, *, alone: bool = False) -> int:
    """What the freelancer has billed this client so far in a currency: released, less what went
    back.

    `alone`: two first releases at once must not both begin at the same place; the second one waits
    for the first.
    """
    if alone:
        locks.alone(ctx.session, Lock.AGREEMENT, client_alias_id)
    return int(
        fetch(ctx.session, _BILLED, (typeid.decode(client_alias_id), currency))[0].billed_minor
    )


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[dict[str, Any]]:
    """What a reader must know of a new version: {what, before, after}, milestones told apart by
    their number.
    """
    names = ("kind", "title", "description", "review_period_days", "processing_borne_by")
    found = [
        {"what": name, "before": old[name], "after": new[name]}
        for name in names
        if old[name] != new[name]
    ]
    before, after = ({m["number"]: m for m in text["milestones"]} for text in (old, new))
    for number in sorted({*before, *after}):
        one, other = before.get(number), after.get(number)
        if one is None or other is None:
            found.append(
                {"what": f"milestone {number}", "before": _line(one), "after": _line(other)}
            )
            continue
        parts = [name for name in ("title", "amount", "due_on") if one[name] != other[name]]
        found += [
            {"what": f"milestone {number} {name}", "before": one[name], "after": other[name]}
            for name in parts
        ]
    return found


def _line(milestone: dict[str, Any] | None) -> dict[str, Any] | None:
    return (
        None
        if milestone is None
        else {name: milestone[name] for name in ("title", "amount", "due_on")}
    )


def check_names(ctx: Context, evidence: AgreementEvidence) -> None:
    """Raises Invalid for a signature that is no name of a person, or a company that carries an
    address.
    """
    names.check("full_name", evidence.full_name, NameKind.PERSON, ctx.policies.platform_name)
    if evidence.company:
        names.check("company", evidence.company, NameKind.COMPANY, ctx.policies.platform_name)
