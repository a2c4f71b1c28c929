"""Every form of every page and every part of a page's address by every nasty value: no 5xx, nothing
half done, a clean log.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import redirect_stderr
from dataclasses import dataclass, field

import psycopg
import pytest

from service.domain.text.incoming import fault
from tests.databases import clone
from tests.incoming.everything import Watch
from tests.incoming.forms import Found, as_if_found, every_form, quoted
from tests.incoming.nasty import MARK, TEXTS, named

_ID = re.compile("[a-z]{3}_[0-7][0-9a-hjkmnp-tv-z]{25}")


NO_PAGES = ("/v1/", "/stripe/", "/mail/")
NOT_MET: dict[str, tuple[str, ...]] = {
    "/a/<token>": (),
    "/c/<contract_id>/amendments/<amendment_id>": ("choice", "full_name", "agree", "note"),
    "/c/<contract_id>/code": ("back",),
    "/c/<contract_id>/code/check": ("code", "back"),
    "/c/<contract_id>/hold/<hold_id>/appeal": ("words",),
    "/c/<contract_id>/milestones/<milestone_id>/approve": ("amount_minor", "rest"),
    "/c/<contract_id>/milestones/<milestone_id>/changes": ("what",),
    "/c/<contract_id>/people/stop": (),
    "/f/<token>": (),
    "/finance/differences/<explanation_id>/<any(approve, refuse):decision>": (),
    "/finance/months/<month>": (),
    "/finance/tax/dues/<due_id>": ("reference",),
    "/h/<hold_id>/case": ("words",),
    "/l/<token>": (),
    "/l/<token>/renew": (),
    "/staff/enter/<token>": ("back",),
    "/staff/tasks": ("kind", "subject"),
}
"""Page routes whose form stands on no page that is found here, with its fields: they are sent all
the same.
"""


@dataclass
class Desk:
    """A world with people in it, and the figures."""

    watch: Watch
    cells: int = 0
    fields: int = 0
    forms: list[Found] = field(default_factory=list)

    def send(self, found: Found, what: str, changed: dict[str, str]) -> None:
        reply = found.send(self.watch.world, found.base() | changed)
        self.watch.judge(f"{found.name} {what}", reply)


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    log = io.StringIO()
    with (
        redirect_stderr(log),
        clone(calls_per_minute=0, log_level="DEBUG") as world,
        psycopg.connect(world.settings.owner_url, autocommit=True) as connection,
    ):
        yield Desk(Watch(world, log, connection), forms=every_form(world))


def test_every_form(desk: Desk) -> None:
    assert sorted(routes_without_a_form(desk)) == sorted(NOT_MET)
    desk.forms += [as_if_found(desk.forms, rule, names) for rule, names in NOT_MET.items() if names]
    desk.watch.look()
    for found in desk.forms:
        desk.fields += len(found.names)
        for value in TEXTS if found.names else ():
            desk.send(found, f"all = {named(value)}", dict.fromkeys(found.names, value))
            # What no field may hold is refused for all of them at once, before any is read.
            for name in found.names if not fault(value, lines=True) else ():
                desk.send(found, f"{name} = {named(value)}", {name: value})
            desk.cells += len(found.names)
    print(
        f"\n{len(desk.forms)} forms, {desk.fields} fields, {desk.cells} cells, answers "
        f"{dict(sorted(desk.watch.answered.items()))}"
    )
    judge(desk)


def test_every_part_of_a_page_s_address(desk: Desk) -> None:
    """The pages that a crawl finds, each id or word in their addresses replaced in turn."""
    desk.watch.look()
    cells = 0
    pages: dict[str, tuple[Found, str]] = {}
    for found in desk.forms:
        pages.setdefault(_ID.sub("<id>", found.page), (found, found.page))
        pages.setdefault(_ID.sub("<id>", found.target), (found, found.target))
    for found, page in pages.values():
        parts = page.partition("?")[0].split("/")
        for place in range(2, len(parts)):
            for value in TEXTS:
                address = "/".join([*parts[:place], quoted(value[:2_000]), *parts[place + 1 :]])
                desk.watch.judge(
                    f"GET {page} part {place} = {named(value)}",
                    found.person.http.request("GET", address),
                )
                cells += 1
    print(f"\n{len(pages)} addresses, {cells} cells")
    judge(desk)


def test_nothing_of_it_is_in_the_log(desk: Desk) -> None:
    desk.watch.world.work()
    assert [line[:300] for line in desk.watch.log.getvalue().splitlines() if MARK in line][:5] == []
    bugs = desk.watch.world.sql(
        "SELECT kind, subject, last_error FROM job WHERE last_error IS NOT NULL AND last_error "
        "NOT LIKE '%: %'"
    )
    assert bugs == []


def routes_without_a_form(desk: Desk) -> set[str]:
    adapter = desk.watch.world.app.url_map.bind("127.0.0.1:8000")
    met = {
        str(
            adapter.match(
                found.target.partition("?")[0], found.form.method.upper(), return_rule=True
            )[0]
        )
        for found in desk.forms
    }
    rules = desk.watch.world.app.url_map.iter_rules()
    return {
        rule.rule
        for rule in rules
        if "POST" in (rule.methods or ()) and not rule.rule.startswith(NO_PAGES)
    } - met


def judge(desk: Desk) -> None:
    wrong, desk.watch.wrong = desk.watch.wrong, []
    desk.watch.answered.clear()
    assert not wrong, f"{len(wrong)} in all:\n" + "\n".join(wrong[:30])
