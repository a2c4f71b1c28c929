"""Papers as PDF, from typst templates and plain values. The same values give the same bytes: no clock, no system fonts."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import typst

_FOLDER = Path(__file__).parent


def compile_pdf(template: str, values: dict[str, Any], made_at: datetime) -> bytes:
    """The PDF (PDF/A-2a, tagged) of a template with `values`, which must be plain JSON; `made_at` is its only date."""
    made: bytes = typst.compile(
        _FOLDER / f"{template}.typ", root=_FOLDER, ignore_system_fonts=True, format="pdf", pdf_standards="a-2a",
        sys_inputs={"values": json.dumps(values, sort_keys=True)}, timestamp=int(made_at.timestamp()),
    )  # fmt: skip
    return made
