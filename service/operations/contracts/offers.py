"""An offer until it is answered: written, sent, changed at the client's wish, declined, withdrawn,
expired, reminded of.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from sqlalchemy import select

from service.core import events, queue, repository
from service.core.context import Act
from service.domain.errors import Invalid, Stale, StateConflict
from service.domain.identity.actors import SYSTEM
from service.domain.money.fees import SURCHARGE_FORBIDDEN
from service.domain.money.money import check_contract_amount
from service.domain.states.terms import Terms
from service.escrow.states import touch
from service.models import ChangeRequest, Contract, Event, Milestone, new_id
from service.shared import agreement, clients, holds, outreach
from service.shared.outreach import LetterKind

UNKNOWN_PERSON = "unknown_person"
CHANGE_TOPICS = ("price", "dates", "scope", "terms", "my_details", "other")
_EDITABLE = ("draft", "sent", "change_requested")


def create(act: Act, freelancer_id: str, terms: Terms) -> Contract:
    """A draft.

    Raises Invalid for terms that could never be sent, so that the writer learns it now.
    """
    holds.refuse(act, "contract_create", [freelancer_id])
    _check(act, freelancer_id, terms)
    client, alias = clients.find_or_make(act, freelancer_id, terms.client.email)
    contract = Contract(
        id=new_id("ctr"),
        kind=terms.kind,
        state="draft",
        version=1,
        freelancer_id=freelancer_id,
        client_id=client.id,
        client_alias_id=alias.id,
        currency=terms.currency,
        policy_version=act.policies.windows.version,
        text_version=0,
        text_hash=None,
        quote=None,
        created_at=act.now,
        updated_at=act.now,
        sent_at=None,
        offer_expires_at=None,
        viewed_at=None,
        accepted_at=None,
        fund_by=None,
        closed_at=None,
        **_columns(terms),
    )
    contract.milestones = _milestones(terms)
    contract.client = client
    act.session.add(contract)
    events.record(act, "contract.created", contract, to_state="draft")
    return contract


def edit(act: Act, contract: Contract, terms: Terms, if_match: int) -> Contract:
    """Replace the terms of a draft; of an offer that was sent, make a new version that the client
    is told of.

    Raises Stale when someone edited it meanwhile, StateConflict once it is accepted or after too
    many new versions.
    """
    if contract.version != if_match:
        raise Stale("The contract has changed since it was read.")
    if contract.state not in _EDITABLE:
        raise StateConflict(
            "An accepted contract changes by an amendment that both agree to.",
            {"current_state": contract.state, "allowed_actions": ["amendments"]},
        )
    if terms.currency != contract.currency:
        raise Invalid.one(
            "/currency", "fixed", "The currency of a contract is fixed when it is created."
        )
    _check(act, contract.freelancer_id, terms)
    _apply(act, contract, terms)
    if contract.state == "draft":
        events.record(act, "contract.edited", contract)
    else:
        _revise(act, contract)
    touch(act, contract)
    return contract


def _apply(act: Act, contract: Contract, terms: Terms) -> None:
    client, alias = clients.find_or_make(act, contract.freelancer_id, terms.client.email)
    contract.client_id, contract.client_alias_id, contract.client = client.id, alias.id, client
    contract.kind = terms.kind
    for name, value in _columns(terms).items():
        setattr(contract, name, value)
    contract.milestones = _milestones(terms)


def _revise(act: Act, contract: Contract) -> None:
    """The words that the client may have read stay as they were, under their own number and hash;
    the offer's clock restarts.
    """
    windows = act.policies.windows
    if contract.offer_restarts >= windows.offer_restarts_max:
        raise StateConflict(
            f"An offer can be changed {windows.offer_restarts_max} times; withdraw it and make a "
            "new one.",
            {"current_state": contract.state, "allowed_actions": ["withdraw"]},
        )
    before = agreement.version_of(act.session, contract, contract.text_version)
    contract.quote = None
    contract.quote = agreement.quote_of(act, contract)
    after = agreement.new_version(act, contract)
    contract.offer_restarts += 1
    _answer_change(act, contract, "revised")
    changed = agreement.differences(before, after) if before else []
    outreach.count(act, contract, LetterKind.REVISION)
    events.move(act, contract, "revise", text_version=contract.text_version, differences=changed)
    _start_clock(act, contract)


def _start_clock(act: Act, contract: Contract) -> None:
    windows = act.policies.windows
    contract.offer_expires_at = act.now + timedelta(days=windows.offer_days)
    due: list[queue.Wanted] = [
        ("offer_reminder", f"{contract.id}/{day}", act.now + timedelta(days=day), {})
        for day in windows.offer_reminder_days
    ]
    queue.enqueue_many(act, [*due, ("offer_expiry", contract.id, contract.offer_expires_at, {})])


def send(act: Act, contract: Contract) -> Contract:
    """Offer the contract: the text gets its hash, the fee is quoted, the offer's clock starts.

    Raises StateConflict.
    """
    holds.refuse(act, "contract_create", [contract.freelancer_id])
    outreach.require_no_pause(act.session, contract.freelancer_id)
    events.move(act, contract, "send")
    outreach.count(act, contract, LetterKind.OFFER)
    contract.quote = agreement.quote_of(act, contract)
    agreement.new_version(act, contract)
    contract.sent_at = act.now
    touch(act, contract)
    _start_clock(act, contract)
    return contract


def ask_change(act: Act, contract: Contract, topics: list[str], words: str) -> ChangeRequest:
    """The client would agree to something else.

    Without an answer the offer stands again as it was. Raises StateConflict, Invalid.
    """
    if not topics or not set(topics) <= set(CHANGE_TOPICS):
        raise Invalid.one("topics", "unknown_topic", "Choose what should be different.")
    events.move(act, contract, "ask_change", topics=topics, words=words)
    asked = ChangeRequest(
        id=new_id("chr"),
        contract_id=contract.id,
        text_version=contract.text_version,
        topics=topics,
        words=words,
        asked_at=act.now,
        answered_at=None,
        answer=None,
    )
    act.session.add(asked)
    queue.enqueue(
        act,
        "change_lapse",
        contract.id,
        act.now + timedelta(days=act.policies.windows.change_request_days),
    )
    touch(act, contract)
    return asked


def refuse_change(act: Act, contract: Contract, reason: str = "") -> Contract:
    """The freelancer keeps the offer as it is; it stands again. Raises StateConflict."""
    events.move(act, contract, "refuse_change", reason=reason)
    _answer_change(act, contract, "refused")
    touch(act, contract)
    return contract


def change_lapse(act: Act, contract: Contract) -> bool:
    """Nobody answered the client's wish: the offer stands again as it was.

    Returns False when it was answered.
    """
    asked = _open_change(act, contract)
    if (
        contract.state != "change_requested"
        or asked is None
        or act.now < asked.asked_at + timedelta(days=act.policies.windows.change_request_days)
    ):
        return False
    events.move(act.as_(SYSTEM), contract, "change_lapse")
    _answer_change(act, contract, "lapsed")
    touch(act.as_(SYSTEM), contract)
    return True


def _open_change(act: Act, contract: Contract) -> ChangeRequest | None:
    query = select(ChangeRequest).where(
        ChangeRequest.contract_id == contract.id, ChangeRequest.answered_at.is_(None)
    )
    return act.session.execute(
        query.order_by(ChangeRequest.id.desc()).limit(1)
    ).scalar_one_or_none()


def _answer_change(act: Act, contract: Contract, answer: str) -> None:
    asked = _open_change(act, contract)
    if asked is not None:
        asked.answered_at, asked.answer = act.now, answer


def decline(act: Act, contract: Contract, reason: str, note: str = "") -> Contract:
    """The client does not want it.

    Nothing is owed; whoever does not know the sender pauses their new offers. Raises StateConflict.
    """
    events.move(act, contract, "decline", reason=reason, note=note)
    if reason == UNKNOWN_PERSON:
        outreach.pause(act, contract)
    return _close(act, contract)


def withdraw(act: Act, contract: Contract) -> Contract:
    """The freelancer takes the offer back. Raises StateConflict."""
    events.move(act, contract, "withdraw")
    return _close(act, contract)


def expire(act: Act, contract: Contract) -> bool:
    """The offer's time is over. Returns False when it was answered meanwhile."""
    if (
        contract.state not in ("sent", "change_requested")
        or contract.offer_expires_at is None
        or contract.offer_expires_at > act.now
    ):
        return False
    events.move(act, contract, "expire")
    _close(act, contract)
    return True


