"""Papers as PDF, from typst templates and plain values.

The same values give the same bytes: no clock, no system fonts.

Any text can stand on a paper (decision 0022). What no font has is shown as its code point,
`[U+0F40]`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial
from importlib.resources import files
from pathlib import Path

import structlog
import typst

from service.domain.errors import PaperNotMade
from service.domain.text.texts import code_point, printable

_FOLDER = Path(__file__).parent
_FONTS = ("manimgx_fonts", "manimgx_fonts_cjk")
_MOST_ROUNDS = 4
_MISSING = re.compile(r'(?:the text|contains the codepoint) `"(.+?)"`')
_ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")
_log = structlog.get_logger()

Value = str | int | bool | None | Sequence["Value"] | Mapping[str, "Value"]
"""What a template shows: plain JSON."""
Values = Mapping[str, Value]


def compile_pdf(template: str, values: Values, made_at: datetime) -> bytes:
    """The PDF of a template with `values`, which must be plain JSON; `made_at` is its only date.

    Tagged, and PDF/A-2a; with an attachment PDF/A-3a, the level that allows one. Raises
    PaperNotMade.
    """
    shown = _each(values, printable)
    problem = ""
    for _ in range(_MOST_ROUNDS):
        try:
            return _typeset(template, shown, made_at)
        except typst.TypstError as error:
            problem = error.message
            shown = _each(shown, partial(_spelled, _missing(error)))
        except (ImportError, OSError, RuntimeError) as error:
            problem = str(error)
            break
    _log.error("paper.not_made", template=template, problem=problem)
    raise PaperNotMade


def _typeset(template: str, values: Values, made_at: datetime) -> bytes:
    try:
        made: bytes = typst.compile(
            _FOLDER / f"{template}.typ",
            root=_FOLDER,
            ignore_system_fonts=True,
            font_paths=_fonts(),
            format="pdf",
            pdf_standards="a-3a" if "attachment" in values else "a-2a",
            sys_inputs={"values": json.dumps(values, sort_keys=True)},
            timestamp=int(made_at.timestamp()),
        )
    except BaseException as error:
        # A panic of the typesetter is no Exception: it would end the process that asked.
        if type(error).__name__ == "PanicException":
            raise RuntimeError(str(error)) from error
        raise
    return made


@cache
def _fonts() -> typst.Fonts:
    """Read once in a process.

    Raises ModuleNotFoundError: without them names would come as code points, in silence.
    """
    return typst.Fonts(
        include_system_fonts=False,
        font_paths=[str(files(package)) for package in _FONTS],
    )


def _each(values: Values, change: Callable[[str], str]) -> Values:
    """`values` with every text changed, but for the file that is attached: it stays as it is."""

    def changed(value: Value) -> Value:
        if isinstance(value, str):
            return change(value)
        if isinstance(value, Mapping):
            return {name: changed(one) for name, one in value.items()}
        return [changed(one) for one in value] if isinstance(value, Sequence) else value

    return {name: one if name == "attachment" else changed(one) for name, one in values.items()}


def _missing(error: typst.TypstError) -> set[str]:
    """The characters that the typesetter names as those that no font has.

    It names all of them at once.
    """
    named = "".join(_MISSING.findall(error.diagnostic))
    plain = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), named)
    return {character for character in plain if not character.isascii()}


def _spelled(missing: set[str], text: str) -> str:
    """The missing ones as code points; where nobody knows which they are, all but ASCII."""
    return "".join(
        code_point(ch) if ch in missing or not (missing or ch.isascii()) else ch for ch in text
    )


@dataclass(frozen=True)
class Table:
    """`amounts`: the columns that hold amounts, which stand to the right; `whole`: those whose
    texts have no place to break, as numbers of others.
    """

    heading: str
    columns: list[str]
    rows: list[list[str]]
    amounts: tuple[int, ...] = ()
    whole: tuple[int, ...] = ()

    def values(self) -> Values:
        """As `paper.typ` takes it."""
        return {
            "heading": self.heading,
            "rows": self.rows,
            "columns": [
                {
                    "name": name,
                    "amount": place in self.amounts,
                    "whole": place in self.amounts + self.whole,
                }
                for place, name in enumerate(self.columns)
            ],
        }


@dataclass(frozen=True)
class Document:
    """What `paper.typ` shows, all in words.

    `attachment`: (name, text, relationship, description) of an XML or CSV inside the PDF.
    """

    platform: str
    language: str
    title: str
    number: str
    parties: list[tuple[str, list[str]]] = field(default_factory=list)
    intro: str = ""
    facts: list[tuple[str, str]] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    check: str = ""
    attachment: tuple[str, str, str, str] | None = None

    def pdf(self, made_at: datetime) -> bytes:
        """The same paper made at the same instant gives the same bytes."""
        values: dict[str, Value] = {
            "platform": self.platform,
            "language": self.language,
            "title": self.title,
            "number": self.number,
            "parties": [{"heading": heading, "lines": lines} for heading, lines in self.parties],
            "intro": self.intro,
            "facts": self.facts,
            "tables": [table.values() for table in self.tables],
            "notes": self.notes,
            "check": self.check,
        }
        if self.attachment:
            name, text, relationship, description = self.attachment
            mime = "text/xml" if name.endswith(".xml") else "text/csv"
            values["attachment"] = {
                "name": name,
                "text": text,
                "relationship": relationship,
                "description": description,
                "mime": mime,
            }
        return compile_pdf("paper", values, made_at)
