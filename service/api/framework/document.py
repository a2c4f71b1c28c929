"""The shapes of an OpenAPI document, as far as ours has them."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from service.api.framework.bodies import Json

ShapeObject = TypedDict(
    "ShapeObject",
    {
        "$ref": str,
        "type": str | list[str],
        "format": str,
        "pattern": str,
        "enum": list[str],
        "default": Json,
        "example": Json,
        "examples": list[int],
        "minimum": int,
        "minLength": int,
        "maxLength": int,
        "required": list[str],
        "properties": "dict[str, ShapeObject]",
        "items": "ShapeObject",
    },
    total=False,
)
"""A JSON schema."""


class Media(TypedDict):
    schema: NotRequired[ShapeObject]
    example: NotRequired[Json]


class Body(TypedDict):
    """Of a request or of an answer."""

    description: NotRequired[str]
    content: NotRequired[dict[str, Media]]


Parameter = TypedDict(
    "Parameter",
    {"name": str, "in": str, "required": bool, "schema": ShapeObject, "example": NotRequired[Json]},
)


class Operation(TypedDict):
    operationId: NotRequired[str]
    summary: NotRequired[str]
    description: NotRequired[str]
    parameters: NotRequired[list[Parameter]]
    requestBody: NotRequired[Body]
    responses: dict[str, Body]


class Components(TypedDict):
    schemas: dict[str, ShapeObject]
    responses: NotRequired[dict[str, Body]]
    securitySchemes: NotRequired[dict[str, dict[str, str]]]


class Document(TypedDict):
    info: dict[str, str | dict[str, str]]
    servers: NotRequired[list[dict[str, str]]]
    security: NotRequired[list[dict[str, list[str]]]]
    components: Components
    paths: dict[str, dict[str, Operation]]
