"""How money, instants and states read on a page, and the one renderer of errors for people."""

from __future__ import annotations

from datetime import date, datetime

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from flask import Flask, g, render_template, request
from jinja2 import StrictUndefined
from markupsafe import Markup, escape

from service.domain.errors import HoldfastError
from service.domain.money import amounts
from service.domain.money.money import CURRENCIES
from service.domain.states.names import ContractState, MilestoneState
from service.http import web
from service.models import Contract, Milestone
from service.pages import link_roles
from service.pages.session import form_token

_LOCALES = ("en", "de", "es")


def locale() -> Locale:
    """For numbers and dates: what the browser asks for, of the languages we have."""
    try:
        return Locale.parse(request.accept_languages.best_match(_LOCALES) or "en")
    except UnknownLocaleError:
        return Locale("en")


def money(amount_minor: int, code: str) -> Markup:
    """'USD 1,500.00' by locale, always with the code, not broken over lines, readable by
    machines.
    """
    exponent = CURRENCIES[code].exponent
    whole, rest = divmod(abs(amount_minor), 10**exponent)
    exact = f"{'-' if amount_minor < 0 else ''}{whole}" + (
        f".{rest:0{exponent}d}" if exponent else ""
    )
    shown = amounts.write(amount_minor, code, locale())
    return Markup('<data class="money" value="{}">{}&nbsp;{}</data>').format(exact, code, shown)


def written(amount_minor: int, code: str) -> str:
    """The same without markup, for sentences."""
    return f"{code}\u00a0{amounts.write(amount_minor, code, locale())}"


def instant(moment: datetime) -> Markup:
    shown = format_datetime(moment, "d MMMM y, HH:mm", locale=locale())
    return Markup('<time datetime="{}">{} UTC</time>').format(moment.isoformat(), shown)


def day(value: date) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(
        value.isoformat(), format_date(value, "d MMMM y", locale=locale())
    )


def read_amount(typed: str, code: str) -> amounts.Amount | amounts.Refusal:
    """What a person typed into a form, read as the page wrote its own numbers: the one reader of
    all pages.

    A form says in its field `numbers` which locale that was: a browser's languages may have changed
    meanwhile.
    """
    named = request.form.get("numbers", "")
    return amounts.read(typed, code, Locale(named) if named in _LOCALES else locale())


def amount_like(code: str) -> str:
    """'1,234.50': how an amount is typed here."""
    return amounts.example(code, locale())


MILESTONE_WORDS = {
    "planned": "Not paid yet",
    "awaiting_funding": "Waiting for your payment",
    "funding": "Payment started",
    "funded": "Held safely, work in progress",
    "submitted": "Done, waiting for your review",
    "changes_requested": "You asked for changes",
    "released": "Released",
    "refund_requested": "You asked for it back",
    "refunded": "Sent back to you",
    "disputed": "In dispute, locked",
    "settled": "Settled",
    "confiscated": "Taken by a case",
    "charged_back": "Taken back by your bank",
    "approved": "Approved",
    "cancelled": "Cancelled",
}


def milestone_words(milestone: Milestone) -> str:
    """Where a milestone stands, in the words of its client."""
    if milestone.state == MilestoneState.CONFISCATED and not milestone.confiscated_minor:
        return "Given back to you"
    return MILESTONE_WORDS[milestone.state]


CONTRACT_WORDS = {
    "draft": "Being written",
    "sent": "Waiting for your answer",
    "change_requested": "You asked for changes",
    "accepted": "Accepted, not paid yet",
    "active": "Under way",
    "closing": "Being closed",
    "completed": "Completed",
    "cancelled": "Ended",
    "declined": "Declined by you",
    "withdrawn": "Withdrawn",
    "expired": "The offer has ended",
}

