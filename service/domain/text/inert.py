"""Text that people wrote, shown so that nobody's program makes a link of it, and with what it is
told.

Mail programs turn what looks like an address into a link by themselves, so escaping is not enough
in an email. An address is therefore taken apart by words that everybody can read: `evil.example`
becomes `evil (dot) example`. Invisible characters would do it too, and were rejected: they survive
copying, break searching, and look like a trick.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from enum import StrEnum
from typing import Final

from linkify_it import LinkifyIt
from linkify_it.tlds import TLDS
from stdnum import iban

from service.domain.text.texts import printable


class AddressKind(StrEnum):
    """What a text can lead its reader to; the value is how a sentence names it."""

    WEB = "a web address"
    EMAIL = "an e-mail address"
    PHONE = "a phone number"
    ACCOUNT = "a bank account"


# RFC 2606 and RFC 6761: names that no registry gives, and that a mail program may link all the
# same.
_RESERVED: Final = ["example", "test", "invalid", "localhost", "local", "onion"]
_LINKS: Final = LinkifyIt(options={"fuzzy_ip": True}).tlds([*TLDS, *_RESERVED])
_DOTS: Final = re.compile("[.\u3002\uff0e\uff61\u2024]")
_SCHEME: Final = re.compile(r"(?<![A-Za-z])([A-Za-z][A-Za-z0-9+.-]{1,20}):(?=\S)")
_PHONE: Final = re.compile(
    r"(?<![\w.,])(?:(?:\+|00)[ (]{0,2}[1-9](?:[ ()./–-]{0,3}\d){6,13}"
    r"|(?:\(0?\d{2,4}\) ?|0\d{1,4}[ ./-]|\d{3}[ .-])\d{3,4}[ .-]?\d{4})(?![\w])"
)
_ACCOUNT: Final = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?=[ -]?[A-Za-z0-9])")
_SHORTEST_ACCOUNT, _LONGEST_ACCOUNT = 15, 34
_CLOSING: Final = str.maketrans(dict.fromkeys('“”„‟«»"', "'"))
_BRACKETS: Final = str.maketrans("[]", "()")


def accounts(text: str) -> list[tuple[int, int]]:
    """Where international bank account numbers stand, by country, length and checksum, written in
    whatever groups.
    """
    found: list[tuple[int, int]] = []
    for start in _ACCOUNT.finditer(text):
        end = _account_end(text, start.start())
        if end and (not found or found[-1][1] <= start.start()):
            found.append((start.start(), end))
    return found


def _account_end(text: str, start: int) -> int:
    number, at = "", start
    while at < len(text) and len(number) < _LONGEST_ACCOUNT:
        if text[at].isascii() and text[at].isalnum():
            number += text[at].upper()
            if len(number) >= _SHORTEST_ACCOUNT and iban.is_valid(number, check_country=False):
                return at + 1
        elif text[at] not in " -" or text[at - 1] in " -":
            return 0
        at += 1
    return 0


def addresses(text: str) -> list[AddressKind]:
    """Which kinds of address a text carries, as a mail program or a person would find them; each
    once.
    """
    plain = _plain(text)
    links = (_LINKS.match(text) or []) + (_LINKS.match(plain) or [])
    found = {AddressKind.EMAIL if link.schema == "mailto:" else AddressKind.WEB for link in links}
    if _PHONE.search(plain):
        found.add(AddressKind.PHONE)
    if accounts(plain):
        found.add(AddressKind.ACCOUNT)
    return [kind for kind in AddressKind if kind in found]


def _plain(text: str) -> str:
    """As a program reads it that is generous: full-width letters as letters, without what nobody
    sees.
    """
    normal = _DOTS.sub(".", unicodedata.normalize("NFKC", text))
    return "".join(ch for ch in normal if unicodedata.category(ch) != "Cf")


def lines(text: str) -> str:
    """Prose of a person with its line ends, every address in it taken apart."""
    shown = printable(text).translate(_BRACKETS)  # square ones are the templates' own
    if not _LINKS.test(shown) and _LINKS.test(_plain(shown)):
        shown = _plain(shown)  # disguised by letters that only look unlike an address
    shown = _PHONE.sub(_digits_apart, _scheme_apart(_replaced(shown)))
    # Taken apart once more when taking apart has made a new one; then no dot is left to make a link
    # of.
    return _DOTS.sub(" (dot) ", shown.replace("@", " (at) ")) if _LINKS.test(shown) else shown


def one_line(text: str) -> str:
    """A name, a title, a number inside a sentence of ours: one line that cannot end the quotation
    it stands in.
    """
    return " ".join(lines(text).translate(_CLOSING).split())


def _replaced(text: str) -> str:
    return _between(text, _LINKS.match(text) or [], _apart)


def _between(text: str, links: list[object], change: Callable[[str], str]) -> str:
    out, at = "", 0
    for link in links:
        start, end = link.index, link.last_index  # type: ignore[attr-defined]
        out, at = out + text[at:start] + change(text[start:end]), end
    return out + text[at:]


def _apart(address: str) -> str:
    return _DOTS.sub(" (dot) ", _scheme_apart(address).replace("@", " (at) "))


def _scheme_apart(text: str) -> str:
    return _SCHEME.sub(r"\1: ", text)


def _digits_apart(found: re.Match[str]) -> str:
    groups = re.findall(r"\d{1,4}", found[0])
    return ("+" if found[0].startswith("+") else "") + " / ".join(groups)
