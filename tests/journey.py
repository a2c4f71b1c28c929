"""The main job as people do it: a freelancer with a key, a client with a mailbox and a browser, and
nothing else.

The same steps run in the process (tests) and over real HTTP (the demo, the kill tests, the README).
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlencode, urljoin, urlsplit

import requests
from werkzeug.test import Client as WsgiClient

from tests.forms import Form, Page


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    text: str
    raw: bytes = b""

    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def page(self) -> Page:
        return Page(self.text)


class Http(Protocol):
    """One browser or program: keeps cookies, does not follow redirects."""

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply: ...


class WsgiHttp:
    """In the process, without a socket."""

    def __init__(self, app: Any) -> None:
        self._client = WsgiClient(app)

    @property
    def cookies(self) -> dict[Any, Any]:
        """The browser's jar, as werkzeug keeps it: it has no public way to take all of it along."""
        return self._client._cookies or {}

    @cookies.setter
    def cookies(self, jar: dict[Any, Any]) -> None:
        self._client._cookies = jar

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        answer = self._client.open(
            path, method=method, data=body, headers=headers or {}, base_url="http://127.0.0.1:8000"
        )
        return Reply(
            answer.status_code,
            {k.lower(): v for k, v in answer.headers.items()},
            answer.get_data().decode(errors="replace"),
            answer.get_data(),
        )


class LiveHttp:
    """Over the network; a server that is just being restarted is waited for."""

    def __init__(self, base_url: str, patience: float = 120.0) -> None:
        self._base, self._patience, self._session = base_url, patience, requests.Session()

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        deadline = time.monotonic() + self._patience
        while True:
            try:
                answer = self._session.request(
                    method,
                    self._base + path,
                    data=body,
                    headers=headers or {},
                    allow_redirects=False,
                    timeout=90,
                )
                if answer.status_code not in (502, 503) or time.monotonic() > deadline:
                    return Reply(
                        answer.status_code,
                        {k.lower(): v for k, v in answer.headers.items()},
                        answer.text,
                    )
            except requests.RequestException:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.3)


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


@dataclass
class Program:
    """A caller with an API key. A repeated call repeats its idempotency key."""

    http: Http
    key: str

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        sent = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        if method == "POST":
            sent["Idempotency-Key"] = key or str(uuid.uuid4())
        data = json.dumps(body).encode() if body is not None else None
        return self.http.request(method, path, body=data, headers=sent | (headers or {}))

    def upload(self, path: str, name: str, content: bytes, **more: Any) -> Reply:
        """A multipart form with one file."""
        mark = "holdfast-boundary"
        head = (
            f'--{mark}\r\nContent-Disposition: form-data; name="file"; '
            f'filename="{name}"\r\nContent-Type: application/octet-stream\r\n\r\n'
        )
        sent = {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": f"multipart/form-data; boundary={mark}",
            "Idempotency-Key": more.get("key") or str(uuid.uuid4()),
        }
        return self.http.request(
            "POST",
            path,
            body=head.encode() + content + f"\r\n--{mark}--\r\n".encode(),
            headers=sent,
        )

    def send(self, method: str, path: str, operation: dict[str, Any]) -> Reply:
        """A call with the body that the API's own description gives as its example."""
        content = operation.get("requestBody", {}).get("content", {})
        if "multipart/form-data" in content:
            return self.upload(path, "a.txt", b"words")
        body = (
            content["application/json"]["example"] if content else {} if method == "POST" else None
        )
        return self.call(
            method, path, body, headers={"If-Match": '"v1"'} if method == "PATCH" else None
        )

    def post(self, path: str, body: Any = None, **more: Any) -> Any:
        reply = self.call("POST", path, body if body is not None else {}, **more)
        assert reply.status in (200, 201, 202), f"POST {path}: {reply.status} {reply.text}"
        return reply.json()

    def get(self, path: str) -> Any:
        reply = self.call("GET", path)
        assert reply.status == 200, f"GET {path}: {reply.status} {reply.text}"
        return reply.json()


