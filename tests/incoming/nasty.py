"""The values that nobody should type, and some that somebody may: sent into every field there
is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

MARK = "Zenobia"
"""Stands in every text below: what the log must never hold."""


@dataclass(frozen=True)
class Raw:
    """A number as it is written, which Python's own writer would not write."""

    text: str


def _texts() -> list[str]:
    around = [
        *("\x00", "\x07", "\x1b[31m", "\x7f", "\x85", "\ud800", "\uffff", "\ufdd0", "\u0378"),
        *("\u202e", "\u2066", "\u200f", "\ufff9", "\u2028", "\r", "\r\nBcc: "),
        *(
            "\u0661\u0660",
            "\uff11",
            "\u200b",
            "\ufeff",
            "\U0001f600",
            "\U0001f3f4\U000e0067\U000e007f",
        ),
        *(
            "<script>alert(1)</script>",
            "'; DROP TABLE hf.contract; --",
            "{{ 7*7 }}%s%n$(id)",
            "../../etc/passwd",
        ),
        *('\\"', "a" * 300, "\u0301" * 60),
    ]
    return [f"{MARK}{one}{MARK}" for one in around]


TEXTS = [
    *_texts(),
    *(
        "",
        " ",
        "\x00",
        "\u0661\u0660",
        "\u0669\u0662\u0669\u0669\u0669\u0663",
        "929993\x00",
        "\uff12\uff10\uff12\uff16-01-01",
    ),
    *("1E+999999", "-1", "1_000", "9" * 30, "9" * 5_000, "NaN", "true"),
    *(
        f"=?utf-8?q?{MARK}=40evil.example=2C?=@x.example",
        f"..{MARK}@x.example",
        f"{MARK}@x.example\r\nBcc: a@b.example",
    ),
    *("0001-01-01", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2026-02-30"),
    *("ctr_7zzzzzzzzzzzzzzzzzzzzzzzzz", "a" * 20_001),
]
"""For a form, a query, an address, a header: everything is text there."""

VALUES: list[Any] = [
    *TEXTS,
    *(None, True, 0, -1, 2**31, 2**63, 10**30, 1.5, Raw("1E+999999"), Raw("9" * 10_000), Raw("-0")),
    *([], {}, [MARK + "\x00"], {"\ud800": 1}, [None]),
]
"""For JSON."""


def write(body: Any) -> bytes:
    """A body as JSON, the raw numbers in it as they are."""
    raw: list[str] = []

    def mark(value: Any) -> Any:
        raw.append(value.text)
        return f"@@{len(raw) - 1}@@"

    text = json.dumps(body, default=mark)
    for number, written in enumerate(raw):
        text = text.replace(f'"@@{number}@@"', written)
    return text.encode()


def named(value: Any) -> str:
    """Short enough for a message."""
    return ascii(value)[:60]
