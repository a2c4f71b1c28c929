"""Money to the freelancer: the account at Stripe, asking for a payout, and what became of it."""

from __future__ import annotations

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from service import events, queue, rows
from service.act import Act
from service.domain import typeid
from service.domain.errors import Invalid, NotEnough, NotFound, PayoutAccountNotReady, PayoutsStopped
from service.domain.money import payable_part, plain
from service.domain.psp import AccountSnapshot
from service.ledger import TRUST, Account, Entry, Line, balance, post
from service.models import Installation, Payout, PayoutAccount, PayoutSource, new_id


def account_of(session: Session, freelancer_id: str) -> PayoutAccount | None:
    return session.get(PayoutAccount, freelancer_id)


def open_account(act: Act, freelancer_id: str) -> PayoutAccount:
    """The freelancer's payout account row, made on the first call; Stripe hears of it afterwards."""
    rows.freelancer(act.session, freelancer_id, lock=True)
    account = account_of(act.session, freelancer_id)
    if account is None:
        account = PayoutAccount(
            freelancer_id=freelancer_id, state="onboarding", stripe_account_id=None, requirements=[], created_at=act.now, updated_at=act.now
        )
        act.session.add(account)
        events.record(act, "payout_account.created", account, to_state="onboarding")
    return account


def attach_account(act: Act, freelancer_id: str, stripe_account_id: str) -> None:
    """Remember which account Stripe made. Raises NotFound without a row."""
    account = _locked_account(act, freelancer_id)
    account.stripe_account_id = account.stripe_account_id or stripe_account_id
    account.updated_at = act.now


def account_taken_in(act: Act, freelancer_id: str, snapshot: AccountSnapshot) -> None:
    """Bring the account to what Stripe says: `active` may receive transfers, everything else names what is missing."""
    account = _locked_account(act, freelancer_id)
    account.requirements = snapshot.requirements
    account.updated_at = act.now
    wanted = "closed" if snapshot.closed else {"active": "active", "pending": "onboarding"}.get(snapshot.transfers_status, "restricted")
    if wanted == account.state or account.state == "closed" or (wanted == "onboarding" and account.state != "onboarding"):
        return
    event = {"active": "activate", "restricted": "restrict", "closed": "close"}[wanted]
    events.move(act.as_("psp"), account, event, requirements=snapshot.requirements)
    if wanted == "active":
        for payout_id in _waiting_for_account(act.session, freelancer_id):
            queue.enqueue(act, "payout_send", payout_id)


def _waiting_for_account(session: Session, freelancer_id: str) -> list[str]:
    query = select(Payout.id).where(
        Payout.freelancer_id == freelancer_id, Payout.state.in_(("requested", "in_transit")), Payout.waiting_for == "payout_account"
    )
    return list(session.execute(query).scalars())


def freelancer_behind(session: Session, stripe_account_id: str) -> str | None:
    """Whose connected account this is."""
    return session.execute(select(PayoutAccount.freelancer_id).where(PayoutAccount.stripe_account_id == stripe_account_id)).scalar_one_or_none()


def _locked_account(act: Act, freelancer_id: str) -> PayoutAccount:
    rows.freelancer(act.session, freelancer_id, lock=True)
    account = account_of(act.session, freelancer_id)
    if account is None:
        raise NotFound("There is no payout account yet.")
    return account


