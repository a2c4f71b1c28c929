"""Every field of the API's own document, and the calls that put a value into one of them, or into
all at once.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from sqlalchemy import select

from service.models import Base, new_id
from service.models.base import TypeID
from tests.incoming.nasty import write
from tests.journey import Reply, multipart
from tests.world import World

METHODS = ("get", "post", "put", "patch", "delete")
Way = tuple[str | int, ...]


@dataclass(frozen=True)
class Operation:
    """One call of the document, with an example of everything that it takes."""

    method: str
    path: str
    document: dict[str, Any]
    components: dict[str, Any]
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @property
    def queries(self) -> list[dict[str, Any]]:
        return [p for p in self.document.get("parameters", []) if p["in"] == "query"]

    @property
    def example(self) -> Any:
        return copy.deepcopy(self._content.get("application/json", {}).get("example"))

    @property
    def takes_file(self) -> bool:
        return "multipart/form-data" in self._content

    @property
    def _content(self) -> dict[str, Any]:
        found: dict[str, Any] = self.document.get("requestBody", {}).get("content", {})
        return found

    def address(self, **changed: str) -> str:
        parts = {
            name: quote(value.encode("utf-8", "surrogatepass"), safe="")
            for name, value in (self.ids | changed).items()
        }
        return self.path.format(**parts)

    def query(self, **changed: str) -> str:
        given = {
            p["name"]: p["schema"].get("example", p.get("example", "USD"))
            for p in self.queries
            if p.get("required")
        }
        given |= {"amount": 500} if "amount" in given else {}
        if not given and not changed:
            return ""
        return "?" + urlencode(
            {
                name: str(value).encode("utf-8", "surrogatepass")
                for name, value in (given | changed).items()
            }
        )


def operations(world: World) -> list[Operation]:
    """All of them; where the world has an object of the kind, its id stands in the address."""
    document, known, found = world.app.extensions["openapi"](), kind_ids(world), []
    for path, methods in document["paths"].items():
        for method in (m for m in METHODS if m in methods):
            ids = {
                p["name"]: _id_for(known, str(p.get("example", "x")))
                for p in methods[method].get("parameters", [])
                if p["in"] == "path"
            }
            found.append(
                Operation(method, path, methods[method], document["components"]["schemas"], ids)
            )
    return found


def kind_ids(world: World) -> dict[str, tuple[type[Any], str]]:
    """By prefix: the table, and the id of something in it."""
    found = {}
    with world.db.transaction() as session:
        for mapper in Base.registry.mappers:
            column = mapper.class_.__table__.columns.get("id")
            if column is not None and isinstance(column.type, TypeID):
                one = session.execute(select(column).limit(1)).scalar_one_or_none()
                if one is not None:
                    found.setdefault(column.type.prefix, (mapper.class_, str(one)))
    return found


def _id_for(known: dict[str, tuple[type[Any], str]], example: str) -> str:
    prefix, mark, _ = example.partition("_")
    if not mark or len(prefix) != 3:
        return example
    return known[prefix][1] if prefix in known else new_id(prefix)


def fields_of(schema: dict[str, Any], components: dict[str, Any], way: Way = ()) -> Iterator[Way]:
    """The way to every value of a body, those that hold others included."""
    if "$ref" in schema:
        yield from fields_of(components[schema["$ref"].rpartition("/")[2]], components, way)
        return
    if way:
        yield way
    for alternative in (
        *schema.get("allOf", ()),
        *schema.get("anyOf", ()),
        *schema.get("oneOf", ()),
    ):
        yield from (inner for inner in fields_of(alternative, components, way) if inner != way)
    for name, inner in schema.get("properties", {}).items():
        yield from fields_of(inner, components, (*way, name))
    if "items" in schema:
        yield from fields_of(schema["items"], components, (*way, 0))
    if schema.get("additionalProperties") not in (None, False):
        yield (*way, "anything")


def body_fields(operation: Operation) -> list[Way]:
    content = operation.document.get("requestBody", {}).get("content", {}).get("application/json")
    return (
        list(dict.fromkeys(fields_of(content["schema"], operation.components))) if content else []
    )


def with_value(body: Any, way: Way, value: Any) -> Any:
    """The body with one value changed, and whatever the way needs made."""
    made = copy.deepcopy(body) if body is not None else {}
    node = made
    for part, after in itertools.pairwise(way):
        empty: Any = [{}] if isinstance(after, int) else {}
        if isinstance(part, int):
            node[part] = node[part] or empty
        elif not node.get(part):
            node[part] = empty
        node = node[part]
    if isinstance(node, list) and not node:
        node.append(value)
    else:
        node[way[-1]] = value
    return made


def leaves(ways: list[Way]) -> list[Way]:
    return [
        one for one in ways if not any(other[: len(one)] == one and other != one for other in ways)
    ]


def refused_fields(reply: Reply) -> list[Way] | None:
    """The fields that a refusal names; None for one that names none."""
    if reply.status < 400 or not reply.headers.get("content-type", "").startswith(
        "application/problem"
    ):
        return None
    errors = reply.json().get("errors")
    if errors is None:
        return [()] if reply.status in (400, 413, 415) else None
    return [
        tuple(
            int(p) if p.isascii() and p.isdigit() else p for p in e["pointer"].strip("/").split("/")
        )
        if e["pointer"]
        else ()
        for e in errors
    ]


def body_of(operation: Operation, body: Any) -> tuple[bytes | None, dict[str, str]]:
    if operation.takes_file:
        content, kind = multipart([], [("a.txt", b"words")])
        return content.replace(b'name="files"', b'name="file"'), {"Content-Type": kind}
    return (
        (write(body), {"Content-Type": "application/json"})
        if body is not None or operation.method == "post"
        else (None, {})
    )