@dataclass
class Sandbox:
    """The world's switches."""

    http: Http

    def post(self, path: str, body: Any) -> Any:
        reply = self.http.request(
            "POST",
            f"/_sandbox/{path}",
            body=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        assert reply.status in (200, 201), f"{path}: {reply.status} {reply.text}"
        return reply.json()

    def advance(self, span: str) -> Any:
        """Forward by 90s, 36h, 14d.

        Sent as an instant, so that a repeated request moves the clock once.
        """
        unit = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}[span[-1]]
        target = datetime.fromisoformat(self.now()) + timedelta(seconds=int(span[:-1]) * unit)
        return self.post("clock", {"to": target.isoformat()})

    def now(self) -> str:
        return str(self.http.request("GET", "/_sandbox/clock").json()["now"])

    def dump(self) -> Any:
        return self.http.request("GET", "/_sandbox/dump.json").json()

    def mail(self, to: str) -> list[dict[str, Any]]:
        return list(
            self.http.request("GET", f"/_sandbox/mailbox.json?{urlencode({'to': to})}").json()
        )

    def balance(self) -> dict[str, int]:
        """The platform's money at the sandbox's Stripe, per currency."""
        return {
            c: b["available"] + b["pending"] for c, b in self.dump()["balances"].get("", {}).items()
        }


def multipart(fields: list[tuple[str, str]], files: list[tuple[str, bytes]]) -> tuple[bytes, str]:
    """A form with files, as a browser sends it: (body, content type)."""
    mark = b"holdfast-boundary"
    parts = [
        b'Content-Disposition: form-data; name="%b"\r\n\r\n%b' % (k.encode(), v.encode())
        for k, v in fields
    ]
    kind = b"Content-Type: application/octet-stream"
    parts += [
        b'Content-Disposition: form-data; name="files"; filename="%b"\r\n%b\r\n\r\n%b'
        % (n.encode(), kind, content)
        for n, content in files
    ]
    return b"".join(
        b"--%b\r\n%b\r\n" % (mark, part) for part in parts
    ) + b"--%b--\r\n" % mark, f"multipart/form-data; boundary={mark.decode()}"