def request(act: Act, freelancer_id: str, amount_minor: int, currency: str) -> Payout:
    """Ask for a payout out of what is available. The money leaves the balance now and Stripe hears of it by a job.

    Raises Invalid, NotEnough, PayoutAccountNotReady, PayoutsStopped, AccountHeld.
    """
    rows.freelancer(act.session, freelancer_id, lock=True)
    _check_request(act, amount_minor, currency)
    account = account_of(act.session, freelancer_id)
    if account is None or account.state != "active" or account.stripe_account_id is None:
        raise PayoutAccountNotReady("Finish the payout account first.", {"requirements": account.requirements if account else []})
    available = balance(act.session, "available", freelancer_id, currency)
    if amount_minor > available:
        raise NotEnough(f"{plain(available, currency)} is available.", {"available": available, "currency": currency})
    payout = Payout(
        id=new_id("pyo"), freelancer_id=freelancer_id, state="requested", currency=currency, amount_minor=amount_minor, stripe_payout_id=None,
        stripe_account_id=account.stripe_account_id, failure_code=None, waiting_for=None, requested_at=act.now, sent_at=None, arrived_at=None,
    )  # fmt: skip
    payout.sources = _sources(act.session, freelancer_id, amount_minor, currency)
    act.session.add(payout)
    lines = [Line(Account("available", freelancer_id), Account("payout_in_flight", payout.id), amount_minor)]
    post(act, Entry("payout_request", payout.id, currency, lines, f"Payout {payout.id}"))
    events.record(act, "payout.requested", payout, to_state="requested", amount=amount_minor, currency=currency)
    queue.enqueue(act, "payout_send", payout.id)
    return payout


def _check_request(act: Act, amount_minor: int, currency: str) -> None:
    if currency not in act.policies.currencies:
        raise Invalid.one("/currency", "unknown_currency", f"Payouts can be in {', '.join(act.policies.currencies)}.")
    least = act.policies.payout_minimum_minor(currency)
    if amount_minor < least:
        raise Invalid.one("/amount", "amount_too_small", f"A payout has at least {plain(least, currency)}.")
    if payable_part(amount_minor, currency) != amount_minor:
        whole = plain(payable_part(amount_minor, currency), currency)
        raise Invalid.one("/amount", "amount_step", f"Banks take {currency} in larger steps; {whole} would be possible and the rest stays yours.")
    stopped = act.session.execute(select(Installation.payouts_stopped)).scalar_one()
    if stopped:
        raise PayoutsStopped("Payouts are paused while the books are checked.")


# What each charge released to this freelancer, first released first, less what earlier payouts took from it.
_SOURCES = text("""
    SELECT l.payment_id, sum(r.net_minor)::bigint - coalesce(max(used.minor), 0)::bigint AS left_minor
      FROM release r
      JOIN payment_line l ON l.milestone_id = r.milestone_id AND l.funded
      LEFT JOIN LATERAL (SELECT sum(s.amount_minor - s.reversed_minor)::bigint AS minor FROM payout_source s JOIN payout p ON p.id = s.payout_id
                          WHERE s.payment_id = l.payment_id AND p.state <> 'canceled') used ON true
     WHERE r.freelancer_id = :freelancer AND r.currency = :currency AND r.matured_at IS NOT NULL
     GROUP BY l.payment_id ORDER BY min(r.released_at), l.payment_id
""").columns(PayoutSource.payment_id)


def _sources(session: Session, freelancer_id: str, amount_minor: int, currency: str) -> list[PayoutSource]:
    statement = _SOURCES.bindparams(freelancer=typeid.decode(freelancer_id), currency=currency)
    left = amount_minor
    chosen: list[PayoutSource] = []
    for payment_id, available in session.execute(statement):
        part = min(left, int(available))
        if part > 0:
            chosen.append(PayoutSource(number=len(chosen) + 1, payment_id=payment_id, amount_minor=part, state="planned", transfer_id=None))
            left -= part
        if left == 0:
            return chosen
    raise NotEnough("Part of this money is still on its way back from a failed payout; try again in a few minutes.")


def cancel(act: Act, payout: Payout) -> Payout:
    """Take a payout back before Stripe has heard of it. Raises StateConflict."""
    events.move(act, payout, "cancel", amount=payout.amount_minor, currency=payout.currency)
    for source in payout.sources:
        source.reversed_minor, source.state = source.amount_minor, "reversed"
    _give_back(act, payout)
    return payout


def begin_sending(act: Act, payout: Payout) -> bool:
    """Whether the payout may go to Stripe now. Decided under its lock; from here on it can no longer be cancelled."""
    if payout.state == "requested":
        stopped = act.session.execute(select(Installation.payouts_stopped)).scalar_one()
        account = account_of(act.session, payout.freelancer_id)
        ready = account is not None and account.state == "active"
        payout.waiting_for = None if ready and not stopped else "payout_account" if not ready else "books"
        if payout.waiting_for:
            return False
        events.move(act.as_("system"), payout, "send", amount=payout.amount_minor, currency=payout.currency)
        payout.sent_at = act.now
    return payout.state == "in_transit"