def remind(act: Act, contract: Contract) -> None:
    """Send the client the present step once more. At most once a day. Raises StateConflict."""
    if contract.state not in ("sent", "accepted", "active"):
        raise StateConflict(
            "There is nothing to remind of.",
            {"current_state": contract.state, "allowed_actions": []},
        )
    recent = select(Event.id).where(
        Event.contract_id == contract.id,
        Event.type == "contract.reminded",
        Event.occurred_at > act.now - timedelta(days=1),
    )
    if act.session.execute(recent).first():
        raise StateConflict(
            "The client was reminded within the last day.",
            {"current_state": contract.state, "allowed_actions": []},
        )
    outreach.count(act, contract, LetterKind.REMINDER)
    events.record(act, "contract.reminded", contract, step=contract.state)


def old_drafts(act: Act) -> list[str]:
    """Drafts that nobody has touched for a long time, at most 1,000."""
    query = select(Contract.id).where(
        Contract.state == "draft", Contract.updated_at < _drafts_until(act)
    )
    return list(act.session.execute(query.order_by(Contract.updated_at).limit(1_000)).scalars())


def _drafts_until(act: Act) -> datetime:
    return act.now - timedelta(days=act.policies.windows.draft_days)


def forget_draft(act: Act, contract_id: str) -> bool:
    """Throw a draft away, unless it was touched or is gone. Returns whether it was thrown away."""
    query = select(Contract).where(Contract.id == contract_id)
    contract: Contract | None = repository.maybe(act.session, query, lock=True)
    if contract is None or contract.state != "draft" or contract.updated_at >= _drafts_until(act):
        return False
    events.record(act, "contract.draft_deleted", contract, public=False)
    act.session.delete(contract)
    return True


