"""The parameters of one request to Stripe: form or JSON, already checked against the SDK's type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from service.domain.text.json_types import Json, JsonObject, whole


@dataclass(frozen=True)
class Params:
    """Typed reading of a request. A form has its numbers as text."""

    given: Mapping[str, Json]

    def __contains__(self, name: str) -> bool:
        return name in self.given

    def raw(self, name: str, default: Json = None) -> Json:
        """As it came."""
        return self.given.get(name, default)

    def text(self, name: str) -> str:
        """Raises KeyError where it is left out."""
        return str(self.given[name])

    def text_or_none(self, name: str) -> str | None:
        found = self.given.get(name)
        return None if found is None else str(found)

    def number(self, name: str, default: int | None = None) -> int:
        """Raises KeyError where it is left out and there is no default."""
        return whole(self.given[name] if default is None else self.given.get(name, default))

    def values(self, name: str) -> list[Json]:
        """A list; a form may have numbered its members."""
        found = self.given.get(name)
        if isinstance(found, dict):
            return list(found.values())
        return found if isinstance(found, list) else []

    def mapping(self, name: str) -> JsonObject:
        """What has names itself; empty where it is left out."""
        found = self.given.get(name)
        return found if isinstance(found, dict) else {}

    def part(self, name: str) -> Params:
        return Params(self.mapping(name))

    def parts(self, name: str) -> list[Params]:
        return [Params(one) for one in self.values(name) if isinstance(one, dict)]
