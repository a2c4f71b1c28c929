"""How Stripe is reached: the client, its HTTP, signatures, and Stripe's errors as ours."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from wsgiref.types import WSGIApplication

import stripe
from requests.structures import CaseInsensitiveDict
from stripe._base_address import BaseAddresses
from werkzeug.test import Client as WsgiClient

from service.gateways import (
    GatewayFailed,
    GatewayRefused,
    GatewayUnavailable,
    GatewayUnknownOutcome,
)
from service.platform.once import Once

API_VERSION = "2026-10-28.endive"
PAGE = 100
_TOLERANCE_SECONDS = 300

stripe.enable_telemetry = False


class InProcessHTTP(stripe.HTTPClient):
    """Reaches a WSGI application without a socket: the sandbox, from the same process (a server
    that calls itself runs out of threads).
    """

    name = "in-process"

    def __init__(self, application: WSGIApplication) -> None:
        super().__init__()
        self._client = WsgiClient(application, use_cookies=False)

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: bytes | str | None = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        path = "/" + url.split("//", 1)[1].split("/", 1)[1]
        try:
            answer = self._client.open(
                path, method=method.upper(), headers=dict(headers or {}), data=post_data
            )
        except ConnectionError as lost:
            raise stripe.APIConnectionError(str(lost)) from lost  # type: ignore[no-untyped-call]
        told = CaseInsensitiveDict(answer.headers.items())
        return answer.get_data(as_text=True), answer.status_code, told

    def _sleep_time_seconds(self, num_retries: int, response: object = None) -> float:
        return 0.0

    def close(self) -> None:
        pass


class Connection:
    """One client per process (a forked server must not share a connection pool), with the version
    pinned, retries on, telemetry off.
    """

    def __init__(
        self,
        key: str,
        webhook_secrets: tuple[str, ...],
        *,
        live: bool,
        in_process: WSGIApplication | None = None,
        base: str | None = None,
    ) -> None:
        self._key, self._secrets, self._live = key, webhook_secrets, live
        self._in_process, self._base = in_process, base
        self._once = Once(self._made)

    @property
    def _client(self) -> stripe.StripeClient:
        return self._once.get()

    def _made(self) -> stripe.StripeClient:
        http = (
            InProcessHTTP(self._in_process)
            if self._in_process
            else stripe.RequestsClient(timeout=(3.05, 20))
        )
        base = self._base
        bases: BaseAddresses = (
            {"api": base, "files": base, "connect": base, "meter_events": base} if base else {}
        )
        # The client's own default is no retry at all.
        return stripe.StripeClient(
            self._key,
            http_client=http,
            max_network_retries=2,
            stripe_version=API_VERSION,
            base_addresses=bases,
        )


def signed(body: bytes, header: str | None, secret: str) -> bool:
    """Whether Stripe signed this body with this secret just now; the SDK alone would accept a
    signature from the future.
    """
    try:
        stripe.WebhookSignature.verify_header(
            body.decode(), header or "", secret, _TOLERANCE_SECONDS
        )
    except (stripe.SignatureVerificationError, UnicodeDecodeError, ValueError):
        return False
    stamps = [part[2:] for part in (header or "").split(",") if part.startswith("t=")]
    return len(stamps) == 1 and int(stamps[0]) <= time.time() + _TOLERANCE_SECONDS


def sign(body: bytes, secret: str, timestamp: int) -> str:
    """A Stripe-Signature header: what the sandbox sends and tests forge."""
    return str(stripe.WebhookSignature.generate_signature_header(body.decode(), secret, timestamp))


@contextmanager
def translated() -> Iterator[None]:
    """Stripe's errors to ours: what was surely not done, what is unknown, what is a definite no."""
    try:
        yield
    except stripe.RateLimitError as error:
        raise GatewayUnavailable("Stripe throttles", error.code) from error
    except stripe.APIConnectionError as error:
        raise GatewayUnknownOutcome("no answer from Stripe") from error
    except stripe.IdempotencyError as error:
        raise GatewayRefused(
            "the key was used with other parameters", "idempotency_error"
        ) from error
    except (
        stripe.InvalidRequestError,
        stripe.CardError,
        stripe.AuthenticationError,
        stripe.PermissionError,
    ) as error:
        raise GatewayRefused(str(error.user_message or error), error.code) from error
    except stripe.StripeError as error:
        if error.http_status == 500:
            raise GatewayFailed("Stripe failed", error.code) from error
        # 503, and 409 "key in use": the first call may be running or done.
        raise GatewayUnknownOutcome("Stripe did not say", error.code) from error