def leg_sent(payout: Payout, number: int, transfer_id: str) -> None:
    """Stripe has made the transfer of one leg."""
    source = payout.sources[number - 1]
    source.transfer_id, source.state = transfer_id, "sent"


def leg_reversed(act: Act, payout: Payout, number: int, reversed_minor: int) -> None:
    """Stripe's total of what was taken back of one leg; the total, so that hearing it twice changes nothing.

    Our own reversals belong to a payout that is failing. One that we did not ask for is a task for a person: the charge
    cannot be drawn from again until the books say whose the money is.
    """
    source = payout.sources[number - 1]
    if reversed_minor > source.reversed_minor and payout.failure_code is None:
        queue.open_task(act, "transfer_reversed_outside", payout.id, leg=number, reversed=reversed_minor)


def leg_taken_back(payout: Payout, number: int) -> None:
    """We had a leg of a failed payout reversed in full; its charge can be drawn from again."""
    source = payout.sources[number - 1]
    source.reversed_minor, source.state = source.amount_minor, "reversed"


def sent(payout: Payout, stripe_payout_id: str) -> None:
    payout.stripe_payout_id = stripe_payout_id


def arrived(act: Act, payout: Payout) -> None:
    """The bank has it: out of trust. Hearing it again changes nothing."""
    if payout.state != "in_transit":
        return
    events.move(act.as_("psp"), payout, "arrive", amount=payout.amount_minor, currency=payout.currency)
    payout.arrived_at = act.now
    lines = [Line(Account("payout_in_flight", payout.id), TRUST, payout.amount_minor)]
    post(act.as_("psp"), Entry("payout_paid", payout.id, payout.currency, lines, f"Payout {payout.id} arrived"))


def failing(act: Act, payout: Payout, failure_code: str) -> None:
    """The bank refused it. The transfers are taken back first (by a job); then the money is the freelancer's again."""
    if payout.state in ("in_transit", "paid") and payout.failure_code is None:
        payout.failure_code = failure_code
        queue.enqueue(act, "payout_unwind", payout.id)


def failed(act: Act, payout: Payout) -> None:
    """Everything is back: available again, not aged anew, with the reason."""
    if payout.state not in ("in_transit", "paid", "requested"):
        return
    had_arrived = payout.state == "paid"
    events.move(act.as_("psp"), payout, "fail", amount=payout.amount_minor, currency=payout.currency, reason=payout.failure_code)
    if had_arrived:
        lines = [Line(TRUST, Account("available", payout.freelancer_id), payout.amount_minor)]
        post(act.as_("psp"), Entry("payout_bounced", payout.id, payout.currency, lines, f"Payout {payout.id} came back"))
    else:
        _give_back(act.as_("psp"), payout)


def _give_back(act: Act, payout: Payout) -> None:
    lines = [Line(Account("payout_in_flight", payout.id), Account("available", payout.freelancer_id), payout.amount_minor)]
    post(act, Entry("payout_returned", payout.id, payout.currency, lines, f"Payout {payout.id} returned"))


def by_stripe_id(session: Session, stripe_payout_id: str) -> str | None:
    return session.execute(select(Payout.id).where(Payout.stripe_payout_id == stripe_payout_id)).scalar_one_or_none()


def by_transfer(session: Session, transfer_id: str) -> tuple[str, int] | None:
    """(payout id, leg number) of a transfer of ours."""
    row = session.execute(select(PayoutSource.payout_id, PayoutSource.number).where(PayoutSource.transfer_id == transfer_id)).one_or_none()
    return (row[0], row[1]) if row else None


def find_many(session: Session, *, owner: str | None, after: str | None, limit: int) -> list[Payout]:
    """Newest first, one more than `limit` when there are more."""
    query = select(Payout).order_by(Payout.id.desc()).limit(limit + 1)
    if owner is not rows.EVERYONE:
        query = query.where(Payout.freelancer_id == owner)
    if after:
        query = query.where(Payout.id < after)
    return list(session.execute(query).scalars())
