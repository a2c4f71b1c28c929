"""Reads pages as a browser without script would: forms with their fields, links, visible text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

_SPACE = re.compile("[ \\t\\n\\r\\f]+")
_VOID = {"input", "link", "meta", "br", "img", "rect"}


@dataclass
class Form:
    """One form: where it goes, and what it would send when it is pressed unchanged."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    choices: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    text: str = ""


class Page(HTMLParser):
    """A parsed page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.text = ""
        self.title = ""
        self._open: Form | None = None
        self._tags: list[str] = []
        self._select = ""
        self.feed(html)
        self.text, self.title = _as_read(self.text), _as_read(self.title)
        for form in self.forms:
            form.text = _as_read(form.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {k: v or "" for k, v in attrs}
        if tag not in _VOID:
            self._tags.append(tag)
        if tag == "form":
            self._open = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._open)
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if self._open is not None:
            self._field(self._open, tag, given)

    def _field(self, form: Form, tag: str, given: dict[str, str]) -> None:
        if tag == "button" and "name" in given:
            form.buttons.append((given["name"], given.get("value", "")))
        elif tag == "input" and given.get("type") in ("radio", "checkbox"):
            form.choices.append((given["name"], given.get("value", "on")))
            if "checked" in given:
                form.fields.append((given["name"], given.get("value", "on")))
        elif tag == "select":
            self._select = given.get("name", "")
        elif tag == "option" and self._select:
            names = [name for name, _ in form.fields]
            if self._select not in names:
                form.fields.append((self._select, given.get("value", "")))
            elif "selected" in given:
                form.fields[names.index(self._select)] = (self._select, given.get("value", ""))
        elif tag in ("input", "textarea") and "name" in given and given.get("type") != "file":
            form.fields.append((given["name"], given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if self._tags and tag in self._tags:
            while self._tags.pop() != tag:
                pass
        if tag == "form":
            self._open = None

    def handle_data(self, data: str) -> None:
        if "style" in self._tags or "script" in self._tags:
            return
        if "title" in self._tags:
            self.title += data
        self.text += data
        if self._open is not None:
            self._open.text += data


def _as_read(text: str) -> str:
    """A run of white space is one space; one that may not break is a character of its own."""
    return _SPACE.sub(" ", text).strip()
