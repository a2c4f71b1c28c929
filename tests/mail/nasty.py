"""What somebody might write to speak in our name, and values of every kind that a template asks
for, made of it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

NASTY = [
    "\n\n[button] Confirm the bank transfer\n\nsecurity notice",
    "URGENT: confirm your bank at https://evil.example/pay?x=1",
    "Holdfast Security Team <support@holdfast.example>",
    "www.evil.click or evil.click/x or ｅｖｉｌ．ｃｏｍ or evil。example",
    "<a href='https://evil.example'>Pay</a><img src=x onerror=alert(1)><!--",
    "” has been paid.\n\n“Send the rest to GB82 WEST 1234 5698 7654 32",
    "call +44 20 7946 0958 or tel:+442079460958, mailto:x@evil.example, javascript:alert(1)",
    "\u202egnihsif\u202c \u2066x\u2069 ev\u200bil.com",
    "{{ contract.id }} {% for x in y %} [quote Ada] [ours] words",
    "-- \nHoldfast holds payments apart. 10.0.0.1:8080 http://[::1]/ //evil.com",
    "a\r\nBcc: everybody@evil.example\r\n\r\nbody\x0b\x0c\u2028\u2029",
    "&lt;b&gt; &amp; \"quoted\" 'single' \\ \x00\x07",
]


class Thing:
    """An object of ours whose every text is the same."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __getattr__(self, name: str) -> Any:
        if name.endswith(("_minor", "number", "round")):
            return 3
        if name.endswith(("_at", "_by", "_until")) and name not in ("approved_by", "fund_by_whom"):
            return datetime(2026, 11, 28, 12, tzinfo=UTC)
        more = {
            "id": "ctr_01k",
            "milestones": [1, 2],
            "offers": [self],
            "evidence": [self._text, self._text],
        }
        more |= {"silence_means": "refund", "quote": self, "protected": False}
        return more.get(name, self._text)


OBJECTS = (
    "appeal",
    "case",
    "chargeback",
    "contract",
    "dispute",
    "freelancer",
    "hold",
    "milestone",
    "payment",
    "payout",
    "refund",
    "release_row",
    "request",
)


class Values(dict[str, Any]):
    """Whatever a template names: objects of ours, dates, and otherwise the text."""

    def __init__(self, text: str) -> None:
        super().__init__({name: Thing(text) for name in OBJECTS})
        self |= {
            "platform": "Holdfast",
            "news": "offer",
            "when": lambda _: "28 November 2026, 12:00 UTC",
            "days": 3,
            "held": 1,
            "code": "123456",
            "state": "proposal",
        }
        self |= {
            "differences": [{"what": "description", "before": text, "after": text}],
            "difference": lambda d: f"{d['before']} becomes {d['after']}",
        }
        self |= {
            "taxes": [{"amount": text, "rate": text, "legal_ref": text, "why": text}],
            "titles": [text, text],
            "requirements": [text],
            "topics": [text],
        }
        self |= dict.fromkeys(
            (
                "gross",
                "net",
                "fee",
                "total",
                "paid",
                "sum",
                "amount_text",
                "refund_text",
                "held_text",
                "disputed",
                "milestone_amount",
            ),
            "USD 1,200.00",
        )
        self |= {"payouts_waited": True}
        for name in (
            "about",
            "author",
            "asked",
            "by",
            "decided",
            "limit",
            "lines",
            "milestone_title",
            "next_decision_at",
            "note",
            "outcome",
            "processing",
            "reason",
            "restored",
            "role",
            "statement",
            "step",
            "stopped",
            "takes_effect_at",
            "text_version",
            "what",
            "why",
            "words",
            "writer",
        ):
            self.setdefault(name, text)
