"""A contract from draft to its end: create, edit, send, accept with evidence, decline, withdraw, cancel, expire."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select, text

from service import events, queue, rows
from service.act import Act
from service.domain.errors import Invalid, Stale, StateConflict
from service.domain.fees import SURCHARGE_FORBIDDEN
from service.domain.money import check_contract_amount
from service.models import Acceptance, Client, ClientAlias, Contract, Event, Milestone, Payment, new_id
from service.policies import FOLDER as POLICY_FOLDER
from service.policies.quotes import quote

TERMS_VERSION = "terms-1"
TERMS_TEXT = (POLICY_FOLDER / "terms.md").read_text()
TERMS_HASH = hashlib.sha256(TERMS_TEXT.encode()).hexdigest()


@dataclass(frozen=True)
class MilestoneTerms:
    """One milestone as the freelancer writes it."""

    title: str
    amount_minor: int
    due_on: date | None = None


@dataclass(frozen=True)
class ClientTerms:
    email: str
    name: str
    company: str | None = None
    country: str | None = None


@dataclass(frozen=True)
class Terms:
    """What the two agree on, as the freelancer writes it."""

    client: ClientTerms
    title: str
    description: str
    currency: str
    milestones: list[MilestoneTerms]
    kind: str = "direct"
    relationship_note: str | None = None
    review_period_days: int = 14
    processing_borne_by: str = "platform"
    metadata: dict[str, Any] | None = None


def create(act: Act, freelancer_id: str, terms: Terms) -> Contract:
    """A draft. Raises Invalid for terms that could never be sent, so that the writer learns it now."""
    _check(act, freelancer_id, terms)
    client, alias = _client(act, freelancer_id, terms.client.email)
    contract = Contract(
        id=new_id("ctr"), kind=terms.kind, state="draft", version=1, freelancer_id=freelancer_id, client_id=client.id, client_alias_id=alias.id,
        currency=terms.currency, policy_version=act.policies.windows.version, text_version=0, text_hash=None, quote=None, created_at=act.now,
        updated_at=act.now, sent_at=None, offer_expires_at=None, viewed_at=None, accepted_at=None, fund_by=None, closed_at=None,
        **_columns(terms),
    )  # fmt: skip
    contract.milestones = _milestones(terms)
    contract.client = client
    act.session.add(contract)
    events.record(act, "contract.created", contract, to_state="draft")
    return contract


def edit(act: Act, contract: Contract, terms: Terms, if_match: int) -> Contract:
    """Replace the terms of a draft. Raises Stale when someone edited it meanwhile, StateConflict once it is sent."""
    if contract.version != if_match:
        raise Stale("The contract has changed since it was read.")
    if contract.state != "draft":
        raise StateConflict(
            "A contract can be edited while it is a draft; withdraw it and make a new one.",
            {"current_state": contract.state, "allowed_actions": ["withdraw"] if contract.state == "sent" else []},
        )
    if terms.currency != contract.currency:
        raise Invalid.one("/currency", "fixed", "The currency of a contract is fixed when it is created.")
    _check(act, contract.freelancer_id, terms)
    client, alias = _client(act, contract.freelancer_id, terms.client.email)
    contract.client_id, contract.client_alias_id, contract.client = client.id, alias.id, client
    contract.kind = terms.kind
    for name, value in _columns(terms).items():
        setattr(contract, name, value)
    contract.milestones = _milestones(terms)
    _touch(act, contract)
    events.record(act, "contract.edited", contract)
    return contract


def send(act: Act, contract: Contract) -> Contract:
    """Offer the contract: the text gets its hash, the fee is quoted, the offer's clock starts. Raises StateConflict."""
    events.move(act, contract, "send")
    windows = act.policies.windows
    contract.text_version += 1
    contract.quote = quote_of(act, contract)
    contract.text_hash = text_hash(text_of(contract))
    contract.sent_at = act.now
    contract.offer_expires_at = act.now + timedelta(days=windows.offer_days)
    _touch(act, contract)
    due: list[queue.Wanted] = [("offer_reminder", f"{contract.id}/{day}", act.now + timedelta(days=day), {}) for day in windows.offer_reminder_days]
    queue.enqueue_many(act, [*due, ("offer_expiry", contract.id, contract.offer_expires_at, {})])
    return contract


@dataclass(frozen=True)
class Evidence:
    """Who accepted, from where, and when their mailbox was proved by a code."""

    full_name: str
    email: str
    ip_address: str
    user_agent: str
    locale: str
    code_verified_at: datetime
    company: str | None = None
    address: str | None = None
    vat_id: str | None = None
    purchase_order: str | None = None


