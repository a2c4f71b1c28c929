"""Every refusal the service can give, as one tree.

HoldfastError
├── BadRequest 400          Malformed, BadVersion, KeyMissing
├── Unauthenticated 401
├── Forbidden 403           MissingScope, CodeRequired
├── NotFound 404            also "exists, but not yours"
├── Conflict 409            StateConflict, AlreadyPosted, NotEnough, OnHold (403), KeyRunning, ...
├── Stale 412, PreconditionRequired 428
├── TooLarge 413, LengthRequired 411, WrongMediaType 415
├── Unprocessable 422       Invalid (field errors), KeyReused
├── TooManyRequests 429
└── Unavailable 503

A code is stable and documented at /problems/<code>. Expected refusals are never a 500.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True)
class FieldError:
    """One wrong field: a JSON pointer into the body, a code and a sentence."""

    pointer: str
    code: str
    message: str


@dataclass(eq=False)
class HoldfastError(Exception):
    """Base of the tree.

    `detail` is one sentence a person can act on; `extra` joins the problem document.
    """

    detail: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong on our side"
    advice: ClassVar[str] = "Try again later; quote the request id if it persists."

    def __str__(self) -> str:
        return self.detail or self.title


class BadRequest(HoldfastError):
    status, code, title = 400, "bad_request", "The request could not be read"
    advice = "Send well-formed JSON with the documented headers."


class BadSignature(BadRequest):
    code, title = "bad_signature", "The signature does not match"
    advice = "Sign the raw body with the current secret and a fresh timestamp."


class BadVersion(BadRequest):
    code, title = "unknown_version", "Unknown Holdfast-Version"
    advice = "Leave the header out or name a version from the changelog."


class KeyMissing(BadRequest):
    code, title = "idempotency_key_missing", "Idempotency-Key is required"
    advice = (
        "Send a key of 16 to 128 characters, fresh for each new request and repeated on a retry."
    )


class Unauthenticated(HoldfastError):
    status, code, title = 401, "unauthenticated", "Who is calling is not known"
    advice = (
        "Send `Authorization: Bearer <API key>` with a key that is neither expired nor revoked."
    )


class Forbidden(HoldfastError):
    status, code, title = 403, "forbidden", "This is not allowed"
    advice = "Use a key with the needed scope."


class MissingScope(Forbidden):
    code, title = "missing_scope", "The key lacks a scope"


class CodeRequired(Forbidden):
    code, title = "code_required", "A code from your mailbox is needed first"
    advice = "Ask for a code on the page and type the six digits from the e-mail."


class OffersPaused(Forbidden):
    code, title = "offers_paused", "New offers are paused"
    advice = (
        "A person of ours looks at it; contracts that exist go on. You get an e-mail when "
        "it is decided."
    )


class NotFound(HoldfastError):
    status, code, title = 404, "not_found", "There is no such thing here"
    advice = "Check the id; objects of other people answer the same."


class MethodNotAllowed(HoldfastError):
    status, code, title = 405, "method_not_allowed", "The address does not take this method"
    advice = "The Allow header names what it takes."


class Gone(HoldfastError):
    status, code, title = 410, "link_expired", "This link has ended"
    advice = "Ask for a new link; it goes to the same mailbox."


class Conflict(HoldfastError):
    status, code, title = 409, "conflict", "This cannot be done now"
    advice = "Read the object again and decide from its present state."


class StateConflict(Conflict):
    code, title = "state_conflict", "The present state does not allow this"
    advice = "`allowed_actions` lists what the present state allows."


class AlreadyPosted(Conflict):
    code, title = "already_posted", "This movement is already in the books"


class NotEnough(Conflict):
    code, title = "not_enough", "There is not enough on the account"
    advice = "Read the balance and ask for at most what is available."


class OnHold(Conflict):
    status, code, title = 403, "on_hold", "The money is on hold"
    advice = (
        "GET /v1/holds/{id} says why, what still works, what you can do, and when it is decided."
    )


class ChargedBack(Conflict):
    code, title = "charged_back", "The client's bank has taken the payment back"
    advice = "Wait for the bank's decision; the contract's page shows it."


class PayoutCoolDown(Conflict):
    code, title = "payout_cooldown", "The bank account was changed a short while ago"
    advice = "Payouts go on after `until`; this protects you when somebody else changed it."


class PayoutAccountNotReady(Conflict):
    code, title = "payout_account_not_ready", "The payout account is not ready"
    advice = "POST /v1/payout-account/onboarding and finish the steps at Stripe."


class PayoutsStopped(Conflict):
    code, title = "payouts_stopped", "Payouts are paused while the books are checked"
    advice = "Nothing is lost; finance has been told and payouts continue after the check."


class KeyRunning(Conflict):
    code, title = "idempotency_key_in_use", "The first request with this key is still running"
    advice = "Wait a moment and send the same request again."


class FeedbackNotAccepted(Conflict):
    code, title = "feedback_not_accepted", "Direct contracts take no feedback"
    advice = "Direct contracts never count for job success or feedback."


class LengthRequired(HoldfastError):
    status, code, title = 411, "length_required", "Content-Length is required"
    advice = "Send the body with a Content-Length, not chunked."


class Stale(HoldfastError):
    status, code, title = 412, "stale_version", "The object has changed meanwhile"
    advice = "Read it again and repeat the edit with the new ETag in If-Match."


class TooLarge(HoldfastError):
    status, code, title = 413, "body_too_large", "The body is too large"
    advice = "JSON bodies may have 256 KiB."


class WrongMediaType(HoldfastError):
    status, code, title = 415, "unsupported_media_type", "The body must be application/json"
    advice = "Set Content-Type: application/json."


class Unprocessable(HoldfastError):
    status, code, title = 422, "unprocessable", "The request cannot be carried out"
    advice = "Change the request; repeating it gives the same answer."


@dataclass(eq=False)
class Invalid(Unprocessable):
    """Wrong fields; each with pointer, code and sentence."""

    errors: list[FieldError] = field(default_factory=list)

    code, title = "validation_failed", "Some fields are not right"
    advice = "`errors` names each field, what is wrong and what would be right."

    @classmethod
    def one(cls, pointer: str, code: str, message: str) -> Invalid:
        return cls(detail=message, errors=[FieldError(pointer, code, message)])


class KeyReused(Unprocessable):
    code, title = "idempotency_key_reused", "This key was used for another request"
    advice = "Use a fresh key for a new request."


class PreconditionRequired(HoldfastError):
    status, code, title = 428, "if_match_required", "If-Match is required"
    advice = "Read the object and send its ETag in If-Match."


class TooManyRequests(HoldfastError):
    status, code, title = 429, "too_many_requests", "Too many tries"
    advice = "Wait as long as Retry-After says."


class OutreachLimited(TooManyRequests):
    code, title = "outreach_limited", "Too many letters to clients in a short time"
    advice = (
        "Wait as long as Retry-After says. The limits protect people who did not ask for "
        "letters; they count each mailbox too."
    )


class Unavailable(HoldfastError):
    status, code, title = 503, "unavailable", "The service cannot do this right now"
    advice = "Nothing was done; try again after Retry-After seconds."


class DatabaseRefused(Unavailable):
    """The database is there and does not let us in: a wrong role, password or database.

    `said`: its own words, for whoever runs this.
    """

    code, title = "database_refused", "The database refuses this service"
    advice = (
        "Nothing was done. Whoever runs the service has to look at the database's address, "
        "role and password."
    )

    def __init__(self, said: str) -> None:
        super().__init__("The database refuses this service; nothing was written.")
        self.said = said


class PaperNotMade(Unavailable):
    code, title = "paper_not_made", "This document could not be created"
    advice = "Your data is safe. Try again; quote the request id if it persists."


def catalogue() -> dict[str, type[HoldfastError]]:
    """Every code of the tree with its class, for the /problems pages and the documents."""
    found: dict[str, type[HoldfastError]] = {}
    queue: list[type[HoldfastError]] = [HoldfastError]
    while queue:
        cls = queue.pop(0)
        found.setdefault(cls.code, cls)
        queue.extend(cls.__subclasses__())
    return dict(sorted(found.items()))
