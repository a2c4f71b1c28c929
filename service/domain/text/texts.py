"""What people wrote, as files that others read can carry it.

Text comes from names, titles and notes in any script. Nothing that somebody wrote disappears: a
character that a file cannot carry is shown as its code point, `[U+202E]`.
"""

from __future__ import annotations

import re

_NEWLINES = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_MARK = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f"  # controls
    "\u202a-\u202e\u2066-\u2069"  # what turns the direction of the text after it
    "\ufeff\u2065\ufff0-\ufffb"  # what is there and never seen, also where nothing is assigned yet
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"  # the same; between them are variation selectors
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"  # what is no character
    "\ue000-\uf8ff\U000f0000-\U0010ffff"  # what only some have agreed about
    + "".join(chr(plane << 16 | end) for plane in range(1, 15) for end in (0xFFFE, 0xFFFF))
    + f"]|(?<=[{_MARK}]{{4}})[{_MARK}]"  # a fifth mark on a letter covers what stands above it
)
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""The characters of XML 1.0, section 2.2."""


def code_point(character: str) -> str:
    """'[U+1F600]': how a character is shown that cannot be shown itself."""
    return f"[U+{ord(character):04X}]"


def printable(text: str) -> str:
    """For paper: one sign for a new line, and a code point for what nobody would see or what would
    move its neighbours.
    """
    one_line_end = _NEWLINES.sub("\n", text).replace("\t", " ")
    return _UNPRINTABLE.sub(lambda found: code_point(found[0]), one_line_end)


def xml(text: str) -> str:
    """For XML, which has no way to write some characters, not even escaped."""
    return _NO_XML.sub(lambda found: code_point(found[0]), text)
