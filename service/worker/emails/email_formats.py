"""The two forms of an e-mail, text and HTML, made of the same parts, so that they cannot differ."""

from __future__ import annotations

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from service.worker.emails.email_parts import FOLDER, Button, Paragraph, Part, Parts

_HTML = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
)


def as_text(email: Parts, footer: list[str], platform: str) -> str:
    """Plain text: quotes have a bar before each line, so no line of theirs reads as one of ours."""
    parts = [_text(part, platform) for part in email.parts]
    return "\n\n".join([*parts, "-- ", *footer]) + "\n"


def _text(part: Part, platform: str) -> str:
    if isinstance(part, Paragraph):
        return part.text
    if isinstance(part, Button):
        return f"{part.label}:\n{part.url}"
    said = "\n".join(f"| {line}".rstrip() for line in part.lines)
    quoted = f"{part.author or platform} wrote:\n{said}"
    return f"{quoted}\n{part.warning}" if part.warning else quoted


def as_html(email: Parts, footer: list[str], platform: str) -> str:
    """HTML by a template that escapes everything; the only links are the buttons."""
    return _HTML.get_template("frame.html").render(
        subject=email.subject,
        parts=[(type(part).__name__, part) for part in email.parts],
        footer=footer,
        platform=platform,
    )
