"""A schema's way out as plain functions, made once per schema: marshmallow says what the shape is,
this writes it fast.

A page of fifty contracts has some 2,500 fields; going through the library's serializer for each
costs most of the request.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

from marshmallow import Schema, fields

from service.domain.identity.actors import Actor, ActorKind


class ActorText(fields.String):
    """Who did it, as rows keep it: `freelancer:frl_…`, `staff:key_…`, `system`."""


class PartyText(ActorText):
    """Who of a contract's people did it: a kind alone for all but a freelancer, whose id is no
    secret to the other side.

    A client's own id is known on the whole platform, a key's id is staff's.
    """


def _party(actor: Actor) -> str:
    return str(actor) if actor.kind is ActorKind.FREELANCER else str(actor.kind)


Convert = Callable[..., object]
"""From what an object or its attribute holds to what JSON takes."""
Step = tuple[str, Convert]


def compiled(schema: Schema) -> list[Step]:
    """(key, function from the object to what JSON takes) per field, in the schema's order.

    Raises TypeError on an unknown kind.
    """
    return [
        (field.data_key or name, _step(schema, field, name))
        for name, field in schema.dump_fields.items()
    ]


def _step(schema: Schema, field: fields.Field[object], name: str) -> Convert:
    if isinstance(field, fields.Function) and field.serialize_func is not None:
        function: Convert = field.serialize_func
        return function
    if isinstance(field, fields.Method):
        method: Convert = getattr(schema, str(field.serialize_method_name))
        return method
    read, convert = attrgetter(field.attribute or name), _converter(field)
    if convert is None:
        return read
    return lambda value: None if (found := read(value)) is None else convert(found)


def _converter(field: fields.Field[object]) -> Convert | None:
    if isinstance(field, PartyText):
        return _party
    if isinstance(field, ActorText):
        return str
    if isinstance(field, fields.DateTime | fields.Date):
        return lambda value: value.isoformat()
    if isinstance(field, fields.List) and isinstance(field.inner, fields.Nested):
        one = field.inner.schema.dump
        return lambda values: [one(value) for value in values]
    if isinstance(field, fields.Nested):
        return field.schema.dump
    if isinstance(
        field, fields.String | fields.Integer | fields.Boolean | fields.Dict | fields.List
    ):
        return None
    raise TypeError(f"{type(field).__name__} has no way out")
