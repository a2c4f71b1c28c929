"""The work on a milestone: submitted, approved in full or part, released; released by the clock when nobody answers."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import events, queue
from service.act import Act
from service.domain.errors import Invalid, StateConflict
from service.domain.fees import cumulative_fee, cumulative_share
from service.domain.lifecycle import MILESTONE
from service.domain.money import plain
from service.ledger import OPERATING, PLATFORM_FEES, PROCESSING_RECOVERED, TRUST, Account, Entry, Line, post
from service.models import ClientSession, Contract, Message, Milestone, Release, SessionGrant, Submission, new_id

_SHORTEST_SECOND_WINDOW_DAYS = 5


def escrow_minor(milestone: Milestone) -> int:
    """What the milestone still holds, by its own counters. `ledger verify` compares it with the escrow account."""
    out = milestone.released_minor + milestone.refunded_minor + milestone.confiscated_minor + milestone.charged_back_minor
    return milestone.funded_minor - out


def submit(act: Act, contract: Contract, milestone: Milestone, note: str) -> Submission:
    """Hand the work over; the review window starts. Raises StateConflict."""
    again = milestone.state == "changes_requested"
    events.move(act, milestone, "resubmit" if again else "submit", contract=contract, round=milestone.round + 1)
    milestone.round += 1
    days = max(contract.review_period_days, _SHORTEST_SECOND_WINDOW_DAYS) if again else contract.review_period_days
    milestone.auto_release_at = act.now + timedelta(days=days)
    milestone.extensions = 0
    submission = Submission(
        id=new_id("sub"), milestone_id=milestone.id, round=milestone.round, note=note,
        note_hash=hashlib.sha256(note.encode()).hexdigest(), submitted_at=act.now,
    )  # fmt: skip
    act.session.add(submission)
    _schedule_review(act, milestone)
    _touch(act, contract)
    return submission


def request_changes(act: Act, contract: Contract, milestone: Milestone, what: str) -> None:
    """The client wants something changed: the clock stops until the work is handed over again. Raises StateConflict."""
    events.move(act, milestone, "request_changes", contract=contract, what=what)
    milestone.auto_release_at = None
    _touch(act, contract)


def approve(act: Act, contract: Contract, milestone: Milestone, amount_minor: int | None = None) -> Release:
    """Release all that is held, or `amount_minor` of it; the rest stays held for the next submission.

    Raises StateConflict, Invalid for an amount out of range, AccountHeld when a hold stops releases.
    """
    held = escrow_minor(milestone)
    amount = held if amount_minor is None else amount_minor
    if milestone.state == "submitted" and not 1 <= amount <= held:
        raise Invalid.one("/amount", "amount_out_of_range", f"Between {plain(1, contract.currency)} and {plain(held, contract.currency)} can be released.")
    events.move(act, milestone, "auto_approve" if act.role == "system" else "approve", contract=contract, amount=amount)
    release = _release(act, contract, milestone, amount)
    if escrow_minor(milestone):
        events.move(act.as_("system"), milestone, "release_part", contract=contract, amount=amount, release=release.id)
    else:
        events.move(act.as_("system"), milestone, "release", contract=contract, amount=amount, release=release.id)
        _after_release(act, contract)
    milestone.auto_release_at = None
    _touch(act, contract)
    queue.enqueue(act, "mature", release.id, release.matures_at)
    # Last, so that every row is written once and the balances stay locked for the shortest time.
    post(act, _release_entry(contract, release))
    return release


def auto_release(act: Act, contract: Contract, milestone: Milestone) -> bool:
    """The review window is over. Releases only with proof that a notice reached the client; otherwise the window grows.

    After the last extension a person decides. Returns whether the money was released.
    """
    if milestone.state != "submitted" or milestone.auto_release_at is None or milestone.auto_release_at > act.now:
        return False
    if _notice_proved(act, contract, milestone):
        approve(act.as_("system"), contract, milestone)
        return True
    windows = act.policies.windows
    if milestone.extensions >= windows.review_extensions_max:
        queue.open_task(act, "auto_release_without_notice", milestone.id, contract=contract.id)
        return False
    milestone.extensions += 1
    milestone.auto_release_at = milestone.auto_release_at + timedelta(days=windows.review_extension_days)
    _schedule_review(act, milestone)
    events.record(act, "milestone.review_extended", milestone, contract=contract, extension=milestone.extensions)
    return False


def notice_is_due(act: Act, milestone: Milestone, days: int) -> bool:
    """Whether the reminder `days` before the window's end still fits: submitted, and the end where it was when planned."""
    if milestone.state != "submitted" or milestone.auto_release_at is None:
        return False
    return abs(milestone.auto_release_at - timedelta(days=days) - act.now) < timedelta(hours=12)


def _schedule_review(act: Act, milestone: Milestone) -> None:
    end = milestone.auto_release_at
    assert end is not None, "a submitted milestone has an end of its review window"
    notices: list[queue.Wanted] = [
        ("review_notice", f"{milestone.id}/{days}", end - timedelta(days=days), {})
        for days in act.policies.windows.review_notice_days
        if end - timedelta(days=days) > act.now
    ]
    queue.enqueue_many(act, [*notices, ("auto_release", milestone.id, end, {})])


