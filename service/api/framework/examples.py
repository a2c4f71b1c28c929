"""An example for every operation, built from the shapes themselves, so that none can be missing or
stale.
"""

from __future__ import annotations

from service.api.framework.bodies import Json
from service.api.framework.document import Document, ShapeObject

_BY_NAME: dict[str, Json] = {
    "email": "charles@babbage.example",
    "name": "Charles Babbage",
    "display_name": "Ada Lovelace",
    "full_name": "Charles Babbage",
    "country": "GB",
    "currency": "USD",
    "title": "Notes on the Analytical Engine",
    "description": "Translation and notes, with a first program.",
    "company": None,
    "note": "The notes are done; please look at the table first.",
    "external_ref": "ada-1815",
    "reason": "Agreed by telephone.",
    "reasons": "Half of the tables were handed over.",
    "claim": "The second table is missing.",
    "words": "The table of 12 March shows it.",
    "relationship": "existing_client",
    "fee_rate": "0.05",
    "reason_code": "terms",
    "clause": "Terms 7.2",
    "facts": "Two contracts name a client who does not exist.",
    "reference": "Bank transfer 42",
    "rate": "0.05",
    "hint": "x8Qf",
    "secret": "hf_test_shown_once",
    "scopes": ["contracts:read", "contracts:write"],
    "metadata": {"external_ref": "order-1843"},
    "cursor": None,
    "next_cursor": None,
    "object": "object",
    "actor": "freelancer:frl_01m82jfcv7et69qsget0gz6yqr",
    "kind": "direct",
    "role": "freelancer",
}
_PREFIXES = {
    "contract": "ctr",
    "contract_id": "ctr",
    "milestone": "mst",
    "milestone_id": "mst",
    "freelancer": "frl",
    "freelancer_id": "frl",
    "payment": "pay",
    "file": "fil",
    "file_id": "fil",
    "evidence_file": "fil",
}
_UUID = "01m82jfcv7et69qsget0gz6yqr"
_HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def example_of(schema: ShapeObject, components: dict[str, ShapeObject], name: str = "") -> Json:
    """A value that fits a JSON schema of ours."""
    if "$ref" in schema:
        return example_of(components[schema["$ref"].rpartition("/")[2]], components, name)
    if "example" in schema:
        return schema["example"]
    if schema.get("default") not in (None, "", {}, []):
        return schema["default"]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    return _by_kind(
        next((k for k in kind if k != "null"), "null") if isinstance(kind, list) else kind,
        schema,
        components,
        name,
    )


def _by_kind(
    kind: str | None, schema: ShapeObject, components: dict[str, ShapeObject], name: str
) -> Json:
    if kind == "object":
        return {
            key: example_of(inner, components, key)
            for key, inner in schema.get("properties", {}).items()
        }
    if kind == "array":
        items = schema.get("items", {})
        return (
            _BY_NAME[name]
            if name in _BY_NAME and "enum" not in items
            else [example_of(items, components, name)]
        )
    if kind == "string":
        return _text(schema, name)
    return {
        "integer": max(schema.get("minimum", 0), schema.get("examples", [1])[0]),
        "boolean": False,
    }.get(kind or "")


def _text(schema: ShapeObject, name: str) -> Json:
    form, pattern = schema.get("format"), schema.get("pattern", "")
    if form in ("date-time", "date"):
        return "2026-12-24T18:00:00+00:00" if form == "date-time" else "2026-12-24"
    if "_[0-7]" in pattern:
        return f"{pattern.removeprefix('^').removeprefix('(')[:3]}_{_UUID}"
    if name in _PREFIXES:
        return f"{_PREFIXES[name]}_{_UUID}"
    if "sha256" in name or name.endswith("_hash"):
        return _HASH
    return _BY_NAME.get(name, name.replace("_", " "))


def add_examples(spec: Document) -> None:
    """Put an example beside the body of every request and answer, and on every parameter that lacks
    one.
    """
    components = spec["components"]["schemas"]
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            if method not in ("get", "post", "patch", "delete"):
                continue
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            for media in (m for body in bodies for m in body.get("content", {}).values()):
                if media.get("schema"):
                    media["example"] = example_of(media["schema"], components, _named(path))
            for parameter in operation.get("parameters", []):
                if "example" not in parameter and parameter["in"] != "query":
                    parameter["example"] = _parameter(parameter["name"])


def _named(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _parameter(name: str) -> str:
    known = {
        "export_id": "exp",
        "invoice_id": "inv",
        "certificate_id": "crt",
        "accountant_link_id": "acl",
        "filing_id": "flg",
        "due_id": "txd",
        "amendment_id": "amd",
        "request_id": "rrq",
        "dispute_id": "dsp",
        "offer_id": "dof",
        "chargeback_id": "cbk",
        "movement_id": "flt",
        "explanation_id": "xpl",
        "key_id": "key",
        "staff_id": "stf",
        "appeal_id": "apl",
        "case_id": "cas",
        "hold_id": "hld",
        "pre_check_id": "pck",
        "requirement_id": "req",
        "suspension_id": "sus",
    }
    prefix = known.get(name) or _PREFIXES.get(name) or {"payout_id": "pyo"}.get(name)
    plain = {"export_name": "transactions", "form": "pdf", "month": "2026-01"}.get(name, "contract")
    return f"{prefix}_{_UUID}" if prefix else plain
