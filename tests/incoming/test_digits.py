"""Digits are 0 to 9, wherever somebody types them; and which characters a text may have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from service.domain.text.incoming import Fault, code_of, fault, is_digits, name_fault
from tests.world import World

ROOT = Path(__file__).resolve().parents[2]
OTHERS = {
    "Arabic-Indic": "\u0669\u0662\u0669\u0669\u0669\u0663",
    "full width": "\uff11\uff12\uff13\uff14\uff15\uff16",
    "Bengali": "\u09e7\u09e8\u09e9\u09ea\u09eb\u09ec",
    "mathematical": "\U0001d7cf\U0001d7d0\U0001d7d1\U0001d7d2\U0001d7d3\U0001d7d4",
    "superscript": "\u00b9\u00b2\u00b3\u00b9\u00b2\u00b3",
}


def test_python_would_have_read_them() -> None:
    """Why this file exists."""
    assert int(OTHERS["Arabic-Indic"]) == 929993
    assert not any(is_digits(text) for text in OTHERS.values())


def test_nobody_asks_python_what_a_digit_is() -> None:
    """`isdigit` and its like, and `\\d` of a pattern, are true for every script: one function of ours is asked instead."""
    found = []
    for path in sorted((ROOT / "service").rglob("*.py")):
        text = path.read_text()
        found += [
            f"{path.name}: {call}" for call in re.findall(r"\.is(?:digit|decimal|numeric)\(", text)
        ]
        if path.name not in READS_ITS_OWN:
            found += [f"{path.name}: {line.strip()}" for line in text.splitlines() if r"\d" in line]
    assert found == []


READS_ITS_OWN = {"logs.py", "workbook.py", "inert.py"}
"""What these read is no number of anybody's: a log line that is blanked, a workbook of ours,
telephone numbers in any script.
"""


def test_every_whole_number_of_a_request_has_bounds_and_our_digits() -> None:
    modules = sorted((ROOT / "service" / "api" / "schemas" / "requests").glob("*.py"))
    assert len(modules) > 5
    for path in modules:
        assert "fields.Integer(" not in path.read_text(), path.name


@pytest.mark.parametrize(
    "typed",
    [*OTHERS.values(), "929993\x00", "92999", "9299931", "", "92.9993", "-929993", "9\u200b29993"],
    ids=ascii,
)
def test_a_code_in_other_digits_is_refused_and_is_no_try(world: World, typed: str) -> None:
    contract = world.sent_contract()
    client = world.client()
    client.open()
    path = f"/c/{contract['id']}/code"
    asked_for = client.press(path, client.get(path).forms[0])
    page = client.get(asked_for.headers["location"])
    answer = client.press(path, page.forms[0], code=typed)
    assert answer.status == 422
    assert "six digits, 0 to 9" in answer.text or "Control characters" in answer.text
    assert world.sql("SELECT tries FROM code_challenge")[0].tries == 0
    code = client.letter("your code")["code"]
    again = client.press(
        path, client.get(asked_for.headers["location"]).forms[0], code=f"{code[:3]} {code[3:]}"
    )
    assert again.status == 303, "as it stands in the letter, with a space in the middle"


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS)
def test_a_query_in_other_digits(world: World, text: str) -> None:
    for path, name in (("/v1/contracts", "limit"), ("/v1/transparency", "year")):
        answer = world.program("platform").call("GET", f"{path}?{name}={text}")
        assert (answer.status, answer.json()["errors"][0]["pointer"]) == (422, f"/{name}")


def test_code_of() -> None:
    assert code_of(" 929 993 ") == code_of("929-993") == "929993"
    assert [code_of(text) for text in OTHERS.values()] == [None] * len(OTHERS)


FINE = [
    "Ada Lovelace",
    "\u0639\u0644\u064a \u0661\u0660",
    "\u05e9\u05dc\u05d5\u05dd",
    "O\u2019Neil \U0001f600",
    "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
]
FINE += ["\U0001faef", "\U0002ebf0", "\U000323b0", "\ufffd", "\ue000"]
"""The last ones: a picture and Han that newer versions of Unicode have, what a browser puts for
what it cannot read, private use.
"""
WRONG = {
    "a\x00": Fault.CONTROL,
    "a\x1b[2J": Fault.CONTROL,
    "a\x85": Fault.CONTROL,
    "a\rb": Fault.CONTROL,
    "\ud800": Fault.BROKEN,
    "a\ufffe": Fault.UNKNOWN,
    "a\ufdd0": Fault.UNKNOWN,
    "a\U0002ffff": Fault.UNKNOWN,
    "a\u0378": Fault.UNKNOWN,
    "a\ufff9b": Fault.UNKNOWN,
    "cod\u202egpj.exe": Fault.DIRECTION,
    "a\u2066b": Fault.DIRECTION,
    "a\u200fb": Fault.DIRECTION,
}


@pytest.mark.parametrize("text", FINE, ids=ascii)
def test_every_script_is_welcome(text: str) -> None:
    assert fault(text) is None
    assert fault(text, lines=True) is None


@pytest.mark.parametrize(("text", "why"), WRONG.items(), ids=ascii)
def test_what_no_text_may_have(text: str, why: Fault) -> None:
    assert fault(text) is why
    assert fault(text, lines=True) is why


def test_lines() -> None:
    for text in ("a\nb", "a\r\nb", "a\tb", "a\u2028b"):
        assert fault(text) is not None
        assert fault(text, lines=True) is None
    assert name_fault("x" * 201) is Fault.LENGTH
