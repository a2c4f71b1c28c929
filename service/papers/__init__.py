"""Papers as PDF, from typst templates and plain values. The same values give the same bytes: no clock, no system fonts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import typst

_FOLDER = Path(__file__).parent


def compile_pdf(template: str, values: dict[str, Any], made_at: datetime) -> bytes:
    """The PDF of a template with `values`, which must be plain JSON; `made_at` is its only date.

    Tagged, and PDF/A-2a; with an attachment PDF/A-3a, the level that allows one.
    """
    made: bytes = typst.compile(
        _FOLDER / f"{template}.typ", root=_FOLDER, ignore_system_fonts=True, format="pdf", pdf_standards="a-3a" if "attachment" in values else "a-2a",
        sys_inputs={"values": json.dumps(values, sort_keys=True)}, timestamp=int(made_at.timestamp()),
    )  # fmt: skip
    return made


@dataclass(frozen=True)
class Table:
    """`amounts`: the columns that hold amounts, which stand to the right; `whole`: those whose texts have no place to break, as numbers of others."""

    heading: str
    columns: list[str]
    rows: list[list[str]]
    amounts: tuple[int, ...] = ()
    whole: tuple[int, ...] = ()


@dataclass(frozen=True)
class Paper:
    """What `paper.typ` shows, all in words. `attachment`: (name, text, relationship, description) of an XML or CSV inside the PDF."""

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
        values = {name: getattr(self, name) for name in ("platform", "language", "title", "number", "intro", "facts", "notes", "check")}
        values["parties"] = [{"heading": heading, "lines": lines} for heading, lines in self.parties]
        values["tables"] = [
            {
                "heading": t.heading,
                "rows": t.rows,
                "columns": [{"name": name, "amount": place in t.amounts, "whole": place in t.amounts + t.whole} for place, name in enumerate(t.columns)],
            }
            for t in self.tables
        ]
        if self.attachment:
            name, text, relationship, description = self.attachment
            mime = "text/xml" if name.endswith(".xml") else "text/csv"
            values["attachment"] = {"name": name, "text": text, "relationship": relationship, "description": description, "mime": mime}
        return compile_pdf("paper", values, made_at)
