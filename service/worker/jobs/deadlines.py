"""What happens because time has passed: one function per kind of timer, each re-reading everything
under its locks.
"""

from __future__ import annotations

from datetime import date, timedelta

from service.core import events, queue, repository
from service.core.context import Act
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


def _contract(act: Act, subject: str) -> Contract:
    return repository.contract(
        act.session, subject.split("/", maxsplit=1)[0], owner=repository.EVERYONE, lock=True
    )


def offer_expiry(act: Act, contract_id: str) -> None:
    offers.expire(act, _contract(act, contract_id))


def offer_reminder(act: Act, subject: str) -> None:
    contract = _contract(act, subject)
    if contract.state == "sent":
        events.record(act, "contract.offer_reminded", contract, day=int(subject.split("/")[1]))


def change_lapse(act: Act, contract_id: str) -> None:
    offers.change_lapse(act, _contract(act, contract_id))


def fund_expiry(act: Act, contract_id: str) -> None:
    contracts.expire_unfunded(act, _contract(act, contract_id))


def fund_reminder(act: Act, subject: str) -> None:
    contract = _contract(act, subject)
    if contract.state == "accepted":
        events.record(act, "contract.fund_reminded", contract, day=int(subject.split("/")[1]))


def funding_reminder(act: Act, subject: str) -> None:
    contract, milestone = repository.milestone(
        act.session, subject.split("/", maxsplit=1)[0], owner=repository.EVERYONE
    )
    if contract.state == "active" and milestone.state == "awaiting_funding":
        events.record(
            act,
            "milestone.funding_reminded",
            milestone,
            contract=contract,
            day=int(subject.split("/")[1]),
        )


def funding_lapse(act: Act, milestone_id: str) -> None:
    contract, milestone = repository.milestone(act.session, milestone_id, owner=repository.EVERYONE)
    milestones.funding_lapse(act, contract, milestone)


def changes_reminder(act: Act, subject: str) -> None:
    milestone_id, round_number = subject.split("/")
    contract, milestone = repository.milestone(act.session, milestone_id, owner=repository.EVERYONE)
    if milestone.state == "changes_requested" and milestone.round == int(round_number):
        events.record(act, "milestone.changes_reminded", milestone, contract=contract)


def review_notice(act: Act, subject: str) -> None:
    milestone_id, days = subject.split("/")
    contract, milestone = repository.milestone(act.session, milestone_id, owner=repository.EVERYONE)
    if milestones.notice_is_due(act, milestone, int(days)):
        events.record(
            act, "milestone.review_reminded", milestone, contract=contract, days=int(days)
        )


def auto_release(act: Act, milestone_id: str) -> None:
    contract, milestone = repository.milestone(act.session, milestone_id, owner=repository.EVERYONE)
    if not _release_waits(act, contract, milestone):
        milestones.auto_release(act, contract, milestone)


def _release_waits(act: Act, contract: Contract, milestone: Milestone) -> bool:
    """Releases are on hold: the end of the window waits for the lift, and after two weeks a person
    has to decide.
    """
    due = milestone.auto_release_at
    if milestone.state != "submitted" or due is None or due > act.now:
        return False
    hold = holds.stopping(act.session, "release", holds.subjects_of(contract, milestone.id))
    if hold is None:
        return False
    now = clock.now(act.session)
    if now >= due + timedelta(days=act.policies.windows.release_pause_days):
        queue.open_task(act, "release_on_hold", milestone.id, contract=contract.id, hold=hold.id)
    queue.enqueue(act, "auto_release", milestone.id, now + timedelta(hours=12))
    return True


def mature(act: Act, release_id: str) -> None:
    milestones.mature(act, release_id)


def suspense_return(act: Act, payment_id: str) -> None:
    contract, payment = repository.payment(act.session, payment_id, lock=True)
    refunds.request_return(act, contract, payment)


def refund_retry(act: Act, refund_id: str) -> None:
    contract, _, refund = repository.refund(act.session, refund_id)
    refunds.try_again(act, contract, refund)


def refunds_resume(act: Act, payment_id: str) -> None:
    contract, payment = repository.payment(act.session, payment_id, lock=True)
    if payment.state not in ("charged_back", "lost"):
        refunds.resume(act, contract, payment)


def refund_request_reminder(act: Act, request_id: str) -> None:
    contract, request = repository.refund_request(
        act.session, request_id, owner=repository.EVERYONE
    )
    if request.state == "open" and request.silence_means != "nothing":
        events.record(
            act,
            "refund_request.reminded",
            request,
            contract=contract,
            amount=request.amount_minor,
            currency=contract.currency,
        )


