"""Which fields of forms may have several lines: the text areas, and nothing that is read as one
line.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from service.domain.text.incoming import SEVERAL_LINES
from service.pages import staff
from tests.world import World

TEMPLATES = Path("service/pages/templates")
_AREA = re.compile(r'<textarea[^>]*\bname="([a-z_]+)"', re.DOTALL)


def areas() -> set[str]:
    """Names of text areas: those of the templates, and those that the console makes from its table
    of actions.
    """
    found = {name for path in TEMPLATES.rglob("*.html") for name in _AREA.findall(path.read_text())}
    modules = Path(staff.__file__).parent.glob("*.py")
    source = "".join(path.read_text() for path in modules)
    return found | set(re.findall(r'Field\(\s*"([a-z_]+)",\s*"[^"]+",\s*"text"', source))


def test_every_text_area_may_have_lines_and_nothing_else_may() -> None:
    assert areas() == SEVERAL_LINES


@pytest.mark.parametrize("name", ["Charles\r\nBabbage", "Charles\nBabbage", "Charles\tBabbage"])
def test_a_name_that_agrees_to_an_amendment_is_one_line(world: World, name: str) -> None:
    contract, client = world.accepted_contract(milestones=[("Work", 10_000)])
    one = {
        "milestones": [{"id": contract["milestones"][0]["id"], "title": "Work", "amount": 12_000}],
        "note": "More of it.",
    }
    made = world.program().post(f"/v1/contracts/{contract['id']}/amendments", one)
    world.work()
    path = f"/c/{contract['id']}/amendments/{made['id']}"
    form = client.through_code(path).forms[0]
    reply = client.press(path, form, choice="yes", full_name=name, agree="yes")
    assert reply.status == 422
    assert "Full name: This is one line" in reply.page.text
    assert world.sql("SELECT state FROM amendment")[0].state == "proposed"
    assert (
        world.sql(
            "SELECT count(*) AS n FROM acceptance WHERE full_name LIKE '%' || chr(10) || '%'"
        )[0].n
        == 0
    )
