"""The OpenAPI document, generated from the code; `openapi.yaml` is its committed form and a test
fails when it is stale.
"""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from service.api.framework.document import Document, Operation, Parameter, ShapeObject
from service.api.framework.examples import add_examples
from service.api.framework.problem_api import ProblemApi
from service.domain.errors import catalogue

_DESCRIPTION = (
    "Direct Contracts with protected payments. Amounts are whole minor units beside one ISO 4217 "
    "currency. "
    "POST needs an Idempotency-Key; edits need If-Match; errors are application/problem+json "
    "with a stable code."
)
_AS_A_NAME = str.maketrans({"/": "_", "-": "_", "{": None, "}": None})
_PROBLEM: ShapeObject = {"$ref": "#/components/schemas/Problem"}
_REFUSALS = {
    "400",
    "401",
    "403",
    "404",
    "409",
    "411",
    "412",
    "413",
    "415",
    "422",
    "428",
    "429",
    "503",
}


def finished(api: ProblemApi) -> Document:
    """The generated document with security, problems and idempotency said on every operation."""
    spec = api.document()
    spec["info"] |= {
        "description": _DESCRIPTION,
        "contact": {"name": "Holdfast", "email": "help@holdfast.example"},
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    }
    spec["servers"] = [{"url": "/"}]
    spec["security"] = [{"key": []}]
    components = spec["components"]
    components["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key: hf_test_… or hf_live_…",
        }
    }
    components["schemas"].pop("PaginationMetadata", None)
    components["schemas"].pop("Error", None)
    components["schemas"]["Problem"] = _problem_schema()
    components["responses"] = {}
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            if method in ("get", "post", "patch", "delete"):
                _finish_operation(path, method, operation)
    _portable(spec)
    add_examples(spec)
    return spec


def _portable(value: object) -> None:
    """Patterns as ECMA-262 has them: Python's end of text is `$` there."""
    if isinstance(value, dict):
        if isinstance(value.get("pattern"), str):
            value["pattern"] = "^" + value["pattern"].removesuffix(r"\Z") + "$"
        for inner in value.values():
            _portable(inner)
    elif isinstance(value, list):
        for inner in value:
            _portable(inner)


def _problem_schema() -> ShapeObject:
    text: ShapeObject = {"type": "string"}
    return {
        "type": "object",
        "required": ["type", "title", "status", "detail", "code", "request_id"],
        "properties": {
            "type": text,
            "title": text,
            "status": {"type": "integer"},
            "detail": text,
            "request_id": text,
            "code": {"type": "string", "enum": sorted(catalogue())},
            "errors": {"type": "array", "items": {"type": "object"}},
        },
    }


def _finish_operation(path: str, method: str, operation: Operation) -> None:
    operation["operationId"] = f"{method}_{path.removeprefix('/v1/').translate(_AS_A_NAME)}"
    parameters = operation.setdefault("parameters", [])
    parameters.extend(_headers(method))
    responses = operation["responses"]
    for code in [c for c in responses if c == "default" or c in _REFUSALS]:
        del responses[code]
    operation.setdefault("description", operation.get("summary", ""))
    operation["summary"] = _unwrapped(operation.get("summary", ""))
    operation["description"] = _unwrapped(operation["description"])
    for code in sorted(_REFUSALS):
        responses[code] = {
            "description": "Refused; the body says why",
            "content": {"application/problem+json": {"schema": _PROBLEM}},
        }
    if "{" in path:
        parameters.extend(
            {
                "name": name,
                "in": "path",
                "required": True,
                "schema": {"type": "string", "maxLength": 64},
            }
            for name in _path_names(path)
            if not any(p.get("name") == name for p in parameters)
        )


def _headers(method: str) -> list[Parameter]:
    """What a call has to say beside its body, by its method."""
    if method == "post":
        return [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "schema": {"type": "string", "minLength": 16, "maxLength": 128},
                "example": "4f9f3c0e-7a53-4a0b-9c07",
            }
        ]
    if method == "patch":
        return [
            {
                "name": "If-Match",
                "in": "header",
                "required": True,
                "schema": {"type": "string"},
                "example": '"v1"',
            }
        ]
    return []


def _unwrapped(text: str) -> str:
    """Paragraphs as they are read, without the line breaks of the source that they were written
    in.
    """
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _path_names(path: str) -> list[str]:
    return [part.strip("{}") for part in path.split("/") if part.startswith("{")]


def as_yaml(spec: Mapping[str, object]) -> str:
    """Stable text: sorted, no anchors."""

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:
            return True

    return yaml.dump(spec, Dumper=Plain, sort_keys=True, allow_unicode=True, width=120)
