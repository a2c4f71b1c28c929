"""A freelancer's account at Stripe: opened, kept up to date, and whether money may leave by it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import events, queue, repository
from service.core.context import Context
from service.domain.errors import (
    NotFound,
    PayoutAccountNotReady,
    PayoutCoolDown,
)
from service.domain.identity.actors import PSP, SYSTEM
from service.domain.money.psp import AccountSnapshot
from service.domain.states.job_types import JobType
from service.domain.states.names import PayoutAccountState, PayoutState
from service.models import (
    Payout,
    PayoutAccount,
)
from service.operations.payouts import payouts


def account_of(session: Session, freelancer_id: str) -> PayoutAccount | None:
    return session.get(PayoutAccount, freelancer_id)


def open_account(ctx: Context, freelancer_id: str) -> PayoutAccount:
    """The freelancer's payout account row, made on the first call; Stripe hears of it
    afterwards.
    """
    repository.freelancer(ctx.session, freelancer_id, lock=True)
    account = account_of(ctx.session, freelancer_id)
    if account is None:
        account = PayoutAccount(
            freelancer_id=freelancer_id,
            state=PayoutAccountState.ONBOARDING,
            stripe_account_id=None,
            requirements=[],
            created_at=ctx.now,
            updated_at=ctx.now,
        )
        ctx.session.add(account)
        events.record(
            ctx, "payout_account.created", account, to_state=PayoutAccountState.ONBOARDING
        )
    return account


def attach_account(ctx: Context, freelancer_id: str, stripe_account_id: str) -> None:
    """Remember which account Stripe made. Raises NotFound without a row."""
    account = _locked_account(ctx, freelancer_id)
    account.stripe_account_id = account.stripe_account_id or stripe_account_id
    account.updated_at = ctx.now


def apply_account(ctx: Context, freelancer_id: str, snapshot: AccountSnapshot) -> None:
    """Bring the account to what Stripe says: `active` may receive transfers, everything else names
    what is missing.
    """
    account = _locked_account(ctx, freelancer_id)
    account.requirements = snapshot.requirements
    account.updated_at = ctx.now
    _apply_bank(ctx, account, snapshot.bank_reference)
    account.instruments = list(snapshot.instruments)
    wanted = (
        "closed"
        if snapshot.closed
        else {"active": "active", "pending": "onboarding"}.get(
            snapshot.transfers_status, "restricted"
        )
    )
    if (
        wanted == account.state
        or account.state == PayoutAccountState.CLOSED
        or (wanted == "onboarding" and account.state != PayoutAccountState.ONBOARDING)
    ):
        return
    event = {"active": "activate", "restricted": "restrict", "closed": "close"}[wanted]
    events.transition(ctx.as_(PSP), account, event, requirements=snapshot.requirements)
    if wanted == "active":
        for payout_id in _waiting_for_account(ctx.session, freelancer_id):
            queue.enqueue(ctx, JobType.PAYOUT_SEND, payout_id)


def _apply_bank(ctx: Context, account: PayoutAccount, reference: str | None) -> None:
    """Another bank account than before: payouts that have not left are taken back, and new ones
    wait for three days.
    """
    before, account.bank_reference = account.bank_reference, reference or account.bank_reference
    if reference is None or before is None or reference == before:
        return
    account.bank_changed_at = ctx.now
    events.record(ctx.as_(PSP), "payout_account.bank_changed", account)
    waiting = select(Payout).where(
        Payout.freelancer_id == account.freelancer_id,
        Payout.state.in_((PayoutState.REQUESTED, PayoutState.HELD)),
    )
    for payout in ctx.session.execute(waiting.with_for_update()).scalars():
        payouts.cancel(ctx.as_(SYSTEM), payout)


def _waiting_for_account(session: Session, freelancer_id: str) -> list[str]:
    query = select(Payout.id).where(
        Payout.freelancer_id == freelancer_id,
        Payout.state.in_((PayoutState.REQUESTED, PayoutState.IN_TRANSIT)),
        Payout.waiting_for == "payout_account",
    )
    return list(session.execute(query).scalars())


def unsettled_accounts(session: Session) -> list[str]:
    """Connected accounts that are not active yet, at most 200: Stripe's thin events about them are
    not in its list of events.
    """
    query = select(PayoutAccount.stripe_account_id).where(
        PayoutAccount.state.in_((PayoutAccountState.ONBOARDING, PayoutAccountState.RESTRICTED)),
        PayoutAccount.stripe_account_id.is_not(None),
    )
    return [
        account_id
        for account_id in session.execute(
            query.order_by(PayoutAccount.updated_at).limit(200)
        ).scalars()
        if account_id
    ]


def freelancer_behind(session: Session, stripe_account_id: str) -> str | None:
    """Whose connected account this is."""
    return session.execute(
        select(PayoutAccount.freelancer_id).where(
            PayoutAccount.stripe_account_id == stripe_account_id
        )
    ).scalar_one_or_none()


def _locked_account(ctx: Context, freelancer_id: str) -> PayoutAccount:
    repository.freelancer(ctx.session, freelancer_id, lock=True)
    account = account_of(ctx.session, freelancer_id)
    if account is None:
        raise NotFound("There is no payout account yet.")
    return account


def ready_account(ctx: Context, freelancer_id: str) -> PayoutAccount:
    """Raises PayoutAccountNotReady, PayoutCoolDown."""
    account = account_of(ctx.session, freelancer_id)
    if (
        account is None
        or account.state != PayoutAccountState.ACTIVE
        or account.stripe_account_id is None
    ):
        raise PayoutAccountNotReady(
            "Finish the payout account first.",
            {"requirements": account.requirements if account else []},
        )
    cool_until = _cool_until(ctx, account)
    if cool_until > ctx.now:
        raise PayoutCoolDown(
            "The bank account was changed a short while ago.", {"until": cool_until.isoformat()}
        )
    return account


def _cool_until(ctx: Context, account: PayoutAccount) -> datetime:
    hours = ctx.policies.windows.payout_cooldown_hours_after_bank_change
    return account.bank_changed_at + timedelta(hours=hours) if account.bank_changed_at else ctx.now


def set_schedule(ctx: Context, freelancer_id: str, schedule: str) -> PayoutAccount:
    """`manual`, `weekly` or `monthly`. Raises NotFound without an account."""
    account = _locked_account(ctx, freelancer_id)
    account.schedule = schedule
    account.updated_at = ctx.now
    return account
