"""Every page that can be reached by links, asked for once: a person who presses everything that
only looks.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urldefrag, urljoin, urlsplit

from tests.journey import Person

MOST = 400
BASE = "http://127.0.0.1:8000"


def crawl(person: Person, starts: Iterable[str]) -> dict[str, int]:
    """The status of each page below the starts, at most 400; pages elsewhere are left alone."""
    waiting, seen = list(starts), dict[str, int]()
    while waiting and len(seen) < MOST:
        path = waiting.pop()
        if path in seen:
            continue
        reply = person.http.request("GET", path)
        seen[path] = reply.status
        if "html" in reply.headers.get("content-type", ""):
            waiting += [link for link in _own(path, reply.page.links) if link not in seen]
    return seen


def _own(path: str, links: Iterable[str]) -> Iterable[str]:
    for link in links:
        target = urlsplit(urldefrag(urljoin(BASE + path, link)).url)
        if f"{target.scheme}://{target.netloc}" == BASE and not target.path.startswith(
            ("/_sandbox", "/docs")
        ):
            yield target.path + (f"?{target.query}" if target.query else "")
