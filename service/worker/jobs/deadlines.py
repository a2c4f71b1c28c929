"""What happens because time has passed: one function per kind of timer, each re-reading everything
under its locks.
"""

from __future__ import annotations

from datetime import date, timedelta

from service.core import events, queue, repository
from service.core.context import Context
from service.domain.errors import PayoutCoolDown, PayoutsStopped
from service.models import Amendment, Contract, Milestone
from service.operations.client_access import access
from service.operations.contracts import amendments, contracts, milestones, offers
from service.operations.disputes import disputes
from service.operations.payments import (
    chargebacks,
    payouts,
    refunds,
    scheduled_payouts,
)
from service.platform import clock
from service.shared import holds
from service.workflows import silence

_ANSWERABLE = ("dispute_opened", "dispute_proposed")


def _contract(ctx: Context, subject: str) -> Contract:
    return repository.contract(
        ctx.session, subject.split("/", maxsplit=1)[0], owner=repository.EVERYONE, lock=True
    )


def offer_expiry(ctx: Context, contract_id: str) -> None:
    offers.expire(ctx, _contract(ctx, contract_id))


def offer_reminder(ctx: Context, subject: str) -> None:
    contract = _contract(ctx, subject)
    if contract.state == "sent":
        events.record(ctx, "contract.offer_reminded", contract, day=int(subject.split("/")[1]))


def change_lapse(ctx: Context, contract_id: str) -> None:
    offers.change_lapse(ctx, _contract(ctx, contract_id))


def fund_expiry(ctx: Context, contract_id: str) -> None:
    contracts.expire_unfunded(ctx, _contract(ctx, contract_id))


def fund_reminder(ctx: Context, subject: str) -> None:
    contract = _contract(ctx, subject)
    if contract.state == "accepted":
        events.record(ctx, "contract.fund_reminded", contract, day=int(subject.split("/")[1]))


def funding_reminder(ctx: Context, subject: str) -> None:
    contract, milestone = repository.milestone(
        ctx.session, subject.split("/", maxsplit=1)[0], owner=repository.EVERYONE
    )
    if contract.state == "active" and milestone.state == "awaiting_funding":
        events.record(
            ctx,
            "milestone.funding_reminded",
            milestone,
            contract=contract,
            day=int(subject.split("/")[1]),
        )


def funding_lapse(ctx: Context, milestone_id: str) -> None:
    contract, milestone = repository.milestone(ctx.session, milestone_id, owner=repository.EVERYONE)
    milestones.funding_lapse(ctx, contract, milestone)


def changes_reminder(ctx: Context, subject: str) -> None:
    milestone_id, round_number = subject.split("/")
    contract, milestone = repository.milestone(ctx.session, milestone_id, owner=repository.EVERYONE)
    if milestone.state == "changes_requested" and milestone.round == int(round_number):
        events.record(ctx, "milestone.changes_reminded", milestone, contract=contract)


def review_notice(ctx: Context, subject: str) -> None:
    milestone_id, days = subject.split("/")
    contract, milestone = repository.milestone(ctx.session, milestone_id, owner=repository.EVERYONE)
    if milestones.notice_is_due(ctx, milestone, int(days)):
        events.record(
            ctx, "milestone.review_reminded", milestone, contract=contract, days=int(days)
        )


def auto_release(ctx: Context, milestone_id: str) -> None:
    contract, milestone = repository.milestone(ctx.session, milestone_id, owner=repository.EVERYONE)
    if not _release_waits(ctx, contract, milestone):
        milestones.auto_release(ctx, contract, milestone)


def _release_waits(ctx: Context, contract: Contract, milestone: Milestone) -> bool:
    """Releases are on hold: the end of the window waits for the lift, and after two weeks a person
    has to decide.
    """
    due = milestone.auto_release_at
    if milestone.state != "submitted" or due is None or due > ctx.now:
        return False
    hold = holds.stopping(ctx.session, "release", holds.subjects_of(contract, milestone.id))
    if hold is None:
        return False
    now = clock.now(ctx.session)
    if now >= due + timedelta(days=ctx.policies.windows.release_pause_days):
        queue.open_task(ctx, "release_on_hold", milestone.id, contract=contract.id, hold=hold.id)
    queue.enqueue(ctx, "auto_release", milestone.id, now + timedelta(hours=12))
    return True


def settle_pending(ctx: Context, release_id: str) -> None:
    milestones.settle_pending(ctx, release_id)


def suspense_return(ctx: Context, payment_id: str) -> None:
    contract, payment = repository.payment(ctx.session, payment_id, lock=True)
    refunds.request_return(ctx, contract, payment)


def refund_retry(ctx: Context, refund_id: str) -> None:
    contract, _, refund = repository.refund(ctx.session, refund_id)
    refunds.retry(ctx, contract, refund)


def refunds_resume(ctx: Context, payment_id: str) -> None:
    contract, payment = repository.payment(ctx.session, payment_id, lock=True)
    if payment.state not in ("charged_back", "lost"):
        refunds.resume(ctx, contract, payment)


def refund_request_reminder(ctx: Context, request_id: str) -> None:
    contract, request = repository.refund_request(
        ctx.session, request_id, owner=repository.EVERYONE
    )
    if request.state == "open" and request.silence_means != "nothing":
        events.record(
            ctx,
            "refund_request.reminded",
            request,
            contract=contract,
            amount=request.amount_minor,
            currency=contract.currency,
        )