def refund_request_due(act: Act, request_id: str) -> None:
    contract, request = repository.refund_request(
        act.session, request_id, owner=repository.EVERYONE, lock=True
    )
    silence.about_refund(act, contract, request)


def amendment_expiry(act: Act, amendment_id: str) -> None:
    found = act.session.get_one(Amendment, amendment_id)
    contract = _contract(act, found.contract_id)
    act.session.refresh(found, with_for_update=True)
    amendments.expire(act, contract, found)


def dispute_due(act: Act, dispute_id: str) -> None:
    contract, dispute = repository.dispute(
        act.session, dispute_id, owner=repository.EVERYONE, lock=True
    )
    # Freelancers act with their key and see every event; a client's silence counts only when a
    # letter is proved to have come.
    heard = dispute.opened_by == "client" and dispute.state == "open"
    since = dispute.offers[-1].made_at if dispute.state == "proposal" else dispute.opened_at
    heard = heard or milestones.notice_proved(act, contract, since, _ANSWERABLE)
    disputes.due(act, contract, dispute, heard=heard)


def dispute_reminder(act: Act, dispute_id: str) -> None:
    contract, dispute = repository.dispute(
        act.session, dispute_id, owner=repository.EVERYONE, lock=True
    )
    disputes.remind(act, contract, dispute)


def dispute_hard_stop(act: Act, dispute_id: str) -> None:
    contract, dispute = repository.dispute(
        act.session, dispute_id, owner=repository.EVERYONE, lock=True
    )
    disputes.hard_stop(act, contract, dispute)


def dormancy(act: Act, contract_id: str) -> None:
    contracts.dormancy(act, _contract(act, contract_id))


def holding_alarm(act: Act, milestone_id: str) -> None:
    contract, milestone = repository.milestone(act.session, milestone_id, owner=repository.EVERYONE)
    contracts.holding_alarm(act, contract, milestone)


def holding_limit(act: Act, milestone_id: str) -> None:
    contract, milestone = repository.milestone(act.session, milestone_id, owner=repository.EVERYONE)
    silence.until_the_holding_limit(act, contract, milestone)


def chargeback_reserve_over(act: Act, chargeback_id: str) -> None:
    contract, chargeback = repository.chargeback(
        act.session, chargeback_id, owner=repository.EVERYONE, lock=True
    )
    chargebacks.reserve_over(act, contract, chargeback)


def email_change_due(act: Act, change_id: str) -> None:
    change = access.find_change(act.session, change_id)
    access.take_effect(act, _contract(act, change.contract_id), change)


def housekeeping(act: Act, _: str) -> None:
    """Once a day: old drafts go, and money that nobody asked for is paid out.

    It only says what is to be looked at: each draft, and each person's money in each currency, is a
    job of its own.
    """
    queue.enqueue_many(
        act, [("draft_forget", contract_id, act.now, {}) for contract_id in offers.old_drafts(act)]
    )
    queue.enqueue(act, "payouts_look", f"{act.now.date()}/0")


def draft_forget(act: Act, contract_id: str) -> None:
    offers.forget_draft(act, contract_id)


def payouts_look(act: Act, subject: str) -> None:
    """Who may have a payout due on a day, a page at a time."""
    day, after = subject.split("/")
    found = scheduled_payouts.candidates(act, date.fromisoformat(day), int(after))
    queue.enqueue_many(
        act,
        [
            ("payout_by_itself", f"{one.freelancer_id}/{one.currency}/{day}", act.now, {})
            for one in found
        ],
    )
    if len(found) == scheduled_payouts.PAGE:
        queue.enqueue(act, "payouts_look", f"{day}/{found[-1].cursor}")


def payout_by_itself(act: Act, subject: str) -> None:
    """One person's money in one currency: paid out if it is due on that day."""
    freelancer_id, currency, day = subject.split("/")
    # A job of 0.1 says `schedule` or `forced` where the day stands: it is looked at as of today.
    on = act.now.date() if day in ("schedule", "forced") else date.fromisoformat(day)
    due = scheduled_payouts.due(act, freelancer_id, currency, on)
    if due is None:
        return
    account = payouts.account_of(act.session, freelancer_id)
    if account is None or account.state != "active":
        scheduled_payouts.remind(act, freelancer_id, currency)
        return
    try:
        payouts.request_by_itself(act, freelancer_id, currency, due.why, due.amount_minor)
    except (PayoutsStopped, PayoutCoolDown):
        queue.enqueue(act, "payout_by_itself", subject, act.now + queue.ONE_DAY)


TIMERS = {
    name: function
    for name, function in globals().copy().items()
    if callable(function)
    and getattr(function, "__module__", "") == __name__
    and not name.startswith("_")
}
"""Kind of job -> what it does, for the loop and for the table of time-outs in the documents."""
