"""The table of ASVS requirements, from docs/asvs.yaml: how many are met, by whom, and what shows
it.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import yaml

SOURCE = Path("docs") / "asvs.yaml"
WORDS = {
    "met": "met",
    "operator": "the operator's",
    "none": "nothing here that it is about",
    "open": "open",
}


def chapters() -> dict[str, list[dict[str, Any]]]:
    """By chapter, groups of requirements: `ids`, `is`, `how`, `see`."""
    found: dict[str, list[dict[str, Any]]] = yaml.safe_load(SOURCE.read_text())
    return found


def counted() -> Counter[str]:
    """How many requirements are met, the operator's, about nothing here, or open."""
    return Counter(
        group["is"] for groups in chapters().values() for group in groups for _ in group["ids"]
    )


def asvs() -> str:
    """The whole table."""
    figures = counted()
    out = [
        "# OWASP ASVS 5.0.0, levels 1 and 2",
        "",
        "Generated from `docs/asvs.yaml`. The standard's text: <https://github.com/OWASP/ASVS>.",
        "",
        f"Of {figures.total()} requirements: "
        + ", ".join(f"{figures[word]} {said}" for word, said in WORDS.items())
        + ".",
        "",
    ]
    for chapter, groups in chapters().items():
        out += [f"## {chapter}", "", "| requirements | | how | shown by |", "|---|---|---|---|"]
        out += [_row(group) for group in groups]
        out += [""]
    return "\n".join(out)


def _row(group: dict[str, Any]) -> str:
    shown = ", ".join(f"`{path}`" for path in group.get("see", []))
    ids = ", ".join(one.removeprefix("V") for one in group["ids"])
    return f"| {ids} | {WORDS[group['is']]} | {group['how']} | {shown} |"