def _check(act: Act, freelancer_id: str, terms: Terms) -> None:
    windows = act.policies.windows
    if terms.currency not in act.policies.currencies:
        raise Invalid.one(
            "/currency",
            "unknown_currency",
            f"Contracts can be in {', '.join(act.policies.currencies)}.",
        )
    if not 1 <= len(terms.milestones) <= windows.milestones_max:
        raise Invalid.one(
            "/milestones",
            "milestone_count",
            f"A contract has 1 to {windows.milestones_max} milestones.",
        )
    for i, milestone in enumerate(terms.milestones):
        check_contract_amount(milestone.amount_minor, terms.currency, f"/milestones/{i}/amount")
    terms.check_names(act.policies.platform_name)
    country = terms.client.country
    if terms.processing_borne_by in ("client", "split") and not act.policies.surcharge_legal_basis:
        if country is None:
            raise Invalid.one(
                "/client/country",
                "country_needed",
                "Say the client's country: where they live decides who may bear the processing "
                "cost.",
            )
        if country in SURCHARGE_FORBIDDEN:
            raise Invalid.one(
                "/processing_borne_by",
                "surcharge_forbidden",
                f"Payers in {country} may not be charged the processing cost.",
            )
    same_person = clients.objections(
        repository.freelancer(act.session, freelancer_id), terms.client.email, terms.relation
    )
    if same_person:
        raise Invalid("These two cannot have a contract.", errors=same_person)
    _check_rate(act, terms)


def _check_rate(act: Act, terms: Terms) -> None:
    if terms.fee_rate is None:
        return
    schedule = act.policies.schedule_for(terms.kind, act.today, terms.currency)
    if schedule.rate_range is None:
        raise Invalid.one("/fee_rate", "no_range", f"{schedule.id} has one price for everybody.")
    low, high = schedule.rate_range
    if not low <= Fraction(terms.fee_rate) <= high:
        raise Invalid.one(
            "/fee_rate", "outside_range", f"{schedule.id} leaves a rate from {low} to {high}."
        )


def _columns(terms: Terms) -> dict[str, Any]:
    return {
        "client_name": terms.client.name,
        "client_company": terms.client.company,
        "client_country": terms.client.country,
        "title": terms.title,
        "description": terms.description,
        "relation": terms.relation,
        "fee_rate": terms.fee_rate,
        "review_period_days": terms.review_period_days,
        "processing_borne_by": terms.processing_borne_by,
        "metadata_": terms.metadata or {},
    }


def _milestones(terms: Terms) -> list[Milestone]:
    return [
        Milestone(
            id=new_id("mst"),
            number=i,
            state="planned",
            title=m.title,
            amount_minor=m.amount_minor,
            due_on=m.due_on,
        )
        for i, m in enumerate(terms.milestones, start=1)
    ]


def _close(act: Act, contract: Contract) -> Contract:
    contract.closed_at = act.now
    touch(act, contract)
    return contract
