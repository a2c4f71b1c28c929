"""What a client's move in a dispute would do, in words and with its amount, before it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from flask import request

from service.domain.errors import NotFound
from service.models import Contract, Dispute
from service.pages.decision_forms import Answers, amount, words
from service.pages.formatting import written


@dataclass(frozen=True)
class DisputeStep:
    """`refund_minor`: what comes back to the client if it comes to that; `hidden`: what the second
    button sends again.
    """

    title: str
    refund_minor: int
    hidden: dict[str, str] = field(default_factory=dict)
    words: str = ""
    lead: str = ""


def _claim(_answers: Answers, _found: Contract, dispute: Dispute) -> DisputeStep:
    return DisputeStep("Agree to the claim", dispute.claimed_refund_minor, lead=_SETTLED)


def _answer(answers: Answers, found: Contract, dispute: Dispute) -> DisputeStep:
    said = answers.ask(lambda: words("words", 5_000), "")
    return DisputeStep("Send the answer", _refund(answers, found, dispute), {"words": said}, said)


def _offer(answers: Answers, found: Contract, dispute: Dispute) -> DisputeStep:
    reasons = answers.ask(lambda: words("reasons", 2_000, required=False), "")
    private = request.form.get("blind") == "yes"
    return DisputeStep(
        title="Send the offer privately" if private else "Send the offer",
        refund_minor=_refund(answers, found, dispute),
        hidden={"reasons": reasons} | ({"blind": "yes"} if private else {}),
        words=reasons,
        lead="If your offers cross, we settle halfway." if private else "",
    )


def _agreement(_answers: Answers, found: Contract, dispute: Dispute) -> DisputeStep:
    named = request.form.get("offer", "")
    offer = next((one for one in dispute.offers if one.id == named and not one.blind), None)
    if offer is None:
        raise NotFound("There is no such offer.")
    title = f"Agree to {written(offer.refund_minor, found.currency)}"
    return DisputeStep(title, offer.refund_minor, {"offer": offer.id}, lead=_SETTLED)


def _refund(answers: Answers, found: Contract, dispute: Dispute) -> int:
    most = dispute.amount_minor
    return answers.ask(lambda: amount("refund", found.currency, most=most, least=0), 0)


_SETTLED = "This settles the dispute. It cannot be undone."
CHECKS: dict[str, Callable[[Answers, Contract, Dispute], DisputeStep]] = {
    "accept": _claim,
    "answer": _answer,
    "offer": _offer,
    "agree": _agreement,
}
"""By the button that was pressed. Mediation, rejection and withdrawal name no amount."""
