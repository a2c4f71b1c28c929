"""The console as a colleague uses it, and a freelancer with a letter: forms and links, no
script.
"""

from __future__ import annotations

from typing import Any

from tests.forms import Page
from tests.journey import Person, Reply, WsgiHttp, path_of
from tests.world import World


class Colleague(Person):
    """Somebody of staff at a browser of their own."""

    def enter(self, key: str, back: str = "/staff") -> Page:
        path = f"/staff/enter?back={back}"
        came = self.press(path, self.get(path).forms[0], key=key)
        assert came.status == 303, came.page.text[:300]
        return self.get(path_of(came.headers["location"]))

    def preview(self, action: str, object_id: str, **values: Any) -> Reply:
        """Fill in the form of an act, as far as it has one; the answer is the page "this will", or
        the form with what is wrong.
        """
        path = f"/staff/do/{action}/{object_id}"
        reply = self.http.request("GET", path)
        form = next((f for f in reply.page.forms if "See what it will do" in f.text), None)
        return self.press(path, form, **values) if form else reply

    def do(self, action: str, object_id: str, **values: Any) -> Page:
        """All the way: the form, the preview, the second click; ends on the page of what was
        made.
        """
        shown = self.preview(action, object_id, **values)
        assert shown.status == 200, f"{action}: {shown.status} {shown.page.text[:800]}"
        done = self.confirm(action, object_id, shown.page)
        assert done.status == 303, f"{action}: {done.status} {done.page.text[:800]}"
        return self.get(path_of(done.headers["location"]))

    def confirm(self, action: str, object_id: str, shown: Page) -> Reply:
        assert "this will" in shown.text, shown.text[:600]
        form = next(f for f in shown.forms if f.method == "post" and "leave" not in f.action)
        return self.press(f"/staff/do/{action}/{object_id}", form, confirm="yes")


def colleague(world: World, who: str) -> Colleague:
    """At work: in the console with their key."""
    found = Colleague(WsgiHttp(world.app), world.sandbox, f"{who}@holdfast.example", world.work)
    found.enter(world.keys[who])
    return found


def with_letter(
    world: World, subject: str, email: str = "ada@lovelace.example"
) -> tuple[Person, str]:
    """A freelancer who presses the button of their newest letter about a hold: (the person, the
    page's path).
    """
    person = Person(WsgiHttp(world.app), world.sandbox, email, world.work)
    link = path_of(person.letter(subject)["links"][0])
    came = person.press(link, person.get(link).forms[0])
    assert came.status == 303, came.page.text[:300]
    return person, path_of(came.headers["location"])