EVENT_WORDS = {
    "contract.sent": "Contract sent to you",
    "contract.opened": "Opened",
    "contract.accepted": "You agreed to the contract",
    "contract.declined": "You declined",
    "contract.withdrawn": "Withdrawn",
    "contract.expired": "The offer ended",
    "contract.cancelled": "The contract was ended",
    "contract.activated": "The contract is under way",
    "contract.completed": "Everything is done",
    "milestone.funded": "Milestone paid into protection",
    "milestone.submitted": "Work handed over",
    "milestone.approved": "You approved the work",
    "milestone.auto_approved": "The review window ended",
    "milestone.released": "Milestone released",
    "milestone.partly_released": "Part of a milestone released",
    "milestone.changes_requested": "You asked for changes",
    "milestone.review_extended": "The review window was extended",
    "milestone.approved_early": "You released money early",
    "milestone.refund_requested": "You asked for money back",
    "milestone.refunded": "Milestone refunded",
    "milestone.disputed": "Milestone in dispute",
    "milestone.settled": "Dispute settled",
    "milestone.share_released": "Part released by the dispute's outcome",
    "milestone.rolled_on": "The rest became a milestone of its own",
    "milestone.given_back": "Given back after a decision of ours was reversed",
    "contract.revised": "A new version was sent",
    "contract.change_requested": "You asked for a change",
    "contract.change_refused": "The offer stayed as it was",
    "contract.change_lapsed": "The offer stands again",
    "contract.closing": "The contract is being closed",
    "contract.ended_empty": "The contract has ended",
    "contract.dormant": "Nothing happened for long",
    "contract.client_email_changed": "Moved to another address",
    "amendment.proposed": "A change was proposed",
    "amendment.accepted": "A change was agreed",
    "amendment.rejected": "A change was turned down",
    "amendment.expired": "A proposal ran out",
    "amendment.withdrawn": "A proposal was taken back",
    "refund_request.opened": "A refund was asked for",
    "refund_request.agreed": "The refund was agreed",
    "refund_request.lapsed": "No answer: the refund goes ahead",
    "refund_request.refused": "The refund was refused",
    "refund_request.withdrawn": "The request was withdrawn",
    "dispute.opened": "A dispute was opened",
    "dispute.answered": "The dispute was answered",
    "dispute.offer_made": "A new offer in the dispute",
    "dispute.mediation_opened": "A mediator was called",
    "dispute.proposed": "The mediator proposed",
    "dispute.arbitration_opened": "A second person decides",
    "dispute.settled": "The dispute was settled",
    "dispute.executed": "The dispute was decided",
    "dispute.withdrawn": "The dispute was withdrawn",
    "refund.failed": "A refund did not arrive",
    "chargeback.opened": "Your bank took a payment back",
    "payment.succeeded": "Payment received",
    "payment.failed": "Payment failed",
    "payment.expired": "The payment page timed out",
    "payment.quarantined": "A payment is on its way back to you",
    "refund.succeeded": "Money sent back to you",
}


def payable(contract: Contract) -> list[Milestone]:
    """Milestones that the client may pay for now."""
    if contract.state not in (ContractState.ACCEPTED, ContractState.ACTIVE):
        return []
    return [
        m
        for m in contract.milestones
        if m.state
        in (MilestoneState.PLANNED, MilestoneState.AWAITING_FUNDING, MilestoneState.FUNDING)
    ]


def mask(email: str) -> str:
    """'a•••@client.example'."""
    name, _, domain = email.partition("@")
    return f"{name[:1]}•••@{domain}"


def problem_page(error: HoldfastError) -> tuple[str, int, dict[str, str]]:
    """A refusal for a person: first whether money moved, then the one next step."""
    page = render_template("problem.html", error=error, request_id=web.request_id())
    return page, error.status, web.waits(error)


def register(app: Flask) -> None:
    # A name that a template does not know is a bug to be seen, not an empty place on a page about
    # money.
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.filters |= {
        "money": money,
        "instant": instant,
        "day": day,
        "mask": mask,
        "moment": lambda text: instant(datetime.fromisoformat(text)),
    }
    app.jinja_env.globals |= {
        "milestone_words": milestone_words,
        "contract_words": CONTRACT_WORDS,
        "event_words": EVENT_WORDS,
        "form_fields": _form_fields,
        "amount_like": amount_like,
        "number_locale": lambda: locale().language,
        "may": _may,
    }
    app.context_processor(_frame)


def _may(endpoint: str) -> bool:
    """For a contract's pages: whether the link by which somebody came opens that page, so that
    nobody is led to a refusal.
    """
    return link_roles.may(g.visitor.role, endpoint)


def _form_fields() -> Markup:
    """The hidden fields of every form of a visitor."""
    return Markup('<input type="hidden" name="form_token" value="{}">').format(
        escape(form_token(g.visitor))
    )


def _frame() -> dict[str, object]:
    settings = web.runtime().settings
    return {
        "platform": settings.platform_name,
        "support_email": settings.support_email,
        "sandbox": settings.sandbox,
        "language": "en",
    }