@dataclass
class Person:
    """A client at a browser: opens mails, presses buttons, types codes and card numbers."""

    http: Http
    sandbox: Sandbox
    email: str
    settle: Callable[[], None] = lambda: None
    contract_id: str = ""
    seen: set[int] = field(default_factory=set)

    def letter(self, subject_part: str) -> dict[str, Any]:
        """The newest letter whose subject has this part; waits for it."""
        deadline = time.monotonic() + 120
        while True:
            self.settle()
            found = [
                m
                for m in self.sandbox.mail(self.email)
                if subject_part.lower() in m["subject"].lower()
            ]
            if found:
                return found[0]
            assert time.monotonic() < deadline, (
                f"no letter with {subject_part!r}: "
                f"{[m['subject'] for m in self.sandbox.mail(self.email)]}"
            )
            time.sleep(0.2)

    def get(self, path: str, expect: int = 200) -> Page:
        reply = self.http.request("GET", path)
        if reply.status == 303 and expect == 200:
            return self.get(path_of(reply.headers["location"]))
        assert reply.status == expect, f"GET {path}: {reply.status} {reply.page.text[:300]}"
        return reply.page

    def press(
        self,
        path: str,
        form: Form,
        *,
        files: list[tuple[str, bytes]] | None = None,
        **values: str | list[str],
    ) -> Reply:
        """Send a form with some fields changed, and files in its field `files`; returns the answer
        without following it.
        """
        fields = [(k, v) for k, v in form.fields if k not in values]
        for name, value in values.items():
            fields += [(name, v) for v in (value if isinstance(value, list) else [value])]
        target = path_of(urljoin("http://x" + path, form.action)) if form.action else path
        if files is not None:
            body, kind = multipart(fields, files)
            return self.http.request(
                "POST",
                target,
                body=body,
                headers={"Content-Type": kind, "Sec-Fetch-Site": "same-origin"},
            )
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Sec-Fetch-Site": "same-origin",
        }
        return self.http.request("POST", target, body=urlencode(fields).encode(), headers=headers)

    def open(self, subject: str = "sent you a contract") -> Page:
        """Open the newest mail's link and press Continue."""
        link = path_of(self.letter(subject)["links"][0])
        reply = self.press(link, self.get(link).forms[0])
        assert reply.status == 303, f"{reply.status} {reply.page.text[:400]}"
        path = path_of(reply.headers["location"])
        self.contract_id = path.split("/")[2]
        return self.get(path)

    def code(self, back: str) -> Reply:
        """Ask for a code and type it in."""
        path = f"/c/{self.contract_id}/code?" + urlencode({"back": back})
        before = {m["id"] for m in self.sandbox.mail(self.email) if "code" in m["subject"].lower()}
        asked = self.press(path, self.get(path).forms[0])
        assert asked.status == 303, f"{asked.status} {asked.page.text[:300]}"
        deadline = time.monotonic() + 120
        while True:
            letter = self.letter("your code")
            if letter["id"] not in before or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        page = self.get(path_of(asked.headers["location"]))
        return self.press(path, page.forms[0], code=letter["code"])

    def through_code(self, path: str) -> Page:
        """A page that binds; the code is typed when it is asked for."""
        reply = self.http.request("GET", path)
        if reply.status == 303 and "/code" in reply.headers["location"]:
            typed = self.code(path)
            assert typed.status == 303, typed.page.text[:300]
            reply = self.http.request("GET", path)
        assert reply.status == 200, f"GET {path}: {reply.status} {reply.page.text[:300]}"
        return reply.page

    def accept(self, name: str = "Charles Babbage", **details: str) -> Reply:
        path = f"/c/{self.contract_id}/accept"
        page = self.through_code(path)
        check = self.press(path, page.forms[0], full_name=name, agree="yes", **details)
        assert check.status == 200, f"{check.status} {check.page.text[:300]}"
        return self.press(path, check.page.forms[0])

    def decide(self, path: str, **values: str | list[str]) -> Reply:
        """Fill in the form of a page that binds and send it, typing the code when it is asked
        for.
        """
        page = self.through_code(path)
        reply = self.press(
            path, next(form for form in page.forms if form.method == "post"), **values
        )
        if reply.status == 303 and "/code" in reply.headers["location"]:
            typed = self.code(path)
            assert typed.status == 303, typed.page.text[:300]
            reply = self.press(
                path, next(form for form in self.get(path).forms if form.method == "post"), **values
            )
        return self.second_step(path, reply)

    def second_step(self, path: str, reply: Reply) -> Reply:
        """Press the second button, where a page says first what will happen."""
        second = [form for form in reply.page.forms if ("confirm", "yes") in form.fields]
        return self.press(path, second[0]) if reply.status == 200 and second else reply

    def start_payment(self, milestones: list[str] | None = None, method: str = "card") -> Reply:
        """Choose milestones and method; answers with the way to Stripe."""
        path = f"/c/{self.contract_id}/pay"
        form = self.get(path).forms[0]
        chosen: dict[str, Any] = {"method": method} | (
            {"milestone": milestones} if milestones else {}
        )
        return self.press(path, form, **chosen)

    def pay(self, milestones: list[str] | None = None, card: str = "4242 4242 4242 4242") -> Page:
        """All the way: our page, Stripe's page, back to ours."""
        away = self.start_payment(milestones)
        assert away.status == 303, f"{away.status} {away.page.text[:300]}"
        return self.at_stripe(path_of(away.headers["location"]), card)

    def at_stripe(self, path: str, card: str) -> Page:
        stripe = self.http.request("GET", path)
        if stripe.status == 200:
            paid = self.press(path, stripe.page.forms[0], number=card)
            if paid.status != 303:
                return paid.page
            return self.get(path_of(paid.headers["location"]))
        # Paid already, and the answer was lost on the way.
        return stripe.page

    def approve(self, milestone_id: str, amount: str | None = None) -> Reply:
        path = f"/c/{self.contract_id}/milestones/{milestone_id}/review"
        page = self.through_code(path)
        choice = {"choice": "all"} if amount is None else {"choice": "part", "amount": amount}
        check = self.press(path, page.forms[0], **choice)
        assert check.status == 200, f"{check.status} {check.page.text[:300]}"
        return self.press(path, check.page.forms[0])


THREE_MILESTONES = [("Engine drawings", 120000), ("Mill and store", 80050), ("First run", 233333)]


def contract_body(
    client: str = "charles@babbage.example",
    milestones: list[tuple[str, int]] | None = None,
    country: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A contract as the API takes it."""
    rows = milestones or THREE_MILESTONES
    return {
        "client": {"email": client, "name": "Charles Babbage", "country": country},
        "title": "Notes on the Analytical Engine",
        "description": "Translation and notes,\nwith a first program.",
        "currency": "USD",
        "milestones": [{"title": title, "amount": amount} for title, amount in rows],
    } | more
