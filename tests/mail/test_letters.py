"""Nobody speaks in our name: every letter, with the worst that somebody might write, in both of its
forms.
"""

from __future__ import annotations

import html
from html.parser import HTMLParser

import pytest

from service.domain.states.notifications import NOTICES
from service.domain.states.senders import FOR_FREELANCERS, VOICES
from service.domain.text import inert
from service.worker.emails.email_formats import as_html, as_text
from service.worker.emails.email_parts import FOLDER, Quote, pattern
from tests.mail.nasty import NASTY, Values

TEMPLATES = sorted(path.stem for path in FOLDER.glob("*.txt"))
LINK = "https://pay.holdfast.example/l/token"
FOOTER = ["Questions about the money: help@holdfast.example"]


class Read(HTMLParser):
    """Tags, links and the text that somebody sees, piece by piece."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.pieces: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)


def test_the_three_lists_of_letters_are_one() -> None:
    noted = {template for told in NOTICES.values() for _, template in told}
    assert noted == set(VOICES) == set(TEMPLATES)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_letter_has_the_links_of_its_template_and_nobody_elses(name: str) -> None:
    made_of = pattern(name)
    for text in NASTY:
        letter = made_of.fill(Values(text), LINK)
        plain = as_text(letter, FOOTER, "Holdfast")
        page = Read(as_html(letter, FOOTER, "Holdfast"))
        assert page.links == [LINK] * made_of.buttons
        assert set(page.tags) <= {"html", "head", "meta", "title", "body", "div", "p", "a"}
        assert "[" not in plain
        assert "[" not in "".join(page.pieces)
        found = [link.text for link in inert._LINKS.match(plain) or []]
        assert found == [LINK] * made_of.buttons + ["help@holdfast.example"], found
        for piece in page.pieces:
            linked = [link.text for link in inert._LINKS.match(piece) or []]
            assert linked in ([], ["help@holdfast.example"]), piece
        assert "\n" not in letter.subject
        assert not inert._LINKS.test(letter.subject)


@pytest.mark.parametrize("name", TEMPLATES)
def test_what_people_write_makes_no_part_of_a_letter(name: str) -> None:
    """As many parts with the worst texts as with a plain one, of the same kinds: nothing that is
    put in begins a block.
    """
    kinds = [type(part) for part in pattern(name).fill(Values("Plain words"), LINK).parts]
    for text in NASTY:
        letter = pattern(name).fill(Values(text), LINK)
        assert [type(part) for part in letter.parts] == kinds
        assert as_text(letter, FOOTER, "Holdfast").count("\n-- \n") == 1


@pytest.mark.parametrize("name", TEMPLATES)
def test_both_forms_say_the_same(name: str) -> None:
    for text in NASTY:
        letter = pattern(name).fill(Values(text), LINK)
        shown = " ".join(" ".join(Read(as_html(letter, FOOTER, "Holdfast")).pieces).split())
        for part in letter.parts:
            said = (
                part.lines
                if isinstance(part, Quote)
                else (getattr(part, "text", None) or getattr(part, "label", ""),)
            )
            assert all(" ".join(line.split()) in shown for line in said)
    assert html.escape("<b>") in as_html(
        pattern(name).fill(Values("<b>"), LINK), ["<b>"], "Holdfast"
    )


def test_a_quote_names_its_author_and_warns_of_addresses() -> None:
    quotes = {}
    for name in TEMPLATES:
        letter = pattern(name).fill(
            Values(
                "Pay GB82 WEST 1234 5698 7654 32, see evil.example, a@evil.example, +44 20 7946 "
                "0958"
            ),
            LINK,
        )
        quotes[name] = [part for part in letter.parts if isinstance(part, Quote)]
    signed = [quote for found in quotes.values() for quote in found if quote.author]
    assert len(signed) >= 15
    for quote in signed:
        for kind in inert.AddressKind:
            assert kind in quote.warning
    harmless = [
        p
        for p in pattern("changes_requested").fill(Values("A darker blue, please."), LINK).parts
        if isinstance(p, Quote)
    ]
    assert [quote.warning for quote in harmless] == [""]


def test_every_line_of_a_quote_is_marked_in_the_text() -> None:
    letter = pattern("changes_requested").fill(Values("one\n\ntwo\r\nthree"), LINK)
    text = as_text(letter, FOOTER, "Holdfast")
    assert "| one\n|\n| two\n| three\n" in text


def test_a_button_without_a_link_is_no_letter() -> None:
    with pytest.raises(ValueError, match="no link"):
        pattern("offer").fill(Values("x"), "")


def test_a_freelancers_letter_leads_to_their_own_pages_or_nowhere() -> None:
    leading = {name for name in FOR_FREELANCERS if pattern(name).buttons}
    assert leading == {
        "appeal_decided",
        "case_executed",
        "case_noticed",
        "case_reversed",
        "hold_placed",
        "hold_renewed",
    }
