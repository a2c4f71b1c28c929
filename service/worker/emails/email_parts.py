"""An e-mail's template, taken apart before anybody's text is put in, and put together again as
parts of an e-mail.

A template is a subject line and blocks with a blank line between; a block is a paragraph, or begins
with `[button] `, with `[quote AUTHOR] ` (what a person wrote) or with `[ours] ` (what a person of
staff wrote). Nothing that is put in can begin a block, a line of ours or a link: values inside our
sentences are one inert line, quotes stand in a box of their own, and a block stays what the
template says it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template

from service.domain.text import inert

FOLDER = Path(__file__).parent / "templates"
LONGEST_QUOTE = 4_000
_BUTTON, _OURS = "[button] ", "[ours] "
_QUOTE = re.compile(r"\[quote (.+?)\] (.*)", re.DOTALL)


@dataclass(frozen=True)
class Paragraph:
    """A sentence or more of ours."""

    text: str


@dataclass(frozen=True)
class Button:
    """The only thing in an e-mail that leads anywhere."""

    label: str
    url: str


@dataclass(frozen=True)
class Quote:
    """What somebody wrote.

    `author` is empty for our own staff; `warning` says that it carries an address.
    """

    author: str
    lines: tuple[str, ...]
    warning: str


Part = Paragraph | Button | Quote


@dataclass(frozen=True)
class Parts:
    """An e-mail before it has a form."""

    subject: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class _Block:
    kind: type[Part]
    text: Template
    author: Template | None = None


@dataclass(frozen=True)
class Pattern:
    """One template, taken apart."""

    name: str
    subject: Template
    blocks: tuple[_Block, ...]

    @property
    def buttons(self) -> int:
        """How many links an e-mail made of it has."""
        return sum(block.kind is Button for block in self.blocks)

    def fill(self, values: Mapping[str, object], link_url: str) -> Parts:
        """The e-mail with these values. Raises ValueError for a button that leads nowhere."""
        if self.buttons and not link_url:
            raise ValueError(f"the letter {self.name} has a button and no link")
        made = [_filled(block, values, link_url) for block in self.blocks]
        return Parts(_line(self.subject.render(values)), tuple(part for part in made if part))


def _sentence(value: object) -> object:
    return inert.one_line(value) if isinstance(value, str) else value


# Text, not HTML: the frame of the HTML escapes whatever comes out of here.
_SENTENCES = Environment(
    autoescape=False,  # noqa: S701
    undefined=StrictUndefined,
    finalize=_sentence,
    trim_blocks=True,
    lstrip_blocks=True,
)
_QUOTES = Environment(autoescape=False, undefined=StrictUndefined, trim_blocks=True)  # noqa: S701


@cache
def pattern(name: str) -> Pattern:
    """The template of this name. Raises FileNotFoundError."""
    subject, _, body = (FOLDER / f"{name}.txt").read_text().partition("\n")
    blocks = [block for block in re.split(r"\n\s*\n", body) if block.strip()]
    return Pattern(name, _SENTENCES.from_string(subject), tuple(map(_block, blocks)))


def _block(source: str) -> _Block:
    quoted = _QUOTE.fullmatch(source)
    if quoted:
        author = _SENTENCES.from_string(quoted[1])
        return _Block(Quote, _QUOTES.from_string(quoted[2]), author)
    if source.startswith(_OURS):
        return _Block(Quote, _QUOTES.from_string(source.removeprefix(_OURS)))
    if source.startswith(_BUTTON):
        return _Block(Button, _SENTENCES.from_string(source.removeprefix(_BUTTON)))
    return _Block(Paragraph, _SENTENCES.from_string(source))


def _filled(block: _Block, values: Mapping[str, object], link_url: str) -> Part | None:
    text = block.text.render(values)
    if not text.strip():
        return None
    if block.kind is Button:
        return Button(_line(text), link_url)
    if block.kind is Paragraph:
        return Paragraph(_line(text))
    author = _line(block.author.render(values)) if block.author else ""
    return Quote(author, _lines(text), _warning(author, text))


def _line(text: str) -> str:
    return " ".join(text.split())


def _lines(text: str) -> tuple[str, ...]:
    cut = text.strip()
    if len(cut) > LONGEST_QUOTE:
        cut = cut[:LONGEST_QUOTE] + " … (the contract’s page shows all of it)"
    return tuple(line.rstrip() for line in inert.lines(cut).split("\n"))


def _warning(author: str, text: str) -> str:
    carried = inert.addresses(text)
    if not carried or not author:
        return ""
    return (
        f"These words are {author}’s and carry {' and '.join(carried)}. We have not checked it."
        " Money for this contract is only ever paid on its own page, never to an account or an "
        "address that is written in a message."
    )