def accept(act: Act, contract: Contract, text_version: int, evidence: Evidence) -> Contract:
    """Bind both. The text must be the one that was shown; from here on the quote is frozen. Raises StateConflict, Stale."""
    events.move(act, contract, "accept")
    if contract.text_version != text_version:
        raise Stale("The text has changed since you read it.")
    contract.accepted_at = act.now
    contract.fund_by = act.now + timedelta(days=act.policies.windows.fund_within_days)
    _touch(act, contract)
    act.session.add(
        Acceptance(
            contract_id=contract.id,
            text_version=text_version,
            text_hash=contract.text_hash,
            text=text_of(contract),
            quote=contract.quote,
            accepted_at=act.now,
            **vars(evidence),
        )
    )
    events.move(act, contract.milestones[0], "ask_funding", contract=contract, actor="system")
    queue.enqueue(act, "fund_expiry", contract.id, contract.fund_by)
    reminders = act.policies.windows.fund_reminder_days
    queue.enqueue_many(act, [("fund_reminder", f"{contract.id}/{d}", act.now + timedelta(days=d), {}) for d in reminders])
    return contract


def decline(act: Act, contract: Contract, reason: str, note: str = "") -> Contract:
    """The client does not want it. Nothing is owed. Raises StateConflict."""
    events.move(act, contract, "decline", reason=reason, note=note)
    return _close(act, contract)


def withdraw(act: Act, contract: Contract) -> Contract:
    """The freelancer takes the offer back. Raises StateConflict."""
    events.move(act, contract, "withdraw")
    return _close(act, contract)


def cancel(act: Act, contract: Contract, reason: str = "") -> Contract:
    """End an accepted contract into which no money has come. Money that still arrives goes back by itself. Raises StateConflict."""
    events.move(act, contract, "cancel", reason=reason)
    for milestone in contract.milestones:
        events.move(act, milestone, "cancel", contract=contract, actor="system")
    open_payments = select(Payment.id).where(Payment.contract_id == contract.id, Payment.state.in_(("created", "requires_action")))
    for payment_id in act.session.execute(open_payments).scalars():
        queue.enqueue(act, "payment_close", payment_id)
    return _close(act, contract)


def expire(act: Act, contract: Contract) -> bool:
    """The offer's time is over. Returns False when it was answered meanwhile."""
    if contract.state not in ("sent", "change_requested") or contract.offer_expires_at is None or contract.offer_expires_at > act.now:
        return False
    events.move(act, contract, "expire")
    _close(act, contract)
    return True


def expire_unfunded(act: Act, contract: Contract) -> bool:
    """Nobody paid in time. A bank transfer that was started gets longer. Returns False when there is nothing to do."""
    if contract.state != "accepted" or contract.fund_by is None:
        return False
    on_its_way = select(Payment.id).where(Payment.contract_id == contract.id, Payment.state == "processing")
    longest = contract.fund_by + timedelta(days=act.policies.windows.fund_within_days_bank - act.policies.windows.fund_within_days)
    if act.now < longest and act.session.execute(on_its_way).first():
        queue.enqueue(act, "fund_expiry", contract.id, longest)
        return False
    cancel(act, contract, "not funded in time")
    return True


def viewed(act: Act, contract: Contract) -> None:
    """The client opened the contract with a session of their own; told to the freelancer once, as opened, never as read."""
    if contract.viewed_at is None:
        contract.viewed_at = act.now
        events.record(act, "contract.opened", contract)


def remind(act: Act, contract: Contract) -> None:
    """Send the client the present step once more. At most once a day. Raises StateConflict."""
    if contract.state not in ("sent", "accepted", "active"):
        raise StateConflict("There is nothing to remind of.", {"current_state": contract.state, "allowed_actions": []})
    recent = select(Event.id).where(Event.contract_id == contract.id, Event.type == "contract.reminded", Event.occurred_at > act.now - timedelta(days=1))
    if act.session.execute(recent).first():
        raise StateConflict("The client was reminded within the last day.", {"current_state": contract.state, "allowed_actions": []})
    events.record(act, "contract.reminded", contract, step=contract.state)


def text_of(contract: Contract) -> dict[str, Any]:
    """The words and numbers that are agreed on. Their canonical JSON is what the hash is made of."""
    return {
        "contract": contract.id,
        "text_version": contract.text_version,
        "kind": contract.kind,
        "freelancer": contract.freelancer.display_name,
        "client": {"name": contract.client_name, "company": contract.client_company, "email": contract.client.email},
        "title": contract.title,
        "description": contract.description,
        "currency": contract.currency,
        "milestones": [
            {"number": m.number, "title": m.title, "amount": m.amount_minor, "due_on": m.due_on.isoformat() if m.due_on else None} for m in contract.milestones
        ],
        "review_period_days": contract.review_period_days,
        "processing_borne_by": contract.processing_borne_by,
        "terms": {"version": TERMS_VERSION, "sha256": TERMS_HASH},
    }


