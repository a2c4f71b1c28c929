"""People at their browsers, every form that a crawl of theirs finds, and how one is sent with a
value of ours.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

from tests.console import colleague, with_letter
from tests.crawling import crawl
from tests.forms import Form
from tests.journey import Person, Reply, path_of
from tests.safety.test_holds import WHY
from tests.world import World

_ID = re.compile("[a-z]{3}_[0-7][0-9a-hjkmnp-tv-z]{25}")
_TOKEN = re.compile("(?<=/)[A-Za-z0-9_.-]{60,}")
ENDS_A_SESSION = re.compile("/(people|unknown|decline|leave|enter|end|cancel)")
"""Last: whoever gets through here may be outside for what comes after."""

Typed = dict[str, str]


@dataclass(frozen=True)
class Found:
    """A form on a page, and whose browser shows it."""

    person: Person
    page: str
    form: Form

    @property
    def target(self) -> str:
        return (
            path_of(urljoin("http://x" + self.page, self.form.action))
            if self.form.action
            else self.page
        )

    @property
    def name(self) -> str:
        """The same for every contract, hold or person that has such a form."""
        return (
            f"{self.form.method.upper()} "
            f"{_TOKEN.sub('<token>', _ID.sub('<id>', urlsplit(self.target).path))}"
        )

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(
            dict.fromkeys(
                name
                for name, _ in (*self.form.fields, *self.form.choices, *self.form.buttons)
                if name != "form_token"
            )
        )

    def base(self) -> Typed:
        """What it would send when the first of each choice is taken and each empty line is
        filled.
        """
        chosen: Typed = {}
        for name, value in (*self.form.choices, *self.form.buttons, *self.form.fields):
            if name != "form_token" and not chosen.get(name):
                chosen[name] = value or "Ada"
        return chosen

    def send(self, world: World, typed: Typed) -> Reply:
        """As a browser would, with a form token that has not been used."""
        sent = typed | self._token(world)
        encoded = urlencode(
            {name: value.encode("utf-8", "surrogatepass") for name, value in sent.items()}
        )
        if self.form.method == "get":
            return self.person.http.request("GET", f"{self.target.partition('?')[0]}?{encoded}")
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Sec-Fetch-Site": "same-origin",
        }
        return self.person.http.request("POST", self.target, body=encoded.encode(), headers=headers)

    def _token(self, world: World) -> Typed:
        given = dict(self.form.fields).get("form_token")
        if given is None:
            return {}
        tokens = world.runtime.tokens
        return {
            "form_token": tokens.sign(
                "form", tokens.read("form", given) | {"k": secrets.token_urlsafe(18)}
            )
        }


def people(world: World) -> list[tuple[Person, list[str]]]:
    """Everybody who has pages, each somewhere in the middle of things: (person, where they
    begin).
    """
    sent = _client(world, "sent")
    accepted, paying = world.accepted_contract(client="accepted@babbage.example")
    paying.through_code(f"/c/{accepted['id']}/end")
    handed, reviewing = world.submitted_contract(client="handed@babbage.example")
    released, done = world.released_contract(
        client="released@babbage.example", milestones=[("Work", 10_000), ("More", 20_000)]
    )
    disputed, arguing = world.submitted_contract(
        client="disputed@babbage.example", milestones=[("Work", 10_000)]
    )
    path = f"/c/{disputed['id']}/milestones/{disputed['milestones'][0]['id']}/dispute"
    assert arguing.decide(path, amount="", refund="", claim="Half.").status == 303
    freelancer, notice = _held(world)
    clients = [
        (p, [f"/c/{c['id']}"])
        for p, c in (
            sent,
            (paying, accepted),
            (reviewing, handed),
            (done, released),
            (arguing, disputed),
        )
    ]
    staff = [(colleague(world, who), _desks(world)) for who in ("safety", "approver", "finance")]
    anybody = world.client("nobody@babbage.example")
    return [
        *clients,
        (freelancer, [notice]),
        *staff,
        (_accountant(world), ["/accountant"]),
        (anybody, ["/", "/verify", "/transparency", "/staff/enter"]),
    ]


def _client(world: World, what: str) -> tuple[Person, dict[str, Any]]:
    contract = world.sent_contract(client=f"{what}@babbage.example")
    client = world.client(contract["client"]["email"])
    client.open()
    client.through_code(f"/c/{contract['id']}/accept")
    return client, contract


def _held(world: World) -> tuple[Person, str]:
    """Mary, on hold, by the letter that says so."""
    world.program("safety").post("/v1/staff/holds", WHY | {"subject": world.mary_id})
    world.work()
    return with_letter(world, "hold", "mary@somerville.example")


def _accountant(world: World) -> Person:
    made = world.program().post("/v1/accountant-links", {"name": "Luca Pacioli", "days": 30})
    person = world.client("luca@pacioli.example")
    path = path_of(made["url"])
    assert person.press(path, person.get(path).forms[0]).status == 303
    return person


def _desks(world: World) -> list[str]:
    return [
        "/staff",
        "/staff/rules",
        f"/staff/people/{world.ada_id}",
        f"/staff/people/{world.mary_id}",
        "/staff/search?q=a",
        "/finance",
        "/finance/tax",
    ]


def every_form(world: World) -> list[Found]:
    """One of each kind; those that may end a session come last."""
    known: dict[tuple[str, tuple[str, ...], str], Found] = {}
    for person, starts in people(world):
        for found in _forms(person, starts):
            known.setdefault((found.name, found.names, str(found.form.buttons)), found)
    return sorted(known.values(), key=lambda one: (bool(ENDS_A_SESSION.search(one.name)), one.name))


def _forms(person: Person, starts: list[str]) -> Iterator[Found]:
    for path, status in crawl(person, starts).items():
        reply = person.http.request("GET", path) if status == 200 else None
        if reply and "html" in reply.headers.get("content-type", ""):
            yield from (
                Found(person, path, form)
                for form in reply.page.forms
                if "/_sandbox" not in form.action
            )


def as_if_found(forms: list[Found], rule: str, names: tuple[str, ...]) -> Found:
    """A form of a page that nobody came across: sent by whoever has a session there, about what is
    at hand.
    """
    near = next(
        found
        for found in forms
        if found.target.startswith(f"/{rule.split('/')[1]}/")
        and "form_token" in dict(found.form.fields)
    )
    ids = {
        kind: _ID_OF.get(kind, kind) for kind in re.findall("<(?:any\\([^)]*\\):)?([a-z_]+)>", rule)
    }
    at_hand = dict(
        re.findall(
            "((?:ctr|mst|hld)_)([0-9a-z]{26})",
            " ".join(found.target for found in forms if found.person is near.person),
        )
    )
    values = {
        kind: f"{prefix}{at_hand.get(prefix, '0' * 26)}" if prefix.endswith("_") else prefix
        for kind, prefix in ids.items()
    }
    target = re.sub(
        "<(?:any\\(([a-z]+)[^)]*\\):)?([a-z_]+)>", lambda found: found[1] or values[found[2]], rule
    )
    fields = [
        ("form_token", dict(near.form.fields)["form_token"]),
        *((name, "1") for name in names),
    ]
    return Found(near.person, near.page, Form(target, "post", fields))


_ID_OF = {
    "contract_id": "ctr_",
    "milestone_id": "mst_",
    "hold_id": "hld_",
    "amendment_id": "amd_",
    "due_id": "txd_",
    "explanation_id": "xpl_",
    "month": "2026-01",
    "token": "x" * 80,
}


def quoted(value: str) -> str:
    """As part of an address."""
    return quote(value.encode("utf-8", "surrogatepass"), safe="") or "%20"