def _notice_proved(act: Act, contract: Contract, milestone: Milestone) -> bool:
    """A notice of this round was accepted by the mail server a day ago and did not bounce, or the page was opened since."""
    submitted_at = _submitted_at(act.session, milestone)
    opened = select(ClientSession.id).join(SessionGrant).where(SessionGrant.contract_id == contract.id, ClientSession.last_seen_at >= submitted_at)
    if act.session.execute(opened.limit(1)).first():
        return True
    before = act.now - timedelta(hours=act.policies.windows.proof_of_notice_hours)
    query = select(Message.id).where(
        Message.contract_id == contract.id,
        Message.template.in_(("work_submitted", "review_notice")),
        Message.state == "sent",
        Message.sent_at.between(submitted_at, before),
    )
    return act.session.execute(query.limit(1)).first() is not None


def _submitted_at(session: Session, milestone: Milestone) -> datetime:
    query = select(Submission.submitted_at).where(Submission.milestone_id == milestone.id, Submission.round == milestone.round)
    return session.execute(query).scalar_one()


def _release(act: Act, contract: Contract, milestone: Milestone, gross: int) -> Release:
    quote = contract.quote or {}
    own, normal = act.policies.schedule(quote["schedule"]), act.policies.schedule(quote["normal_schedule"])
    if milestone.billed_before_minor is None:
        milestone.billed_before_minor = 0
    released = milestone.released_minor + gross
    fee = cumulative_fee(own, normal, released, milestone.billed_before_minor) - milestone.fee_taken_minor
    processing = cumulative_share(milestone.processing_due_minor, released, milestone.funded_minor) - milestone.processing_taken_minor
    # A release of a few minor units can be smaller than its rounded shares; what is not taken now is taken by the next one.
    fee = min(fee, gross)
    processing = min(processing, gross - fee)
    release = Release(
        id=new_id("rls"), milestone_id=milestone.id, contract_id=contract.id, freelancer_id=contract.freelancer_id,
        number=_next_number(act.session, milestone), currency=contract.currency, gross_minor=gross, fee_minor=fee, processing_minor=processing,
        net_minor=gross - fee - processing, fee_schedule=own.id, approved_by=act.actor, released_at=act.now,
        matures_at=act.now + timedelta(days=milestone.security_days), matured_at=None,
    )  # fmt: skip
    act.session.add(release)
    milestone.released_minor = released
    milestone.fee_taken_minor += fee
    milestone.processing_taken_minor += processing
    return release


def _release_entry(contract: Contract, release: Release) -> Entry:
    escrow = Account("escrow", release.milestone_id)
    return Entry(
        kind="release",
        cause=release.id,
        currency=release.currency,
        contract_id=contract.id,
        description=f"Release {release.number} of milestone {release.milestone_id}",
        lines=[
            Line(escrow, Account("pending", release.freelancer_id), release.net_minor),
            Line(escrow, PLATFORM_FEES, release.fee_minor),
            Line(escrow, PROCESSING_RECOVERED, release.processing_minor),
            Line(OPERATING, TRUST, release.fee_minor + release.processing_minor),
        ],
    )


def _next_number(session: Session, milestone: Milestone) -> int:
    if milestone.released_minor == 0:
        return 1
    return len(session.execute(select(Release.id).where(Release.milestone_id == milestone.id)).all()) + 1


def mature(act: Act, release_id: str) -> bool:
    """The security period is over: pending becomes available. Returns False when it already did. Raises AccountHeld."""
    query = select(Release).where(Release.id == release_id).with_for_update()
    release = act.session.execute(query).scalar_one()
    if release.matured_at is not None or release.matures_at > act.now:
        return False
    release.matured_at = act.now
    pending, available = Account("pending", release.freelancer_id), Account("available", release.freelancer_id)
    post(
        act,
        Entry("mature", release.id, release.currency, [Line(pending, available, release.net_minor)], "Security period over", release.contract_id),
    )
    return True


def _after_release(act: Act, contract: Contract) -> None:
    system = act.as_("system")
    if all(m.state in MILESTONE.final for m in contract.milestones):
        events.move(system, contract, "complete")
        contract.closed_at = act.now
        return
    waiting = next((m for m in contract.milestones if m.state == "planned"), None)
    if waiting and not any(m.state in ("awaiting_funding", "funding") for m in contract.milestones):
        events.move(system, waiting, "ask_funding", contract=contract)


def submissions_of(session: Session, milestone_id: str) -> list[Submission]:
    """Every round of a milestone, oldest first."""
    return list(session.execute(select(Submission).where(Submission.milestone_id == milestone_id).order_by(Submission.round).limit(100)).scalars())


def require_submitted(milestone: Milestone) -> None:
    """For a page that shows what a client may answer to. Raises StateConflict."""
    if milestone.state != "submitted":
        raise StateConflict("There is nothing to review now.", {"current_state": milestone.state, "allowed_actions": []})


def _touch(act: Act, contract: Contract) -> None:
    contract.version += 1
    contract.updated_at = act.now