def refund_request_due(ctx: Context, request_id: str) -> None:
    contract, request = repository.refund_request(
        ctx.session, request_id, owner=repository.EVERYONE, lock=True
    )
    silence.about_refund(ctx, contract, request)


def amendment_expiry(ctx: Context, amendment_id: str) -> None:
    found = ctx.session.get_one(Amendment, amendment_id)
    contract = _contract(ctx, found.contract_id)
    ctx.session.refresh(found, with_for_update=True)
    amendments.expire(ctx, contract, found)


def dispute_due(ctx: Context, dispute_id: str) -> None:
    contract, dispute = repository.dispute(
        ctx.session, dispute_id, owner=repository.EVERYONE, lock=True
    )
    # Freelancers act with their key and see every event; a client's silence counts only when a
    # letter is proved to have come.
    heard = dispute.opened_by == "client" and dispute.state == "open"
    since = dispute.offers[-1].made_at if dispute.state == "proposal" else dispute.opened_at
    heard = heard or milestones.notice_proved(ctx, contract, since, _ANSWERABLE)
    disputes.due(ctx, contract, dispute, heard=heard)


def dispute_reminder(ctx: Context, dispute_id: str) -> None:
    contract, dispute = repository.dispute(
        ctx.session, dispute_id, owner=repository.EVERYONE, lock=True
    )
    disputes.remind(ctx, contract, dispute)


def dispute_hard_stop(ctx: Context, dispute_id: str) -> None:
    contract, dispute = repository.dispute(
        ctx.session, dispute_id, owner=repository.EVERYONE, lock=True
    )
    disputes.hard_stop(ctx, contract, dispute)


def dormancy(ctx: Context, contract_id: str) -> None:
    contracts.dormancy(ctx, _contract(ctx, contract_id))


def holding_alarm(ctx: Context, milestone_id: str) -> None:
    contract, milestone = repository.milestone(ctx.session, milestone_id, owner=repository.EVERYONE)
    contracts.holding_alarm(ctx, contract, milestone)


def holding_limit(ctx: Context, milestone_id: str) -> None:
    contract, milestone = repository.milestone(ctx.session, milestone_id, owner=repository.EVERYONE)
    silence.until_the_holding_limit(ctx, contract, milestone)


def chargeback_reserve_over(ctx: Context, chargeback_id: str) -> None:
    contract, chargeback = repository.chargeback(
        ctx.session, chargeback_id, owner=repository.EVERYONE, lock=True
    )
    chargebacks.end_reserve(ctx, contract, chargeback)


def email_change_due(ctx: Context, change_id: str) -> None:
    change = access.find_change(ctx.session, change_id)
    access.take_effect(ctx, _contract(ctx, change.contract_id), change)


def housekeeping(ctx: Context, _: str) -> None:
    """Once a day: old drafts go, and money that nobody asked for is paid out.

    It only says what is to be looked at: each draft, and each person's money in each currency, is a
    job of its own.
    """
    queue.enqueue_many(
        ctx, [("draft_forget", contract_id, ctx.now, {}) for contract_id in offers.old_drafts(ctx)]
    )
    queue.enqueue(ctx, "payouts_look", f"{ctx.now.date()}/0")


def draft_forget(ctx: Context, contract_id: str) -> None:
    offers.forget_draft(ctx, contract_id)


def payout_candidates(ctx: Context, subject: str) -> None:
    """Who may have a payout due on a day, a page at a time."""
    day, after = subject.split("/")
    found = scheduled_payouts.candidates(ctx, date.fromisoformat(day), int(after))
    queue.enqueue_many(
        ctx,
        [
            ("payout_by_itself", f"{one.freelancer_id}/{one.currency}/{day}", ctx.now, {})
            for one in found
        ],
    )
    if len(found) == scheduled_payouts.PAGE:
        queue.enqueue(ctx, "payouts_look", f"{day}/{found[-1].cursor}")


def scheduled_payout(ctx: Context, subject: str) -> None:
    """One person's money in one currency: paid out if it is due on that day."""
    freelancer_id, currency, day = subject.split("/")
    # A job of 0.1 says `schedule` or `forced` where the day stands: it is looked at as of today.
    on = ctx.now.date() if day in ("schedule", "forced") else date.fromisoformat(day)
    due = scheduled_payouts.due(ctx, freelancer_id, currency, on)
    if due is None:
        return
    account = payouts.account_of(ctx.session, freelancer_id)
    if account is None or account.state != "active":
        scheduled_payouts.remind(ctx, freelancer_id, currency)
        return
    try:
        payouts.request_scheduled(ctx, freelancer_id, currency, due.why, due.amount_minor)
    except (PayoutsStopped, PayoutCoolDown):
        queue.enqueue(ctx, "payout_by_itself", subject, ctx.now + queue.ONE_DAY)


TIMERS = {
    name: function
    for name, function in globals().copy().items()
    if callable(function)
    and getattr(function, "__module__", "") == __name__
    and not name.startswith("_")
}
"""Kind of job -> what it does, for the loop and for the table of time-outs in the documents."""
