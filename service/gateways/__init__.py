"""The outside world: Stripe and the mail server.

Own dataclasses in and out, own errors; a vendor's types stop here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(eq=False)
class GatewayError(Exception):
    """Base of what can go wrong outside. `code` is the vendor's own where it gave one."""

    message: str
    code: str | None = None

    def __str__(self) -> str:
        return f"{self.message} ({self.code})" if self.code else self.message


class GatewayUnavailable(GatewayError):
    """Nothing was done: throttled, or refused before it began.

    The same call may be made again later.
    """


class GatewayUnknownOutcome(GatewayError):
    """It may have been done or not (time-out, connection lost, 5xx).

    Repeat with the same key, or look the object up.
    """


class GatewayFailed(GatewayUnknownOutcome):
    """It answered that it failed (5xx), and keeps that answer under the key: look the object up,
    then use a new key.
    """


class GatewayRefused(GatewayError):
    """A definite no with a reason."""


class BadWebhook(GatewayError):
    """The signature, its age or the body is not right."""
