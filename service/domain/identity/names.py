"""Whether a name, a title or a file's name may stand in a sentence of ours: one judge for every
place where they come in.

A name that carries an address, or that sounds like the platform or its staff, would speak in our
name as soon as an email or a page repeats it. What is refused here is refused everywhere; what was
stored before is shown as inert text.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import Final

from service.domain.errors import FieldError, Invalid
from service.domain.text import inert
from service.domain.text.inert import AddressKind


class NameKind(StrEnum):
    """Where a name stands decides what it may look like."""

    PERSON = "name"
    COMPANY = "company"
    """Companies are called Booking.com and Crown Support Ltd: their names may have a dot and such
    words in them.
    """
    TITLE = "title"
    FILE = "file name"


# Letters of other scripts that are drawn like Latin ones, and digits and signs that are read as
# letters. A table of our own: the libraries for Unicode's whole list of confusables were last
# released years ago, and that list compares any two names, while only a handful of Latin words
# matter here. NFKD has taken accents, widths and styles off before.
_LOOKS: Final = {
    "a": "@4αаɑ∀", "b": "8вьƅ", "c": "сϲⅽ¢(", "d": "ԁđɗⅾ", "e": "3еєҽ€ε", "f": "ſƒϝ", "g": "ɡց9", "h": "һհħн", "j": "јϳ",
    "k": "кκ", "l": "1!|iıіιӏɩⅼⅰ", "m": "мⅿ", "n": "ոпη", "o": "0оοօøσ๐", "p": "рρ", "q": "ԛզ", "r": "гꭇ", "s": "5$ѕꜱ", "t": "7тτ†",
    "u": "υսʋц", "v": "νѵⅴ", "w": "ԝѡω", "x": "хχ×", "y": "уүγ¥", "z": "2ᴢ",
}  # fmt: skip
_SKELETON: Final = str.maketrans(
    {sign: letter for letter, signs in _LOOKS.items() for sign in signs}
)
_WORD: Final = re.compile(r"[^\W_]+")
_LONG_ENOUGH = 5
"""From so many letters on, the platform's name is recognised inside another word too."""
_OFFICES: Final = (
    "support", "customer support", "customer service", "customer care", "service team", "help desk", "helpdesk", "security team", "security department",
    "security alert", "fraud team", "fraud department", "payments team", "payment team", "billing team", "billing department", "compliance team",
    "trust and safety", "trust safety", "staff", "admin", "administrator", "moderator", "mediator", "official", "no reply", "noreply", "postmaster",
    "kundendienst", "kundenservice", "sicherheitsteam", "soporte", "atencion al cliente", "equipo de seguridad",
)  # fmt: skip
_PLATFORMS_CALLED_SO: Final = frozenset({"asp.net", "vb.net", "ado.net", "ml.net"})
"""Names of technology that a title needs and that happen to be addresses as well."""


def check(pointer: str, name: str, kind: NameKind, platform: str) -> None:
    """Raises Invalid for a name that carries an address or speaks for the platform, whose name is
    `platform`.
    """
    found = objection(pointer, name, kind, platform)
    if found is not None:
        raise Invalid(found.message, errors=[found])


def objection(pointer: str, name: str, kind: NameKind, platform: str) -> FieldError | None:
    """As `check`, for callers that gather what is wrong."""
    carried = _carried(name, kind)
    if carried:
        said = " and ".join(carried)
        return FieldError(
            pointer,
            "carries_address",
            f"A {kind} cannot contain {said}. Put it into the description or a message instead.",
        )
    if _is_ours(name, platform):
        return FieldError(
            pointer,
            "speaks_for_platform",
            f"A {kind} cannot contain {platform}'s name, or one that looks like it.",
        )
    if kind is NameKind.PERSON and _office(name):
        return FieldError(
            pointer,
            "speaks_for_platform",
            "A name cannot be that of an office such as support, staff or a security team. Use "
            "your own.",
        )
    return None


def _carried(name: str, kind: NameKind) -> list[AddressKind]:
    judged = name.rpartition(".")[0] or name if kind is NameKind.FILE else name
    for called in _PLATFORMS_CALLED_SO:
        judged = re.sub(
            rf"(?<![\w.@/-]){re.escape(called)}(?![\w./@-])", " ", judged, flags=re.IGNORECASE
        )
    found = inert.addresses(judged)
    if (
        kind is NameKind.COMPANY
        and AddressKind.WEB in found
        and not re.search(r"://|www\.|/", judged, re.IGNORECASE)
    ):
        found.remove(AddressKind.WEB)
    return found


def words(text: str) -> list[str]:
    """The words of a text as an eye takes them in: without accents and case, look-alikes as the
    letters they look like.
    """
    taken_apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    letters = "".join(
        ch for ch in taken_apart if unicodedata.category(ch) not in ("Mn", "Me", "Cf")
    )
    found: list[str] = []
    single = False
    for word in _WORD.findall(letters.translate(_SKELETON)):
        # "S u p p o r t" is one word.
        if single and len(word) == 1:
            found[-1] += word
        else:
            found.append(word)
        single = len(word) == 1
    return found


def _is_ours(name: str, platform: str) -> bool:
    ours, theirs = "".join(words(platform)), words(name)
    return ours in "".join(theirs) if len(ours) >= _LONG_ENOUGH else bool(ours) and ours in theirs


def _office(name: str) -> bool:
    theirs = f" {' '.join(words(name))} "
    joined = theirs.replace(" ", "")
    return any(
        f" {' '.join(words(office))} " in theirs or joined == "".join(words(office))
        for office in _OFFICES
    )
