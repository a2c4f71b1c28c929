"""Who may call the sandbox: it has no log-in, so only pages of its own and programs that know its
name.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from service.platform.config import Settings

_REFUSED = b"The sandbox answers under its own names only, and to no page of another site.\n"


class OnlyFromHere:
    """Checks `Host` and `Origin` of every call before the sandbox sees it.

    A page elsewhere can have its own name point to this machine: then the browser sends that name
    as `Host`. A page elsewhere that calls this machine by its right name is named in `Origin`.
    """

    def __init__(self, inner: WSGIApplication, settings: Settings) -> None:
        self._inner, self._settings = inner, settings

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if self._settings.knows_host(environ.get("HTTP_HOST", "")) and self._own(environ):
            return self._inner(environ, start_response)
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        start_response("403 Forbidden", headers)
        return [_REFUSED]

    def _own(self, environ: WSGIEnvironment) -> bool:
        """Neither a form nor a script of another site; a link that somebody follows to look is
        fine.
        """
        origin, site = environ.get("HTTP_ORIGIN"), environ.get("HTTP_SEC_FETCH_SITE")
        if origin is not None and not self._same(origin, environ["HTTP_HOST"]):
            return False
        looks = (
            environ.get("REQUEST_METHOD") in ("GET", "HEAD")
            and environ.get("HTTP_SEC_FETCH_MODE", "navigate") == "navigate"
        )
        return site in (None, "same-origin", "none") or looks

    def _same(self, origin: str, host: str) -> bool:
        known = urlsplit(self._settings.public_url)
        return origin in (f"http://{host}", f"https://{host}", f"{known.scheme}://{known.netloc}")
