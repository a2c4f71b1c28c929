"""What a view is told that it gets is what its schema makes: each schema of a body or a query has a
`TypedDict` of the same fields, and each view names the one of its own schema.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from datetime import date, datetime
from types import NoneType, UnionType
from typing import (
    Any,
    NotRequired,
    TypedDict,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import pytest
from flask import Flask
from marshmallow import Schema, fields, missing
from werkzeug.datastructures import FileStorage

from service import api
from service.api.schemas import requests
from service.api.schemas.request_schema import RequestSchema

BASE_TYPES: dict[type[fields.Field[Any]], type] = {
    fields.Boolean: bool,
    fields.Integer: int,
    fields.DateTime: datetime,
    fields.Date: date,
    fields.String: str,
}


def schemas() -> list[type[RequestSchema[Any]]]:
    """Every schema of a request, from every module of them."""
    found = []
    for module in pkgutil.iter_modules(requests.__path__, f"{requests.__name__}."):
        for one in vars(importlib.import_module(module.name)).values():
            is_schema = inspect.isclass(one) and issubclass(one, RequestSchema)
            if is_schema and one.__module__ == module.name:
                found.append(one)
    return found


def parsed_of(schema: type[RequestSchema[Any]]) -> type:
    """The `TypedDict` that a schema of requests names."""
    [parsed] = [
        get_args(base)[0]
        for base in getattr(schema, "__orig_bases__", ())
        if get_origin(base) is RequestSchema
    ]
    assert is_typeddict(parsed), f"{schema.__name__} names no TypedDict"
    return parsed


def named_for(schema: type[Schema]) -> str:
    """`ContractIn` gives a `ContractBody`, `ContractQuery` gives `ContractParameters`."""
    name = schema.__name__
    if name.endswith("Query"):
        return f"{name.removesuffix('Query')}Parameters"
    return f"{name.removesuffix('In')}Body"


def type_of(field: fields.Field[Any]) -> object:
    """What a field makes of what is sent, where that is not nothing."""
    if isinstance(field, fields.Nested):
        return parsed_of(type(field.schema))
    if isinstance(field, fields.List):
        return list[type_of(field.inner)]
    if isinstance(field, fields.Dict):
        return dict[str, str]
    if type(field) is fields.Raw:
        return FileStorage
    return next(made for kind, made in BASE_TYPES.items() if isinstance(field, kind))


def fields_of(schema: type[Schema]) -> dict[str, tuple[bool, bool, object]]:
    """Per field: whether it is always there, whether it may be nothing, its type."""
    return {
        name: (
            field.required or field.load_default is not missing,
            bool(field.allow_none),
            type_of(field),
        )
        for name, field in schema().load_fields.items()
    }


def keys_of(parsed: type) -> dict[str, tuple[bool, bool, object]]:
    """The same of a `TypedDict`."""
    told = {}
    for name, hint in get_type_hints(parsed, include_extras=True).items():
        always = get_origin(hint) is not NotRequired
        inner = hint if always else get_args(hint)[0]
        kinds = get_args(inner) if get_origin(inner) in (Union, UnionType) else (inner,)
        [kind] = [one for one in kinds if one is not NoneType]
        told[name] = (always, NoneType in kinds, kind)
    return told


@pytest.mark.parametrize("schema", schemas(), ids=lambda schema: schema.__name__)
def test_a_schema_makes_what_its_type_says(schema: type[RequestSchema[Any]]) -> None:
    parsed = parsed_of(schema)
    assert parsed.__name__ == named_for(schema)
    assert parsed.__module__ == schema.__module__
    assert keys_of(parsed) == fields_of(schema)


def test_every_schema_of_a_request_is_walked() -> None:
    """Also the ones that stand in for a part of another one, and none that has no type."""
    assert len(schemas()) > 60
    for module in pkgutil.iter_modules(requests.__path__, f"{requests.__name__}."):
        for name, one in vars(importlib.import_module(module.name)).items():
            if inspect.isclass(one) and issubclass(one, Schema) and one.__module__ == module.name:
                shared = name.startswith("_") or name.endswith("Fields")
                assert shared or issubclass(one, RequestSchema), name


def views() -> Iterator[tuple[str, Callable[..., Any], type[RequestSchema[Any]] | None]]:
    """Every endpoint with its view as it was written and the schema that it takes."""
    app = Flask("types")
    api.register(app)
    for endpoint, view in app.view_functions.items():
        takes = getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", [])
        yield endpoint, inspect.unwrap(view), takes[0]["schema"] if takes else None


def test_every_view_names_the_type_of_its_schema() -> None:
    """A view that a factory makes for several schemas has a type variable there: that it is the one
    of its schema is proved by mypy, through `Endpoints.arguments`.
    """
    by_schema, by_factory = 0, 0
    for endpoint, view, schema in views():
        first = next(iter(inspect.signature(view).parameters), None)
        if schema is None:
            assert first not in ("body", "query"), endpoint
            continue
        assert first in ("body", "query"), endpoint
        hint = get_type_hints(view)[first]
        if isinstance(hint, TypeVar):
            by_factory += 1
            assert "<locals>" in view.__qualname__, endpoint
            continue
        by_schema += 1
        assert hint is parsed_of(schema), endpoint
    assert by_schema > 70
    assert by_factory < 20


class _Right(TypedDict):
    words: str
    amount: NotRequired[int | None]


@pytest.mark.parametrize(
    ("words", "amount"),
    [
        (fields.String(load_default=None), fields.Integer(allow_none=True)),
        (fields.String(), fields.Integer(allow_none=True)),
        (fields.Integer(required=True), fields.Integer(allow_none=True)),
        (fields.String(required=True), fields.Integer()),
        (fields.String(required=True), fields.Integer(allow_none=True, load_default=None)),
        (fields.List(fields.String(), required=True), fields.Integer(allow_none=True)),
    ],
)
def test_the_comparison_sees(words: fields.Field[Any], amount: fields.Field[Any]) -> None:
    right = {"words": fields.String(required=True), "amount": fields.Integer(allow_none=True)}
    assert keys_of(_Right) == fields_of(Schema.from_dict(right))
    wrong = Schema.from_dict({"words": words, "amount": amount})
    assert keys_of(_Right) != fields_of(wrong)
    assert keys_of(_Right) != fields_of(Schema.from_dict({"words": right["words"]}))