def text_hash(agreed: dict[str, Any]) -> str:
    """SHA-256 over sorted, compact, UTF-8 JSON, in hex."""
    return hashlib.sha256(json.dumps(agreed, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def quote_of(act: Act, contract: Any) -> dict[str, Any]:
    """The fee promise at this moment; the stored one once the contract was sent. Takes a contract or a read of one."""
    frozen: dict[str, Any] | None = contract.quote
    if frozen is not None:
        return frozen
    return quote(
        act.policies,
        kind=contract.kind,
        currency=contract.currency,
        amounts_minor=[m.amount_minor for m in contract.milestones],
        bearer=contract.processing_borne_by,
        on=act.now.date(),
    )


def _check(act: Act, freelancer_id: str, terms: Terms) -> None:
    windows = act.policies.windows
    if terms.currency not in act.policies.currencies:
        raise Invalid.one("/currency", "unknown_currency", f"Contracts can be in {', '.join(act.policies.currencies)}.")
    if not 1 <= len(terms.milestones) <= windows.milestones_max:
        raise Invalid.one("/milestones", "milestone_count", f"A contract has 1 to {windows.milestones_max} milestones.")
    for i, milestone in enumerate(terms.milestones):
        check_contract_amount(milestone.amount_minor, terms.currency, f"/milestones/{i}/amount")
    country = terms.client.country
    if terms.processing_borne_by in ("client", "split") and not act.policies.surcharge_legal_basis:
        if country is None:
            raise Invalid.one("/client/country", "country_needed", "Say the client's country: where they live decides who may bear the processing cost.")
        if country in SURCHARGE_FORBIDDEN:
            raise Invalid.one("/processing_borne_by", "surcharge_forbidden", f"Payers in {country} may not be charged the processing cost.")
    own_email = rows.freelancer(act.session, freelancer_id).email
    if normalised(terms.client.email) == normalised(own_email):
        raise Invalid.one("/client/email", "own_address", "A contract needs another person as client.")


def _client(act: Act, freelancer_id: str, email: str) -> tuple[Client, ClientAlias]:
    address = normalised(email)
    known = select(Client, ClientAlias).join(ClientAlias, ClientAlias.client_id == Client.id)
    query = known.where(Client.email == address, ClientAlias.freelancer_id == freelancer_id)
    found = act.session.execute(query).one_or_none()
    if found is None:
        # Two first contracts with the same person at once: one of them waits here, then finds the other's rows.
        act.session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:email, 2))"), {"email": address})
        found = act.session.execute(query).one_or_none()
    return (found[0], found[1]) if found else _new_client(act, freelancer_id, address)


def _new_client(act: Act, freelancer_id: str, address: str) -> tuple[Client, ClientAlias]:
    client = act.session.execute(select(Client).where(Client.email == address)).scalar_one_or_none()
    if client is None:
        client = Client(id=new_id("cli"), email=address, created_at=act.now)
        act.session.add(client)
    alias = ClientAlias(id=new_id("cli"), freelancer_id=freelancer_id, client_id=client.id)
    act.session.add(alias)
    act.session.flush()
    return client, alias


def normalised(email: str) -> str:
    """One person, one address: case and surrounding space do not make another."""
    return email.strip().lower()


def _columns(terms: Terms) -> dict[str, Any]:
    return {
        "client_name": terms.client.name,
        "client_company": terms.client.company,
        "client_country": terms.client.country,
        "title": terms.title,
        "description": terms.description,
        "relationship_note": terms.relationship_note,
        "review_period_days": terms.review_period_days,
        "processing_borne_by": terms.processing_borne_by,
        "metadata_": terms.metadata or {},
    }


def _milestones(terms: Terms) -> list[Milestone]:
    return [
        Milestone(id=new_id("mst"), number=i, state="planned", title=m.title, amount_minor=m.amount_minor, due_on=m.due_on)
        for i, m in enumerate(terms.milestones, start=1)
    ]


def _touch(act: Act, contract: Contract) -> None:
    contract.version += 1
    contract.updated_at = act.now


def _close(act: Act, contract: Contract) -> Contract:
    contract.closed_at = act.now
    _touch(act, contract)
    return contract
