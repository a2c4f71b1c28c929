"""Amounts that people type: one reader, strict, in the locale of the page; and every form with one
says what it read before it acts.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from service import pages
from service.domain.identity import typeid
from service.domain.money import amounts
from service.domain.money.amounts import Amount, AmountFault, Refusal
from service.domain.money.money import CURRENCIES
from tests.console import Colleague
from tests.journey import Person, Reply, WsgiHttp
from tests.world import World

NARROW, HARD = "\u202f", "\u00a0"
TAKEN = {
    "en": {
        "1,234.50": 123_450,
        "1234.5": 123_450,
        "0.05": 5,
        "12,345,678": 1_234_567_800,
        "USD 7": 700,
        "7 usd": 700,
        " 7\u00a0": 700,
    },
    "de": {
        "1.000,00": 100_000,
        "1.000": 100_000,
        "1000,5": 100_050,
        "7,00 USD": 700,
        "USD\u00a07,00": 700,
    },
    "es": {"1.234,50": 123_450, "1234,50": 123_450, "12.345": 1_234_500},
    "fr": {
        f"1{NARROW}234,50": 123_450,
        f"1{HARD}234,50": 123_450,
        "1 234,50": 123_450,
        "1234,50": 123_450,
    },
    "de-CH": {"1’234.50": 123_450, "1'234.50": 123_450, "1234.50": 123_450},
    "de-LI": {"1’234.50": 123_450, "1'234'567.00": 123_456_700},
    "it": {"1.234,50": 123_450},
    "pt": {"1.234,50": 123_450},
    "pt-PT": {f"12{HARD}345,50": 1_234_550},
    "nl": {"1.234,50": 123_450},
    "pl": {f"1{HARD}234,50": 123_450, "1234,5": 123_450},
    "sv": {f"1{HARD}234,50": 123_450},
    "ja": {"1,234.50": 123_450},
    "hi": {"12,34,567.50": 123_456_750, "1,234.50": 123_450, "1234567.50": 123_456_750},
    "bn": {"12,34,567.50": 123_456_750},
    "ar": {"1,234.50": 123_450},
    "fa": {"1,234.50": 123_450},
}
REFUSED = {
    "en": {
        "": AmountFault.EMPTY,
        "  ": AmountFault.EMPTY,
        "1.000,00": AmountFault.SEPARATORS,
        "1.000": AmountFault.DECIMALS,
        "1,00": AmountFault.SEPARATORS,
        "1,23,456": AmountFault.SEPARATORS,
        "1,234567": AmountFault.SEPARATORS,
        "1 000": AmountFault.SEPARATORS,
        f"1{HARD}000": AmountFault.SEPARATORS,
        "1'000": AmountFault.SEPARATORS,
        ".5": AmountFault.SEPARATORS,
        "5.": AmountFault.SEPARATORS,
        ",5": AmountFault.SEPARATORS,
        "0,123": AmountFault.SEPARATORS,
        "1..5": AmountFault.SEPARATORS,
        "1.2.3": AmountFault.SEPARATORS,
        "-5": AmountFault.SIGN,
        "+5": AmountFault.SIGN,
        "\u22125": AmountFault.SIGN,
        "(5)": AmountFault.SIGN,
        "- 5": AmountFault.SIGN,
        "1e3": AmountFault.NO_NUMBER,
        "Infinity": AmountFault.NO_NUMBER,
        "inf": AmountFault.NO_NUMBER,
        "NaN": AmountFault.NO_NUMBER,
        "0x10": AmountFault.NO_NUMBER,
        "1_000": AmountFault.NO_NUMBER,
        "$5": AmountFault.NO_NUMBER,
        "5 EUR": AmountFault.OTHER_CURRENCY,
        "EUR5": AmountFault.OTHER_CURRENCY,
        "USD": AmountFault.NO_NUMBER,
        "5 USD USD": AmountFault.NO_NUMBER,
        "5.001": AmountFault.DECIMALS,
        "5.000": AmountFault.DECIMALS,
        "9" * 11: AmountFault.TOO_LARGE,
        "9" * 300: AmountFault.TOO_LARGE,
        "٣": AmountFault.OTHER_DIGITS,
        "５": AmountFault.OTHER_DIGITS,
        "½": AmountFault.NO_NUMBER,
        "²": AmountFault.NO_NUMBER,
        "5\u200f": AmountFault.NO_NUMBER,
        "5\n6": AmountFault.NO_NUMBER,
    },
    "de": {
        "1,000.00": AmountFault.SEPARATORS,
        "1,000": AmountFault.DECIMALS,
        "1.00": AmountFault.SEPARATORS,
        "1 000,00": AmountFault.SEPARATORS,
    },
    "es": {"1,234.50": AmountFault.SEPARATORS, "1.23": AmountFault.SEPARATORS},
    "fr": {
        "1.234,50": AmountFault.SEPARATORS,
        "1,234.50": AmountFault.SEPARATORS,
        f"1{NARROW}23,50": AmountFault.SEPARATORS,
    },
    "de-CH": {"1.234,50": AmountFault.SEPARATORS, "1,234.50": AmountFault.SEPARATORS},
    "de-LI": {"1’23.50": AmountFault.SEPARATORS},
    "it": {"1,234.50": AmountFault.SEPARATORS},
    "pl": {"1.234,50": AmountFault.SEPARATORS},
    "hi": {"123,456.50": AmountFault.SEPARATORS, "१२३": AmountFault.OTHER_DIGITS},
    "bn": {"১২৩": AmountFault.OTHER_DIGITS},
    "ar": {"١٢٣": AmountFault.OTHER_DIGITS, "١٬٢٣٤٫٥٠": AmountFault.OTHER_DIGITS},
    "fa": {"۱۲۳": AmountFault.OTHER_DIGITS},
}
OTHER_CURRENCIES = [
    ("en", "JPY", "1,234", 1_234),
    ("en", "JPY", "5.0", AmountFault.DECIMALS),
    ("ja", "JPY", "JPY 500", 500),
    ("en", "KWD", "1.500", 1_500),
    ("en", "KWD", "1.5", 1_500),
    ("en", "KWD", "1,500", AmountFault.TWO_READINGS),
    ("de", "KWD", "1.500", AmountFault.TWO_READINGS),
    ("de", "KWD", "1,500", 1_500),
    ("de", "KWD", "1.500,000", 1_500_000),
    ("en", "KWD", "1,234,567", 1_234_567_000),
    ("en", "KWD", "1.0001", AmountFault.DECIMALS),
]


def read(text: str, locale: str, currency: str = "USD") -> Amount | Refusal:
    return amounts.read(text, currency, Locale.parse(locale, sep="-"))


@pytest.mark.parametrize(
    ("locale", "text", "minor"),
    [(at, text, minor) for at, rows in TAKEN.items() for text, minor in rows.items()],
)
def test_what_is_written_as_the_locale_writes_it(locale: str, text: str, minor: int) -> None:
    assert read(text, locale) == Amount(minor)


@pytest.mark.parametrize(
    ("locale", "text", "reason"),
    [(at, text, reason) for at, rows in REFUSED.items() for text, reason in rows.items()],
)
def test_what_could_be_something_else_is_refused_and_says_how(
    locale: str, text: str, reason: AmountFault
) -> None:
    found = read(text, locale)
    assert isinstance(found, Refusal)
    assert found.reason is reason
    example = re.search(r"Write it like (.+)\.$", found.sentence)
    assert example
    assert read(example[1], locale) == Amount(123_450), "the example itself can be typed"


@pytest.mark.parametrize(("locale", "currency", "text", "expected"), OTHER_CURRENCIES)
def test_currencies_with_no_or_three_decimals(
    locale: str, currency: str, text: str, expected: int | AmountFault
) -> None:
    found = read(text, locale, currency)
    assert (found.minor if isinstance(found, Amount) else found.reason) == expected


@given(
    st.integers(0, amounts.MOST_MINOR - 1),
    st.sampled_from(sorted(TAKEN)),
    st.sampled_from(sorted(CURRENCIES)),
)
def test_what_a_page_writes_can_be_typed_back(minor: int, locale: str, currency: str) -> None:
    written = amounts.write(minor, currency, Locale.parse(locale, sep="-"))
    assert read(written, locale, currency) == Amount(minor)
    assert read(f"{currency}\u00a0{written}", locale, currency) == Amount(minor)


@given(st.text(max_size=12), st.sampled_from(sorted(TAKEN)), st.sampled_from(["USD", "JPY", "KWD"]))
def test_nothing_that_is_typed_is_read_as_more_than_its_digits(
    text: str, locale: str, currency: str
) -> None:
    found = read(text, locale, currency)
    if isinstance(found, Amount):
        digits = re.sub("[^0-9]", "", text)
        assert str(found.minor).rstrip("0") in (digits.lstrip("0").rstrip("0"), "")


# Every form of the pages

TEMPLATES = sorted((Path(pages.__file__).parent / "templates").rglob("*.html"))
MONEY_WORDS = re.compile(r"amount|refund|price|sum|total|money|minor|limit|rate")


def fields_of_amounts() -> set[tuple[str, str]]:
    """(template, name of the field) of every use of the one macro for amounts."""
    found = set()
    for path in TEMPLATES:
        for name in re.findall(r"\{\{ amount_field\(\"?([\w.]+)", path.read_text()):
            found.add((path.name, name))
    return found


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_a_field_for_an_amount_of_its_own(path: Path) -> None:
    text = path.read_text()
    for tag in re.findall(r"<(?:input|textarea|select)\b[^>]*>", text):
        name = (re.search(r'name="([^"]*)"', tag) or ["", ""])[1]
        typed = (
            'type="hidden"' not in tag
            and 'type="radio"' not in tag
            and 'type="checkbox"' not in tag
        )
        own = path.name != "_parts.html"
        assert not (own and ('inputmode="decimal"' in tag or 'type="number"' in tag)), tag
        assert not (own and typed and MONEY_WORDS.search(name)), tag


def test_no_page_reads_a_number_in_another_way() -> None:
    """Numbers that are no amounts (a year, a version, days) are read by `int` in the places that
    are listed here.
    """
    whole = {
        "client/contract.py": 1,
        "public.py": 1,
        "finance/tax.py": 2,
        "decision_forms.py": 1,
        "link_cookies.py": 1,
        "staff/hold_actions.py": 1,
        "staff/case_form.py": 1,
    }
    found: dict[str, int] = {}
    folder = Path(pages.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            called = (
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else getattr(node.func, "id", "")
            )
            assert called not in (
                "Decimal",
                "float",
                "Fraction",
                "parse_decimal",
                "parse_number",
                "literal_eval",
            ), (path.name, node.lineno)
            inside = ast.unparse(node)
            assert not (
                called == "read" and "amounts" in inside and path.name != "formatting.py"
            ), path.name
            if called == "int":
                name = str(path.relative_to(folder))
                found[name] = found.get(name, 0) + 1
    # The page itself wrote the difference, in minor units.
    assert found == whole | {"public.py": 2, "finance/differences.py": 1}


class German(WsgiHttp):
    """A browser that asks for German first."""

    languages = "de-DE,de;q=0.9,en;q=0.5"

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        return super().request(
            method, path, body=body, headers={"Accept-Language": self.languages} | (headers or {})
        )


@dataclass
class Asking:
    """A form that is open in front of somebody: what fills the rest of it, and what was read when
    it has acted.
    """

    person: Person
    path: str
    rest: dict[str, Any]
    read: Callable[[], list[int]]

    def send(self, name: str, typed: str) -> Reply:
        reply = self._press(name, typed)
        if reply.status == 303 and "/code" in reply.headers["location"]:
            assert self.person.code(self.path).status == 303
            reply = self._press(name, typed)
        return reply

    def _press(self, name: str, typed: str) -> Reply:
        page = self.person.through_code(self.path)
        form = next(f for f in page.forms if any(field == name for field, _ in f.fields))
        return self.person.press(self.path, form, **(self.rest | {name: typed}))


LARGE = [("Engine", 250_000)]


def minors(world: World, statement: str) -> Callable[[], list[int]]:
    return lambda: [int(row[0]) for row in world.sql(statement)]


def submitted(world: World) -> tuple[Person, str, str]:
    contract, client = world.submitted_contract(milestones=LARGE)
    client.http = German(world.app)
    client.open("sent you a contract")
    return (
        client,
        contract["milestones"][0]["id"],
        f"/c/{contract['id']}/milestones/{contract['milestones'][0]['id']}",
    )


def review(world: World) -> Asking:
    client, _, at = submitted(world)
    return Asking(
        client, f"{at}/review", {"choice": "part"}, minors(world, "SELECT gross_minor FROM release")
    )


def refund(world: World) -> Asking:
    client, _, at = submitted(world)
    return Asking(
        client,
        f"{at}/refund",
        {"reason": "Half is missing."},
        minors(world, "SELECT amount_minor FROM refund_request"),
    )


def dispute(world: World) -> Asking:
    client, _, at = submitted(world)
    return Asking(
        client,
        f"{at}/dispute",
        {"claim": "Half is missing."},
        minors(world, "SELECT amount_minor FROM dispute"),
    )


def claim(world: World) -> Asking:
    client, _, at = submitted(world)
    return Asking(
        client,
        f"{at}/dispute",
        {"claim": "Half is missing."},
        minors(world, "SELECT claimed_refund_minor FROM dispute"),
    )


def answer(world: World) -> Asking:
    client, milestone, _ = submitted(world)
    made = world.program().post(
        "/v1/disputes", {"milestone": milestone, "refund": 0, "claim": "They do not answer."}
    )
    path = f"/c/{client.contract_id}/disputes/{made['id']}"
    rest = {"choice": "answer", "words": "It is late."}
    return Asking(
        client,
        path,
        rest,
        minors(
            world,
            "SELECT answered_refund_minor FROM dispute WHERE answered_refund_minor IS NOT NULL",
        ),
    )


def offer(world: World) -> Asking:
    found = dispute(world)
    assert (
        found.person.decide(found.path, amount="", refund="", claim="Half is missing.").status
        == 303
    )
    made = world.program().get(f"/v1/contracts/{found.person.contract_id}/disputes")["data"][0]
    world.program().post(
        f"/v1/disputes/{made['id']}/answer", {"words": "All of it is there.", "refund": 0}
    )
    path = f"/c/{found.person.contract_id}/disputes/{made['id']}"
    return Asking(
        found.person,
        path,
        {"choice": "offer"},
        minors(world, "SELECT refund_minor FROM dispute_offer WHERE made_by = 'client'"),
    )


def staff(world: World) -> Colleague:
    found = Colleague(German(world.app), world.sandbox, "safety@holdfast.example", world.work)
    found.enter(world.keys["safety"])
    return found


WHY = {"clause": "Terms 9.1", "facts": "Two cards of one person.", "reason_code": "suspected_fraud"}


def freeze(world: World) -> Asking:
    world.released_contract(milestones=LARGE)
    world.advance("30d")
    reason = world.runtime.policies.reasons
    rest = WHY | {"reason_code": next(iter(reason)), "currency": "USD", "scopes": ["outflow"]}
    return Asking(
        staff(world),
        f"/staff/do/freeze/{world.ada_id}",
        rest,
        minors(world, "SELECT amount_minor FROM hold"),
    )


FORMS: dict[tuple[str, str], list[tuple[Callable[[World], Asking], str]]] = {
    ("review.html", "amount"): [(review, "amount")],
    ("refund.html", "amount"): [(refund, "amount")],
    ("dispute_open.html", "amount"): [(dispute, "amount")],
    ("dispute_open.html", "refund"): [(claim, "refund")],
    ("dispute.html", "refund"): [(answer, "refund"), (offer, "refund")],
    ("action.html", "f.name"): [(freeze, "amount")],
}
EACH = [
    pytest.param(make, name, id=f"{make.__name__}-{name}")
    for rows in FORMS.values()
    for make, name in rows
]


def test_each_form_with_an_amount_is_tried() -> None:
    assert fields_of_amounts() == set(FORMS)


@pytest.mark.parametrize(("make", "name"), EACH)
def test_a_form_reads_as_its_page_writes_and_says_it_before_it_acts(
    world: World, make: Callable[[World], Asking], name: str
) -> None:
    """A contract of USD 2,500.00 in a German browser: `1.000,00` is a thousand, everywhere."""
    asking = make(world)
    shown = asking.send(name, "1.000,00")
    assert shown.status == 200, shown.page.text
    assert "USD 1.000,00" in shown.page.text.replace("\xa0", " ")
    assert asking.read() == [], "nothing has happened yet"
    second = next(f for f in shown.page.forms if f.method == "post" and f.fields)
    done = asking.person.press(asking.path, second, confirm="yes")
    assert done.status == 303, done.page.text
    assert asking.read() == [100_000]
    world.check_books()


@pytest.mark.parametrize(("make", "name"), EACH)
def test_a_form_keeps_what_it_does_not_read(
    world: World, make: Callable[[World], Asking], name: str
) -> None:
    asking = make(world)
    for typed in ("1,000.00", "1,000", "-5", "1e3", "٣", "0x10", "1.00", "5 EUR"):
        refused = asking.send(name, typed)
        assert refused.status == 422, refused.page.text
        assert "Write it like 1.234,50." in refused.page.text
        kept = [
            value for form in refused.page.forms for field, value in form.fields if field == name
        ]
        assert typed in kept
        for field, value in asking.rest.items():
            if isinstance(value, str) and field not in ("choice", "currency"):
                assert value in refused.text, f"{field} is kept as well"
    assert asking.read() == []


def test_a_form_is_read_in_the_locale_it_was_written_in(world: World) -> None:
    """The browser's languages change between the page and the click; the check page says what was
    read, in the new one.
    """
    asking = refund(world)
    form = next(f for f in asking.person.through_code(asking.path).forms if f.method == "post")
    assert isinstance(asking.person.http, German)
    asking.person.http.languages = "en"
    shown = asking.person.press(asking.path, form, amount="1.000,00", **asking.rest)
    assert "USD 1,000.00" in shown.page.text.replace("\xa0", " ")


@pytest.mark.parametrize("carried", ["", "-1", "1.0", "١", "9" * 20, "250001", "0"])
def test_what_a_check_page_carried_is_checked_again(world: World, carried: str) -> None:
    asking = refund(world)
    second = asking.send("amount", "1.000,00").page.forms[0]
    refused = asking.person.press(asking.path, second, amount_minor=carried)
    assert refused.status == 422
    assert asking.read() == []


def test_a_line_of_a_case_that_is_half_filled_in_is_refused(world: World) -> None:
    asking = freeze(world)
    desk = asking.person
    assert isinstance(desk, Colleague)
    desk.do("freeze", world.ada_id, **asking.rest)
    hold = world.sql("SELECT id FROM hold")[0][0]
    lines = {"source_1": "available|", "target_1": "proven_loss|", "amount_1": "100,00"}
    words = {"clause": "Terms 9.1", "facts": "Forged.", "currency": "USD"}
    path = typeid.encode("hld", hold)
    for half in ({"source_2": "available|"}, {"target_2": "proven_loss|"}, {"amount_2": "7,00"}):
        shown = desk.preview("open-case", path, **words, **lines, **half)
        assert (shown.status, "Line 2: say from where" in shown.page.text) == (422, True), half
    whole = desk.preview("open-case", path, **words, **lines)
    assert whole.status == 200
    assert "USD 100,00" in whole.page.text.replace("\xa0", " ")
