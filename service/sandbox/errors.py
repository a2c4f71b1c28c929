"""Stripe's way to say no."""

from __future__ import annotations


class StripeRefusal(Exception):
    """Becomes `{"error": {...}}` with this status."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        kind: str = "invalid_request_error",
        **extra: str,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind, "code": code, "message": message} | extra}
