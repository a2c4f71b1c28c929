"""What happens to offers and contracts because time has passed; each re-reads everything under its
locks."""

from __future__ import annotations

from service.core import events, repository
from service.core.context import Context
from service.domain.states.names import ContractState
from service.models import Amendment, Contract
from service.operations.client_access import access
from service.operations.contracts import amendments, contracts, drafts, offers


def _contract(ctx: Context, subject: str) -> Contract:
    return repository.contract(
        ctx.session, subject.split("/", maxsplit=1)[0], owner=repository.EVERYONE, lock=True
    )


def offer_expiry(ctx: Context, contract_id: str) -> None:
    offers.expire(ctx, _contract(ctx, contract_id))


def offer_reminder(ctx: Context, subject: str) -> None:
    contract = _contract(ctx, subject)
    if contract.state == ContractState.SENT:
        events.record(ctx, "contract.offer_reminded", contract, day=int(subject.split("/")[1]))


def change_lapse(ctx: Context, contract_id: str) -> None:
    offers.change_lapse(ctx, _contract(ctx, contract_id))


def fund_expiry(ctx: Context, contract_id: str) -> None:
    contracts.expire_unfunded(ctx, _contract(ctx, contract_id))


def fund_reminder(ctx: Context, subject: str) -> None:
    contract = _contract(ctx, subject)
    if contract.state == ContractState.ACCEPTED:
        events.record(ctx, "contract.fund_reminded", contract, day=int(subject.split("/")[1]))


def amendment_expiry(ctx: Context, amendment_id: str) -> None:
    found = ctx.session.get_one(Amendment, amendment_id)
    contract = _contract(ctx, found.contract_id)
    ctx.session.refresh(found, with_for_update=True)
    amendments.expire(ctx, contract, found)


def dormancy(ctx: Context, contract_id: str) -> None:
    contracts.dormancy(ctx, _contract(ctx, contract_id))


def email_change_due(ctx: Context, change_id: str) -> None:
    change = access.find_change(ctx.session, change_id)
    access.take_effect(ctx, _contract(ctx, change.contract_id), change)


def draft_deletion(ctx: Context, contract_id: str) -> None:
    drafts.forget_draft(ctx, contract_id)
