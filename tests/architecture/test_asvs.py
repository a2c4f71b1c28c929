"""The table of the security standard: whole, each claim with something that exists, and what is
open said so.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.asvs import WORDS, chapters, counted

ROOT = Path(__file__).resolve().parents[2]
LEVELS_1_AND_2 = 253
"""Of version 5.0.0."""


def test_every_requirement_stands_there_once() -> None:
    ids = [one for groups in chapters().values() for group in groups for one in group["ids"]]
    assert (len(ids), len(set(ids))) == (LEVELS_1_AND_2, LEVELS_1_AND_2)
    figures = counted()
    print(", ".join(f"{figures[word]} {said}" for word, said in WORDS.items()))
    assert set(figures) <= set(WORDS)


def test_what_is_met_is_shown_by_something_that_exists() -> None:
    for groups in chapters().values():
        for group in groups:
            assert group["how"], group
            assert group["is"] != "met" or group["see"], group
            assert [path for path in group.get("see", []) if not (ROOT / path).exists()] == [], (
                group
            )
